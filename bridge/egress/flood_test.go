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
