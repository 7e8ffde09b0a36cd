package bridge

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"sync/atomic"
	"time"
)

// Conference is one Colibri conference.
type Conference struct {
	// Set once.
	bridge    *Bridge
	meetingID string
	id        string // in websocket URLs
	number    uint64 // stands for it in the log
	audioSSRC uint32 // feedback sources, signalled as jvb-a0 and jvb-v0
	videoSSRC uint32
	created   time.Duration
	queue     *queue
	speakers  *speakers
	loudest   *loudest

	// Atomic: published by the queue for the packet path and the clock.
	routes atomic.Pointer[routes]
	roster atomic.Pointer[[]*Endpoint]

	// Wanted by anybody, run by the queue.
	allocation  errand
	publication errand

	// Control state, owned by the queue.
	endpoints map[string]*Endpoint
	order     []*Endpoint // as they joined
	expired   bool
	dominant  string        // whom the loudest-only rule lets pass
	emptyFrom time.Duration // since when there is no endpoint
}

func (b *Bridge) newConference(meetingID string) *Conference {
	var r [16]byte
	_, _ = rand.Read(r[:]) // never fails
	c := &Conference{
		bridge:    b,
		meetingID: meetingID,
		id:        hex.EncodeToString(r[:8]),
		number:    b.nextNumber.Add(1),
		audioSSRC: binary.BigEndian.Uint32(r[8:]) | 1,
		videoSSRC: binary.BigEndian.Uint32(r[12:]) &^ 1,
		created:   b.mux.Now(),
		emptyFrom: b.mux.Now(),
		speakers:  newSpeakers(b.cfg.Conference.RecentSpeakers),
		loudest:   newLoudest(b.cfg.Media),
		endpoints: make(map[string]*Endpoint),
	}
	if c.videoSSRC == 0 {
		c.videoSSRC = 2
	}
	c.queue = newQueue(func(stack []byte) { b.panicked(stack) })
	if b.cfg.Conference.SilenceDetection {
		c.speakers.silence = b.cfg.Conference.SilenceTimeout
	}
	c.routes.Store(noRoutes)
	c.roster.Store(&[]*Endpoint{})
	return c
}

// panicked tells of a broken invariant. The panic's value is left out: it may
// hold what a peer sent.
func (b *Bridge) panicked(stack []byte) {
	b.counters.panics.Add(1)
	b.log.Error().Bytes("stack", stack).Msg("an invariant of the bridge was broken; the request was given up, calls go on")
}

// join puts an endpoint into the conference.
func (c *Conference) join(e *Endpoint) {
	c.endpoints[e.id] = e
	c.order = append(c.order, e)
	c.enrol()
	for _, other := range c.order {
		if other != e {
			e.audioFrom(other)
		}
		if other.inactive {
			e.tellConnectivity(other)
		}
	}
	e.tellSpeaker()
}

// leave expires one endpoint: nothing of it is left when this returns.
func (c *Conference) leave(e *Endpoint) {
	if c.endpoints[e.id] != e {
		return
	}
	delete(c.endpoints, e.id)
	c.order = slices.DeleteFunc(c.order, func(o *Endpoint) bool { return o == e })
	for _, s := range e.sources {
		c.retire(s)
	}
	for _, other := range c.order {
		other.outbox.Connectivity(e.id, true, nil)
	}
	c.enrol()
	e.close()
	c.speakers.Remove(e.id)
	c.loudest.Remove(e.id)
	if len(c.order) == 0 {
		c.emptyFrom = c.bridge.mux.Now()
	}
	c.allocateSoon()
}

// enrol publishes the endpoints of this moment for the clock and statistics.
func (c *Conference) enrol() {
	roster := slices.Clone(c.order)
	c.roster.Store(&roster)
	c.publish()
}

// expire ends the conference and frees everything.
func (c *Conference) expire() {
	if c.expired {
		return
	}
	c.expired = true
	c.bridge.remove(c)
	for len(c.order) > 0 {
		c.leave(c.order[0])
	}
	c.routes.Store(noRoutes)
	c.queue.close()
	c.bridge.counters.conferencesEnded.Add(1)
	c.bridge.counters.conferenceSeconds.Add(uint64((c.bridge.mux.Now() - c.created).Seconds()))
}

// endpoint finds an endpoint from outside of the queue.
func (c *Conference) endpoint(id string) *Endpoint {
	for _, e := range *c.roster.Load() {
		if e.id == id {
			return e
		}
	}
	return nil
}

// allocateSoon asks for a new allocation; the clock has it done within its next
// tick, so that many reasons cost one run.
func (c *Conference) allocateSoon() { c.allocation.want() }

// publishSoon does the same for the routing table. It is for what receivers
// ask for; after a source is gone the table has to be new at once.
func (c *Conference) publishSoon() { c.publication.want() }
