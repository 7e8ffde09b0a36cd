package bridge

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"steg/bridge/transport"
	"steg/colibri"
	"steg/configs"
)

// newTestBridge makes a bridge on a free loopback port.
func newTestBridge(t testing.TB, change func(*configs.Config)) *Bridge {
	t.Helper()
	cfg := *configs.Default()
	cfg.ICE.Port = 0
	cfg.ICE.AllowLoopback = true
	cfg.Health.RequireValidAddress = false
	if change != nil {
		change(&cfg)
	}
	mux, err := transport.Listen(transport.Config{ICE: cfg.ICE, DTLS: cfg.DTLS, SRTP: cfg.SRTP, SCTP: cfg.SCTP}, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	b := New(cfg, mux, "test", zerolog.Nop())
	b.Start()
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

// ask waits for the answer to a request.
func (b *Bridge) ask(t testing.TB, req *colibri.ConferenceModify) (*colibri.ConferenceModified, error) {
	t.Helper()
	type result struct {
		m   *colibri.ConferenceModified
		err error
	}
	answers := make(chan result, 1)
	b.Modify(context.Background(), req, func(m *colibri.ConferenceModified, err error) { answers <- result{m, err} })
	select {
	case r := <-answers:
		return r.m, r.err
	case <-time.After(10 * time.Second):
		t.Fatal("no answer")
		return nil, nil
	}
}

// iq is one captured stanza.
type iq struct {
	Type  string `xml:"type,attr"`
	ID    string `xml:"id,attr"`
	To    string `xml:"to,attr"`
	From  string `xml:"from,attr"`
	Inner []byte `xml:",innerxml"`
}

func captured(t *testing.T, file string) []iq {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var all []iq
	for _, line := range bytes.Split(bytes.TrimSpace(data), []byte("\n")) {
		var s iq
		if err := xml.Unmarshal(line, &s); err != nil {
			t.Fatal(err)
		}
		all = append(all, s)
	}
	return all
}

// TestReplay sends every captured request to a bridge of ours and compares the
// answers with those that the Jitsi Videobridge gave.
func TestReplay(t *testing.T) {
	files, err := filepath.Glob("../colibri/testdata/*.xml")
	if err != nil || len(files) == 0 {
		t.Fatal("no captures", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".xml"), func(t *testing.T) {
			stanzas := captured(t, file)
			answers := make(map[string]iq)
			sockets, sctp := false, false
			for _, s := range stanzas {
				if s.Type == "result" || s.Type == "error" {
					answers[s.ID] = s
					sockets = sockets || bytes.Contains(s.Inner, []byte("<web-socket "))
					sctp = sctp || bytes.Contains(s.Inner, []byte("<sctp "))
				}
			}
			replay(t, stanzas, answers, sockets, sctp)
		})
	}
}

func replay(t *testing.T, stanzas []iq, answers map[string]iq, sockets, sctp bool) {
	bridges := make(map[string]*Bridge)
	relayed := make(map[string]bool) // conferences that go another way for want of relays
	compared := 0
	for _, s := range stanzas {
		if s.Type != "get" {
			continue
		}
		req, err := colibri.ParseModify(s.Inner)
		if err != nil {
			t.Fatal(err)
		}
		b := bridges[s.To]
		if b == nil {
			b = newTestBridge(t, func(c *configs.Config) {
				c.WebSockets.Enabled, c.WebSockets.Domains = sockets, []string{"meet.example:443"}
				c.SCTP.Enabled = sctp
			})
			bridges[s.To] = b
		}
		got, err := b.ask(t, req)
		if len(req.Relays) > 0 {
			relayed[s.To+req.MeetingID] = true
			if condition(err) != colibri.FeatureNotImplemented && !strings.Contains(fmt.Sprint(got), "true") {
				t.Errorf("relay: got %v", err)
			}
			continue
		}
		want, ok := answers[s.ID]
		if !ok || relayed[s.To+req.MeetingID] && want.Type == "error" {
			continue
		}
		compared++
		if g, w := answerShape(got, err, req), captureShape(t, want, req); g != w {
			t.Errorf("request %s\n got %s\nwant %s", s.Inner, g, w)
		}
	}
	if compared < 3 {
		t.Errorf("only %d answers compared", compared)
	}
}

func condition(err error) colibri.Condition {
	var e *colibri.Error
	if errors.As(err, &e) {
		return e.Condition
	}
	return ""
}

func captureShape(t *testing.T, s iq, req *colibri.ConferenceModify) string {
	t.Helper()
	if s.Type == "error" {
		e, err := colibri.ParseError(s.Inner[:bytes.Index(s.Inner, []byte("</error>"))+len("</error>")])
		if err != nil {
			// The first </error> may close the Colibri element inside.
			e, err = colibri.ParseError(s.Inner[:bytes.LastIndex(s.Inner, []byte("</error>"))+len("</error>")])
		}
		if err != nil {
			t.Fatal(err)
		}
		return answerShape(nil, e, req)
	}
	m, err := colibri.ParseModified(s.Inner)
	if err != nil {
		t.Fatal(err)
	}
	return answerShape(m, nil, req)
}

// answerShape describes an answer without what every run makes anew.
func answerShape(m *colibri.ConferenceModified, err error, req *colibri.ConferenceModify) string {
	var e *colibri.Error
	if errors.As(err, &e) {
		return fmt.Sprint("error ", e.Condition, " ", e.Reason, " ", e.EndpointID)
	}
	var b strings.Builder
	for i, ep := range m.Endpoints {
		fmt.Fprintf(&b, "endpoint %s expire=%v ", ep.ID, ep.Expire)
		if ep.Transport == nil {
			continue
		}
		if ice := ep.Transport.ICE; ice != nil {
			restart := req.Endpoints[i].Transport.ICERestart // a matter of state: see the transport's tests
			fmt.Fprintf(&b, "ufrag=%v pwd=%v mux=%v generation=%v sockets=%d host=%v ", ice.Ufrag != "", ice.Pwd != "", ice.RTCPMux,
				ice.Generation != nil && !restart, len(ice.WebSockets), len(ice.Candidates) > 0 && ice.Candidates[0].Type == "host")
			for _, f := range ice.Fingerprints {
				setup := f.Setup
				if restart {
					setup = ""
				}
				fmt.Fprintf(&b, "%s %s %d ", f.Hash, setup, len(f.Value))
			}
		}
		if s := ep.Transport.SCTP; s != nil {
			fmt.Fprintf(&b, "sctp %s %d ", s.Role, s.Port)
		}
	}
	if m.Sources != nil {
		for _, s := range m.Sources.MediaSources {
			fmt.Fprintf(&b, "source %s %s %d %s ", s.Type, s.ID, len(s.SSRCs), s.SSRCs[0].Name)
		}
	}
	return b.String()
}
