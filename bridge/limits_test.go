package bridge

import (
	"testing"
	"time"

	"steg/configs"
)

func TestKeyframeBudget(t *testing.T) {
	m := configs.Media{KeyframeInterval: 200 * time.Millisecond, KeyframeMax: 3, KeyframeWindow: 10 * time.Second}
	var k keyframeBudget
	for _, tt := range []struct {
		at   time.Duration
		want bool
	}{
		{1 * time.Second, true},
		{1100 * time.Millisecond, false}, // too soon
		{1300 * time.Millisecond, true},
		{2 * time.Second, true},
		{3 * time.Second, false}, // three in the window
		{10900 * time.Millisecond, false},
		{11 * time.Second, true}, // the first one left the window
		{11200 * time.Millisecond, false},
		{11300 * time.Millisecond, true},
	} {
		if got := k.allow(tt.at, m); got != tt.want {
			t.Errorf("at %v: got %v", tt.at, got)
		}
	}
}

func TestKeyframeLimitKeepsWhatItRefuses(t *testing.T) {
	var k keyframeLimit
	const interval = 200 * time.Millisecond
	if !k.allow(2, time.Second, interval) {
		t.Fatal("the first request was refused")
	}
	if k.allow(1, time.Second+interval/2, interval) {
		t.Error("the second request was not refused")
	}
	if _, ok := k.due(time.Second+interval/2, interval); ok {
		t.Error("it went out before its time")
	}
	if encoding, ok := k.due(time.Second+interval, interval); !ok || encoding != 1 {
		t.Errorf("got %d %v", encoding, ok)
	}
	if _, ok := k.due(time.Minute, interval); ok {
		t.Error("it went out twice")
	}
	k.allow(0, time.Minute, interval)
	k.allow(0, time.Minute, interval)
	k.satisfied()
	if _, ok := k.due(time.Hour, interval); ok {
		t.Error("a keyframe was asked for that had come")
	}
}

func TestQueueKeepsOrderAndSurvivesPanics(t *testing.T) {
	panics := 0
	q := newQueue(func([]byte) { panics++ })
	var got []int
	for i := range 100 {
		q.post(func() {
			got = append(got, i)
			if i == 50 {
				panic("broken")
			}
		})
	}
	q.wait()
	for i, v := range got {
		if i != v {
			t.Fatalf("position %d has %d", i, v)
		}
	}
	if len(got) != 100 || panics != 1 {
		t.Errorf("%d ran, %d panicked", len(got), panics)
	}
	q.close()
	if q.post(func() { t.Error("ran after close") }) {
		t.Error("a closed queue took work")
	}
	q.wait()
}
