package transport

import (
	"crypto/rand"
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/stun/v4"
)

// How the agents check. Nomination waits for nothing: the first pair that
// works carries the call, as the Jitsi Videobridge does.
const (
	checkInterval = 100 * time.Millisecond
	// Checks go on for as long as the agent may take to connect: clients
	// appear late behind signalling.
	maxChecks           = 1000
	disconnectedTimeout = 5 * time.Second
	failedTimeout       = 25 * time.Second // with the above: RFC 7675's 30 s
)

// agent is one generation of ICE of one transport: a full agent of pion/ice
// that sees STUN only. It gathers nothing: a local address becomes one of
// its candidates when the first check arrives there, or when the peer
// signals candidates of that family.
type agent struct {
	t          *Transport
	generation int
	ufrag, pwd string
	ice        *ice.Agent
	conns      []*agentConn // by local address

	// Guarded by Transport.mu. remotePwd is set before the first check is
	// sent and read when one is answered.
	started                bool
	remoteUfrag, remotePwd string
	candidates             int

	// Guarded by directory.mu.
	sent    []transactionID // ring of own checks
	oldest  int
	removed bool
	in, out bucket                 // rates of checks
	remotes map[remoteKey]struct{} // addresses with an authenticated check

	closing sync.Once
}

const credentialAlphabet = "abcdefghijklmnopqrstuvwxyz0123456789"

// credential makes a random string of n letters, 5 bits each.
func credential(n int) string {
	b := make([]byte, n)
	out := make([]byte, 0, n)
	for len(out) < n {
		_, _ = rand.Read(b) // never fails
		for _, c := range b {
			// Reject the remainder, so that every letter is as likely.
			if c < 252 && len(out) < n {
				out = append(out, credentialAlphabet[int(c)%len(credentialAlphabet)])
			}
		}
	}
	return string(out)
}

// newAgent makes an agent that waits for the remote credentials.
func (t *Transport) newAgent(generation int) (*agent, error) {
	m := t.mux
	a := &agent{t: t, generation: generation, pwd: credential(24)}
	for _, la := range m.addrs {
		a.conns = append(a.conns, newAgentConn(a, la))
	}
	for {
		a.ufrag = m.cfg.ICE.UfragPrefix + credential(8)
		if m.directory.register(a) {
			break
		}
	}
	var err error
	a.ice, err = ice.NewAgentWithOptions(m.agentOptions(a.ufrag, a.pwd)...)
	if err != nil {
		m.directory.remove(a)
		return nil, errors.New("make ICE agent")
	}
	_ = a.ice.OnConnectionStateChange(func(s ice.ConnectionState) {
		if s == ice.ConnectionStateFailed {
			t.agentFailed(a)
		}
	})
	_ = a.ice.OnSelectedCandidatePairChange(a.selected)
	return a, nil
}

func (m *Mux) agentOptions(ufrag, pwd string) []ice.AgentOption {
	keepalive := m.cfg.ICE.ConsentInterval // pion caps it at 2 s
	if keepalive <= 0 {
		keepalive = 2 * time.Second
	}
	opts := []ice.AgentOption{
		ice.WithNet(m.network),
		ice.WithNetworkTypes([]ice.NetworkType{ice.NetworkTypeUDP4, ice.NetworkTypeUDP6}),
		ice.WithCandidateTypes([]ice.CandidateType{ice.CandidateTypeHost}),
		ice.WithMulticastDNSMode(ice.MulticastDNSModeDisabled),
		ice.WithLocalCredentials(ufrag, pwd),
		ice.WithLoggerFactory(muted{}),
		ice.WithCheckInterval(checkInterval),
		ice.WithMaxBindingRequests(maxChecks),
		ice.WithKeepaliveInterval(keepalive),
		ice.WithDisconnectedTimeout(m.disconnectAfter),
		ice.WithFailedTimeout(m.failAfter),
		ice.WithHostAcceptanceMinWait(0),
		ice.WithSrflxAcceptanceMinWait(0),
		ice.WithPrflxAcceptanceMinWait(0),
		ice.WithRelayAcceptanceMinWait(0),
		ice.WithDisableActiveTCP(),
	}
	if m.cfg.ICE.AllowLoopback {
		opts = append(opts, ice.WithIncludeLoopback())
	}
	return opts
}

