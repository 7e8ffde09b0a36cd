package estimate

import (
	"cmp"
	"slices"
	"time"

	"steg/bridge/packet"
)

// Config holds what is fixed for one receiver, in bit/s.
type Config struct {
	Initial int64 // until anything is known
	Min     int64
	Max     int64
}

// Limit says what the estimate is limited by.
type Limit uint8

// The limits.
const (
	LimitStart   Limit = iota // nothing is known yet
	LimitDelay                // the queue would grow
	LimitLoss                 // too much would be lost
	LimitSilence              // no feedback comes, or very late
	LimitMax                  // the configuration
)

// State explains an estimate. Rates are in bit/s, 0 while unknown.
type State struct {
	Estimate   int64
	Limit      Limit
	Delay      int64 // what delay alone allows
	Loss       int64 // what loss alone allows, at most Delay
	Throughput int64 // acknowledged
	LossRatio  float64
	RTT        time.Duration // by feedback, without the receiver's wait
	Slope      float64       // of the delay, as compared with Threshold
	Threshold  float64
	Overused   bool
	Limited    bool  // the application sends much less than the estimate
	Probed     int64 // result of the latest probe
	Probes     int
}

// Probe is what to send as padding now.
type Probe struct {
	Bytes int   // 0: nothing
	Rate  int64 // bit/s of the cluster, for a pacer
	Size  int   // best size of a packet: small ones spread a slow cluster
}

// Estimator is the estimate towards one receiver. It implements what egress
// asks of an estimator.
type Estimator struct {
	config   Config
	history  history
	groups   groups
	trend    trend
	standing standing
	through  throughput
	rate     rate
	loss     loss
	alr      alr
	prober   prober
	silence  silence
	arrivals []arrival // scratch of TCC
	clock    clock
	estimate int64
	limit    Limit
	usage    usage // of the latest feedback
	rtt      time.Duration
	probes   int
}

// New returns an estimator that says Initial.
func New(c Config) *Estimator {
	c.Max = max(c.Max, 1)
	c.Min = min(max(c.Min, silenceFloor), c.Max)
	c.Initial = min(max(c.Initial, c.Min), c.Max)
	e := &Estimator{config: c, trend: newTrend(), loss: newLoss(), estimate: c.Initial}
	e.rate.target = float64(c.Initial)
	e.prober.demand, e.prober.limit = -1, c.Max
	e.alr.estimate(float64(c.Initial))
	return e
}

// Estimate is the bandwidth towards the receiver, in bit/s of plain RTP.
func (e *Estimator) Estimate() int64 { return e.estimate }

// SetDemand tells what would be sent if there were no limit, in bit/s; below
// 0 if that is unknown. Nothing is probed beyond.
func (e *Estimator) SetDemand(bits int64) { e.prober.setDemand(bits) }

// State explains the estimate.
func (e *Estimator) State() State {
	return State{
		Estimate: e.estimate, Limit: e.limit,
		Delay: int64(e.rate.target), Loss: int64(1000 * e.loss.rate),
		Throughput: e.through.rate(), LossRatio: e.loss.average, RTT: e.rtt,
		Slope: e.trend.slope, Threshold: e.trend.threshold, Overused: e.usage == usageOver,
		Limited: e.alr.limited, Probed: e.prober.result, Probes: e.probes,
	}
}

// Sent reports a packet that was given transport-wide number seq; size is
// that of the plain RTP packet.
func (e *Estimator) Sent(seq uint16, size int, now time.Duration) {
	e.history.add(sent{
		at: now, seq: seq, size: uint16(min(size, 1<<16-1)), fate: fateFlying,
		cluster: e.prober.cluster.sent(size, now),
	})
	e.alr.sent(size, now)
	e.silence.sent(now)
}

// TCC reports one transport-wide feedback packet, with its RTCP header. Its
// padding may have been cut off.
func (e *Estimator) TCC(rtcp []byte, now time.Duration) {
	if len(rtcp) < 2 {
		return
	}
	t, ok := packet.ParseTCC(packet.RTCP{Type: rtcp[1], Count: rtcp[0] & 0x1f, Raw: rtcp})
	if !ok || !e.collect(&t, now) {
		return
	}
	e.measureRTT(now)
	e.react(now)
}

// collect takes the fates out of a feedback: the packets that arrived stand
// in e.arrivals afterwards, in order of arrival. It reports whether the
// feedback said anything new.
func (e *Estimator) collect(t *packet.TCC, now time.Duration) bool {
	e.arrivals = e.arrivals[:0]
	news := false
	for range len(e.history.ring) { // a few bytes can claim 65535 packets
		s, ok := t.Next()
		if !ok {
			break
		}
		p := e.history.find(s.Seq)
		if p == nil || p.fate == fateReceived || p.fate == fateLost && !s.Received || now-p.at > historyAge*5 {
			continue
		}
		news = true
		a := arrival{sent: p.at, size: int(p.size), cluster: p.cluster}
		if !s.Received {
			p.fate = fateLost
			e.loss.add(p.at, int(p.size), false)
			e.prober.cluster.fate(a, false)
			continue
		}
		if p.fate == fateLost {
			e.loss.late()
		} else {
			e.loss.add(p.at, int(p.size), true)
		}
		p.fate = fateReceived
		a.at = e.clock.unwrap(s.At)
		e.prober.cluster.fate(a, true)
		e.arrivals = append(e.arrivals, a)
	}
	slices.SortStableFunc(e.arrivals, func(a, b arrival) int { return cmp.Compare(a.at, b.at) })
	return news
}

