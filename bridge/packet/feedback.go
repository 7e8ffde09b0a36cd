package packet

import "encoding/binary"

func appendFeedbackHead(dst []byte, kind, message uint8, sender, media uint32) []byte {
	dst = appendRTCPHead(dst, kind, message)
	dst = binary.BigEndian.AppendUint32(dst, sender)
	return binary.BigEndian.AppendUint32(dst, media)
}

// AppendPLI appends a picture loss indication (RFC 4585 section 6.3.1).
func AppendPLI(dst []byte, sender, media uint32) []byte {
	start := len(dst)
	return setRTCPLength(appendFeedbackHead(dst, RTCPPayloadFB, FeedbackPLI, sender, media), start)
}

// AppendFIR appends a full intra request for one SSRC (RFC 5104 section
// 4.3.1); seq is the command sequence number, new for each new request.
func AppendFIR(dst []byte, sender, media uint32, seq uint8) []byte {
	start := len(dst)
	dst = appendFeedbackHead(dst, RTCPPayloadFB, FeedbackFIR, sender, 0)
	dst = binary.BigEndian.AppendUint32(dst, media)
	return setRTCPLength(append(dst, seq, 0, 0, 0), start)
}

// FIR returns the i-th entry of a full intra request. What it asks for is in
// the entry; the media SSRC of the head is unused.
func (p RTCP) FIR(i int) (ssrc uint32, seq uint8, ok bool) {
	at := 12 + 8*i
	if p.Type != RTCPPayloadFB || p.Count != FeedbackFIR || i < 0 || at+8 > len(p.Raw) {
		return 0, 0, false
	}
	return binary.BigEndian.Uint32(p.Raw[at:]), p.Raw[at+4], true
}

// IsPLI tells whether p is a well-formed picture loss indication.
func (p RTCP) IsPLI() bool {
	return p.Type == RTCPPayloadFB && p.Count == FeedbackPLI && len(p.Raw) >= 12
}

// AppendNACK appends a generic NACK (RFC 4585 section 6.2.1) for the sequence
// numbers in lost, which must be in ascending order (wrapping around).
//
//	|  PID: first lost number       |  BLP: which of the next 16 also |
func AppendNACK(dst []byte, sender, media uint32, lost []uint16) []byte {
	start := len(dst)
	dst = appendFeedbackHead(dst, RTCPTransportFB, FeedbackNACK, sender, media)
	for i := 0; i < len(lost); {
		pid, blp := lost[i], uint16(0)
		for i++; i < len(lost); i++ {
			d := lost[i] - pid
			if d > 16 {
				break
			}
			if d > 0 {
				blp |= 1 << (d - 1)
			}
		}
		dst = binary.BigEndian.AppendUint16(dst, pid)
		dst = binary.BigEndian.AppendUint16(dst, blp)
	}
	return setRTCPLength(dst, start)
}

// NACK walks the sequence numbers of a generic NACK.
type NACK struct {
	Sender, Media uint32
	fci           []byte
	pid, blp      uint16
	shift         uint16
	open          bool // an entry is being walked
}

// ParseNACK starts to walk a generic NACK.
func ParseNACK(p RTCP) (NACK, bool) {
	if p.Type != RTCPTransportFB || p.Count != FeedbackNACK || len(p.Raw) < 16 {
		return NACK{}, false
	}
	return NACK{
		Sender: binary.BigEndian.Uint32(p.Raw[4:]),
		Media:  binary.BigEndian.Uint32(p.Raw[8:]),
		fci:    p.Raw[12:],
	}, true
}

// Next returns the next sequence number that is asked for.
func (n *NACK) Next() (uint16, bool) {
	for n.open && n.blp != 0 {
		bit := n.blp & 1
		n.blp >>= 1
		n.shift++
		if bit != 0 {
			return n.pid + n.shift, true
		}
	}
	if len(n.fci) < 4 {
		return 0, false
	}
	n.pid, n.blp = binary.BigEndian.Uint16(n.fci), binary.BigEndian.Uint16(n.fci[2:])
	n.fci, n.shift, n.open = n.fci[4:], 0, true
	return n.pid, true
}

// ParseREMB reads the bit rate of a receiver estimated maximum bitrate
// message.
//
//	|'R' 'E' 'M' 'B'| num SSRC (8) | exponent (6) | mantissa (18) | SSRCs
func ParseREMB(p RTCP) (bitsPerSecond uint64, ok bool) {
	if p.Type != RTCPPayloadFB || p.Count != FeedbackREMB || len(p.Raw) < 20 || string(p.Raw[12:16]) != "REMB" {
		return 0, false
	}
	b := p.Raw[16:]
	exponent := b[1] >> 2
	mantissa := uint64(b[1]&3)<<16 | uint64(binary.BigEndian.Uint16(b[2:]))
	if exponent > 46 { // 64 bits are more than any network
		return 1<<64 - 1, true
	}
	return mantissa << exponent, true
}
