package egress_test

import (
	"encoding/binary"
	"math/bits"
	"math/rand/v2"
	"slices"

	"steg/bridge/packet"
)

// layeredMode is how a synthetic sender makes its layers.
type layeredMode struct {
	name              string
	codec             packet.Codec
	spatial, temporal int
	inter             byte // spatial layers depend on each other: 'a' always, 'k' at keyframes, 'n' never
	flexible          bool // VP9: with reference distances
	chained           bool // middle temporal layers refer to themselves, with switching-up points now and then
	shift             bool // the temporal layers of upper spatial ones are one picture ahead
	encodings         int
}

// layered makes the packets of a source with spatial and temporal layers in
// each encoding, and remembers what depends on what.
type layered struct {
	mode    layeredMode
	source  packet.Source
	streams []layeredStream
}

type layeredStream struct {
	seq, ts  uint64
	pid      uint16 // picture or frame number, before the next
	tl0      uint8
	phase    int
	sinceKey int
	wantKey  bool
	frames   []layeredFrame
	newest   [4][3]int // latest frame of each layer, -1: none
	chain    [4]int    // latest frame of each chain
	template int       // id of the first
}

// layeredFrame is the truth about a frame.
type layeredFrame struct {
	picture, sid, tid int
	key               bool // of a key picture
	resync            bool // higher temporal layers behind it refer to nothing of theirs before it
	refs              []int
	chains            []int // distances
	number            uint16
	count             int
}

func newLayeredSource(r *rand.Rand, m layeredMode) *layered {
	s := &layered{mode: m, source: sourceOf(packet.Video, m.encodings)}
	for range m.encodings {
		s.streams = append(s.streams, layeredStream{
			seq: 1<<16 + uint64(r.IntN(1<<16)), ts: 1<<32 + uint64(r.Uint32()), pid: uint16(r.Uint32()),
			tl0: uint8(r.IntN(256)), wantKey: true, template: 60, // the same for all, as browsers do
		})
	}
	return s
}

// picture makes the packets of the next picture of one encoding.
func (s *layered) picture(enc int, count func() int) []*packet.Packet {
	st, m := &s.streams[enc], s.mode
	st.phase++
	key := st.wantKey
	if key {
		st.phase, st.sinceKey, st.wantKey = 0, 0, false
		for i := range st.newest {
			st.newest[i], st.chain[i] = [3]int{-1, -1, -1}, -1
		}
	}
	st.sinceKey++
	pattern := [][]int{{0}, {0, 1}, {0, 2, 1, 2}}[m.temporal-1]
	tid := pattern[st.phase%len(pattern)]
	st.ts += 3000
	if tid == 0 {
		st.tl0++
	}
	if m.codec == packet.CodecVP9 {
		st.pid = (st.pid + 1) & 0x7fff
	}
	first, number := len(st.frames), 0
	if first > 0 {
		number = st.frames[first-1].picture + 1
	}
	for sid := range m.spatial {
		f := layeredFrame{picture: number, sid: sid, tid: tid, key: key, count: count()}
		if m.shift && sid > 0 && !key {
			f.tid = pattern[(st.phase+1)%len(pattern)]
		}
		f.resync = tid == 2 || !m.chained || st.phase%16 == 0 || tid == 1 && m.temporal == 2
		if m.codec != packet.CodecVP9 {
			st.pid++
		}
		f.number = st.pid
		s.depend(st, &f)
		st.frames = append(st.frames, f)
	}
	var out []*packet.Packet
	for i := first; i < len(st.frames); i++ {
		for index := range st.frames[i].count {
			st.seq++
			out = append(out, s.packet(enc, i, index))
		}
	}
	return out
}

