package bridge

import (
	"errors"
	"net/netip"
	"sync"
	"sync/atomic"

	"github.com/rs/zerolog"

	"steg/bridge/transport"
	"steg/configs"
)

// Bridge is all conferences of this process. It answers Colibri2 requests
// (Modify), tells its health and load, and drains.
type Bridge struct {
	// Set once.
	cfg     configs.Config
	version string
	mux     *transport.Mux
	log     zerolog.Logger
	clock   *clock

	// Atomic; readers may see a state a moment old.
	drain        atomic.Bool
	graceful     atomic.Bool // takes no new conferences, ends when empty
	shuttingDown atomic.Bool
	ill          atomic.Bool // as of the latest measurement
	onChange     atomic.Pointer[func()]
	counters     counters
	load         loadMeter
	nextNumber   atomic.Uint64 // names conferences and endpoints in the log

	// mu guards the maps. It is taken before nothing and held for no call.
	mu      sync.Mutex
	meeting map[string]*Conference // by meeting id
	byID    map[string]*Conference // by the id in websocket URLs
	closed  bool
}

// New makes a bridge on an open mux. Start must be called before it forwards.
func New(cfg configs.Config, mux *transport.Mux, version string, log zerolog.Logger) *Bridge {
	b := &Bridge{
		cfg:     cfg,
		version: version,
		mux:     mux,
		log:     log,
		meeting: make(map[string]*Conference),
		byID:    make(map[string]*Conference),
	}
	b.drain.Store(cfg.Conference.InitialDrain)
	b.clock = newClock(b)
	return b
}

// Start begins to read packets and to keep time.
func (b *Bridge) Start() {
	b.mux.Start()
	b.clock.start()
}

// Close expires every conference and stops. The mux is closed, too.
func (b *Bridge) Close() error {
	b.mu.Lock()
	b.closed = true // none is added from now on
	b.mu.Unlock()
	all := b.all(nil)
	for _, c := range all {
		c.queue.post(c.expire)
	}
	for _, c := range all {
		c.queue.wait()
	}
	b.clock.close()
	return b.mux.Close()
}

// OnChange sets what is called, from any goroutine, when something changed
// that the focus should know at once (drain, shutdown).
func (b *Bridge) OnChange(f func()) { b.onChange.Store(&f) }

func (b *Bridge) changed() {
	if f := b.onChange.Load(); f != nil {
		(*f)()
	}
}

// SetDrain asks the focus to place no new conferences here, or to do so again.
func (b *Bridge) SetDrain(on bool) {
	if b.drain.Swap(on) != on {
		b.changed()
	}
}

// Drain reports whether the bridge drains.
func (b *Bridge) Drain() bool { return b.drain.Load() }

// ShutDown begins a graceful shutdown: no new conferences. Idle reports when
// the last one has ended.
func (b *Bridge) ShutDown() {
	if !b.graceful.Swap(true) {
		b.changed()
	}
}

// Idle reports that there is no conference.
func (b *Bridge) Idle() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.meeting) == 0
}

// ErrNoValidAddress reports that no advertised address is reachable from
// outside.
var ErrNoValidAddress = errors.New("no address outside of private, link-local and loopback ranges: " +
	"set ice4j.harvest.mapping.static-mappings, or videobridge.health.require-valid-address = false")

// Healthy returns nil, or what is wrong with the bridge. It is cheap and asks
// nobody.
func (b *Bridge) Healthy() error {
	if err := b.mux.Valid(); err != nil {
		return err
	}
	if !b.cfg.Health.RequireValidAddress {
		return nil
	}
	for _, a := range b.mux.Addresses() {
		if valid(a.Addr()) {
			return nil
		}
	}
	for _, m := range b.cfg.ICE.StaticMappings {
		if valid(m.Public) {
			return nil
		}
	}
	return ErrNoValidAddress
}

func valid(a netip.Addr) bool {
	return a.IsGlobalUnicast() && !a.IsPrivate() && !a.IsLoopback()
}

// conference returns the conference of a meeting id, or nil.
func (b *Bridge) conference(meetingID string) *Conference {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.meeting[meetingID]
}

// all returns the conferences of this moment.
func (b *Bridge) all(dst []*Conference) []*Conference {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.meeting {
		dst = append(dst, c)
	}
	return dst
}

// add makes the conference findable; false when its meeting id is taken or
// the bridge is closed.
func (b *Bridge) add(c *Conference) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed || b.meeting[c.meetingID] != nil {
		return false
	}
	b.meeting[c.meetingID] = c
	b.byID[c.id] = c
	b.clock.wake()
	return true
}

// remove frees the meeting id, so that it can be used again at once.
func (b *Bridge) remove(c *Conference) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.meeting[c.meetingID] == c {
		delete(b.meeting, c.meetingID)
	}
	delete(b.byID, c.id)
}
