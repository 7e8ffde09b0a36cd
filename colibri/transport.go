package colibri

import "fmt"

// Transport describes one side of the connection between a bridge and an
// endpoint or another bridge.
type Transport struct {
	ICEControlling bool // of the bridge; create only
	UseUniquePort  bool // relays only
	ICERestart     bool // endpoints only
	ICE            *IceUDP
	SCTP           *SCTP
}

// IceUDP is a Jingle ICE-UDP transport (XEP-0176) with fingerprints
// (XEP-0320) and the addresses of colibri web sockets.
type IceUDP struct {
	Ufrag        string
	Pwd          string
	Generation   *int // ice-generation, tags a restart; nil: not given
	RTCPMux      bool
	Fingerprints []Fingerprint
	WebSockets   []WebSocket
	Candidates   []Candidate
}

// Candidate is one ICE candidate (XEP-0176).
type Candidate struct {
	Component  int
	Foundation string
	Generation int
	ID         string
	Network    int
	Priority   uint32
	Protocol   string // udp; anything else is for the reader to ignore
	Type       string // host, srflx, prflx, relay
	IP         Address
	Port       uint16
	RelAddr    Address // empty: not given
	RelPort    uint16
}

// Address is an IP address or host name as written. It prints as
// "[redacted]" in every form; convert to string to use it.
type Address string

// Format implements fmt.Formatter for all verbs.
func (Address) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte("[redacted]")) }

// Fingerprint is the hash of a DTLS certificate with the DTLS role of who
// sends it.
type Fingerprint struct {
	Hash    string // lower case
	Setup   string // actpass, active, passive or empty
	Value   string // colon-separated upper-case hexadecimal, as sent
	Cryptex bool
}

// WebSocket is the address of a colibri web socket. A relay that dials the
// other side says Active instead of giving an address.
type WebSocket struct {
	URL    string
	Active bool
}

// SCTP asks for, or describes, a data channel association.
type SCTP struct {
	Role string // client, server or empty
	Port int    // 0: not given
}
