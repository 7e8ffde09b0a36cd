package packet

import "encoding/binary"

// MaxReportBlocks is how many blocks fit one report.
const MaxReportBlocks = 31

const reportBlockLen = 24

// SenderReport is the sender information of an SR (RFC 3550 section 6.4.1).
type SenderReport struct {
	SSRC        uint32
	NTP         uint64 // 32.32 fixed point, the sender's clock
	RTPTime     uint32
	PacketCount uint32
	OctetCount  uint32 // payload only
}

// NTPMiddle returns the middle 32 bits of the NTP time, as LSR wants them.
func (s SenderReport) NTPMiddle() uint32 { return uint32(s.NTP >> 16) }

// ReportBlock is one reception report (RFC 3550 section 6.4.1).
type ReportBlock struct {
	SSRC         uint32
	FractionLost uint8
	TotalLost    int32 // 24 bits, signed
	HighestSeq   uint32
	Jitter       uint32 // in units of the RTP clock
	LSR          uint32 // middle of the last SR's NTP time, 0 if there was none
	DLSR         uint32 // since then, in 1/65536 s
}

// ParseSenderReport reads the sender information of an SR.
func ParseSenderReport(p RTCP) (SenderReport, bool) {
	if p.Type != RTCPSenderReport || len(p.Raw) < 28 {
		return SenderReport{}, false
	}
	return SenderReport{
		SSRC:        binary.BigEndian.Uint32(p.Raw[4:]),
		NTP:         binary.BigEndian.Uint64(p.Raw[8:]),
		RTPTime:     binary.BigEndian.Uint32(p.Raw[16:]),
		PacketCount: binary.BigEndian.Uint32(p.Raw[20:]),
		OctetCount:  binary.BigEndian.Uint32(p.Raw[24:]),
	}, true
}

// ReportBlock returns the i-th report block of an SR or RR.
func (p RTCP) ReportBlock(i int) (ReportBlock, bool) {
	at := 8
	switch p.Type {
	case RTCPSenderReport:
		at = 28
	case RTCPReceiverReport:
	default:
		return ReportBlock{}, false
	}
	at += i * reportBlockLen
	if i < 0 || i >= int(p.Count) || at+reportBlockLen > len(p.Raw) {
		return ReportBlock{}, false
	}
	b := p.Raw[at:]
	lost := binary.BigEndian.Uint32(b[4:])
	return ReportBlock{
		SSRC:         binary.BigEndian.Uint32(b),
		FractionLost: b[4],
		TotalLost:    int32(lost<<8) >> 8,
		HighestSeq:   binary.BigEndian.Uint32(b[8:]),
		Jitter:       binary.BigEndian.Uint32(b[12:]),
		LSR:          binary.BigEndian.Uint32(b[16:]),
		DLSR:         binary.BigEndian.Uint32(b[20:]),
	}, true
}

// AppendSenderReport appends an SR without report blocks.
func AppendSenderReport(dst []byte, s SenderReport) []byte {
	start := len(dst)
	dst = appendRTCPHead(dst, RTCPSenderReport, 0)
	dst = binary.BigEndian.AppendUint32(dst, s.SSRC)
	dst = binary.BigEndian.AppendUint64(dst, s.NTP)
	dst = binary.BigEndian.AppendUint32(dst, s.RTPTime)
	dst = binary.BigEndian.AppendUint32(dst, s.PacketCount)
	dst = binary.BigEndian.AppendUint32(dst, s.OctetCount)
	return setRTCPLength(dst, start)
}

// AppendReceiverReport appends an RR with at most MaxReportBlocks of blocks.
func AppendReceiverReport(dst []byte, sender uint32, blocks []ReportBlock) []byte {
	start := len(dst)
	blocks = blocks[:min(len(blocks), MaxReportBlocks)]
	dst = appendRTCPHead(dst, RTCPReceiverReport, uint8(len(blocks)))
	dst = binary.BigEndian.AppendUint32(dst, sender)
	for _, b := range blocks {
		lost := max(-1<<23, min(b.TotalLost, 1<<23-1))
		dst = binary.BigEndian.AppendUint32(dst, b.SSRC)
		dst = binary.BigEndian.AppendUint32(dst, uint32(b.FractionLost)<<24|uint32(lost)&0xffffff)
		dst = binary.BigEndian.AppendUint32(dst, b.HighestSeq)
		dst = binary.BigEndian.AppendUint32(dst, b.Jitter)
		dst = binary.BigEndian.AppendUint32(dst, b.LSR)
		dst = binary.BigEndian.AppendUint32(dst, b.DLSR)
	}
	return setRTCPLength(dst, start)
}

// AppendCNAME appends an SDES packet with one chunk: the canonical name of an
// SSRC (RFC 3550 section 6.5.1). Names are cut at 255 bytes.
func AppendCNAME(dst []byte, ssrc uint32, cname string) []byte {
	start := len(dst)
	cname = cname[:min(len(cname), 255)]
	dst = appendRTCPHead(dst, RTCPSourceDesc, 1)
	dst = binary.BigEndian.AppendUint32(dst, ssrc)
	dst = append(dst, 1, uint8(len(cname)))
	dst = append(dst, cname...)
	dst = append(dst, 0) // ends the chunk; zeros to the next word follow
	return setRTCPLength(dst, start)
}
