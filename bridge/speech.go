package bridge

import (
	"slices"
	"time"

	"steg/bridge/message"
	"steg/bridge/packet"
)

// tellSpeaker tells an endpoint who speaks.
func (e *Endpoint) tellSpeaker() {
	if text := e.conference.speakerMessage(); text != nil {
		e.outbox.DominantSpeaker(text)
	}
}

func (c *Conference) speakerMessage() []byte {
	dominant := c.speakers.Dominant()
	if dominant == "" {
		return nil
	}
	return message.Marshal(&message.DominantSpeakerEndpointChangeEvent{
		DominantSpeakerEndpoint: dominant,
		PreviousSpeakers:        c.speakers.Recent(),
		Silence:                 c.speakers.Silent(),
	})
}

// speakersChanged runs on the queue after a decision of the speaker detection.
func (c *Conference) speakersChanged() {
	if dominant := c.speakers.Dominant(); dominant != c.dominant {
		c.dominant = dominant
		c.bridge.counters.speakerChanges.Add(1)
		c.loudest.SetDominant(dominant)
		c.hearDominant()
	}
	if text := c.speakerMessage(); text != nil {
		for _, e := range c.order {
			e.outbox.DominantSpeaker(text)
		}
	}
	c.allocateSoon()
}

func (c *Conference) isRecentSpeaker(id string) bool {
	return c.speakers.Dominant() == id || slices.Contains(c.speakers.Recent(), id)
}

// speechOrder lists the endpoints for last-n: who spoke last comes first, and
// those with video before those without.
func (c *Conference) speechOrder() []*Endpoint {
	order := make([]*Endpoint, 0, len(c.order))
	seen := make(map[*Endpoint]bool, len(c.order))
	for _, id := range c.speakers.Order() {
		if e := c.endpoints[id]; e != nil && !seen[e] {
			seen[e] = true
			order = append(order, e)
		}
	}
	for _, e := range c.order {
		if !seen[e] {
			order = append(order, e)
		}
	}
	slices.SortStableFunc(order, func(a, b *Endpoint) int { return b.showing() - a.showing() })
	return order
}

// showing is 1 for an endpoint with a video source that is not muted.
func (e *Endpoint) showing() int {
	for _, s := range e.sources {
		if s.Kind == packet.Video && s.video != message.VideoNone {
			return 1
		}
	}
	return 0
}

// tellConnectivity tells e whether other can be reached.
func (e *Endpoint) tellConnectivity(other *Endpoint) {
	text := message.Marshal(&message.EndpointConnectivityStatusChangeEvent{Endpoint: other.id, Active: !other.inactive})
	e.outbox.Connectivity(other.id, !other.inactive, text)
}

// silentFor tells whether nothing came from an endpoint for longer than its
// others should wait without a word.
func (e *Endpoint) silentFor(now time.Duration) bool {
	cfg := e.conference.bridge.cfg.Conference
	if last := e.lastActivity(); last != 0 {
		return now-last > cfg.MaxInactivity
	}
	return now-e.created > cfg.FirstTransfer
}

// connectivity tells everybody that an endpoint fell silent or came back. It
// runs on the queue.
func (e *Endpoint) connectivity(inactive bool) {
	if e.visitor || e.inactive == inactive {
		return
	}
	e.inactive = inactive
	e.told.Store(inactive)
	if inactive {
		e.conference.bridge.counters.disconnected.Add(1)
	} else {
		e.conference.bridge.counters.reconnected.Add(1)
	}
	for _, to := range e.conference.order {
		to.tellConnectivity(e)
	}
}
