package egress

import "steg/bridge/packet"

// anyTID is a temporal limit that no layer exceeds.
const anyTID = 127

// noPoint stands for codecs whose frames are judged by their temporal layer.
const noPoint = -1

// nothing is a point that no frame belongs to.
const nothing = 127

// codec is what selecting and rewriting need to know of a codec: the common
// part works on sequence numbers, frames and encodings, a codec on layers
// inside an encoding and on its descriptor. A further codec is one more type,
// which embeds plain for what it does not need. Its methods are called in the
// order of the frames.
type codec interface {
	// entry tells whether forwarding of an encoding may start with p.
	entry(p *packet.Packet) bool
	// begin continues the descriptor's numbers with the encoding that p starts.
	begin(p *packet.Packet, t Target)
	// frame decides on a frame at its first packet.
	frame(p *packet.Packet, t Target) bool
	// scope is what may pass now of an encoding.
	scope(enc int8, t Target) scope
	// late is asked before frame if packets in between are missing: what may
	// pass of them if they come.
	late(enc int8, t Target) scope
	// admit tells whether a packet that comes late and has a number may pass.
	admit(p *packet.Packet) bool
	// adjacent tells that nothing wanted lies between the frame at the head of
	// the flow and that of p.
	adjacent(f *flow, p *packet.Packet) bool
	// blocked tells that only a keyframe helps on.
	blocked() bool
	// offsets are those for the next frame.
	offsets() offsets
	// layer is the temporal and spatial layer that a scope reaches up to.
	layer(s scope) (tid, sid int8)
	// last tells whether p ends what the receiver gets of a picture.
	last(p *packet.Packet, s *span) bool
	// descriptor returns the dependency descriptor for p, nil for none. It may
	// be written into dst; src is the sender's.
	descriptor(dst, src []byte, p *packet.Packet, s *span) []byte
	// payload writes the rewritten payload and returns its length, 0 if it
	// cannot be written.
	payload(dst []byte, p *packet.Packet, o offsets) int
}

// scope is a set of layers.
type scope struct {
	point int8 // operating point, or noPoint
	limit int8 // highest temporal layer, if there is no point
}

// covers tells whether everything in o is in s.
func (s scope) covers(o scope) bool { return s.point == o.point && s.limit >= o.limit }

// holds tells whether a frame belongs to the scope.
func (s scope) holds(f *packet.Frame) bool {
	if s.point == noPoint {
		return f.TID <= s.limit
	}
	return f.Targets>>s.point&1 != 0
}

// place orders the frames of an encoding: by time, then by spatial layer.
func place(p *packet.Packet) uint64 { return p.TS<<3 | uint64(max(p.Frame.SID, 0)&7) }

// plain is a codec without layers and without numbers of its own.
type plain struct{}

func (plain) begin(*packet.Packet, Target)                             {}
func (plain) frame(*packet.Packet, Target) bool                        { return true }
func (plain) scope(int8, Target) scope                                 { return scope{noPoint, anyTID} }
func (plain) late(int8, Target) scope                                  { return scope{noPoint, anyTID} }
func (plain) admit(*packet.Packet) bool                                { return true }
func (plain) adjacent(f *flow, p *packet.Packet) bool                  { return follows(f.id, p) }
func (plain) blocked() bool                                            { return false }
func (plain) offsets() offsets                                         { return offsets{} }
func (plain) last(p *packet.Packet, _ *span) bool                      { return p.Marker }
func (plain) descriptor(_, _ []byte, _ *packet.Packet, _ *span) []byte { return nil }

func (plain) layer(s scope) (tid, sid int8) {
	if s.limit == anyTID {
		return -1, -1
	}
	return s.limit, -1
}

func (plain) payload(dst []byte, p *packet.Packet, _ offsets) int {
	src := p.Payload()
	if len(dst) < len(src) {
		return 0
	}
	return copy(dst, src)
}

// generic forwards payloads as they are: audio, and video whose layers are
// not told.
type generic struct {
	plain
	simulcast bool // entry needs a keyframe
}

func (g *generic) entry(p *packet.Packet) bool {
	if !g.simulcast || p.Codec == packet.CodecUnknown {
		return true
	}
	return p.Frame.Keyframe && (p.Frame.Start || p.Codec == packet.CodecH264 && packet.H264Parameters(p.Payload()))
}

// descriptor keeps the sender's, if no encodings are woven together.
func (g *generic) descriptor(_, src []byte, _ *packet.Packet, _ *span) []byte {
	if g.simulcast {
		return nil
	}
	return src
}
