package transport

import (
	"bytes"
	"math/rand/v2"
	"testing"
	"time"
)

var noDeadline time.Time

func TestSegmentation(t *testing.T) {
	for _, c := range []struct {
		name  string
		setup func(*Batch, *Transport)
		calls uint64 // most
		plain bool   // afterwards segmentation is off for the path
	}{
		{name: "GSO", calls: 1},
		{name: "refused", calls: 100, plain: true, setup: func(b *Batch, _ *Transport) {
			b.out.refuse = true
		}},
		{name: "off for the path", calls: 2, plain: true, setup: func(_ *Batch, t *Transport) {
			t.path.Load().noGSO.Store(true)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newTestMux(t, testConfig())
			tr, peer := newTestTransport(t, m, Options{Controlling: true})
			cl := newClient(t, loopback4)
			cl.connect(tr, peer)
			eventually(t, "selection", tr.Ready)
			b := m.NewBatch()
			if c.setup != nil {
				c.setup(b, tr)
			}
			before := m.Stats()
			// Sizes of a frame: equal ones, a shorter last one, and again.
			var want [][]byte
			for i := range 60 {
				size := 1000
				if i%10 == 9 {
					size = 300 + i
				}
				want = append(want, plainRTP(t, 3, uint16(i), size))
				push(t, b, tr, want[i])
			}
			b.Flush()
			after := m.Stats()
			if n := after.SendCalls - before.SendCalls; n > c.calls {
				t.Errorf("%d system calls", n)
			}
			if after.DropSend != 0 || after.DropUnselected != 0 {
				t.Errorf("drops: %+v", after)
			}
			if tr.path.Load().noGSO.Load() != c.plain {
				t.Error("the path does not remember")
			}
			for i := range want {
				if got := cl.expectRTP(); !bytes.Equal(got, want[i]) {
					t.Fatalf("packet %d changed or is out of order", i)
				}
			}
		})
	}
}

// A batch that outgrows its arena sends early and loses nothing.
func TestBatchOverflow(t *testing.T) {
	m := newTestMux(t, testConfig())
	tr, _ := newTestTransport(t, m, Options{})
	b := m.NewBatch()
	for range maxEntries + 10 {
		buf := b.Reserve()
		if len(buf) != slotSize || cap(buf) != slotSize {
			t.Fatal("size of a buffer")
		}
		b.Commit(tr, 1400)
	}
	b.Flush()
	if got := m.Stats().DropUnselected; got != maxEntries+10 {
		t.Errorf("%d of %d packets", got, maxEntries+10)
	}
	if len(b.chunks) > maxChunks {
		t.Errorf("%d chunks", len(b.chunks))
	}
}

// A transport may take over the index of one that closed with packets in a
// batch.
func TestBatchIndexReuse(t *testing.T) {
	m := newTestMux(t, testConfig())
	tr, _ := newTestTransport(t, m, Options{})
	b := m.NewBatch()
	b.Reserve()
	b.Commit(tr, 100)
	tr.Close()
	next, peer := newTestTransport(t, m, Options{Controlling: true})
	c := newClient(t, loopback4)
	c.connect(next, peer)
	eventually(t, "selection", next.Ready)
	push(t, b, next, plainRTP(t, 1, 1, 10))
	b.Flush()
	c.expectRTP()
	if got := m.Stats().DropUnselected; got != 1 {
		t.Errorf("%d packets of the closed transport", got)
	}
}

// loop connects a client whose packets come back to the caller.
func loop(tb testing.TB) (*Mux, *Transport, *client, *fakePeer) {
	m := newTestMux(tb, testConfig())
	tr, peer := newTestTransport(tb, m, Options{Controlling: true})
	c := newClient(tb, loopback4)
	c.connect(tr, peer)
	eventually(tb, "selection", tr.Ready)
	return m, tr, c, peer
}

