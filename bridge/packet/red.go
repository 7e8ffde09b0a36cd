package packet

// MaxREDBlocks is the largest number of blocks that ParseRED accepts;
// senders use two or three.
const MaxREDBlocks = 8

// REDBlock is one block of a RED payload.
type REDBlock struct {
	PayloadType uint8
	Offset      uint16 // timestamp of the packet minus that of the block; 0 for the primary
	Data        []byte // aliases the payload
}

// ParseRED reads the blocks of a RED payload (RFC 2198 section 3) into dst and
// returns their number, oldest first, the primary last.
//
//	|1| block PT (7) | timestamp offset (14) | block length (10) |  redundant
//	|0| block PT (7) |                                              primary
func ParseRED(b []byte, dst *[MaxREDBlocks]REDBlock) (int, bool) {
	var sizes [MaxREDBlocks]int
	n := 0
	for ; ; n++ {
		if n == MaxREDBlocks || len(b) == 0 {
			return 0, false
		}
		dst[n] = REDBlock{PayloadType: b[0] & 0x7f}
		if b[0]&0x80 == 0 {
			b = b[1:]
			break
		}
		if len(b) < 4 {
			return 0, false
		}
		dst[n].Offset = uint16(b[1])<<6 | uint16(b[2])>>2
		sizes[n] = int(b[2]&3)<<8 | int(b[3])
		b = b[4:]
	}
	for i := range n {
		if sizes[i] > len(b) {
			return 0, false
		}
		dst[i].Data, b = b[:sizes[i]], b[sizes[i]:]
	}
	dst[n].Data = b
	return n + 1, true
}

// WriteRED writes a RED payload with the given blocks, the primary last, into
// dst and returns its length; 0 if dst is too short or a block cannot be
// expressed.
func WriteRED(dst []byte, blocks []REDBlock) int {
	if len(blocks) == 0 {
		return 0
	}
	last := len(blocks) - 1
	n := 4*last + 1
	for i, blk := range blocks {
		if i < last && (blk.Offset > 0x3fff || len(blk.Data) > 0x3ff) {
			return 0
		}
		n += len(blk.Data)
	}
	if len(dst) < n {
		return 0
	}
	at := 0
	for _, blk := range blocks[:last] {
		dst[at] = 0x80 | blk.PayloadType
		dst[at+1] = uint8(blk.Offset >> 6)
		dst[at+2] = uint8(blk.Offset<<2) | uint8(len(blk.Data)>>8)
		dst[at+3] = uint8(len(blk.Data))
		at += 4
	}
	dst[at] = blocks[last].PayloadType & 0x7f
	at++
	for _, blk := range blocks {
		at += copy(dst[at:], blk.Data)
	}
	return n
}
