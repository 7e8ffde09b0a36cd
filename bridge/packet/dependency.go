package packet

import "encoding/binary"

// Depends is what a frame says about itself that only forwarding needs: what
// it refers to and where it allows to change the layer. Rings do not keep it.
type Depends struct {
	Refs  [maxRefs]uint16 // distances back, in frame numbers or (VP9) in pictures
	Count uint8           // of Refs

	// Dependency descriptor. The masks have a bit for each decode target.
	Switch      uint32 // targets that can be changed to here
	Discardable uint32 // targets in which nothing refers to the frame
	Active      uint32 // targets that the sender produces at present
	Chains      [maxTargets]uint8

	// VP9.
	InterPicture bool // refers to earlier pictures of its layer
	InterLayer   bool // refers to the layer below in its picture
	SwitchUp     bool // higher temporal layers behind it refer to nothing of theirs before it
	Flexible     bool // Refs tells what it refers to
	Layers       int8 // spatial layers, if the packet tells; otherwise 0
}

// DependencyDescriptor is the AV1 dependency descriptor (AV1 RTP payload
// format, appendix A.8) as far as it can be read without the structure in
// force. It is used for any codec whose packets carry it.
//
//	|S|E| template  |     frame number (16)      |  mandatory
//	|T|A|D|F|C| template structure if T, active targets if A,
//	own indications, references, chains if D, F, C
type DependencyDescriptor struct {
	Start, End  bool
	Template    uint8
	FrameNumber uint16
	Attached    bool // carries a structure: the first packet of a keyframe
	ActiveMask  bool // carries a mask of active decode targets
}

// ParseDependencyDescriptor reads the value of the header extension.
func ParseDependencyDescriptor(b []byte) (DependencyDescriptor, bool) {
	if len(b) < 3 {
		return DependencyDescriptor{}, false
	}
	d := DependencyDescriptor{
		Start:       b[0]&0x80 != 0,
		End:         b[0]&0x40 != 0,
		Template:    b[0] & 0x3f,
		FrameNumber: binary.BigEndian.Uint16(b[1:]),
	}
	if len(b) > 3 {
		d.Attached, d.ActiveMask = b[3]&0x80 != 0, b[3]&0x40 != 0
	}
	return d, true
}

// Layering is what a stream has declared about its layers. It turns the
// descriptors of its packets into facts; the zero value is ready.
type Layering struct {
	known   [4]declared // newest first
	active  uint32
	at      uint64  // number of the packet that active is from
	sizes   [8]Size // VP9: of the spatial layers
	layers  int8
	depends Depends
}

// declared is a structure and the number of the packet that carried it.
type declared struct {
	seq       uint64
	structure *Structure
}

// Structure is the newest structure, nil before the first, and the mask of
// its decode targets that the sender produces.
func (l *Layering) Structure() (s *Structure, active uint32) { return l.known[0].structure, l.active }

// Spatial returns the sizes of the spatial layers of a VP9 stream, as its
// newest scalability structure tells; none before the first.
func (l *Layering) Spatial() []Size { return l.sizes[:l.layers] }

// describe completes the facts of a frame from the descriptor of the packet
// with 64-bit number seq.
func (l *Layering) describe(f *Frame, b []byte, d DependencyDescriptor, seq uint64) {
	var s *Structure
	if d.Attached {
		s = l.attach(b, seq)
	} else {
		s = l.inForce(seq)
	}
	if s == nil {
		return
	}
	t, ok := s.Template(d.Template)
	if !ok {
		return
	}
	r := bitReader{b: b, at: structureAt}
	if d.Attached {
		r.at += s.bits
	}
	if d.ActiveMask && seq >= l.at {
		l.active, l.at = r.bits(len(s.Targets)), seq
	} else if d.ActiveMask {
		r.bits(len(s.Targets))
	}
	x := &l.depends
	*x = Depends{Switch: t.Switch, Discardable: t.Discardable, Active: l.active, Count: uint8(len(t.Refs))}
	present := t.Present
	copy(x.Refs[:], t.Refs)
	copy(x.Chains[:], t.Chains)
	if len(b) > 3 && !r.own(x, &present, s, b[3]) {
		return
	}
	f.Structure, f.Depends, f.Targets = s, x, present
	f.SID, f.TID, f.Layered = t.SID, t.TID, true
	if d.Attached && len(s.Sizes) > 0 {
		top := s.Sizes[len(s.Sizes)-1]
		f.Width, f.Height = top.Width, top.Height
	}
}

