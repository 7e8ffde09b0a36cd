package transport

import (
	"maps"
	"sync"
	"sync/atomic"
)

// bindingShards bounds the cost of one change: it copies one shard.
const bindingShards = 256

// maxBound is how many remote addresses a transport may hold. Clients use a
// handful; more would let one peer fill the table.
const maxBound = 16

// bindings says which transport a remote address belongs to. Readers look
// up in immutable maps without a lock; a change replaces the map of one
// shard.
//
// An address that nobody holds is bound by the first authenticated check
// that came from it. One that another transport holds moves only once the
// new transport's own check to that address was answered: a sender can forge
// the first, not the second.
type bindings struct {
	shards [bindingShards]atomic.Pointer[map[remoteKey]*Transport]

	mu sync.Mutex // writers; also guards Transport.bound and Transport.unbound
}

func shardOf(k remoteKey) uint8 {
	h := uint32(k.port) ^ uint32(k.lo) ^ uint32(k.lo>>32) ^ uint32(k.hi)
	h ^= h >> 16
	return uint8(h ^ h>>8)
}

// get is the transport that k is bound to, or nil.
func (b *bindings) get(k remoteKey) *Transport {
	m := b.shards[shardOf(k)].Load()
	if m == nil {
		return nil
	}
	return (*m)[k]
}

// bind gives k to t. Without take it leaves an address alone that another
// transport holds.
func (b *bindings) bind(k remoteKey, t *Transport, take bool) {
	if b.get(k) == t {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if t.unbound {
		return
	}
	old := b.get(k)
	if old == t || (old != nil && !take) {
		return
	}
	if old != nil {
		old.forget(k)
	}
	if len(t.bound) >= maxBound {
		b.evict(t)
	}
	t.bound = append(t.bound, k)
	b.put(k, t)
}

// evict drops t's oldest address that it does not send to.
func (b *bindings) evict(t *Transport) {
	p := t.path.Load()
	for _, k := range t.bound {
		if p == nil || p.key != k {
			t.forget(k)
			b.put(k, nil)
			return
		}
	}
}

// release frees all addresses of t for good.
func (b *bindings) release(t *Transport) {
	b.mu.Lock()
	defer b.mu.Unlock()
	t.unbound = true
	for _, k := range t.bound {
		b.put(k, nil)
	}
	t.bound = nil
}

// put replaces k's shard. The caller holds mu.
func (b *bindings) put(k remoteKey, t *Transport) {
	shard := &b.shards[shardOf(k)]
	var next map[remoteKey]*Transport
	if old := shard.Load(); old != nil {
		next = maps.Clone(*old)
	} else {
		next = make(map[remoteKey]*Transport)
	}
	if t == nil {
		delete(next, k)
	} else {
		next[k] = t
	}
	shard.Store(&next)
}

// forget takes k off the list of t's addresses. The caller holds
// bindings.mu.
func (t *Transport) forget(k remoteKey) {
	for i, have := range t.bound {
		if have == k {
			t.bound = append(t.bound[:i], t.bound[i+1:]...)
			return
		}
	}
}
