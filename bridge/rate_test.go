package bridge

import (
	"testing"
	"time"
)

func TestRate(t *testing.T) {
	tests := []struct {
		name     string
		size     int
		interval time.Duration
		sent     int
		want     int // passed
	}{
		{name: "burst of messages", size: 1, sent: 100, want: 40},
		{name: "burst of bytes", size: 500, sent: 100, want: 8},
		{name: "too large at any time", size: 4001, interval: time.Second, sent: 10, want: 0},
		{name: "slow enough", size: 20, interval: 50 * time.Millisecond, sent: 1000, want: 1000},
		{name: "twice as fast", size: 1, interval: 25 * time.Millisecond, sent: 1000, want: 539},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, now, passed := newRate(20, 2000, 2*time.Second), time.Hour, 0
			for range tt.sent {
				if r.Allow(tt.size, now) {
					passed++
				}
				now += tt.interval
			}
			if passed != tt.want {
				t.Errorf("%d passed, want %d", passed, tt.want)
			}
			if passed > 0 && !r.Allow(tt.size, now+time.Minute) {
				t.Error("nothing passes after a pause")
			}
			if !r.Allow(1, now-time.Hour) && passed == 0 {
				t.Error("a clock that goes back empties the bucket")
			}
		})
	}
}
