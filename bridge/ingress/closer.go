package ingress

// closer renumbers a stream so that packets which are dropped on purpose
// (padding, silence, mute) leave no gap for the receivers, while packets that
// were lost do. It keeps the runs of dropped numbers as far back as late
// packets are taken, so that a late packet gets the number that was left open
// for it.
type closer struct {
	newest  uint64
	removed uint64 // numbers taken out so far
	runs    []run  // ascending
}

// run is a stretch of consecutive dropped numbers.
type run struct {
	first, last uint64
	before      uint64 // numbers taken out before this run
}

// keep returns the number under which packet seq goes on.
func (c *closer) keep(seq uint64) uint64 {
	if seq > c.newest {
		c.newest = seq
		return seq - c.removed
	}
	for i := len(c.runs) - 1; i >= 0; i-- {
		if r := &c.runs[i]; seq > r.last {
			return seq - (r.before + r.last - r.first + 1)
		} else if i == 0 {
			return seq - r.before
		}
	}
	return seq - c.removed
}

// discard takes the numbers first to last out. Those that are not newer than
// everything seen stay: what came after them is numbered already.
func (c *closer) discard(first, last uint64) {
	first = max(first, c.newest+1)
	if first > last {
		return
	}
	c.newest = last
	if n := len(c.runs); n > 0 && c.runs[n-1].last+1 == first {
		c.runs[n-1].last = last
	} else {
		c.prune()
		c.runs = append(c.runs, run{first: first, last: last, before: c.removed})
	}
	c.removed += last - first + 1
}

// prune makes room, when there is none, by forgetting the runs that no late
// packet can reach. At most windowSize/2 runs can remain.
func (c *closer) prune() {
	if len(c.runs) < cap(c.runs) {
		return
	}
	n := 0
	for n < len(c.runs) && c.runs[n].last+windowSize <= c.newest {
		n++
	}
	c.runs = c.runs[:copy(c.runs, c.runs[n:])]
}
