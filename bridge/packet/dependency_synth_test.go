package packet_test

import (
	"math/bits"
	"math/rand/v2"

	"steg/bridge/packet"
)

// bitWriter is the test's own half of the descriptor's bit format.
type bitWriter struct {
	b []byte
	n int
}

func (w *bitWriter) put(n int, v uint32) {
	for i := n - 1; i >= 0; i-- {
		if w.n%8 == 0 {
			w.b = append(w.b, 0)
		}
		w.b[w.n/8] |= byte(v>>i&1) << (7 - w.n%8)
		w.n++
	}
}

func (w *bitWriter) ns(n, v uint32) {
	k := bits.Len32(n)
	if m := uint32(1)<<k - n; v < m {
		w.put(k-1, v)
	} else {
		w.put(k, v+m)
	}
}

// model is a structure as the test sees it: indications by letter.
type model struct {
	id        int
	templates []modelTemplate
	targets   int
	protects  []int
	chains    int
	sizes     [][2]int
}

type modelTemplate struct {
	sid, tid int
	dtis     []byte // '-', 'D', 'S', 'R'
	refs     []int
	chains   []int
}

func dti(c byte) uint32 {
	switch c {
	case 'D':
		return 1
	case 'S':
		return 2
	case 'R':
		return 3
	}
	return 0
}

func randomModel(r *rand.Rand, spatial, temporal int) model {
	m := model{id: r.IntN(64), targets: spatial * temporal}
	m.chains = r.IntN(m.targets + 1)
	for range m.targets {
		m.protects = append(m.protects, r.IntN(max(m.chains, 1)))
	}
	for s := range spatial {
		for t := range temporal {
			for range 2 {
				x := modelTemplate{sid: s, tid: t}
				for range m.targets {
					x.dtis = append(x.dtis, "-DSR"[r.IntN(4)])
				}
				for range r.IntN(4) {
					x.refs = append(x.refs, 1+r.IntN(16))
				}
				for range m.chains {
					x.chains = append(x.chains, r.IntN(16))
				}
				m.templates = append(m.templates, x)
			}
		}
	}
	if r.IntN(3) > 0 {
		for s := range spatial {
			m.sizes = append(m.sizes, [2]int{320 << s, 180 << s})
		}
	}
	return m
}

// write appends the structure.
func (m model) write(w *bitWriter) {
	w.put(6, uint32(m.id))
	w.put(5, uint32(m.targets-1))
	for i, t := range m.templates {
		switch {
		case i == len(m.templates)-1:
			w.put(2, 3)
		case m.templates[i+1].sid > t.sid:
			w.put(2, 2)
		default:
			w.put(2, uint32(m.templates[i+1].tid-t.tid))
		}
	}
	for _, t := range m.templates {
		for _, d := range t.dtis {
			w.put(2, dti(d))
		}
	}
	for _, t := range m.templates {
		for _, ref := range t.refs {
			w.put(1, 1)
			w.put(4, uint32(ref-1))
		}
		w.put(1, 0)
	}
	w.ns(uint32(m.targets+1), uint32(m.chains))
	for i := 0; i < m.targets && m.chains > 0; i++ {
		w.ns(uint32(m.chains), uint32(m.protects[i]))
	}
	for _, t := range m.templates {
		for _, c := range t.chains {
			w.put(4, uint32(c))
		}
	}
	if m.sizes == nil {
		w.put(1, 0)
		return
	}
	w.put(1, 1)
	for _, s := range m.sizes {
		w.put(16, uint32(s[0]-1))
		w.put(16, uint32(s[1]-1))
	}
}

// frame describes one packet; nil fields come from the template.
type frame struct {
	start, end, structure bool
	template, number      int
	active                int // -1: not told
	dtis                  []byte
	refs                  []int
	ownRefs               bool
	chains                []int
}

func (m model) descriptor(f frame) []byte {
	var w bitWriter
	w.put(1, bit(f.start))
	w.put(1, bit(f.end))
	w.put(6, uint32(m.id+f.template)&63)
	w.put(16, uint32(f.number))
	if !f.structure && f.active < 0 && f.dtis == nil && !f.ownRefs && f.chains == nil {
		return w.b
	}
	w.put(1, bit(f.structure))
	w.put(1, bit(f.active >= 0))
	w.put(1, bit(f.dtis != nil))
	w.put(1, bit(f.ownRefs))
	w.put(1, bit(f.chains != nil))
	if f.structure {
		m.write(&w)
	}
	if f.active >= 0 {
		w.put(m.targets, uint32(f.active))
	}
	for _, d := range f.dtis {
		w.put(2, dti(d))
	}
	if f.ownRefs {
		for _, ref := range f.refs {
			size := (bits.Len32(uint32(ref-1)|1) + 3) / 4
			w.put(2, uint32(size))
			w.put(4*size, uint32(ref-1))
		}
		w.put(2, 0)
	}
	for _, c := range f.chains {
		w.put(8, uint32(c))
	}
	return w.b
}

func bit(on bool) uint32 {
	if on {
		return 1
	}
	return 0
}

// randomFrame makes a frame with more or less that differs from its template.
func (m model) randomFrame(r *rand.Rand, number int) frame {
	f := frame{
		start: r.IntN(2) > 0, end: r.IntN(2) > 0, template: r.IntN(len(m.templates)), number: number & 0xffff, active: -1,
	}
	t := m.templates[f.template]
	if r.IntN(4) == 0 {
		f.active = r.IntN(1 << m.targets)
	}
	if r.IntN(4) == 0 {
		for range m.targets {
			f.dtis = append(f.dtis, "-DSR"[r.IntN(4)])
		}
		t.dtis = f.dtis
	}
	if f.ownRefs = r.IntN(4) == 0; f.ownRefs {
		for range r.IntN(5) {
			f.refs = append(f.refs, 1+r.IntN(4096))
		}
		t.refs = f.refs
	}
	if r.IntN(4) == 0 && m.chains > 0 {
		for range m.chains {
			f.chains = append(f.chains, r.IntN(256))
		}
	}
	return f
}

// facts are what the packet says, worked out by the test's own rules.
type facts struct {
	sid, tid                     int
	present, change, discardable uint32
	refs                         []int
	chains                       []int
}

func (m model) facts(f frame) facts {
	t := m.templates[f.template]
	x := facts{sid: t.sid, tid: t.tid, refs: t.refs, chains: t.chains}
	dtis := t.dtis
	if f.dtis != nil {
		dtis = f.dtis
	}
	for i, d := range dtis {
		x.present |= bit(d != '-') << i
		x.change |= bit(d == 'S') << i
		x.discardable |= bit(d == 'D') << i
	}
	if f.ownRefs {
		x.refs = f.refs
	}
	if f.chains != nil {
		x.chains = f.chains
	}
	return x
}

// read returns what the parser made of a packet in the same form.
func read(f packet.Frame) facts {
	d, s := f.Depends, f.Structure
	x := facts{sid: int(f.SID), tid: int(f.TID), present: f.Targets, change: d.Switch, discardable: d.Discardable}
	for _, ref := range d.Refs[:d.Count] {
		x.refs = append(x.refs, int(ref))
	}
	for _, c := range d.Chains[:s.Chains] {
		x.chains = append(x.chains, int(c))
	}
	return x
}
