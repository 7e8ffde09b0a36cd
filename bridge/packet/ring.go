package packet

import (
	"sync"
	"time"
)

// Limits of a ring's start and index size.
const (
	ringFirstBytes   = 16 << 10
	ringFirstEntries = 32
)

// Ring keeps the recent packets of one encoding, byte by byte behind each
// other, so that a thumbnail costs kilobytes and a 1080p stream what a second
// of it is worth. It grows when packets younger than its age limit would not
// fit, up to its byte limit, and Trim gives memory back. Safe for concurrent
// use: a mutex that is held for the copy of one packet, and takes no other.
type Ring struct {
	maxAge   time.Duration // set once
	maxBytes int

	mu      sync.Mutex
	buf     []byte
	tail    int     // where the next packet goes
	entries []entry // circular, power of two long
	first   int     // position of the oldest
	count   int
	used    int     // bytes of all packets
	index   []int32 // seq & mask -> position in entries, power of two long
}

// entry is a Packet without its bytes, fields ordered to be small.
type entry struct {
	seq, ts                   uint64
	structure                 *Structure
	arrival                   time.Duration
	timestamp, ssrc           uint32
	offset                    int32
	pictureID                 int32
	targets                   uint32
	size                      uint16
	headerLen                 uint16
	extStart, extEnd, extProf uint16
	seqNumber                 uint16
	width, height             uint16
	tl0                       int16
	descriptor                uint16
	padding                   uint8
	pt                        uint8
	kind                      Kind
	codec                     Codec
	encoding, tid, sid        int8
	level                     uint8
	flags                     uint16
}

// Bits of entry.flags.
const (
	flagMarker = 1 << iota
	flagStart
	flagEnd
	flagKeyframe
	flagLayered
	flagLongID
	flagHasLevel
	flagVoice
	flagDescribed
)

// NewRing returns an empty ring. It holds no buffer until the first Put.
func NewRing(maxAge time.Duration, maxBytes int) *Ring {
	return &Ring{maxAge: maxAge, maxBytes: maxBytes}
}

// Put copies p into the ring and drops what has become too old by p's
// arrival. A packet larger than the ring's limit is not kept.
func (r *Ring) Put(p *Packet) {
	size := len(p.Raw)
	if size == 0 || size > r.maxBytes || size > MaxDatagram {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.evictOld(p.Arrival)
	offset := r.place(size)
	if r.count == len(r.entries) {
		r.growEntries()
	}
	at := (r.first + r.count) & (len(r.entries) - 1)
	r.count++
	r.used += size
	r.entries[at].store(p, offset)
	r.index[p.Seq&uint64(len(r.index)-1)] = int32(at)
	copy(r.buf[offset:], p.Raw)
	r.tail = offset + size
}

// Get copies the packet with 64-bit sequence number seq into dst. p.Raw is the
// written part of dst. It fails when the packet is not (or no more) there or
// dst is too short.
func (r *Ring) Get(seq uint64, dst []byte) (p Packet, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.find(seq)
	if e == nil || len(dst) < int(e.size) {
		return Packet{}, false
	}
	e.load(&p)
	p.Raw = dst[:copy(dst, r.buf[e.offset:int(e.offset)+int(e.size)])]
	return p, true
}

// Newest returns the sequence number of the packet put last.
func (r *Ring) Newest() (seq uint64, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.count == 0 {
		return 0, false
	}
	return r.entries[(r.first+r.count-1)&(len(r.entries)-1)].seq, true
}

// Trim drops packets that are too old at now and returns memory that is much
// more than what is left needs. Housekeeping calls it about once a second.
func (r *Ring) Trim(now time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.evictOld(now)
	if r.count == 0 {
		r.buf, r.entries, r.index, r.first, r.tail = nil, nil, nil, 0, 0
		return
	}
	if len(r.buf) > ringFirstBytes && r.used < len(r.buf)/4 {
		r.resize(len(r.buf) / 2)
	}
}

// Bytes returns the memory that the packets' buffer takes.
func (r *Ring) Bytes() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.buf)
}

func (r *Ring) find(seq uint64) *entry {
	if r.count == 0 {
		return nil
	}
	at := int(r.index[seq&uint64(len(r.index)-1)])
	if e := &r.entries[at]; e.seq == seq && (at-r.first)&(len(r.entries)-1) < r.count {
		return e
	}
	return nil
}

func (r *Ring) evictOld(now time.Duration) {
	for r.count > 0 && now-r.entries[r.first].arrival > r.maxAge {
		r.evict()
	}
}

func (r *Ring) evict() {
	r.used -= int(r.entries[r.first].size)
	r.first = (r.first + 1) & (len(r.entries) - 1)
	r.count--
}

