package egress_test

import (
	"slices"
	"testing"
	"time"

	"steg/bridge/allocation"
	"steg/bridge/egress"
	"steg/bridge/packet"
)

// opus makes the i-th packet of an audio stream of 20 ms packets.
func opus(i uint64) *packet.Packet {
	return rtp(packet.CodecOpus, 111, 1<<16+100+i, 1<<32+960*i, []byte{byte(i), 2, 3})
}

// red wraps audio packets, the last one primary, as sender payload type 112.
func red(first, last uint64, pt uint8) *packet.Packet {
	var blocks []packet.REDBlock
	for i := first; i <= last; i++ {
		blocks = append(blocks, packet.REDBlock{PayloadType: pt, Offset: uint16(960 * (last - i)), Data: opus(i).Payload()})
	}
	b := make([]byte, 100)
	n := packet.WriteRED(b, blocks)
	return rtp(packet.CodecRED, 112, 1<<16+100+last, 1<<32+960*last, b[:n])
}

func TestAudioFlowsAtOnceWhenAnSSRCIsUsedAgain(t *testing.T) {
	o := egress.ProjectionOptions{Source: sourceOf(packet.Audio, 1), SenderPayloadTypes: testPTs}
	eg, pr := receiver(egress.Config{}, packet.Extensions{}, o)
	first := mustHeader(t, forward(eg, pr, opus(0), time.Second))
	pr.SetTarget(allocation.Suspended) // the source is gone
	eg.RebindProjection(pr, o)
	if h := mustHeader(t, forward(eg, pr, opus(500), 2*time.Second)); h.SequenceNumber != first.SequenceNumber+1 {
		t.Errorf("number %d after %d", h.SequenceNumber, first.SequenceNumber)
	}
}

func TestAudioNumbers(t *testing.T) {
	type step struct {
		at   time.Duration
		seq  uint64 // added to that of packet 0
		ts   uint64
		dSeq int // to the packet sent before; 0: not sent
		dTS  int
		pick func(pr *egress.Projection)
	}
	ms := time.Millisecond
	suspend := func(pr *egress.Projection) { pr.SetTarget(allocation.Suspended) }
	resume := func(pr *egress.Projection) { pr.SetTarget(egress.Target{}) }
	tests := []struct {
		name  string
		steps []step
	}{
		{"loss leaves a gap", []step{{20 * ms, 1, 960, 1, 960, nil}, {60 * ms, 3, 2880, 2, 1920, nil}}},
		{"late packet fills it", []step{{20 * ms, 1, 960, 1, 960, nil}, {60 * ms, 3, 2880, 2, 1920, nil}, {61 * ms, 2, 1920, -1, -960, nil}}},
		{"duplicate", []step{{20 * ms, 1, 960, 1, 960, nil}, {21 * ms, 1, 960, 0, 0, nil}}},
		{"older than the first", []step{{20 * ms, ^uint64(0), ^uint64(959), 0, 0, nil}}},
		{"silence leaves none", []step{{20 * ms, 1, 960, 1, 960, nil}, {2020 * ms, 101, 96960, 1, 96000, nil}}},
		{"suspension leaves none", []step{{20 * ms, 1, 960, 0, 0, suspend}, {40 * ms, 2, 1920, 1, 1920, resume}}},
		{"restart ahead", []step{{20 * ms, 5000, 1 << 30, 1, 960, nil}, {40 * ms, 5001, 1<<30 + 960, 1, 960, nil}}},
		{"restart behind", []step{{20 * ms, ^uint64(19999), 1 << 31, 0, 0, nil}, {40 * ms, ^uint64(19998), 1<<31 + 960, 1, 1920, nil}, {60 * ms, ^uint64(19997), 1<<31 + 1920, 1, 960, nil}}},
		{"one stray number", []step{{20 * ms, ^uint64(19999), 1 << 31, 0, 0, nil}, {40 * ms, 2, 1920, 2, 1920, nil}}},
		{"clock stands still", []step{{time.Hour, 1, 960, 1, 960, nil}}},
		{"clock jumps back", []step{{20 * ms, 1, ^uint64(1<<30 - 1), 1, 960, nil}}},
		{"clock jumps", []step{{20 * ms, 1, 1 << 31, 1, 960, nil}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			eg, pr := receiver(egress.Config{}, packet.Extensions{}, egress.ProjectionOptions{Source: sourceOf(packet.Audio, 1)})
			base := time.Minute
			last := mustHeader(t, forward(eg, pr, opus(0), base))
			for i, s := range test.steps {
				if s.pick != nil {
					s.pick(pr)
				}
				p := opus(0)
				p.Seq, p.TS = p.Seq+s.seq, p.TS+s.ts
				out := forward(eg, pr, p, base+s.at)
				if out == nil || s.dSeq == 0 {
					if out != nil || s.dSeq != 0 {
						t.Errorf("step %d: sent %v", i, out != nil)
					}
					continue
				}
				h := mustHeader(t, out)
				dSeq, dTS := int(int16(h.SequenceNumber-last.SequenceNumber)), int(int32(h.Timestamp-last.Timestamp))
				if dSeq != s.dSeq || dTS != s.dTS {
					t.Errorf("step %d: %d numbers and %d units on, want %d and %d", i, dSeq, dTS, s.dSeq, s.dTS)
				}
				last = h
			}
		})
	}
}

