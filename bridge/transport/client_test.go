package transport

import (
	"bytes"
	"context"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/ice/v4"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"

	"steg/configs"
)

const patience = 10 * time.Second

var (
	loopback4 = netip.MustParseAddr("127.0.0.1")
	loopback6 = netip.MustParseAddr("::1")
)

func testConfig(addrs ...netip.Addr) Config {
	if len(addrs) == 0 {
		addrs = []netip.Addr{loopback4}
	}
	return Config{
		ICE: configs.ICE{
			AllowLoopback: true, IPv6: true, AllowedAddresses: addrs,
			AdvertisePrivateCandidates: true, Restart: true,
			RestartTransition: 100 * time.Millisecond, RestartTimeout: 5 * time.Second,
		},
		SCTP:    configs.SCTP{Enabled: true, MaxChannels: 1},
		Readers: 2,
	}
}

// client is the other end: an endpoint's ICE, DTLS and SRTP.
type client struct {
	tb       testing.TB
	sock     *net.UDPConn
	mux      *ice.UDPMuxDefault
	agent    *ice.Agent
	conn     *ice.Conn
	cert     *certificate
	profiles []dtls.SRTPProtectionProfile
	in       *pipe
	dtls     *dtls.Conn
	keys     *keys
	media    chan []byte
	seq      uint16
	control  bool // the client nominates
}

func newClient(tb testing.TB, local netip.Addr) *client {
	tb.Helper()
	sock, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(local, 0)))
	if err != nil {
		tb.Fatal(err)
	}
	mux := ice.NewUDPMuxDefault(ice.UDPMuxParams{UDPConn: sock, Logger: muted{}})
	tb.Cleanup(func() { _ = mux.Close() })
	return newClientOn(tb, sock, mux)
}

// newClientOn makes a client that shares a socket with others.
func newClientOn(tb testing.TB, sock *net.UDPConn, mux *ice.UDPMuxDefault) *client {
	tb.Helper()
	cert, err := newCertificate(time.Now())
	if err != nil {
		tb.Fatal(err)
	}
	c := &client{
		tb: tb, sock: sock, mux: mux, cert: cert, media: make(chan []byte, 4096),
		profiles: []dtls.SRTPProtectionProfile{dtls.SRTP_AEAD_AES_128_GCM},
	}
	c.agent, err = ice.NewAgentWithOptions(
		ice.WithUDPMux(mux), ice.WithIncludeLoopback(), ice.WithLoggerFactory(muted{}),
		ice.WithNetworkTypes([]ice.NetworkType{ice.NetworkTypeUDP4, ice.NetworkTypeUDP6}),
		ice.WithCandidateTypes([]ice.CandidateType{ice.CandidateTypeHost}),
		ice.WithMulticastDNSMode(ice.MulticastDNSModeDisabled),
		ice.WithCheckInterval(20*time.Millisecond),
	)
	if err != nil {
		tb.Fatal(err)
	}
	c.gather()
	tb.Cleanup(c.close)
	return c
}

func (c *client) gather() {
	done := make(chan struct{})
	_ = c.agent.OnCandidate(func(cand ice.Candidate) {
		if cand == nil {
			close(done)
		}
	})
	if err := c.agent.GatherCandidates(); err != nil {
		c.tb.Fatal(err)
	}
	<-done
}

func (c *client) close() {
	if c.dtls != nil {
		_ = c.dtls.Close()
	}
	_ = c.agent.GracefulClose()
	if c.in != nil {
		c.in.close()
	}
}

func (c *client) addCandidates(d Description) {
	for _, cand := range d.Candidates {
		remote, err := ice.NewCandidateHost(&ice.CandidateHostConfig{
			Network: "udp", Address: cand.Addr.Addr().String(), Port: int(cand.Addr.Port()),
			Component: 1, Priority: cand.Priority, Foundation: cand.Foundation,
		})
		if err != nil {
			c.tb.Fatal(err)
		}
		if err := c.agent.AddRemoteCandidate(remote); err != nil {
			c.tb.Fatal(err)
		}
	}
}

func (c *client) remote(generation int) Remote {
	ufrag, pwd, err := c.agent.GetLocalUserCredentials()
	if err != nil {
		c.tb.Fatal(err)
	}
	return Remote{
		Ufrag: ufrag, Pwd: pwd, Setup: "active", Generation: generation,
		Fingerprints: []Fingerprint{{"sha-256", c.cert.fingerprint}},
	}
}

