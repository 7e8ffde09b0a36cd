package bridge

import (
	"slices"
	"testing"
	"time"

	"steg/bridge/allocation"
	"steg/bridge/packet"
	"steg/colibri"
	"steg/configs"
)

func rewriting(e *colibri.Endpoint) {
	e.Capabilities = append(e.Capabilities, colibri.CapSSRCRewriting)
}

// given lists the sources of one kind that a receiver has places for.
func (e *Endpoint) given(kind packet.Kind) (names []string) {
	e.conference.do(func() {
		for s := range e.feeds {
			if s.Kind == kind {
				names = append(names, s.Name)
			}
		}
	})
	slices.Sort(names)
	return names
}

func expectGiven(t *testing.T, e *Endpoint, kind packet.Kind, want ...string) {
	t.Helper()
	if got := e.given(kind); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// TestAudioPlaces has more audio sources than a receiver has places: one
// endpoint cannot take them all, and who speaks is heard.
func TestAudioPlaces(t *testing.T) {
	b := newTestBridge(t, func(c *configs.Config) { c.Media.SSRCLimitAudio = 3 })
	c := assembly(t, b, rewriting, "receiver", "a", "b", "c", "d")
	receiver := c.endpoint("receiver")
	c.signal(t, "a", media("a0", colibri.Audio, 1, 0), media("a1", colibri.Audio, 2, 0), media("a2", colibri.Audio, 3, 0))
	expectGiven(t, receiver, packet.Audio, "a0", "a1", "a2")
	c.signal(t, "b", media("b0", colibri.Audio, 11, 0))
	c.signal(t, "c", media("c0", colibri.Audio, 21, 0))
	c.signal(t, "d", media("d0", colibri.Audio, 31, 0))
	expectGiven(t, receiver, packet.Audio, "a0", "b0", "c0")

	now := time.Hour
	say := func(id string) {
		for range 300 {
			now += 20 * time.Millisecond
			c.speakers.Level(id, 100, now)
			c.speakers.Tick(now)
		}
		c.do(c.speakersChanged)
	}
	say("a")
	say("b")
	say("d")
	expectGiven(t, receiver, packet.Audio, "a0", "b0", "d0")
	say("c")
	expectGiven(t, receiver, packet.Audio, "b0", "c0", "d0")
	c.do(func() {
		for _, s := range c.endpoints["a"].sources {
			if len(c.routes.Load().of[s.in].takes) > 3 {
				t.Errorf("%s still goes to the receiver", s.Name)
			}
		}
	})
}

// TestVideoPlaces has a receiver look at one source after the other.
func TestVideoPlaces(t *testing.T) {
	b := newTestBridge(t, func(c *configs.Config) { c.Media.SSRCLimitVideo = 2 })
	c := assembly(t, b, rewriting, "receiver", "sender")
	receiver := c.endpoint("receiver")
	look := func(names ...string) {
		t.Helper()
		c.do(func() {
			receiver.settings = allocation.Settings{LastN: -1, Constraints: map[string]allocation.Constraints{}}
			for _, name := range names {
				receiver.settings.Constraints[name] = allocation.UpTo(720)
			}
			c.allocate()
		})
	}
	look()
	c.signal(t, "sender", media("v0", colibri.Video, 1, 2), media("v1", colibri.Video, 11, 12), media("v2", colibri.Video, 21, 22))
	expectGiven(t, receiver, packet.Video)
	look("v0", "v1")
	expectGiven(t, receiver, packet.Video, "v0", "v1")
	look("v1", "v2")
	expectGiven(t, receiver, packet.Video, "v1", "v2")
	look("v0", "v2")
	expectGiven(t, receiver, packet.Video, "v0", "v2")
	look("v0", "v1", "v2") // more than there are places for
	expectGiven(t, receiver, packet.Video, "v0", "v1")
	if n := len(receiver.outputs()); n != 4 {
		t.Errorf("%d SSRCs for two places", n)
	}
}
