package egress

import (
	"encoding/binary"
	"time"

	"steg/bridge/packet"
)

// resendTable is how many retransmissions a projection remembers.
const resendTable = 64

// resendPause is the least time between two answers for the same number.
const resendPause = 5 * time.Millisecond

// A receiver is sent no more packets again than it was sent at first: one
// NACK of a few bytes can ask for a thousand, and be repeated. The start
// covers a loss in the first packets, the limit one burst of losses.
const (
	repairsAtStart = 100
	maxRepairs     = 1000
)

// resend is when an outgoing number was sent again; both values are cut.
type resend struct {
	out uint32
	ms  uint32
}

// resend answers the NACK of one number with an RTX packet (RFC 4588): the
// packet as it was or would have been sent, behind its original number, under
// the RTX stream's own number. The original stream's numbers are never used
// twice, as SRTP forbids it; without RTX there is no answer.
func (eg *Egress) resend(pr *Projection, seq uint16, now time.Duration, sink Sink) bool {
	if eg.repairs == 0 {
		return false
	}
	m := &pr.numbers
	out := m.next - 1 - uint64(uint16(m.next-1)-seq)
	s := m.findOut(out)
	if s == nil || pr.out.RTX == 0 || int(s.enc) >= len(pr.rings) || pr.rings[s.enc] == nil || eg.tooSoon(pr, out, now) {
		return false
	}
	room, p := eg.room(), &eg.again
	*p, _ = pr.rings[s.enc].Get(s.in+(out-s.out), room[:packet.MaxDatagram])
	if p.Raw == nil || p.Kind != packet.Video || p.Arrival > now-eg.guard() && p.Arrival <= now || !s.holds(p) {
		return false
	}
	if p.Codec != pr.kind || p.Frame.Described != pr.described || s.scope.point != noPoint && !m.was(out) {
		return false // of another codec, or one that was refused
	}
	pt := eg.translate(pr, p)
	if !pt.ok || pt.rtx == 0 {
		return false
	}
	h := packet.Header{
		Marker: pr.codec.last(p, s), PayloadType: pt.rtx, SSRC: pr.out.RTX,
		SequenceNumber: pr.rtxSeq, Timestamp: uint32(p.TS + s.ts),
	}
	dst := sink.Reserve()
	dst = dst[:min(len(dst), packet.MaxDatagram)]
	n := eg.header(dst, pr, p, s, h, now)
	if n == 0 || len(dst) < n+2 {
		return false
	}
	binary.BigEndian.PutUint16(dst[n:], uint16(out))
	size := eg.payload(dst[n+2:], pr, p, s)
	if size == 0 {
		return false
	}
	n += 2 + size
	pr.rtxSeq++
	eg.repairs--
	pr.resent[out%resendTable] = resend{out: uint32(out), ms: uint32(now.Milliseconds())}
	pr.retransmitted.Add(1)
	eg.stats.Retransmissions++
	eg.count(n, now)
	sink.Emit(n)
	return true
}

// guard is how long a packet must have been under way before it is sent
// again: a little less than a round trip.
func (eg *Egress) guard() time.Duration {
	rtt := eg.stats.RTT
	return max(0, min(rtt*9/10, rtt-5*time.Millisecond))
}

// tooSoon tells whether the number was sent again within the guard time.
func (eg *Egress) tooSoon(pr *Projection, out uint64, now time.Duration) bool {
	if pr.resent == nil {
		pr.resent = make([]resend, resendTable)
	}
	r := pr.resent[out%resendTable]
	since := time.Duration(uint32(now.Milliseconds())-r.ms) * time.Millisecond
	return r.out == uint32(out) && since < max(eg.guard(), resendPause)
}
