package transport

import (
	"bytes"
	"context"
	"testing"
	"time"
)

// restart restarts the client's agent and signals generation.
func (c *client) restart(t *Transport, d Description) {
	c.tb.Helper()
	if err := c.agent.Restart("", ""); err != nil {
		c.tb.Fatal(err)
	}
	if err := c.agent.SetRemoteCredentials(d.Ufrag, d.Pwd); err != nil {
		c.tb.Fatal(err)
	}
	c.gather()
	c.addCandidates(d)
	if err := t.SetRemote(c.remote(d.Generation)); err != nil {
		c.tb.Fatal(err)
	}
}

// exchange sends one packet each way.
func (c *client) exchange(t *Transport, p *fakePeer, b *Batch, seq uint16) {
	c.tb.Helper()
	plain := c.sendRTP(1, 100)
	if got := wait(c.tb, p.rtp, "RTP"); !bytes.Equal(got, plain) {
		c.tb.Fatal("RTP changed on the way in")
	}
	want := plainRTP(c.tb, 2, seq, 100)
	push(c.tb, b, t, want)
	b.Flush()
	if got := c.expectRTP(); !bytes.Equal(got, want) {
		c.tb.Fatal("RTP changed on the way out")
	}
}

// An ICE restart with the client's address unchanged.
func TestRestartSameAddress(t *testing.T) {
	m := newTestMux(t, testConfig())
	tr, peer := newTestTransport(t, m, Options{Controlling: true})
	first := tr.Describe()
	if d, r := tr.RestartICE(); r != RestartKept || d.Ufrag != first.Ufrag {
		t.Fatal("before ICE is up nothing may change", r)
	}
	c := newClient(t, loopback4)
	c.connect(tr, peer)
	eventually(t, "selection", tr.Ready)
	b := m.NewBatch()
	c.exchange(tr, peer, b, 1)

	d, r := tr.RestartICE()
	if r != RestartStarted || d.Generation != 1 || d.Ufrag == first.Ufrag || d.Pwd == first.Pwd {
		t.Fatalf("%v %+v", r, d)
	}
	if again, r := tr.RestartICE(); r != RestartStarted || again.Ufrag != d.Ufrag {
		t.Fatal("a repeated request must get the pending description")
	}
	if tr.Describe().Ufrag != first.Ufrag {
		t.Fatal("the established agent is no longer described")
	}
	wrong := c.remote(7)
	if err := tr.SetRemote(wrong); err != nil {
		t.Fatal(err)
	}
	if tr.pending.started {
		t.Fatal("a wrong generation was taken")
	}
	c.exchange(tr, peer, b, 2)
	c.restart(tr, d)
	eventually(t, "cut over", func() bool { return tr.Describe().Ufrag == d.Ufrag })
	c.exchange(tr, peer, b, 3)
	eventually(t, "the old agent's end", func() bool {
		m.directory.mu.Lock()
		defer m.directory.mu.Unlock()
		return m.directory.ufrags[first.Ufrag] == nil
	})
	c.exchange(tr, peer, b, 4)
	if len(peer.connected)+len(peer.failed) != 0 {
		t.Error("a restart was reported")
	}
}

