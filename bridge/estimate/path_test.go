package estimate_test

import (
	"math/rand/v2"
	"slices"
	"time"

	"steg/bridge/estimate"
	"steg/bridge/packet"
	"steg/tests/load/link"
)

// estimator is what a path is driven by: the one of this package, or another
// that it is compared with.
type estimator interface {
	Sent(seq uint16, size int, now time.Duration)
	TCC(rtcp []byte, now time.Duration)
	Tick(now time.Duration)
	Probe(now time.Duration) estimate.Probe
	Estimate() int64
	SetDemand(bits int64)
}

// Whose packets pass the forward link.
const (
	flowMedia = iota
	flowPadding
	flowTCP
)

// path is a sender, an emulated link with the receiver's feedback coming back,
// and perhaps a TCP flow beside, in simulated time. The sender forwards video
// at 30 frames a second, cut and spread as browsers pace them, and audio.
type path struct {
	scenario scenario
	est      estimator
	forward  *link.Link
	back     *link.Link
	tcp      *link.TCP
	random   *rand.Rand
	now      time.Duration
	seq      uint16
	due      []link.Packet // media of the current frame: Sent is when it leaves
	nextTCC  time.Duration
	receiver receiver
	sibling  *path // another receiver behind the same forward link, driven with this one
	base     int   // of Flow of its packets

	// Every step's figures.
	rates   []int64 // estimate
	useful  []int   // bytes of media that arrived, on the wire
	queued  []delay
	padding int // bytes sent
	media   int
}

type delay struct{ at, queued time.Duration }

// step is the resolution of a path; clockTick is that of the bridge's clock.
const (
	step      = time.Millisecond
	clockTick = 10 * time.Millisecond
	overhead  = 20 + 8 + 16 // IP, UDP, SRTP
	origin    = 7 * time.Hour
)

func newPath(s scenario, e estimator) *path {
	s.link.Overhead = overhead
	p := &path{
		scenario: s, est: e, forward: link.New(s.link), random: rand.New(rand.NewPCG(s.link.Seed, 2)),
		back:    link.New(link.Config{Delay: s.link.Delay, Loss: s.backLoss, Jitter: s.backJitter, Seed: s.link.Seed + 1}),
		nextTCC: s.feedback,
	}
	if s.tcp {
		p.tcp = link.NewTCP(p.forward, flowTCP, s.link.Delay)
	}
	return p
}

// beside puts a second receiver behind the link.
func (p *path) beside(e estimator) *path {
	p.sibling = newPath(p.scenario, e)
	p.sibling.forward, p.sibling.base = p.forward, flowTCP+1
	return p.sibling
}

// run drives the path until a time.
func (p *path) run(until time.Duration) {
	for p.now < until {
		p.begin()
		for {
			d, ok := p.forward.Receive(p.now)
			if !ok {
				break
			}
			p.take(d)
		}
		p.act()
		if p.tcp != nil {
			p.tcp.Advance(p.now)
		}
	}
}

func (p *path) begin() {
	p.now += step
	p.useful = append(p.useful, 0)
	if p.sibling != nil {
		p.sibling.begin()
	}
}

// act does what is due at a step but for receiving media.
func (p *path) act() {
	for {
		d, ok := p.back.Receive(p.now)
		if !ok {
			break
		}
		compound := packet.ReadRTCP(d.Data)
		report, _ := compound.Next()
		p.est.TCC(report.Raw, p.now) // without padding, as egress hands it over
	}
	p.feedback()
	if p.now%clockTick == 0 {
		p.tick()
	}
	p.send()
	p.rates = append(p.rates, p.est.Estimate())
	if p.sibling != nil {
		p.sibling.act()
	}
}

// tick is what the bridge's clock does for a receiver.
func (p *path) tick() {
	wanted := int64(-1)
	if p.scenario.demand != nil {
		wanted = p.scenario.demand(p.now)
	}
	p.est.SetDemand(wanted)
	p.est.Tick(p.now)
	probe := p.est.Probe(p.now)
	for probe.Bytes > 0 {
		p.transmit(link.Packet{Flow: flowPadding, Size: probe.Size})
		p.padding += probe.Size
		probe.Bytes -= probe.Size
	}
}

