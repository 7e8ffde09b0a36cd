// Package egress is the outward media side of one endpoint: it turns packets
// of other endpoints' sources into the packets that this receiver gets.
//
// An Egress holds what is common to the receiver: payload types, header
// extension ids, the transport-wide sequence number, round-trip time and
// loss. A Projection is one source as this receiver sees it: it selects which
// packets pass and rewrites what passes, so that the receiver sees one stream
// with continuous numbers whatever encodings stand behind it.
//
//	Forward:  select (select.go, by codec) > number (numbers.go) > time (clock.go)
//	          > header (forward.go) > payload (by codec, red.go)
//	RTCP in:  feedback.go; lost packets are answered in rtx.go
//	RTCP out: report.go
//
// What differs by codec stands behind one interface (codec.go): vp8.go, vp9.go,
// and dependent.go for whatever carries dependency descriptors, which today
// are AV1 and H.264. They look at descriptors only, so payloads may be
// encrypted end to end; H.264 without descriptors is looked at for keyframes.
//
// Everything is plain state without locks, goroutines or clocks: the caller
// holds the receiver's mutex and passes the time in. Only targets and
// statistics of a projection are atomic. The package knows no sockets, no
// encryption and no conference; what it writes is plain RTP and RTCP. A
// forwarded packet costs no allocation. A projection takes about 1 KiB when
// idle and below 6 KiB in a lossy call with layers; it keeps no packets, lost
// ones are read from the rings of the source.
//
// It implements the middlebox side of RFC 3550 (RTP, RTCP), RFC 4585 and RFC
// 5104 (feedback), RFC 4588 (RTX), RFC 7741 (VP8), RFC 9628 (VP9), the AV1 RTP
// payload format (dependency descriptor), RFC 2198 (RED) and RFC 8285 (header
// extensions).
package egress
