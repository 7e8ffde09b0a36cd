package endpoint

import (
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/dtls/v3/pkg/crypto/selfsign"
)

// tick is how often the sending goroutine looks for work. An endpoint paces
// every pacingTicks; endpoints take turns, as they would in the world.
const (
	tick        = time.Millisecond
	pacingTicks = 5
)

// Network is the one socket of a crowd.
type Network struct {
	// Set once.
	socket *socket
	certs  []tls.Certificate // one for all: making one takes time
	hash   string            // its fingerprint, SHA-256
	start  time.Time
	stop   chan struct{}
	done   sync.WaitGroup

	dropped atomic.Uint32

	mu        sync.RWMutex
	endpoints map[netip.Addr]*Endpoint
	order     []*Endpoint
	next      int // number of the next endpoint
}

// NewNetwork opens the socket and starts the two goroutines.
func NewNetwork() (*Network, error) {
	s, err := openSocket()
	if err != nil {
		return nil, err
	}
	cert, err := selfsign.GenerateSelfSigned()
	if err != nil {
		_ = s.conn.Close()
		return nil, err
	}
	n := &Network{
		socket: s, certs: []tls.Certificate{cert}, hash: fingerprint(cert.Certificate[0]),
		start: time.Now(), stop: make(chan struct{}), endpoints: make(map[netip.Addr]*Endpoint),
	}
	n.done.Add(2)
	go n.readLoop()
	go n.sendLoop()
	return n, nil
}

// Close closes all endpoints and waits for the goroutines.
func (n *Network) Close() {
	for _, e := range n.all() {
		e.Close()
	}
	close(n.stop)
	_ = n.socket.conn.Close()
	n.done.Wait()
}

// Dropped counts datagrams that were lost because this process did not read
// them in time: losses that are not the bridge's.
func (n *Network) Dropped() uint32 { return n.dropped.Load() }

// add gives an endpoint its number and address.
func (n *Network) add(e *Endpoint) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.next >= 1<<16 {
		return errors.New("too many endpoints")
	}
	e.number = n.next
	n.next++
	e.addr = netip.AddrFrom4([4]byte{127, 77, byte(e.number >> 8), byte(e.number)})
	n.endpoints[e.addr] = e
	n.order = append(n.order, e)
	return nil
}

func (n *Network) remove(e *Endpoint) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.endpoints, e.addr)
	for i, o := range n.order {
		if o == e {
			// Copied, as all hands out the old list.
			n.order = append(append([]*Endpoint{}, n.order[:i]...), n.order[i+1:]...)
			return
		}
	}
}

// all returns the endpoints of this moment; the list is never changed.
func (n *Network) all() []*Endpoint {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.order[:len(n.order):len(n.order)]
}

func (n *Network) readLoop() {
	defer n.done.Done()
	r := newReader(n.socket)
	for {
		batch, err := r.read()
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			continue
		}
		n.dropped.Store(r.dropped)
		n.mu.RLock()
		for _, d := range batch {
			if e := n.endpoints[d.to.Addr()]; e != nil {
				e.receive(d)
			}
		}
		n.mu.RUnlock()
	}
}

func (n *Network) sendLoop() {
	defer n.done.Done()
	w := newWriter(n.socket)
	for count := 0; ; count++ {
		due := n.start.Add(time.Duration(count) * tick)
		if wait := time.Until(due); wait > 0 {
			select {
			case <-n.stop:
				return
			default:
			}
			time.Sleep(wait)
		}
		for _, e := range n.all() {
			if (count+e.number)%pacingTicks == 0 {
				e.tick(w, due.Sub(n.start))
			}
		}
	}
}
