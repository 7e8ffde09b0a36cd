package egress

import "steg/bridge/packet"

// red writes an audio payload where RED (RFC 2198) is involved: passed with
// the receiver's payload types, stripped to the primary block, or made from
// earlier packets. Malformed RED is not sent.
func (eg *Egress) red(dst []byte, pr *Projection, p *packet.Packet) int {
	var blocks [packet.MaxREDBlocks]packet.REDBlock
	if p.Codec != packet.CodecRED {
		return eg.protect(dst, pr, p, &blocks)
	}
	n, ok := packet.ParseRED(p.Payload(), &blocks)
	if !ok {
		return 0
	}
	if pr.pts.codec != packet.CodecRED {
		primary := blocks[n-1].Data
		if len(dst) < len(primary) {
			return 0
		}
		return copy(dst, primary)
	}
	for i := range blocks[:n] {
		blocks[i].PayloadType = eg.blockType(pr, blocks[i].PayloadType)
	}
	return packet.WriteRED(dst, blocks[:n])
}

// blockType translates a payload type inside RED, by the codec it has at the
// sender; an unknown one is taken for Opus.
func (eg *Egress) blockType(pr *Projection, id uint8) uint8 {
	codec := packet.CodecOpus
	for _, pt := range pr.senderPTs {
		if pt.ID == id {
			codec = pt.Codec
		}
	}
	if to, ok := eg.payloadType(codec, id, 48000); ok {
		return to
	}
	return id
}

// protect makes RED of plain audio, with one or two earlier packets from the
// ring as redundancy. With voice only, a packet qualifies by its own voice
// flag; the farther one brings the nearer one with it.
func (eg *Egress) protect(dst []byte, pr *Projection, p *packet.Packet, blocks *[packet.MaxREDBlocks]packet.REDBlock) int {
	id := eg.blockType(pr, p.PayloadType)
	n := 0
	if p.Encoding < len(pr.rings) && pr.rings[p.Encoding] != nil && p.Codec == packet.CodecOpus {
		n = eg.earlier(pr, p, blocks[:])
	}
	blocks[n] = packet.REDBlock{Data: p.Payload()}
	for i := range blocks[:n+1] {
		blocks[i].PayloadType = id
	}
	return packet.WriteRED(dst, blocks[:n+1])
}

// earlier collects the redundant blocks, oldest first.
func (eg *Egress) earlier(pr *Projection, p *packet.Packet, blocks []packet.REDBlock) int {
	room := eg.room()
	n, qualified := 0, false
	for d := uint64(eg.config.REDDistance); d > 0; d-- {
		half := len(room) / 2
		q, ok := pr.rings[p.Encoding].Get(p.Seq-d, room[:half])
		room = room[half:]
		offset := p.TS - q.TS
		if !ok || q.Codec != packet.CodecOpus || offset > 0x3fff || len(q.Payload()) > 0x3ff {
			n, qualified = 0, false // a block stands for the number it is at
			continue
		}
		if qualified = qualified || q.Voice || !eg.config.REDVADOnly; qualified {
			blocks[n] = packet.REDBlock{Offset: uint16(offset), Data: q.Payload()}
			n++
		}
	}
	return n
}

// room is scratch space for packets out of rings.
func (eg *Egress) room() []byte {
	if eg.scratch == nil {
		eg.scratch = make([]byte, 2*packet.MaxDatagram)
	}
	return eg.scratch
}