// place finds size free bytes in one piece behind the newest packet, or at
// the start of the buffer, and makes room by growing or else by dropping the
// oldest. Packets never wrap around the end.
func (r *Ring) place(size int) int {
	for {
		if r.count == 0 && size <= len(r.buf) {
			return 0
		}
		if r.count > 0 {
			head := int(r.entries[r.first].offset)
			switch {
			case r.tail <= head: // wrapped: strictly less, so that equal never means full
				if r.tail+size < head {
					return r.tail
				}
			case r.tail+size <= len(r.buf):
				return r.tail
			case size < head:
				return 0
			}
		}
		if len(r.buf) < r.maxBytes {
			r.resize(min(r.maxBytes, max(len(r.buf)+len(r.buf)/4, ringFirstBytes)))
		} else {
			r.evict()
		}
	}
}

// resize moves the packets into a buffer of another size that holds them.
func (r *Ring) resize(size int) {
	buf := make([]byte, size)
	r.tail = 0
	for i := range r.count {
		e := &r.entries[(r.first+i)&(len(r.entries)-1)]
		copy(buf[r.tail:], r.buf[e.offset:int(e.offset)+int(e.size)])
		e.offset = int32(r.tail)
		r.tail += int(e.size)
	}
	r.buf = buf
}

// growEntries doubles the table of packets. The index is twice as long, so
// that packets whose numbers are apart by some lost ones do not share a slot.
func (r *Ring) growEntries() {
	entries := make([]entry, max(2*len(r.entries), ringFirstEntries))
	r.index = make([]int32, 2*len(entries))
	for i := range r.count {
		entries[i] = r.entries[(r.first+i)&(len(r.entries)-1)]
		r.index[entries[i].seq&uint64(len(r.index)-1)] = int32(i)
	}
	r.entries, r.first = entries, 0
}

func (e *entry) store(p *Packet, offset int) {
	*e = entry{
		seq: p.Seq, ts: p.TS, arrival: p.Arrival,
		timestamp: p.Timestamp, ssrc: p.SSRC, offset: int32(offset), pictureID: p.Frame.PictureID,
		size: uint16(len(p.Raw)), headerLen: uint16(p.HeaderLen),
		extStart: uint16(p.ExtStart), extEnd: uint16(p.ExtEnd), extProf: p.ExtProfile,
		seqNumber: p.SequenceNumber, width: p.Frame.Width, height: p.Frame.Height,
		tl0: p.Frame.TL0, descriptor: uint16(p.Frame.Descriptor), padding: uint8(p.Padding),
		pt: p.PayloadType, kind: p.Kind, codec: p.Codec,
		targets: p.Frame.Targets, structure: p.Frame.Structure,
		encoding: int8(p.Encoding), tid: p.Frame.TID, sid: p.Frame.SID, level: p.Level,
		flags: flag(p.Marker, flagMarker) | flag(p.Frame.Start, flagStart) | flag(p.Frame.End, flagEnd) |
			flag(p.Frame.Keyframe, flagKeyframe) | flag(p.Frame.Layered, flagLayered) |
			flag(p.Frame.LongID, flagLongID) | flag(p.HasLevel, flagHasLevel) | flag(p.Voice, flagVoice) |
			flag(p.Frame.Described, flagDescribed),
	}
}

func (e *entry) load(p *Packet) {
	*p = Packet{
		Header: Header{
			Marker: e.flags&flagMarker != 0, PayloadType: e.pt, SequenceNumber: e.seqNumber,
			Timestamp: e.timestamp, SSRC: e.ssrc, HeaderLen: int(e.headerLen), Padding: int(e.padding),
			ExtProfile: e.extProf, ExtStart: int(e.extStart), ExtEnd: int(e.extEnd),
		},
		Kind: e.kind, Codec: e.codec, Encoding: int(e.encoding), Seq: e.seq, TS: e.ts, Arrival: e.arrival,
		Frame: Frame{
			Start: e.flags&flagStart != 0, End: e.flags&flagEnd != 0, Keyframe: e.flags&flagKeyframe != 0,
			Layered: e.flags&flagLayered != 0, LongID: e.flags&flagLongID != 0,
			TID: e.tid, SID: e.sid, PictureID: e.pictureID, TL0: e.tl0,
			Descriptor: int(e.descriptor), Width: e.width, Height: e.height,
			Described: e.flags&flagDescribed != 0, Targets: e.targets, Structure: e.structure,
		},
		Level: e.level, HasLevel: e.flags&flagHasLevel != 0, Voice: e.flags&flagVoice != 0,
	}
}

func flag(on bool, bit uint16) uint16 {
	if on {
		return bit
	}
	return 0
}
