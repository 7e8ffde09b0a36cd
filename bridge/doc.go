// Package bridge is the selective forwarding unit: conferences, endpoints,
// sources, and the way of a media packet through them.
//
// A newcomer reads two files. media.go is the packet line, from a datagram of
// one endpoint to the datagrams for all others:
//
//	socket > demux > decrypt > ingress > routes > egress (select, rewrite) > encrypt > socket
//
// modify.go is the request line, from a Colibri2 request to its answer:
//
//	xmpp > Bridge.Modify > conference queue > validate > apply > answer
//
// The other files, by what they are about:
//
//	bridge, conference, endpoint, source  the things there are
//	queue, errand, clock, rate            when things happen, and how often
//	validate, sources, describe           parts of the request line
//	routes, rtcp, loudest                 parts of the packet line
//	feeds, places, subscription           which sources a receiver has, under which SSRCs
//	video, bandwidth                      which layers it gets, and what its line carries
//	speaker, speaker_level, speech        who speaks, and who is told
//	channel, outbox, websocket            the bridge channel: in, out, and one carrier
//	statistics, counters, load            figures for Jicofo and the operator
//
// # Who may touch what
//
// Control state of a conference (its endpoints and sources, what receivers
// asked for, speaker order) belongs to the conference's queue: requests,
// bridge-channel messages, allocation and expiry are functions that run there
// one after the other (queue.go). There is no goroutine while it is empty.
//
// Media state is not touched by control. Each endpoint has two halves: the
// inward half (ingress, the inbound SRTP context) under inMu, the outward
// half (egress with its projections, the outbound SRTP context) under outMu.
// The locks are taken in the order inMu, outMu; never two outMu at once; and
// nobody takes an inMu while holding an outMu. Control publishes to the
// packet path through values: the routing table (routes.go) behind an atomic
// pointer, and target layers in projections.
//
// A reader goroutine of the transport runs Endpoint.Media from start to end
// and sends everything at the end of its batch; one housekeeping goroutine per
// bridge (clock.go) does what is due by time: repeated NACKs, reports, speaker
// decisions, allocation, expiry. There is no other goroutine and no ticker per
// endpoint beyond those of ICE, DTLS and SCTP.
//
// # Privacy
//
// Names, rooms and addresses are never logged; endpoints and conferences are
// called by counters of this process where a warning must tell them apart.
// Stats ids and room names of requests are not even kept.
package bridge
