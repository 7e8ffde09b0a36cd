// Package endpoint is a crowd of synthetic endpoints: they speak ICE, DTLS,
// SRTP and SCTP to a bridge, send Opus and VP8 simulcast in the packet sizes
// and bursts of a browser, and count what comes back. Nothing is encoded or
// decoded; payloads carry the time at which they were sent.
//
// All endpoints of a Network share one socket, one reading goroutine and one
// sending goroutine, so that the crowd costs less than the bridge under
// test. They differ by address: each has its own within 127.0.0.0/8, all on
// one port, told apart by IP_PKTINFO. The crowd and the bridge have to be on
// one machine. Goroutines of an endpoint's own are pion's for DTLS and SCTP,
// which sleep once the call is up.
//
// The lines: a tick of Network.sendLoop makes packets (sender.go, video.go),
// encrypts and sends them (endpoint.go); Network.readLoop hands a datagram to
// ICE (ice.go), DTLS (secure.go) or the counters (receiver.go, stream.go);
// what has to be answered goes out with the next tick (feedback.go).
//
// Start with NewCall, which sets up a whole conference through any bridge
// that takes Colibri2 requests.
package endpoint
