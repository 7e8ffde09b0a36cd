package rest_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/transport/v5/test"

	"steg/bridge/rest"
	"steg/colibri"
	"steg/configs"
)

// fakeBridge implements all that rest needs of a bridge.
type fakeBridge struct {
	mu      sync.Mutex
	drain   bool
	sick    error
	expired bool
	sockets chan *fakeEndpoint
}

func newFakeBridge() *fakeBridge { return &fakeBridge{sockets: make(chan *fakeEndpoint, 10)} }

func (b *fakeBridge) Healthy() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.sick
}

func (b *fakeBridge) Statistics() []colibri.Stat {
	return []colibri.Stat{
		{Name: "conferences", Value: "3"}, {Name: "stress_level", Value: "0.25"}, {Name: "healthy", Value: "true"},
		{Name: "version", Value: "2.5"}, {Name: "region", Value: "7"}, {Name: "odd", Value: "NaN"},
	}
}

func (b *fakeBridge) Drain() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.drain
}

func (b *fakeBridge) SetDrain(on bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.drain = on
}

// fakeEndpoint is what a web socket was attached to.
type fakeEndpoint struct {
	rest.Channel
	messages chan string
	closed   chan struct{}
}

// AuthorizeWebSocket knows endpoint e1 of conference c1.
func (b *fakeBridge) AuthorizeWebSocket(conference, endpoint, password string) (func(rest.Channel) (func([]byte), func()), bool) {
	if conference != "c1" || endpoint != "e1" || password != "s3cret" {
		return nil, false
	}
	return func(c rest.Channel) (func([]byte), func()) {
		if b.expired {
			return nil, nil
		}
		e := &fakeEndpoint{Channel: c, messages: make(chan string, 100), closed: make(chan struct{})}
		b.sockets <- e
		return func(text []byte) {
			if string(text) == "panic" {
				panic("message of a client")
			}
			e.messages <- string(text)
		}, func() { close(e.closed) }
	}, true
}

// serve runs both servers on loopback until the test ends, and then looks for
// goroutines that are left.
func serve(t *testing.T, b *fakeBridge, change func(*rest.Options)) (s *rest.Server, log *bytes.Buffer) {
	t.Helper()
	check := test.CheckRoutines(t)
	log = &bytes.Buffer{}
	o := rest.Options{
		HTTP: configs.HTTP{
			Public:  configs.Listener{Host: "127.0.0.1", Port: 0, TLSPort: -1},
			Private: configs.Listener{Port: 0, TLSPort: -1},
		},
		REST: configs.REST{Colibri: true, Drain: true, Health: true, Version: true},
		WebSockets: configs.WebSockets{
			Enabled: true, ServerID: "jvb1", Compression: true, KeepalivePings: true,
			PingInterval: 15 * time.Second, IdleTimeout: time.Minute,
		},
		Version: "1.2.3", Log: configs.NewLogger(log, "debug"),
		Conferences: b, Status: b, Drainer: b,
	}
	if change != nil {
		change(&o)
	}
	s, err := rest.Listen(o)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := s.Close(ctx); err != nil {
			t.Error(err)
		}
		http.DefaultClient.CloseIdleConnections()
		check()
	})
	return s, log
}

func request(t *testing.T, method, url string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(answer.Status + " " + strings.TrimSpace(string(body)))
}

func TestPrivate(t *testing.T) {
	b := newFakeBridge()
	s, _ := serve(t, b, nil)
	base := "http://" + s.PrivateAddr().String()
	if !strings.HasPrefix(base, "http://127.0.0.1:") {
		t.Errorf("listens on %s by default", base)
	}
	tests := []struct {
		method, path, want string
	}{
		{"GET", "/about/health", "200 OK"},
		{"GET", "/about/version", `200 OK {"name":"Steg","os":"linux","version":"1.2.3"}`},
		{"GET", "/colibri/stats", `200 OK {"conferences":3,"healthy":true,"odd":"NaN","region":"7","stress_level":0.25,"version":"2.5"}`},
		{"GET", "/colibri/drain", `200 OK {"drain":false}`},
		{"POST", "/colibri/drain/enable", "200 OK"},
		{"GET", "/colibri/drain", `200 OK {"drain":true}`},
		{"POST", "/colibri/drain/disable", "200 OK"},
		{"GET", "/colibri/drain", `200 OK {"drain":false}`},
		{"GET", "/colibri/drain/enable", "405 Method Not Allowed Method Not Allowed"},
		{"GET", "/", "404 Not Found 404 page not found"},
		{"GET", "/debug", "404 Not Found 404 page not found"},
		{"GET", "/debug/pprof/", "404 Not Found 404 page not found"},
		{"GET", "/colibri-ws/jvb1/c1/e1?pwd=s3cret", "404 Not Found 404 page not found"},
	}
	for _, tt := range tests {
		if got := request(t, tt.method, base+tt.path); got != tt.want {
			t.Errorf("%s %s: %q, want %q", tt.method, tt.path, got, tt.want)
		}
	}
	b.mu.Lock()
	b.sick = errors.New("no usable address")
	b.mu.Unlock()
	if got, want := request(t, "GET", base+"/about/health"), "500 Internal Server Error no usable address"; got != want {
		t.Errorf("unhealthy: %q, want %q", got, want)
	}
}

func TestPrivateSwitches(t *testing.T) {
	s, _ := serve(t, newFakeBridge(), func(o *rest.Options) { o.REST = configs.REST{} })
	for _, path := range []string{"/about/health", "/about/version", "/colibri/stats", "/colibri/drain"} {
		if got := request(t, "GET", "http://"+s.PrivateAddr().String()+path); !strings.HasPrefix(got, "404") {
			t.Errorf("%s: %q", path, got)
		}
	}
}

func TestServersOff(t *testing.T) {
	s, _ := serve(t, newFakeBridge(), func(o *rest.Options) {
		o.WebSockets.Enabled = false
		o.HTTP.Private.Port = -1
	})
	if s.PublicAddr() != nil || s.PrivateAddr() != nil {
		t.Error("a server listens although it is off")
	}
}

func TestPortTaken(t *testing.T) {
	s, _ := serve(t, newFakeBridge(), nil)
	_, port, _ := strings.Cut(s.PrivateAddr().String(), ":")
	o := rest.Options{HTTP: configs.HTTP{
		Public:  configs.Listener{Port: -1},
		Private: configs.Listener{Port: atoi(t, port)},
	}}
	_, err := rest.Listen(o)
	if err == nil || !strings.Contains(err.Error(), "private HTTP server") || !strings.Contains(err.Error(), port) {
		t.Errorf("error is %v", err)
	}
}
