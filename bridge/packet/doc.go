// Package packet is the bridge's view of RTP and RTCP bytes: header,
// extensions, payload descriptors, sequence arithmetic, RTCP packets and the
// ring that keeps recent packets for retransmission.
//
// It is pure: no sockets, no clock, no log, no knowledge of endpoints or
// conferences. Times are durations on a monotonic clock that the caller
// passes in. Functions on the packet path do not allocate: they read the
// caller's bytes and write into the caller's buffers.
//
// Input comes from the network and may be anything; a parser answers false or
// ErrMalformed and never panics. End-to-end encrypted media is normal, so
// nothing behind the payload descriptors is ever required to make sense.
//
// Start with Packet (packet.go), the record that ingress hands to egress,
// then header.go and extension.go. Each codec has a file, RTCP has rtcp.go,
// report.go, feedback.go and tcc.go.
//
// Specifications: RFC 3550 (RTP, RTCP), RFC 8285 (header extensions),
// RFC 7741 (VP8), RFC 9628 (VP9), the AV1 RTP payload format (dependency
// descriptor), RFC 6184 (H.264), RFC 2198 (RED), RFC 4585 and RFC 5104
// (feedback), draft-holmer-rmcat-transport-wide-cc-extensions-01 (TCC) and
// draft-alvestrand-rmcat-remb-03 (REMB).
package packet
