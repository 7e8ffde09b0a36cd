package egress

import (
	"math"
	"math/rand/v2"
	"time"

	"steg/bridge/allocation"
	"steg/bridge/packet"
)

// Limits of selection.
const (
	keyframeGroup = 300 * time.Millisecond // keyframes of several encodings within this time belong together
	silence       = 500 * time.Millisecond // without packets an encoding counts as stopped
	audioPause    = 200 * time.Millisecond // an interruption of audio that leaves no gap in the numbers
	maxJump       = 3000                   // missing numbers beyond which a sender has restarted
	askFor        = 5 * time.Second        // how long a keyframe is asked for where forwarding does not depend on it
)

// pick decides whether p passes and under which number. It returns nil if it
// does not.
//
//  1. codec: another one starts anew
//  2. suspension and restarts end the flow
//  3. a keyframe of a better encoding starts a flow
//  4. the next packets of the encoding being forwarded pass or not by frame
//  5. packets that come late follow what was decided for their number
func (pr *Projection) pick(p *packet.Packet) (s *span, out uint64) {
	kind, enc, t := p.Codec, int8(p.Encoding), pr.Target()
	if p.Kind == packet.Audio {
		kind = packet.CodecOpus // all audio codecs of a source share one series
	}
	if pr.codec == nil || kind != pr.kind || p.Frame.Described != pr.described {
		if pr.codec != nil && p.TS < pr.seen[enc].ts {
			return nil, 0 // a late one of the codec before
		}
		pr.adopt(kind, p.Frame.Described)
	}
	f := &pr.flow
	if t.Encoding < 0 {
		pr.leave()
		pr.note(p)
		return nil, 0
	}
	if f.live && enc == f.enc && pr.restarted(p) {
		pr.leave()
		pr.numbers.spans = pr.numbers.spans[:0]
		pr.seen[enc].ts, pr.seen[enc].until = 0, 0
	}
	switch {
	case pr.starts(p, t):
		pr.begin(p, t)
		s = pr.numbers.last()
	case f.live && enc == f.enc && p.Seq > f.head:
		if pr.advance(p, t) {
			s = pr.numbers.last()
		}
	case f.live && enc == f.enc || p.Seq < pr.seen[enc].until:
		s = pr.numbers.find(p)
		if own := f.live && enc == f.enc; s != nil && (own && !pr.codec.admit(p) || !own && s.scope.point != noPoint) {
			s = nil // layers of an encoding that was left are not told apart any more
		}
	}
	pr.note(p)
	if s == nil {
		return nil, 0
	}
	return s, s.out + (p.Seq - s.in)
}

// note remembers what every packet of a source tells, forwarded or not.
func (pr *Projection) note(p *packet.Packet) {
	e := &pr.seen[p.Encoding]
	e.ts, e.at = max(e.ts, p.TS), p.Arrival
}

// restarted tells whether numbers or timestamps of the encoding being
// forwarded left their course so far that p begins a new stream.
func (pr *Projection) restarted(p *packet.Packet) bool {
	f := &pr.flow
	if p.Seq+window < f.head {
		again := p.Seq == f.odd+1
		f.odd = p.Seq
		return again
	}
	if p.Seq <= f.head {
		return false
	}
	missing := p.Seq - f.head - 1
	if p.Kind == packet.Audio && missing > 0 && p.Arrival-pr.seen[f.enc].at > audioPause {
		return true // nobody spoke, or the loudest were others: nothing was lost
	}
	return missing > maxJump || p.TS != f.place>>3 && pr.clock.jumped(p, pr.pts.rate)
}

// starts tells whether p begins the forwarding of its encoding: the first
// packet of a keyframe that brings the projection nearer to its target. A
// lower encoding than the target takes over only from one that stopped.
func (pr *Projection) starts(p *packet.Packet, t Target) bool {
	f, enc := &pr.flow, int8(p.Encoding)
	if enc > t.Encoding || f.live && enc == f.enc || !pr.codec.entry(p) {
		return false
	}
	// A keyframe that comes after later frames of its encoding were dropped is
	// of no use.
	if newest := pr.seen[enc].ts; p.TS < newest && newest-p.TS < ticks(askFor, pr.pts.rate) {
		return false
	}
	if !f.live || enc > f.enc || t.Encoding < f.enc {
		return true
	}
	return p.Arrival-pr.seen[f.enc].at > silence
}

// begin makes p the first packet of the encoding being forwarded.
func (pr *Projection) begin(p *packet.Packet, t Target) {
	enc := int8(p.Encoding)
	same := enc == pr.flow.enc
	pr.leave()
	pr.clock.begin(p, same, pr.seen[enc].report, pr.pts.rate, rand.Uint32())
	pr.codec.begin(p, t)
	scope := pr.codec.scope(enc, t)
	pr.flow = flow{
		head: p.Seq, place: place(p), id: p.Frame.PictureID, sid: p.Frame.SID, enc: enc, target: t.Encoding, ask: enc,
		began: p.Arrival, live: true, pass: true, ended: p.Frame.End, marked: p.Marker, clean: p.Frame.Keyframe,
	}
	pr.clock.note(p)
	pr.open(p.Seq, place(p), scope, pr.codec.offsets())
	pr.numbers.extend(1)
	pr.switches.Add(1)
	pr.report(scope)
}

// leave ends the flow. One number is kept for the rest of an unfinished
// frame, so that the receiver does not take it for complete.
func (pr *Projection) leave() {
	f := &pr.flow
	if !f.live {
		return
	}
	f.live = false
	if len(pr.numbers.spans) > 0 {
		if f.pass && !f.ended && pr.source.Kind == packet.Video {
			pr.numbers.extend(1)
			pr.numbers.last().tail = true
		}
		last := pr.numbers.last()
		last.high = min(last.high, f.place)
		pr.seen[f.enc].until = last.in + uint64(last.n)
	}
	pr.setCurrent(allocation.Suspended)
}

