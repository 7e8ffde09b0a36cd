package packet_test

import (
	"bytes"
	"math/rand/v2"
	"reflect"
	"sync"
	"testing"
	"time"

	"steg/bridge/packet"
)

func ringPacket(seq uint64, at time.Duration, size int) *packet.Packet {
	return &packet.Packet{Raw: bytes.Repeat([]byte{byte(seq)}, size), Seq: seq, Arrival: at}
}

func TestRingKeepsFacts(t *testing.T) {
	want := packet.Packet{
		Header: packet.Header{
			Marker: true, PayloadType: 100, SequenceNumber: 0xfffe, Timestamp: 0xfffffffd, SSRC: 0xfffffffc,
			HeaderLen: 28, Padding: 3, ExtProfile: 0xbede, ExtStart: 16, ExtEnd: 24,
		},
		Raw: []byte("some bytes"), Kind: packet.Video, Codec: packet.CodecVP8, Encoding: 2,
		Seq: 1 << 40, TS: 1 << 50, Arrival: time.Hour,
		Frame: packet.Frame{
			Start: true, End: true, Keyframe: true, Layered: true, TID: 2, SID: 1, PictureID: 32767,
			LongID: true, TL0: 255, Descriptor: 6, Height: 720, Width: 1280,
			Described: true, Targets: 1 << 31, Structure: &packet.Structure{}, Depends: &packet.Depends{},
		},
		Level: 126, HasLevel: true, Voice: true,
	}
	checkAllSet(t, reflect.ValueOf(want))
	for _, p := range []packet.Packet{want, {Raw: []byte{1}, Frame: packet.Frame{TID: -1, SID: -1, PictureID: -1, TL0: -1}}} {
		r := packet.NewRing(time.Second, 1<<20)
		r.Put(&p)
		got, ok := r.Get(p.Seq, make([]byte, packet.MaxDatagram))
		p.Frame.Depends = nil // the only thing not kept: it belongs to the sender's ingress
		if !ok || !reflect.DeepEqual(got, p) {
			t.Errorf("got %+v, want %+v", got, p)
		}
	}
}

// checkAllSet fails for a field that the test above would not notice.
func checkAllSet(t *testing.T, v reflect.Value) {
	for i := range v.NumField() {
		if f := v.Field(i); f.Kind() == reflect.Struct {
			checkAllSet(t, f)
		} else if f.IsZero() {
			t.Errorf("field %s is not covered", v.Type().Field(i).Name)
		}
	}
}

func TestRingLimits(t *testing.T) {
	r := packet.NewRing(time.Second, 40<<10)
	dst := make([]byte, packet.MaxDatagram)
	for i := range 100 {
		r.Put(ringPacket(uint64(i), time.Duration(i)*time.Millisecond, 1000))
	}
	if _, ok := r.Get(99, dst); !ok {
		t.Error("newest is gone")
	}
	if _, ok := r.Get(60, dst); ok {
		t.Error("more than the limit is kept")
	}
	if _, ok := r.Get(62, dst); !ok {
		t.Error("less than the limit is kept")
	}
	if _, ok := r.Get(99, dst[:999]); ok {
		t.Error("copied into too little space")
	}
	if seq, ok := r.Newest(); !ok || seq != 99 {
		t.Errorf("newest %d %v", seq, ok)
	}
	r.Put(ringPacket(100, 0, packet.MaxDatagram+1))
	if _, ok := r.Get(100, make([]byte, 2000)); ok {
		t.Error("oversized packet kept")
	}
	r.Put(ringPacket(101, 2*time.Second, 100))
	if _, ok := r.Get(99, dst); ok {
		t.Error("old packet kept")
	}
	r.Trim(2 * time.Second)
	if n := r.Bytes(); n != 20<<10 {
		t.Errorf("%d bytes after the first trim", n)
	}
	r.Trim(4 * time.Second)
	if n := r.Bytes(); n != 0 {
		t.Errorf("%d bytes when empty", n)
	}
	r.Put(ringPacket(102, 4*time.Second, 100))
	if _, ok := r.Get(102, dst); !ok {
		t.Error("unusable after trim")
	}
}

// TestRingModel compares with a list: whatever the ring returns was put, and
// within its limits nothing is missing.
func TestRingModel(t *testing.T) {
	const maxAge, maxBytes = 500 * time.Millisecond, 100 << 10
	r := rand.New(rand.NewPCG(7, 8))
	ring := packet.NewRing(maxAge, maxBytes)
	var model []*packet.Packet
	dst := make([]byte, packet.MaxDatagram)
	now, seq := time.Duration(0), uint64(1000)
	for range 30000 {
		now += time.Duration(r.IntN(4000)) * time.Microsecond * time.Duration(1+99*(r.IntN(200)/199))
		seq += uint64(1 + r.IntN(20)/19)
		p := ringPacket(seq, now, 1+r.IntN(packet.MaxDatagram-1))
		ring.Put(p)
		model = append(model, p)
		if len(model) > 400 {
			model = model[1:]
		}
		if r.IntN(100) == 0 {
			ring.Trim(now)
		}
		probe := model[r.IntN(len(model))]
		got, ok := ring.Get(probe.Seq, dst)
		if ok && !reflect.DeepEqual(&got, probe) {
			t.Fatalf("packet %d came back changed", probe.Seq)
		}
		behind := 0
		for _, q := range model {
			if q.Seq >= probe.Seq {
				behind += len(q.Raw)
			}
		}
		// A packet that does not fit the end of the buffer leaves a hole there.
		must := now-probe.Arrival <= maxAge && behind < maxBytes-2*packet.MaxDatagram
		if must && !ok || ok && now-probe.Arrival > maxAge {
			t.Fatalf("packet %d of age %v with %d bytes behind it: found %v", probe.Seq, now-probe.Arrival, behind, ok)
		}
	}
}

func TestRingConcurrent(t *testing.T) {
	ring := packet.NewRing(time.Second, 64<<10)
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			dst := make([]byte, packet.MaxDatagram)
			for i := range 3000 {
				if p, ok := ring.Get(uint64(i), dst); ok && (p.Raw[0] != byte(i) || p.Raw[len(p.Raw)-1] != byte(i)) {
					t.Error("torn packet")
				}
			}
		})
	}
	for i := range 3000 {
		ring.Put(ringPacket(uint64(i), time.Duration(i)*time.Millisecond, 1200))
	}
	wg.Wait()
}

func BenchmarkRing(b *testing.B) {
	ring := packet.NewRing(time.Second, 1<<20)
	p := ringPacket(0, 0, 1100)
	dst := make([]byte, packet.MaxDatagram)
	b.ReportAllocs()
	for b.Loop() {
		p.Seq++
		p.Arrival += 2 * time.Millisecond
		ring.Put(p)
		ring.Get(p.Seq-3, dst)
	}
}
