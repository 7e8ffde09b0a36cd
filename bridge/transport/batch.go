package transport

import (
	"sync/atomic"

	"golang.org/x/sys/unix"

	"steg/bridge/packet"
)

const (
	slotSize   = packet.MaxDatagram + Overhead
	chunkSize  = 256 << 10
	maxChunks  = 24 // 6 MiB: ten packets of a frame to 500 receivers
	maxEntries = 8192
)

// entry is one packet of a batch.
type entry struct {
	base *byte
	n    uint32
	next int32 // the next packet of the same run, -1: none
}

// run is the packets of a batch for one transport, in their order.
type run struct {
	t           *Transport
	path        *path // where to, read once at Flush
	first, last int32
	count       int
}

// head finds a transport's run by the transport's index; it counts only if
// its pass is the batch's.
type head struct {
	pass uint32
	run  int32
}

// Batch collects what one pass over arrived packets sends, so that each
// receiver's packets leave together. It belongs to one goroutine. The arena
// grows to what a pass needs and stays.
type Batch struct {
	mux    *Mux
	socket int // which of the sockets of each address is used

	chunks [][]byte // the arena
	chunk  int      // being filled
	used   int      // bytes of it

	entries []entry
	runs    []run
	heads   []head
	pass    uint32

	out sender
}

// NewBatch makes a batch for a goroutine that is not a reader.
func (m *Mux) NewBatch() *Batch {
	b := &Batch{mux: m, socket: int(m.batches.Add(1) - 1), pass: 1}
	b.out.init(m)
	return b
}

// Reserve returns a buffer for one packet: packet.MaxDatagram + Overhead
// bytes. It is the caller's until Commit or the next Reserve, which may
// return the same one.
func (b *Batch) Reserve() []byte {
	if len(b.entries) == maxEntries {
		b.Flush()
	}
	if b.chunk == len(b.chunks) {
		b.chunks = append(b.chunks, make([]byte, chunkSize))
	}
	if b.used+slotSize > chunkSize {
		if b.chunk+1 == maxChunks {
			b.Flush()
		} else {
			b.chunk, b.used = b.chunk+1, 0
			if b.chunk == len(b.chunks) {
				b.chunks = append(b.chunks, make([]byte, chunkSize))
			}
		}
	}
	return b.chunks[b.chunk][b.used : b.used+slotSize : b.used+slotSize]
}

// Commit sends the first n bytes of the buffer that Reserve returned last to
// t's selected address at the next Flush.
func (b *Batch) Commit(t *Transport, n int) {
	if n <= 0 || n > slotSize || b.chunk >= len(b.chunks) {
		return
	}
	i := int32(len(b.entries))
	b.entries = append(b.entries, entry{base: &b.chunks[b.chunk][b.used], n: uint32(n), next: -1})
	b.used += (n + 63) &^ 63 // packets start on cache lines
	if int(t.index) >= len(b.heads) {
		b.heads = append(b.heads, make([]head, int(t.index)+64-len(b.heads))...)
	}
	h := &b.heads[t.index]
	if h.pass == b.pass && b.runs[h.run].t == t {
		r := &b.runs[h.run]
		b.entries[r.last].next = i
		r.last = i
		r.count++
		return
	}
	*h = head{pass: b.pass, run: int32(len(b.runs))}
	b.runs = append(b.runs, run{t: t, first: i, last: i, count: 1})
}

// Flush sends everything and empties the arena.
func (b *Batch) Flush() {
	if len(b.runs) == 0 {
		b.chunk, b.used = 0, 0
		return
	}
	unselected := 0
	var addrs uint64 // set of local addresses that are used
	for i := range b.runs {
		r := &b.runs[i]
		if r.path = r.t.path.Load(); r.path == nil {
			unselected += r.count
			continue
		}
		addrs |= 1 << (r.path.local.index & 63)
	}
	if unselected > 0 {
		b.mux.count.dropUnselected.Add(uint64(unselected))
	}
	for _, la := range b.mux.addrs {
		if addrs>>(la.index&63)&1 == 0 {
			continue
		}
		b.out.begin(la.sockets[b.socket%len(la.sockets)])
		for i := range b.runs {
			if p := b.runs[i].path; p != nil && p.local == la {
				b.out.add(&b.runs[i], b.entries)
			}
		}
		b.out.end()
	}
	clear(b.runs) // no transport outlives its pass here
	b.runs, b.entries = b.runs[:0], b.entries[:0]
	b.chunk, b.used = 0, 0
	if b.pass++; b.pass == 0 {
		clear(b.heads)
		b.pass = 1
	}
}

// path is where a transport sends to: replaced as a whole, immutable but for
// what was learnt about the route.
type path struct {
	key   remoteKey
	local *localAddr
	sa    unix.RawSockaddrInet6
	saLen uint32
	noGSO atomic.Bool // segmentation failed on this route
}
