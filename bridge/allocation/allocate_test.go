package allocation_test

import (
	"math/rand/v2"
	"reflect"
	"testing"

	"steg/bridge/allocation"
)

type (
	layers = []allocation.Layer
	target = allocation.Target
)

const (
	kbit = 1000
	mbit = 1000 * kbit
)

// simulcast makes three temporal layers for each height, with the given rates
// in kbit/s; a rate of 0 makes an encoding that is not sent.
func simulcast(heights []int, rates ...[3]int64) layers {
	var list layers
	for e, h := range heights {
		for t := range 3 {
			list = append(list, allocation.Layer{
				Encoding: int8(e), SID: -1, TID: int8(t), Height: h, FrameRate: 7.5 * float64(int(1)<<t),
				Bitrate: rates[e][t] * kbit, Active: rates[e][2] > 0,
			})
		}
	}
	return list
}

func camera(name string, l layers) allocation.Source {
	return allocation.Source{Name: name, Owner: name, Layers: l}
}

func desktop(name string, l layers) allocation.Source {
	return allocation.Source{Name: name, Owner: name, VideoType: allocation.Desktop, Layers: l}
}

var (
	full  = []int{180, 360, 720}
	hd    = simulcast(full, [3]int64{60, 100, 150}, [3]int64{200, 300, 500}, [3]int64{800, 1200, 1800})
	thumb = simulcast(full[:1], [3]int64{40, 70, 120})
	off   = allocation.Suspended
)

func at(e, tid int8) target { return target{Encoding: e, TID: tid, SID: -1} }

// want lists what matters of a result.
type want struct {
	targets, ideal []target
	why            []allocation.Reason
	target         int64
	over           bool
}

func check(t *testing.T, s allocation.Snapshot, w want) {
	t.Helper()
	r := allocation.Allocate(s)
	got := want{r.Targets, r.Ideal, r.Why, r.TargetBitrate, r.Oversending}
	if w.ideal == nil {
		got.ideal = nil
	}
	if w.why == nil {
		got.why = nil
	}
	if !reflect.DeepEqual(got, w) {
		t.Errorf("got  %+v\nwant %+v", got, w)
	}
}

func TestWorkedExample(t *testing.T) {
	s := allocation.Snapshot{
		Bandwidth: 1600 * kbit,
		Settings: allocation.Settings{
			LastN: -1, OnStage: []string{"a"}, Default: allocation.UpTo(180),
			Constraints: map[string]allocation.Constraints{"a": allocation.UpTo(720)},
		},
		Sources: []allocation.Source{camera("b", thumb), camera("a", hd), camera("c", thumb)},
		Policy:  allocation.DefaultPolicy(),
	}
	check(t, s, want{
		targets: []target{at(0, 2), at(1, 2), at(0, 2)},
		ideal:   []target{at(0, 2), at(2, 2), at(0, 2)},
		why:     []allocation.Reason{allocation.NoLimit, allocation.LimitBandwidth, allocation.NoLimit},
		target:  740 * kbit,
	})
	r := allocation.Allocate(s)
	if r.IdealBitrate != 2040*kbit || !reflect.DeepEqual(r.Order, []int{1, 0, 2}) {
		t.Errorf("ideal %d, order %v", r.IdealBitrate, r.Order)
	}
}

