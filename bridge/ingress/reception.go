package ingress

import (
	"time"

	"steg/bridge/packet"
)

// maxTransitChange is the largest step of transit time, in clock units, that
// counts as jitter: 5 s of video. More is a jump of the sender's clock.
const maxTransitChange = 450000

// reception holds the statistics of one SSRC for receiver reports (RFC 3550
// section 6.4.1 and appendix A). Retransmissions are not counted.
type reception struct {
	base, highest uint64 // 64-bit sequence numbers
	received      uint64
	started       bool
	sinceReport   bool

	transit   int64 // arrival minus timestamp, in clock units
	timestamp uint64
	jitter    int64 // times 16

	priorExpected, priorReceived uint64
	lsr                          uint32
	lsrAt                        time.Duration
}

// add counts one packet with 64-bit number seq and timestamp ts.
func (r *reception) add(seq, ts uint64, clockRate uint32, now time.Duration) {
	if !r.started {
		*r = reception{base: seq, highest: seq, started: true, lsr: r.lsr, lsrAt: r.lsrAt}
	}
	// All packets of a frame share a timestamp but not their departure; only
	// the first of each tells something about the network.
	transit := int64(now/time.Microsecond)*int64(clockRate)/1e6 - int64(ts)
	if r.received > 0 && ts != r.timestamp {
		d := transit - r.transit
		if d < 0 {
			d = -d
		}
		if d < maxTransitChange {
			r.jitter += d - (r.jitter+8)>>4
		}
	}
	if r.received == 0 || ts != r.timestamp {
		r.transit, r.timestamp = transit, ts
	}
	r.received++
	r.sinceReport = true
	r.highest = max(r.highest, seq)
	r.base = min(r.base, seq)
}

// restart begins anew after the sender has restarted its numbering.
func (r *reception) restart() { r.started = false }

func (r *reception) expected() uint64 { return r.highest - r.base + 1 }

// lost is the number of packets expected but not received; negative never
// occurs because duplicates are not counted.
func (r *reception) lost() int64 {
	if !r.started {
		return 0
	}
	return int64(r.expected() - r.received)
}

// report fills a report block and begins the next interval.
func (r *reception) report(ssrc uint32, now time.Duration) packet.ReportBlock {
	expected := r.expected()
	expectedNow, receivedNow := int64(expected-r.priorExpected), int64(r.received-r.priorReceived)
	r.priorExpected, r.priorReceived, r.sinceReport = expected, r.received, false
	b := packet.ReportBlock{
		SSRC:       ssrc,
		TotalLost:  int32(min(r.lost(), 1<<23-1)),
		HighestSeq: uint32(r.highest - 1<<16), // the unwrapper starts one cycle above zero
		Jitter:     uint32(r.jitter >> 4),
	}
	if lost := expectedNow - receivedNow; lost > 0 && expectedNow > 0 {
		b.FractionLost = uint8(min(lost<<8/expectedNow, 255))
	}
	if r.lsr != 0 {
		b.LSR = r.lsr
		b.DLSR = uint32((now - r.lsrAt) / time.Microsecond * 65536 / 1e6)
	}
	return b
}
