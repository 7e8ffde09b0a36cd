package estimate

import (
	"math"
	"time"
)

// Parameters of the loss model. Rates are in kbit/s.
const (
	lossWindow       = 15 // observations
	lossNeeds        = 3
	lossSpan         = 250 * time.Millisecond // least length of one
	lossTemporal     = 0.9                    // weight of an observation relative to the next
	inherentLow      = 1e-3
	inherentStart    = 0.01
	inherentOffset   = 0.12 // inherent loss is at most this, and more at low rates:
	inherentBalance  = 75   // this by the rate
	newtonStep       = 0.75
	biasLinear       = 0 // preference for high rates
	biasLog          = 0.02
	biasThreshold    = 0.2 // above this loss, low rates are preferred
	biasSmoothing    = 0.002
	lossMaxIncrease  = 1.3 // within lossIncreaseSpan, when recovering
	lossNearIncrease = 1.02
	lossFloor        = 0.85 // of the acknowledged rate: what arrives cannot be too much
	lossIncreaseSpan = 300 * time.Millisecond
	lossRampUp       = 1.5 // of the acknowledged rate, when recovering
	lossNone         = 0.005
	lossSome         = 0.03 // below this, loss does not keep from probing
)

// observation is what happened to the packets of a quarter of a second.
type observation struct {
	packets, lost int
	size          int // bytes sent
	first, last   time.Duration
}

// loss estimates the rate by maximum likelihood: of the candidates it takes
// the one that, together with some loss that is inherent in the path whatever
// is sent, explains best which packets of the latest windows were lost.
type loss struct {
	ring    [lossWindow]observation
	weights [lossWindow]float64 // by age
	n       int                 // so far
	partial observation
	held    int // reported lost in the latest feedback: they may still come
	fresh   int // the same, in this one

	rate     float64 // kbit/s, 0: not started
	inherent float64
	average  float64 // of lost packets, recent ones weigh more
	limiting bool    // the estimate is below what delay allows
	since    time.Duration
	ceiling  float64 // of the estimate in the current span of recovery
	knee     float64 // acknowledged rate when loss last began to lower the estimate
	rising   bool
}

func newLoss() loss {
	l := loss{inherent: inherentStart}
	for i := range l.weights {
		l.weights[i] = math.Pow(lossTemporal, float64(i))
	}
	return l
}

// add takes one packet whose fate was reported.
func (l *loss) add(sentAt time.Duration, size int, received bool) {
	p := &l.partial
	if p.packets == 0 {
		p.first, p.last = sentAt, sentAt
	}
	p.first, p.last = min(p.first, sentAt), max(p.last, sentAt)
	p.packets++
	p.size += size
	if !received {
		l.fresh++
	}
}

// late takes back the loss of a packet that arrived after all.
func (l *loss) late() {
	switch {
	case l.held > 0:
		l.held--
	case l.partial.lost > 0:
		l.partial.lost--
	case l.n > 0 && l.observed(0).lost > 0:
		l.observed(0).lost--
	}
}

// update ends a feedback. delay and acked are in bit/s; acked 0 is unknown.
func (l *loss) update(delay float64, acked int64, now time.Duration) {
	l.partial.lost += l.held
	l.held, l.fresh = l.fresh, 0
	delay /= 1000
	ackedKbps := float64(acked) / 1000
	if l.rate == 0 {
		l.rate = delay
	}
	if !l.limiting {
		l.rate = delay // nothing but delay has limited us so far
	}
	if l.partial.packets == 0 || l.partial.last-l.partial.first < lossSpan {
		l.rate = min(l.rate, delay)
		return
	}
	l.ring[l.n%lossWindow] = l.partial
	l.n++
	l.partial = observation{}
	l.measure()
	if l.n < lossNeeds {
		return
	}
	best, inherent := l.best(delay, ackedKbps)
	if best > l.rate && l.average > inherent {
		best = l.rate // there is more loss than the model explains
	}
	if l.limiting && best > l.rate {
		best = l.recover(best, ackedKbps, now)
	}
	l.inherent = inherent
	next := min(max(min(best, l.instantLimit()), min(lossFloor*ackedKbps, l.rate)), delay)
	if next < l.rate && next < delay {
		if l.rising {
			l.knee = 0
		}
		l.knee = max(l.knee, ackedKbps)
	}
	if next != l.rate {
		l.rising = next > l.rate
	}
	l.rate = next
	if wasLimiting := l.limiting; l.rate < 0.999*delay {
		l.limiting = true
		if !wasLimiting {
			l.span(now)
		}
	} else {
		l.limiting = false
	}
}

