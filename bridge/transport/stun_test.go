package transport

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/sys/unix"
)

// binding is a binding request with a user name and nothing else; "" leaves
// the name out.
func binding(username string) []byte {
	b := make([]byte, stunHeader)
	binary.BigEndian.PutUint16(b, stunBindingRequest)
	binary.BigEndian.PutUint32(b[4:], stunCookie)
	copy(b[8:], "transaction!")
	if username != "" {
		b = binary.BigEndian.AppendUint16(b, stunUsername)
		b = binary.BigEndian.AppendUint16(b, uint16(len(username)))
		b = append(b, username...)
		for len(b)%4 != 0 {
			b = append(b, 0)
		}
	}
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)-stunHeader))
	return b
}

func TestParseSTUN(t *testing.T) {
	for _, c := range []struct {
		name, username string
		mangle         func([]byte) []byte
		ok             bool
	}{
		{name: "request", username: "abcd:efgh", ok: true},
		{name: "padded name", username: "abcde:f", ok: true},
		{name: "without name", ok: true},
		{name: "wrong cookie", mangle: func(b []byte) []byte { b[4]++; return b }},
		{name: "cut off", username: "abcd:efgh", mangle: func(b []byte) []byte { return b[:len(b)-4] }},
		{name: "too long", username: "abcd:efgh", mangle: func(b []byte) []byte { return append(b, 0, 0, 0, 0) }},
		{name: "attribute over the end", username: "abcd:efgh", mangle: func(b []byte) []byte { b[23] = 200; return b }},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := binding(c.username)
			if c.mangle != nil {
				b = c.mangle(b)
			}
			m, ok := parseSTUN(b)
			if ok != c.ok || (ok && string(m.username) != c.username) {
				t.Errorf("%v %q", ok, m.username)
			}
		})
	}
}

func TestRequestRate(t *testing.T) {
	d := directory{ufrags: map[string]*agent{}, transactions: map[transactionID]transaction{}}
	a := &agent{ufrag: "u"}
	d.register(a)
	passed := 0
	for range 2 * stunBurst {
		if _, ok := d.request([]byte("u:x"), remoteKey{}, 0); ok {
			passed++
		}
	}
	if passed != stunBurst {
		t.Errorf("%d passed at once", passed)
	}
	if _, ok := d.request([]byte("u:x"), remoteKey{}, time.Second); !ok {
		t.Error("nothing passes later")
	}
	for i := range maxRemotes {
		d.authenticated(a, remoteKey{port: uint16(i)})
	}
	if _, ok := d.request([]byte("u:x"), remoteKey{port: 1}, time.Hour); !ok {
		t.Error("a known address does not pass")
	}
	if _, ok := d.request([]byte("u:x"), remoteKey{port: 9999}, time.Hour); ok {
		t.Error("there is no limit of addresses")
	}
}

func TestTransactions(t *testing.T) {
	d := directory{ufrags: map[string]*agent{}, transactions: map[transactionID]transaction{}}
	a := &agent{ufrag: "u"}
	d.register(a)
	conn, here, there := &agentConn{agent: a}, remoteKey{port: 1}, remoteKey{port: 2}
	for i := range 3 * maxTransactions {
		d.expect(transactionID{byte(i), byte(i >> 8)}, transaction{conn: conn, to: here, at: time.Duration(i) * time.Second})
	}
	if len(d.transactions) != maxTransactions {
		t.Errorf("%d transactions kept", len(d.transactions))
	}
	n := 3*maxTransactions - 1
	last := transactionID{byte(n), byte(n >> 8)}
	if _, ok := d.answer(last, there); ok {
		t.Error("answered from elsewhere")
	}
	if _, ok := d.answer(last, here); !ok {
		t.Error("not answered")
	}
	if _, ok := d.answer(last, here); ok {
		t.Error("answered twice")
	}
	d.remove(a)
	d.expect(transactionID{9}, transaction{conn: conn, to: here})
	if len(d.transactions)+len(d.ufrags) != 0 {
		t.Error("something is left")
	}
}

