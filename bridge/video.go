package bridge

import (
	"slices"

	"steg/bridge/allocation"
	"steg/bridge/egress"
	"steg/bridge/ingress"
	"steg/bridge/message"
	"steg/bridge/packet"
)

// Which receiver gets which layer of which video source. allocate runs on the
// conference's queue, from the clock, at most once a tick however many reasons
// there were: constraints, speakers, sources, layers that came or went.

// allocate decides anew for every receiver and publishes what came of it.
func (c *Conference) allocate() {
	offered, sources := c.offeredVideo()
	greatest := make(map[*source]int, len(sources))
	opened := false
	for _, e := range c.order {
		if e.acceptsVideo.Load() && e.allocate(offered, sources, greatest) {
			opened = true
		}
	}
	if opened {
		c.publish()
	}
	for _, s := range sources {
		s.constrain(greatest[s])
	}
}

// offeredVideo lists the video sources in order of speech, as the allocation
// sees them. The two slices run parallel.
func (c *Conference) offeredVideo() ([]allocation.Source, []*source) {
	var offered []allocation.Source
	var sources []*source
	for _, e := range c.speechOrder() {
		for _, s := range e.sources {
			if s.Kind != packet.Video {
				continue
			}
			offered = append(offered, allocation.Source{
				ID:        len(sources),
				Name:      s.Name,
				Owner:     e.id,
				VideoType: allocationType(s.video),
				Layers:    layers(s.in.Layers()),
			})
			sources = append(sources, s)
		}
	}
	return offered, sources
}

func allocationType(t message.VideoType) allocation.VideoType {
	switch t {
	case message.VideoNone:
		return allocation.Disabled
	case message.VideoDesktop, message.VideoDesktopHighFPS:
		return allocation.Desktop
	default:
		return allocation.Camera
	}
}

// layers lists the operating points of a source, lowest quality first.
func layers(encodings []ingress.Layer) []allocation.Layer {
	list := make([]allocation.Layer, 0, 3*len(encodings))
	for eid, l := range encodings {
		rate := l.FrameRate
		if rate == 0 {
			rate = 30
		}
		if len(l.Points) > 0 {
			list = appendPoints(list, int8(eid), rate, l.Points)
			continue
		}
		top := topTID(l.TIDs)
		for tid := range top + 1 {
			bitrate := l.Temporal[tid]
			if tid == top {
				bitrate = l.Bitrate
			}
			list = append(list, allocation.Layer{
				Encoding:  int8(eid),
				SID:       -1,
				TID:       int8(tid),
				Height:    l.Height,
				FrameRate: rate / float64(int(1)<<(top-tid)),
				Bitrate:   bitrate,
				Active:    l.Active,
			})
		}
		list[len(list)-1].TID = -1 // the top one means everything
	}
	return list
}

// appendPoints adds the operating points of an encoding that has spatial
// layers or decode targets.
func appendPoints(list []allocation.Layer, eid int8, rate float64, points []ingress.Point) []allocation.Layer {
	top := int8(0)
	for _, p := range points {
		top = max(top, p.TID)
	}
	for _, p := range points {
		list = append(list, allocation.Layer{
			Encoding:  eid,
			SID:       p.SID,
			TID:       p.TID,
			Height:    p.Height,
			FrameRate: rate / float64(int(1)<<(top-p.TID)),
			Bitrate:   p.Bitrate,
			Active:    p.Active,
		})
	}
	return list
}

// topTID is the highest temporal layer that was seen.
func topTID(seen uint8) int {
	top := 0
	for tid := range 4 {
		if seen&(1<<tid) != 0 {
			top = tid
		}
	}
	return top
}

// allocate gives one receiver its targets. It reports whether a source was
// opened that the routing table does not have yet, and raises greatest to what
// this receiver wants of each source.
func (e *Endpoint) allocate(offered []allocation.Source, sources []*source, greatest map[*source]int) (opened bool) {
	audio := e.audioFeeds()
	snapshot := allocation.Snapshot{Bandwidth: e.videoRate(audio), Settings: e.settings, Policy: e.conference.bridge.policy()}
	var mine []*source
	for i, s := range sources {
		if s.owner != e {
			snapshot.Sources = append(snapshot.Sources, offered[i])
			mine = append(mine, s)
		}
	}
	res := allocation.Allocate(snapshot)
	e.bandwidth.allocated(res.TargetBitrate, res.IdealBitrate, audio)
	for i, s := range mine {
		if f := e.feeds[s]; f != nil {
			f.wanted = !res.Effective[i].Off() // of all, before anyone loses its place
		}
	}
	forwarded := []string{}
	for _, i := range res.Order {
		s, wants := mine[i], res.Effective[i]
		f := e.feeds[s]
		if f == nil && !wants.Off() {
			if f = e.openVideo(s); f != nil {
				opened, f.wanted = true, true
			}
		}
		if f == nil {
			continue
		}
		f.projection.SetTarget(egress.Target(res.Targets[i]))
		if res.Targets[i].Encoding >= 0 {
			forwarded = append(forwarded, s.Name)
		}
		if f.wanted {
			greatest[s] = greater(greatest[s], wants.MaxHeight)
		}
	}
	slices.Sort(forwarded)
	e.outbox.ForwardedSources(message.Marshal(&message.ForwardedSources{ForwardedSources: forwarded}))
	return opened
}

// videoRate is what the receiver can take of video beside so many sources of
// audio, in bit/s; below 0 without limit.
func (e *Endpoint) videoRate(audio int) int64 {
	limit := e.conference.bridge.cfg.CC.AssumedBandwidthLimit
	if limit >= 0 && e.assumed >= 0 {
		return min(limit, e.assumed)
	}
	return e.bandwidth.video(audio)
}

func (b *Bridge) policy() allocation.Policy {
	cc := b.cfg.CC
	return allocation.Policy{
		BridgeLastN:      cc.BridgeLastN,
		ConferenceLastN:  b.cfg.Load.ConferenceLastN,
		MaxSources:       b.cfg.Media.SSRCLimitVideo,
		OnStageHeight:    cc.OnstageHeight,
		OnStageFrameRate: cc.OnstageFrameRate,
		AllowOversend:    cc.AllowOversend,
		MaxOversend:      cc.MaxOversend,
	}
}

// greater of two heights, of which -1 is without limit.
func greater(a, b int) int {
	if a < 0 || b < 0 {
		return -1
	}
	return max(a, b)
}

// constrain tells the owner how much of a source anybody wants. A source that
// nobody ever wanted is left as it is: its sender has not been told anything.
func (s *source) constrain(height int) {
	if height == 0 && !s.told || s.told && height == s.constraint {
		return
	}
	s.told, s.constraint = true, height
	s.owner.outbox.SenderConstraints(s.Name, message.Marshal(&message.SenderSourceConstraints{
		SourceName: s.Name, MaxHeight: height,
	}))
}
