package egress_test

import (
	"testing"
	"time"

	"steg/bridge/egress"
	"steg/bridge/packet"
)

// TestNACKFlood has a receiver ask for everything again and again: the bridge
// sends no more than in the order of what it sent at first.
func TestNACKFlood(t *testing.T) {
	x := newCall(t, egress.Config{}, 78, testPTs)
	rings := x.s.rings()
	x.eg.RebindProjection(x.pr, egress.ProjectionOptions{Source: x.s.source, Rings: rings})
	x.pr.SetTarget(egress.Target{Encoding: 0, TID: -1, SID: -1})
	x.s.streams[0].wantKey = true
	var seqs []uint16
	now := time.Second
	for range 50 {
		now += 33 * time.Millisecond
		for _, p := range x.s.frame(0, 10) {
			p.Arrival = now
			rings[0].Put(p)
			if b := forward(x.eg, x.pr, p, now); b != nil {
				seqs = append(seqs, mustHeader(t, b).SequenceNumber)
			}
		}
	}
	sent := x.eg.Stats().Packets
	for range 100 {
		now += 10 * time.Millisecond
		x.eg.RTCP(x.nack(seqs...), now, &x.sink)
	}
	if n := uint64(len(x.sink.packets)); n > 2*sent {
		t.Errorf("%d packets were sent, then %d again", sent, n)
	}
}

// TestForeignPacket has a packet of the source before arrive behind a change of
// sources: it must not appear as one of the next source.
func TestForeignPacket(t *testing.T) {
	x := newCall(t, egress.Config{}, 78, testPTs)
	x.s.streams[0].wantKey = true
	late := x.s.frame(0, 1)[0]
	next := x.s.source
	next.Encodings = []packet.Encoding{{SSRC: 5000, RTX: 5001}}
	x.eg.RebindProjection(x.pr, egress.ProjectionOptions{Source: next, Rings: x.s.rings()})
	if b := forward(x.eg, x.pr, late, time.Second); b != nil {
		t.Error("a packet of the source before passed")
	}
}

// TestUnsentNumbers has a sender use numbers up with packets that receivers do
// not get. SRTP takes a step of half the numbers for one back, and would
// refuse what follows: also of the source that gets the place next.
func TestUnsentNumbers(t *testing.T) {
	for _, tt := range []struct {
		name   string
		unsent func(i int, seq, ts uint64) *packet.Packet
		sent   func(i int, seq, ts uint64) *packet.Packet
	}{
		{"malformed RED", func(_ int, seq, ts uint64) *packet.Packet {
			return rtp(packet.CodecRED, 112, seq, ts, []byte{0x80})
		}, func(_ int, seq, ts uint64) *packet.Packet {
			return rtp(packet.CodecOpus, 111, seq, ts, []byte{1})
		}},
		{"too long", func(_ int, seq, ts uint64) *packet.Packet {
			return rtp(packet.CodecOpus, 111, seq, ts, make([]byte, packet.MaxDatagram-12))
		}, func(_ int, seq, ts uint64) *packet.Packet {
			return rtp(packet.CodecOpus, 111, seq, ts, []byte{1})
		}},
		{"dropped layers", func(i int, seq, ts uint64) *packet.Packet {
			return rtp(packet.CodecVP8, 100, seq, ts, []byte{0x90, 0xe0, 0x80, byte(3 * i), 0, 2 << 6, 0x11})
		}, func(i int, seq, ts uint64) *packet.Packet {
			return rtp(packet.CodecVP8, 100, seq, ts, []byte{0x90, 0xe0, 0x80, byte(3 * i), 0, 0, 0x10})
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			seq, ts := uint64(1<<16), uint64(1<<32)
			first := tt.sent(0, seq, ts)
			eg, pr := receiver(egress.Config{}, packet.Extensions{TCC: 5}, egress.ProjectionOptions{
				Source: sourceOf(first.Kind, 1), Out: egress.Output{SSRC: 77},
			})
			pr.SetTarget(egress.Target{Encoding: 0, TID: 0, SID: -1})
			before := mustHeader(t, forward(eg, pr, first, time.Second))
			now := time.Second
			for i := range 14 {
				seq, ts, now = seq+2900, ts+960, now+10*time.Millisecond
				if forward(eg, pr, tt.unsent(i+1, seq, ts), now) != nil {
					t.Fatal("it was sent")
				}
			}
			var out []byte
			for i := 0; out == nil && i < 3; i++ {
				seq, ts, now = seq+1, ts+960, now+10*time.Millisecond
				out = forward(eg, pr, tt.sent(15+i, seq, ts), now)
			}
			if out == nil {
				t.Fatal("nothing passes any more")
			}
			if step := int16(mustHeader(t, out).SequenceNumber - before.SequenceNumber); step <= 0 {
				t.Errorf("the numbers went %d on", step)
			}
		})
	}
}
