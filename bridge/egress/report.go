package egress

import (
	"time"

	"steg/bridge/packet"
)

// SenderReport is a sender report as it came from the source's sender.
type SenderReport = packet.SenderReport

// maxRTT is the longest plausible round trip.
const maxRTT = 7 * time.Second

// sentReport remembers when a sender report left, since its NTP time is the
// original sender's.
type sentReport struct {
	middle uint32 // of its NTP time
	at     time.Duration
}

// SenderReport writes the compound that the receiver gets for a sender report
// of the source's sender, and returns its length. It is 0 when the report is
// not about the encoding being forwarded, when nothing was sent yet, or when
// dst is too short. Every report of the source should be handed in: those of
// other encodings make timestamps exact when they take over.
func (eg *Egress) SenderReport(dst []byte, pr *Projection, sr SenderReport, now time.Duration) int {
	enc := -1
	for i, e := range pr.source.Encodings {
		if e.SSRC == sr.SSRC && i < len(pr.seen) {
			enc = i
		}
	}
	if enc < 0 {
		return 0
	}
	pr.seen[enc].report = report{ntp: sr.NTP, rtp: sr.RTPTime, known: true}
	sent := uint32(pr.packets.Load())
	if !pr.flow.live || int(pr.flow.enc) != enc || sent == 0 {
		return 0
	}
	pr.clock.tie(pr.seen[enc].report)
	sr.SSRC, sr.PacketCount, sr.OctetCount = pr.out.SSRC, sent, pr.octets
	sr.RTPTime += uint32(pr.clock.delta)
	b := packet.AppendSenderReport(dst[:0:len(dst)], sr)
	if eg.config.CNAME != "" {
		b = packet.AppendCNAME(b, sr.SSRC, eg.config.CNAME)
	}
	if len(b) > len(dst) {
		return 0
	}
	copy(pr.sent[1:], pr.sent[:])
	pr.sent[0] = sentReport{middle: sr.NTPMiddle(), at: now}
	return len(b)
}

// roundTrip works out the round-trip time from a report block.
func (pr *Projection) roundTrip(b packet.ReportBlock, now time.Duration) (time.Duration, bool) {
	if b.LSR == 0 {
		return 0, false
	}
	delay := time.Duration(b.DLSR) * time.Second >> 16
	for _, s := range pr.sent {
		if s.middle == b.LSR && s.at != 0 {
			rtt := now - s.at - delay
			return rtt, rtt >= 0 && rtt <= maxRTT
		}
	}
	return 0, false
}
