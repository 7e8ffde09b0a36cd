package endpoint_test

import (
	"context"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"steg/bridge"
	"steg/bridge/transport"
	"steg/configs"
	"steg/tests/load/endpoint"
)

// startBridge runs a bridge in this process, on loopback.
func startBridge(t *testing.T) endpoint.Signaller {
	t.Helper()
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

// TestCallOfThree has three endpoints see and hear each other.
func TestCallOfThree(t *testing.T) {
	c := startCall(t, endpoint.CallOptions{Endpoints: 3})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for _, e := range c.Endpoints {
		for len(e.Streams()) < 4 { // audio and video of two others
			if ctx.Err() != nil {
				t.Fatalf("%+v\n%+v", e.Streams(), c.Stats())
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
	c.Reset()
	if err := c.Wait(ctx, func(s endpoint.Stats) bool { return s.Frames > 300 && s.Audio > 500 }); err != nil {
		t.Fatal(err)
	}
	s := c.Stats()
	if s.BadVideo+s.PictureGaps+s.Unmarked+s.Rejected+s.BadMessages+s.Duplicates > 0 || s.Lost > s.Received/100 {
		t.Errorf("%+v", s)
	}
	t.Logf("%+v", s)
}