// own reads what the frame tells differently from its template.
func (r *bitReader) own(x *Depends, present *uint32, s *Structure, flags uint8) bool {
	if flags&0x20 != 0 {
		*present, x.Switch, x.Discardable = r.indications(len(s.Targets))
	}
	if flags&0x10 != 0 {
		x.Count = 0
		for size := r.bits(2); size != 0; size = r.bits(2) {
			if x.Count == maxRefs {
				return false
			}
			x.Refs[x.Count] = uint16(r.bits(4*int(size)) + 1)
			x.Count++
		}
	}
	if flags&0x08 != 0 {
		for c := range s.Chains {
			x.Chains[c] = uint8(r.bits(8))
		}
	}
	return r.at <= 8*len(r.b)
}

// attach returns the structure that a packet carries, nil if it is malformed,
// and notes it. One that is told again stays the same value.
func (l *Layering) attach(b []byte, seq uint64) (s *Structure) {
	at := len(l.known)
	for i := len(l.known) - 1; i >= 0; i-- {
		k := l.known[i]
		if k.structure == nil || k.seq <= seq {
			at = i // before this one
		}
		if k.structure != nil && k.structure.repeats(b) {
			s = k.structure
		}
	}
	if s == nil {
		if s = structure(b); s == nil {
			return nil
		}
	}
	if at < len(l.known) && l.known[at].structure != s { // otherwise it is in force since then
		copy(l.known[at+1:], l.known[at:])
		l.known[at] = declared{seq, s}
	}
	if at == 0 && seq >= l.at {
		l.active, l.at = s.All(), seq
	}
	return s
}

// inForce is the newest structure not later than a packet.
func (l *Layering) inForce(seq uint64) *Structure {
	for _, k := range l.known {
		if k.structure != nil && k.seq <= seq {
			return k.structure
		}
	}
	return nil
}

// WriteDependencyDescriptor writes the descriptor src into dst with another
// frame number, its template ids shifted, and returns its length; 0 if dst is
// too short. s is the structure in force for src. active takes the place of a
// mask of active decode targets; it is added if src has none and change is
// set, or if src carries a structure and not all targets are active.
func WriteDependencyDescriptor(dst, src []byte, s *Structure, number uint16, shift uint8, active uint32, change bool) int {
	if len(src) < 3 || len(dst) < len(src) {
		return 0
	}
	flags := uint8(0)
	if len(src) > 3 {
		flags = src[3]
	}
	attached, had := flags&0x80 != 0, flags&0x40 != 0
	mask := had || change || attached && active != s.All()
	if !attached && had == mask && !mask {
		copy(dst, src)
		writeMandatory(dst, src, number, shift)
		return len(src)
	}
	clear(dst)
	writeMandatory(dst, src, number, shift)
	r, w := bitReader{b: src, at: structureAt}, bitWriter{b: dst, at: 24}
	flags = flags>>3&^0x08 | 0x08*uint8(b2i(mask))
	w.put(5, uint32(flags))
	if attached {
		w.put(6, r.bits(6)+uint32(shift))
		w.copy(&r, s.bits-6)
	}
	if had {
		r.bits(len(s.Targets))
	}
	if mask {
		w.put(len(s.Targets), active)
	}
	if left := 8*len(src) - r.at; left > 0 {
		w.copy(&r, left)
	}
	n := (w.at + 7) / 8
	if n > len(dst) || n > 255 {
		return 0
	}
	return n
}

func writeMandatory(dst, src []byte, number uint16, shift uint8) {
	dst[0] = src[0]&0xC0 | (src[0]+shift)&0x3f
	binary.BigEndian.PutUint16(dst[1:], number)
}

func b2i(on bool) int {
	if on {
		return 1
	}
	return 0
}
