package egress

import (
	"math/rand/v2"
	"sync/atomic"
	"time"

	"steg/bridge/allocation"
	"steg/bridge/packet"
)

// Target is the layer of a source that is wanted or being forwarded.
type Target = allocation.Target

// Output is how a projection appears to the receiver.
type Output struct {
	SSRC uint32
	RTX  uint32 // 0: lost packets are not sent again
	MID  string // stamped on every packet if not empty and negotiated
}

// ProjectionOptions describes one source and its place at the receiver.
type ProjectionOptions struct {
	Source             packet.Source
	SenderPayloadTypes []packet.PayloadType
	SenderExtensions   packet.Extensions
	Rings              []*packet.Ring // one per encoding; nil or missing ones answer no NACK
	Out                Output
}

// ProjectionStats are counters of one projection since it was made.
type ProjectionStats struct {
	Packets, Bytes     uint64 // RTP as sent, without retransmissions
	Retransmissions    uint64
	Switches           uint64 // of the encoding, the start included
	WaitingForKeyframe bool   // the target encoding is not reached yet
}

// Projection is one source as one receiver sees it.
type Projection struct {
	// atomic; a reader may see values of different moments
	target, current atomic.Uint32
	packets, bytes  atomic.Uint64
	retransmitted   atomic.Uint64
	switches        atomic.Uint64
	waiting         atomic.Bool

	// the rest is guarded by the receiver's mutex
	out Output
	mid []byte // out.MID, set once

	// the source behind, changed by RebindProjection
	source    packet.Source
	senderPTs []packet.PayloadType
	senderExt packet.Extensions
	rings     []*packet.Ring
	pts       translation // of the latest payload type

	numbers numbers
	clock   clock
	codec   codec
	kind    packet.Codec // what codec is for
	flow    flow
	seen    []encoding // one per encoding

	described bool // codec follows dependency descriptors

	// for reports and retransmission
	octets  uint32 // payload
	sent    [4]sentReport
	highest uint32 // of the latest report block
	rtxSeq  uint16
	resent  []resend // by outgoing number, made at the first NACK
}

// flow is what is known of the encoding being forwarded.
type flow struct {
	head   uint64        // highest number seen
	place  uint64        // of the frame at head
	odd    uint64        // last number far behind head; two in a row mean a restart
	began  time.Duration // when forwarding of the encoding began
	id     int32         // picture id of the frame at head, -1: none
	sid    int8          // and its spatial layer
	enc    int8          // -1: nothing was ever forwarded
	target int8          // latest one seen
	ask    int8          // encoding whose keyframe would help most
	live   bool          // being forwarded
	pass   bool          // the frame at head is forwarded
	ended  bool          // and its last packet was seen
	marked bool          // and that ends its picture
	clean  bool          // a keyframe was forwarded since the start
}

// encoding is what is known of each encoding, forwarded or not.
type encoding struct {
	ts     uint64        // newest frame
	at     time.Duration // arrival of its newest packet
	until  uint64        // no number from here on was given out before the flow left the encoding
	report report
}

// never is a time of arrival before any other.
const never = -time.Hour

func newProjection(o ProjectionOptions) *Projection {
	pr := &Projection{out: o.Out, mid: []byte(o.Out.MID), rtxSeq: uint16(rand.Uint32())}
	// A start in the lower half keeps SRTP's rollover counter at 0 for a while,
	// so that a receiver that misses the first packets guesses it right.
	pr.numbers.next = 1<<16 + 1 + rand.Uint64N(1<<15-1)
	pr.bind(o)
	start := allocation.Suspended
	if o.Source.Kind == packet.Audio {
		start.Encoding = 0
	}
	pr.SetTarget(start)
	pr.setCurrent(allocation.Suspended)
	return pr
}

// bind puts a source behind the projection. Outgoing numbers stay.
func (pr *Projection) bind(o ProjectionOptions) {
	pr.source, pr.senderPTs, pr.senderExt, pr.rings = o.Source, o.SenderPayloadTypes, o.SenderExtensions, o.Rings
	pr.pts = translation{}
	if _, plain := pr.codec.(*generic); plain {
		pr.codec = nil // it depends on the number of encodings
	}
	pr.numbers.spans = pr.numbers.spans[:0]
	pr.clock.anchored = false
	pr.flow = flow{enc: -1, target: -1, id: -1}
	pr.seen = make([]encoding, len(o.Source.Encodings))
	for i := range pr.seen {
		pr.seen[i].at = never
	}
}

// adopt changes to another codec; its packets must start anew.
func (pr *Projection) adopt(kind packet.Codec, described bool) {
	pr.leave()
	pr.kind, pr.described = kind, described
	switch {
	case described:
		pr.codec = &dependent{}
	case kind == packet.CodecVP8:
		pr.codec = &vp8{}
	case kind == packet.CodecVP9:
		pr.codec = &vp9{}
	default:
		pr.codec = &generic{simulcast: len(pr.seen) > 1}
	}
}

// SetTarget sets the layer to forward, allocation.Suspended for none. Any
// goroutine may call it.
func (pr *Projection) SetTarget(t Target) { pr.target.Store(pack(t)) }

// Target is the layer set last.
func (pr *Projection) Target() Target { return unpack(pr.target.Load()) }

// Current is the layer being forwarded. Any goroutine may call it.
func (pr *Projection) Current() Target { return unpack(pr.current.Load()) }

func (pr *Projection) setCurrent(t Target) {
	if v := pack(t); v != pr.current.Load() {
		pr.current.Store(v)
	}
}

func pack(t Target) uint32 {
	return uint32(uint8(t.Encoding))<<16 | uint32(uint8(t.TID))<<8 | uint32(uint8(t.SID))
}

func unpack(v uint32) Target {
	return Target{Encoding: int8(v >> 16), TID: int8(v >> 8), SID: int8(v)}
}

// Stats returns the counters. Any goroutine may call it.
func (pr *Projection) Stats() ProjectionStats {
	return ProjectionStats{
		Packets: pr.packets.Load(), Bytes: pr.bytes.Load(), Retransmissions: pr.retransmitted.Load(),
		Switches: pr.switches.Load(), WaitingForKeyframe: pr.waiting.Load(),
	}
}

// Output is the projection's place at the receiver.
func (pr *Projection) Output() Output { return pr.out }

// KeyframeEncoding is the encoding whose keyframe would help most; valid
// right after Forward returned wantKeyframe or in Sink.Keyframe.
func (pr *Projection) KeyframeEncoding() int { return int(max(pr.flow.ask, 0)) }
