// Package page serves the demonstration: a page for browsers without any
// framework, and the signalling by which a page takes part in a conference.
//
// The server stands where Jitsi has Jicofo, the room's chat and the client's
// own library: it has the focus allocate an endpoint on the bridge, turns the
// bridge's answer into a session description for the browser (sdp.go), reads
// the browser's answer back into Colibri2 (answer.go), and offers again
// whenever somebody's sources come or go (room.go). Media and the bridge
// channel run between browser and bridge, never through this server.
//
// A page talks to the server in JSON over one websocket at /signal; the
// messages are in signal.go. Start with New.
package page

import (
	"context"
	"embed"
	"io/fs"
	"net/http"
	"sync"

	"github.com/coder/websocket"

	"steg/tests/focus"
)

//go:embed static
var static embed.FS

// Server holds the rooms of one demonstration.
type Server struct {
	// Set once.
	focus  *focus.Focus
	logf   func(format string, a ...any)
	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	serves sync.WaitGroup // running signalling connections

	mu    sync.Mutex
	rooms map[string]*room // by name
}

// New returns a server whose conferences the focus places on the bridges it
// sees. logf gets what goes wrong, without names or addresses; nil drops it.
func New(f *focus.Focus, logf func(format string, a ...any)) *Server {
	if logf == nil {
		logf = func(string, ...any) {}
	}
	ctx, cancel := context.WithCancel(context.Background())
	return &Server{focus: f, logf: logf, ctx: ctx, cancel: cancel, rooms: map[string]*room{}}
}

// Handler serves the page at / and the signalling at /signal.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	files, err := fs.Sub(static, "static")
	if err != nil {
		panic(err) // the directory is part of the program
	}
	page := http.FileServerFS(files)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-cache")
		w.Header().Set("Content-Security-Policy",
			"default-src 'self'; connect-src 'self' ws: wss:; style-src 'self' 'unsafe-inline'; media-src 'self' blob: mediastream:")
		w.Header().Set("Referrer-Policy", "no-referrer")
		page.ServeHTTP(w, r)
	})
	mux.HandleFunc("/signal", s.signal)
	return mux
}

// Close ends all calls and waits for them.
func (s *Server) Close() {
	s.cancel()
	s.serves.Wait()
}

func (s *Server) signal(w http.ResponseWriter, r *http.Request) {
	ws, err := websocket.Accept(w, r, nil)
	if err != nil {
		return // the library has answered
	}
	s.serves.Add(1)
	defer s.serves.Done()
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(s.ctx, cancel)()
	m := newMember(s, ws)
	m.serve(ctx)
	_ = ws.CloseNow()
}

// enter returns the named room, made when nobody is in it.
func (s *Server) enter(name string) *room {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.rooms[name]
	if r == nil {
		r = &room{server: s, name: name, members: map[string]*member{}}
		s.rooms[name] = r
	}
	r.users++
	return r
}

// exit forgets a room that nobody uses any more.
func (s *Server) exit(r *room) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.users--; r.users == 0 {
		delete(s.rooms, r.name)
	}
}