func TestRED(t *testing.T) {
	plain := opus(7).Payload()
	with := func(pt uint8) []byte { return red(6, 7, pt).Payload() }
	noRED := []packet.PayloadType{{ID: 120, Codec: packet.CodecOpus, ClockRate: 48000}}
	moved := append(slices.Clone(noRED), packet.PayloadType{ID: 121, Codec: packet.CodecRED, ClockRate: 48000})
	bad := rtp(packet.CodecRED, 112, 1<<16, 1<<32, []byte{0x80, 1})
	for _, test := range []struct {
		name   string
		policy egress.REDPolicy
		pts    []packet.PayloadType
		p      *packet.Packet
		pt     uint8
		want   []byte
	}{
		{"passed", egress.REDPass, testPTs, red(6, 7, 111), 112, with(111)},
		{"passed with other numbers", egress.REDPass, moved, red(6, 7, 111), 121, with(120)},
		{"stripped for a receiver without", egress.REDPass, noRED, red(6, 7, 111), 120, plain},
		{"stripped by policy", egress.REDStrip, testPTs, red(6, 7, 111), 111, plain},
		{"malformed", egress.REDStrip, testPTs, bad, 0, nil},
		{"malformed, passed", egress.REDPass, testPTs, bad, 0, nil},
		{"plain stays plain", egress.REDPass, testPTs, opus(7), 111, plain},
		{"protection needs a receiver with", egress.REDProtect, noRED, opus(7), 120, plain},
		{"protection does not touch RED", egress.REDProtect, testPTs, red(6, 7, 111), 112, with(111)},
	} {
		t.Run(test.name, func(t *testing.T) {
			eg, pr := receiver(egress.Config{RED: test.policy}, packet.Extensions{}, egress.ProjectionOptions{Source: sourceOf(packet.Audio, 1)})
			eg.SetPayloadTypes(test.pts)
			out := forward(eg, pr, test.p, time.Second)
			if out == nil {
				if test.want != nil {
					t.Error("not sent")
				}
				return
			}
			if h := mustHeader(t, out); h.PayloadType != test.pt || !slices.Equal(out[h.HeaderLen:], test.want) {
				t.Errorf("payload type %d, %v", h.PayloadType, out[h.HeaderLen:])
			}
		})
	}
}

func TestProtection(t *testing.T) {
	all := []bool{true, true, true}
	for _, test := range []struct {
		name     string
		distance int
		vadOnly  bool
		voice    []bool // of packets 5, 6, 7
		lost     uint64
		first    uint64 // oldest block
	}{
		{"two", 2, false, make([]bool, 3), 0, 5},
		{"one", 1, false, make([]bool, 3), 0, 6},
		{"voice", 2, true, all, 0, 5},
		{"the farther brings the nearer", 2, true, []bool{true, false, false}, 0, 5},
		{"nearer only", 2, true, []bool{false, true, false}, 0, 6},
		{"none qualifies", 2, true, []bool{false, false, true}, 0, 7},
		{"nearer lost", 2, false, all, 6, 7},
		{"farther lost", 2, false, all, 5, 6},
	} {
		t.Run(test.name, func(t *testing.T) {
			ring := packet.NewRing(time.Minute, 1<<16)
			eg, pr := receiver(egress.Config{RED: egress.REDProtect, REDDistance: test.distance, REDVADOnly: test.vadOnly},
				packet.Extensions{}, egress.ProjectionOptions{Source: sourceOf(packet.Audio, 1), Rings: []*packet.Ring{ring}})
			var out []byte
			for i, voice := range test.voice {
				p := opus(uint64(5 + i))
				p.HasLevel, p.Voice = true, voice
				if uint64(5+i) == test.lost {
					continue
				}
				ring.Put(p)
				out = forward(eg, pr, p, time.Second)
			}
			h := mustHeader(t, out)
			if want := red(test.first, 7, 111).Payload(); h.PayloadType != 112 || !slices.Equal(out[h.HeaderLen:], want) {
				t.Errorf("payload type %d, %v, want %v", h.PayloadType, out[h.HeaderLen:], want)
			}
		})
	}
}
