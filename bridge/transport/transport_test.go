package transport

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/pion/dtls/v3"
)

func TestConnect(t *testing.T) {
	for _, addr := range []netip.Addr{loopback4, loopback6} {
		for _, profile := range []dtls.SRTPProtectionProfile{
			dtls.SRTP_AEAD_AES_128_GCM, dtls.SRTP_AES128_CM_HMAC_SHA1_80,
		} {
			t.Run(fmt.Sprintf("v6=%v profile %d", addr.Is6(), profile), func(t *testing.T) {
				testConnect(t, addr, profile)
			})
		}
	}
}

func testConnect(t *testing.T, addr netip.Addr, profile dtls.SRTPProtectionProfile) {
	m := newTestMux(t, testConfig(loopback4, loopback6))
	tr, peer := newTestTransport(t, m, Options{Controlling: true})
	if d := tr.Describe(); d.Setup != "actpass" || d.Generation != 0 || d.SCTPPort != 0 || len(d.Candidates) != 2 {
		t.Fatalf("description: %+v", d)
	}
	c := newClient(t, addr)
	c.profiles = []dtls.SRTPProtectionProfile{profile}
	c.connect(tr, peer)
	if got, _ := c.dtls.SelectedSRTPProtectionProfile(); got != profile {
		t.Fatalf("profile %d", got)
	}
	if !tr.Ready() || tr.Describe().Setup != "passive" {
		t.Fatal("not ready or wrong role")
	}
	plain := c.sendRTP(1, 900)
	if got := wait(t, peer.rtp, "RTP"); !bytes.Equal(got, plain) {
		t.Fatal("RTP changed on the way in")
	}
	if tr.LastActivity() == 0 {
		t.Error("no activity")
	}
	ctl := plainRTCP(t, 1)
	out, err := c.keys.out.EncryptRTCP(nil, ctl, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = c.conn.Write(out)
	if got := wait(t, peer.rtcp, "RTCP"); !bytes.Equal(got, ctl) {
		t.Fatal("RTCP changed on the way in")
	}
	b := m.NewBatch()
	want := plainRTP(t, 9, 1, 700)
	push(t, b, tr, want)
	buf := b.Reserve()
	n, err := tr.EncryptRTCP(buf, copy(buf, ctl))
	if err != nil {
		t.Fatal(err)
	}
	b.Commit(tr, n)
	b.Flush()
	if got := c.expectRTP(); !bytes.Equal(got, want) {
		t.Fatal("RTP changed on the way out")
	}
	got, err := c.keys.in.DecryptRTCP(nil, wait(t, c.media, "RTCP"), nil)
	if err != nil || !bytes.Equal(got, ctl) {
		t.Fatal("RTCP changed on the way out", err)
	}
	eventually(t, "a round trip time", func() bool { return tr.RTT() > 0 })
}

// A peer that is DTLS server, and one that nominates.
func TestRoles(t *testing.T) {
	m := newTestMux(t, testConfig())
	tr, peer := newTestTransport(t, m, Options{})
	c := newClient(t, loopback4)
	c.control = true
	r := c.remote(-1)
	r.Setup = "passive"
	c.connectICE(tr, r)
	if tr.Describe().Setup != "active" {
		t.Error("the bridge is not client")
	}
	if err := c.handshake(true); err != nil {
		t.Fatal(err)
	}
	wait(t, peer.connected, "Connected")
	plain := c.sendRTP(1, 100)
	if got := wait(t, peer.rtp, "RTP"); !bytes.Equal(got, plain) {
		t.Fatal("RTP changed")
	}
}

// Checks and the ClientHello may come before signalling does.
func TestEarlyClient(t *testing.T) {
	m := newTestMux(t, testConfig())
	tr, peer := newTestTransport(t, m, Options{Controlling: true})
	c := newClient(t, loopback4)
	r := c.remote(-1)
	first := r
	first.Fingerprints, first.Setup = nil, ""
	c.connectICE(tr, first)
	done := make(chan error, 1)
	go func() { done <- c.handshake(false) }()
	eventually(t, "a queued ClientHello", func() bool { return len(tr.dtlsIn.queue) > 0 })
	if err := tr.SetRemote(r); err != nil {
		t.Fatal(err)
	}
	if err := wait(t, done, "handshake"); err != nil {
		t.Fatal(err)
	}
	wait(t, peer.connected, "Connected")
}

func TestWrongFingerprint(t *testing.T) {
	m := newTestMux(t, testConfig())
	tr, peer := newTestTransport(t, m, Options{Controlling: true})
	c := newClient(t, loopback4)
	r := c.remote(-1)
	other, err := newCertificate(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	r.Fingerprints[0].Value = other.fingerprint
	c.connectICE(tr, r)
	if err := c.handshake(false); err == nil {
		// The client may be done before the bridge has looked.
		t.Log("the client took the handshake for complete")
	}
	wait(t, peer.failed, "Failed")
	if tr.Ready() || len(peer.connected) > 0 || m.Stats().DTLSFailures != 1 {
		t.Error("a stranger's certificate passed")
	}
}

func TestTwoTransportsDoNotMix(t *testing.T) {
	m := newTestMux(t, testConfig())
	type end struct {
		t *Transport
		p *fakePeer
		c *client
	}
	var ends [3]end
	for i := range ends {
		e := &ends[i]
		e.t, e.p = newTestTransport(t, m, Options{Controlling: true})
		e.c = newClient(t, loopback4)
		e.c.connect(e.t, e.p)
	}
	b := m.NewBatch()
	for round := range 20 {
		for i, e := range ends {
			e.c.sendRTP(uint32(i), 50)
			push(t, b, e.t, plainRTP(t, uint32(100+i), uint16(round), 400))
		}
	}
	b.Flush()
	for i, e := range ends {
		for range 20 {
			if p := wait(t, e.p.rtp, "RTP"); p[11] != byte(i) {
				t.Fatal("a packet of another transport came in")
			}
			if p := e.c.expectRTP(); p[11] != byte(100+i) {
				t.Fatal("a packet for another transport went out")
			}
		}
	}
}

func TestReplay(t *testing.T) {
	m := newTestMux(t, testConfig())
	tr, peer := newTestTransport(t, m, Options{Controlling: true})
	c := newClient(t, loopback4)
	c.connect(tr, peer)
	out, err := c.keys.out.EncryptRTP(nil, plainRTP(t, 5, 5, 50), nil)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		_, _ = c.conn.Write(out)
	}
	out[len(out)-1] ^= 1
	out[3]++ // another number, not authentic
	_, _ = c.conn.Write(out)
	wait(t, peer.rtp, "RTP")
	eventually(t, "replay and forgery counted", func() bool {
		s := m.Stats()
		return s.Replays == 1 && s.AuthFailures == 1
	})
	buf := make([]byte, slotSize)
	plain := plainRTP(t, 6, 9, 50)
	if _, err := tr.EncryptRTP(buf, copy(buf, plain)); err != nil {
		t.Fatal(err)
	}
	if _, err := tr.EncryptRTP(buf, copy(buf, plain)); !errors.Is(err, ErrReplayed) {
		t.Fatal("a nonce was used twice:", err)
	}
}

func TestClose(t *testing.T) {
	m := newTestMux(t, testConfig())
	tr, peer := newTestTransport(t, m, Options{Controlling: true, SCTP: true})
	c := newClient(t, loopback4)
	c.connect(tr, peer)
	ufrag := tr.Describe().Ufrag
	tr.Close()
	tr.Close()
	if m.directory.ufrags[ufrag] != nil || len(m.directory.transactions) != 0 {
		t.Error("the directory still knows the agent")
	}
	for i := range m.bindings.shards {
		if s := m.bindings.shards[i].Load(); s != nil && len(*s) != 0 {
			t.Error("an address is still bound")
		}
	}
	if m.Stats().Transports != 0 {
		t.Error("the mux still has the transport")
	}
	if _, r := tr.RestartICE(); r != RestartRefused {
		t.Error("restart after Close")
	}
	if err := tr.SetRemote(Remote{}); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	next, _ := newTestTransport(t, m, Options{})
	if next.index != tr.index {
		t.Error("the index is not reused")
	}
}

// Transports close while their packets are under way on readers and in
// batches.
func TestCloseUnderTraffic(t *testing.T) {
	m := newTestMux(t, testConfig())
	for range 3 {
		tr, peer := newTestTransport(t, m, Options{Controlling: true, SCTP: true})
		peer.media = func(b *Batch, datagram []byte) {
			if plain, err := tr.DecryptRTP(datagram); err == nil {
				buf := b.Reserve()
				if n, err := tr.EncryptRTP(buf, copy(buf, plain)); err == nil {
					b.Commit(tr, n)
				}
			}
		}
		c := newClient(t, loopback4)
		c.connect(tr, peer)
		go func() {
			for range 300 {
				c.seq++
				out, err := c.keys.out.EncryptRTP(nil, plainRTP(t, 1, c.seq, 500), nil)
				if err != nil {
					return
				}
				if _, err := c.conn.Write(out); err != nil {
					return
				}
			}
		}()
		wait(t, c.media, "an echo")
		tr.RestartICE()
		tr.Close()
	}
}

func TestHandshakeTimeout(t *testing.T) {
	cfg := testConfig()
	cfg.DTLS.HandshakeTimeout = 100 * time.Millisecond
	m := newTestMux(t, cfg)
	tr, peer := newTestTransport(t, m, Options{Controlling: true})
	c := newClient(t, loopback4)
	c.connectICE(tr, c.remote(-1))
	wait(t, peer.failed, "Failed")
	if len(peer.connected) != 0 || tr.Ready() {
		t.Error("connected all the same")
	}
}

// Signalling that is repeated, or corrected while nothing is up yet.
func TestSetRemoteAgain(t *testing.T) {
	m := newTestMux(t, testConfig())
	tr, peer := newTestTransport(t, m, Options{Controlling: true})
	c := newClient(t, loopback4)
	r := c.remote(-1)
	wrong := r
	wrong.Ufrag, wrong.Pwd = "wrong", "wrongwrongwrongwrongwrong"
	for _, x := range []Remote{{Generation: -1}, {Setup: "actpass", Generation: -1}, wrong, r, r} {
		if err := tr.SetRemote(x); err != nil {
			t.Fatal(err)
		}
	}
	c.connect(tr, peer)
	for _, x := range []Remote{r, wrong, {Setup: "passive", Generation: 3}} {
		if err := tr.SetRemote(x); err != nil {
			t.Fatal(err)
		}
	}
	c.exchange(tr, peer, m.NewBatch(), 1)
	if tr.Describe().Setup != "passive" {
		t.Error("the role changed after the handshake")
	}
	bad := Remote{Fingerprints: []Fingerprint{{"md5", "AA"}, {"sha-256", "AA:BB"}, {"sha-1", "zz"}}, Generation: -1}
	if err := tr.SetRemote(bad); !errors.Is(err, ErrFingerprint) {
		t.Error(err)
	}
}