func TestDistribution(t *testing.T) {
	stage := allocation.Settings{
		LastN: -1, OnStage: []string{"a"}, Default: allocation.UpTo(180),
		Constraints: map[string]allocation.Constraints{"a": allocation.UpTo(720)},
	}
	grid := allocation.Settings{LastN: -1, Default: allocation.UpTo(180)}
	screen := simulcast([]int{360, 720}, [3]int64{100, 150, 200}, [3]int64{600, 900, 1500})
	tests := []struct {
		name      string
		bandwidth int64
		settings  allocation.Settings
		sources   []allocation.Source
		want      want
	}{
		{"unlimited", -1, stage, []allocation.Source{camera("a", hd), camera("b", thumb)},
			want{targets: []target{at(2, 2), at(0, 2)}, target: 1920 * kbit}},
		{"nothing fits", 30 * kbit, grid, []allocation.Source{camera("b", thumb)},
			want{targets: []target{off}, ideal: []target{at(0, 2)}, why: []allocation.Reason{allocation.LimitBandwidth}}},
		{"a rate equal to the bandwidth does not fit a step", 40 * kbit, grid, []allocation.Source{camera("b", thumb)},
			want{targets: []target{off}}},
		{"on stage below preferred starves the rest", 400 * kbit, stage, []allocation.Source{camera("a", hd), camera("b", thumb)},
			want{targets: []target{at(0, 2), off}, target: 150 * kbit}},
		{"grid shares in rounds", 200 * kbit, grid, []allocation.Source{camera("a", thumb), camera("b", thumb), camera("c", thumb)},
			want{targets: []target{at(0, 1), at(0, 1), at(0, 0)}, target: 180 * kbit}},
		{"grid gets the lowest height only", -1, grid, []allocation.Source{camera("a", hd)},
			want{targets: []target{at(0, 2)}, why: []allocation.Reason{allocation.LimitConstraint}, target: 150 * kbit}},
		{"above 360p full frame rate only", 1500 * kbit, stage, []allocation.Source{camera("a", hd)},
			want{targets: []target{at(1, 2)}, target: 500 * kbit}},
		{"first screen on stage oversends", 200 * kbit, stage, []allocation.Source{desktop("a", screen), camera("b", thumb)},
			want{targets: []target{at(1, 0), off}, target: 600 * kbit, over: true}},
		{"screen off stage does not", 200 * kbit, allocation.Settings{LastN: -1, Default: allocation.UpTo(-1)},
			[]allocation.Source{desktop("a", screen)}, want{targets: []target{at(0, 1)}, target: 150 * kbit}},
		{"screen taller than wanted falls back to its lowest", -1, grid, []allocation.Source{desktop("a", screen)},
			want{targets: []target{at(0, 2)}, target: 200 * kbit}},
		{"a cheaper higher layer is taken", 130 * kbit, allocation.Settings{LastN: -1, Default: allocation.UpTo(-1)},
			[]allocation.Source{desktop("a", simulcast([]int{360, 720}, [3]int64{60, 90, 120}, [3]int64{50, 55, 60}))},
			want{targets: []target{at(1, 2)}, target: 60 * kbit}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			check(t, allocation.Snapshot{
				Bandwidth: test.bandwidth, Settings: test.settings, Sources: test.sources, Policy: allocation.DefaultPolicy(),
			}, test.want)
		})
	}
}

