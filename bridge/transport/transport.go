package transport

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/dtls/v3"
)

// Transport is the connection of one endpoint or relay.
type Transport struct {
	// Set once.
	mux    *Mux
	opts   Options
	peer   Peer
	cert   *certificate
	index  uint32 // dense, for tables of batches; reused after Close
	dtlsIn *pipe
	wg     sync.WaitGroup // every goroutine that is not an agent's

	// Atomic: what readers and batches go by.
	path     atomic.Pointer[path] // nil until a pair works, and after Close
	keys     atomic.Pointer[keys] // nil until the handshake is over
	ready    atomic.Bool          // a pair is selected and keys are set; never false again
	activity atomic.Int64         // time of the last authenticated datagram, 0: none
	rtt      atomic.Int64         // smoothed

	// Guarded by bindings.mu.
	bound   []remoteKey
	unbound bool

	mu          sync.Mutex // guards what follows; held for moments only
	closed      bool
	current     *agent
	pending     *agent // of an ICE restart
	expiry      *time.Timer
	old         map[*agent]*time.Timer // replaced, kept for late packets
	generation  int                    // last one given out
	established bool                   // a pair was selected once
	broken      bool                   // current failed while pending may still succeed
	failed      bool
	role        role
	verify      *verifier // of the peer's certificate
	dtls        *dtls.Conn
	handshaking bool
}

// role is the bridge's side of the DTLS handshake.
type role int

const (
	roleUnknown role = iota
	roleServer
	roleClient
)

// Describe is what is signalled to the peer now.
func (t *Transport) Describe() Description {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.describe(t.current)
}

func (t *Transport) describe(a *agent) Description {
	d := Description{
		Ufrag: a.ufrag, Pwd: a.pwd,
		Fingerprint: t.cert.fingerprint, FingerprintHash: "sha-256",
		Generation: a.generation,
	}
	switch t.role {
	case roleServer:
		d.Setup = "passive"
	case roleClient:
		d.Setup = "active"
	default:
		d.Setup = "actpass"
	}
	if t.opts.SCTP {
		d.SCTPPort = SCTPPort
	}
	list := t.mux.candidates
	if !t.mux.cfg.ICE.AdvertisePrivateCandidates && !t.opts.PrivateCandidates {
		list = withoutPrivate(list)
	}
	for i, c := range list {
		c.ID = fmt.Sprintf("%s%d", a.ufrag, i+1)
		d.Candidates = append(d.Candidates, c)
	}
	return d
}

// SetRemote takes what the peer signalled. Parts that are empty leave what
// is known; repeating a call changes nothing.
func (t *Transport) SetRemote(r Remote) error {
	var check *verifier
	if len(r.Fingerprints) > 0 {
		var err error
		if check, err = newVerifier(r.Fingerprints, t.mux.hashes); err != nil {
			return err
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return ErrClosed
	}
	if !t.handshaking {
		if check != nil {
			t.verify = check
		}
		switch r.Setup {
		case "active":
			t.role = roleServer
		case "passive":
			t.role = roleClient
		}
	}
	if err := t.setRemoteICE(r); err != nil {
		return err
	}
	t.startDTLS()
	return nil
}

// setRemoteICE hands credentials and candidates to the agent that they are
// for. The caller holds mu.
func (t *Transport) setRemoteICE(r Remote) error {
	a := t.current
	switch {
	case t.pending != nil && r.Generation == t.pending.generation:
		a = t.pending
	case r.Generation >= 0 && r.Generation != t.current.generation:
		return nil // of a generation that is over
	case t.established:
		return nil // the established agent needs nothing more
	}
	if !a.started {
		if r.Ufrag == "" || r.Pwd == "" {
			return nil
		}
		if err := a.start(r.Ufrag, r.Pwd); err != nil {
			return err
		}
	} else if err := a.correct(r.Ufrag, r.Pwd); err != nil {
		return err
	}
	for _, c := range r.Candidates {
		a.addCandidate(c)
	}
	return nil
}

// Ready reports that a pair is selected and keys are set.
func (t *Transport) Ready() bool { return t.ready.Load() }

// LastActivity is when the peer was last heard, authenticated; 0: never.
func (t *Transport) LastActivity() time.Duration { return time.Duration(t.activity.Load()) }

// RTT is the smoothed round trip of ICE checks on the path in use; 0:
// unknown.
func (t *Transport) RTT() time.Duration { return time.Duration(t.rtt.Load()) }

func (t *Transport) touch(now time.Duration) { t.activity.Store(int64(now)) }

func (t *Transport) noteRTT(d time.Duration) {
	old := t.rtt.Load()
	if old == 0 {
		t.rtt.Store(int64(d))
		return
	}
	t.rtt.Store((7*old + int64(d)) / 8)
}

// newPath is the way to k.
func (t *Transport) newPath(k remoteKey) *path {
	la := t.mux.addrs[k.local]
	p := &path{key: k, local: la}
	p.sa, p.saLen = k.sockaddr(la.v4)
	return p
}

// spawn runs f on a goroutine that Close waits for.
func (t *Transport) spawn(f func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.closed {
		t.wg.Go(f)
	}
}

// validated: a check of a's to k was answered. The first such address may be
// sent to, long before ICE is done.
func (t *Transport) validated(a *agent, k remoteKey) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed || a != t.current {
		return
	}
	if t.path.Load() == nil {
		t.path.Store(t.newPath(k))
	}
	t.startDTLS()
}