func TestAllocations(t *testing.T) {
	m, tr, c, _ := loop(t)
	b := m.NewBatch()
	plain := plainRTP(t, 3, 0, 1000)
	ctl := plainRTCP(t, 3)
	seq := uint16(0)
	send := func() {
		for range 10 {
			buf := b.Reserve()
			n := copy(buf, plain)
			seq++
			buf[2], buf[3] = byte(seq>>8), byte(seq)
			n, err := tr.EncryptRTP(buf, n)
			if err != nil {
				t.Fatal(err)
			}
			b.Commit(tr, n)
		}
		buf := b.Reserve()
		n, err := tr.EncryptRTCP(buf, copy(buf, ctl))
		if err != nil {
			t.Fatal(err)
		}
		b.Commit(tr, n)
		b.Flush()
	}
	send()
	if n := testing.AllocsPerRun(50, send); n > 0.5 { // the client's goroutines allocate too
		if n = lonelyAllocations(send, c); n > 0 {
			t.Errorf("%v allocations per batch out", n)
		}
	}
	var in [2100][]byte
	for i := range in {
		p := plainRTP(t, 77, uint16(i), 900)
		in[i], _ = c.keys.out.EncryptRTP(nil, p, nil)
	}
	i := 0
	if n := testing.AllocsPerRun(2000, func() {
		if _, err := tr.DecryptRTP(in[i]); err != nil {
			t.Fatal(err)
		}
		i++
	}); n > 0 {
		t.Errorf("%v allocations per packet in", n)
	}
}

// lonelyAllocations measures again with the client gone.
func lonelyAllocations(f func(), c *client) float64 {
	c.close()
	return testing.AllocsPerRun(50, f)
}

// BenchmarkFlush sends runs of a frame's packets to one receiver: encryption
// left out, the kernel's receiving side included. ns/op is per packet.
func BenchmarkFlush(b *testing.B) {
	m, tr, _, _ := loop(b)
	batch := m.NewBatch()
	for _, run := range []int{1, 10, 50} {
		b.Run("run "+string(rune('0'+run/10))+string(rune('0'+run%10)), func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; i < b.N; i += run {
				for range run {
					batch.Reserve()[0] = 0x40 // nobody's packet
					batch.Commit(tr, 1100)
				}
				batch.Flush()
			}
		})
	}
}

// BenchmarkForward is the whole way of a packet out.
func BenchmarkForward(b *testing.B) {
	m, tr, _, _ := loop(b)
	batch := m.NewBatch()
	plain := plainRTP(b, 3, 0, 1080)
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		buf := batch.Reserve()
		n := copy(buf, plain)
		buf[2], buf[3] = byte(i>>8), byte(i)
		n, err := tr.EncryptRTP(buf, n)
		if err != nil {
			b.Fatal(err)
		}
		batch.Commit(tr, n)
		if i%10 == 9 {
			batch.Flush()
		}
	}
	batch.Flush()
}

// Many packets of all sizes to several receivers in one flush arrive whole
// and in order.
func TestBatchMixedSizes(t *testing.T) {
	m := newTestMux(t, testConfig())
	var transports [3]*Transport
	var clients [3]*client
	var want [3][][]byte
	for i := range transports {
		var peer *fakePeer
		transports[i], peer = newTestTransport(t, m, Options{Controlling: true})
		clients[i] = newClient(t, loopback4)
		if err := clients[i].sock.SetReadBuffer(4 << 20); err != nil {
			t.Fatal(err)
		}
		clients[i].connect(transports[i], peer)
		eventually(t, "selection", transports[i].Ready)
	}
	r := rand.New(rand.NewPCG(3, 4))
	b := m.NewBatch()
	size := 100
	for n := range 1500 {
		if r.IntN(4) == 0 {
			size = r.IntN(1200)
		}
		i := r.IntN(len(transports))
		want[i] = append(want[i], plainRTP(t, 3, uint16(n), size))
		push(t, b, transports[i], want[i][len(want[i])-1])
	}
	before := m.Stats()
	b.Flush()
	after := m.Stats()
	if sent := after.DatagramsOut - before.DatagramsOut; after.DropSend != 0 || sent < 1500 {
		t.Errorf("%d sent, %d dropped", sent, after.DropSend)
	}
	for i := range clients {
		for j := range want[i] {
			if got := clients[i].expectRTP(); !bytes.Equal(got, want[i][j]) {
				t.Fatalf("receiver %d: packet %d changed or is out of order", i, j)
			}
		}
	}
}
