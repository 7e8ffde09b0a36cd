package packet

// StripPadding removes the trailing padding from an RTP packet in place: it
// clears the padding bit in b and returns the shortened packet with h
// adjusted (RFC 3550 section 5.1).
func StripPadding(b []byte, h *Header) []byte {
	if h.Padding == 0 {
		return b
	}
	b[0] &^= 0x20
	b = b[:len(b)-h.Padding]
	h.Padding = 0
	return b
}
