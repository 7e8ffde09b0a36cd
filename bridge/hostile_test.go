package bridge

import (
	"runtime"
	"slices"
	"testing"
	"weak"

	"steg/bridge/allocation"
	"steg/bridge/packet"
	"steg/colibri"
)

// media describes one source with one encoding.
func media(name string, kind colibri.MediaType, ssrc, rtx uint32) colibri.MediaSource {
	m := colibri.MediaSource{Type: kind, ID: name, SSRCs: []colibri.SSRC{{SSRC: ssrc}}}
	if rtx != 0 {
		m.SSRCs = append(m.SSRCs, colibri.SSRC{SSRC: rtx})
		m.Groups = []colibri.SSRCGroup{{Semantics: colibri.SemanticsFID, SSRCs: []uint32{ssrc, rtx}}}
	}
	return m
}

// assembly makes a conference with the named endpoints.
func assembly(t testing.TB, b *Bridge, change func(*colibri.Endpoint), ids ...string) *Conference {
	t.Helper()
	for i, id := range ids {
		e := createRequest(id)
		if change != nil {
			change(&e)
		}
		if _, err := b.ask(t, &colibri.ConferenceModify{MeetingID: "m", Create: i == 0, Endpoints: []colibri.Endpoint{e}}); err != nil {
			t.Fatal(err)
		}
	}
	c := b.conference("m")
	c.do(func() {
		for _, e := range c.order {
			e.settings.Default = allocation.UpTo(720)
		}
	})
	return c
}

