package egress_test

import (
	"encoding/binary"
	"slices"
	"testing"
	"time"

	"steg/bridge/egress"
	"steg/bridge/packet"
)

func TestProbe(t *testing.T) {
	noRTX := slices.DeleteFunc(slices.Clone(testPTs), func(p packet.PayloadType) bool { return p.Codec == packet.CodecRTX })
	for _, test := range []struct {
		name    string
		rtx     uint32
		pts     []packet.PayloadType
		own     uint32
		size    int
		ssrc    uint32 // 0: no packet
		padding bool
	}{
		{"media again", 78, testPTs, 9, 1200, 78, false},
		{"small: padding in the RTX stream", 78, testPTs, 9, 200, 78, true},
		{"no RTX: own stream", 0, noRTX, 9, 1200, 9, true},
		{"no RTX, no own stream", 0, noRTX, 0, 1200, 0, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			x := newCall(t, egress.Config{}, test.rtx, test.pts)
			pb := egress.NewProber(x.eg, test.own)
			var next uint16
			for i := range 8 {
				b := make([]byte, packet.MaxDatagram)
				n := pb.Probe(b, test.size, time.Second+time.Duration(i)*10*time.Millisecond)
				if test.ssrc == 0 {
					if n != 0 {
						t.Fatalf("%d bytes", n)
					}
					continue
				}
				h := mustHeader(t, b[:n])
				tcc, _ := packet.Extension(b[:n], h, 5)
				if h.SSRC != test.ssrc || h.Padding > 0 != test.padding || int(binary.BigEndian.Uint16(tcc)) != len(x.out)+i {
					t.Errorf("packet %d: %+v, transport-wide %v", i, h, tcc)
				}
				if i > 0 && h.SequenceNumber != next {
					t.Errorf("packet %d: number %d after %d", i, h.SequenceNumber, next-1)
				}
				next = h.SequenceNumber + 1
				if test.padding && (n > test.size || n < min(test.size, 260) || n != h.HeaderLen+h.Padding) {
					t.Errorf("packet %d: %d bytes, want %d", i, n, test.size)
				}
			}
		})
	}
}

// TestProbeKeepsRepairs checks that probes take nothing from the budget of
// answers to NACKs, and that numbers of an RTX stream go on behind padding.
func TestProbeKeepsRepairs(t *testing.T) {
	x := newCall(t, egress.Config{}, 78, testPTs)
	pb := egress.NewProber(x.eg, 0)
	buf := make([]byte, packet.MaxDatagram)
	var last packet.Header
	for i := range 500 {
		size := 200 + i%2*1000
		n := pb.Probe(buf, size, time.Second+time.Duration(i)*20*time.Millisecond)
		last = mustHeader(t, buf[:n])
	}
	x.eg.RTCP(x.nack(binary.BigEndian.Uint16(x.out[3][2:])), time.Minute, &x.sink)
	if len(x.sink.packets) != 1 {
		t.Fatal("a NACK was not answered any more")
	}
	if h := mustHeader(t, x.sink.packets[0]); h.SequenceNumber != last.SequenceNumber+1 {
		t.Errorf("number %d after %d", h.SequenceNumber, last.SequenceNumber)
	}
}

func TestProbeAllocates(t *testing.T) {
	x := newCall(t, egress.Config{}, 78, testPTs)
	pb := egress.NewProber(x.eg, 0)
	buf := make([]byte, packet.MaxDatagram)
	now := time.Second
	if n := testing.AllocsPerRun(100, func() {
		now += 20 * time.Millisecond
		pb.Probe(buf, 1200, now)
		pb.Probe(buf, 200, now)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
