package page

import (
	"context"
	"encoding/json"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"steg/colibri"
	"steg/tests/browser"
)

func TestMain(m *testing.M) { os.Exit(browser.Isolate(m)) }

// transport is a bridge's answer that leads nowhere.
func transport() *colibri.Transport {
	return &colibri.Transport{
		ICE: &colibri.IceUDP{
			Ufrag: "ufrag", Pwd: "0123456789012345678901",
			Fingerprints: []colibri.Fingerprint{{Hash: "sha-256", Setup: "actpass", Value: strings.Repeat("AB:", 31) + "AB"}},
			Candidates: []colibri.Candidate{{Component: 1, Foundation: "1", ID: "c", Priority: 2130706431, Protocol: "udp",
				Type: "host", IP: browser.Address, Port: 9}},
		},
		SCTP: &colibri.SCTP{Port: 5000},
	}
}

// signaller serves the page and plays the server to one page.
type signaller struct {
	t    *testing.T
	conn chan *websocket.Conn
	ws   *websocket.Conn
}

func newSignaller(t *testing.T) (*signaller, string) {
	s := &signaller{t: t, conn: make(chan *websocket.Conn, 1)}
	mux := http.NewServeMux()
	files, err := fs.Sub(static, "static")
	if err != nil {
		t.Fatal(err)
	}
	mux.Handle("/", http.FileServerFS(files))
	mux.HandleFunc("/signal", func(w http.ResponseWriter, r *http.Request) {
		ws, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		s.conn <- ws
		<-t.Context().Done()
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	t.Cleanup(server.CloseClientConnections)
	return s, server.URL
}

func (s *signaller) accept() {
	select {
	case s.ws = <-s.conn:
	case <-time.After(20 * time.Second):
		s.t.Fatal("the page does not connect")
	}
}

func (s *signaller) send(m message) {
	text, err := json.Marshal(m)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := s.ws.Write(s.t.Context(), websocket.MessageText, text); err != nil {
		s.t.Fatal(err)
	}
}

// expect reads up to a message of the type.
func (s *signaller) expect(typ string) message {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 20*time.Second)
	defer cancel()
	for {
		_, text, err := s.ws.Read(ctx)
		if err != nil {
			s.t.Fatalf("wait for %s: %v", typ, err)
		}
		var m message
		if err := json.Unmarshal(text, &m); err != nil {
			s.t.Fatal(err)
		}
		if m.Type == typ {
			return m
		}
	}
}

// TestNegotiation has a page answer offers: the answer describes a transport
// and three encodings with retransmission, their numbers last, and sections
// for others' sources come, go and are used again.
func TestNegotiation(t *testing.T) {
	b := browser.Start(t)
	s, url := newSignaller(t)
	tab := b.Open(t, "page", url+"/?name=Anna&join=1")
	s.accept()
	if in := s.expect("join"); in.Name != "Anna" || in.Room != "stage" || !in.Video || !in.Audio {
		t.Errorf("join is %+v", in)
	}
	s.send(message{Type: "welcome", ID: "aaaa0001", SCTP: true})
	people := []person{{ID: "aaaa0001", Name: "Anna"}, {ID: "bbbb0002", Name: "Berta Müller", state: state{Video: true}}}
	s.send(message{Type: "roster", Endpoints: people})

	ses := newSession(transport(), "VP8")
	exchange := func(remote ...source) message {
		t.Helper()
		offer, ok := ses.offer(remote)
		if !ok {
			t.Fatal("an offer is pending")
		}
		s.send(offer)
		answer := s.expect("answer")
		if ses.answered(answer.Revision) {
			t.Fatal("another offer is due")
		}
		return answer
	}

	first := exchange()
	ice, err := transportOf(first.SDP)
	if err != nil || ice.Fingerprints[0].Setup != "active" {
		t.Errorf("transport is %+v, %v", ice, err)
	}
	checkOwnSources(t, first.Sources)

	remote := source{Name: "bbbb0002-v0", Kind: "video", VideoType: "camera", Owner: "bbbb0002",
		SSRCs: []ssrc{11, 12, 13, 21, 22, 23}, Groups: []group{{"SIM", []ssrc{11, 12, 13}}, {"FID", []ssrc{11, 21}}}}
	second := exchange(remote, source{Name: "bbbb0002-a0", Kind: "audio", Owner: "bbbb0002", SSRCs: []ssrc{5}})
	if !slices.EqualFunc(first.Sources, second.Sources, func(a, b source) bool { return slices.Equal(a.SSRCs, b.SSRCs) }) {
		t.Errorf("own SSRCs changed: %+v, then %+v", first.Sources, second.Sources)
	}
	tab.WaitFor("a tile for the remote video", 5*time.Second, `document.querySelectorAll('.tile').length === 2`)
	third := exchange()
	remote.SSRCs, remote.Groups = []ssrc{31}, nil
	fourth := exchange(remote)
	if a, b := strings.Count(third.SDP, "\nm="), strings.Count(fourth.SDP, "\nm="); a != b {
		t.Errorf("a free section was not used again: %d, then %d sections", a, b)
	}
	if dir := os.Getenv("STEG_SCREENSHOTS"); dir != "" {
		tab.Screenshot(filepath.Join(dir, "negotiation.png"))
	}
	if c := tab.Console(); c != "" {
		t.Errorf("the page writes to its console:\n%s", c)
	}
}

func checkOwnSources(t *testing.T, sources []source) {
	t.Helper()
	if len(sources) != 2 || sources[0].Name != "aaaa0001-a0" || sources[1].Name != "aaaa0001-v0" {
		t.Fatalf("own sources are %+v", sources)
	}
	if n := len(sources[0].SSRCs); n != 1 {
		t.Errorf("audio has %d SSRCs", n)
	}
	video := sources[1]
	var kinds []string
	for _, g := range video.Groups {
		kinds = append(kinds, g.Semantics)
	}
	if want := []string{"SIM", "FID", "FID", "FID"}; !slices.Equal(kinds, want) || len(video.SSRCs) != 6 {
		t.Errorf("video has groups %v and %d SSRCs, want %v and 6", kinds, len(video.SSRCs), want)
	}
	media, rtx := video.primary()
	if media == 0 || rtx == 0 || media == rtx {
		t.Errorf("primary is %d, its retransmission %d", media, rtx)
	}
}

// TestEntrance opens the page in both languages.
func TestEntrance(t *testing.T) {
	b := browser.Start(t)
	_, url := newSignaller(t)
	for lang, want := range map[string]string{"de": "Teilnehmen", "en": "Join"} {
		tab := b.Open(t, lang, url+"/?lang="+lang)
		tab.WaitFor("be in its language", 5*time.Second, `document.getElementById('join').textContent === "`+want+`"`)
		var untold []string
		tab.Eval(`[...document.querySelectorAll('[data-text], [data-title]')].filter((e) => !(e.textContent || e.title)).map((e) => e.outerHTML)`, &untold)
		if len(untold) > 0 {
			t.Errorf("%s: without text: %v", lang, untold)
		}
		if dir := os.Getenv("STEG_SCREENSHOTS"); dir != "" {
			tab.Screenshot(filepath.Join(dir, "entrance-"+lang+".png"))
		}
	}
}