func TestEffectiveConstraints(t *testing.T) {
	five := []allocation.Source{camera("a", thumb), camera("b", thumb), camera("c", thumb), camera("d", thumb), camera("e", thumb)}
	five[1].VideoType = allocation.Disabled
	tests := []struct {
		name   string
		change func(*allocation.Snapshot)
		order  []int
		wanted []bool
		why    allocation.Reason // of those not wanted, but the disabled one
	}{
		{"all but disabled", func(*allocation.Snapshot) {}, []int{0, 2, 3, 4, 1}, []bool{true, false, true, true, true}, 0},
		{"client's last-n", func(s *allocation.Snapshot) { s.Settings.LastN = 2 }, []int{0, 2, 3, 4, 1},
			[]bool{true, false, true, false, false}, allocation.LimitLastN},
		{"bridge's last-n", func(s *allocation.Snapshot) { s.Policy.BridgeLastN = 0 }, []int{0, 2, 3, 4, 1},
			make([]bool, 5), allocation.LimitLastN},
		{"SSRC limit", func(s *allocation.Snapshot) { s.Policy.MaxSources = 1 }, []int{0, 2, 3, 4, 1},
			[]bool{true, false, false, false, false}, allocation.LimitLastN},
		{"conference size", func(s *allocation.Snapshot) { s.Policy.ConferenceLastN = map[int]int{3: 4, 6: 1, 9: 0} }, []int{0, 2, 3, 4, 1},
			[]bool{true, false, false, false, false}, allocation.LimitLastN},
		{"on stage, then selected, without repetition", func(s *allocation.Snapshot) {
			s.Settings.LastN, s.Settings.OnStage, s.Settings.Selected = 2, []string{"e", "b", "e"}, []string{"d", "e", "x"}
		}, []int{4, 3, 0, 2, 1}, []bool{false, false, false, true, true}, allocation.LimitLastN},
		{"what is not wanted leaves its place to others", func(s *allocation.Snapshot) {
			s.Settings.LastN = 1
			s.Settings.Constraints = map[string]allocation.Constraints{"a": allocation.UpTo(0), "c": {MaxHeight: 180}}
		}, []int{0, 2, 3, 4, 1}, []bool{false, false, false, true, false}, 255},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := allocation.Snapshot{
				Bandwidth: -1, Settings: allocation.Settings{LastN: -1, Default: allocation.UpTo(180)},
				Sources: five, Policy: allocation.DefaultPolicy(),
			}
			test.change(&s)
			r := allocation.Allocate(s)
			if !reflect.DeepEqual(r.Order, test.order) {
				t.Errorf("order %v, want %v", r.Order, test.order)
			}
			for i, c := range r.Effective {
				if c.Off() == test.wanted[i] {
					t.Errorf("source %d: %+v", i, c)
				}
				if c.Off() && i != 1 && test.why != 255 && r.Why[i] != test.why {
					t.Errorf("source %d: %v", i, r.Why[i])
				}
			}
			if r.Why[1] != allocation.LimitDisabled {
				t.Errorf("disabled source: %v", r.Why[1])
			}
		})
	}
}

func TestFrameRateLimit(t *testing.T) {
	for _, test := range []struct {
		name   string
		max    float64
		height int
		want   target
		why    allocation.Reason
	}{
		{"no limit", -1, 720, at(2, 2), allocation.NoLimit},
		{"half", 15, 720, at(2, 1), allocation.LimitConstraint},
		{"quarter", 7.5, 720, at(2, 0), allocation.LimitConstraint},
		{"below the slowest", 5, 720, at(2, 0), allocation.LimitConstraint},
		{"thumbnail", 15, 180, at(0, 1), allocation.LimitConstraint},
		{"none", 0, 720, off, allocation.LimitConstraint},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := allocation.Allocate(allocation.Snapshot{
				Bandwidth: -1,
				Settings:  allocation.Settings{LastN: -1, Default: allocation.Constraints{MaxHeight: test.height, MaxFrameRate: test.max}},
				Sources:   []allocation.Source{camera("a", hd)}, Policy: allocation.DefaultPolicy(),
			})
			if r.Targets[0] != test.want || r.Why[0] != test.why {
				t.Errorf("%+v, %v", r.Targets[0], r.Why[0])
			}
		})
	}
}

func TestUnmeasuredLayers(t *testing.T) {
	fresh := simulcast(full, [3]int64{60, 100, 150}, [3]int64{200, 300, 500}, [3]int64{0, 0, 0})
	for i := range fresh[6:] {
		fresh[6+i].Active = true // just turned on
	}
	silent := simulcast(full, [3]int64{}, [3]int64{}, [3]int64{})
	low := simulcast(full, [3]int64{60, 100, 150}, [3]int64{}, [3]int64{})
	high := simulcast(full, [3]int64{}, [3]int64{}, [3]int64{800, 1200, 1800})
	for _, test := range []struct {
		name      string
		bandwidth int64
		layers    layers
		height    int
		want      target
		why       allocation.Reason
	}{
		{"a layer just turned on is charged", mbit, fresh, 720, at(1, 2), allocation.LimitBandwidth},
		{"and taken when it fits", 3 * mbit, fresh, 720, at(2, 2), allocation.NoLimit},
		{"a silent source may start at any layer", 3 * mbit, silent, 720, at(2, 2), allocation.LimitInactive},
		{"but is charged too", mbit, silent, 720, at(1, 2), allocation.LimitInactive},
		{"layers that are not sent are left out", 3 * mbit, low, 720, at(0, 2), allocation.LimitInactive},
		{"something too large is better than nothing", 3 * mbit, high, 180, at(2, 2), allocation.NoLimit},
		{"no layers", mbit, nil, 720, off, allocation.LimitInactive},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := allocation.Allocate(allocation.Snapshot{
				Bandwidth: test.bandwidth, Settings: allocation.Settings{LastN: -1, Default: allocation.UpTo(test.height)},
				Sources: []allocation.Source{camera("a", test.layers)}, Policy: allocation.DefaultPolicy(),
			})
			if r.Targets[0] != test.want || r.Why[0] != test.why {
				t.Errorf("%+v, %v", r.Targets[0], r.Why[0])
			}
		})
	}
}