// signal replaces the sources of an endpoint and waits for the allocation.
func (c *Conference) signal(t testing.TB, id string, sources ...colibri.MediaSource) {
	t.Helper()
	_, err := c.bridge.ask(t, &colibri.ConferenceModify{MeetingID: c.meetingID, Endpoints: []colibri.Endpoint{
		{ID: id, Sources: &colibri.Sources{MediaSources: sources}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	c.do(c.allocate)
}

// do runs f on the conference's queue.
func (c *Conference) do(f func()) {
	done := make(chan struct{})
	c.queue.post(func() { defer close(done); f() })
	<-done
}

// outputs lists the SSRCs that a receiver's projections write to, used ones
// and retired ones.
func (e *Endpoint) outputs() (ssrcs []uint32) {
	add := func(f *feed) {
		ssrcs = append(ssrcs, f.out.SSRC)
		if f.out.RTX != 0 {
			ssrcs = append(ssrcs, f.out.RTX)
		}
	}
	e.conference.do(func() {
		for _, f := range e.feeds {
			add(f)
		}
		for _, f := range e.retired {
			add(f)
		}
	})
	slices.Sort(ssrcs)
	return ssrcs
}

// TestForeignSSRCs has a participant announce SSRCs of another one: no two
// projections of a receiver may write to one SSRC.
func TestForeignSSRCs(t *testing.T) {
	for _, tt := range []struct {
		name    string
		foreign []colibri.MediaSource
		want    []uint32
	}{
		{"primary as primary", []colibri.MediaSource{media("m-v0", colibri.Video, 100, 201)}, []uint32{100, 101}},
		{"primary as RTX", []colibri.MediaSource{media("m-v0", colibri.Video, 200, 100)}, []uint32{100, 101, 200}},
		{"RTX as primary", []colibri.MediaSource{media("m-v0", colibri.Video, 101, 201)}, []uint32{100, 101}},
		{"RTX as RTX", []colibri.MediaSource{media("m-v0", colibri.Video, 200, 101)}, []uint32{100, 101, 200}},
		{"RTX as audio", []colibri.MediaSource{media("m-a0", colibri.Audio, 101, 0)}, []uint32{100, 101}},
		{"own RTX twice", []colibri.MediaSource{media("m-v0", colibri.Video, 200, 200)}, []uint32{100, 101}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newTestBridge(t, nil)
			c := assembly(t, b, nil, "receiver", "victim", "attacker")
			c.signal(t, "victim", media("v-v0", colibri.Video, 100, 101))
			c.signal(t, "attacker", tt.foreign...)
			if got := c.endpoint("receiver").outputs(); !slices.Equal(got, tt.want) {
				t.Errorf("SSRCs %v, want %v", got, tt.want)
			}
		})
	}
}

// TestSSRCChangesKind has an SSRC come back as one of the other kind, or with
// another RTX stream. Its numbers have to go on.
func TestSSRCChangesKind(t *testing.T) {
	b := newTestBridge(t, nil)
	c := assembly(t, b, nil, "receiver", "sender")
	receiver := c.endpoint("receiver")
	c.signal(t, "sender", media("s-a0", colibri.Audio, 100, 0))
	c.signal(t, "sender")
	c.signal(t, "sender", media("s-v0", colibri.Video, 100, 101))
	c.signal(t, "sender")
	c.signal(t, "sender", media("s-v0", colibri.Video, 100, 102))
	if got, want := receiver.outputs(), []uint32{100, 102}; !slices.Equal(got, want) {
		t.Errorf("SSRCs %v, want %v", got, want)
	}
	c.do(func() {
		for _, f := range receiver.feeds {
			if f.kind != packet.Video {
				t.Errorf("kind %v", f.kind)
			}
		}
	})
}

// TestPublishedPayloadTypesStay has a sender redefine a payload type: tables
// that the packet path holds must not change under it.
func TestPublishedPayloadTypesStay(t *testing.T) {
	b := newTestBridge(t, nil)
	c := assembly(t, b, nil, "sender")
	e := c.endpoint("sender")
	c.do(func() {
		before := e.payloadTypes
		want := slices.Clone(before)
		e.applyMedia([]colibri.Media{{Type: colibri.Audio, PayloadTypes: []colibri.PayloadType{{ID: 111, Name: "red", ClockRate: 8000}}}})
		if !slices.Equal(before, want) {
			t.Errorf("a published table changed: %v", before)
		}
	})
}

// TestRetiredFeedForgetsSource has a source go: what receivers keep of it must
// not hold its packets in memory, and the place must work for the next source.
func TestRetiredFeedForgetsSource(t *testing.T) {
	b := newTestBridge(t, nil)
	rewriting := func(e *colibri.Endpoint) {
		e.Capabilities = append(e.Capabilities, colibri.CapSSRCRewriting)
	}
	for name, change := range map[string]func(*colibri.Endpoint){"rewriting": rewriting, "not rewriting": nil} {
		t.Run(name, func(t *testing.T) {
			c := assembly(t, b, change, "receiver", "sender")
			defer c.do(c.expire)
			receiver := c.endpoint("receiver")
			sources := []colibri.MediaSource{media("s-a0", colibri.Audio, 90, 0), media("s-v0", colibri.Video, 100, 101)}
			c.signal(t, "sender", sources...)
			before := receiver.outputs()
			var ring weak.Pointer[packet.Ring]
			c.do(func() { ring = weak.Make(c.endpoints["sender"].sourceNamed("s-v0").in.Ring(0)) })
			c.signal(t, "sender")
			runtime.GC()
			if ring.Value() != nil {
				t.Error("a retired projection holds on to the packets of its source")
			}
			c.signal(t, "sender", sources...)
			if after := receiver.outputs(); !slices.Equal(before, after) {
				t.Errorf("SSRCs %v, before %v", after, before)
			}
			c.do(func() {
				for s, f := range receiver.feeds {
					if s.Kind == packet.Audio && f.projection.Target().Encoding != 0 {
						t.Error("audio stays suspended")
					}
				}
			})
		})
	}
}

// TestRebindKeepsPlaces has a sender add payload types while a receiver holds
// places that are free: what it was told of the others stays true.
func TestRebindKeepsPlaces(t *testing.T) {
	b := newTestBridge(t, nil)
	c := assembly(t, b, func(e *colibri.Endpoint) {
		e.Capabilities = append(e.Capabilities, colibri.CapSSRCRewriting)
	}, "receiver", "sender", "other")
	receiver := c.endpoint("receiver")
	c.signal(t, "other", media("o-v0", colibri.Video, 500, 501), media("o-v1", colibri.Video, 502, 503))
	c.signal(t, "sender", media("s-v0", colibri.Video, 100, 101))
	c.signal(t, "other")
	places := func() (ssrcs []uint32) {
		c.do(func() {
			for _, f := range receiver.feeds {
				ssrcs = append(ssrcs, f.out.SSRC)
			}
			if len(receiver.origin) != len(receiver.feeds) {
				t.Errorf("%d origins of %d feeds", len(receiver.origin), len(receiver.feeds))
			}
		})
		return ssrcs
	}
	before := places()
	for range 10 {
		c.do(func() { c.rebind(c.endpoints["sender"]) })
		if after := places(); !slices.Equal(before, after) {
			t.Fatalf("the source moved from %v to %v", before, after)
		}
	}
}
