package ingress

import (
	"time"

	"steg/bridge/packet"
)

// When transport-wide feedback goes out, and how far back it can reach.
const (
	tccInterval      = 100 * time.Millisecond
	tccFrameInterval = 20 * time.Millisecond // if a frame has just ended
	tccFirstWindow   = 256
	tccMaxWindow     = 8192
)

// arrivals records when each packet of the endpoint came, by transport-wide
// sequence number, until it was reported.
type arrivals struct {
	seqs  packet.Unwrapper
	at    []time.Duration // circular by number, power of two long
	start uint64          // first number to report
	end   uint64          // behind the newest
	sent  time.Duration   // last feedback
	ready bool            // feedback is due without waiting for the interval
	armed bool
	media uint32 // SSRC of the newest packet
	count uint8  // feedback packets so far
}

// record notes packet number seq. The very first one only starts the clock.
func (a *arrivals) record(seq uint16, ssrc uint32, marker bool, now time.Duration) {
	n := a.seqs.Unwrap16(seq)
	if !a.armed {
		a.armed, a.sent = true, now
		a.start, a.end = n, n
	}
	switch {
	case n >= a.end:
		a.extend(n + 1)
	case a.end-n > uint64(len(a.at)):
		return // too late to be of use
	case a.at[n&uint64(len(a.at)-1)] != packet.TCCLost:
		return
	default:
		// Reported as lost, or to come in the next report: report again from here.
		a.start = min(a.start, n)
	}
	a.at[n&uint64(len(a.at)-1)] = now
	a.media = ssrc
	if marker && now-a.sent >= tccFrameInterval {
		a.ready = true
	}
}

// extend moves the end and marks the numbers in between as not arrived.
func (a *arrivals) extend(end uint64) {
	if end-a.end >= tccMaxWindow || a.at == nil {
		a.start = end - 1
		a.end = end - 1
		if a.at == nil {
			a.at = make([]time.Duration, tccFirstWindow)
		}
		for i := range a.at {
			a.at[i] = packet.TCCLost
		}
	}
	for end-a.start > uint64(len(a.at)) && len(a.at) < tccMaxWindow {
		a.grow()
	}
	if end-a.start > uint64(len(a.at)) {
		a.start = end - uint64(len(a.at))
	}
	for ; a.end < end; a.end++ {
		a.at[a.end&uint64(len(a.at)-1)] = packet.TCCLost
	}
}

func (a *arrivals) grow() {
	at := make([]time.Duration, 2*len(a.at))
	for i := range at {
		at[i] = packet.TCCLost
	}
	for n := a.end - uint64(len(a.at)); n < a.end; n++ {
		at[n&uint64(len(at)-1)] = a.at[n&uint64(len(a.at)-1)]
	}
	a.at = at
}

// deadline returns when feedback is due, 0 if there is nothing to report.
func (a *arrivals) deadline() time.Duration {
	switch {
	case a.start == a.end:
		return 0
	case a.ready:
		return max(a.sent+tccFrameInterval, 1)
	}
	return max(a.sent+tccInterval, 1)
}

// feedback emits what is to be reported, in as many packets as it takes.
func (a *arrivals) feedback(buf []byte, sender uint32, now time.Duration, emit func([]byte)) {
	var line [packet.MaxTCCStatus]time.Duration
	for a.start < a.end {
		n := int(min(a.end-a.start, uint64(len(line))))
		for i := range n {
			line[i] = a.at[(a.start+uint64(i))&uint64(len(a.at)-1)]
		}
		out, used := packet.AppendTCC(buf[:0], sender, a.media, a.count, uint16(a.start), line[:n])
		if used == 0 {
			a.start += uint64(n) // a gap longer than a packet can tell
			continue
		}
		emit(out)
		a.count++
		a.start += uint64(used)
	}
	a.sent, a.ready = now, false
}
