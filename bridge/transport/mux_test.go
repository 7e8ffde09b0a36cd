package transport

import (
	"bytes"
	"errors"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rs/zerolog"
)

func TestStrangers(t *testing.T) {
	m := newTestMux(t, testConfig())
	tr, peer := newTestTransport(t, m, Options{Controlling: true})
	c := newClient(t, loopback4)
	c.connect(tr, peer)
	stranger, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(m.Addresses()[0]))
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	before := m.Stats()
	request := binding(tr.Describe().Ufrag[1:] + ":x")
	for _, b := range [][]byte{
		bytes.Repeat([]byte{0x80}, 100),                   // RTP
		append([]byte{0x80, 200}, make([]byte, 20)...),    // RTCP
		{22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0}, // DTLS
		request,       // STUN for nobody
		request[:25],  // cut off
		{0x50, 1, 2},  // TURN channel
		{0x80, 96, 1}, // short
		bytes.Repeat([]byte{0x80}, 1600),
		{},
	} {
		if _, err := stranger.Write(b); err != nil {
			t.Fatal(err)
		}
	}
	want := Stats{DropUnknown: 3, DropSTUN: 2, DropKind: 1, DropShort: 2, DropLong: 1}
	eventually(t, "all strangers counted", func() bool {
		s := m.Stats()
		got := Stats{
			DropUnknown: s.DropUnknown - before.DropUnknown, DropSTUN: s.DropSTUN - before.DropSTUN,
			DropKind: s.DropKind - before.DropKind, DropShort: s.DropShort - before.DropShort,
			DropLong: s.DropLong - before.DropLong,
		}
		return got == want
	})
	if len(peer.rtp)+len(peer.rtcp) != 0 {
		t.Error("a stranger was heard")
	}
}

func TestStrayBinding(t *testing.T) {
	checkGoroutines(t)
	m, err := Listen(testConfig(), zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	m.OnStrayBinding = func(request []byte, from netip.AddrPort, reply func([]byte)) { reply(request[:4]) }
	m.Start()
	stranger, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(m.Addresses()[0]))
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	if _, err := stranger.Write(binding("")); err != nil {
		t.Fatal(err)
	}
	_ = stranger.SetReadDeadline(time.Now().Add(patience))
	if n, err := stranger.Read(make([]byte, 100)); n != 4 || err != nil {
		t.Fatal(n, err)
	}
}

func TestPortTaken(t *testing.T) {
	checkGoroutines(t)
	m := newTestMux(t, testConfig())
	cfg := testConfig()
	cfg.ICE.Port = int(m.Addresses()[0].Port())
	_, err := Listen(cfg, zerolog.Nop())
	var taken *PortError
	if !errors.As(err, &taken) || taken.Port != cfg.ICE.Port || !errors.Is(err, syscall.EADDRINUSE) {
		t.Fatalf("%v", err)
	}
	if text := err.Error(); strings.Contains(text, "127.0.0.1") || !strings.Contains(text, "videobridge.ice.udp.port") {
		t.Errorf("text: %s", text)
	}
}

func TestNoAddress(t *testing.T) {
	cfg := testConfig(netip.MustParseAddr("192.0.2.200"))
	if _, err := Listen(cfg, zerolog.Nop()); !errors.Is(err, ErrNoAddress) {
		t.Fatal(err)
	}
}

// Nothing that is logged during a call names an address, at any level.
func TestNoAddressInLog(t *testing.T) {
	checkGoroutines(t)
	var out bytes.Buffer
	m, err := Listen(testConfig(), zerolog.New(zerolog.SyncWriter(&out)).Level(zerolog.TraceLevel))
	if err != nil {
		t.Fatal(err)
	}
	m.Start()
	tr, peer := newTestTransport(t, m, Options{Controlling: true, SCTP: true})
	c := newClient(t, loopback4)
	c.connect(tr, peer)
	c.exchange(tr, peer, m.NewBatch(), 1)
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out.String(), "127.0.0.1") {
		t.Error("an address was logged:", out.String())
	}
	if _, err := m.NewTransport(Options{}, peer); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	if err := m.Valid(); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
}

// The certificate is replaced daily; a transport stays with its own.
func TestCertificateRenewal(t *testing.T) {
	m := newTestMux(t, testConfig())
	first, peer := newTestTransport(t, m, Options{Controlling: true})
	m.certs.newest.made = time.Now().Add(-certificateRenewal - time.Minute)
	second, _ := newTestTransport(t, m, Options{})
	third, _ := newTestTransport(t, m, Options{})
	if first.Describe().Fingerprint == second.Describe().Fingerprint ||
		second.Describe().Fingerprint != third.Describe().Fingerprint {
		t.Error("not replaced, or replaced twice")
	}
	newClient(t, loopback4).connect(first, peer)
	if f := first.Describe().Fingerprint; len(f) != 95 || f != strings.ToUpper(f) {
		t.Error("form of the fingerprint:", f)
	}
}
