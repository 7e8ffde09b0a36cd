package egress

import (
	"time"

	"steg/bridge/packet"
)

// REDPolicy says what happens to redundant audio.
type REDPolicy uint8

// The policies.
const (
	REDPass    REDPolicy = iota // as the sender made it, if the receiver takes RED
	REDStrip                    // primary block only
	REDProtect                  // add redundancy for receivers that take RED
)

// Estimator learns what a bandwidth estimate is made of. It is called with
// the receiver's mutex held and must not call back.
type Estimator interface {
	// Sent reports a packet that was given transport-wide number seq; size is
	// that of the plain RTP packet.
	Sent(seq uint16, size int, now time.Duration)
	// TCC reports one transport-wide feedback packet, with its RTCP header.
	TCC(rtcp []byte, now time.Duration)
}

// Config holds what is fixed for one receiver.
type Config struct {
	RED         REDPolicy
	REDDistance int       // 1 or 2 redundant blocks with REDProtect; 0: 2
	REDVADOnly  bool      // protect only packets with voice
	CNAME       string    // for SDES; "" leaves SDES out
	Estimator   Estimator // nil: none
}

// Stats are counters of one receiver.
type Stats struct {
	RTT             time.Duration // 0: unknown
	Loss            float64       // fraction, by the receiver's latest report, over all SSRCs
	Packets, Bytes  uint64        // RTP, retransmissions included
	Retransmissions uint64
	NoPayloadType   uint64 // packets of codecs that the receiver cannot take
	RTCPErrors      uint64 // malformed compounds or packets
	NACKs           uint64 // sequence numbers asked for
	Unanswered      uint64 // of these: never given out, too old, repeated too soon, or no RTX
	REMB            uint64 // bit/s, latest; 0: none
}

// Egress is the outward media side of one receiver.
type Egress struct {
	config     Config
	pts        []packet.PayloadType
	generation uint32 // of pts
	ext        packet.Extensions
	bySSRC     map[uint32]*Projection
	retired    map[uint32]uint16 // next numbers of SSRCs that may come back
	stats      Stats
	tcc        uint16
	repairs    int           // how many packets may be sent again now
	scratch    []byte        // for packets out of rings, made when needed
	again      packet.Packet // the packet that is being sent again
	descriptor [255]byte     // that of the packet being written
}

// New returns the egress of a receiver without payload types or extensions.
func New(c Config) *Egress {
	if c.REDDistance == 0 {
		c.REDDistance = 2
	}
	return &Egress{config: c, generation: 1, repairs: repairsAtStart, bySSRC: make(map[uint32]*Projection), retired: make(map[uint32]uint16)}
}

// SetPayloadTypes sets what the receiver can take.
func (eg *Egress) SetPayloadTypes(pts []packet.PayloadType) {
	eg.pts = pts
	eg.generation++
}

// SetExtensions sets the receiver's header extension ids.
func (eg *Egress) SetExtensions(x packet.Extensions) { eg.ext = x }

// AddProjection makes a source known to the receiver. Video is suspended
// until the first SetTarget, audio flows at once. Out.SSRC must be unused; if
// a removed projection had it, numbers continue there, because SRTP allows no
// number twice under one SSRC and key.
func (eg *Egress) AddProjection(o ProjectionOptions) *Projection {
	pr := newProjection(o)
	if next, ok := eg.retired[pr.out.SSRC]; ok {
		pr.numbers.next = 1<<16 + uint64(next)
		pr.numbers.latest = pr.numbers.next - 1
	}
	if next, ok := eg.retired[pr.out.RTX]; ok {
		pr.rtxSeq = next
	}
	eg.bySSRC[pr.out.SSRC] = pr
	return pr
}

// RebindProjection puts another source behind the same outgoing SSRC; o.Out
// is ignored. Numbers continue; video waits for a keyframe of the new source,
// audio flows at once, even if the source before was suspended.
func (eg *Egress) RebindProjection(pr *Projection, o ProjectionOptions) {
	pr.leave()
	pr.bind(o)
	if o.Source.Kind == packet.Audio {
		pr.SetTarget(Target{Encoding: 0, TID: -1, SID: -1})
	}
}

// ReleaseProjection takes the source away from a projection, with the packets
// of it that rings keep. Its numbers wait for RebindProjection.
func (eg *Egress) ReleaseProjection(pr *Projection) {
	pr.leave()
	pr.bind(ProjectionOptions{Source: packet.Source{Kind: pr.source.Kind}})
}

// RemoveProjection forgets a projection.
func (eg *Egress) RemoveProjection(pr *Projection) {
	if eg.bySSRC[pr.out.SSRC] != pr {
		return
	}
	delete(eg.bySSRC, pr.out.SSRC)
	if pr.packets.Load() > 0 {
		eg.retired[pr.out.SSRC] = uint16(pr.numbers.latest + 1)
	}
	if pr.retransmitted.Load() > 0 {
		eg.retired[pr.out.RTX] = pr.rtxSeq
	}
}

// Stats returns the receiver's counters.
func (eg *Egress) Stats() Stats { return eg.stats }

// translation is what becomes of one payload type of the sender.
type translation struct {
	generation uint32 // of the receiver's payload types; 0: not worked out
	rate       uint32 // RTP clock
	from, to   uint8
	rtx        uint8        // 0: none
	codec      packet.Codec // outgoing
	ok         bool
}

// translate finds the receiver's payload type for a packet. The latest result
// is kept in the projection, since it is nearly always the same.
func (eg *Egress) translate(pr *Projection, p *packet.Packet) *translation {
	t := &pr.pts
	if t.generation == eg.generation && t.from == p.PayloadType {
		return t
	}
	*t = translation{generation: eg.generation, from: p.PayloadType, codec: p.Codec, rate: clockRate(pr.senderPTs, p)}
	switch {
	case p.Codec == packet.CodecRED && (eg.config.RED == REDStrip || !eg.takes(packet.CodecRED)):
		t.codec = packet.CodecOpus // what browsers wrap in RED
	case p.Codec == packet.CodecOpus && eg.config.RED == REDProtect && eg.takes(packet.CodecRED):
		t.codec = packet.CodecRED
	}
	t.to, t.ok = eg.payloadType(t.codec, p.PayloadType, t.rate)
	for _, pt := range eg.pts {
		if pt.Codec == packet.CodecRTX && pt.APT == t.to && t.ok {
			t.rtx = pt.ID
		}
	}
	return t
}

func (eg *Egress) takes(c packet.Codec) bool {
	_, ok := eg.payloadType(c, 0, 0)
	return ok
}

// payloadType finds the receiver's number for a codec: the sender's own if it
// means the same there, else the first with the same clock rate, else the
// first. Codecs that the bridge does not know must have the same number.
func (eg *Egress) payloadType(c packet.Codec, same uint8, rate uint32) (id uint8, ok bool) {
	sameRate := false
	for _, pt := range eg.pts {
		if pt.Codec != c || c == packet.CodecRTX || c == packet.CodecUnknown && pt.ID != same {
			continue
		}
		if pt.ID == same {
			return pt.ID, true
		}
		if !ok || !sameRate && pt.ClockRate == rate {
			id, ok, sameRate = pt.ID, true, pt.ClockRate == rate
		}
	}
	return id, ok
}

func clockRate(pts []packet.PayloadType, p *packet.Packet) uint32 {
	for _, pt := range pts {
		if pt.ID == p.PayloadType && pt.ClockRate > 0 {
			return pt.ClockRate
		}
	}
	if p.Kind == packet.Audio {
		return 48000
	}
	return 90000
}