// An ICE restart because the client's address changed.
func TestRestartNewAddress(t *testing.T) {
	m := newTestMux(t, testConfig())
	tr, peer := newTestTransport(t, m, Options{Controlling: true})
	c := newClient(t, loopback4)
	c.connect(tr, peer)
	eventually(t, "selection", tr.Ready)
	old := tr.path.Load().key

	d, _ := tr.RestartICE()
	moved := newClient(t, loopback4)
	moved.addCandidates(d)
	if err := tr.SetRemote(moved.remote(d.Generation)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, err := moved.agent.Accept(ctx, d.Ufrag, d.Pwd)
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "cut over", func() bool { return tr.path.Load().key != old })
	plain := plainRTP(t, 1, 1000, 50)
	out, err := c.keys.out.EncryptRTP(nil, plain, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write(out); err != nil {
		t.Fatal(err)
	}
	if got := wait(t, peer.rtp, "RTP from the new address"); !bytes.Equal(got, plain) {
		t.Fatal("RTP changed")
	}
}

// A restart that the client never answers, one that is superseded, and one
// that is not allowed.
func TestRestartEnds(t *testing.T) {
	cfg := testConfig()
	cfg.ICE.RestartTimeout = 200 * time.Millisecond
	m := newTestMux(t, cfg)
	tr, peer := newTestTransport(t, m, Options{Controlling: true})
	c := newClient(t, loopback4)
	c.connect(tr, peer)
	eventually(t, "selection", tr.Ready)
	d, _ := tr.RestartICE()
	r := c.remote(d.Generation)
	r.Ufrag = "nobody"
	if err := tr.SetRemote(r); err != nil {
		t.Fatal(err)
	}
	next, res := tr.RestartICE()
	if res != RestartStarted || next.Generation != 2 || next.Ufrag == d.Ufrag {
		t.Fatalf("%v %+v", res, next)
	}
	eventually(t, "the end of the restart", func() bool {
		tr.mu.Lock()
		defer tr.mu.Unlock()
		return tr.pending == nil
	})
	c.exchange(tr, peer, m.NewBatch(), 1)
	if len(peer.failed) != 0 {
		t.Error("the transport failed")
	}
	m.cfg.ICE.Restart = false
	if _, res := tr.RestartICE(); res != RestartRefused {
		t.Error(res)
	}
}

// A client that leaves and joins again from the same socket, while the
// bridge still has the first transport.
func TestRejoinSameSocket(t *testing.T) {
	m := newTestMux(t, testConfig())
	tr, peer := newTestTransport(t, m, Options{Controlling: true})
	c := newClient(t, loopback4)
	c.connect(tr, peer)
	c.exchange(tr, peer, m.NewBatch(), 1)
	c.close()

	tr2, peer2 := newTestTransport(t, m, Options{Controlling: true})
	c2 := newClientOn(t, c.sock, c.mux)
	c2.connect(tr2, peer2)
	c2.exchange(tr2, peer2, m.NewBatch(), 1)
	tr.Close()
	c2.exchange(tr2, peer2, m.NewBatch(), 2)
}

// ICE that never comes up, and ICE that breaks later, are reported once.
func TestFailed(t *testing.T) {
	m := newTestMux(t, testConfig())
	m.disconnectAfter, m.failAfter = 200*time.Millisecond, 300*time.Millisecond
	tr, peer := newTestTransport(t, m, Options{Controlling: true})
	if err := tr.SetRemote(Remote{Ufrag: "nobody", Pwd: "nobodynobodynobodynobody", Generation: -1}); err != nil {
		t.Fatal(err)
	}
	tr2, peer2 := newTestTransport(t, m, Options{Controlling: true})
	c := newClient(t, loopback4)
	c.connect(tr2, peer2)
	eventually(t, "selection", tr2.Ready)
	c.close()
	wait(t, peer.failed, "Failed without a client")
	wait(t, peer2.failed, "Failed after the client left")
	if tr.LastActivity() != 0 || tr2.LastActivity() == 0 || m.Stats().ICEFailures != 2 {
		t.Errorf("%v %v %+v", tr.LastActivity(), tr2.LastActivity(), m.Stats())
	}
	tr.Close()
	tr2.Close()
	if len(peer.failed)+len(peer2.failed) != 0 {
		t.Error("reported twice")
	}
}

// A client that lost its network comes back by a restart, after the bridge
// has given its old pair up.
func TestRestartAfterFailure(t *testing.T) {
	m := newTestMux(t, testConfig())
	m.disconnectAfter, m.failAfter = 200*time.Millisecond, 300*time.Millisecond
	tr, peer := newTestTransport(t, m, Options{Controlling: true})
	c := newClient(t, loopback4)
	c.connect(tr, peer)
	eventually(t, "selection", tr.Ready)
	d, result := tr.RestartICE()
	if result != RestartStarted {
		t.Fatal(result)
	}
	c.close()
	eventually(t, "the old pair's end", func() bool {
		tr.mu.Lock()
		defer tr.mu.Unlock()
		return tr.broken
	})
	if len(peer.failed) != 0 {
		t.Fatal("failed while a restart is under way")
	}
	moved := newClient(t, loopback4)
	moved.addCandidates(d)
	if err := tr.SetRemote(moved.remote(d.Generation)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if _, err := moved.agent.Accept(ctx, d.Ufrag, d.Pwd); err != nil {
		t.Fatal(err)
	}
	eventually(t, "cut over", func() bool { return tr.Describe().Ufrag == d.Ufrag })
	if len(peer.failed) != 0 {
		t.Error("failed all the same")
	}
}