// depend works out the references and chains of a frame.
func (s *layered) depend(st *layeredStream, f *layeredFrame) {
	m, at := s.mode, len(st.frames)
	if !f.key {
		mine := st.newest[f.sid]
		switch {
		case f.tid == 0:
			f.refs = append(f.refs, mine[0])
		case f.tid == 2 && mine[1] > mine[0]:
			f.refs = append(f.refs, mine[1])
		default:
			f.refs = append(f.refs, mine[0])
			if f.tid == 1 && m.chained && mine[1] >= 0 && !st.frames[mine[0]].resync {
				f.refs = append(f.refs, mine[1])
			}
		}
	}
	if f.sid > 0 && (m.inter == 'a' || m.inter == 'k' && f.key) {
		f.refs = append(f.refs, at-1)
	}
	for c := range m.spatial {
		d := 0
		if st.chain[c] >= 0 {
			d = at - st.chain[c]
		}
		f.chains = append(f.chains, d)
	}
	for c := range m.spatial {
		if f.tid == 0 && s.contains(c, 2, *f) {
			st.chain[c] = at
		}
	}
	st.newest[f.sid][f.tid] = at
}

// contains tells whether the operating point needs the frame.
func (s *layered) contains(sid, tid int, f layeredFrame) bool {
	if f.tid > tid {
		return false
	}
	return f.sid == sid || f.sid < sid && (s.mode.inter == 'a' || s.mode.inter == 'k' && f.key)
}

func (s *layered) packet(enc, frame, index int) *packet.Packet {
	st, m := &s.streams[enc], s.mode
	f := st.frames[frame]
	h := packet.Header{
		PayloadType: map[packet.Codec]uint8{packet.CodecVP9: 101, packet.CodecAV1: 41, packet.CodecH264: 107}[m.codec],
		Marker:      f.sid == m.spatial-1 && index == f.count-1, SequenceNumber: uint16(st.seq), Timestamp: uint32(st.ts),
		SSRC: s.source.Encodings[enc].SSRC,
	}
	var elements []packet.Element
	var payload []byte
	if m.codec == packet.CodecVP9 {
		payload = s.vp9(st, frame, index)
	} else {
		elements = append(elements, packet.Element{ID: 11, Data: s.descriptor(st, frame, index)})
	}
	payload = mark{enc: enc, index: index, count: f.count, frame: frame}.append(payload)
	b := make([]byte, 400)
	b = append(b[:packet.WriteHeader(b, h, elements)], payload...)
	p := &packet.Packet{Raw: b, Kind: packet.Video, Codec: m.codec, Encoding: enc, Seq: st.seq, TS: st.ts}
	p.Header, _ = packet.ParseHeader(b)
	return p
}

// vp9 writes the payload descriptor.
func (s *layered) vp9(st *layeredStream, frame, index int) []byte {
	f, m := st.frames[frame], s.mode
	first := byte(0xA0) // picture id, layers
	var diffs []byte
	inter := false
	for _, ref := range f.refs {
		if d := f.picture - st.frames[ref].picture; d > 0 {
			diffs = append(diffs, byte(d)<<1|1)
		} else {
			inter = true
		}
	}
	if len(diffs) > 0 {
		first |= 0x40
		diffs[len(diffs)-1] &^= 1
	}
	if m.flexible {
		first |= 0x10
	} else {
		diffs = nil
	}
	if index == 0 {
		first |= 0x08
	}
	if index == f.count-1 {
		first |= 0x04
	}
	tells := f.key && f.sid == 0 && index == 0
	if tells {
		first |= 0x02
	}
	if m.inter != 'a' && !(m.inter == 'k' && f.key) {
		first |= 0x01
	}
	layer := byte(f.tid<<5 | f.sid<<1)
	if f.resync {
		layer |= 0x10
	}
	if inter {
		layer |= 1
	}
	b := []byte{first, 0x80 | byte(f.number>>8&0x7f), byte(f.number), layer}
	if !m.flexible {
		b = append(b, st.tl0)
	}
	b = append(b, diffs...)
	if tells {
		b = append(b, byte(m.spatial-1)<<5)
	}
	return b
}

