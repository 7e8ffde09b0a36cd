package xmpp_test

import (
	"encoding/xml"
	"os"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"steg/colibri"
	"steg/configs"
)

// TestReplay plays the server's part of a recorded dialogue of a Jitsi
// Videobridge and compares what the client says with what that bridge said.
func TestReplay(t *testing.T) {
	text, err := os.ReadFile("testdata/dialogue.txt")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(cfg *configs.XMPP) {
			cfg.PresenceInterval = 24 * time.Hour
			cfg.Accounts[0].MUCs, cfg.Accounts[0].Nickname = []string{"jvbbrewery@internal.auth.meet.test"}, "jvb1"
		})
		defer w.close()
		w.bridge.keep = make(chan request, 100)
		c := <-w.conns
		for _, line := range lines {
			switch {
			case strings.HasPrefix(line, "S: "):
				c.write(line[3:])
				synctest.Wait()
			case strings.HasPrefix(line, "B: <presence"):
				comparePresence(t, parse(t, line[3:]), c.expect())
			case strings.HasPrefix(line, "B: <iq"):
				want := parse(t, line[3:])
				giveAnswer(t, w, want)
				compareAnswer(t, want, c.expect())
			}
		}
		synctest.Wait()
		c.quiet()
	})
}

func parse(t *testing.T, text string) stanza {
	t.Helper()
	var st stanza
	if err := xml.Unmarshal([]byte(text), &st); err != nil {
		t.Fatal(err)
	}
	return st
}

// giveAnswer has the bridge give the recorded answer to its oldest request.
func giveAnswer(t *testing.T, w *world, want stanza) {
	t.Helper()
	if !strings.Contains(want.Inner, "<conference-modified") {
		return
	}
	answer, err := colibri.ParseModified([]byte(want.Inner))
	if err != nil {
		t.Fatal(err)
	}
	(<-w.bridge.keep).answer(answer, nil)
}

func compareAnswer(t *testing.T, want, got stanza) {
	t.Helper()
	if got.ID != want.ID || got.Type != want.Type || got.To != want.To {
		t.Errorf("answer %s %s to %s, want %s %s to %s", got.Type, got.ID, got.To, want.Type, want.ID, want.To)
	}
	if want.Inner == "" {
		if got.Inner != "" {
			t.Errorf("answer has content: %s", got.Inner)
		}
		return
	}
	w, err := colibri.ParseModified([]byte(want.Inner))
	if err != nil {
		t.Fatal(err)
	}
	g, err := colibri.ParseModified([]byte(got.Inner))
	if err != nil || !reflect.DeepEqual(g, w) {
		t.Errorf("answer\n%s\nwant\n%s", got.Inner, want.Inner)
	}
}

// comparePresence compares address and kind: join or statistics.
func comparePresence(t *testing.T, want, got stanza) {
	t.Helper()
	for _, mark := range []string{"protocol/muc'", "<stats xmlns='http://jitsi.org/protocol/colibri'"} {
		if strings.Contains(got.Inner, mark) != strings.Contains(want.Inner, mark) {
			t.Errorf("presence\n%s\nwant\n%s", got.Inner, want.Inner)
		}
	}
	if got.To != want.To || got.Type != want.Type {
		t.Errorf("presence %s to %s, want %s to %s", got.Type, got.To, want.Type, want.To)
	}
}
