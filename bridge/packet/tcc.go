package packet

import (
	"encoding/binary"
	"time"
)

// Units and limits of transport-wide congestion control feedback
// (draft-holmer-rmcat-transport-wide-cc-extensions-01 section 3.1).
const (
	tccDelta     = 250 * time.Microsecond
	tccReference = 64 * time.Millisecond

	// MaxTCCStatus is how many packets one feedback built here reports: with
	// two-byte deltas throughout it still stays below MaxRTCP.
	MaxTCCStatus = 480
)

// Packet status symbols.
const (
	tccLost = iota
	tccSmall
	tccLarge
	tccReserved
)

// TCCLost stands for a packet that has not arrived, in AppendTCC.
const TCCLost = time.Duration(-1)

// AppendTCC appends a feedback packet about consecutive transport-wide
// sequence numbers: arrivals[i] is when number base+i came, or TCCLost. It
// returns how many of them the packet covers: fewer than given when the
// packet is full or two arrivals are too far apart (more than 8 s) for one
// packet; the caller goes on with the rest. Nothing is appended, and used is
// 0, when no packet in arrivals has come.
//
//	| base sequence number | packet status count |
//	| reference time (24 bits, 64 ms)| fb count  |
//	| packet status chunks, 16 bits each ...     |
//	| receive deltas, 8 or 16 bits each (250 us) |
func AppendTCC(dst []byte, sender, media uint32, count uint8, base uint16, arrivals []time.Duration) (out []byte, used int) {
	var symbols [MaxTCCStatus]uint8
	reference, used := tccSymbols(&symbols, arrivals)
	if used == 0 {
		return dst, 0
	}
	start := len(dst)
	dst = appendFeedbackHead(dst, RTCPTransportFB, FeedbackTCC, sender, media)
	dst = binary.BigEndian.AppendUint16(dst, base)
	dst = binary.BigEndian.AppendUint16(dst, uint16(used))
	dst = binary.BigEndian.AppendUint32(dst, uint32(reference)<<8|uint32(count))
	for rest := symbols[:used]; len(rest) > 0; {
		chunk, n := tccChunk(rest)
		dst = binary.BigEndian.AppendUint16(dst, chunk)
		rest = rest[n:]
	}
	ticks := reference * int64(tccReference/tccDelta)
	for i, s := range symbols[:used] {
		if s == tccLost {
			continue
		}
		now := int64(arrivals[i] / tccDelta)
		if s == tccSmall {
			dst = append(dst, uint8(now-ticks))
		} else {
			dst = binary.BigEndian.AppendUint16(dst, uint16(now-ticks))
		}
		ticks = now
	}
	pad := 4 - (len(dst)-start)&3
	if pad == 4 {
		return setRTCPLength(dst, start), used
	}
	// The deltas end anywhere; the padding bit lets the reader find out.
	dst[start] |= 0x20
	dst = setRTCPLength(dst, start)
	dst[len(dst)-1] = uint8(pad)
	return dst, used
}

// tccSymbols classifies the arrivals that fit one packet, which ends with one
// that did arrive, and chooses the reference time.
func tccSymbols(symbols *[MaxTCCStatus]uint8, arrivals []time.Duration) (reference int64, used int) {
	started, ticks := false, int64(0)
	for i, at := range arrivals[:min(len(arrivals), MaxTCCStatus)] {
		symbols[i] = tccLost
		if at < 0 {
			continue
		}
		now := int64(at / tccDelta)
		if !started {
			started = true
			reference = int64(at / tccReference)
			ticks = reference * int64(tccReference/tccDelta)
		}
		switch d := now - ticks; {
		case d >= 0 && d <= 255:
			symbols[i] = tccSmall
		case d >= -1<<15 && d < 1<<15:
			symbols[i] = tccLarge
		default:
			return reference, used
		}
		ticks, used = now, i+1
	}
	return reference, used
}

