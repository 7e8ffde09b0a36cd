package ingress

// windowSize is how far behind the newest packet a late one is still taken,
// in packets.
const windowSize = 2048

// window remembers which of the last windowSize sequence numbers were seen.
type window struct {
	bits    [windowSize / 64]uint64
	newest  uint64
	floor   uint64 // numbers below are too old whatever the window says
	started bool
}

type verdict uint8

const (
	fresh verdict = iota
	duplicate
	tooOld
)

// add notes seq and tells whether it is new.
func (w *window) add(seq uint64) verdict {
	switch {
	case !w.started:
		w.started, w.newest = true, seq
	case seq > w.newest:
		w.advance(seq)
	case seq+windowSize <= w.newest || seq < w.floor:
		return tooOld
	case w.bits[seq/64%uint64(len(w.bits))]&(1<<(seq%64)) != 0:
		return duplicate
	}
	w.bits[seq/64%uint64(len(w.bits))] |= 1 << (seq % 64)
	return fresh
}

// advance forgets the numbers that seq pushes out of the window.
func (w *window) advance(seq uint64) {
	if seq-w.newest >= windowSize {
		w.bits = [windowSize / 64]uint64{}
	} else {
		for s := w.newest + 1; s < seq; s++ {
			w.bits[s/64%uint64(len(w.bits))] &^= 1 << (s % 64)
		}
		w.bits[seq/64%uint64(len(w.bits))] &^= 1 << (seq % 64)
	}
	w.newest = seq
}

// restart makes seq the only number seen and all below it too old.
func (w *window) restart(seq uint64) {
	*w = window{newest: seq, floor: seq, started: true}
	w.bits[seq/64%uint64(len(w.bits))] |= 1 << (seq % 64)
}