// agentSelected: a nominated the pair to k.
func (t *Transport) agentSelected(a *agent, k remoteKey) {
	t.mu.Lock()
	if t.closed || (a != t.current && a != t.pending) {
		t.mu.Unlock()
		return
	}
	if a == t.pending {
		t.cutOver()
	}
	t.established = true
	if p := t.path.Load(); p == nil || p.key != k {
		t.path.Store(t.newPath(k))
		t.rtt.Store(0)
	}
	t.mux.bindings.bind(k, t, true)
	t.startDTLS()
	t.mu.Unlock()
	t.checkReady()
}

// agentFailed: a gave up.
func (t *Transport) agentFailed(a *agent) {
	t.mu.Lock()
	if t.closed {
		t.mu.Unlock()
		return
	}
	t.mux.count.iceFailures.Add(1)
	gone := false
	switch a {
	case t.pending:
		t.dropPending()
		gone = t.broken
	case t.current:
		t.broken = true
		gone = t.pending == nil
	}
	t.mu.Unlock()
	if gone {
		t.fail()
	}
}

// checkReady reports Connected once both halves are there.
func (t *Transport) checkReady() {
	t.mu.Lock()
	up := !t.closed && !t.failed && t.established && t.keys.Load() != nil && !t.ready.Load()
	if up {
		t.ready.Store(true)
	}
	t.mu.Unlock()
	if up {
		t.peer.Connected()
	}
}

// fail reports Failed once.
func (t *Transport) fail() {
	t.mu.Lock()
	report := !t.closed && !t.failed
	t.failed = true
	t.mu.Unlock()
	if report {
		t.peer.Failed()
	}
}

// Close frees the ufrag and the addresses, stops every goroutine and waits
// for it. Packets that are committed but not flushed are dropped.
func (t *Transport) Close() {
	t.mu.Lock()
	if t.closed {
		t.mu.Unlock()
		t.wg.Wait()
		return
	}
	t.closed = true
	agents := []*agent{t.current}
	if t.pending != nil {
		agents = append(agents, t.pending)
	}
	if t.expiry != nil {
		t.expiry.Stop()
	}
	for a, timer := range t.old {
		timer.Stop()
		agents = append(agents, a)
	}
	conn := t.dtls
	t.mu.Unlock()

	t.mux.bindings.release(t)
	if conn != nil {
		_ = conn.Close() // says goodbye over the path, so before it goes
	}
	t.dtlsIn.close()
	t.path.Store(nil)
	for _, a := range agents {
		a.close()
	}
	t.wg.Wait()
	t.mux.forget(t)
}