// start begins the checks. The caller holds Transport.mu.
func (a *agent) start(ufrag, pwd string) error {
	a.started = true
	a.remoteUfrag, a.remotePwd = ufrag, pwd
	var err error
	if a.t.opts.Controlling {
		_, err = a.ice.StartDial(ufrag, pwd)
	} else {
		_, err = a.ice.StartAccept(ufrag, pwd)
	}
	if err != nil {
		return errors.New("start ICE checks")
	}
	return nil
}

// correct takes credentials that replace those the checks began with. The
// caller holds Transport.mu.
func (a *agent) correct(ufrag, pwd string) error {
	if ufrag == "" || pwd == "" || (ufrag == a.remoteUfrag && pwd == a.remotePwd) {
		return nil
	}
	a.remoteUfrag, a.remotePwd = ufrag, pwd
	if err := a.ice.SetRemoteCredentials(ufrag, pwd); err != nil {
		return errors.New("change ICE credentials")
	}
	return nil
}

// maxCandidates bounds the checks that one peer can make us send.
const maxCandidates = 20

// addCandidate lets the agent check a signalled address. The caller holds
// Transport.mu.
func (a *agent) addCandidate(c Candidate) {
	if a.candidates >= maxCandidates || !a.t.mayCheck(c) {
		return
	}
	remote, err := ice.NewCandidateHost(&ice.CandidateHostConfig{
		Network: "udp", Address: c.Addr.Addr().Unmap().String(), Port: int(c.Addr.Port()),
		Component: 1, Priority: c.Priority, Foundation: c.Foundation,
	})
	if err != nil {
		return
	}
	a.candidates++
	for _, conn := range a.conns {
		if conn.local.v4 == c.Addr.Addr().Unmap().Is4() && conn.opened.CompareAndSwap(false, true) {
			conn.open()
		}
	}
	_ = a.ice.AddRemoteCandidate(remote)
}

// mayCheck keeps a peer from making the bridge send to addresses inside its
// own site, to itself or to nobody.
func (t *Transport) mayCheck(c Candidate) bool {
	addr := c.Addr.Addr().Unmap()
	loopback := t.mux.cfg.ICE.AllowLoopback
	switch {
	case !strings.EqualFold(c.Protocol, "udp") || c.Addr.Port() == 0 || !addr.IsValid() || addr.Zone() != "":
		return false
	case addr.IsUnspecified() || addr.IsMulticast() || addr.IsLinkLocalUnicast():
		return false
	case addr.IsLoopback():
		return loopback && !t.mux.owns(c.Addr)
	case isPrivate(addr):
		return (t.opts.PrivateCandidates || loopback) && !t.mux.owns(c.Addr)
	}
	return !t.mux.owns(c.Addr)
}

// answered is told, on a reader, that k answered one of the agent's checks.
// Reaching the transaction id proves that k receives what we send there.
func (a *agent) answered(b []byte, k remoteKey, sent, now time.Duration) {
	t := a.t
	t.touch(now)
	p := t.path.Load()
	if p != nil && p.key == k {
		t.noteRTT(now - sent)
		if t.mux.bindings.get(k) == t {
			return
		}
	}
	if !a.authentic(b) {
		return
	}
	t.mux.bindings.bind(k, t, true)
	t.validated(a, k)
}

// authentic checks the integrity of a response; the agent does so again.
func (a *agent) authentic(b []byte) bool {
	a.t.mu.Lock()
	pwd := a.remotePwd
	a.t.mu.Unlock()
	msg := &stun.Message{Raw: append([]byte(nil), b...)}
	return msg.Decode() == nil && stun.NewShortTermIntegrity(pwd).Check(msg) == nil
}

// selected is pion's word that the pair is nominated and works.
func (a *agent) selected(local, remote ice.Candidate) {
	m := a.t.mux
	own, err := networkAddress(local.Address(), local.Port())
	if err != nil {
		return
	}
	to, err := networkAddress(remote.Address(), remote.Port())
	if err != nil {
		return
	}
	for _, la := range m.addrs {
		if la.addr == own {
			a.t.agentSelected(a, keyOf(to, la.index))
			return
		}
	}
}

// close stops the agent and waits for its goroutines. It must not be called
// from the agent's own callbacks.
func (a *agent) close() {
	a.closing.Do(func() {
		a.t.mux.directory.remove(a)
		if a.ice != nil {
			_ = a.ice.GracefulClose()
		}
	})
}

