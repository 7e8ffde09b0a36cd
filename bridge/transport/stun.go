package transport

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"sync"
	"time"
)

// STUN message layout, RFC 8489 section 5:
//
//	 0                   1                   2                   3
//	 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//	|0 0|     STUN message type     |         message length        |
//	|                         magic cookie                          |
//	|                  transaction id (96 bits)                     |
const (
	stunHeader = 20
	stunCookie = 0x2112A442

	stunBindingRequest    = 0x0001
	stunBindingIndication = 0x0011
	stunBindingSuccess    = 0x0101
	stunBindingError      = 0x0111

	stunUsername = 0x0006
)

type transactionID [12]byte

// stunMessage is what the demultiplexer needs of a message.
type stunMessage struct {
	kind     uint16
	id       transactionID
	username []byte // nil: none
}

// parseSTUN walks the attributes of a message; what it accepts has
// consistent lengths throughout.
func parseSTUN(b []byte) (stunMessage, bool) {
	if len(b) < stunHeader || b[0]&0xc0 != 0 || binary.BigEndian.Uint32(b[4:]) != stunCookie {
		return stunMessage{}, false
	}
	if int(binary.BigEndian.Uint16(b[2:])) != len(b)-stunHeader || len(b)%4 != 0 {
		return stunMessage{}, false
	}
	m := stunMessage{kind: binary.BigEndian.Uint16(b)}
	copy(m.id[:], b[8:])
	for rest := b[stunHeader:]; len(rest) > 0; {
		if len(rest) < 4 {
			return stunMessage{}, false
		}
		kind, n := binary.BigEndian.Uint16(rest), int(binary.BigEndian.Uint16(rest[2:]))
		padded := (n + 3) &^ 3
		if len(rest) < 4+padded {
			return stunMessage{}, false
		}
		if kind == stunUsername && m.username == nil {
			m.username = rest[4 : 4+n]
		}
		rest = rest[4+padded:]
	}
	return m, true
}

// The rate of checks that one agent takes, and of those that it makes. A
// client sends a few a second.
const (
	stunRate  = 100 // a second
	stunBurst = 200
)

// bucket is a token bucket of stunRate and stunBurst; the zero value is full.
type bucket struct {
	spent float64
	at    time.Duration
}

func (b *bucket) take(now time.Duration) bool {
	b.spent = max(0, b.spent-float64(now-b.at)*stunRate/float64(time.Second))
	b.at = now
	if b.spent+1 > stunBurst {
		return false
	}
	b.spent++
	return true
}

// maxRemotes is how many addresses may pass checks with one agent. Without
// a limit a peer that forges its source addresses could make the bridge
// check as many hosts as it likes.
const maxRemotes = 32

// maxTransactions is how many of its own checks an agent waits for at once.
const maxTransactions = 256

// directory finds the agent that a STUN message is for: requests by our
// ufrag, answers by the transaction that they answer.
type directory struct {
	mu           sync.Mutex
	ufrags       map[string]*agent
	transactions map[transactionID]transaction
}

// transaction is one of our own checks that is not answered yet.
type transaction struct {
	conn *agentConn
	to   remoteKey
	at   time.Duration
}

// register enters a, unless its ufrag is taken.
func (d *directory) register(a *agent) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ufrags[a.ufrag] != nil {
		return false
	}
	d.ufrags[a.ufrag] = a
	return true
}

// remove takes a and its transactions out.
func (d *directory) remove(a *agent) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ufrags[a.ufrag] == a {
		delete(d.ufrags, a.ufrag)
	}
	for _, id := range a.sent {
		delete(d.transactions, id)
	}
	a.sent = nil
	a.removed = true
}

// request finds the agent of a request from k and takes one check off its
// rate.
func (d *directory) request(username []byte, k remoteKey, now time.Duration) (a *agent, allowed bool) {
	ufrag, _, ok := bytes.Cut(username, []byte{':'})
	if !ok {
		return nil, false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	a = d.ufrags[string(ufrag)]
	if a == nil {
		return nil, false
	}
	if _, known := a.remotes[k]; !known && len(a.remotes) >= maxRemotes {
		return a, false
	}
	return a, a.in.take(now)
}

// authenticated notes that a check from k passed.
func (d *directory) authenticated(a *agent, k remoteKey) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if a.remotes == nil {
		a.remotes = map[remoteKey]struct{}{}
	}
	a.remotes[k] = struct{}{}
}

// expect notes a check that is about to be sent; false: not now.
func (d *directory) expect(id transactionID, tr transaction) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	a := tr.conn.agent
	if a.removed || !a.out.take(tr.at) {
		return false
	}
	if len(a.sent) < maxTransactions {
		a.sent = append(a.sent, id)
	} else {
		delete(d.transactions, a.sent[a.oldest])
		a.sent[a.oldest] = id
		a.oldest = (a.oldest + 1) % maxTransactions
	}
	d.transactions[id] = tr
	return true
}

// answer finds, and ends, the transaction that a response from k answers.
func (d *directory) answer(id transactionID, k remoteKey) (transaction, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	tr, ok := d.transactions[id]
	if !ok || tr.to != k {
		return transaction{}, false
	}
	delete(d.transactions, id)
	return tr, true
}

// handleSTUN routes one message from k that arrived on s.
func (m *Mux) handleSTUN(s *socket, b []byte, k remoteKey, now time.Duration) {
	msg, ok := parseSTUN(b)
	if !ok {
		m.count.dropSTUN.Add(1)
		return
	}
	switch msg.kind {
	case stunBindingRequest:
		if msg.username == nil {
			m.handleStray(s, b, k)
			return
		}
		a, allowed := m.directory.request(msg.username, k, now)
		switch {
		case a == nil:
			m.count.dropSTUN.Add(1)
		case !allowed:
			m.count.dropQueue.Add(1)
		default:
			a.conns[k.local].deliver(b, k)
		}
	case stunBindingSuccess, stunBindingError:
		tr, ok := m.directory.answer(msg.id, k)
		if !ok {
			m.count.dropSTUN.Add(1)
			return
		}
		if msg.kind == stunBindingSuccess {
			tr.conn.agent.answered(b, k, tr.at, now)
		}
		tr.conn.deliver(b, k)
	case stunBindingIndication:
		// A keep-alive without authentication: nothing may follow from it.
	default:
		m.count.dropSTUN.Add(1)
	}
}

// handleStray offers a binding request without credentials to the hook.
func (m *Mux) handleStray(s *socket, b []byte, k remoteKey) {
	if m.OnStrayBinding == nil {
		m.count.dropSTUN.Add(1)
		return
	}
	from := k.addrPort()
	m.OnStrayBinding(b, from, func(response []byte) { m.write(s, response, from) })
}

// write sends one datagram at once; media goes through a Batch.
func (m *Mux) write(s *socket, b []byte, to netip.AddrPort) {
	if _, err := s.conn.WriteToUDPAddrPort(b, to); err != nil {
		m.count.dropSend.Add(1)
		return
	}
	m.count.datagramsOut.Add(1)
	m.count.bytesOut.Add(uint64(len(b)))
	m.count.sendCalls.Add(1)
}
