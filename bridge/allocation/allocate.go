package allocation

import "slices"

const (
	unlimited         = int64(1) << 50 // bit/s, more than any network
	defaultMaxSources = 50
)

// state is the allocation of one source in the making.
type state struct {
	candidates
	onStage bool
	target  int // index into layers, -1: nothing
}

// rate is what the layer chosen so far costs.
func (st *state) rate() int64 {
	if st.target < 0 {
		return 0
	}
	return st.rates[st.target]
}

// Allocate distributes the bandwidth of the snapshot over its sources.
//
//  1. order the sources: on stage, selected, others, disabled
//  2. effective constraints: last-n and what the receiver asked for
//  3. candidate layers of each source
//  4. hand out bandwidth in rounds, one step per source and round
//  5. say what came of it, and why not more
func Allocate(s Snapshot) Result {
	n := len(s.Sources)
	r := Result{
		Order: order(s), Targets: make([]Target, n), Ideal: make([]Target, n),
		Effective: make([]Constraints, n), Why: make([]Reason, n), SuspendedForBandwidth: make([]bool, n),
	}
	s.effective(&r)
	states := make([]state, n)
	for i := range s.Sources {
		states[i].target = -1
		if !r.Effective[i].Off() {
			states[i].onStage = slices.Contains(s.Settings.OnStage, s.Sources[i].Name)
			states[i].candidates = choose(s.Sources[i], r.Effective[i], states[i].onStage, s.Policy)
		}
	}
	remaining := s.distribute(r.Order, states)
	for i := range states {
		states[i].conclude(&r, i, s.Sources[i])
	}
	r.Oversending = remaining < 0
	return r
}

// order lists the indexes of the sources by priority. A name may be on both
// lists, or twice on one; its first place counts.
func order(s Snapshot) []int {
	list := make([]int, 0, len(s.Sources))
	taken := make([]bool, len(s.Sources))
	take := func(wanted func(Source) bool) {
		for i, src := range s.Sources {
			if !taken[i] && wanted(src) {
				taken[i] = true
				list = append(list, i)
			}
		}
	}
	for _, names := range [][]string{s.Settings.OnStage, s.Settings.Selected} {
		for _, name := range names {
			take(func(src Source) bool { return src.Name == name && src.VideoType != Disabled })
		}
	}
	take(func(src Source) bool { return src.VideoType != Disabled })
	take(func(Source) bool { return true })
	return list
}

// effective fills in the constraints that hold after last-n. A source counts
// for last-n even if no bandwidth is left for it.
func (s Snapshot) effective(r *Result) {
	lastN, n := s.lastN(), 0
	for _, i := range r.Order {
		src := s.Sources[i]
		c, ok := s.Settings.Constraints[src.Name]
		if !ok {
			c = s.Settings.Default
		}
		switch {
		case src.VideoType == Disabled:
			r.Why[i] = LimitDisabled
		case n >= lastN:
			r.Why[i] = LimitLastN
		case c.Off():
			r.Why[i] = LimitConstraint
		default:
			r.Effective[i] = c
			n++
		}
	}
}

// lastN is the least of all limits that are set.
func (s Snapshot) lastN() int {
	least := s.Policy.MaxSources
	if least <= 0 {
		least = defaultMaxSources
	}
	size, limit := -1, -1
	for from, to := range s.Policy.ConferenceLastN {
		if from > size && from <= len(s.Sources)+1 {
			size, limit = from, to
		}
	}
	for _, l := range []int{s.Settings.LastN, s.Policy.BridgeLastN, limit} {
		if l >= 0 {
			least = min(least, l)
		}
	}
	return least
}

// distribute hands out the bandwidth and returns what is left of it, below 0
// when oversending. While an on-stage source is below what is preferred for
// it, nobody behind it gets anything.
func (s Snapshot) distribute(order []int, states []state) int64 {
	remaining := s.Bandwidth
	if remaining < 0 {
		remaining = unlimited
	}
	var wanted []int
	for _, i := range order {
		if len(states[i].layers) > 0 {
			wanted = append(wanted, i)
		}
	}
	for {
		before := remaining
		changed := false
		for place, i := range wanted {
			st := &states[i]
			old, rate := st.target, st.rate()
			st.improve(remaining, place == 0, s.Policy)
			remaining -= st.rate() - rate
			changed = changed || st.target != old
			if st.onStage && st.target < st.preferred {
				break
			}
		}
		if remaining == before && !changed {
			return remaining
		}
	}
}

// improve raises the target of one source by one step, an on-stage source
// that has nothing yet by as many as lead to what is preferred for it.
func (st *state) improve(remaining int64, first bool, p Policy) {
	limit := remaining + st.rate()
	if st.target < 0 && st.onStage && st.preferred >= 0 {
		for i := 0; i <= st.preferred && st.rates[i] <= limit; i++ {
			st.target = i
		}
	} else if st.target+1 < len(st.layers) && st.rates[st.target+1] < limit {
		st.target++
	}
	if st.target >= 0 {
		for i := len(st.layers) - 1; i > st.target; i-- {
			if st.rates[i] <= st.rates[st.target] {
				st.target = i
			}
		}
	}
	if first {
		for i := st.oversend; i > st.target; i-- {
			if st.rates[i] <= limit+p.MaxOversend {
				st.target = i
			}
		}
	}
}

// conclude writes down what became of one source.
func (st *state) conclude(r *Result, i int, src Source) {
	r.Targets[i], r.Ideal[i] = Suspended, Suspended
	top := len(st.layers) - 1
	if top >= 0 {
		r.Ideal[i] = st.layers[top].target()
		r.IdealBitrate += st.rates[top]
	}
	if st.target >= 0 {
		r.Targets[i] = st.layers[st.target].target()
		r.TargetBitrate += st.rate()
	}
	if r.Effective[i].Off() {
		return
	}
	switch {
	case st.silent || top < 0:
		r.Why[i] = LimitInactive
	case st.target < top:
		r.Why[i] = LimitBandwidth
		r.SuspendedForBandwidth[i] = st.target < 0
	default:
		r.Why[i] = st.beyond(src, r.Effective[i])
	}
}

func (l Layer) target() Target { return Target{Encoding: l.Encoding, TID: l.TID, SID: l.SID} }

// MaxHeight combines what two receivers want of one source: the greater
// height, where -1 (no limit) is the greatest. Senders are told the result.
func MaxHeight(a, b int) int {
	if a < 0 || b < 0 {
		return -1
	}
	return max(a, b)
}
