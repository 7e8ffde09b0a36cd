package transport

import (
	"errors"
	"net/netip"
	"time"

	"steg/configs"
)

// Config is what Listen needs: the sections of the configuration that
// concern a connection.
type Config struct {
	ICE     configs.ICE
	DTLS    configs.DTLS
	SRTP    configs.SRTP
	SCTP    configs.SCTP
	Readers int // reader goroutines and sockets per local address; 0: GOMAXPROCS
}

// Options are what the focus decides about one transport.
type Options struct {
	Controlling       bool // the bridge nominates (ice-controlling)
	SCTP              bool // accept a data channel
	PrivateCandidates bool // the peer can reach private addresses (gateways, recorders, relays)
	UniquePort        bool // a port of its own; not implemented, the media port is used
}

// Peer is the owner of a transport. Media is called on reader goroutines,
// everything else on goroutines of the transport; no call is made with a
// lock held. A Peer must not call Transport.Close from these calls.
type Peer interface {
	// Media takes one SRTP or SRTCP datagram, still encrypted, that came
	// from an address bound to the transport. It is valid until return and
	// may be decrypted in place.
	Media(b *Batch, datagram []byte, now time.Duration)
	// Connected reports, once, that ICE and DTLS are up and keys are set.
	Connected()
	// Failed reports, once, that ICE or DTLS failed for good.
	Failed()
	// ChannelOpen reports a data channel that the peer opened.
	ChannelOpen(c *Channel)
	// ChannelMessage takes a message; text is valid until return.
	ChannelMessage(c *Channel, text []byte)
	// ChannelClosed ends a channel that was reported open.
	ChannelClosed(c *Channel)
}

// Description is what the bridge signals for a transport.
type Description struct {
	Ufrag, Pwd      string
	Candidates      []Candidate
	Fingerprint     string // upper-case hex with colons
	FingerprintHash string // sha-256
	Setup           string // actpass until the peer's role is known
	Generation      int    // of ICE; 0 before the first restart
	SCTPPort        int    // 0: no data channel
}

// Candidate is one ICE candidate as Colibri spells it. Addr and RelAddr are
// addresses of the bridge in a Description and of a participant in a
// Remote: never log one.
type Candidate struct {
	Foundation string
	Component  int
	Generation int
	Network    int
	ID         string
	Priority   uint32
	Protocol   string // udp
	Type       string // host or srflx; remote ones also prflx and relay
	Addr       netip.AddrPort
	RelAddr    netip.AddrPort // zero: none
}

// Remote is what the peer signalled.
type Remote struct {
	Ufrag, Pwd   string
	Fingerprints []Fingerprint
	Setup        string // active, passive or actpass
	Candidates   []Candidate
	Generation   int // of ICE; below 0: none given
}

// Fingerprint is a certificate's hash function and hash in hex with colons.
type Fingerprint struct{ Hash, Value string }

// RestartResult says what came of a request to restart ICE.
type RestartResult int

// The results of RestartICE.
const (
	RestartStarted RestartResult = iota // the description is that of the new generation
	RestartKept                         // ICE was never up: the present description stands
	RestartRefused                      // switched off or closed: no description
)

// Overhead is the most bytes that SRTP or SRTCP protection adds.
const Overhead = 32

// SCTPPort is the SCTP port of both sides.
const SCTPPort = 5000

// MaxMessage is the longest data channel message, either way.
const MaxMessage = 256 << 10

// Errors that callers tell apart.
var (
	// ErrNotReady reports media before the keys are known.
	ErrNotReady = errors.New("transport has no keys yet")
	// ErrFull reports a data channel queue without room: the message is lost.
	ErrFull = errors.New("channel queue is full")
	// ErrClosed reports use of a closed mux, transport or channel.
	ErrClosed = errors.New("transport is closed")
	// ErrNoAddress reports that no local address passes the filters.
	ErrNoAddress = errors.New("no usable local address: see ice4j.harvest allowed and blocked addresses and interfaces")
	// ErrTooLong reports a message above MaxMessage or a packet without room.
	ErrTooLong = errors.New("message is too long")
	// ErrReplayed reports a packet that was protected or received before.
	ErrReplayed = errors.New("packet was seen before")
	// ErrAuth reports a packet that the peer did not protect.
	ErrAuth = errors.New("packet is not authentic")
	// ErrSSRCs reports a stream beyond those that one transport may have.
	ErrSSRCs = errors.New("too many SSRCs")
	// ErrFingerprint reports signalled fingerprints of which none is usable.
	ErrFingerprint = errors.New("no fingerprint with an accepted hash function")
)

// Stats counts what a mux did since Listen.
type Stats struct {
	DatagramsIn, BytesIn   uint64
	DatagramsOut, BytesOut uint64
	SendCalls              uint64 // system calls for the datagrams out
	Transports             int

	DropShort      uint64 // empty, or too short for their first byte
	DropLong       uint64 // longer than packet.MaxDatagram
	DropUnknown    uint64 // no transport is bound to the remote address
	DropKind       uint64 // first byte is none of STUN, DTLS, RTP
	DropSTUN       uint64 // malformed STUN, unknown ufrag or transaction
	DropQueue      uint64 // a transport's STUN or DTLS queue was full or over its rate
	DropEarly      uint64 // media before keys
	DropUnselected uint64 // outgoing, no address to send to yet
	DropSend       uint64 // outgoing, the kernel refused

	AuthFailures uint64 // SRTP or SRTCP that did not authenticate
	Replays      uint64 // SRTP or SRTCP received twice
	DTLSFailures uint64
	ICEFailures  uint64
	ICERestarts  uint64
	Channels     uint64 // data channels opened
	DropChannels uint64 // data channels beyond the limit
}
