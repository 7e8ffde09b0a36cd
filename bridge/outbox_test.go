package bridge

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"steg/bridge/message"
)

// fakeChannel keeps what it is sent, in short form; room limits it if not negative.
type fakeChannel struct {
	mu   sync.Mutex
	room int
	sent []string
}

func (c *fakeChannel) Send(text []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.room == 0 {
		return errors.New("full")
	}
	c.room--
	c.sent = append(c.sent, string(text))
	return nil
}

// take returns what was sent since the last call.
func (c *fakeChannel) take() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	sent := strings.Join(c.sent, " ")
	c.sent = nil
	return strings.NewReplacer(noForwardedSources, "none",
		`{"colibriClass":"AudioSourcesMap","mappedSources":[`, "audio[",
		`{"colibriClass":"VideoSourcesMap","mappedSources":[`, "video[", "]}", "]",
		`{"source":"`, "", `","owner":"o","ssrc":`, "=", `,"rtx":-1,"videoType":"CAMERA"`, "", "}", "").Replace(sent)
}

const noForwardedSources = `{"colibriClass":"ForwardedSources","forwardedSources":[]}`

func video(ssrc uint32, source string) message.VideoSource {
	return message.VideoSource{Source: source, Owner: "o", SSRC: ssrc, RTX: -1, VideoType: message.VideoCamera}
}

func audio(ssrc uint32, source string) message.AudioSource {
	return message.AudioSource{Source: source, Owner: "o", SSRC: ssrc}
}

func expectSent(t *testing.T, c *fakeChannel, want string) {
	t.Helper()
	if got := c.take(); got != want {
		t.Errorf("sent %q, want %q", got, want)
	}
}

func text(s string) []byte { return []byte(s) }

func TestOutboxKeepsStateUntilAChannelOpens(t *testing.T) {
	o, c := newOutbox(), &fakeChannel{room: -1}
	o.DominantSpeaker(text("speaker1"))
	o.Connectivity("x", false, text("x-inactive"))
	o.VideoMappings(video(1, "v1"), video(2, "v2"))
	o.VideoMappings(video(1, "v1b"))
	o.AudioMappings(audio(7, "a7"), audio(8, "a8"))
	o.Unmap(8, 9)
	o.SenderConstraints("own-v0", text("own-v0=180"))
	o.SenderConstraints("own-v1", text("own-v1=0"))
	o.SenderConstraints("own-v0", text("own-v0=720"))
	o.DominantSpeaker(text("speaker2"))
	if o.Event(text("event")) {
		t.Error("an event was sent over no channel")
	}
	if o.Retry() || o.IsOpen() {
		t.Error("something waits for a channel that is not open")
	}
	o.Open(c, text("hello"))
	expectSent(t, c, "hello own-v0=720 own-v1=0 none audio[a7=7] video[v1b=1,v2=2] x-inactive speaker2")

	o.VideoMappings(video(3, "v3"), video(4, "v4"))
	o.ForwardedSources(text("forwarded"))
	o.ForwardedSources(text("forwarded"))
	o.DominantSpeaker(text("speaker3"))
	if !o.Event(text("event")) || o.Dropped() != 1 {
		t.Errorf("event not sent, or %d dropped", o.Dropped())
	}
	expectSent(t, c, "video[v3=3,v4=4] forwarded speaker3 event")

	// A channel in place of the first hears everything again.
	o.Closed(c)
	o.Unmap(2)
	o.Closed(c)
	next := &fakeChannel{room: -1}
	o.Open(next, nil)
	expectSent(t, next, "own-v0=720 own-v1=0 forwarded audio[a7=7] video[v1b=1,v3=3,v4=4] x-inactive speaker3")
	expectSent(t, c, "")
}

func TestOutboxFullQueue(t *testing.T) {
	o, c := newOutbox(), &fakeChannel{room: 0}
	o.SenderConstraints("own-v0", text("own-v0"))
	o.Open(c, text("hello"))
	if !o.Retry() {
		t.Error("nothing waits")
	}
	c.room = 2
	o.DominantSpeaker(text("speaker1"))
	expectSent(t, c, "hello own-v0")
	o.DominantSpeaker(text("speaker2"))
	o.VideoMappings(video(1, "v1"))
	o.VideoMappings(video(2, "v2"))
	if o.Event(text("event")) || o.Dropped() != 1 {
		t.Errorf("%d events dropped", o.Dropped())
	}
	expectSent(t, c, "")
	c.room = -1
	if o.Retry() {
		t.Error("something still waits")
	}
	expectSent(t, c, "none video[v1=1,v2=2] speaker2")
	o.Retry()
	expectSent(t, c, "")
}

