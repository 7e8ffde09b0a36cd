package egress

import "steg/bridge/packet"

// Limits of what a projection remembers.
const (
	window    = 1024 // outgoing numbers within which late packets and NACKs are served
	maxUnsent = 1 << 14
	maxSpans  = 48
	keepSpans = 32 // what is left when the table was full; a second of dropping something of every frame
)

// offsets are what the codec's rewriter needs for the descriptors of a run.
type offsets struct {
	picture  uint16 // subtracted from the picture id or frame number
	near     uint16 // VP8: picture id, extended to 15 bits, that 7-bit ones of the run are near to
	tl0      uint8
	template uint8 // added to template ids
}

// span is a run of consecutive numbers of one encoding that belong to the
// receiver. What lies between spans was dropped. A number inside a span may
// be missing: then the receiver sees the loss and may ask for it.
//
// The frames of a span are those with a place in [low, high]. The test matters
// where packets were lost between a dropped and a forwarded frame and the
// exact border is unknown.
type span struct {
	in, out   uint64 // first number, at the sender and at the receiver
	low, high uint64
	ts        uint64 // added to the timestamp, modulo 2^64
	n         uint32
	offsets   offsets
	enc       int8
	scope     scope // what may still come
	tail      bool  // the last number is for the end of an unfinished frame
}

// holds tells whether a packet belongs to the span.
func (s *span) holds(p *packet.Packet) bool {
	at, where := p.Seq-s.in, place(p)
	return int(s.enc) == p.Encoding && at < uint64(s.n) && where >= s.low && where <= s.high &&
		s.scope.holds(&p.Frame) && (!s.tail || at+1 < uint64(s.n) || p.Frame.End)
}

// numbers lays the numbers of a source's encodings onto one outgoing series.
// It is also the memory that retransmissions need: 56 bytes per run instead
// of some bytes per packet.
type numbers struct {
	spans []span // ordered by out, oldest first
	next  uint64 // outgoing number that is given out next
	sent  [window / 64]uint64

	latest uint64 // highest number that was sent, 0: none
}

// overrun tells whether so many numbers in a row were given out and not sent
// that the next one would be taken for one of the past: SRTP guesses what is
// above the 16 bits (RFC 3711 section 3.3.1). A sender can bring that about
// with packets that cannot be passed on.
func (m *numbers) overrun() bool { return m.latest != 0 && m.next-m.latest > maxUnsent }

// rewind takes back the numbers that were not sent. Forwarding has to begin
// anew.
func (m *numbers) rewind() { m.spans, m.next = m.spans[:0], m.latest+1 }

// open begins a run at the next outgoing number; in, places, offsets, enc and
// scope are the caller's.
func (m *numbers) open(s span) {
	if len(m.spans) == maxSpans {
		m.spans = m.spans[:copy(m.spans, m.spans[maxSpans-keepSpans:])]
	}
	s.out, s.n = m.next, 0
	m.spans = append(m.spans, s)
}

// last is the newest run; there must be one.
func (m *numbers) last() *span { return &m.spans[len(m.spans)-1] }

// extend gives the newest run k more numbers.
func (m *numbers) extend(k uint64) {
	m.last().n += uint32(k)
	for i := range min(k, window) {
		out := m.next + k - 1 - i
		m.sent[out/64%uint64(len(m.sent))] &^= 1 << (out % 64)
	}
	m.next += k
}

// find returns the run that a packet belongs to, nil if it has no number.
func (m *numbers) find(p *packet.Packet) *span {
	for i := len(m.spans) - 1; i >= 0; i-- {
		if m.spans[i].holds(p) {
			return &m.spans[i]
		}
	}
	return nil
}

// findOut returns the run with an outgoing number that is not too old.
func (m *numbers) findOut(out uint64) *span {
	if out >= m.next || m.next-out > window {
		return nil
	}
	for i := len(m.spans) - 1; i >= 0; i-- {
		if s := &m.spans[i]; out-s.out < uint64(s.n) {
			return s
		}
	}
	return nil
}

// was tells whether an outgoing number that is not too old was sent.
func (m *numbers) was(out uint64) bool {
	return m.sent[out/64%uint64(len(m.sent))]&(1<<(out%64)) != 0
}

// use marks an outgoing number as sent. It refuses one that was sent before
// or is too old to know: one number must never protect two packets.
func (m *numbers) use(out uint64) bool {
	if out >= m.next || m.next-out > window {
		return false
	}
	word, bit := &m.sent[out/64%uint64(len(m.sent))], uint64(1)<<(out%64)
	if *word&bit != 0 {
		return false
	}
	*word |= bit
	return true
}
