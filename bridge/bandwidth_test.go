package bridge

import (
	"testing"
	"time"

	"steg/bridge/egress"
	"steg/bridge/packet"
	"steg/configs"
)

func TestNewBandwidth(t *testing.T) {
	cc := configs.Default().CC
	w, out := newBandwidth(cc, egress.Config{}, 1)
	if out == nil || w.estimator.Estimate() != cc.InitialBandwidth || w.allowed.Load() != -1 {
		t.Errorf("estimate %d, allowed %d", w.estimator.Estimate(), w.allowed.Load())
	}
	rtx := []packet.PayloadType{{ID: 100, Codec: packet.CodecVP8}, {ID: 96, Codec: packet.CodecRTX, APT: 100}}
	for _, test := range []struct {
		pts  []packet.PayloadType
		x    packet.Extensions
		want bool
	}{
		{rtx, packet.Extensions{TCC: 5}, true},
		{rtx[:1], packet.Extensions{TCC: 5}, false},
		{rtx, packet.Extensions{}, false},
	} {
		if w.negotiated(test.pts, test.x); w.trusted.Load() != test.want {
			t.Errorf("%+v, %+v: trusted %v", test.pts, test.x, !test.want)
		}
	}
	w.allowed.Store(200_000)
	for audio, want := range map[int]int64{0: 200_000, 1: 160_000, 9: 100_000} {
		if got := w.video(audio); w.trusted.Load() || got != -1 {
			t.Errorf("%d for video, though not trusted", got)
		}
		w.trusted.Store(true)
		if got := w.video(audio); got != want {
			t.Errorf("%d for video beside %d of audio, want %d", got, audio, want)
		}
		w.trusted.Store(false)
	}
	w.allocated(500_000, 900_000, 1)
	if w.used.Load() != 540_000 || w.demand.Load() != 940_000 {
		t.Errorf("used %d, demand %d", w.used.Load(), w.demand.Load())
	}
	cc.TrustBWE = false
	if w, out := newBandwidth(cc, egress.Config{}, 1); w != nil || out == nil {
		t.Error("an estimate that is not to be trusted")
	}
}

// TestHold feeds estimates and looks at what allocation may use.
func TestHold(t *testing.T) {
	var h hold
	for _, s := range []struct {
		at       time.Duration
		estimate int64
		want     int64
	}{
		{1, 1000, 1000},
		{2, 1050, 1000}, // not much
		{3, 1100, 1100}, // up at once, as nothing went down yet
		{4, 1060, 1100},
		{5, 900, 900}, // down at once
		{6, 800, 800}, // further: the same decrease
		{6, 1000, 800},
		{7, 1000, 1000}, // after a second
		{8, 900, 900},   // again: two seconds
		{9, 1000, 900},
		{10, 1000, 1000},
		{13, 900, 900}, // again: four
		{16, 1000, 900},
		{17, 1000, 1000},
		{18, 500, 500},   // again: eight
		{19, 1000, 1000}, // but this is another path
		{60, 900, 900},   // long ago: one
		{61, 1000, 1000},
	} {
		if got, _ := h.follow(s.estimate, s.at*time.Second); got != s.want {
			t.Errorf("at %d s: %d for an estimate of %d, want %d", s.at, got, s.estimate, s.want)
		}
	}
}
