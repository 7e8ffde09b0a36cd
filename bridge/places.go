package bridge

import (
	"math"
	"slices"

	"steg/bridge/packet"
)

// A receiver with SSRC rewriting has a limited number of places for sources of
// each kind (ssrc-limit). When there are more sources, somebody has to go:
//
//	video  whatever the receiver does not want at present
//	audio  further sources of one endpoint first, then who spoke longest ago
//
// so that neither many participants nor one with many sources keep the others
// from being seen and heard.

// openVideo gives a wanted source a place, in the room of one that is not
// wanted by now if need be.
func (e *Endpoint) openVideo(s *source) *feed {
	if f := e.open(s); f != nil || !e.rewriting {
		return f
	}
	for other, f := range e.feeds {
		if other.Kind == packet.Video && !f.wanted {
			e.closeFeed(other)
			return e.open(s)
		}
	}
	return nil
}

// openAudio gives a source a place, in the room of one that matters less if
// need be.
func (e *Endpoint) openAudio(s *source) *feed {
	if f := e.open(s); f != nil || !e.rewriting {
		return f
	}
	spoken := e.conference.speakers.Order()
	least, most := s, e.unimportance(s, spoken)
	for other := range e.feeds {
		if other.Kind != packet.Audio {
			continue
		}
		if u := e.unimportance(other, spoken); u > most {
			least, most = other, u
		}
	}
	if least == s {
		return nil
	}
	e.closeFeed(least)
	return e.open(s)
}

// unimportance orders audio sources for this receiver, the most important
// first: those that it asked for by name, then the first source of each
// endpoint as they spoke, then second ones, and so on.
func (e *Endpoint) unimportance(s *source, spoken []string) int {
	if e.subscription.Names(s.Name) {
		return math.MinInt
	}
	before := 0
	for _, other := range s.owner.sources {
		if other == s {
			break
		}
		if other.Kind == packet.Audio {
			before++
		}
	}
	turn := slices.Index(spoken, s.owner.id)
	if turn < 0 {
		turn = len(spoken)
	}
	return before*(maxSpeakers+1) + turn
}

// hearDominant makes sure that everybody has a place for who speaks now.
func (c *Conference) hearDominant() {
	speaker := c.endpoints[c.dominant]
	if speaker == nil {
		return
	}
	changed := false
	for _, e := range c.order {
		for _, s := range speaker.sources {
			if s.Kind == packet.Audio && e.hear(s) {
				changed = true
			}
		}
	}
	if changed {
		c.publish()
	}
}
