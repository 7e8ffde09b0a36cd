package ingress_test

import (
	"encoding/binary"
	"testing"
	"time"

	"steg/bridge/ingress"
)

// steady is an endpoint in the middle of a call: simulcast video with a lost
// and repeated packet now and then, and audio, silent at times.
type steady struct {
	in            *ingress.Ingress
	buf           []byte
	video, silent []byte
	rtx           []byte
	now           time.Duration
	n             uint16
	emitted       int
	emit          func([]byte)
}

func newSteady() *steady {
	s := &steady{in: newIngress(), buf: make([]byte, 1500), now: start}
	o := withTCC(video(0), 0)
	o.payload = vp8(true, false, 0, 0, 1, 0, 1000)
	s.video, s.rtx = o.bytes(), o.rtx(vp8RTX, lowRTX, 0).bytes()
	s.silent = withTCC(audio(0, 127), 0).bytes()
	s.emit = func(b []byte) { s.emitted += len(b) }
	return s
}

// pass sends a copy of the template with new numbers; tccAt is the offset of
// the transport-wide number.
func (s *steady) pass(template []byte, seq uint16, tccAt int) {
	b := s.buf[:copy(s.buf, template)]
	binary.BigEndian.PutUint16(b[2:], seq)
	binary.BigEndian.PutUint32(b[4:], uint32(s.n)*90)
	s.n++
	binary.BigEndian.PutUint16(b[tccAt:], s.n)
	s.in.RTP(b, s.now)
}

func (s *steady) round() {
	for range 8 {
		seq := s.n
		if s.n%13 != 0 {
			s.pass(s.video, seq, 17)
		} else {
			binary.BigEndian.PutUint16(s.rtx[20:], seq-26) // repair of an earlier one
			s.pass(s.rtx, seq, 17)
		}
		s.now += ms
		if d := s.in.NextDeadline(); d != 0 && d <= s.now {
			s.in.Feedback(s.now, s.emit)
		}
	}
	s.pass(s.silent, s.n/9, 19)
	s.in.Reports(s.now, s.emit)
	s.in.LayersChanged()
}

func TestNoAllocation(t *testing.T) {
	s := newSteady()
	for range 3000 {
		s.round()
	}
	if n := testing.AllocsPerRun(2000, s.round); n != 0 {
		t.Errorf("%v allocations for 9 packets", n)
	}
	st := s.in.Stats()
	if s.emitted == 0 || st.Retransmitted == 0 || st.NACKed == 0 || st.Silence == 0 || st.Lost == 0 {
		t.Errorf("the call is too simple: %+v", st)
	}
}

func BenchmarkRTP(b *testing.B) {
	s := newSteady()
	for range 1000 {
		s.round()
	}
	b.ReportAllocs()
	b.ResetTimer()
	for b.Loop() {
		s.pass(s.video, s.n, 17)
		s.now += ms
		if d := s.in.NextDeadline(); d != 0 && d <= s.now {
			s.in.Feedback(s.now, s.emit)
		}
	}
}
