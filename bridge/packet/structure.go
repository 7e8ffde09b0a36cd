package packet

import "math/bits"

// Limits of what a structure may hold.
const (
	maxTemplates = 64 // what the 6 bits of a template id can tell apart
	maxTargets   = 32
	maxRefs      = 8
)

// Structure is a template dependency structure (AV1 RTP payload format,
// appendix A.8.3): what a sender declares at a keyframe about the frames that
// follow. It does not change once it was read, and may be shared.
type Structure struct {
	ID        uint8 // of the first template; the others count on from it, modulo 64
	Chains    int
	Templates []Template
	Targets   []DecodeTarget
	Sizes     []Size // of each spatial layer; empty if not told

	raw  []byte // the structure's bits as they came, in the place that they have in a descriptor
	bits int
}

// Template is what frames have in common. The masks have a bit for each
// decode target.
type Template struct {
	SID, TID    int8
	Present     uint32 // targets that contain the frame
	Switch      uint32 // targets that can be changed to at the frame
	Discardable uint32 // targets in which nothing refers to the frame
	Refs        []uint16
	Chains      []uint8 // distance to the previous frame of each chain, 0: there is none
}

// DecodeTarget is one operating point.
type DecodeTarget struct {
	SID, TID int8   // the highest layers that it contains
	Chain    int8   // protects it; -1: none does
	Within   uint32 // targets of which it contains every frame, itself among them
	Reach    uint32 // targets that can be changed to at one of its frames other than a keyframe
}

// Size is the size of a picture.
type Size struct{ Width, Height uint16 }

// structureAt is where a structure begins in a descriptor, in bits.
const structureAt = 24 + 5

// structure reads a structure from a descriptor that carries one; nil if it
// is malformed.
//
//	|template id offset (6)|targets - 1 (5)|
//	layers of the templates (2 bits each), indications (2 bits each and target),
//	references, chains, sizes
func structure(b []byte) *Structure {
	r := bitReader{b: b, at: structureAt}
	s := &Structure{ID: uint8(r.bits(6)), Targets: make([]DecodeTarget, r.bits(5)+1)}
	if !s.layers(&r) {
		return nil
	}
	for i := range s.Templates {
		t := &s.Templates[i]
		t.Present, t.Switch, t.Discardable = r.indications(len(s.Targets))
	}
	for i := range s.Templates {
		t := &s.Templates[i]
		for r.bits(1) != 0 {
			if len(t.Refs) == maxRefs {
				return nil
			}
			t.Refs = append(t.Refs, uint16(r.bits(4)+1))
		}
	}
	s.chains(&r)
	if r.bits(1) != 0 {
		for range s.Templates[len(s.Templates)-1].SID + 1 {
			s.Sizes = append(s.Sizes, Size{uint16(r.bits(16) + 1), uint16(r.bits(16) + 1)})
		}
	}
	if r.at > 8*len(b) {
		return nil
	}
	s.bits = r.at - structureAt
	s.raw = append(s.raw, b[:(r.at+7)/8]...)
	s.conclude()
	return s
}

// layers reads the spatial and temporal layer of each template.
func (s *Structure) layers(r *bitReader) bool {
	var t Template
	for {
		if len(s.Templates) == maxTemplates || t.SID > 3 {
			return false
		}
		s.Templates = append(s.Templates, t)
		switch r.bits(2) {
		case 1:
			t.TID++
		case 2:
			t.SID, t.TID = t.SID+1, 0
		case 3:
			return true
		}
	}
}

func (s *Structure) chains(r *bitReader) {
	s.Chains = int(r.nonSymmetric(uint32(len(s.Targets) + 1)))
	for i := range s.Targets {
		s.Targets[i].Chain = -1
		if s.Chains > 0 {
			s.Targets[i].Chain = int8(r.nonSymmetric(uint32(s.Chains)))
		}
	}
	for i := range s.Templates {
		s.Templates[i].Chains = make([]uint8, s.Chains)
		for c := range s.Chains {
			s.Templates[i].Chains[c] = uint8(r.bits(4))
		}
	}
}

// conclude works out what the templates say about the targets.
func (s *Structure) conclude() {
	all := s.All()
	for i := range s.Targets {
		t, bit := &s.Targets[i], uint32(1)<<i
		t.Within = all
		for _, m := range s.Templates {
			if m.Present&bit == 0 {
				t.Within &^= m.Present
				continue
			}
			t.SID, t.TID = max(t.SID, m.SID), max(t.TID, m.TID)
			if len(m.Refs) > 0 {
				t.Reach |= m.Switch
			}
		}
	}
}

// All is the mask of all decode targets.
func (s *Structure) All() uint32 { return uint32(1<<len(s.Targets) - 1) }

// Template returns the template of a frame by its id.
func (s *Structure) Template(id uint8) (*Template, bool) {
	if i := int((id - s.ID) & 0x3f); i < len(s.Templates) {
		return &s.Templates[i], true
	}
	return nil, false
}

// repeats tells whether the descriptor carries this very structure again.
// Its bits tell their own length, so comparing those of the known one is
// enough.
func (s *Structure) repeats(b []byte) bool {
	full, rest := len(s.raw)-1, (structureAt+s.bits-1)%8+1
	if len(b) < len(s.raw) || (b[3]^s.raw[3])&0x07 != 0 || (b[full]^s.raw[full])>>(8-rest) != 0 {
		return false
	}
	return string(b[4:full]) == string(s.raw[4:full])
}

// bitReader reads bits from the most significant on; zeros behind the end.
type bitReader struct {
	b  []byte
	at int // bit position
}

func (r *bitReader) bits(n int) uint32 {
	v := uint32(0)
	for n > 0 {
		k := min(n, 8-r.at%8) // what one byte gives
		v <<= k
		if i := r.at / 8; i < len(r.b) {
			v |= uint32(r.b[i]<<(r.at%8)) & 0xff >> (8 - k)
		}
		r.at += k
		n -= k
	}
	return v
}

// indications reads two bits for each decode target: not present,
// discardable, switch, required.
func (r *bitReader) indications(targets int) (present, change, discardable uint32) {
	for i := range targets {
		v := r.bits(2)
		present |= min(v, 1) << i
		discardable |= (v & 1 &^ (v >> 1)) << i
		change |= (v >> 1 &^ v & 1) << i
	}
	return present, change, discardable
}

// nonSymmetric reads one of n values in as few bits as can be, ns(n) of the
// AV1 specification section 4.10.7.
func (r *bitReader) nonSymmetric(n uint32) uint32 {
	w := bits.Len32(n)
	m := uint32(1)<<w - n
	v := r.bits(w - 1)
	if v < m {
		return v
	}
	return v<<1 - m + r.bits(1)
}

// bitWriter writes bits from the most significant on into a cleared slice.
// What does not fit is counted only.
type bitWriter struct {
	b  []byte
	at int
}

func (w *bitWriter) put(n int, v uint32) {
	for n > 0 {
		k := min(n, 8-w.at%8)
		if i := w.at / 8; i < len(w.b) {
			w.b[i] |= uint8(v >> (n - k) << (8 - k - w.at%8) & (0xff >> (w.at % 8)))
		}
		w.at += k
		n -= k
	}
}

// copy takes n bits from r.
func (w *bitWriter) copy(r *bitReader, n int) {
	for n > 0 {
		k := min(n, 32)
		w.put(k, r.bits(k))
		n -= k
	}
}
