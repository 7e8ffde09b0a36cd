package privacy_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"steg/bridge/message"
	"steg/colibri"
	"steg/tests/load/endpoint"
	"steg/tests/privacy"
	"steg/tests/prosody"
	"steg/tests/rig"
)

const (
	room   = "geheimer-vorstand"
	person = "Friederike Quittenbaum"
)

// TestTraces shows that the search finds what it is for.
func TestTraces(t *testing.T) {
	var traces privacy.Traces
	traces.AddText(person)
	traces.AddAddress(netip.MustParseAddr("127.77.3.9"))
	traces.AddAddress(netip.MustParseAddr("2001:db8::7"))
	for _, leak := range []string{
		"joined: friederike quittenbaum", "Friederike+Quittenbaum", "Friederike%20Quittenbaum",
		"from 127.77.3.9:5000", "::ffff:127.77.3.9", "7f4d:0309", "7F4D0309", "[127 77 3 9]",
		"[2001:db8::7]:10000", "2001:0DB8:0000:0000:0000:0000:0000:0007",
	} {
		if len(traces.Find(leak)) != 1 {
			t.Errorf("%q was not found", leak)
		}
	}
	if found := traces.Find("127.7.3.9 friederike"); found != nil {
		t.Errorf("found %q where nothing is", found)
	}
}

// TestCall runs a call at the quietest and the loudest log level and searches
// what the bridge gave out.
func TestCall(t *testing.T) {
	if _, err := os.Stat("/usr/bin/prosody"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("prosody is not installed")
		}
		t.Skip("prosody is not installed")
	}
	for _, level := range []string{"warn", "debug"} {
		t.Run(level, func(t *testing.T) { searchCall(t, level) })
	}
}

func searchCall(t *testing.T, level string) {
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Second)
	defer cancel()
	r, err := rig.Start(ctx, rig.Options{Dir: t.TempDir(), Bridge: prosody.Bridge{Extra: "steg.log.level = " + level}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := r.Stop(); err != nil {
			t.Error(err)
		}
	}()
	n, err := endpoint.NewNetwork()
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()

	s := &spy{rig: r}
	call, err := endpoint.NewCall(ctx, n, s, endpoint.CallOptions{Endpoints: 3})
	if err != nil {
		t.Fatal(err)
	}
	if err := call.Wait(ctx, func(s endpoint.Stats) bool { return s.Audio > 100 && s.Frames > 50 }); err != nil {
		t.Fatal(err)
	}
	misbehave(t, r, s, call)
	given := s.collect(t, "during the call")
	failedHandshake(ctx, t, n, s)
	if err := r.Prosody.Restart(); err != nil {
		t.Error(err)
	}
	call.Endpoints[0].Close() // vanishes without a word
	time.Sleep(time.Second)
	given += s.collect(t, "after a restart of Prosody")
	call.Close(ctx) // the connection of the focus is gone: this cannot reach the bridge
	r.Halt()
	given += r.Output()

	for _, e := range call.Endpoints {
		s.traces.AddAddress(e.Addr())
	}
	if s.traces.Len() < 15 {
		t.Errorf("only %d traces to search for", s.traces.Len())
	}
	for _, found := range s.traces.Find(given) {
		at := strings.Index(strings.ToLower(given), strings.ToLower(found))
		t.Errorf("the bridge gave out %q: …%s…", found, given[max(0, at-200):min(len(given), at+200)])
	}
	if level == "debug" {
		t.Logf("%d bytes searched for %d traces", len(given), s.traces.Len())
	}
}

// misbehave sends what nobody should send.
func misbehave(t *testing.T, r *rig.Rig, s *spy, call *endpoint.Call) {
	t.Helper()
	secret := "Spargelrisotto"
	s.traces.AddText(secret)
	m, err := message.NewEndpointMessage("", call.Endpoints[1].ID(), []byte(`{"text":"`+secret+`"}`))
	if err != nil {
		t.Fatal(err)
	}
	if err := call.Endpoints[0].Send(m); err != nil {
		t.Error(err)
	}
	for _, text := range []string{`{"colibriClass":"` + secret + `"}`, `{` + secret, `{"colibriClass":"EndpointMessage","to":"x","to":"` + secret + `"}`} {
		if err := call.Endpoints[0].SendText([]byte(text)); err != nil {
			t.Error(err)
		}
	}
	stranger, err := net.Dial("udp4", fmt.Sprintf("127.0.0.1:%d", r.MediaPort))
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	for first := range 256 {
		_, _ = stranger.Write(append([]byte{byte(first)}, bytes.Repeat([]byte(secret), 8)...))
	}
	response, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/colibri-ws/bridge/%s/%s?pwd=%s", r.PublicPort, secret, secret, secret))
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
}

// failedHandshake lets an endpoint come with another certificate than it
// announced, and one with sources that make no sense.
func failedHandshake(ctx context.Context, t *testing.T, n *endpoint.Network, s *spy) {
	t.Helper()
	s.wrongFingerprint = true
	short, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	if c, err := endpoint.NewCall(short, n, s, endpoint.CallOptions{Endpoints: 1, NoVideo: true}); err == nil {
		t.Error("an endpoint with a wrong certificate was let in")
		c.Close(ctx)
	}
	s.wrongFingerprint = false
}

// spy is the focus: it gives every participant a name and notes what must not
// be found again.
type spy struct {
	rig              *rig.Rig
	traces           privacy.Traces
	wrongFingerprint bool
}

// Modify implements endpoint.Signaller.
func (s *spy) Modify(ctx context.Context, req *colibri.ConferenceModify) (*colibri.ConferenceModified, error) {
	s.traces.AddText(req.MeetingID)
	if req.Create {
		req.Name = room + "@conference.meet.example"
		s.traces.AddText(room)
	}
	for i := range req.Endpoints {
		e := &req.Endpoints[i]
		e.StatsID = person
		s.traces.AddText(person)
		s.traces.AddText(e.ID)
		if e.Transport != nil && e.Transport.ICE != nil {
			s.traces.AddText(e.Transport.ICE.Pwd)
			s.traces.AddText(e.Transport.ICE.Ufrag + ":")
			if s.wrongFingerprint {
				e.Transport.ICE.Fingerprints[0].Value = strings.Repeat("AB:", 31) + "CD"
			}
		}
	}
	answer, err := s.rig.Focus.Modify(ctx, s.rig.Bridge, req)
	if err == nil {
		for _, e := range answer.Endpoints {
			if e.Transport != nil && e.Transport.ICE != nil {
				s.traces.AddText(e.Transport.ICE.Pwd)
			}
		}
	}
	return answer, err
}

// collect returns everything that the bridge shows at present.
func (s *spy) collect(t *testing.T, when string) string {
	t.Helper()
	var b strings.Builder
	for _, path := range []string{"/about/health", "/about/version", "/colibri/stats", "/colibri/drain", "/metrics", "/debug", "/stats"} {
		response, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d%s", s.rig.PrivatePort, path))
		if err != nil {
			t.Errorf("%s %s: %v", when, path, err)
			continue
		}
		body, _ := io.ReadAll(response.Body)
		_ = response.Body.Close()
		fmt.Fprintf(&b, "%s %s %v\n%s\n", when, path, response.Header, body)
	}
	for _, bridge := range s.rig.Focus.Bridges() {
		fmt.Fprintf(&b, "presence %v\n", bridge.Stats)
	}
	for _, file := range []string{"cmdline", "environ", "comm"} {
		data, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", s.rig.PID(), file))
		if err != nil {
			t.Error(err)
		}
		b.Write(data)
	}
	return b.String()
}
