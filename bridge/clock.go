package bridge

import (
	"math"
	"runtime/debug"
	"time"

	"steg/bridge/transport"
)

// tick is the resolution of everything that happens by time.
const tick = 10 * time.Millisecond

// Periods in ticks.
const (
	probeTicks    = 2   // estimates and probes
	speakerTicks  = 10  // speaker decisions, waiting state messages
	layerTicks    = 25  // rates and activity of layers
	reportTicks   = 50  // receiver reports, connection status
	expireTicks   = 100 // expiry
	allocateTicks = 100 // allocation with nothing new but the rates, which are those of a second
	loadTicks     = 1000
)

// clock is the housekeeping of a bridge: one goroutine that does for all
// endpoints what is due by time. It sleeps while there is no conference.
type clock struct {
	bridge *Bridge
	batch  *transport.Batch // the goroutine's own
	alarm  chan struct{}    // something to do after all; holds one
	stop   chan struct{}
	done   chan struct{}
}

func newClock(b *Bridge) *clock {
	return &clock{
		bridge: b,
		batch:  b.mux.NewBatch(),
		alarm:  make(chan struct{}, 1),
		stop:   make(chan struct{}),
		done:   make(chan struct{}),
	}
}

func (k *clock) start() { go k.run() }

func (k *clock) close() {
	close(k.stop)
	<-k.done
}

// wake starts the ticks when the first conference comes.
func (k *clock) wake() {
	select {
	case k.alarm <- struct{}{}:
	default:
	}
}

func (k *clock) run() {
	defer close(k.done)
	slow := time.NewTicker(loadTicks * tick)
	defer slow.Stop()
	for {
		select {
		case <-k.stop:
			return
		case <-slow.C:
			k.bridge.measure()
		case <-k.alarm:
			k.measureAndTick(slow)
		}
	}
}

// measureAndTick ticks until there is no conference.
func (k *clock) measureAndTick(slow *time.Ticker) {
	fast := time.NewTicker(tick)
	defer fast.Stop()
	var conferences []*Conference
	for n := 1; ; n++ {
		select {
		case <-k.stop:
			return
		case <-slow.C:
			k.bridge.measure()
		case <-fast.C:
		}
		conferences = k.bridge.all(conferences[:0])
		if len(conferences) == 0 {
			return
		}
		now := k.bridge.mux.Now()
		for _, c := range conferences {
			k.conference(c, n, now)
		}
		k.batch.Flush()
	}
}

// conference does one tick for a conference.
func (k *clock) conference(c *Conference, n int, now time.Duration) {
	defer c.bridge.recovered()
	tell := n%c.bridge.connectionTicks() == 0
	for _, e := range *c.roster.Load() {
		if n%layerTicks == 0 {
			e.tickLayers(now)
		}
		if due := time.Duration(e.nextFeedback.Load()); due != 0 && due <= now {
			e.tickFeedback(k.batch, now)
		}
		if n%probeTicks == 0 && e.bandwidth.tick(e, k.batch, now) {
			c.allocateSoon()
		}
		if n%reportTicks == 0 {
			e.tickReports(k.batch, now)
			if silent := e.silentFor(now); silent != e.told.Load() {
				e.post(func() { e.connectivity(silent) })
			}
		}
		if n%speakerTicks == 0 {
			e.outbox.Retry()
		}
		if tell {
			e.tellBandwidth()
		}
	}
	c.tickKeyframes(k.batch, now)
	if n%speakerTicks == 0 && c.speakers.Tick(now) {
		c.queue.post(c.speakersChanged)
	}
	if n%expireTicks == 0 {
		c.queue.post(func() { c.expirePass(now) })
	}
	if n%allocateTicks == 0 {
		c.allocateSoon()
	}
	if c.allocation.due(now) {
		c.queue.post(func() { c.allocation.run(c.allocate, c.bridge.mux.Now) })
	}
	if c.publication.due(now) {
		c.queue.post(func() { c.publication.run(c.publish, c.bridge.mux.Now) })
	}
}

// connectionTicks is the period in which receivers are told of their line.
func (b *Bridge) connectionTicks() int {
	if !b.cfg.Conference.ConnectionStats {
		return math.MaxInt
	}
	return max(1, int(b.cfg.Conference.ConnectionStatsInterval/tick))
}

func (e *Endpoint) tickLayers(now time.Duration) {
	e.inMu.Lock()
	defer e.inMu.Unlock()
	e.in.SetRTT(e.transport.RTT())
	e.in.Tick(now)
	if e.in.LayersChanged() {
		e.conference.allocateSoon()
	}
}

func (e *Endpoint) tickFeedback(b *transport.Batch, now time.Duration) {
	e.inMu.Lock()
	defer e.inMu.Unlock()
	e.feedback(b, now)
}

func (e *Endpoint) tickReports(b *transport.Batch, now time.Duration) {
	if !e.transport.Ready() {
		return
	}
	e.inMu.Lock()
	defer e.inMu.Unlock()
	e.in.Reports(now, func(rtcp []byte) { e.sendRTCP(b, rtcp) })
}

// tickKeyframes lets out the keyframe requests that waited for the end of
// their interval.
func (c *Conference) tickKeyframes(b *transport.Batch, now time.Duration) {
	for _, r := range c.routes.Load().of {
		owner := r.source.owner
		if encoding, ok := r.source.keyframes.due(now, owner.keyframeInterval()); ok && !owner.expired.Load() {
			owner.sendKeyframeRequest(b, r.source, encoding)
		}
	}
}

// expirePass removes endpoints that are gone and a conference that stays empty.
// It runs on the queue.
func (c *Conference) expirePass(now time.Duration) {
	for i := len(c.order) - 1; i >= 0; i-- {
		if e := c.order[i]; e.gone(now) {
			c.bridge.counters.endpointsExpired.Add(1)
			c.leave(e)
		}
	}
	if len(c.order) == 0 && now-c.emptyFrom > emptyTimeout {
		c.expire()
	}
}

// Lives without activity: of an endpoint that never connected, and of a
// conference without endpoints.
const (
	neverActiveTimeout = 2 * time.Minute
	emptyTimeout       = 20 * time.Second
)

// gone tells that nothing is to be expected of an endpoint any more.
func (e *Endpoint) gone(now time.Duration) bool {
	if last := e.lastActivity(); last != 0 {
		silent := now - last
		return silent > e.conference.bridge.cfg.Conference.ExpireTimeout || e.failed.Load() && silent > failedTimeout
	}
	return now-e.created > neverActiveTimeout
}

// failedTimeout is how long an endpoint whose ICE failed may still come back.
const failedTimeout = 15 * time.Second

// recovered keeps the process alive when an invariant broke in a packet
// handler. The panic's value may hold what a peer sent: only the stack is told.
func (b *Bridge) recovered() {
	if recover() != nil {
		b.panicked(debug.Stack())
	}
}
