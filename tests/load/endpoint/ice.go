package endpoint

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"strings"
	"time"

	"github.com/pion/stun/v4"

	"steg/colibri"
)

const (
	checkInterval   = 50 * time.Millisecond
	consentInterval = 2500 * time.Millisecond
	priority        = 0x7effffff // of a host candidate
)

// iceState is a controlled ICE agent (RFC 8445) with one host candidate that
// is never told to the other side: the bridge learns it from the checks.
// Guarded by Endpoint.mu.
type iceState struct {
	ufrag, pwd   string
	remote       *colibri.IceUDP
	candidates   []netip.AddrPort
	selected     netip.AddrPort // where media goes; not valid: nowhere yet
	nominated    bool
	transactions map[[stun.TransactionIDSize]byte]netip.AddrPort
	nextCheck    time.Duration
	ready        chan struct{} // closed when a pair is selected
}

func newICEState() iceState {
	return iceState{
		ufrag: randomHex(4), pwd: randomHex(12), ready: make(chan struct{}),
		transactions: make(map[[stun.TransactionIDSize]byte]netip.AddrPort),
	}
}

func randomHex(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

// setRemote starts the checks.
func (s *iceState) setRemote(remote *colibri.IceUDP) {
	s.remote = remote
	for _, c := range remote.Candidates {
		addr, err := netip.ParseAddr(string(c.IP))
		if err == nil && addr.Is4() && c.Protocol == "udp" {
			s.candidates = append(s.candidates, netip.AddrPortFrom(addr, c.Port))
		}
	}
}

// checks writes the binding requests that are due.
func (s *iceState) checks(now time.Duration, send func(to netip.AddrPort, m *stun.Message)) {
	if s.remote == nil || now < s.nextCheck {
		return
	}
	targets := s.candidates
	s.nextCheck = now + checkInterval
	if s.nominated {
		targets = []netip.AddrPort{s.selected}
		s.nextCheck = now + consentInterval
	}
	if len(s.transactions) > 1000 {
		clear(s.transactions)
	}
	var value [8]byte
	_, _ = rand.Read(value[:]) // tie-breaker, only looked at in role conflicts
	for _, to := range targets {
		m, err := stun.Build(stun.BindingRequest, stun.TransactionID,
			stun.NewUsername(s.remote.Ufrag+":"+s.ufrag),
			stun.RawAttribute{Type: stun.AttrPriority, Value: binary.BigEndian.AppendUint32(nil, priority)},
			stun.RawAttribute{Type: stun.AttrICEControlled, Value: value[:]},
			stun.NewShortTermIntegrity(s.remote.Pwd), stun.Fingerprint)
		if err == nil {
			s.transactions[m.TransactionID] = to
			send(to, m)
		}
	}
}

// receive takes one STUN message and returns the answer to send, if any.
func (s *iceState) receive(d datagram) *stun.Message {
	m := &stun.Message{Raw: append([]byte(nil), d.data...)}
	if m.Decode() != nil {
		return nil
	}
	switch m.Type {
	case stun.BindingRequest:
		return s.answer(m, d)
	case stun.BindingSuccess:
		to, ok := s.transactions[m.TransactionID]
		if !ok || stun.NewShortTermIntegrity(s.remote.Pwd).Check(m) != nil {
			return nil
		}
		delete(s.transactions, m.TransactionID)
		if !s.nominated {
			s.choose(to)
		}
	}
	return nil
}

func (s *iceState) answer(m *stun.Message, d datagram) *stun.Message {
	var user stun.Username
	if user.GetFrom(m) != nil || !strings.HasPrefix(string(user), s.ufrag+":") {
		return nil
	}
	integrity := stun.NewShortTermIntegrity(s.pwd)
	if integrity.Check(m) != nil {
		return nil
	}
	if m.Contains(stun.AttrUseCandidate) {
		s.nominated = true
		s.choose(d.from)
	}
	answer, err := stun.Build(stun.NewTransactionIDSetter(m.TransactionID), stun.BindingSuccess,
		&stun.XORMappedAddress{IP: d.from.Addr().AsSlice(), Port: int(d.from.Port())}, integrity, stun.Fingerprint)
	if err != nil {
		return nil
	}
	return answer
}

func (s *iceState) choose(to netip.AddrPort) {
	if !s.selected.IsValid() {
		close(s.ready)
	}
	s.selected = to
}