// connectICE signals and waits until the client has a pair.
func (c *client) connectICE(t *Transport, r Remote) {
	c.tb.Helper()
	d := t.Describe()
	c.addCandidates(d)
	if err := t.SetRemote(r); err != nil {
		c.tb.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var err error
	if c.control {
		c.conn, err = c.agent.Dial(ctx, d.Ufrag, d.Pwd)
	} else {
		c.conn, err = c.agent.Accept(ctx, d.Ufrag, d.Pwd)
	}
	if err != nil {
		c.tb.Fatal(err)
	}
	c.in = newPipe(&Mux{datagrams: sync.Pool{New: func() any { return new(datagram) }}})
	c.in.write = func(b []byte) { _, _ = c.conn.Write(b) }
	go c.readLoop()
}

// readLoop sorts what is not STUN.
func (c *client) readLoop() {
	buf := make([]byte, 2048)
	for {
		n, err := c.conn.Read(buf)
		if err != nil {
			return
		}
		if buf[0] < 64 {
			c.in.deliver(buf[:n], remoteKey{}, 0)
			continue
		}
		select {
		case c.media <- bytes.Clone(buf[:n]):
		default:
		}
	}
}

// handshake runs DTLS as client, or as server if asked.
func (c *client) handshake(server bool) error {
	shared := []dtls.Option{
		dtls.WithCertificates(c.cert.tls), dtls.WithInsecureSkipVerify(true),
		dtls.WithSRTPProtectionProfiles(c.profiles...), dtls.WithLoggerFactory(muted{}),
		dtls.WithFlightInterval(50 * time.Millisecond),
	}
	var err error
	if server {
		opts := []dtls.ServerOption{dtls.WithClientAuth(dtls.RequireAnyClientCert)}
		for _, o := range shared {
			opts = append(opts, o)
		}
		c.dtls, err = dtls.ServerWithOptions(c.in, pipeAddr{}, opts...)
	} else {
		var opts []dtls.ClientOption
		for _, o := range shared {
			opts = append(opts, o)
		}
		c.dtls, err = dtls.ClientWithOptions(c.in, pipeAddr{}, opts...)
	}
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := c.dtls.HandshakeContext(ctx); err != nil {
		return err
	}
	profile, _ := c.dtls.SelectedSRTPProtectionProfile()
	state, _ := c.dtls.ConnectionState()
	c.keys, err = newKeys(srtp.ProtectionProfile(profile), &state, !server)
	return err
}

// connect brings everything up.
func (c *client) connect(t *Transport, p *fakePeer) {
	c.tb.Helper()
	c.connectICE(t, c.remote(-1))
	if err := c.handshake(false); err != nil {
		c.tb.Fatal(err)
	}
	wait(c.tb, p.connected, "Connected")
}

func plainRTP(tb testing.TB, ssrc uint32, seq uint16, size int) []byte {
	tb.Helper()
	p := rtp.Packet{
		Header:  rtp.Header{Version: 2, PayloadType: 100, SSRC: ssrc, SequenceNumber: seq, Timestamp: uint32(seq) * 3000},
		Payload: bytes.Repeat([]byte{byte(seq)}, size),
	}
	if err := p.Header.SetExtension(1, []byte{42}); err != nil {
		tb.Fatal(err)
	}
	b, err := p.Marshal()
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func plainRTCP(tb testing.TB, ssrc uint32) []byte {
	tb.Helper()
	b, err := (&rtcp.PictureLossIndication{SenderSSRC: ssrc, MediaSSRC: 7}).Marshal()
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// sendRTP protects and sends a packet; it returns the plain one.
func (c *client) sendRTP(ssrc uint32, size int) []byte {
	c.tb.Helper()
	c.seq++
	plain := plainRTP(c.tb, ssrc, c.seq, size)
	out, err := c.keys.out.EncryptRTP(nil, plain, nil)
	if err != nil {
		c.tb.Fatal(err)
	}
	if _, err := c.conn.Write(out); err != nil {
		c.tb.Fatal(err)
	}
	return plain
}

// expectRTP waits for a packet and decrypts it.
func (c *client) expectRTP() []byte {
	c.tb.Helper()
	b := wait(c.tb, c.media, "media at the client")
	plain, err := c.keys.in.DecryptRTP(nil, b, nil)
	if err != nil {
		c.tb.Fatal(err)
	}
	return plain
}

// push sends a plain RTP packet to the client as the bridge would.
func push(tb testing.TB, b *Batch, t *Transport, plain []byte) {
	tb.Helper()
	buf := b.Reserve()
	n, err := t.EncryptRTP(buf, copy(buf, plain))
	if err != nil {
		tb.Fatal(err)
	}
	b.Commit(t, n)
}
