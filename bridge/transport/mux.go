package transport

import (
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/transport/v5/stdnet"
	"github.com/rs/zerolog"

	"steg/bridge/packet"
)

// Mux owns the media port: its sockets, the readers on them, and the
// transports that share it.
type Mux struct {
	// OnStrayBinding, if set before Start, is handed STUN binding requests
	// without credentials. reply sends at once; request is valid until
	// return. It runs on a reader and must not block.
	OnStrayBinding func(request []byte, from netip.AddrPort, reply func(response []byte))

	// Set once.
	cfg        Config
	log        zerolog.Logger
	start      time.Time
	addrs      []*localAddr
	candidates []Candidate
	network    *stdnet.Net // one list of interfaces for all agents, which do not use it
	suites     dtlsSuites
	profiles   []dtls.SRTPProtectionProfile
	hashes     []string
	readers    []*reader

	// Of ICE: how long a silent pair stays up, and then down, until it
	// failed. Tests shorten them.
	disconnectAfter, failAfter time.Duration

	wg sync.WaitGroup // readers

	// Safe by themselves.
	bindings  bindings
	directory directory
	certs     certificates
	datagrams sync.Pool
	count     counters
	clock     atomic.Int64 // Now as of the last batch, for those without a clock
	batches   atomic.Uint32

	mu         sync.Mutex // guards what follows
	started    bool
	closed     bool
	transports map[*Transport]struct{}
	free       []uint32 // indices of closed transports
	next       uint32
}

// Listen binds the media port on every allowed local address and makes the
// process's certificate. Nothing is read before Start.
func Listen(cfg Config, log zerolog.Logger) (*Mux, error) {
	m := &Mux{cfg: cfg, log: log, start: time.Now(), transports: map[*Transport]struct{}{}}
	m.disconnectAfter, m.failAfter = disconnectedTimeout, failedTimeout
	m.datagrams.New = func() any { return new(datagram) }
	m.directory.ufrags = map[string]*agent{}
	m.directory.transactions = map[transactionID]transaction{}
	var err error
	if m.suites, err = parseSuites(cfg.DTLS); err != nil {
		return nil, err
	}
	if m.profiles, err = parseProfiles(cfg.SRTP); err != nil {
		return nil, err
	}
	if m.hashes, err = parseHashes(cfg.DTLS); err != nil {
		return nil, err
	}
	if _, err = m.certs.current(); err != nil {
		return nil, fmt.Errorf("make certificate: %w", err)
	}
	if m.network, err = stdnet.NewNet(); err != nil {
		return nil, fmt.Errorf("list interfaces: %w", bareError(err))
	}
	n := cfg.Readers
	if n <= 0 {
		n = runtime.GOMAXPROCS(0)
	}
	var skipped int
	if m.addrs, skipped, err = listenAll(cfg, n); err != nil {
		return nil, err
	}
	if skipped > 0 {
		log.Warn().Int("addresses", skipped).Msg("some allowed local addresses could not be bound")
	}
	m.candidates = candidatesOf(m.Addresses(), cfg.ICE.StaticMappings)
	return m, nil
}

// Start begins to read.
func (m *Mux) Start() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.started || m.closed {
		return
	}
	m.started = true
	for _, la := range m.addrs {
		for _, s := range la.sockets {
			r := newReader(m, la, s)
			m.readers = append(m.readers, r)
			m.wg.Add(1)
			go func() {
				defer m.wg.Done()
				r.run()
			}()
		}
	}
}

// Close closes all transports and the port, and waits for every goroutine.
func (m *Mux) Close() error {
	m.mu.Lock()
	m.closed = true
	var open []*Transport
	for t := range m.transports {
		open = append(open, t)
	}
	m.mu.Unlock()
	var wg sync.WaitGroup
	for _, t := range open {
		wg.Go(t.Close)
	}
	wg.Wait()
	for _, la := range m.addrs {
		la.close()
	}
	m.wg.Wait()
	return nil
}

// Now is the monotonic time since Listen.
func (m *Mux) Now() time.Duration { return time.Since(m.start) }

// Valid reports whether media can arrive at all.
func (m *Mux) Valid() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return ErrClosed
	}
	if len(m.addrs) == 0 {
		return ErrNoAddress
	}
	return nil
}

// Addresses lists the bound addresses.
func (m *Mux) Addresses() []netip.AddrPort {
	list := make([]netip.AddrPort, len(m.addrs))
	for i, la := range m.addrs {
		list[i] = la.addr
	}
	return list
}

func (m *Mux) owns(ap netip.AddrPort) bool {
	for _, la := range m.addrs {
		if la.addr == netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port()) {
			return true
		}
	}
	return false
}

// NewTransport makes a transport that waits for its peer.
func (m *Mux) NewTransport(o Options, p Peer) (*Transport, error) {
	cert, err := m.certs.current()
	if err != nil {
		return nil, fmt.Errorf("renew certificate: %w", err)
	}
	t := &Transport{
		mux: m, opts: o, peer: p, cert: cert,
		dtlsIn: newPipe(m),
		old:    map[*agent]*time.Timer{},
	}
	t.dtlsIn.write = t.writeDTLS
	if t.current, err = t.newAgent(0); err != nil {
		return nil, err
	}
	if !m.enter(t) {
		t.current.close()
		return nil, ErrClosed
	}
	return t, nil
}

// enter registers t and gives it an index, unless the mux is closed.
func (m *Mux) enter(t *Transport) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return false
	}
	if n := len(m.free); n > 0 {
		t.index = m.free[n-1]
		m.free = m.free[:n-1]
	} else {
		t.index = m.next
		m.next++
	}
	m.transports[t] = struct{}{}
	return true
}

func (m *Mux) forget(t *Transport) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.transports[t]; ok {
		delete(m.transports, t)
		m.free = append(m.free, t.index)
	}
}

// datagram is a copy of a datagram on its way from a reader to the ICE or
// DTLS goroutine of one transport. It is taken from Mux.datagrams by the
// reader and given back by whoever takes it out of the queue.
type datagram struct {
	from remoteKey
	n    int
	buf  [packet.MaxDatagram]byte
}

func (m *Mux) newDatagram(b []byte, from remoteKey) *datagram {
	d := m.datagrams.Get().(*datagram)
	d.n, d.from = copy(d.buf[:], b), from
	return d
}

func (m *Mux) freeDatagram(d *datagram) { m.datagrams.Put(d) }

var errNoSuites = errors.New("jmt.dtls.cipher-suites names no usable ECDSA suite")
