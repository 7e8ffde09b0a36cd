package packet_test

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/pion/rtcp"

	"steg/bridge/packet"
)

// pionOne lets pion read a compound of one packet.
func pionOne[T rtcp.Packet](t *testing.T, b []byte) T {
	t.Helper()
	packets, err := rtcp.Unmarshal(b)
	if err != nil || len(packets) != 1 {
		t.Fatalf("%x: %d packets, %v", b, len(packets), err)
	}
	p, ok := packets[0].(T)
	if !ok {
		t.Fatalf("%x is a %T", b, packets[0])
	}
	return p
}

// one reads a compound of one packet.
func one(t *testing.T, b []byte) packet.RTCP {
	t.Helper()
	r := packet.ReadRTCP(b)
	p, ok := r.Next()
	if !ok {
		t.Fatalf("%x is not read", b)
	}
	return p
}

func marshal(t *testing.T, p rtcp.Packet) []byte {
	t.Helper()
	b, err := p.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestReports(t *testing.T) {
	sr := packet.SenderReport{SSRC: 1, NTP: 0x0102030405060708, RTPTime: 3, PacketCount: 4, OctetCount: 5}
	b := packet.AppendSenderReport(nil, sr)
	p := pionOne[*rtcp.SenderReport](t, b)
	if p.SSRC != 1 || p.NTPTime != sr.NTP || p.RTPTime != 3 || p.PacketCount != 4 || p.OctetCount != 5 {
		t.Errorf("pion read %+v", p)
	}
	if got, ok := packet.ParseSenderReport(one(t, b)); !ok || got != sr || got.NTPMiddle() != 0x03040506 {
		t.Errorf("got %+v %v", got, ok)
	}
	blocks := []packet.ReportBlock{
		{SSRC: 7, FractionLost: 200, TotalLost: 70000, HighestSeq: 1 << 20, Jitter: 9, LSR: 10, DLSR: 11},
		{SSRC: 8, TotalLost: -3},
	}
	b = packet.AppendReceiverReport(nil, 6, blocks)
	rr := pionOne[*rtcp.ReceiverReport](t, b)
	want := rtcp.ReceptionReport{SSRC: 7, FractionLost: 200, TotalLost: 70000, LastSequenceNumber: 1 << 20, Jitter: 9, LastSenderReport: 10, Delay: 11}
	if rr.SSRC != 6 || len(rr.Reports) != 2 || rr.Reports[0] != want {
		t.Errorf("pion read %+v", rr)
	}
	got := one(t, b)
	for i, w := range blocks {
		if g, ok := got.ReportBlock(i); !ok || g != w {
			t.Errorf("block %d: %+v %v", i, g, ok)
		}
	}
	if _, ok := got.ReportBlock(2); ok {
		t.Error("third block of two")
	}
	withBlock := &rtcp.SenderReport{SSRC: 1, Reports: []rtcp.ReceptionReport{{SSRC: 9, Jitter: 5}}}
	if g, ok := one(t, marshal(t, withBlock)).ReportBlock(0); !ok || g.SSRC != 9 || g.Jitter != 5 {
		t.Errorf("block of SR: %+v %v", g, ok)
	}
}

func TestCNAME(t *testing.T) {
	for n := range 9 {
		name := "abcdefghi"[:n]
		p := pionOne[*rtcp.SourceDescription](t, packet.AppendCNAME(nil, 5, name))
		if len(p.Chunks) != 1 || p.Chunks[0].Source != 5 || p.Chunks[0].Items[0].Text != name {
			t.Errorf("%q: pion read %+v", name, p)
		}
	}
}

func TestKeyframeRequests(t *testing.T) {
	b := packet.AppendPLI(nil, 1, 2)
	if p := pionOne[*rtcp.PictureLossIndication](t, b); p.SenderSSRC != 1 || p.MediaSSRC != 2 {
		t.Errorf("pion read %+v", p)
	}
	p := one(t, b)
	if m, ok := p.MediaSSRC(); !p.IsPLI() || !ok || m != 2 {
		t.Errorf("PLI %v for %d", p.IsPLI(), m)
	}
	b = packet.AppendFIR(nil, 1, 2, 77)
	fir := pionOne[*rtcp.FullIntraRequest](t, b)
	if want := []rtcp.FIREntry{{SSRC: 2, SequenceNumber: 77}}; fir.SenderSSRC != 1 || !reflect.DeepEqual(fir.FIR, want) {
		t.Errorf("pion read %+v", fir)
	}
	if ssrc, seq, ok := one(t, b).FIR(0); !ok || ssrc != 2 || seq != 77 {
		t.Errorf("FIR %d %d %v", ssrc, seq, ok)
	}
	if _, _, ok := one(t, b).FIR(1); ok {
		t.Error("second entry of one")
	}
}

func TestNACK(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	for range 500 {
		var lost []uint16
		seq := uint16(r.Uint32())
		for range 1 + r.IntN(60) {
			lost = append(lost, seq)
			seq += uint16(1 + r.IntN(12))
		}
		b := packet.AppendNACK(nil, 1, 2, lost)
		p := pionOne[*rtcp.TransportLayerNack](t, b)
		var pion []uint16
		for _, pair := range p.Nacks {
			pion = append(pion, pair.PacketList()...)
		}
		n, ok := packet.ParseNACK(one(t, b))
		var got []uint16
		for s, more := n.Next(); more; s, more = n.Next() {
			got = append(got, s)
		}
		if !ok || n.Sender != 1 || n.Media != 2 || p.MediaSSRC != 2 || !slices.Equal(pion, lost) || !slices.Equal(got, lost) {
			t.Fatalf("lost %v, pion %v, got %v", lost, pion, got)
		}
	}
}

func TestREMB(t *testing.T) {
	for _, rate := range []float32{0, 1000, 250000, 2500000, 1e9} {
		b := marshal(t, &rtcp.ReceiverEstimatedMaximumBitrate{SenderSSRC: 1, Bitrate: rate, SSRCs: []uint32{2}})
		got, ok := packet.ParseREMB(one(t, b))
		if d := float32(got) - rate; !ok || d > rate/1000 || d < -rate/1000 {
			t.Errorf("%v became %d %v", rate, got, ok)
		}
	}
}

func TestCompound(t *testing.T) {
	b := packet.AppendReceiverReport(nil, 1, nil)
	b = packet.AppendCNAME(b, 1, "x")
	b = append(b, 0xa0|packet.FeedbackPLI, packet.RTCPPayloadFB, 0, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 4)
	b = append(b, 0x80, packet.RTCPBye, 0, 9)
	var got []uint8
	r := packet.ReadRTCP(b)
	for p, ok := r.Next(); ok; p, ok = r.Next() {
		got = append(got, p.Type)
		if p.Type == packet.RTCPPayloadFB && (len(p.Raw) != 12 || !p.IsPLI()) {
			t.Errorf("padding is left: %x", p.Raw)
		}
	}
	if want := []uint8{packet.RTCPReceiverReport, packet.RTCPSourceDesc, packet.RTCPPayloadFB}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func FuzzRTCP(f *testing.F) {
	b := packet.AppendSenderReport(nil, packet.SenderReport{SSRC: 1})
	b = packet.AppendNACK(b, 1, 2, []uint16{5, 6, 40})
	b = packet.AppendFIR(b, 1, 2, 3)
	f.Add(b)
	f.Add(packet.AppendReceiverReport(nil, 6, []packet.ReportBlock{{SSRC: 1}}))
	f.Add(unhex(f, "8fce000600000001000000005245"+"4d42010a1b2c00000002"))
	out, _ := packet.AppendTCC(nil, 1, 2, 3, 65530, tccLine(0, 1, -1, -1, 300, 70000))
	f.Add(out)
	f.Fuzz(func(t *testing.T, b []byte) {
		r := packet.ReadRTCP(b)
		for p, ok := r.Next(); ok; p, ok = r.Next() {
			p.SenderSSRC()
			p.MediaSSRC()
			p.IsPLI()
			packet.ParseSenderReport(p)
			packet.ParseREMB(p)
			for i := range 33 {
				p.ReportBlock(i)
				p.FIR(i)
			}
			if n, ok := packet.ParseNACK(p); ok {
				for range len(b)*17/4 + 1 {
					if _, more := n.Next(); !more {
						break
					}
				}
				if _, more := n.Next(); more {
					t.Fatal("NACK does not end")
				}
			}
			if c, ok := packet.ParseTCC(p); ok {
				k := 0
				for _, more := c.Next(); more; _, more = c.Next() {
					k++
				}
				if k > c.Statuses {
					t.Fatalf("%d statuses of %d", k, c.Statuses)
				}
			}
		}
	})
}
