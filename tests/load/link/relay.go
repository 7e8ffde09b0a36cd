package link

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// Relay puts links between an endpoint and the bridge in real time: datagrams
// to its address go to the target over one link, and what comes back goes to
// whoever sent last over the other. The target sees one address for each
// relay, so a path has a relay of its own.
type Relay struct {
	near, far *net.UDPConn // towards the endpoint, towards the target
	endpoint  atomic.Pointer[netip.AddrPort]
	halves    [2]*half
	done      sync.WaitGroup
}

// half is one direction of a relay.
type half struct {
	start time.Time
	from  *net.UDPConn
	write func([]byte)
	wake  chan struct{} // something was handed in; holds one
	stop  chan struct{}

	mu   sync.Mutex
	link *Link
}

// NewRelay listens on a loopback address of its own and begins to relay. up
// is the direction to the target.
func NewRelay(target netip.AddrPort, up, down Config) (*Relay, error) {
	near, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return nil, err
	}
	far, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(target))
	if err != nil {
		_ = near.Close()
		return nil, err
	}
	r := &Relay{near: near, far: far}
	start := time.Now()
	r.halves[0] = newHalf(start, near, up, func(b []byte) { _, _ = far.Write(b) })
	r.halves[1] = newHalf(start, far, down, func(b []byte) {
		if to := r.endpoint.Load(); to != nil {
			_, _ = near.WriteToUDPAddrPort(b, *to)
		}
	})
	for i, h := range r.halves {
		r.done.Go(func() { h.readLoop(r, i == 0) })
		r.done.Go(h.sendLoop)
	}
	return r, nil
}

func newHalf(start time.Time, from *net.UDPConn, c Config, write func([]byte)) *half {
	return &half{
		start: start, from: from, write: write, link: New(c),
		wake: make(chan struct{}, 1), stop: make(chan struct{}),
	}
}

// Addr is where the endpoint sends to.
func (r *Relay) Addr() netip.AddrPort { return r.near.LocalAddr().(*net.UDPAddr).AddrPort() }

// Stats returns the counters of both directions.
func (r *Relay) Stats() (up, down Stats) { return r.halves[0].stats(), r.halves[1].stats() }

// SetRate changes a bottleneck; 0 leaves it as it is.
func (r *Relay) SetRate(up, down int64) {
	for i, rate := range []int64{up, down} {
		if rate > 0 {
			r.halves[i].setRate(rate)
		}
	}
}

// Close ends the relay and waits for its goroutines.
func (r *Relay) Close() {
	_ = r.near.Close()
	_ = r.far.Close()
	for _, h := range r.halves {
		close(h.stop)
	}
	r.done.Wait()
}

func (h *half) readLoop(r *Relay, near bool) {
	buf := make([]byte, 2048)
	for {
		n, from, err := h.from.ReadFromUDPAddrPort(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue // the target's port is closed at the moment
		}
		if known := r.endpoint.Load(); near && (known == nil || *known != from) {
			r.endpoint.Store(&from)
		}
		h.hand(append([]byte(nil), buf[:n]...))
	}
}

func (h *half) hand(b []byte) {
	h.mu.Lock()
	h.link.Send(time.Since(h.start), Packet{Size: len(b), Data: b})
	h.mu.Unlock()
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

// sendLoop lets out what has come through, when it has.
func (h *half) sendLoop() {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		timer.Reset(h.deliver())
		select {
		case <-h.stop:
			return
		case <-h.wake:
		case <-timer.C:
		}
	}
}

// deliver writes what has arrived and returns how long there is nothing more.
func (h *half) deliver() time.Duration {
	for {
		h.mu.Lock()
		now := time.Since(h.start)
		d, ok := h.link.Receive(now)
		next, more := h.link.Next()
		h.mu.Unlock()
		switch {
		case ok:
			h.write(d.Data)
		case more:
			return max(next-now, 0)
		default:
			return time.Hour
		}
	}
}

func (h *half) stats() Stats {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.link.Stats()
}

func (h *half) setRate(rate int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.link.SetRate(time.Since(h.start), rate)
}
