package focus

import (
	"context"
	"errors"
	"testing"
	"time"

	"steg/colibri"
	"steg/tests/prosody"
)

func dial(t *testing.T) (*Focus, *prosody.Server, context.Context) {
	t.Helper()
	s := prosody.StartForTest(t)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	t.Cleanup(cancel)
	f, err := Dial(ctx, Options{HostPort: s.HostPort(), Domain: s.AuthDomain(), CAFile: s.CAFile, Brewery: s.Brewery(),
		User: prosody.FocusUser, Password: prosody.FocusPassword})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	return f, s, ctx
}

func TestBridgeComesAndGoes(t *testing.T) {
	f, s, ctx := dial(t)
	b := startFakeBridge(t, s)
	seen, err := f.WaitBridge(ctx, "fake", func(b Bridge) bool { return b.Stats["drain"] == "false" })
	if err != nil {
		t.Fatal(err)
	}
	if want := s.Brewery() + "/fake"; seen.JID != want || seen.Stats["healthy"] != "true" {
		t.Errorf("bridge is %+v, want JID %s and healthy", seen, want)
	}
	if err := f.Health(ctx, seen); err != nil {
		t.Errorf("health check: %v", err)
	}
	b.close()
	if err := f.WaitGone(ctx, "fake"); err != nil {
		t.Error(err)
	}
	var refusal *colibri.Error
	if err := f.Health(ctx, seen); !errors.As(err, &refusal) {
		t.Errorf("health check of a bridge that left gives %v, want a *colibri.Error", err)
	}
}

func TestConference(t *testing.T) {
	f, s, ctx := dial(t)
	b := startFakeBridge(t, s)
	bridge, err := f.WaitBridge(ctx, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	c := f.NewConference(bridge, "blue")
	tr, err := c.AddEndpoint(ctx, EndpointOptions{ID: "a1", SCTP: true})
	if err != nil {
		t.Fatal(err)
	}
	if tr.ICE.Ufrag != "uf" || tr.SCTP.Port != 5000 || c.Feedback() == nil {
		t.Errorf("answer is %+v", tr)
	}
	first := <-b.requests
	if !first.Create || first.Name != "blue@conference.meet.test" || len(first.Endpoints[0].Media) != 2 ||
		!first.Endpoints[0].HasCapability(colibri.CapSourceNames) || first.Endpoints[0].Sources == nil {
		t.Errorf("first request is %+v", first)
	}
	if _, err := c.AddEndpoint(ctx, EndpointOptions{ID: "a2", SCTP: true}); err != nil {
		t.Fatal(err)
	}
	if second := <-b.requests; second.Create || second.MeetingID != first.MeetingID {
		t.Errorf("second request is %+v", second)
	}
	if err := c.Update(ctx, "a1", Update{Sources: &colibri.Sources{}}); err != nil {
		t.Error(err)
	}
	if err := c.ForceMute(ctx, "a1", true, false); err != nil {
		t.Error(err)
	}
	var refusal *colibri.Error
	if err := c.Update(ctx, "zz", Update{}); !errors.As(err, &refusal) || refusal.Reason != colibri.ReasonUnknownEndpoint || refusal.EndpointID != "zz" {
		t.Errorf("update of an unknown endpoint gives %v", err)
	}
	if err := errors.Join(c.ExpireEndpoint(ctx, "a2"), c.Expire(ctx)); err != nil {
		t.Error(err)
	}
	if err := c.Expire(ctx); !errors.As(err, &refusal) || refusal.Reason != colibri.ReasonConferenceNotFound {
		t.Errorf("second expire gives %v", err)
	}
}

func TestConnectionEnds(t *testing.T) {
	f, s, ctx := dial(t)
	s.Halt()
	select {
	case <-f.Done():
	case <-ctx.Done():
		t.Fatal("the focus does not notice that the server is gone")
	}
	if _, err := f.WaitBridge(ctx, "", nil); !errors.Is(err, ErrClosed) {
		t.Errorf("WaitBridge gives %v, want ErrClosed", err)
	}
}
