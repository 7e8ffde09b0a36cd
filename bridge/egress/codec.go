package egress

import "steg/bridge/packet"

// anyTID is a temporal limit that no layer exceeds.
const anyTID = 127

// codec is what selecting and rewriting need to know of a codec: the common
// part works on sequence numbers, frames and encodings, a codec on layers
// inside an encoding and on its payload descriptor. A further codec is one
// more small type. Its methods are called in the order of the frames.
type codec interface {
	// entry tells whether forwarding of an encoding may start with p.
	entry(p *packet.Packet) bool
	// begin continues the descriptor's numbers with the encoding that p starts.
	begin(p *packet.Packet)
	// limit is the highest temporal layer to forward of an encoding.
	limit(enc int8, t Target) int8
	// frame decides on a frame at its first packet. No temporal layer above
	// limit is wanted.
	frame(p *packet.Packet, limit int8) bool
	// late is the highest temporal layer that could be decoded if it came next.
	late() int8
	// offsets are those for the next frame.
	offsets() offsets
	// payload writes the rewritten payload and returns its length, 0 if it
	// cannot be written.
	payload(dst []byte, p *packet.Packet, o offsets) int
}

// generic forwards payloads as they are: audio, and video whose layers are
// not (yet) told apart.
type generic struct {
	simulcast bool // entry needs a keyframe
}

func (g *generic) entry(p *packet.Packet) bool {
	return !g.simulcast || p.Frame.Keyframe && p.Frame.Start || p.Codec == packet.CodecUnknown
}

func (g *generic) begin(*packet.Packet)            {}
func (g *generic) limit(int8, Target) int8         { return anyTID }
func (g *generic) frame(*packet.Packet, int8) bool { return true }
func (g *generic) late() int8                      { return anyTID }
func (g *generic) offsets() offsets                { return offsets{} }

func (g *generic) payload(dst []byte, p *packet.Packet, _ offsets) int {
	src := p.Payload()
	if len(dst) < len(src) {
		return 0
	}
	return copy(dst, src)
}
