package estimate

import "time"

// When to probe.
const (
	probeFirst    = 3   // times the start rate
	probeSecond   = 6   // the same
	probeFurther  = 2   // times a result that proved good
	probeGood     = 0.7 // of the rate probed
	probePeriodic = 2   // times the estimate
	probeRecover  = 0.85
	probeRoom     = 1.2 // over the demand: an estimate is to exceed it a little
	probeUseful   = 1.05

	probeInterval   = 5 * time.Second // of periodic ones
	probePause      = time.Second     // between any two series
	probeAfterDrop  = 3 * time.Second // a path that was just full is left alone
	probeRecoverFor = 5 * time.Second // a drop is of interest that long
	probeDrain      = 200 * time.Millisecond
	probeCalm       = 500 * time.Millisecond
)

// prober decides when to send a cluster, and how fast. Probing raises the
// estimate within one or two round trips where the path has more to give;
// between probes it grows by some percent a second at best, and not at all
// while the application sends little. It is done only while more is wanted
// than the estimate allows.
//
//	start       x3 of the start rate, then x6
//	further     x2 of a good result, until one is not
//	demand      when more is wanted than before
//	recovery    0.85 of what was before a large drop
//	periodic    x2 every 5 s
type prober struct {
	cluster cluster
	demand  int64 // bit/s that could be made use of; below 0: any
	limit   int64 // bit/s
	begun   bool
	ask     int64         // rate of the cluster to begin next, 0: none
	rose    bool          // demand did, and was not probed yet
	series  time.Duration // begin of the latest
	ended   time.Duration
	calm    time.Duration // no overuse since then
	result  int64         // latest, 0: none
}

// setDemand takes what could be made use of.
func (p *prober) setDemand(bits int64) {
	if bits > p.demand+p.demand/10 || bits < 0 && p.demand >= 0 {
		p.rose = true
	}
	p.demand = bits
}

// situation is what the decision to probe rests on.
type situation struct {
	estimate int64
	start    int64
	usage    usage
	drop     drop
	dropped  time.Duration // latest decrease for delay, 0: none
	lossy    bool          // loss limits the estimate
	noise    time.Duration // of the delay
}

// tick begins a cluster where one is due.
func (p *prober) tick(s situation, now time.Duration) {
	if s.usage == usageOver {
		p.calm = now
		p.ask = 0
	}
	switch p.cluster.phase {
	case clusterSending:
		if now-p.cluster.began > clusterStale+p.cluster.span {
			p.cluster.phase = clusterNone // nobody sends it
		}
		return
	case clusterWaiting:
		return
	}
	rate := p.choose(s, now)
	if rate = p.useful(rate, s.estimate); rate == 0 {
		return
	}
	if p.ask == 0 {
		p.series = now
	}
	p.begun, p.rose, p.ask = true, false, 0
	p.cluster.start(rate, s.noise-transmission(s.estimate)/2, now)
}

// choose returns the rate to probe at, 0 for none.
func (p *prober) choose(s situation, now time.Duration) int64 {
	switch {
	case !p.begun:
		return probeFirst * s.start
	case p.ask > 0:
		return p.ask
	case s.usage != usageNormal || s.lossy || now-p.calm < probeCalm || now-p.series < probePause:
		return 0
	case s.drop.from > 0 && s.drop.at > p.series && now-s.drop.at < probeRecoverFor && now-s.drop.at > probePause:
		return int64(probeRecover * s.drop.from)
	case s.dropped != 0 && now-s.dropped < probeAfterDrop:
		return 0
	case p.rose && p.demand >= 0:
		return min(probeFirst*s.estimate, int64(probeRoom*float64(p.demand)))
	case p.rose || now-p.series >= probeInterval:
		return probePeriodic * s.estimate
	}
	return 0
}

// useful limits a rate to what could be made use of; 0 if nothing is left.
func (p *prober) useful(rate, estimate int64) int64 {
	rate = min(rate, p.limit)
	if p.demand >= 0 {
		rate = min(rate, int64(probeRoom*float64(p.demand)))
	}
	if float64(rate) < probeUseful*float64(estimate) {
		return 0
	}
	return rate
}

// judge looks at the cluster when feedback came or time passed. It returns
// the rate that was proven, 0 for none.
func (p *prober) judge(s situation, rtt, now time.Duration) (bits int64, full bool) {
	c := &p.cluster
	if c.phase != clusterWaiting || !c.complete() && now-c.last < clusterWait+rtt {
		return 0, false
	}
	c.phase = clusterNone
	p.ended = now
	bits, full = c.result()
	p.result = bits
	good := !full && float64(bits) > probeGood*float64(c.rate)
	switch {
	case !good:
	case c.rate == probeFirst*s.start:
		p.ask = probeSecond * s.start
	default:
		p.ask = probeFurther * bits
	}
	return bits, full
}

// disturbs tells whether what is reported now may be the queue of a cluster.
func (p *prober) disturbs(now time.Duration) bool {
	return p.cluster.phase == clusterWaiting && p.cluster.received > 0 || p.ended > 0 && now-p.ended < probeDrain
}

// transmission is how long a large packet takes at a rate: delay varies by so
// much on any path.
func transmission(bits int64) time.Duration {
	return time.Duration(packetBits * int64(time.Second) / max(bits, 1))
}
