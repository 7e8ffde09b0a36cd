// Package ingress is the inward media side of one sending endpoint: it takes
// the endpoint's decrypted RTP packets one by one and hands on those that are
// worth forwarding, with everything that receivers need to know about them
// worked out once. It also writes what the endpoint has to hear in return:
// transport-wide feedback, NACKs and receiver reports.
//
// It is pure state: no goroutine, no socket, no clock. Times are durations on
// the caller's monotonic clock. The caller serialises all calls with the
// endpoint's ingress mutex; only Source.Layers and the rings may be read
// without it. It knows nothing of receivers, conferences or encryption;
// packets reach it only after they were authenticated, so that forged ones
// change nothing here.
//
// Start with Ingress.RTP in ingress.go, which names its phases. A stream
// (stream.go) is the state of one encoding; it is made of small parts with a
// file each: window (duplicates), closer (numbers of packets dropped on
// purpose), losses (what to ask for again), reception (RFC 3550 statistics)
// and meter (rates). arrivals (tcc.go) is the one part that belongs to the
// endpoint as a whole.
//
// Specifications: RFC 3550, RFC 4585 (NACK), RFC 4588 (RTX), RFC 6464 (audio
// level), draft-holmer-rmcat-transport-wide-cc-extensions-01.
package ingress
