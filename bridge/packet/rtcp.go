package packet

import "encoding/binary"

// RTCP packet types (RFC 3550 section 12.1, RFC 4585 section 6.1).
const (
	RTCPSenderReport   = 200
	RTCPReceiverReport = 201
	RTCPSourceDesc     = 202
	RTCPBye            = 203
	RTCPTransportFB    = 205
	RTCPPayloadFB      = 206
)

// Feedback message types, in RTCP.Count (RFC 4585 section 6, RFC 5104
// section 4, draft-holmer section 3.1, draft-alvestrand-remb section 2).
const (
	FeedbackNACK = 1  // transport
	FeedbackTCC  = 15 // transport
	FeedbackPLI  = 1  // payload
	FeedbackFIR  = 4  // payload
	FeedbackREMB = 15 // payload
)

// MaxRTCP is the largest RTCP datagram that the bridge builds.
const MaxRTCP = 1200

// RTCP is one packet out of a compound.
//
//	|V=2|P|  count  |      type     |            length             |
type RTCP struct {
	Type  uint8
	Count uint8  // report count or feedback message type
	Raw   []byte // the whole packet, without padding
}

// RTCPReader walks the packets of a compound. The zero value is at the end.
type RTCPReader struct{ rest []byte }

// ReadRTCP starts to walk a decrypted RTCP datagram. Reduced-size compounds
// (RFC 5506) are welcome.
func ReadRTCP(compound []byte) RTCPReader { return RTCPReader{compound} }

// Next returns the next packet. It ends at the end of the datagram or at the
// first packet that is malformed.
func (r *RTCPReader) Next() (RTCP, bool) {
	b := r.rest
	if len(b) < 4 || b[0]>>6 != 2 {
		return RTCP{}, false
	}
	n := 4 + 4*int(binary.BigEndian.Uint16(b[2:]))
	if n > len(b) {
		return RTCP{}, false
	}
	p := RTCP{Type: b[1], Count: b[0] & 0x1f, Raw: b[:n]}
	if b[0]&0x20 != 0 {
		pad := int(b[n-1])
		if pad == 0 || pad > n-4 {
			return RTCP{}, false
		}
		p.Raw = b[:n-pad]
	}
	r.rest = b[n:]
	return p, true
}

// SenderSSRC returns the first SSRC of the packet: who sent it.
func (p RTCP) SenderSSRC() (uint32, bool) { return p.word(4) }

// MediaSSRC returns the second SSRC of a feedback packet: what it is about.
func (p RTCP) MediaSSRC() (uint32, bool) { return p.word(8) }

func (p RTCP) word(at int) (uint32, bool) {
	if len(p.Raw) < at+4 {
		return 0, false
	}
	return binary.BigEndian.Uint32(p.Raw[at:]), true
}

// appendRTCPHead appends the first word of a packet; setRTCPLength completes it.
func appendRTCPHead(dst []byte, kind, count uint8) []byte {
	return append(dst, 0x80|count&0x1f, kind, 0, 0)
}

// setRTCPLength pads the packet that starts at start to whole words with
// zeros and writes its length field.
func setRTCPLength(dst []byte, start int) []byte {
	for (len(dst)-start)%4 != 0 {
		dst = append(dst, 0)
	}
	binary.BigEndian.PutUint16(dst[start+2:], uint16((len(dst)-start)/4-1))
	return dst
}
