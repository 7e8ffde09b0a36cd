package endpoint

import (
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"
)

// TestCount compares the counting of sequence numbers with a naive model.
func TestCount(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		s := &stream{}
		var st Stats
		seen := map[int]bool{}
		start := r.IntN(1 << 16)
		first, highest, accepted := -1, -1, 0
		for i := range 5000 {
			if r.IntN(10) == 0 {
				continue // lost
			}
			n := max(i-r.IntN(4)*r.IntN(8), 0)
			if first < 0 {
				first, highest = n, n
			}
			if n < first {
				continue
			}
			want := !seen[n]
			seen[n] = true
			highest = max(highest, n)
			if got := s.count(&st, uint16(start+n)); got != want {
				t.Fatalf("packet %d: got %t", n, got)
			}
			if want {
				accepted++
			}
		}
		if lost := highest - first + 1 - accepted; int(st.Lost) != lost {
			t.Fatalf("lost %d, want %d", st.Lost, lost)
		}
	}
}

func TestLatency(t *testing.T) {
	var l Latency
	for us := range 100_000 {
		l.add(time.Duration(us) * time.Microsecond)
	}
	for _, q := range []float64{0.001, 0.1, 0.5, 0.9, 0.99} {
		got, want := l.Quantile(q).Seconds(), q*0.1
		if got > want*1.01 || got < want*0.93 {
			t.Errorf("%v: got %v, want %v", q, got, want)
		}
	}
	l = Latency{}
	l.add(-time.Second)
	l.add(time.Hour)
	if l[0] != 1 || l[len(l)-1] != 1 {
		t.Error("out of range")
	}
}

// videoCheck is a receiver of packets by an independent parser.
type videoCheck struct {
	frames, keyframes, bytes, largest int
	last                              *codecs.VP8Packet
}

func (c *videoCheck) packet(t *testing.T, p *rtp.Packet) {
	t.Helper()
	if _, ok := markOf(p.Payload); !ok {
		t.Fatal("no mark")
	}
	var v codecs.VP8Packet
	payload, err := v.Unmarshal(p.Payload)
	if err != nil {
		t.Fatal(err)
	}
	c.bytes += p.MarshalSize()
	c.largest = max(c.largest, p.MarshalSize())
	if before := c.last; v.S == 1 && before != nil {
		if v.PictureID != (before.PictureID+1)&0x7fff {
			t.Errorf("picture %d after %d", v.PictureID, before.PictureID)
		}
		if v.TL0PICIDX != before.TL0PICIDX && (v.TID != 0 || v.TL0PICIDX != before.TL0PICIDX+1) {
			t.Errorf("TL0PICIDX %d after %d", v.TL0PICIDX, before.TL0PICIDX)
		}
	}
	if v.S == 1 && payload[0]&1 == 0 {
		c.keyframes++
	}
	if p.Marker {
		c.frames++
	}
	c.last = &v
}

// TestVideoPackets makes ten seconds of packets.
func TestVideoPackets(t *testing.T) {
	s := newSender(Options{ID: "a", Video: true, Encodings: DefaultEncodings()})
	s.restart(0)
	checks := map[uint32]*videoCheck{}
	for _, enc := range s.video.encodings {
		checks[enc.ssrc] = &videoCheck{}
	}
	buf := make([]byte, bufferSize)
	for now := time.Duration(0); now < 10*time.Second; now += tick * pacingTicks {
		burst := 0
		s.tick(now, func(build func([]byte) int) {
			n := build(buf)
			burst += n
			var p rtp.Packet
			if err := p.Unmarshal(buf[:n]); err != nil {
				t.Fatal(err)
			}
			checks[p.SSRC].packet(t, &p)
		})
		if burst > 8000 {
			t.Errorf("burst of %d bytes", burst)
		}
		if now == 5*time.Second && !s.keyframe(s.video.encodings[1].ssrc) {
			t.Error("own encoding is unknown")
		}
	}
	for i, enc := range s.video.encodings {
		c := checks[enc.ssrc]
		rate := c.bytes * 8 / 10
		if c.frames < 298 || c.frames > 301 || rate < enc.bitsPerSecond*95/100 || rate > enc.bitsPerSecond*125/100 || c.largest > 1200 {
			t.Errorf("encoding %d: %d frames, %d bit/s, packets up to %d", i, c.frames, rate, c.largest)
		}
		if want := []int{1, 2, 1}[i]; c.keyframes != want {
			t.Errorf("encoding %d: %d keyframes", i, c.keyframes)
		}
	}
}

func TestAudioPackets(t *testing.T) {
	s := newSender(Options{ID: "a", Audio: true, Level: 127})
	s.restart(0)
	var got []rtp.Packet
	for now := time.Duration(0); now < time.Second; now += tick * pacingTicks {
		s.tick(now, func(build func([]byte) int) {
			buf := make([]byte, bufferSize)
			var p rtp.Packet
			if err := p.Unmarshal(buf[:build(buf)]); err != nil {
				t.Fatal(err)
			}
			got = append(got, p)
		})
	}
	if len(got) < 49 || len(got) > 50 {
		t.Fatalf("%d packets", len(got))
	}
	for i, p := range got {
		if p.SequenceNumber != got[0].SequenceNumber+uint16(i) || p.Timestamp != got[0].Timestamp+uint32(i)*960 {
			t.Errorf("packet %d: %v", i, p)
		}
		if level := p.GetExtension(levelID); len(level) != 1 || level[0] != 0x80|127 {
			t.Errorf("level %v", level)
		}
		if tcc := p.GetExtension(transportID); len(tcc) != 2 {
			t.Errorf("transport-wide number %v", tcc)
		}
	}
}

// TestSocket sends from two addresses of one socket to itself.
func TestSocket(t *testing.T) {
	s, err := openSocket()
	if err != nil {
		t.Fatal(err)
	}
	defer s.conn.Close()
	a, b := netip.MustParseAddr("127.77.1.1"), netip.MustParseAddr("127.77.1.2")
	w := newWriter(s)
	for i := range 3 {
		w.commit(copy(w.next(), []byte{byte(i)}))
	}
	if n := w.flush(a, netip.AddrPortFrom(b, s.port)); n != 3 {
		t.Fatalf("sent %d", n)
	}
	if err := s.sendOne(b, netip.AddrPortFrom(a, s.port), []byte{3}); err != nil {
		t.Fatal(err)
	}
	r := newReader(s)
	for count := 0; count < 4; {
		batch, err := r.read()
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range batch {
			from, to := a, b
			if count == 3 {
				from, to = b, a
			}
			age := time.Now().UnixNano() - d.at
			if d.from != netip.AddrPortFrom(from, s.port) || d.to != netip.AddrPortFrom(to, s.port) ||
				string(d.data) != string([]byte{byte(count)}) || age < 0 || age > int64(10*time.Second) {
				t.Errorf("datagram %d: %+v, %v old", count, d, time.Duration(age))
			}
			count++
		}
	}
}
