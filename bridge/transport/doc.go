// Package transport is one endpoint's connection, and the media port that
// all of them share: sockets, ICE, DTLS, SRTP and SCTP. It knows nothing of
// conferences, sources or what packets carry.
//
// # Start here
//
// Listen binds the port and Mux.NewTransport makes a Transport, whose owner
// implements Peer. A datagram's way in is reader.go: a batch is read with one
// system call and each datagram goes by its first byte (RFC 7983). STUN goes
// by its contents (stun.go), everything else by the remote address
// (bindings.go). The way out is Batch: Reserve a buffer, write and encrypt a
// packet there, Commit it; Flush sends each receiver's packets together
// (batch.go, send.go).
//
// # Who may speak
//
// An address counts once a check from it was authenticated with the
// credentials of a transport; there is no learning from media and no
// handshake with strangers. An address that another transport holds moves
// only after our own check to it was answered, so that nobody can divert a
// participant's media by forging its address, and a client that joins again
// from the same socket is heard at once.
//
// # Owners
//
// A reader runs a batch to completion and takes no lock but the moment's
// one of the STUN directory. Transport.mu guards signalling state and is
// never held during input or output or while the Peer is called. SRTP
// contexts belong to the caller's mutexes: DecryptRTP and DecryptRTCP to one,
// EncryptRTP and EncryptRTCP to another.
//
// # Goroutines
//
// Per local address and core: one reader. Per transport: one of the ICE
// agent, one more once checks run and one for each local address that the
// peer checks (twice for the seconds of an ICE restart); three of pion/dtls
// and one that waits for it; with SCTP three of pion/sctp, and one for each
// open channel, with a writer for as long as messages are queued. A client on
// one address has 7 without and 11 with its data channel. Nothing ticks but
// what ICE and SCTP need.
//
// # Privacy
//
// No address appears in a log line or an error of this package; the
// libraries' loggers are muted, because their texts contain addresses.
//
// Specifications: RFC 8445 (ICE), RFC 8489 (STUN), RFC 7675 (consent), RFC
// 5764 (DTLS-SRTP), RFC 8122 (fingerprints), RFC 3711 and 7714 (SRTP), RFC
// 8831 and 8832 (data channels).
package transport