// measureRTT takes the shortest round trip of the feedback's packets, less
// the time that the receiver waited with it.
func (e *Estimator) measureRTT(now time.Duration) {
	if len(e.arrivals) == 0 {
		return
	}
	last := e.arrivals[len(e.arrivals)-1].at
	rtt := time.Duration(-1)
	for _, a := range e.arrivals {
		if r := now - a.sent - (last - a.at); rtt < 0 || r < rtt {
			rtt = r
		}
	}
	e.rtt = max(rtt, 0)
	if capped := e.silence.heard(e.rtt, now); capped > 0 {
		e.rate.lower(capped, now)
	}
}

// react works out a new estimate.
//
//  1. delay: trend of the groups
//  2. throughput
//  3. delay-based rate; a probe's result replaces it where it is higher
//  4. loss
//  5. the least of all
func (e *Estimator) react(now time.Duration) {
	u := e.measureDelay()
	through := e.through.rate()
	if u == usageOver && e.prober.disturbs(now) {
		u = usageUnder // it is our own probe's queue: let it drain
	}
	first := e.limit == LimitStart
	bits, full := e.prober.judge(e.situation(), e.rtt, now)
	if len(e.arrivals) > 0 {
		e.rate.update(evidence{
			usage: u, throughput: through, recent: e.through.recent(), rtt: e.rtt, limited: e.alr.limited,
		}, now)
	}
	if bits > 0 && u != usageOver {
		e.proven(float64(bits), first && full, now)
	}
	e.rate.target = min(max(e.rate.target, float64(e.config.Min)), float64(e.config.Max))
	e.loss.update(e.rate.target, through, now)
	if first && (u == usageOver || bits > 0 || e.loss.limiting) || !first {
		e.limit = LimitDelay
	}
	e.combine()
}

// proven takes what a probe found. It raises the rates only, unless nothing
// else is known yet.
func (e *Estimator) proven(bits float64, lower bool, now time.Duration) {
	if bits > e.rate.target || lower {
		e.rate.proven(bits, now)
	}
	e.loss.proven(bits)
}

// measureDelay feeds the arrivals to everything that looks at time. Overuse
// at any of them counts, if there is a queue.
func (e *Estimator) measureDelay() usage {
	over := false
	for _, a := range e.arrivals {
		e.standing.add(a)
		e.through.add(a)
		if send, arrive, ok := e.groups.add(a); ok {
			e.trend.add(send, arrive, a.at)
			if e.trend.usage == usageOver && e.standing.queue() > standingLeast {
				over = true
			}
		}
	}
	e.usage = e.trend.usage
	switch {
	case over:
		e.usage = usageOver
	case e.usage == usageOver:
		e.usage = usageNormal
	}
	return e.usage
}

// combine takes the least of what the parts allow.
func (e *Estimator) combine() {
	bits := e.rate.target
	limit := e.limit
	if limit != LimitStart {
		limit = LimitDelay
	}
	if bits >= float64(e.config.Max) {
		limit = LimitMax
	}
	bits *= e.standing.drain()
	if e.loss.limiting && 1000*e.loss.rate < bits {
		bits, limit = 1000*e.loss.rate, LimitLoss
	}
	if most := e.silence.limit(); most > 0 && most < bits {
		bits, limit = most, LimitSilence
	}
	floor := float64(e.config.Min)
	if limit == LimitSilence {
		floor = min(floor, silenceFloor)
	}
	e.estimate, e.limit = int64(max(bits, floor)), limit
	e.alr.estimate(float64(e.estimate))
}

func (e *Estimator) situation() situation {
	return situation{
		estimate: e.estimate, start: e.config.Initial, usage: e.usage, drop: e.rate.drop,
		dropped: e.rate.decreased, lossy: e.loss.hinders() || e.silence.capped > 0, noise: e.standing.noise,
	}
}

// Tick does what is due by time; it is called every 25 ms or more often,
// before Probe.
func (e *Estimator) Tick(now time.Duration) {
	if !e.silence.any {
		return // nothing was ever sent
	}
	if e.silence.tick(float64(e.estimate), now) {
		e.combine()
	}
	if bits, _ := e.prober.judge(e.situation(), e.rtt, now); bits > 0 {
		e.proven(float64(bits), false, now)
		e.combine()
	}
	e.prober.tick(e.situation(), now)
}

// Probe returns what to send as padding now; packets of any kind that are
// sent before the next call count towards it.
func (e *Estimator) Probe(now time.Duration) Probe {
	c := &e.prober.cluster
	if c.phase != clusterSending {
		return Probe{}
	}
	if c.packets == 0 {
		c.began = now
		e.probes++
	}
	n := c.due(now)
	if n <= 0 {
		return Probe{}
	}
	return Probe{Bytes: n, Rate: c.rate, Size: min(max(c.size()/clusterPackets, 200), packetBits/8)}
}
