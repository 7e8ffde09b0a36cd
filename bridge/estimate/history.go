package estimate

import "time"

// Bounds of the send history.
const (
	historyFirst = 256
	historyMax   = 8192 // packets; two seconds at 40 Mbit/s
	historyAge   = 2 * time.Second
)

// Fates of a sent packet.
const (
	fateNone uint8 = iota
	fateFlying
	fateLost // so far: it may still arrive
	fateReceived
)

// sent is one packet that carries a transport-wide number.
type sent struct {
	at      time.Duration
	seq     uint16
	size    uint16
	fate    uint8
	cluster uint8 // of probes; 0: none
}

// history holds the packets whose fate may still be reported. It grows while
// packets younger than historyAge would be overwritten.
type history struct {
	ring []sent // by number, power of two long
}

func (h *history) add(p sent) {
	if h.ring == nil {
		h.ring = make([]sent, historyFirst)
	}
	for {
		old := &h.ring[int(p.seq)&(len(h.ring)-1)]
		if old.fate != fateFlying || p.at-old.at > historyAge || len(h.ring) >= historyMax {
			*old = p
			return
		}
		h.grow()
	}
}

func (h *history) grow() {
	old := h.ring
	h.ring = make([]sent, 2*len(old))
	for _, p := range old {
		if p.fate != fateNone {
			h.ring[int(p.seq)&(len(h.ring)-1)] = p
		}
	}
}

// find returns the packet that was sent with a number, nil if it is unknown.
func (h *history) find(seq uint16) *sent {
	if h.ring == nil {
		return nil
	}
	if p := &h.ring[int(seq)&(len(h.ring)-1)]; p.fate != fateNone && p.seq == seq {
		return p
	}
	return nil
}