func TestOutboxConnectivity(t *testing.T) {
	o, c := newOutbox(), &fakeChannel{room: -1}
	o.Connectivity("x", false, text("x-inactive"))
	o.Connectivity("x", true, text("x-active"))
	o.Connectivity("y", true, text("y-active"))
	o.Open(c, nil)
	expectSent(t, c, "none")

	o.Connectivity("x", false, text("x-inactive"))
	expectSent(t, c, "x-inactive")
	o.Closed(c)
	// Whoever heard that x is inactive must hear that it is active again.
	o.Connectivity("x", true, text("x-active"))
	o.Open(c, nil)
	expectSent(t, c, "none x-active")
	o.Connectivity("x", false, text("x-inactive"))
	o.Connectivity("x", true, nil)
	expectSent(t, c, "x-inactive")
	o.Open(c, nil)
	expectSent(t, c, "none")
}

func TestOutboxTwoChannels(t *testing.T) {
	o, socket, data := newOutbox(), &fakeChannel{room: -1}, &fakeChannel{room: -1}
	o.Open(data, nil)
	expectSent(t, data, "none")
	o.Open(socket, text("hello"))
	expectSent(t, socket, "hello none")
	o.Event(text("e1"))
	o.Use(data)
	o.Event(text("e2"))
	o.Use(data)
	o.Use(&fakeChannel{})
	expectSent(t, socket, "e1")
	expectSent(t, data, "e2")
	o.Closed(data) // may have lost something
	expectSent(t, socket, "none")
	o.Open(data, nil)
	o.Closed(socket) // was not in use
	expectSent(t, data, "none")
	expectSent(t, socket, "")
}

func TestOutboxClosed(t *testing.T) {
	o, c := newOutbox(), &fakeChannel{room: -1}
	o.Open(c, nil)
	expectSent(t, c, "none")
	o.close()
	o.DominantSpeaker(text("speaker"))
	o.Open(c, text("hello"))
	if o.Event(text("event")) || o.Retry() || o.IsOpen() {
		t.Error("still open")
	}
	expectSent(t, c, "")
}

func TestOutboxConcurrent(t *testing.T) {
	o := newOutbox()
	var all sync.WaitGroup
	for i := range 4 {
		c := &fakeChannel{room: -1}
		all.Go(func() {
			for n := range 200 {
				o.Open(c, text("hello"))
				o.ForwardedSources(text(fmt.Sprint(i, n)))
				o.VideoMappings(video(uint32(n%5), "v"))
				o.Connectivity("x", n%2 == 0, text("x"))
				o.Event(text("event"))
				o.Use(c)
				o.Retry()
				o.Closed(c)
			}
		})
	}
	all.Wait()
	if o.IsOpen() {
		t.Error("a channel is left")
	}
}

// FuzzOutbox compares the state that a channel was told, whatever happened
// before, with what was set last.
func FuzzOutbox(f *testing.F) {
	f.Add([]byte{0, 16, 1, 200, 32, 2, 48, 3, 255, 4})
	f.Fuzz(func(t *testing.T, steps []byte) {
		o, c, want := newOutbox(), &fakeChannel{}, map[string]string{"f": noForwardedSources}
		for n, step := range steps {
			value, key := fmt.Sprint(n), step>>3&3
			switch step & 7 {
			case 0:
				o.ForwardedSources(text("f" + value))
				want["f"] = "f" + value
			case 1:
				o.SenderConstraints(fmt.Sprint(key), text(fmt.Sprintf("c%d.%s", key, value)))
				want[fmt.Sprintf("c%d", key)] = fmt.Sprintf("c%d.%s", key, value)
			case 2:
				o.SenderConstraints(fmt.Sprint(key), nil)
				delete(want, fmt.Sprintf("c%d", key))
			case 3:
				o.DominantSpeaker(text("d" + value))
				want["d"] = "d" + value
			case 4:
				c.room = int(step >> 3)
				o.Open(c, nil)
			case 5:
				o.Closed(c)
			case 6:
				o.Event(text("e"))
			case 7:
				o.Retry()
			}
		}
		fresh := &fakeChannel{room: -1}
		o.Open(fresh, nil)
		var expected []string
		for _, value := range want {
			expected = append(expected, value)
		}
		slices.Sort(expected)
		slices.Sort(fresh.sent)
		if !slices.Equal(fresh.sent, expected) {
			t.Errorf("told %q, want %q", fresh.sent, expected)
		}
	})
}