// descriptor writes the dependency descriptor. Each layer has a template for
// keyframes and one for others; references and chains are told by the frame.
func (s *layered) descriptor(st *layeredStream, frame, index int) []byte {
	f, m := st.frames[frame], s.mode
	var w bitString
	template := 2 * (f.sid*m.temporal + f.tid)
	if f.key {
		template++
	}
	w.put(1, b01(index == 0))
	w.put(1, b01(index == f.count-1))
	w.put(6, (st.template+template)&63)
	w.put(16, int(f.number))
	structure := f.key && f.sid == 0 && index == 0
	w.put(5, b01(structure)<<4|1<<1|1|b01(s.mode.chained)<<2)
	if structure {
		s.structure(&w, st)
	}
	if s.mode.chained {
		s.indications(&w, f)
	}
	for _, ref := range f.refs {
		w.put(2, 2)
		w.put(8, frame-ref-1)
	}
	w.put(2, 0)
	for _, c := range f.chains {
		w.put(8, c)
	}
	return w.b
}

func (s *layered) structure(w *bitString, st *layeredStream) {
	m := s.mode
	n := m.spatial * m.temporal
	w.put(6, st.template)
	w.put(5, n-1)
	for i := range 2 * n {
		switch {
		case i == 2*n-1:
			w.put(2, 3)
		case i%2 == 0:
			w.put(2, 0)
		case (i+1)/2%m.temporal == 0:
			w.put(2, 2)
		default:
			w.put(2, 1)
		}
	}
	for i := range 2 * n {
		s.indications(w, layeredFrame{sid: i / 2 / m.temporal, tid: i / 2 % m.temporal, key: i%2 == 1, resync: true})
	}
	for i := range 2 * n {
		if i%2 == 0 {
			w.put(5, 0b10000) // not a keyframe: refers to something
		}
		w.put(1, 0)
	}
	w.ns(n+1, m.spatial)
	for i := range n {
		w.ns(m.spatial, i/m.temporal)
	}
	for range 2 * n * m.spatial {
		w.put(4, 0)
	}
	w.put(1, 0)
}

// indications of a frame for each decode target.
func (s *layered) indications(w *bitString, f layeredFrame) {
	for sid := range s.mode.spatial {
		for tid := range s.mode.temporal {
			switch {
			case !s.contains(sid, tid, f):
				w.put(2, 0)
			case f.tid == 2:
				w.put(2, 1)
			case (f.sid == sid || f.key) && (f.resync || f.tid == tid):
				w.put(2, 2)
			default:
				w.put(2, 3)
			}
		}
	}
}

// bitString is a writer of single bits.
type bitString struct {
	b []byte
	n int
}

func (w *bitString) put(n, v int) {
	for i := n - 1; i >= 0; i-- {
		if w.n%8 == 0 {
			w.b = append(w.b, 0)
		}
		w.b[w.n/8] |= byte(v>>i&1) << (7 - w.n%8)
		w.n++
	}
}

func (w *bitString) ns(n, v int) {
	k := bits.Len(uint(n))
	if m := 1<<k - n; v < m {
		w.put(k-1, v)
	} else {
		w.put(k, v+m)
	}
}

func b01(on bool) int {
	if on {
		return 1
	}
	return 0
}

// parse works out the facts as an ingress does.
func parse(l *packet.Layering, p *packet.Packet) {
	dd, _ := packet.Extension(p.Raw, p.Header, 11)
	p.Frame = l.Parse(p.Codec, p.Payload(), dd, p.Marker, p.Seq)
}

// clonePacket makes a copy that shares nothing.
func clonePacket(p *packet.Packet) *packet.Packet {
	q := *p
	q.Raw = slices.Clone(p.Raw)
	return &q
}

func rtxNumber(b []byte) uint16 { return binary.BigEndian.Uint16(b) }
