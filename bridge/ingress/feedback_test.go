package ingress_test

import (
	"encoding/binary"
	"slices"
	"testing"
	"time"

	"github.com/pion/rtcp"

	"steg/bridge/packet"
)

func withTCC(o out, seq uint16) out {
	o.elements = append(slices.Clone(o.elements), packet.Element{ID: tccID, Data: binary.BigEndian.AppendUint16(nil, seq)})
	return o
}

func readTCC(t *testing.T, datagrams [][]byte) (seqs []uint16, received []bool, at []time.Duration) {
	t.Helper()
	for _, b := range datagrams {
		r := packet.ReadRTCP(b)
		p, _ := r.Next()
		c, ok := packet.ParseTCC(p)
		if !ok || c.Sender != feedbackSSRC {
			t.Fatalf("not a feedback: %x", b)
		}
		for s, more := c.Next(); more; s, more = c.Next() {
			seqs, received, at = append(seqs, s.Seq), append(received, s.Received), append(at, s.At)
		}
	}
	return seqs, received, at
}

func TestTransportFeedback(t *testing.T) {
	in := newIngress()
	if in.NextDeadline() != 0 {
		t.Fatal("deadline before the first packet")
	}
	mustSend(t, in, withTCC(audio(1, 5), 65534), start)
	if d := in.NextDeadline(); d != start+100*ms {
		t.Errorf("first deadline %v", d-start)
	}
	if list := collect(in.Feedback, start+99*ms); len(list) != 0 {
		t.Error("feedback too soon")
	}
	stranger := withTCC(video(1), 65535)
	stranger.ssrc, stranger.marker = 9, false
	send(in, stranger, start+10*ms)
	mustSend(t, in, withTCC(video(2), 1), start+15*ms) // a marker, but not yet 20 ms
	if d := in.NextDeadline(); d != start+100*ms {
		t.Errorf("deadline %v", d-start)
	}
	mustSend(t, in, withTCC(video(3), 2), start+30*ms)
	if d := in.NextDeadline(); d != start+20*ms {
		t.Errorf("deadline after a frame %v", d-start)
	}
	seqs, received, at := readTCC(t, collect(in.Feedback, start+30*ms))
	if !slices.Equal(seqs, []uint16{65534, 65535, 0, 1, 2}) || !slices.Equal(received, []bool{true, true, false, true, true}) ||
		at[1]-at[0] != 10*ms || at[4]-at[0] != 30*ms {
		t.Errorf("reported %v %v %v", seqs, received, at)
	}
	if d := in.NextDeadline(); d != 0 {
		t.Errorf("deadline %v with nothing to report", d-start)
	}
	// A packet that was reported lost is reported again when it comes.
	mustSend(t, in, withTCC(audio(2, 5), 0), start+40*ms)
	seqs, received, _ = readTCC(t, collect(in.Feedback, start+130*ms))
	if !slices.Equal(seqs, []uint16{0, 1, 2}) || slices.Contains(received, false) {
		t.Errorf("reported %v %v", seqs, received)
	}
}

// TestTransportFeedbackGaps lets the numbers jump and checks that every
// arrival is reported and nothing is reported twice as lost and received.
func TestTransportFeedbackGaps(t *testing.T) {
	for _, jump := range []uint16{1, 300, 1000, 5000, 8100, 8192, 20000} {
		in := newIngress()
		seq, sent := uint16(60000), map[uint16]bool{}
		for i := range uint16(40) {
			if i == 20 {
				seq += jump - 1
			}
			seq++
			sent[seq] = true
			send(in, withTCC(audio(i, 5), seq), start+time.Duration(i)*ms)
		}
		seqs, received, _ := readTCC(t, collect(in.Feedback, start+time.Second))
		n := 0
		for i, s := range seqs {
			if received[i] != sent[s] {
				t.Errorf("jump %d: number %d reported as %v", jump, s, received[i])
			}
			if received[i] {
				n++
			}
		}
		if want := 40; n != want && (jump < 8192 || n != 20) {
			t.Errorf("jump %d: %d of %d reported", jump, n, want)
		}
	}
}

