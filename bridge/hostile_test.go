package bridge

import (
	"encoding/binary"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
	"weak"

	"steg/bridge/allocation"
	"steg/bridge/egress"
	"steg/bridge/message"
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

// vp8 is a packet of the first or a later frame of an encoding of a source.
func vp8(s *source, encoding int, seq uint64) *packet.Packet {
	raw := make([]byte, 32)
	raw[0], raw[1], raw[12], raw[13] = 0x80, 100, 0x10, 0x01 // an interframe
	binary.BigEndian.PutUint32(raw[8:], s.Encodings[encoding].SSRC)
	h, _ := packet.ParseHeader(raw)
	return &packet.Packet{
		Header: h, Raw: raw, Kind: packet.Video, Codec: packet.CodecVP8, Encoding: encoding,
		Seq: seq, TS: seq * 3000, Frame: packet.ParseFrame(packet.CodecVP8, raw[12:], nil, false),
	}
}

// TestTargetFlood has a receiver change its mind about a source all the time.
// Each change needs a keyframe, and keyframes spoil the picture for the others.
func TestTargetFlood(t *testing.T) {
	b := newTestBridge(t, nil)
	c := assembly(t, b, nil, "receiver", "sender")
	c.signal(t, "sender", media("s-v0", colibri.Video, 100, 101))
	receiver := c.endpoint("receiver")
	asked := 0
	c.do(func() {
		s := c.endpoints["sender"].sources[0]
		tk := take{to: receiver, projection: receiver.feeds[s].projection}
		for i := range 3000 { // a minute
			tk.projection.SetTarget(egress.Target{Encoding: int8(i%2) - 1, TID: -1, SID: -1})
			if _, need := tk.write(make([]byte, 2000), vp8(s, 0, uint64(1000+i)), time.Duration(i+1)*20*time.Millisecond); need >= 0 {
				asked++
			}
		}
	})
	if asked < 10 || asked > 10+30 {
		t.Errorf("asked for %d keyframes in a minute", asked)
	}
}

// TestMessageFlood has a participant send large messages to everybody.
func TestMessageFlood(t *testing.T) {
	b := newTestBridge(t, nil)
	ids := []string{"sender"}
	for i := range 40 {
		ids = append(ids, fmt.Sprint("e", i))
	}
	c := assembly(t, b, nil, ids...)
	channels := make([]*fakeChannel, 0, len(ids))
	c.do(func() {
		for _, e := range c.order[1:] {
			channel := &fakeChannel{room: -1}
			channels = append(channels, channel)
			e.outbox.Open(channel, nil)
			channel.take()
		}
		text := fmt.Appendf(nil, `{"colibriClass":"EndpointMessage","to":"","msgPayload":{"x":%q}}`, strings.Repeat("x", 60_000))
		m, err := message.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		for range 50 {
			c.endpoints["sender"].act(m)
		}
	})
	bytes := 0
	for _, channel := range channels {
		bytes += len(channel.take())
	}
	if limit := copyBytesPerSecond * int(messageBurst.Seconds()+5); bytes == 0 || bytes > limit {
		t.Errorf("%d bytes went out, limit %d", bytes, limit)
	}
}

// TestLongNames has a participant name sources so that messages with the names
// would not fit a bridge channel, and ask for as many as a message holds.
func TestLongNames(t *testing.T) {
	b := newTestBridge(t, nil)
	c := assembly(t, b, nil, "receiver", "sender")
	long := strings.Repeat("n", 100_000)
	c.signal(t, "sender", media(long, colibri.Audio, 90, 0), media("s-v0", colibri.Video, 100, 101))
	c.do(func() {
		sender, receiver := c.endpoints["sender"], c.endpoints["receiver"]
		if len(sender.sources) != 1 {
			t.Errorf("%d sources", len(sender.sources))
		}
		sender.setVideoType(long, message.VideoDesktop)
		if len(sender.announced) != 0 {
			t.Error("a long name is remembered")
		}
		names := make([]string, 20_000)
		receiver.constrain(&message.ReceiverVideoConstraints{SelectedSources: names, OnStageSources: names})
		if n := len(receiver.settings.Selected) + len(receiver.settings.OnStage); n > 2*maxNames {
			t.Errorf("%d names are looked for", n)
		}
	})
}

type fakeSocket struct{ fakeChannel }

func (*fakeSocket) Close(int, string) {}

// TestSocketFlood opens one websocket after the other and closes none.
func TestSocketFlood(t *testing.T) {
	b := newTestBridge(t, nil)
	c := assembly(t, b, nil, "a")
	password := c.endpoint("a").password
	var closed []func()
	for range 100 {
		attach, ok := b.AuthorizeWebSocket(c.id, "a", password)
		if !ok {
			break
		}
		_, done := attach(&fakeSocket{})
		closed = append(closed, done)
	}
	if len(closed) != maxSockets {
		t.Errorf("%d are open", len(closed))
	}
	closed[0]()
	if _, ok := b.AuthorizeWebSocket(c.id, "a", password); !ok {
		t.Error("no place after one closed")
	}
}
