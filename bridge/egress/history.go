package egress

// remembered is how many frames a history holds.
const remembered = 256

// history tells what became of recent frames, by their unwrapped numbers.
type history struct {
	newest  uint64
	sent    [remembered / 64]uint64
	dropped [remembered / 64]uint64
}

// fate is what became of a frame.
type fate uint8

const (
	unknown fate = iota // it did not come so far, or is too old
	forwarded
	dropped
)

// mark notes the fate of frame n.
func (h *history) mark(n uint64, pass bool) {
	switch {
	case n >= h.newest+remembered:
		*h = history{newest: n}
	case n > h.newest:
		for i := h.newest + 1; i <= n; i++ {
			h.sent[i/64%uint64(len(h.sent))] &^= 1 << (i % 64)
			h.dropped[i/64%uint64(len(h.sent))] &^= 1 << (i % 64)
		}
		h.newest = n
	case n+remembered <= h.newest:
		return
	}
	word, bit := n/64%uint64(len(h.sent)), uint64(1)<<(n%64)
	if pass {
		h.sent[word] |= bit
	} else {
		h.dropped[word] |= bit
	}
}

// fate returns what became of frame n.
func (h *history) fate(n uint64) fate {
	word, bit := n/64%uint64(len(h.sent)), uint64(1)<<(n%64)
	switch {
	case n > h.newest || n+remembered <= h.newest:
	case h.sent[word]&bit != 0:
		return forwarded
	case h.dropped[word]&bit != 0:
		return dropped
	}
	return unknown
}

// lacks tells whether any of the frames at the given distances before n was
// dropped.
func (h *history) lacks(n uint64, distances []uint16) bool {
	for _, d := range distances {
		if h.fate(n-uint64(d)) == dropped {
			return true
		}
	}
	return false
}

// has tells whether all of them were forwarded.
func (h *history) has(n uint64, distances []uint16) bool {
	for _, d := range distances {
		if h.fate(n-uint64(d)) != forwarded {
			return false
		}
	}
	return true
}
