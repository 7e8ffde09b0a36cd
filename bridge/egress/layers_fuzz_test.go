package egress_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"steg/bridge/egress"
	"steg/bridge/packet"
)

// FuzzLayers forwards packets with any descriptors: the input is cut into
// pieces, one of which is the descriptor or payload of each packet.
func FuzzLayers(f *testing.F) {
	for i, m := range layeredModes {
		s := newLayeredSource(rand.New(rand.NewPCG(uint64(i), 1)), m)
		var b []byte
		for range 4 {
			for _, p := range s.picture(0, func() int { return 1 }) {
				piece, ok := packet.Extension(p.Raw, p.Header, 11)
				if !ok {
					piece = p.Payload()
				}
				b = append(append(b, uint8(len(piece)), 1), piece...)
			}
		}
		f.Add(uint8(m.codec-packet.CodecVP9), b)
	}
	f.Fuzz(func(t *testing.T, codec uint8, b []byte) {
		m := layeredMode{codec: packet.CodecVP9 + packet.Codec(codec%3), spatial: 1, temporal: 1, inter: 'n', encodings: 2}
		c := newLayeredRun(m, link{}, 1)
		seq, ts := uint64(1<<17), uint64(1<<33)
		for i := 0; len(b) > 2; i++ {
			n, flags := min(int(b[0]), len(b)-2), b[1]
			piece := b[2 : 2+n]
			b = b[2+n:]
			seq += uint64(flags & 3)
			ts += uint64(flags>>2&1) * 3000
			enc := int(flags >> 3 & 1)
			if flags&0xE0 == 0xE0 {
				c.pr.SetTarget(egress.Target{Encoding: int8(flags>>4&1) - int8(enc), TID: int8(i%5) - 1, SID: int8(i%4) - 1})
			}
			h := packet.Header{
				PayloadType: [3]uint8{101, 41, 107}[codec%3], SSRC: c.s.source.Encodings[enc].SSRC, Marker: flags&0x10 != 0,
				SequenceNumber: uint16(seq), Timestamp: uint32(ts),
			}
			raw := make([]byte, 400)
			if codec%3 == 0 {
				raw = append(raw[:packet.WriteHeader(raw, h, nil)], piece...)
			} else {
				raw = append(raw[:packet.WriteHeader(raw, h, []packet.Element{{ID: 11, Data: piece}})], 0x65, 1, 2)
			}
			p := &packet.Packet{Raw: raw, Kind: packet.Video, Codec: m.codec, Encoding: enc, Seq: seq, TS: ts}
			p.Header, _ = packet.ParseHeader(raw)
			p.Arrival = time.Second + time.Duration(i)*20*time.Millisecond
			parse(&c.layering[enc], p)
			c.rings[enc].Put(p)
			var dst [packet.MaxDatagram]byte
			if k, _ := c.eg.Forward(dst[:], c.pr, p, p.Arrival); k > 0 {
				out := mustHeader(t, dst[:k])
				var s sink
				c.eg.RTCP(packet.AppendNACK(nil, 1, 77, []uint16{out.SequenceNumber - 1, out.SequenceNumber}), p.Arrival, &s)
			}
		}
	})
}
