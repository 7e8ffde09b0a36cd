package ingress

import (
	"time"

	"steg/bridge/packet"
)

// nominalHeight is the height of the lowest encoding before a keyframe has
// told; each further one doubles it.
const nominalHeight = 180

// When an encoding without packets counts as inactive: soon if other encodings
// of the source go on (the sender has switched it off), later if the whole
// source rests (a still screen is sent about once a second).
const (
	encodingPause = 800 * time.Millisecond
	sourcePause   = 2500 * time.Millisecond
)

// maxDropout is the largest step forward that one packet alone can make.
const maxDropout = 3000

// stream is the state of one encoding. Guarded by the ingress mutex.
type stream struct {
	source    *Source
	encoding  int
	kind      packet.Kind
	ssrc, rtx uint32
	ring      *packet.Ring // video only

	seqs, times packet.Unwrapper
	seen        window
	closing     closer
	losses      losses
	reception   reception
	meter       meter

	afterOld  uint16 // the number behind the last one that was out of range
	oldSeen   bool
	frameTS   uint64 // timestamp of the newest packet
	silence   int    // consecutive silent audio packets that passed
	lastMedia time.Duration
	active    bool
	height    uint16
	tids      uint8
	points    points

	reportedAt time.Duration // when a sender report was passed on
	reported   bool
}

func newStream(kind packet.Kind, c Config) *stream {
	st := &stream{kind: kind}
	if kind == packet.Video {
		st.ring = packet.NewRing(c.RingAge, c.RingBytes)
	}
	return st
}

// number gives p its 64-bit numbers and tells whether it is to be processed.
// A retransmission is not counted as received by its own way.
func (st *stream) number(p *packet.Packet, pt *payload, retransmitted bool) verdict {
	before, v := st.seqs.Newest(), tooOld
	if before == 0 || int16(p.SequenceNumber-uint16(before)) <= maxDropout {
		p.Seq = st.seqs.Unwrap16(p.SequenceNumber)
		v = st.seen.add(p.Seq)
	}
	if v == tooOld && !retransmitted {
		v = st.restarted(p, before)
	}
	if v == fresh {
		p.TS = st.times.Unwrap32(p.Timestamp)
		if !retransmitted {
			st.reception.add(p.Seq, p.TS, pt.clockRate, p.Arrival)
		}
	}
	return v
}

// restarted recognises a sender that began its numbering anew, or was away for
// very long: two packets in sequence that are far from the newest (RFC 3550
// appendix A.1). Receivers see one number missing.
func (st *stream) restarted(p *packet.Packet, before uint64) verdict {
	if !st.oldSeen || p.SequenceNumber != st.afterOld {
		st.oldSeen, st.afterOld = true, p.SequenceNumber+1
		return tooOld
	}
	st.oldSeen = false
	p.Seq = st.seqs.Restart16(p.SequenceNumber)
	st.seen.restart(p.Seq)
	st.closing.discard(before+1, p.Seq-2)
	st.losses.reset()
	st.reception.restart()
	return fresh
}

// repair notes the arrival for the requests of retransmissions.
func (st *stream) repair(p *packet.Packet) {
	limit := maxMissing
	if p.Seq > st.losses.newest+minGapLimit {
		limit = min(max(st.meter.read(p.Arrival).packets, minGapLimit), maxMissing)
	}
	st.losses.arrived(p.Seq, p.Arrival, limit)
}

// frame completes the facts of p, whose number at the sender is seq, and takes
// from them what the stream learns. It tells whether something changed that an
// allocation depends on.
func (st *stream) frame(p *packet.Packet, dd []byte, seq uint64) (changed bool) {
	f := &p.Frame
	*f = st.points.layering.Parse(p.Codec, p.Payload(), dd, p.Marker, seq)
	if p.TS > st.frameTS {
		st.frameTS = p.TS
		switch p.Codec {
		case packet.CodecVP8, packet.CodecVP9:
		default:
			f.Start = f.Start || dd == nil
		}
	}
	before := st.points.scheme
	changed = st.points.note(p)
	if st.points.scheme != before {
		st.tids = 0
	}
	if f.Height != 0 && min(f.Width, f.Height) != st.height {
		st.height, changed = min(f.Width, f.Height), true
	}
	if f.TID >= 0 {
		bit := uint8(1) << min(f.TID, meterLayers-1)
		changed = changed || st.tids&bit == 0
		st.tids |= bit
	}
	return changed
}

// paused tells whether the encoding has become inactive, given when its source
// last received anything.
func (st *stream) paused(sourceLast, now time.Duration) bool {
	idle := now - st.lastMedia
	return idle > sourcePause || idle > encodingPause && sourceLast-st.lastMedia > encodingPause
}

func (st *stream) layer(r rates) Layer {
	height := nominalHeight << min(st.encoding, 4)
	if st.height != 0 {
		height = int(st.height)
	}
	l := Layer{
		Active: st.active, Height: height, Bitrate: r.temporal[meterLayers-1],
		Temporal: r.temporal, FrameRate: r.frameRate, TIDs: st.tids,
	}
	var index []int
	l.Points, index = st.points.list(st.tids, height)
	for i := range l.Points {
		l.Points[i].Active = l.Points[i].Active && l.Active
		l.Points[i].Bitrate = r.points[index[i]]
	}
	return l
}