// send lets out what is due of audio and video.
func (p *path) send() {
	if p.now%(20*time.Millisecond) == 0 {
		p.transmit(link.Packet{Flow: flowMedia, Size: 100})
		p.media += 100
	}
	if p.now%(33*time.Millisecond) == 0 {
		p.frame()
	}
	for len(p.due) > 0 && p.due[0].Sent <= p.now {
		p.media += p.due[0].Size
		p.transmit(p.due[0])
		p.due = p.due[1:]
	}
}

// frame cuts a frame into packets that leave in bursts 5 ms apart.
func (p *path) frame() {
	rate := p.scenario.media(p.now, p.est.Estimate()) - 40_000
	size := int(float64(rate) / 8 * 0.033 * (0.7 + 0.6*p.random.Float64()))
	if p.scenario.keyframes > 0 && p.now%p.scenario.keyframes < 33*time.Millisecond {
		size *= 4
	}
	size = max(size, 100)
	n := (size + 1149) / 1150
	for i := range n {
		at := p.now + time.Duration(3*i/n)*5*time.Millisecond
		p.due = append(p.due, link.Packet{Flow: flowMedia, Size: size/n + 20, Sent: at})
	}
	slices.SortStableFunc(p.due, func(a, b link.Packet) int { return int(a.Sent - b.Sent) })
}

func (p *path) transmit(k link.Packet) {
	k.Seq, k.Flow = uint64(p.seq), k.Flow+p.base
	p.est.Sent(p.seq, k.Size, p.now)
	p.seq++
	p.forward.Send(p.now, k)
}

// take gives a packet that came through to its receiver.
func (p *path) take(d link.Delivery) {
	switch {
	case d.Flow == flowTCP:
		p.tcp.Deliver(d)
		return
	case d.Flow > flowTCP && p.sibling != nil:
		p.sibling.take(d)
		return
	case d.Flow-p.base == flowMedia:
		p.useful[len(p.useful)-1] += d.Size + overhead
	}
	p.queued = append(p.queued, delay{d.At, d.Queued})
	p.receiver.add(uint16(d.Seq), d.At+origin)
}

// feedback sends the receiver's reports.
func (p *path) feedback() {
	if p.now < p.nextTCC || p.now >= p.scenario.muteFrom && p.now < p.scenario.muteUntil {
		return
	}
	p.nextTCC = p.now + p.scenario.feedback
	for {
		b := p.receiver.report()
		if b == nil {
			return
		}
		p.back.Send(p.now, link.Packet{Size: len(b), Data: b})
	}
}

// receiver notes arrivals and reports each number once, and again when it
// arrives late, as browsers do.
type receiver struct {
	unwrap   packet.Unwrapper
	arrivals map[uint64]time.Duration
	from, to uint64
	count    uint8
}

func (r *receiver) add(seq uint16, at time.Duration) {
	if r.arrivals == nil {
		r.arrivals = make(map[uint64]time.Duration)
	}
	n := r.unwrap.Unwrap16(seq)
	if r.from == 0 {
		r.from, r.to = n, n
	}
	r.from, r.to = min(r.from, n), max(r.to, n+1)
	r.arrivals[n] = at
}

// report is the next feedback packet, nil when all is reported.
func (r *receiver) report() []byte {
	if r.from == r.to || len(r.arrivals) == 0 {
		return nil
	}
	var list []time.Duration
	for n := r.from; n < r.to && len(list) < packet.MaxTCCStatus; n++ {
		at, ok := r.arrivals[n]
		if !ok {
			at = -1
		}
		list = append(list, at)
	}
	b, used := packet.AppendTCC(nil, 1, 2, r.count, uint16(r.from), list)
	r.count++
	for n := r.from; n < r.from+uint64(used); n++ {
		delete(r.arrivals, n)
	}
	r.from += uint64(used)
	return b
}