// tccChunk encodes the first symbols as whichever chunk covers most of them.
//
//	|0| symbol (2) | run length (13) |
//	|1|0| 14 one-bit symbols         |  lost and small only
//	|1|1| 7 two-bit symbols          |
func tccChunk(symbols []uint8) (chunk uint16, n int) {
	run := 1
	for run < len(symbols) && symbols[run] == symbols[0] {
		run++
	}
	oneBit := 0
	for oneBit < min(14, len(symbols)) && symbols[oneBit] != tccLarge {
		oneBit++
	}
	twoBit := min(7, len(symbols))
	if oneBit < 14 && oneBit < len(symbols) {
		oneBit = 0 // a chunk cannot be part filled in the middle
	}
	switch {
	case run >= max(oneBit, twoBit):
		return uint16(symbols[0])<<13 | uint16(run), run
	case oneBit >= twoBit:
		chunk = 0x8000
		for i, s := range symbols[:oneBit] {
			chunk |= uint16(s) << (13 - i)
		}
		return chunk, oneBit
	}
	chunk = 0xC000
	for i, s := range symbols[:twoBit] {
		chunk |= uint16(s) << (12 - 2*i)
	}
	return chunk, twoBit
}

// TCC walks the packets of a transport-wide feedback.
type TCC struct {
	Sender, Media uint32
	Base          uint16 // first transport-wide sequence number
	Statuses      int    // how many packets are reported
	Count         uint8  // of feedback packets so far, wrapping

	chunks, deltas []byte
	next           uint16
	left           int
	chunk          uint16
	inChunk        int // symbols left in chunk
	at             time.Duration
}

// TCCStatus is what a feedback says about one packet.
type TCCStatus struct {
	Seq      uint16
	Received bool
	At       time.Duration // on the receiver's clock, wrapping at 2^24 * 64 ms
}

// ParseTCC starts to walk a transport-wide feedback. It fails unless all the
// chunks are there.
func ParseTCC(p RTCP) (TCC, bool) {
	if p.Type != RTCPTransportFB || p.Count != FeedbackTCC || len(p.Raw) < 20 {
		return TCC{}, false
	}
	last := binary.BigEndian.Uint32(p.Raw[16:])
	t := TCC{
		Sender:   binary.BigEndian.Uint32(p.Raw[4:]),
		Media:    binary.BigEndian.Uint32(p.Raw[8:]),
		Base:     binary.BigEndian.Uint16(p.Raw[12:]),
		Statuses: int(binary.BigEndian.Uint16(p.Raw[14:])),
		Count:    uint8(last),
		at:       time.Duration(last>>8) * tccReference,
	}
	t.next, t.left = t.Base, t.Statuses
	b := p.Raw[20:]
	n := 0
	for covered := 0; covered < t.Statuses; n += 2 {
		if n+2 > len(b) {
			return TCC{}, false
		}
		c := tccChunkLen(binary.BigEndian.Uint16(b[n:]))
		if c == 0 {
			return TCC{}, false
		}
		covered += c
	}
	t.chunks, t.deltas = b[:n], b[n:]
	return t, true
}

func tccChunkLen(chunk uint16) int {
	switch {
	case chunk&0x8000 == 0:
		return int(chunk & 0x1fff)
	case chunk&0x4000 == 0:
		return 14
	}
	return 7
}

// Next returns the next status. It ends early where deltas are missing.
func (t *TCC) Next() (TCCStatus, bool) {
	if t.left == 0 {
		return TCCStatus{}, false
	}
	if t.inChunk == 0 {
		t.chunk = binary.BigEndian.Uint16(t.chunks)
		t.chunks, t.inChunk = t.chunks[2:], tccChunkLen(t.chunk)
	}
	t.inChunk--
	s := TCCStatus{Seq: t.next}
	switch t.symbol() {
	case tccSmall:
		if len(t.deltas) < 1 {
			t.left = 0
			return TCCStatus{}, false
		}
		t.at += time.Duration(t.deltas[0]) * tccDelta
		t.deltas, s.Received = t.deltas[1:], true
	case tccLarge:
		if len(t.deltas) < 2 {
			t.left = 0
			return TCCStatus{}, false
		}
		t.at += time.Duration(int16(binary.BigEndian.Uint16(t.deltas))) * tccDelta
		t.deltas, s.Received = t.deltas[2:], true
	}
	if s.Received {
		s.At = t.at
	}
	t.next++
	t.left--
	return s, true
}

// symbol returns the symbol before which inChunk others are left in chunk.
func (t *TCC) symbol() uint16 {
	switch {
	case t.chunk&0x8000 == 0:
		return t.chunk >> 13
	case t.chunk&0x4000 == 0:
		return t.chunk >> t.inChunk & 1
	}
	return t.chunk >> (2 * t.inChunk) & 3
}