func TestNACKs(t *testing.T) {
	in := newIngress()
	in.SetRTT(40 * ms)
	for _, seq := range []uint16{65530, 65533, 1} {
		mustSend(t, in, video(seq), start)
	}
	if d := in.NextDeadline(); d != start {
		t.Errorf("deadline %v", d-start)
	}
	asked := func(now time.Duration) []uint16 {
		var lost []uint16
		for _, b := range collect(in.Feedback, now) {
			p, err := rtcp.Unmarshal(b)
			n, ok := p[0].(*rtcp.TransportLayerNack)
			if err != nil || !ok || n.SenderSSRC != feedbackSSRC || n.MediaSSRC != lowSSRC {
				t.Fatalf("%x is %+v, %v", b, p, err)
			}
			for _, pair := range n.Nacks {
				lost = append(lost, pair.PacketList()...)
			}
		}
		return lost
	}
	if got := asked(start); !slices.Equal(got, []uint16{65531, 65532, 65534}) {
		t.Errorf("after the first packets: %v", got)
	}
	mustSend(t, in, video(65532).rtx(vp8RTX, lowRTX, 1), start+10*ms)
	if got := asked(start + 20*ms); !slices.Equal(got, []uint16{65535, 0}) {
		t.Errorf("after the grace: %v", got)
	}
	if got := asked(start + 60*ms); !slices.Equal(got, []uint16{65531, 65534}) {
		t.Errorf("repeats: %v", got)
	}
	key := video(2)
	key.payload = vp8(true, true, 2, 0, 0, 360, 100)
	mustSend(t, in, key, start+70*ms)
	if got := asked(start + time.Second); got != nil || in.NextDeadline() != 0 {
		t.Errorf("after a keyframe: %v, deadline %v", got, in.NextDeadline())
	}
	o := audio(1, 5)
	mustSend(t, in, o, start)
	o.seq = 9
	mustSend(t, in, o, start)
	if in.NextDeadline() != 0 {
		t.Error("audio is asked for")
	}
}

func TestReceiverReports(t *testing.T) {
	in := newIngress()
	if list := collect(in.Reports, start); len(list) != 0 {
		t.Errorf("report about nothing: %x", list)
	}
	in.SenderReport(packet.SenderReport{SSRC: audioSSRC, NTP: 0x1111222233334444}, start)
	// 20 ms packets that come alternately 4 ms late: |D| = 4 ms = 192 units.
	jitter := int64(0)
	for i := range 100 {
		if i%10 == 9 {
			continue
		}
		if i > 0 {
			if i%10 != 0 {
				jitter += 192 - (jitter+8)>>4
			} else {
				jitter += 0 - (jitter+8)>>4 // two even packets in a row
			}
		}
		late := time.Duration(i%2) * 4 * ms
		mustSend(t, in, audio(uint16(65500+i), 5), start+time.Duration(i)*20*ms+late)
	}
	mustSend(t, in, video(7), start)
	list := collect(in.Reports, start+2*time.Second)
	if len(list) != 1 {
		t.Fatalf("%d datagrams", len(list))
	}
	packets, err := rtcp.Unmarshal(list[0])
	if err != nil || len(packets) != 2 {
		t.Fatalf("%+v %v", packets, err)
	}
	rr := packets[0].(*rtcp.ReceiverReport)
	// Of 65500 to 65598 (the last that came), 9 are missing.
	want := []rtcp.ReceptionReport{
		{SSRC: audioSSRC, FractionLost: 9 << 8 / 99, TotalLost: 9, LastSequenceNumber: 65598, Jitter: uint32(jitter >> 4),
			LastSenderReport: 0x22223333, Delay: 2 << 16},
		{SSRC: lowSSRC, LastSequenceNumber: 7},
	}
	if rr.SSRC != feedbackSSRC || !slices.Equal(rr.Reports, want) {
		t.Errorf("got %+v, want %+v", rr.Reports, want)
	}
	if d := packets[1].(*rtcp.SourceDescription); d.Chunks[0].Source != feedbackSSRC || d.Chunks[0].Items[0].Text != "bridge" {
		t.Errorf("got %+v", d)
	}
	if list := collect(in.Reports, start+3*time.Second); len(list) != 0 {
		t.Errorf("report about nothing new: %x", list)
	}
}

func TestManyReports(t *testing.T) {
	in := newIngress()
	var list []packet.Source
	for i := range uint32(40) {
		list = append(list, packet.Source{Kind: packet.Audio, Encodings: []packet.Encoding{{SSRC: 1 + i}}})
	}
	in.SetSources(list)
	for i := range uint32(40) {
		o := audio(1, 5)
		o.ssrc = 1 + i
		mustSend(t, in, o, start)
	}
	blocks := 0
	for _, b := range collect(in.Reports, start) {
		packets, err := rtcp.Unmarshal(b)
		if err != nil || len(b) > packet.MaxRTCP {
			t.Fatalf("%d bytes, %v", len(b), err)
		}
		blocks += len(packets[0].(*rtcp.ReceiverReport).Reports)
	}
	if blocks != 40 {
		t.Errorf("%d blocks", blocks)
	}
}

func TestSenderReportFlood(t *testing.T) {
	in := newIngress()
	for _, tt := range []struct {
		ssrc uint32
		at   time.Duration
		want bool
	}{
		{lowSSRC, 0, true}, // of a stream that has sent nothing yet
		{lowSSRC, 0, false},
		{midSSRC, 0, true},
		{lowSSRC, 99 * ms, false},
		{lowSSRC, 100 * ms, true},
		{lowRTX, time.Second, false},
		{4711, time.Second, false},
		{lowSSRC, time.Second, true},
	} {
		if got := in.SenderReport(packet.SenderReport{SSRC: tt.ssrc, NTP: 1}, start+tt.at); got != tt.want {
			t.Errorf("SSRC %d at %v: got %v", tt.ssrc, tt.at, got)
		}
	}
}
