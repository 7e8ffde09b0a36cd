package ingress

import (
	"math/bits"
	"slices"
	"time"

	"steg/bridge/packet"
)

// Point is one operating point of an encoding whose packets tell their
// spatial layer: what a receiver gets that is sent everything it needs.
type Point struct {
	SID, TID int8
	Height   int   // smaller side of the picture
	Bitrate  int64 // bit/s over about the last second, with all it depends on
	Active   bool
}

// scheme is how the packets of a stream describe layers.
type scheme uint8

const (
	temporalOnly scheme = iota
	vp9Layers
	described // dependency descriptor
)

func schemeOf(p *packet.Packet) scheme {
	switch {
	case p.Frame.Described:
		return described
	case p.Codec == packet.CodecVP9 && p.Frame.SID >= 0:
		return vp9Layers
	}
	return temporalOnly
}

// points is what a stream knows of its spatial layers.
type points struct {
	layering  packet.Layering
	scheme    scheme
	structure *packet.Structure // newest that was published
	active    uint32
	layers    int              // VP9: number of spatial layers told last
	sids      uint8            // spatial layers being received
	at        [8]time.Duration // when each was last received
}

// note takes the facts of a packet. It tells whether operating points came,
// went or changed.
func (o *points) note(p *packet.Packet) (changed bool) {
	f := &p.Frame
	if s := schemeOf(p); s != o.scheme {
		*o = points{layering: o.layering, scheme: s}
		changed = true
	}
	switch o.scheme {
	case described:
		s, active := o.layering.Structure()
		changed = changed || s != o.structure || active != o.active
		o.structure, o.active = s, active
	case vp9Layers:
		if n := int(f.Depends.Layers); n > 0 && n != o.layers {
			o.layers, changed = n, true
			o.sids &= 1<<n - 1
		}
	case temporalOnly:
		return changed
	}
	if f.SID >= 0 {
		sid := min(f.SID, 7)
		changed = changed || o.sids&(1<<sid) == 0
		o.sids |= 1 << sid
		o.at[sid] = p.Arrival
	}
	return changed
}

// measured is the mask of operating points that a packet counts for.
func (o *points) measured(f *packet.Frame) uint32 {
	switch {
	case o.scheme == temporalOnly:
		return 0
	case o.scheme == vp9Layers && o.sids < 0x80:
		return f.Targets & (1<<(4*bits.Len8(o.sids)) - 1)
	}
	return f.Targets
}

// expire forgets spatial layers that have not been received for a while,
// although the stream went on. It tells whether there were any.
func (o *points) expire(newest time.Duration) bool {
	before := o.sids
	for sid := range o.at {
		if o.sids&(1<<sid) != 0 && newest-o.at[sid] > encodingPause {
			o.sids &^= 1 << sid
		}
	}
	return o.sids != before
}

// list returns the operating points, lowest quality first, without their
// rates; nominal is the height of the highest spatial layer if none was told.
// index holds the bit of each in Frame.Targets.
func (o *points) list(tids uint8, nominal int) (list []Point, index []int) {
	switch {
	case o.scheme == vp9Layers:
		n := max(o.layers, bits.Len8(o.sids))
		for sid := range n {
			for tid := range max(bits.Len8(tids), 1) {
				list = append(list, Point{
					SID: int8(sid), TID: int8(tid), Active: o.sids&(1<<sid) != 0,
					Height: heightOf(o.layering.Spatial(), sid, n, nominal),
				})
			}
		}
		for _, p := range list {
			index = append(index, int(packet.VP9Point(p.SID, p.TID)))
		}
	case o.scheme == described && o.structure != nil:
		for i := range o.structure.Targets {
			index = append(index, i)
		}
		targets := o.structure.Targets
		slices.SortStableFunc(index, func(a, b int) int {
			return 8*int(targets[a].SID-targets[b].SID) + int(targets[a].TID-targets[b].TID)
		})
		n := int(targets[index[len(index)-1]].SID) + 1
		for _, i := range index {
			t := targets[i]
			list = append(list, Point{
				SID: t.SID, TID: t.TID, Active: o.active>>i&1 != 0 && o.sids&(1<<t.SID) != 0,
				Height: heightOf(o.structure.Sizes, int(t.SID), n, nominal),
			})
		}
	}
	return list, index
}

// heightOf is the height of one of n spatial layers. Where it was not told,
// each is half as high as the next.
func heightOf(sizes []packet.Size, sid, n, nominal int) int {
	if sid < len(sizes) {
		if h := int(min(sizes[sid].Width, sizes[sid].Height)); h > 0 {
			return h
		}
	}
	return nominal >> (n - 1 - sid)
}
