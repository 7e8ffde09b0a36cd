package egress

import (
	"time"

	"steg/bridge/packet"
)

// Limits of timestamps.
const (
	clockTolerance = 10 * time.Second // difference to arrival times beyond which a sender's clock has jumped
	mapTolerance   = time.Second      // the same for times that come from sender reports
)

// report is the newest sender report of one encoding.
type report struct {
	ntp   uint64
	rtp   uint32
	known bool
}

// clock carries one continuous outgoing timestamp over encodings whose
// timestamps start at random values.
type clock struct {
	delta   uint64 // of the encoding being forwarded, modulo 2^64
	out     uint64 // latest outgoing timestamp
	at      time.Duration
	started bool

	// The sender's wall clock against outgoing time. It is set once and kept,
	// so that the small steps at switches do not add up.
	anchorNTP uint64
	anchorOut uint64
	anchored  bool
}

// note remembers the newest frame that was decided on.
func (c *clock) note(p *packet.Packet) {
	if out := p.TS + c.delta; int64(out-c.out) > 0 || c.out == 0 {
		c.out, c.at = out, p.Arrival
	}
}

// begin sets delta for an encoding that starts with p. same tells that p
// continues the encoding forwarded before. Preference: the encoding's own
// clock, the sender's wall clock, arrival times.
func (c *clock) begin(p *packet.Packet, same bool, r report, rate uint32, start uint32) {
	if !c.started {
		c.started = true
		c.delta = 1<<33 + uint64(start) - p.TS
		c.anchor(p, r)
		return
	}
	guess := c.out + ticks(p.Arrival-c.at, rate)
	least := c.out + max(1, uint64(rate)/1000) // two frames must differ
	out := guess
	if own := p.TS + c.delta; same && own >= least && apart(own, guess) <= ticks(clockTolerance, rate) {
		out = own
	} else if r.known && c.anchored {
		ntp := r.ntp + fraction(int64(int32(p.Timestamp-r.rtp)), rate)
		if mapped := c.anchorOut + fromNTP(int64(ntp-c.anchorNTP), rate); apart(mapped, guess) <= ticks(mapTolerance, rate) {
			out = mapped
		} else {
			c.anchored = false
		}
	}
	c.delta = max(out, least) - p.TS
	c.anchor(p, r)
}

// anchor ties the sender's wall clock to outgoing time, once.
func (c *clock) anchor(p *packet.Packet, r report) {
	if c.anchored || !r.known {
		return
	}
	c.anchored = true
	c.anchorNTP = r.ntp
	c.anchorOut = p.TS + c.delta + uint64(int64(int32(r.rtp-p.Timestamp)))
}

// tie does the same with a report of the encoding being forwarded.
func (c *clock) tie(r report) {
	if !c.anchored {
		c.anchored, c.anchorNTP = true, r.ntp
		c.anchorOut = c.out + uint64(int64(int32(r.rtp+uint32(c.delta)-uint32(c.out))))
	}
}

// jumped tells whether the sender's clock left its course between the newest
// frame and p. One that stood still did not: receivers cope with that.
func (c *clock) jumped(p *packet.Packet, rate uint32) bool {
	step := int64(p.TS + c.delta - c.out)
	if step < 0 {
		return uint64(-step) > ticks(clockTolerance, rate)
	}
	return uint64(step) > ticks(clockTolerance+p.Arrival-c.at, rate)
}

func ticks(d time.Duration, rate uint32) uint64 {
	if d < 0 {
		return 0
	}
	return uint64(d.Microseconds()) * uint64(rate) / 1_000_000
}

// apart is the distance of two points on a circle of 2^64.
func apart(a, b uint64) uint64 {
	if d := int64(a - b); d < 0 {
		return uint64(-d)
	}
	return a - b
}

// fraction turns timestamp units into NTP units (32.32).
func fraction(units int64, rate uint32) uint64 { return uint64(units * (1 << 32) / int64(rate)) }

// fromNTP turns NTP units into timestamp units.
func fromNTP(units int64, rate uint32) uint64 {
	whole, part := units>>32, units&0xffffffff
	return uint64(whole*int64(rate) + part*int64(rate)>>32)
}
