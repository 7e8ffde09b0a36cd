package ingress

import (
	"math/bits"
	"time"
)

// A meter counts in slots of meterSlot; its window is the last meterSlots-1
// complete ones and the current one.
const (
	meterSlot   = 100 * time.Millisecond
	meterSlots  = 11
	meterLayers = 4
	meterPoints = 32
	meterLeast  = 200 * time.Millisecond // a younger stream is measured over this
)

// meter measures one encoding over about one second.
type meter struct {
	slots   [meterSlots]slot
	current int64         // number of the newest slot since time zero
	since   time.Duration // first packet of the present stretch of activity
	running bool
	points  *[meterSlots][meterPoints]uint32 // bytes by operating point; nil before the first
	latest  rates                            // as published
}

type slot struct {
	bytes   [meterLayers]uint32 // by temporal layer
	packets uint32
	frames  uint32
}

// rates is what a meter shows.
type rates struct {
	temporal  [meterLayers]int64 // bit/s of the layers up to each
	points    [meterPoints]int64 // bit/s of each operating point
	packets   int                // per second
	frameRate float64
}

// add counts one packet, which belongs to the operating points of a mask.
func (m *meter) add(now time.Duration, bytes int, tid int8, frameStart bool, points uint32) {
	m.advance(now)
	if !m.running {
		m.running, m.since = true, now
	}
	s := &m.slots[m.current%meterSlots]
	s.bytes[min(max(int(tid), 0), meterLayers-1)] += uint32(bytes)
	s.packets++
	if frameStart {
		s.frames++
	}
	if points != 0 && m.points == nil {
		m.points = new([meterSlots][meterPoints]uint32)
	}
	for ; points != 0; points &= points - 1 {
		m.points[m.current%meterSlots][bits.TrailingZeros32(points)] += uint32(bytes)
	}
}

// advance opens the slot of now and empties those in between.
func (m *meter) advance(now time.Duration) {
	n := int64(now / meterSlot)
	if n-m.current >= meterSlots {
		m.slots, m.running = [meterSlots]slot{}, false
		m.current = n
		if m.points != nil {
			*m.points = [meterSlots][meterPoints]uint32{}
		}
	}
	for m.current < n {
		m.current++
		m.slots[m.current%meterSlots] = slot{}
		if m.points != nil {
			m.points[m.current%meterSlots] = [meterPoints]uint32{}
		}
	}
}

// read returns the rates at now.
func (m *meter) read(now time.Duration) rates {
	m.advance(now)
	var sum slot
	for i := range m.slots {
		for t, b := range m.slots[i].bytes {
			sum.bytes[t] += b
		}
		sum.packets += m.slots[i].packets
		sum.frames += m.slots[i].frames
	}
	span := time.Duration(meterSlots-1)*meterSlot + now%meterSlot
	if m.running {
		span = max(min(span, now-m.since), meterLeast)
	}
	var r rates
	total := int64(0)
	for t, b := range sum.bytes {
		total += int64(b)
		r.temporal[t] = total * 8 * int64(time.Second) / int64(span)
	}
	for i := 0; i < meterPoints && m.points != nil; i++ {
		total := int64(0)
		for slot := range m.points {
			total += int64(m.points[slot][i])
		}
		r.points[i] = total * 8 * int64(time.Second) / int64(span)
	}
	r.packets = int(int64(sum.packets) * int64(time.Second) / int64(span))
	r.frameRate = float64(sum.frames) / span.Seconds()
	return r
}
