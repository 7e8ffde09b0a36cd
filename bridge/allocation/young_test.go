package allocation_test

import (
	"slices"
	"testing"

	"steg/bridge/allocation"
)

// TestYoungEncoding has an encoding begin: its measured frame rate lags behind
// that of the others, and one that is off may be listed with any rate. Neither
// is a reason to pass it over.
func TestYoungEncoding(t *testing.T) {
	one := func(e int8, height int, frameRate float64, active bool) allocation.Layer {
		return allocation.Layer{Encoding: e, SID: -1, TID: -1, Height: height, FrameRate: frameRate, Active: active}
	}
	for _, tt := range []struct {
		name   string
		layers layers
	}{
		{"others are faster", layers{one(0, 180, 20, true), one(1, 360, 5, true), one(2, 720, 0, false)}},
		{"one that is off is listed as faster", layers{one(0, 180, 20, true), one(1, 360, 19, true), one(2, 720, 30, false)}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := allocation.Allocate(allocation.Snapshot{
				Bandwidth: -1,
				Settings:  allocation.Settings{LastN: -1, Default: allocation.UpTo(360)},
				Sources:   []allocation.Source{camera("a", tt.layers)},
				Policy:    allocation.DefaultPolicy(),
			}).Targets
			if want := []target{at(1, -1)}; !slices.Equal(got, want) {
				t.Errorf("targets are %v, want %v", got, want)
			}
		})
	}
}