// recover bounds how fast the estimate rises again after loss.
func (l *loss) recover(best, acked float64, now time.Duration) float64 {
	if acked > 0 && l.average > lossNone {
		best = max(l.rate, min(best, lossRampUp*acked))
	}
	if now-l.since > lossIncreaseSpan {
		l.span(now)
	}
	return max(l.rate, min(best, l.ceiling))
}

// proven takes the result of a probe, in bit/s.
func (l *loss) proven(bits float64) {
	if l.limiting && l.average < lossNone {
		l.rate = max(l.rate, bits/1000)
	}
}

// hinders tells whether there is too much loss for a probe to make sense.
func (l *loss) hinders() bool { return l.limiting && l.average >= lossSome }

// span begins a span of recovery: fast up to where loss began the last time,
// slow from there.
func (l *loss) span(now time.Duration) {
	l.since = now
	l.ceiling = max(min(lossMaxIncrease*l.rate, l.knee), lossNearIncrease*l.rate)
}

// measure works out the average loss.
func (l *loss) measure() {
	var packets, lost float64
	for i := range min(l.n, lossWindow) {
		o := l.observed(i)
		packets += l.weights[i] * float64(o.packets)
		lost += l.weights[i] * float64(o.lost)
	}
	l.average = lost / max(packets, 1)
}

// observed is the observation of an age, 0 being the latest.
func (l *loss) observed(age int) *observation { return &l.ring[(l.n-1-age)%lossWindow] }

// best returns the likeliest candidate and its inherent loss.
func (l *loss) best(delay, acked float64) (rate, inherent float64) {
	candidates := [5]float64{l.rate, 0.95 * l.rate, 1.02 * l.rate, acked, delay}
	likeliest := math.Inf(-1)
	for _, c := range candidates {
		if c <= 0 {
			continue
		}
		i := l.newton(c)
		if v := l.likelihood(c, i); v > likeliest {
			likeliest, rate, inherent = v, c, i
		}
	}
	return rate, inherent
}

// newton improves the inherent loss for a rate by one step of Newton's method.
func (l *loss) newton(rate float64) float64 {
	i := feasible(l.inherent, rate)
	var first, second float64
	for age := range min(l.n, lossWindow) {
		o := l.observed(age)
		p := lossProbability(i, rate, o.rate())
		lost, kept := float64(o.lost), float64(o.packets-o.lost)
		first += l.weights[age] * (lost/p - kept/(1-p))
		second -= l.weights[age] * (lost/(p*p) + kept/((1-p)*(1-p)))
	}
	if second < 0 {
		i -= newtonStep * first / second
	}
	return feasible(i, rate)
}

func feasible(inherent, rate float64) float64 {
	return min(max(inherent, inherentLow), inherentOffset+inherentBalance/rate)
}

// likelihood is the logarithm of it, with the preference for high rates.
func (l *loss) likelihood(rate, inherent float64) float64 {
	off := biasThreshold - l.average
	bias := off / (biasSmoothing + math.Abs(off)) * (biasLinear*rate + biasLog*math.Log(1+rate))
	sum := 0.0
	for age := range min(l.n, lossWindow) {
		o := l.observed(age)
		p := lossProbability(inherent, rate, o.rate())
		lost, kept := float64(o.lost), float64(o.packets-o.lost)
		sum += l.weights[age] * (lost*math.Log(p) + kept*math.Log(1-p) + bias*float64(o.packets))
	}
	return sum
}

// lossProbability is that of a packet: inherent loss, and what exceeds the rate.
func lossProbability(inherent, rate, sending float64) float64 {
	p := inherent
	if sending > rate {
		p += (1 - inherent) * (sending - rate) / sending
	}
	return min(max(p, 1e-6), 1-1e-6)
}

// instantLimit is what the average loss allows at once. Loss that is over
// counts no more.
func (l *loss) instantLimit() float64 {
	a, b := l.observed(0), l.observed(1)
	latest := float64(a.lost+b.lost) / float64(max(a.packets+b.packets, 1))
	if excess := min(l.average, latest) - inherentOffset; excess > 0 {
		return inherentBalance / excess
	}
	return math.Inf(1)
}

// rate is what was sent in the window, kbit/s.
func (o *observation) rate() float64 {
	return float64(o.size) * 8 / 1000 / max((o.last-o.first).Seconds(), 0.001)
}