func TestMaxHeight(t *testing.T) {
	for _, test := range [][3]int{{0, 0, 0}, {180, 720, 720}, {-1, 720, -1}, {720, -1, -1}, {0, -1, -1}, {180, 0, 180}} {
		if got := allocation.MaxHeight(test[0], test[1]); got != test[2] {
			t.Errorf("MaxHeight(%d, %d) = %d", test[0], test[1], got)
		}
	}
}

// random makes a snapshot out of a seed.
func random(seed uint64) allocation.Snapshot {
	r := rand.New(rand.NewPCG(seed, 1))
	s := allocation.Snapshot{
		Bandwidth: r.Int64N(5 * mbit),
		Settings:  allocation.Settings{LastN: r.IntN(8) - 1, Default: allocation.UpTo(180), Constraints: map[string]allocation.Constraints{}},
		Policy:    allocation.DefaultPolicy(),
	}
	for i := range r.IntN(12) {
		name := string(rune('a' + i))
		l := simulcast(full, [3]int64{r.Int64N(90), r.Int64N(120), r.Int64N(200)}, [3]int64{r.Int64N(300), r.Int64N(400), r.Int64N(600)},
			[3]int64{r.Int64N(900), r.Int64N(1300), r.Int64N(2000)})
		s.Sources = append(s.Sources, allocation.Source{Name: name, VideoType: allocation.VideoType(r.IntN(3)), Layers: l})
		if r.IntN(3) == 0 {
			s.Settings.Constraints[name] = allocation.UpTo([]int{-1, 0, 180, 360, 720}[r.IntN(5)])
		}
		if r.IntN(5) == 0 {
			s.Settings.OnStage = append(s.Settings.OnStage, name)
		}
	}
	return s
}

func TestAllocateIsPureAndKeepsItsLimits(t *testing.T) {
	for seed := range uint64(2000) {
		a, b := random(seed), random(seed)
		r := allocation.Allocate(a)
		if !reflect.DeepEqual(a, b) {
			t.Fatalf("seed %d: the snapshot was changed", seed)
		}
		if again := allocation.Allocate(b); !reflect.DeepEqual(r, again) {
			t.Fatalf("seed %d: %+v, then %+v", seed, r, again)
		}
		if over := r.TargetBitrate - a.Bandwidth; over > a.Policy.MaxOversend || over > 0 != r.Oversending {
			t.Fatalf("seed %d: %d of %d bit/s, oversending %v", seed, r.TargetBitrate, a.Bandwidth, r.Oversending)
		}
		for i := range a.Sources {
			if r.Effective[i].Off() && r.Targets[i] != off {
				t.Fatalf("seed %d: source %d is not wanted and gets %+v", seed, i, r.Targets[i])
			}
		}
	}
}

func BenchmarkAllocate(b *testing.B) {
	s := allocation.Snapshot{Bandwidth: 8 * mbit, Settings: allocation.Settings{LastN: 20, Default: allocation.UpTo(180)}, Policy: allocation.DefaultPolicy()}
	for i := range 50 {
		s.Sources = append(s.Sources, camera(string(rune('a'+i)), hd))
	}
	b.ReportAllocs()
	for b.Loop() {
		allocation.Allocate(s)
	}
}
