package browser_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"steg/tests/browser"
	"steg/tests/demo/page"
	"steg/tests/prosody"
	"steg/tests/rig"
)

// binary is the bridge's program, built once for all tests.
var binary string

// shots is where pictures of the pages are put.
var shots string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	if !browser.Isolated() {
		return browser.Isolate(m)
	}
	dir, err := os.MkdirTemp("", "steg-browser-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "steg")
	if shots = os.Getenv("STEG_SCREENSHOTS"); shots == "" {
		shots, err = os.MkdirTemp("", "steg-screenshots-")
	}
	if err == nil {
		err = rig.Build(context.Background(), binary, os.Getenv("STEG_RACE") != "")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// installation is a bridge with all that belongs to it, and a browser.
type installation struct {
	*rig.Rig
	browser *browser.Browser
	url     string
	room    int
}

// install starts everything for one test.
func install(t *testing.T) *installation {
	t.Helper()
	if !browser.Isolated() {
		browser.Need(t, "the tests run without a network namespace of their own (not root?)")
	}
	b := browser.Start(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	r, err := rig.Start(ctx, rig.Options{Binary: binary, Dir: t.TempDir()})
	if errors.Is(err, exec.ErrNotFound) {
		browser.Need(t, "prosody is not installed")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Stop(); err != nil {
			t.Error(err)
		}
		checkSilence(t, r.Output())
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	pages := page.New(r.Focus, t.Logf)
	server := &http.Server{Handler: pages.Handler()}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() {
		_ = server.Close()
		pages.Close()
	})
	return &installation{Rig: r, browser: b, url: "http://" + l.Addr().String()}
}

// checkSilence fails if the bridge wrote anything that tells of a person:
// an address, a room or a name.
func checkSilence(t *testing.T, output string) {
	t.Helper()
	for _, word := range append([]string{browser.Address, prosody.BridgePassword, "room-"}, names...) {
		if strings.Contains(output, word) {
			t.Errorf("the bridge's output contains %q", word)
		}
	}
	for _, word := range []string{"DATA RACE", "panic", "goroutine "} {
		if strings.Contains(output, word) {
			t.Errorf("the bridge's output contains %q", word)
		}
	}
	if t.Failed() && output != "" {
		t.Logf("the bridge wrote:\n%s", output)
	}
}

// names are those of the people in the calls.
var names = []string{"Annegret", "Bertram", "Cordula"}

// person is one page in a call.
type person struct {
	*browser.Tab
	name string
	url  string
	id   string // of the endpoint
}

// snapshot is what a page knows of its call at one moment.
type snapshot struct {
	ID          string         `json:"id"`
	Connection  string         `json:"connection"`
	Channel     string         `json:"channel"`
	ChannelOpen bool           `json:"channelOpen"`
	Messages    map[string]int `json:"messages"`
	Sources     []received     `json:"sources"`
	Sent        []sent         `json:"sent"`
	Endpoints   []struct {
		ID string `json:"id"`
	} `json:"endpoints"`
}

type received struct {
	Name          string  `json:"name"`
	Owner         string  `json:"owner"`
	Kind          string  `json:"kind"`
	VideoType     string  `json:"videoType"`
	Height        int     `json:"height"`
	FramesDecoded int     `json:"framesDecoded"`
	AudioEnergy   float64 `json:"audioEnergy"`
	Packets       int     `json:"packets"`
	Codec         string  `json:"codec"`
}

type sent struct {
	SSRC    uint32 `json:"ssrc"`
	Kind    string `json:"kind"`
	Packets int    `json:"packets"`
	Height  int    `json:"height"`
}

func (p *person) snapshot() snapshot {
	p.Helper()
	var s snapshot
	p.Eval("steg.snapshot()", &s)
	return s
}

// join opens a tab for each name in one room and waits until all are
// connected and see each other.
func (in *installation) join(t *testing.T, options string, names ...string) []*person {
	t.Helper()
	in.room++
	var people []*person
	for _, name := range names {
		url := fmt.Sprintf("%s/?name=%s&room=room-%d&join=1&lang=en%s", in.url, name, in.room, options)
		people = append(people, &person{Tab: in.browser.Open(t, name, url), name: name, url: url})
	}
	t.Cleanup(func() {
		if t.Failed() {
			diagnose(people)
		}
	})
	for _, p := range people {
		p.connected(len(people))
	}
	return people
}

// connected waits until a page is connected and has the sources of all.
func (p *person) connected(people int) {
	p.Helper()
	took := p.Wait("be connected", 20*time.Second, func() error {
		s := p.snapshot()
		p.id = s.ID
		if s.Connection != "connected" || !s.ChannelOpen || len(s.Sources) != 2*(people-1) || len(s.Endpoints) != people {
			return fmt.Errorf("connection %q, channel open: %t, %d sources, %d people", s.Connection, s.ChannelOpen, len(s.Sources), len(s.Endpoints))
		}
		return nil
	})
	p.Logf("%s is connected and sees everybody after %v", p.name, took.Round(10*time.Millisecond))
}

// diagnose logs what each page knows, to tell why a test failed.
func diagnose(people []*person) {
	for _, p := range people {
		var all, reasons json.RawMessage
		if p.Try("steg.snapshot()", &all) == nil && p.Try("steg.reasons()", &reasons) == nil {
			p.Logf("%s: %s\n%s", p.name, reasons, all)
		}
	}
}