// stunQueue is how many messages wait for one agent on one address. When it
// is full the oldest goes: the newest check is the one that still matters.
const stunQueue = 32

// agentConn is the agent's view of one local address.
type agentConn struct {
	agent  *agent
	local  *localAddr
	queue  chan *datagram
	closed chan struct{}
	once   sync.Once
	opened atomic.Bool // it is a candidate, or about to be
}

func newAgentConn(a *agent, la *localAddr) *agentConn {
	return &agentConn{
		agent: a, local: la,
		queue:  make(chan *datagram, stunQueue),
		closed: make(chan struct{}),
	}
}

// open makes the address one of the agent's candidates.
func (c *agentConn) open() {
	addr := c.local.addr
	host, err := ice.NewCandidateHost(&ice.CandidateHostConfig{
		Network: "udp", Address: addr.Addr().String(), Port: int(addr.Port()), Component: 1,
	})
	if err == nil {
		_ = c.agent.ice.AddVirtualCandidate(host, c) // fails once the agent is closed
	}
}

// deliver queues a copy of b for the agent.
func (c *agentConn) deliver(b []byte, from remoteKey) {
	m := c.agent.t.mux
	if c.opened.CompareAndSwap(false, true) {
		c.agent.t.spawn(c.open)
	}
	d := m.newDatagram(b, from)
	for range 2 {
		select {
		case c.queue <- d:
			return
		default:
		}
		select {
		case old := <-c.queue:
			m.freeDatagram(old)
			m.count.dropQueue.Add(1)
		default:
		}
	}
	m.freeDatagram(d)
	m.count.dropQueue.Add(1)
}

// ReadFromAddrPort implements ice.AddrPortReaderWriter.
func (c *agentConn) ReadFromAddrPort(b []byte) (int, netip.AddrPort, error) {
	select {
	case d := <-c.queue:
		n, from := copy(b, d.buf[:d.n]), d.from.addrPort()
		c.agent.t.mux.freeDatagram(d)
		return n, from, nil
	case <-c.closed:
		return 0, netip.AddrPort{}, net.ErrClosed
	}
}

// WriteToAddrPort implements ice.AddrPortReaderWriter. What the agent sends
// tells what it knows: a success response means that it authenticated a
// check from that address.
func (c *agentConn) WriteToAddrPort(b []byte, to netip.AddrPort) (int, error) {
	select {
	case <-c.closed:
		return 0, io.ErrClosedPipe
	default:
	}
	t := c.agent.t
	now := t.mux.Now()
	k := keyOf(to, c.local.index)
	if msg, ok := parseSTUN(b); ok {
		switch msg.kind {
		case stunBindingRequest:
			if !t.mux.directory.expect(msg.id, transaction{conn: c, to: k, at: now}) {
				return len(b), nil // later
			}
		case stunBindingSuccess:
			t.touch(now)
			t.mux.directory.authenticated(c.agent, k)
			t.mux.bindings.bind(k, t, false)
		}
	}
	t.mux.write(c.local.sockets[0], b, to)
	return len(b), nil
}

// ReadFrom implements net.PacketConn.
func (c *agentConn) ReadFrom(b []byte) (int, net.Addr, error) {
	n, from, err := c.ReadFromAddrPort(b)
	if err != nil {
		return 0, nil, err
	}
	return n, net.UDPAddrFromAddrPort(from), nil
}

// WriteTo implements net.PacketConn.
func (c *agentConn) WriteTo(b []byte, to net.Addr) (int, error) {
	udp, ok := to.(*net.UDPAddr)
	if !ok {
		return 0, io.ErrClosedPipe
	}
	return c.WriteToAddrPort(b, udp.AddrPort())
}

// Close implements net.PacketConn.
func (c *agentConn) Close() error {
	c.once.Do(func() { close(c.closed) })
	return nil
}

// LocalAddr implements net.PacketConn.
func (c *agentConn) LocalAddr() net.Addr { return c.local.netAddr }

// SetDeadline implements net.PacketConn; the agent closes what it waits for.
func (c *agentConn) SetDeadline(time.Time) error { return nil }

// SetReadDeadline implements net.PacketConn.
func (c *agentConn) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline implements net.PacketConn.
func (c *agentConn) SetWriteDeadline(time.Time) error { return nil }
