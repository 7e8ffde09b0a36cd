package packet_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"steg/bridge/packet"
)

var vp8Packet = []byte{
	0x90, 0xe4, 0x12, 0x34, 0, 0, 0, 1, 0, 0, 0, 2, // header
	0xbe, 0xde, 0, 2, 0x10, 0xff, 0x51, 0x12, 0x34, 0, 0, 0, // extensions 1 and 5
	0x90, 0xe0, 0x92, 0x34, 7, 0x40, 0x50, 0, 0, 0x9d, 1, 0x2a, 0, 5, 0xd0, 2,
}

// hot does what the bridge does to a packet and its feedback.
func hot(layering *packet.Layering, buf, out []byte, line []time.Duration, lost []uint16) int {
	h, _ := packet.ParseHeader(vp8Packet)
	level, _ := packet.Extension(vp8Packet, h, 1)
	f := layering.Parse(packet.CodecVP8, vp8Packet[h.HeaderLen:], nil, h.Marker, 1)
	n := packet.WriteHeader(out, h, []packet.Element{{ID: 1, Data: level}, {ID: 5, Data: vp8Packet[20:22]}})
	w, _ := packet.WriteVP8(out[n:], vp8Packet[h.HeaderLen:], uint16(f.PictureID)+1, uint8(f.TL0)+1)
	c := packet.AppendReceiverReport(buf[:0], 1, nil)
	c = packet.AppendPLI(packet.AppendNACK(c, 1, 2, lost), 1, 2)
	c, _ = packet.AppendTCC(c, 1, 2, 3, 4, line)
	sum := n + w
	r := packet.ReadRTCP(c)
	for p, ok := r.Next(); ok; p, ok = r.Next() {
		if k, ok := packet.ParseNACK(p); ok {
			for s, ok := k.Next(); ok; s, ok = k.Next() {
				sum += int(s)
			}
		}
		if t, ok := packet.ParseTCC(p); ok {
			for s, ok := t.Next(); ok; s, ok = t.Next() {
				sum += int(s.Seq)
			}
		}
	}
	return sum
}

func TestNoAllocation(t *testing.T) {
	buf, out := make([]byte, 0, packet.MaxRTCP), make([]byte, packet.MaxDatagram)
	line, lost := tccLine(1, 2, -1, 900), []uint16{1, 2, 30}
	var layering packet.Layering
	if n := testing.AllocsPerRun(100, func() { hot(&layering, buf, out, line, lost) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	ring := packet.NewRing(time.Second, 64<<10)
	p := &packet.Packet{Raw: vp8Packet}
	put := func() {
		p.Seq++
		p.Arrival += 5 * time.Millisecond
		ring.Put(p)
		ring.Get(p.Seq, out)
	}
	for range 500 {
		put()
	}
	if n := testing.AllocsPerRun(1000, put); n != 0 {
		t.Errorf("%v allocations by the ring", n)
	}
}

func BenchmarkHot(b *testing.B) {
	buf, out := make([]byte, 0, packet.MaxRTCP), make([]byte, packet.MaxDatagram)
	line, lost := tccLine(1, 2, -1, 900), []uint16{1, 2, 30}
	var layering packet.Layering
	b.ReportAllocs()
	for b.Loop() {
		hot(&layering, buf, out, line, lost)
	}
}

func BenchmarkParse(b *testing.B) {
	var layering packet.Layering
	b.ReportAllocs()
	for b.Loop() {
		h, _ := packet.ParseHeader(vp8Packet)
		packet.Extension(vp8Packet, h, 5)
		layering.Parse(packet.CodecVP8, vp8Packet[h.HeaderLen:], nil, h.Marker, 1)
	}
}

// described is a stream with dependency descriptors: a keyframe, then frames
// of which every fourth differs from its template.
func described() (l *packet.Layering, step func() int) {
	m := randomModel(rand.New(rand.NewPCG(2, 2)), 3, 3)
	list := [][]byte{m.descriptor(frame{start: true, structure: true, active: -1})}
	for i := range 8 {
		f := frame{start: true, template: i, number: i, active: -1}
		if i%4 == 3 {
			f.active, f.refs, f.ownRefs = 7, []int{3, 40}, true
		}
		list = append(list, m.descriptor(f))
	}
	l = new(packet.Layering)
	dst, i := make([]byte, 255), uint64(0)
	return l, func() int {
		b := list[i%uint64(len(list))]
		f := l.Parse(packet.CodecAV1, nil, b, false, i)
		i++
		return packet.WriteDependencyDescriptor(dst, b, f.Structure, uint16(i), 9, 3, i%2 == 0)
	}
}

func TestDescriptorsDoNotAllocate(t *testing.T) {
	_, step := described()
	if step() == 0 {
		t.Fatal("nothing written")
	}
	if n := testing.AllocsPerRun(100, func() { step() }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkDescriptor(b *testing.B) {
	_, step := described()
	b.ReportAllocs()
	for b.Loop() {
		step()
	}
}
