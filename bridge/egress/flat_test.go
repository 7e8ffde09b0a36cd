package egress_test

import (
	"encoding/binary"
	"testing"
	"time"

	"steg/bridge/egress"
	"steg/bridge/packet"
)

// vp8Frame is a frame of one packet; tl0 below 0 leaves the temporal layer out.
func vp8Frame(n int, key bool, tl0 int) *packet.Packet {
	b := make([]byte, 12, 64)
	b[0], b[1] = 0x80, 0x80|100
	binary.BigEndian.PutUint16(b[2:], uint16(1000+n))
	binary.BigEndian.PutUint32(b[4:], uint32(3000*n))
	binary.BigEndian.PutUint32(b[8:], 1000)
	pid := uint16(500+n) | 0x8000
	if tl0 < 0 {
		b = append(b, 0x90, 0x80, byte(pid>>8), byte(pid))
	} else {
		b = append(b, 0x90, 0xE0, byte(pid>>8), byte(pid), byte(tl0), 0x20)
	}
	p := byte(1)
	if key {
		p = 0
	}
	b = append(b, p, 0, 0, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xb4, 0x00, 0, 0)
	h, err := packet.ParseHeader(b)
	if err != nil {
		panic(err)
	}
	return &packet.Packet{
		Header: h, Raw: b, Kind: packet.Video, Codec: packet.CodecVP8,
		Seq: 1<<16 + uint64(1000+n), TS: 1<<32 + uint64(3000*n), Arrival: time.Second + time.Duration(n)*33*time.Millisecond,
		Frame: packet.ParseFrame(packet.CodecVP8, b[12:], []byte{0x80, 0, byte(n)}, true),
	}
}

// A sender may begin without temporal layers and add them in mid-stream, also
// one that comes into a place which another source had before.
func TestLayersThatBeginInMidStream(t *testing.T) {
	eg := egress.New(egress.Config{})
	eg.SetPayloadTypes(testPTs)
	options := egress.ProjectionOptions{
		Source:             packet.Source{Name: "a-v0", Kind: packet.Video, Encodings: []packet.Encoding{{SSRC: 1000}}},
		SenderPayloadTypes: testPTs,
		Out:                egress.Output{SSRC: 7},
	}
	pr := eg.AddProjection(options)
	pr.SetTarget(egress.Target{Encoding: 0, TID: -1, SID: -1})
	var last packet.VP8
	tl0 := int16(-1)
	for n := range 30 {
		layer := -1
		switch {
		case n < 10:
			layer = 77 + n
		case n >= 20:
			layer = 200 + n
		}
		if n == 10 { // another sender of the same shape, not layered at first
			eg.RebindProjection(pr, options)
		}
		p := vp8Frame(n, n%10 == 0 && n < 20, layer)
		if p.Frame.Described {
			t.Fatalf("frame %d was read by its dependency descriptor", n)
		}
		dst := make([]byte, 200)
		size, _ := eg.Forward(dst, pr, p, p.Arrival)
		if size == 0 {
			t.Fatalf("frame %d was not forwarded", n)
		}
		v, ok := packet.ParseVP8(dst[12:size])
		if !ok {
			t.Fatalf("frame %d cannot be read", n)
		}
		if n > 0 && v.PictureID != (last.PictureID+1)&0x7fff {
			t.Errorf("frame %d: picture id %d after %d", n, v.PictureID, last.PictureID)
		}
		if v.TL0 >= 0 {
			if tl0 >= 0 && uint8(v.TL0) != uint8(tl0)+1 {
				t.Errorf("frame %d: TL0PICIDX %d after %d", n, v.TL0, tl0)
			}
			tl0 = v.TL0
		}
		last = v
	}
}
