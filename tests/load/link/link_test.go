package link_test

import (
	"net"
	"slices"
	"testing"
	"time"

	"steg/tests/load/link"
)

const ms = time.Millisecond

// drain receives everything that arrives until a time.
func drain(l *link.Link, until time.Duration) []link.Delivery {
	var list []link.Delivery
	for {
		at, ok := l.Next()
		if !ok || at > until {
			return list
		}
		if d, ok := l.Receive(at); ok {
			list = append(list, d)
		}
	}
}

func TestTimes(t *testing.T) {
	for _, test := range []struct {
		name   string
		config link.Config
		want   []time.Duration // arrivals of packets of 1000 bytes sent at 0, 0, 0, 5 ms
	}{
		{"no limit", link.Config{Delay: 7 * ms}, []time.Duration{7 * ms, 7 * ms, 7 * ms, 12 * ms}},
		{"8 Mbit/s", link.Config{Rate: 8_000_000, Delay: 10 * ms}, []time.Duration{11 * ms, 12 * ms, 13 * ms, 16 * ms}},
		{"overhead", link.Config{Rate: 8_000_000, Overhead: 1000}, []time.Duration{2 * ms, 4 * ms, 6 * ms, 8 * ms}},
		{"short queue", link.Config{Rate: 8_000_000, QueueBytes: 2000}, []time.Duration{1 * ms, 2 * ms, 6 * ms}},
		{"queue by time", link.Config{Rate: 800_000, QueueTime: 25 * ms}, []time.Duration{10 * ms, 20 * ms}},
		{"step", link.Config{Rate: 8_000_000, Steps: []link.Step{{At: 2 * ms, Rate: 800_000}}}, []time.Duration{1 * ms, 2 * ms, 12 * ms, 22 * ms}},
		{"policer", link.Config{Rate: 800_000, Policer: true, QueueBytes: 3000}, []time.Duration{0, 0, 0}},
		{"all lost", link.Config{Loss: 1}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := link.New(test.config)
			for i, at := range []time.Duration{0, 0, 0, 5 * ms} {
				l.Send(at, link.Packet{Seq: uint64(i), Size: 1000})
			}
			var got []time.Duration
			for _, d := range drain(l, time.Hour) {
				got = append(got, d.At)
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("arrivals %v, want %v", got, test.want)
			}
			if st := l.Stats(); st.Sent != 4 || st.Delivered+st.Lost+st.Overflowed != 4 {
				t.Errorf("%+v", st)
			}
		})
	}
}

func TestJitterAndLoss(t *testing.T) {
	for _, reorder := range []bool{false, true} {
		l := link.New(link.Config{Delay: 50 * ms, Jitter: 30 * ms, Reorder: reorder, Loss: 0.1, Seed: 5})
		for i := range 2000 {
			l.Send(time.Duration(i)*ms, link.Packet{Seq: uint64(i)})
		}
		got := drain(l, time.Hour)
		if n := len(got); n < 1740 || n > 1860 {
			t.Errorf("%d of 2000 at 10 %% loss", n)
		}
		overtaken := 0
		for i, d := range got {
			if w := d.At - d.Sent; w < 50*ms || w > 80*ms {
				t.Fatalf("%v under way", w)
			}
			if i > 0 && d.Seq < got[i-1].Seq {
				overtaken++
			}
		}
		if reorder != (overtaken > 0) {
			t.Errorf("reorder %v: %d overtaken", reorder, overtaken)
		}
	}
}

// TestTCP checks that the competing flow fills the link, and its queue.
func TestTCP(t *testing.T) {
	l := link.New(link.Config{Rate: 4_000_000, Delay: 30 * ms, QueueTime: 100 * ms})
	flow := link.NewTCP(l, 1, 30*ms)
	longest := time.Duration(0)
	for now := time.Duration(0); now < 20*time.Second; now += ms {
		for {
			d, ok := l.Receive(now)
			if !ok {
				break
			}
			flow.Deliver(d)
			longest = max(longest, d.Queued)
		}
		flow.Advance(now)
	}
	if rate := flow.Bytes() * 8 / 20; rate < 3_500_000 || rate > 4_000_000 {
		t.Errorf("%d bit/s of 4 Mbit/s", rate)
	}
	if longest < 80*ms || l.Stats().Overflowed == 0 {
		t.Errorf("queue %v, %+v", longest, l.Stats())
	}
}

// TestRelay sends datagrams through a relay and back, in real time.
func TestRelay(t *testing.T) {
	target, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer target.Close()
	go func() { // answers until it is closed
		buf := make([]byte, 2000)
		for {
			n, from, err := target.ReadFromUDPAddrPort(buf)
			if err != nil {
				return
			}
			_, _ = target.WriteToUDPAddrPort(buf[:n], from)
		}
	}()
	r, err := link.NewRelay(target.LocalAddr().(*net.UDPAddr).AddrPort(),
		link.Config{Rate: 8_000_000, Delay: 10 * ms}, link.Config{Delay: 15 * ms})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	c, err := net.Dial("udp", r.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	start := time.Now()
	_ = c.SetReadDeadline(start.Add(10 * time.Second))
	for i := range 10 {
		if _, err := c.Write(append(make([]byte, 999), byte(i))); err != nil {
			t.Fatal(err)
		}
	}
	buf := make([]byte, 2000)
	for i := range 10 {
		n, err := c.Read(buf)
		if err != nil || n != 1000 || buf[999] != byte(i) {
			t.Fatalf("answer %d: %d bytes, %v", i, n, err)
		}
	}
	if took := time.Since(start); took < 35*ms {
		t.Errorf("ten packets there and back in %v", took)
	}
	if up, down := r.Stats(); up.Delivered != 10 || down.Delivered != 10 {
		t.Errorf("%+v, %+v", up, down)
	}
}
