package estimate

import (
	"math"
	"time"
)

// Parameters of the delay-based rate.
const (
	backoffFactor  = 0.85
	growthFactor   = 1.08 // a second, far from the capacity
	throughputRoom = 1.25 // the rate grows to this times the throughput: what was never sent proves nothing
	throughputBase = 10_000
	defaultRTT     = 200 * time.Millisecond
	responseDelay  = 100 * time.Millisecond
	leastIncrease  = 4000 // bit/s each second, near the capacity
	recentShare    = 0.7  // of the throughput: what arrived lately shows a lower capacity
	packetBits     = 1200 * 8
	framesASecond  = 30
)

// rate is the delay-based target: additive increase near a known capacity,
// multiplicative elsewhere, multiplicative decrease.
type rate struct {
	target    float64 // bit/s
	growing   bool
	capacity  capacity
	updated   time.Duration // of target
	decreased time.Duration
	drop      drop
}

// drop remembers the latest large decrease, so that a probe may find out
// whether it was a mistake.
type drop struct {
	from float64       // bit/s, 0: none
	at   time.Duration // when
}

// largeDrop is the share of the former rate that a large drop leaves at most.
const largeDrop = 0.66

// evidence is what one feedback says.
type evidence struct {
	usage              usage
	throughput, recent int64 // bit/s, 0: unknown
	rtt                time.Duration
	limited            bool // the application sends less than it might
}

func (r *rate) update(e evidence, now time.Duration) {
	switch e.usage {
	case usageOver:
		if r.mayDecrease(e, now) {
			r.decrease(e, now)
		}
		r.growing = false
	case usageUnder:
		r.growing = false // let the queue drain
	case usageNormal:
		if r.growing {
			r.increase(e, now)
		}
		r.growing = true
	}
	r.updated = now
}

// mayDecrease leaves a decrease the time to show effect, unless the target is
// far above what arrives.
func (r *rate) mayDecrease(e evidence, now time.Duration) bool {
	pause := min(max(e.rtt, 10*time.Millisecond), defaultRTT)
	return r.decreased == 0 || now-r.decreased >= pause || e.throughput > 0 && float64(e.throughput) < r.target/2
}

// decrease goes below what arrives. The robust throughput looks back a second
// at least; when the capacity has just dropped, the last moments tell more.
func (r *rate) decrease(e evidence, now time.Duration) {
	before := r.target
	if e.throughput == 0 {
		r.target /= 2
	} else {
		arrives := float64(e.throughput)
		if recent := float64(e.recent); recent > 0 && (recent < recentShare*arrives || arrives < recentShare*recent) {
			arrives = recent
		}
		next := backoffFactor * arrives
		if next > r.target && r.capacity.known() {
			next = backoffFactor * r.capacity.mean
		}
		r.target = min(r.target, next)
		if r.capacity.known() && arrives < r.capacity.low() {
			r.capacity = capacity{}
		}
		r.capacity.overused(arrives)
	}
	r.lowered(before, now)
}

// lower begins anew after the receiver was not heard of.
func (r *rate) lower(bits float64, now time.Duration) {
	before := r.target
	r.target = min(r.target, bits)
	r.lowered(before, now)
}

func (r *rate) lowered(before float64, now time.Duration) {
	r.decreased = now
	if r.target < largeDrop*before {
		r.drop = drop{from: before, at: now}
	}
}

func (r *rate) increase(e evidence, now time.Duration) {
	through := float64(e.throughput)
	if r.capacity.known() && through > r.capacity.high() {
		r.capacity = capacity{}
	}
	limit := throughputRoom*through + throughputBase
	if e.limited || through == 0 || r.target >= limit {
		return
	}
	dt := min((now - r.updated).Seconds(), 1)
	if r.capacity.known() {
		r.target += r.nearIncrease(e.rtt) * dt
	} else {
		r.target += max(r.target*(math.Pow(growthFactor, dt)-1), 1000*dt)
	}
	r.target = min(r.target, limit)
}

// nearIncrease is about one packet per response time, in bit/s each second.
func (r *rate) nearIncrease(rtt time.Duration) float64 {
	if rtt == 0 {
		rtt = defaultRTT
	}
	frame := r.target / framesASecond
	packet := frame / math.Ceil(frame/packetBits)
	return max(leastIncrease, packet/(rtt+responseDelay).Seconds())
}

// proven takes the result of a probe.
func (r *rate) proven(bits float64, now time.Duration) {
	r.capacity.probed(bits)
	r.target, r.updated, r.growing = bits, now, false
}

// capacity is what the path was found to carry when it was overused or
// probed: mean and variation, in bit/s.
type capacity struct {
	mean      float64
	variation float64 // of the error squared, in kbit/s and relative to the mean
}

const (
	capacityOveruse = 0.05 // weight of a new sample
	capacityProbe   = 0.5
	leastVariation  = 0.4
	mostVariation   = 2.5
)

func (c *capacity) known() bool           { return c.mean > 0 }
func (c *capacity) overused(bits float64) { c.add(bits, capacityOveruse) }
func (c *capacity) probed(bits float64)   { c.add(bits, capacityProbe) }

func (c *capacity) add(bits, weight float64) {
	if !c.known() {
		c.mean, c.variation = bits, leastVariation
		return
	}
	c.mean += weight * (bits - c.mean)
	off := (c.mean - bits) / 1000
	norm := max(c.mean/1000, 1)
	c.variation += weight * (off*off/norm - c.variation)
	c.variation = min(max(c.variation, leastVariation), mostVariation)
}

// low and high bound what still counts as the same capacity.
func (c *capacity) low() float64  { return max(0, c.mean-3*c.deviation()) }
func (c *capacity) high() float64 { return c.mean + 3*c.deviation() }
func (c *capacity) deviation() float64 {
	return 1000 * math.Sqrt(c.variation*c.mean/1000)
}
