package bridge

import (
	"slices"
	"testing"

	"steg/bridge/allocation"
	"steg/bridge/ingress"
)

func TestLayersForAllocation(t *testing.T) {
	simulcast := []ingress.Layer{
		{Active: true, Height: 180, Bitrate: 150, Temporal: [4]int64{60, 90, 150, 150}, FrameRate: 30, TIDs: 7},
		{Height: 360},
	}
	svc := []ingress.Layer{{Active: true, Height: 360, Bitrate: 500, FrameRate: 20, TIDs: 3, Points: []ingress.Point{
		{SID: 0, TID: 0, Height: 180, Bitrate: 100, Active: true}, {SID: 0, TID: 1, Height: 180, Bitrate: 150, Active: true},
		{SID: 1, TID: 0, Height: 360, Bitrate: 300}, {SID: 1, TID: 1, Height: 360, Bitrate: 500},
	}}}
	for name, test := range map[string]struct {
		in   []ingress.Layer
		want []allocation.Layer
	}{
		"simulcast": {simulcast, []allocation.Layer{
			{Encoding: 0, SID: -1, TID: 0, Height: 180, FrameRate: 7.5, Bitrate: 60, Active: true},
			{Encoding: 0, SID: -1, TID: 1, Height: 180, FrameRate: 15, Bitrate: 90, Active: true},
			{Encoding: 0, SID: -1, TID: -1, Height: 180, FrameRate: 30, Bitrate: 150, Active: true},
			{Encoding: 1, SID: -1, TID: -1, Height: 360, FrameRate: 30},
		}},
		"spatial layers": {svc, []allocation.Layer{
			{Encoding: 0, SID: 0, TID: 0, Height: 180, FrameRate: 10, Bitrate: 100, Active: true},
			{Encoding: 0, SID: 0, TID: 1, Height: 180, FrameRate: 20, Bitrate: 150, Active: true},
			{Encoding: 0, SID: 1, TID: 0, Height: 360, FrameRate: 10, Bitrate: 300},
			{Encoding: 0, SID: 1, TID: 1, Height: 360, FrameRate: 20, Bitrate: 500},
		}},
	} {
		if got := layers(test.in); !slices.Equal(got, test.want) {
			t.Errorf("%s: got %+v", name, got)
		}
	}
}
