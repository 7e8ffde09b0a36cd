package bridge

import (
	"slices"
	"time"

	"steg/bridge/allocation"
	"steg/bridge/message"
	"steg/bridge/packet"
	"steg/bridge/transport"
)

// Limits of what one endpoint may send over its bridge channel, and of how much
// of it may wait for the conference's queue.
const (
	messagesPerSecond     = 50
	messageBytesPerSecond = 256 << 10
	messageBurst          = 4 * time.Second
	maxWaiting            = 50

	// Of what it has passed on to others, every copy counted.
	copiesPerSecond    = 10_000
	copyBytesPerSecond = 8 << 20
)

// Limits of names in messages. No receiver looks at more sources at once than
// a few dozen.
const (
	maxName  = 256 // bytes
	maxNames = 200
)

// ChannelOpen implements transport.Peer.
func (e *Endpoint) ChannelOpen(c *transport.Channel) { e.channelOpen(c, nil) }

// ChannelMessage implements transport.Peer.
func (e *Endpoint) ChannelMessage(c *transport.Channel, text []byte) {
	defer e.conference.bridge.recovered()
	e.conference.bridge.counters.messagesIn.Add(1)
	e.channelMessage(c, text)
}

// ChannelClosed implements transport.Peer.
func (e *Endpoint) ChannelClosed(c *transport.Channel) { e.channelClosed(c) }

// Connected implements transport.Peer: ICE and DTLS are up.
func (e *Endpoint) Connected() {
	e.conference.bridge.counters.connected.Add(1)
	e.conference.allocateSoon()
}

// Failed implements transport.Peer. The endpoint expires at the next pass.
func (e *Endpoint) Failed() {
	e.failed.Store(true)
	e.conference.bridge.counters.failed.Add(1)
}

func (e *Endpoint) channelOpen(c sender, hello []byte) {
	e.outbox.Open(c, hello)
	e.conference.publishSoon() // media under SSRCs of ours waits for the channel
	e.conference.allocateSoon()
}

func (e *Endpoint) channelClosed(c sender) { e.outbox.Closed(c) }

// channelMessage takes one message of the endpoint. It is read here, on the
// channel's goroutine, and acted on in the conference's queue.
func (e *Endpoint) channelMessage(c sender, text []byte) {
	counters := &e.conference.bridge.counters
	m, err := message.Parse(text)
	if err != nil {
		counters.badMessages.Add(1)
		return
	}
	e.outbox.Use(c)
	if e.waiting.Add(1) > maxWaiting {
		e.waiting.Add(-1)
		counters.droppedMessages.Add(1)
		return
	}
	size := len(text)
	posted := e.post(func() {
		e.waiting.Add(-1)
		if !e.limit.Allow(size, e.conference.bridge.mux.Now()) {
			counters.droppedMessages.Add(1)
			return
		}
		e.act(m)
	})
	if !posted {
		e.waiting.Add(-1)
	}
}

// post runs f on the conference's queue unless the endpoint is gone by then.
func (e *Endpoint) post(f func()) bool {
	return e.conference.queue.post(func() {
		if !e.expired.Load() {
			f()
		}
	})
}

// act dispatches a message on the queue.
func (e *Endpoint) act(m message.Message) {
	switch m := m.(type) {
	case *message.ReceiverVideoConstraints:
		e.constrain(m)
	case *message.LastNChangedEvent:
		e.settings.LastN, e.asked = m.LastN, true
		e.conference.allocateSoon()
	case *message.ReceiverAudioSubscription:
		e.subscription = newSubscription(m.All, m.Include, m.Exclude)
		e.conference.publishSoon()
	case *message.SourceVideoTypeMessage:
		e.setVideoType(m.SourceName, m.VideoType)
	case *message.VideoTypeMessage:
		e.setVideoType(e.id+"-v0", m.VideoType)
	case *message.EndpointMessage:
		e.pass(m)
	case *message.EndpointStats:
		e.passStats(m)
	case *message.ClientHello:
		e.outbox.Event(e.conference.bridge.hello())
	default:
		e.conference.bridge.counters.badMessages.Add(1)
	}
}

// constrain merges what a receiver wants to see; what is absent stays.
func (e *Endpoint) constrain(m *message.ReceiverVideoConstraints) {
	cc := e.conference.bridge.cfg.CC
	if !e.asked {
		e.asked = true
		e.settings.Default = allocation.UpTo(cc.DefaultMaxHeight)
	}
	if m.LastN != nil {
		e.settings.LastN = *m.LastN
	}
	if m.SelectedSources != nil {
		e.settings.Selected = firstNames(m.SelectedSources)
	}
	if m.OnStageSources != nil {
		e.settings.OnStage = firstNames(m.OnStageSources)
	}
	if m.DefaultConstraints != nil {
		e.settings.Default = allocation.Constraints(*m.DefaultConstraints)
	}
	if m.Constraints != nil {
		e.settings.Constraints = make(map[string]allocation.Constraints, len(m.Constraints))
		for name, c := range m.Constraints {
			e.settings.Constraints[name] = allocation.Constraints(c)
		}
	}
	if m.AssumedBandwidthBps != nil {
		e.assumed = *m.AssumedBandwidthBps
	}
	e.conference.allocateSoon()
}

// firstNames cuts a list, because each name costs a look at every source.
func firstNames(names []string) []string {
	return slices.Clone(names[:min(len(names), maxNames)])
}

// setVideoType notes what a source of the endpoint shows from now on.
func (e *Endpoint) setVideoType(name string, t message.VideoType) {
	s := e.sourceNamed(name)
	if s == nil {
		if len(e.announced) < maxSources && len(name) <= maxName {
			e.announced[name] = t
		}
		return
	}
	if s.Kind != packet.Video || s.video == t {
		return
	}
	s.video = t
	for _, to := range e.conference.order {
		if f := to.feeds[s]; f != nil && to.rewriting {
			to.announce(s, f)
		}
	}
	e.conference.allocateSoon()
}

// pass hands a message of the application on, under the sender's own name.
func (e *Endpoint) pass(m *message.EndpointMessage) {
	if e.visitor {
		return
	}
	e.spread(m.WithFrom(e.id), func(to *Endpoint) bool { return m.To == "" || m.To == to.id })
}

// spread sends a message of the endpoint to the others that are meant, unless
// that would be too much: a message of a few kilobytes to hundreds of others is
// megabytes.
func (e *Endpoint) spread(text []byte, meant func(to *Endpoint) bool) {
	var all []*Endpoint
	for _, to := range e.conference.order {
		if to != e && meant(to) {
			all = append(all, to)
		}
	}
	if !e.copies.AllowCopies(len(all), len(text), e.conference.bridge.mux.Now()) {
		e.conference.bridge.counters.droppedMessages.Add(1)
		return
	}
	for _, to := range all {
		to.outbox.Event(text)
	}
}

// passStats hands an endpoint's statistics to those who look at it: all in a
// small conference, otherwise those to whom it matters.
func (e *Endpoint) passStats(m *message.EndpointStats) {
	small := len(e.conference.order) <= e.conference.bridge.cfg.Conference.StatsFilterThreshold
	e.spread(m.WithFrom(e.id), func(to *Endpoint) bool { return small || to.looksAt(e) })
}

// looksAt tells whether a receiver sees or hears much of another endpoint.
func (e *Endpoint) looksAt(other *Endpoint) bool {
	if e.conference.isRecentSpeaker(other.id) {
		return true
	}
	for _, s := range other.sources {
		if f := e.feeds[s]; f != nil && s.Kind == packet.Video && f.wanted {
			return true
		}
	}
	return false
}
