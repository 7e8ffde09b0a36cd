package endpoint_test

import (
	"context"
	"testing"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/transport/v5/test"
	"github.com/rs/zerolog"

	"steg/bridge"
	"steg/bridge/transport"
	"steg/configs"
	"steg/tests/load/endpoint"
)

// startBridge runs a bridge in this process, on loopback. The test fails if
// a goroutine of anybody's survives it.
func startBridge(t *testing.T) endpoint.Signaller {
	t.Helper()
	t.Cleanup(test.CheckRoutines(t))
	cfg := *configs.Default()
	cfg.ICE.Port, cfg.ICE.AllowLoopback = 0, true
	cfg.Health.RequireValidAddress = false
	log := zerolog.New(zerolog.NewTestWriter(t))
	mux, err := transport.Listen(transport.Config{ICE: cfg.ICE, DTLS: cfg.DTLS, SRTP: cfg.SRTP, SCTP: cfg.SCTP}, log)
	if err != nil {
		t.Fatal(err)
	}
	b := bridge.New(cfg, mux, "test", log)
	b.Start()
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return endpoint.Direct(b)
}

func startCall(t *testing.T, o endpoint.CallOptions) *endpoint.Call {
	t.Helper()
	s := startBridge(t)
	n, err := endpoint.NewNetwork()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.Close)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	c, err := endpoint.NewCall(ctx, n, s, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(context.Background()) })
	return c
}

// eventually polls for as long as a loaded machine may take.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(15 * time.Second); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("never: " + what)
		}
	}
}

// flawless fails the test if anything arrived that a decoder would choke on.
func flawless(t *testing.T, c *endpoint.Call) {
	t.Helper()
	s := c.Stats()
	if s.BadVideo+s.PictureGaps+s.Unmarked+s.Rejected+s.BadMessages+s.Duplicates > 0 || s.Lost > s.Received/100 {
		t.Errorf("%+v", s)
	}
}

// videoHeights lists the heights of the video streams that e gets.
func videoHeights(e *endpoint.Endpoint) map[int]int {
	heights := map[int]int{}
	for _, s := range e.Streams() {
		if s.PayloadType == 100 {
			heights[s.Height]++
		}
	}
	return heights
}

// TestCallOfThree has three endpoints see and hear each other.
func TestCallOfThree(t *testing.T) {
	c := startCall(t, endpoint.CallOptions{Endpoints: 3})
	for _, e := range c.Endpoints {
		// Audio and video of two others.
		eventually(t, "four streams", func() bool { return len(e.Streams()) == 4 })
	}
	c.Reset()
	eventually(t, "media", func() bool { s := c.Stats(); return s.Frames > 300 && s.Audio > 500 })
	flawless(t, c)
	t.Logf("%+v", c.Stats())
}

// TestStage has everybody put the next endpoint on stage.
func TestStage(t *testing.T) {
	c := startCall(t, endpoint.CallOptions{Endpoints: 3, Stage: 720})
	for _, e := range c.Endpoints {
		eventually(t, "720 and 180 lines", func() bool { h := videoHeights(e); return h[720] == 1 && h[180] == 1 })
	}
	flawless(t, c)
}

// TestListeners has one endpoint send to others that only receive.
func TestListeners(t *testing.T) {
	c := startCall(t, endpoint.CallOptions{Endpoints: 4, Senders: 1})
	for _, e := range c.Endpoints[1:] {
		eventually(t, "two streams", func() bool { return len(e.Streams()) == 2 })
	}
	if n := len(c.Endpoints[0].Streams()); n != 0 {
		t.Errorf("the sender gets %d streams", n)
	}
	flawless(t, c)
}

// TestLastN has everybody want one video of three.
func TestLastN(t *testing.T) {
	one := 1
	c := startCall(t, endpoint.CallOptions{Endpoints: 4, LastN: &one})
	for _, e := range c.Endpoints {
		eventually(t, "three audio streams and one of video", func() bool { return len(e.Streams()) >= 4 })
	}
	c.Reset()
	eventually(t, "media", func() bool { return c.Stats().Audio > 1200 })
	for _, e := range c.Endpoints {
		// Which one it is may change, so streams do not tell. Three sources
		// make 150 audio packets a second and one makes 30 frames.
		s := e.Stats()
		if got := float64(s.Frames) / float64(s.Audio) * 150 / 30; got < 0.5 || got > 1.4 {
			t.Errorf("%.2f videos: %+v", got, s)
		}
	}
	flawless(t, c)
}

// TestCounterMode has the endpoints offer the older SRTP profile alone.
func TestCounterMode(t *testing.T) {
	c := startCall(t, endpoint.CallOptions{Endpoints: 2, Profiles: []dtls.SRTPProtectionProfile{dtls.SRTP_AES128_CM_HMAC_SHA1_80}})
	for _, e := range c.Endpoints {
		eventually(t, "two streams", func() bool { return len(e.Streams()) == 2 })
	}
	flawless(t, c)
}

// TestRejoin ends calls and sets up new ones on the same bridge.
func TestRejoin(t *testing.T) {
	s := startBridge(t)
	n, err := endpoint.NewNetwork()
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	for range 3 {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		c, err := endpoint.NewCall(ctx, n, s, endpoint.CallOptions{Endpoints: 2})
		cancel()
		if err != nil {
			t.Fatal(err)
		}
		eventually(t, "media", func() bool { s := c.Stats(); return s.Frames > 20 && s.Audio > 20 })
		flawless(t, c)
		c.Close(t.Context())
	}
}
