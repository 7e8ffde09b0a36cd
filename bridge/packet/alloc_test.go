package packet_test

import (
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
func hot(buf, out []byte, line []time.Duration, lost []uint16) int {
	h, _ := packet.ParseHeader(vp8Packet)
	level, _ := packet.Extension(vp8Packet, h, 1)
	f := packet.ParseFrame(packet.CodecVP8, vp8Packet[h.HeaderLen:], nil, h.Marker)
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
	if n := testing.AllocsPerRun(100, func() { hot(buf, out, line, lost) }); n != 0 {
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
	b.ReportAllocs()
	for b.Loop() {
		hot(buf, out, line, lost)
	}
}

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		h, _ := packet.ParseHeader(vp8Packet)
		packet.Extension(vp8Packet, h, 5)
		packet.ParseFrame(packet.CodecVP8, vp8Packet[h.HeaderLen:], nil, h.Marker)
	}
}
