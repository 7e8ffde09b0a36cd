package transport

import (
	"bytes"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"
)

// newTestMux starts a mux and checks that its end leaves no goroutine.
func newTestMux(tb testing.TB, cfg Config) *Mux {
	tb.Helper()
	checkGoroutines(tb)
	m, err := Listen(cfg, zerolog.Nop())
	if err != nil {
		tb.Fatal(err)
	}
	m.Start()
	tb.Cleanup(func() {
		if err := m.Close(); err != nil {
			tb.Error(err)
		}
	})
	return m
}

// checkGoroutines fails the test if goroutines of this package or of pion
// are left after it.
func checkGoroutines(tb testing.TB) {
	tb.Helper()
	tb.Cleanup(func() {
		var left []string
		for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
			buf := make([]byte, 1<<20)
			buf = buf[:runtime.Stack(buf, true)]
			left = left[:0]
			for _, g := range strings.Split(string(buf), "\n\n") {
				if (strings.Contains(g, "pion/") || strings.Contains(g, "bridge/transport.")) &&
					!strings.Contains(g, "checkGoroutines") && !strings.Contains(g, "testing.tRunner") {
					left = append(left, g)
				}
			}
			if len(left) == 0 {
				return
			}
		}
		tb.Errorf("%d goroutines left, the first:\n%s", len(left), left[0])
	})
}

// fakePeer notes what a transport reports.
type fakePeer struct {
	t         *Transport
	connected chan struct{}
	failed    chan struct{}
	rtp       chan []byte
	rtcp      chan []byte
	opened    chan *Channel
	closed    chan *Channel
	message   func(c *Channel, text []byte)
	media     func(b *Batch, datagram []byte)
	mu        sync.Mutex // the ingress mutex of a real owner
}

func newPeer() *fakePeer {
	return &fakePeer{
		connected: make(chan struct{}, 4), failed: make(chan struct{}, 4),
		rtp: make(chan []byte, 1024), rtcp: make(chan []byte, 64),
		opened: make(chan *Channel, 16), closed: make(chan *Channel, 16),
	}
}

func (p *fakePeer) Media(b *Batch, datagram []byte, _ time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.media != nil {
		p.media(b, datagram)
		return
	}
	if datagram[1] >= 192 && datagram[1] <= 223 {
		if plain, err := p.t.DecryptRTCP(datagram); err == nil {
			p.rtcp <- bytes.Clone(plain)
		}
		return
	}
	if plain, err := p.t.DecryptRTP(datagram); err == nil {
		p.rtp <- bytes.Clone(plain)
	}
}
func (p *fakePeer) Connected()               { p.connected <- struct{}{} }
func (p *fakePeer) Failed()                  { p.failed <- struct{}{} }
func (p *fakePeer) ChannelOpen(c *Channel)   { p.opened <- c }
func (p *fakePeer) ChannelClosed(c *Channel) { p.closed <- c }
func (p *fakePeer) ChannelMessage(c *Channel, text []byte) {
	if p.message != nil {
		p.message(c, text)
	}
}

func newTestTransport(tb testing.TB, m *Mux, o Options) (*Transport, *fakePeer) {
	tb.Helper()
	p := newPeer()
	t, err := m.NewTransport(o, p)
	if err != nil {
		tb.Fatal(err)
	}
	p.t = t
	return t, p
}

func wait[T any](tb testing.TB, ch <-chan T, what string) T {
	tb.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(patience):
		tb.Fatalf("no %s", what)
		panic("unreachable")
	}
}

// eventually waits for a condition that no event announces.
func eventually(tb testing.TB, what string, ok func() bool) {
	tb.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if ok() {
			return
		}
	}
	tb.Fatalf("never: %s", what)
}