func TestBindings(t *testing.T) {
	var b bindings
	a, c := &Transport{}, &Transport{}
	k := remoteKey{lo: 1, port: 7}
	b.bind(k, a, false)
	b.bind(k, c, false)
	if b.get(k) != a {
		t.Fatal("a check alone moved the address")
	}
	b.bind(k, c, true)
	if b.get(k) != c || len(a.bound) != 0 || len(c.bound) != 1 {
		t.Fatal("an answered check did not move the address")
	}
	b.release(a)
	if b.get(k) != c {
		t.Fatal("the old holder took the address along")
	}
	c.path.Store(&path{key: k})
	for i := range 10 * maxBound {
		b.bind(remoteKey{lo: uint64(i), port: 9}, c, false)
	}
	if len(c.bound) != maxBound || b.get(k) != c {
		t.Fatal("no limit, or the used address went")
	}
	b.release(c)
	b.bind(k, c, true)
	for i := range b.shards {
		if m := b.shards[i].Load(); m != nil && len(*m) != 0 {
			t.Fatal("something is left")
		}
	}
}

// FuzzDispatch sends arbitrary datagrams from strangers and from a bound
// address through the demultiplexer of a mux with one waiting transport.
func FuzzDispatch(f *testing.F) {
	f.Add([]byte{}, uint64(0), uint16(1))
	f.Add(binding("abcd:efgh"), uint64(1), uint16(2))
	f.Add(binding(""), uint64(1), uint16(2))
	f.Add([]byte{22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0}, uint64(5), uint16(5))
	f.Add([]byte{0x80, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0}, uint64(5), uint16(5))
	m, err := Listen(testConfig(), zerolog.Nop())
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = m.Close() })
	tr, err := m.NewTransport(Options{}, newPeer())
	if err != nil {
		f.Fatal(err)
	}
	ufrag := tr.Describe().Ufrag
	f.Add(binding(ufrag+":x"), uint64(5), uint16(5))
	bound := remoteKey{lo: mappedPrefix | 5, port: 5}
	m.bindings.bind(bound, tr, true)
	r := newReader(m, m.addrs[0], m.addrs[0].sockets[0])
	f.Fuzz(func(t *testing.T, b []byte, lo uint64, port uint16) {
		k := remoteKey{lo: mappedPrefix | lo&0xffffffff, port: port}
		sa, _ := k.sockaddr(true)
		if got := keyOfSockaddr(&sa, 0); got != k {
			t.Fatalf("address does not survive")
		}
		if keyOf(k.addrPort(), 0) != k {
			t.Fatalf("address does not survive")
		}
		r.handle(b, &sa, m.Now())
		// The same with the transport's own ufrag, which a peer knows.
		r.handle(append(binding(ufrag+":y"), b...), &unix.RawSockaddrInet6{Family: unix.AF_INET6}, m.Now())
		if m.bindings.get(k) != nil && k != bound {
			t.Fatal("a stranger was bound")
		}
	})
}

// BenchmarkDispatch is the way of a media datagram to its transport, with
// many addresses bound.
func BenchmarkDispatch(b *testing.B) {
	m, err := Listen(testConfig(), zerolog.Nop())
	if err != nil {
		b.Fatal(err)
	}
	defer m.Close()
	tr, err := m.NewTransport(Options{}, nopPeer{newPeer()})
	if err != nil {
		b.Fatal(err)
	}
	tr.keys.Store(&keys{})
	var names [4096]unix.RawSockaddrInet6
	for i := range names {
		k := remoteKey{lo: mappedPrefix | uint64(i*7919), port: uint16(i * 31)}
		m.bindings.put(k, tr)
		names[i], _ = k.sockaddr(true)
	}
	r := newReader(m, m.addrs[0], m.addrs[0].sockets[0])
	datagram := make([]byte, 1000)
	datagram[0] = 0x80
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		r.handle(datagram, &names[i%len(names)], 1)
	}
}

// nopPeer takes media and does nothing.
type nopPeer struct{ *fakePeer }

func (nopPeer) Media(*Batch, []byte, time.Duration) {}
