package link

import (
	"math/rand/v2"
	"time"
)

// Config describes one direction of a path.
type Config struct {
	Rate       int64         // bit/s of the bottleneck; 0: without limit
	Steps      []Step        // changes of Rate, in order of time
	Delay      time.Duration // one way, besides queue and serialization
	QueueBytes int           // tail drop above this; 0: see QueueTime
	QueueTime  time.Duration // tail drop above what the rate serves in this time; 0: see QueueBytes
	Loss       float64       // share of packets lost at random, 0..1
	Jitter     time.Duration // extra delay, evenly spread from 0 to this
	Reorder    bool          // jitter lets packets overtake each other
	Policer    bool          // no queue: what exceeds the rate by more than QueueBytes is lost
	Overhead   int           // bytes that the network adds to each packet
	Seed       uint64        // of loss and jitter
}

// Step is a change of the bottleneck's rate.
type Step struct {
	At   time.Duration
	Rate int64
}

// Packet is what passes a link.
type Packet struct {
	Flow int           // whose it is, for the driver
	Seq  uint64        // the driver's
	Size int           // bytes without Overhead
	Data []byte        // the driver's
	Sent time.Duration // when it was handed in
}

// Delivery is a packet that came through.
type Delivery struct {
	Packet
	At     time.Duration // at the far end
	Queued time.Duration // of that, the time in the queue
}

// Stats count what happened at a link.
type Stats struct {
	Sent, Overflowed, Lost, Delivered int
	Bytes                             int64 // delivered, with overhead
}

// Link is one direction of a path. It is not safe for concurrent use, and the
// times passed in must not run backwards.
type Link struct {
	config Config
	rate   int64
	steps  []Step
	random *rand.Rand
	stats  Stats

	queue  []Packet // waiting; the first one may be in service
	bytes  int      // of queue, with overhead
	served time.Duration
	bucket float64       // bytes, of the policer
	filled time.Duration // when bucket was computed

	flight []Delivery // by time of arrival
	latest time.Duration
}

// New returns an idle link.
func New(c Config) *Link {
	return &Link{
		config: c, rate: c.Rate, steps: c.Steps,
		random: rand.New(rand.NewPCG(c.Seed, 1)), bucket: float64(c.QueueBytes),
	}
}

// Stats returns the counters.
func (l *Link) Stats() Stats { return l.stats }

// Rate is the bottleneck's rate at now.
func (l *Link) Rate(now time.Duration) int64 {
	l.step(now)
	return l.rate
}

// Queue is what waits at now: bytes, and the time until the last of them is
// served at the present rate.
func (l *Link) Queue(now time.Duration) (bytes int, wait time.Duration) {
	l.advance(now)
	if l.rate == 0 {
		return 0, 0
	}
	return l.bytes, serialization(l.bytes, l.rate)
}

// SetRate changes the bottleneck's rate, for packets not yet in service.
func (l *Link) SetRate(now time.Duration, rate int64) {
	l.advance(now)
	l.rate = rate
}

// Send hands in a packet. It reports false where the queue had no room.
func (l *Link) Send(now time.Duration, p Packet) bool {
	l.advance(now)
	p.Sent = now
	l.stats.Sent++
	size := p.Size + l.config.Overhead
	switch {
	case l.rate == 0:
		l.launch(p, now)
		return true
	case l.config.Policer:
		if !l.conforms(now, size) {
			l.stats.Overflowed++
			return false
		}
		l.launch(p, now)
		return true
	case len(l.queue) > 0 && l.bytes+size > l.limit():
		l.stats.Overflowed++
		return false
	}
	if len(l.queue) == 0 {
		l.served = now
	}
	l.queue = append(l.queue, p)
	l.bytes += size
	return true
}

// limit is what the queue may hold, in bytes.
func (l *Link) limit() int {
	limit := l.config.QueueBytes
	if t := l.config.QueueTime; t > 0 {
		if b := int(l.rate * int64(t) / 8 / int64(time.Second)); limit == 0 || b < limit {
			limit = b
		}
	}
	if limit == 0 {
		return 1 << 30
	}
	return limit
}

// conforms is the policer's token bucket.
func (l *Link) conforms(now time.Duration, size int) bool {
	l.bucket += float64(l.rate) / 8 * (now - l.filled).Seconds()
	l.bucket = min(l.bucket, float64(max(l.config.QueueBytes, 3000)))
	l.filled = now
	if l.bucket < float64(size) {
		return false
	}
	l.bucket -= float64(size)
	return true
}

// Next tells when Receive will have something; false while nothing is under
// way. A packet handed in later may arrive before.
func (l *Link) Next() (time.Duration, bool) {
	var at time.Duration
	ok := false
	if len(l.flight) > 0 {
		at, ok = l.flight[0].At, true
	}
	if len(l.queue) > 0 {
		due := l.served + serialization(l.queue[0].Size+l.config.Overhead, l.rate)
		if !ok || due < at {
			at, ok = due, true
		}
	}
	return at, ok
}

// Receive returns the next packet that has arrived by now.
func (l *Link) Receive(now time.Duration) (Delivery, bool) {
	l.advance(now)
	if len(l.flight) == 0 || l.flight[0].At > now {
		return Delivery{}, false
	}
	d := l.flight[0]
	l.flight = l.flight[1:]
	l.stats.Delivered++
	l.stats.Bytes += int64(d.Size + l.config.Overhead)
	return d, true
}

// advance serves the queue until now.
func (l *Link) advance(now time.Duration) {
	for len(l.queue) > 0 {
		l.step(l.served)
		p := l.queue[0]
		done := l.served + serialization(p.Size+l.config.Overhead, l.rate)
		if done > now {
			return
		}
		l.queue = l.queue[1:]
		l.bytes -= p.Size + l.config.Overhead
		l.served = done
		l.launch(p, done)
	}
	l.step(now)
}

func (l *Link) step(now time.Duration) {
	for len(l.steps) > 0 && l.steps[0].At <= now {
		l.rate, l.steps = l.steps[0].Rate, l.steps[1:]
	}
}

// launch puts a packet that has left the queue on its way.
func (l *Link) launch(p Packet, at time.Duration) {
	if l.config.Loss > 0 && l.random.Float64() < l.config.Loss {
		l.stats.Lost++
		return
	}
	d := Delivery{Packet: p, At: at + l.config.Delay, Queued: at - p.Sent}
	if l.config.Jitter > 0 {
		d.At += time.Duration(l.random.Int64N(int64(l.config.Jitter)))
	}
	if !l.config.Reorder {
		d.At = max(d.At, l.latest)
	}
	l.latest = max(l.latest, d.At)
	l.flight = append(l.flight, d)
	for i := len(l.flight) - 1; i > 0 && l.flight[i].At < l.flight[i-1].At; i-- {
		l.flight[i], l.flight[i-1] = l.flight[i-1], l.flight[i]
	}
}

// serialization is how long a rate takes for so many bytes.
func serialization(bytes int, rate int64) time.Duration {
	return time.Duration(int64(bytes) * 8 * int64(time.Second) / rate)
}