// open begins a run of the encoding being forwarded.
func (pr *Projection) open(seq, low uint64, sc scope, o offsets) {
	pr.numbers.open(span{
		in: seq, low: low, high: math.MaxUint64,
		ts: pr.clock.delta, offsets: o, enc: pr.flow.enc, scope: sc,
	})
}

// advance takes the next packet in order and tells whether it passes; it then
// has the number that was given out last.
func (pr *Projection) advance(p *packet.Packet, t Target) bool {
	f := &pr.flow
	if place(p) == f.place && (p.Frame.PictureID == f.id || !p.Frame.Described) {
		if f.pass {
			pr.numbers.extend(p.Seq - f.head)
		}
	} else {
		pr.nextFrame(p, t)
	}
	f.head = p.Seq
	f.ended = f.ended || p.Frame.End
	f.marked = f.marked || p.Marker
	f.clean = f.clean || p.Frame.Keyframe
	return f.pass
}

// nextFrame decides on the frame that p begins, and on the packets missing
// before it: those that surely belong to a dropped frame vanish, the others
// keep their numbers, as they may still come.
//
//	| last frame  | tail | frames never seen | head | p ...
//	              |<----------- missing ---------->|
func (pr *Projection) nextFrame(p *packet.Packet, t Target) {
	f, m, where := &pr.flow, &pr.numbers, place(p)
	missing, late, offsets := p.Seq-f.head-1, scope{}, pr.codec.offsets()
	if missing > 0 {
		late = pr.codec.late(f.enc, t)
	}
	pass := pr.codec.frame(p, t)
	pr.clock.note(p)
	tail, head := f.dropped(p, pass, pr.codec.adjacent(f, p), missing)
	open := f.pass // the newest run reaches up to here
	if kept := missing - tail - head; kept > 0 {
		if !open {
			pr.open(f.head+1+tail, f.place+1, late, offsets)
		} else if !m.last().scope.covers(late) {
			pr.open(f.head+1, f.place, late, offsets) // what p passes for must be able to pass too
		}
		m.extend(kept)
		open = true
	}
	offsets = pr.codec.offsets()
	switch {
	case pass:
		scope := pr.codec.scope(f.enc, t)
		if !open || !m.last().scope.covers(scope) || m.last().offsets != offsets {
			pr.open(p.Seq, where, scope, offsets)
		}
		m.extend(1)
		pr.report(scope)
	case open:
		m.last().high = where - 1
	}
	f.place, f.id, f.sid, f.pass, f.ended, f.marked = where, p.Frame.PictureID, p.Frame.SID, pass, false, false
}

// dropped tells how many of the packets missing before p surely belong to the
// frame at head, if that was dropped, and to the frame of p, if that is.
func (f *flow) dropped(p *packet.Packet, pass, adjacent bool, missing uint64) (tail, head uint64) {
	if missing == 0 {
		return 0, 0
	}
	if !f.pass {
		switch {
		case adjacent && (p.Frame.Start || !pass):
			return missing, 0
		case !f.ended:
			tail = 1
		}
	}
	if !pass && missing > tail {
		switch {
		case adjacent && f.ended:
			head = missing - tail
		case !p.Frame.Start:
			head = 1
		}
	}
	return tail, head
}

// report publishes the layer being forwarded.
func (pr *Projection) report(s scope) {
	tid, sid := pr.codec.layer(s)
	pr.setCurrent(Target{Encoding: pr.flow.enc, TID: tid, SID: sid})
}

// follows tells whether p's frame comes right behind the one with picture id
// before; false if that cannot be known.
func follows(before int32, p *packet.Packet) bool {
	mask := int32(0x7f)
	if p.Frame.LongID {
		mask = 0x7fff
	}
	return before >= 0 && p.Frame.PictureID >= 0 && (p.Frame.PictureID-before)&mask == 1
}

// wants tells whether a keyframe should be asked for upon p: its encoding
// brings the projection nearer to its target and none came by itself.
func (pr *Projection) wants(p *packet.Packet) bool {
	f, t, enc := &pr.flow, pr.Target(), int8(p.Encoding)
	waiting := t.Encoding >= 0 && (!f.live || f.enc != t.Encoding)
	if p.Kind == packet.Audio || t.Encoding < 0 {
		waiting = false
	}
	stuck := p.Kind == packet.Video && f.live && f.enc == t.Encoding && pr.codec.blocked()
	if w := waiting || stuck; w != pr.waiting.Load() {
		pr.waiting.Store(w)
	}
	changed := f.target != t.Encoding
	f.target = t.Encoding
	if !waiting {
		f.ask = max(f.enc, 0)
		if stuck {
			return enc == f.enc && p.Arrival-f.began >= keyframeGroup
		}
		return p.Kind == packet.Video && f.live && !f.clean && p.Arrival-f.began < askFor && p.Codec != packet.CodecUnknown
	}
	if f.live && changed {
		f.began = p.Arrival - keyframeGroup
	}
	better := enc <= t.Encoding
	if f.live {
		better = enc <= t.Encoding && (f.enc < enc || t.Encoding < f.enc)
	}
	if !better || enc != t.Encoding && int(t.Encoding) < len(pr.seen) && p.Arrival-pr.seen[t.Encoding].at < silence {
		return false
	}
	if f.live && p.Arrival-f.began < keyframeGroup {
		return false
	}
	f.ask = enc
	return true
}
