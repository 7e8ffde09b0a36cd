package transport

import "time"

// ICE restart. The bridge answers a request with the credentials of a second
// agent; once the client has signalled its own, that agent checks beside the
// first one. Media stays on the old pair until the new agent has selected
// one. DTLS, SRTP and SCTP notice nothing.

const (
	defaultTransition = 3 * time.Second
	defaultTimeout    = 20 * time.Second
)

// RestartICE begins a restart, or returns the description of one that the
// client has not answered yet.
func (t *Transport) RestartICE() (Description, RestartResult) {
	t.mu.Lock()
	d, result, decided := t.restartKnown()
	next := t.generation + 1
	t.mu.Unlock()
	if decided {
		return d, result
	}
	a, err := t.newAgent(next) // takes its time, so without the lock
	if err != nil {
		return Description{}, RestartRefused
	}
	d, result, taken := t.adopt(a)
	if !taken {
		a.close()
	}
	return d, result
}

// adopt makes a the pending agent, unless somebody was faster.
func (t *Transport) adopt(a *agent) (d Description, result RestartResult, taken bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if d, result, decided := t.restartKnown(); decided {
		return d, result, false
	}
	if t.pending != nil {
		t.dropPending()
	}
	t.generation = a.generation
	t.pending = a
	timeout := t.mux.cfg.ICE.RestartTimeout
	if timeout <= 0 {
		timeout = defaultTimeout
	}
	t.expiry = time.AfterFunc(timeout, func() { t.restartExpired(a) })
	t.mux.count.iceRestarts.Add(1)
	return t.describe(a), RestartStarted, true
}

// restartKnown decides requests that need no new agent. The caller holds mu.
func (t *Transport) restartKnown() (Description, RestartResult, bool) {
	switch {
	case t.closed || !t.mux.cfg.ICE.Restart:
		return Description{}, RestartRefused, true
	case !t.established:
		return t.describe(t.current), RestartKept, true
	case t.pending != nil && !t.pending.started:
		return t.describe(t.pending), RestartStarted, true
	}
	return Description{}, RestartStarted, false
}

// restartExpired gives up on a restart; the old agent stays.
func (t *Transport) restartExpired(a *agent) {
	t.mu.Lock()
	gone := false
	if !t.closed && t.pending == a {
		t.dropPending()
		gone = t.broken
	}
	t.mu.Unlock()
	if gone {
		t.fail()
	}
}

// dropPending ends the restart under way. The caller holds mu.
func (t *Transport) dropPending() {
	a := t.pending
	t.pending = nil
	t.expiry.Stop()
	t.wg.Go(a.close)
}

// cutOver makes the pending agent the current one and keeps the old one, for
// packets that are under way, until the transition is over. The caller holds
// mu.
func (t *Transport) cutOver() {
	a := t.current
	t.current, t.pending = t.pending, nil
	t.broken = false
	t.expiry.Stop()
	window := t.mux.cfg.ICE.RestartTransition
	if window <= 0 {
		window = defaultTransition
	}
	t.old[a] = time.AfterFunc(window, func() { t.retire(a) })
}

// retire frees an agent after the transition.
func (t *Transport) retire(a *agent) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return
	}
	delete(t.old, a)
	t.wg.Go(a.close)
}
