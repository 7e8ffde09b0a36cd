package rest

import (
	"context"
	"crypto/subtle"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
	"github.com/rs/zerolog"

	"steg/configs"
)

const (
	maxMessage    = 64 << 10 // bytes of one message of a client, after decompression
	queueMessages = 256      // waiting messages towards a client
	queueBytes    = 1 << 20
	writeTimeout  = 15 * time.Second
)

// Errors of Channel.Send.
var (
	ErrFull   = errors.New("queue of the web socket is full")
	ErrClosed = errors.New("web socket is closed")
)

// sockets serves the web sockets of endpoints and knows those that are open.
type sockets struct {
	// Set once.
	config      configs.WebSockets
	conferences Conferences
	log         zerolog.Logger

	// Guarded by mu.
	mu     sync.Mutex
	open   map[*socket]struct{}
	closed bool
	empty  chan struct{} // closed when closed and open is empty
}

func newSockets(o Options) *sockets {
	return &sockets{
		config: o.WebSockets, conferences: o.Conferences, log: o.Log,
		open: map[*socket]struct{}{}, empty: make(chan struct{}),
	}
}

// ServeHTTP checks the address, opens the socket and serves it to its end.
func (ss *sockets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	address, ok := parsePath(r.URL.Path)
	if !ok || subtle.ConstantTimeCompare([]byte(address.server), []byte(ss.config.ServerID)) != 1 {
		http.NotFound(w, r)
		return
	}
	password, ok := parsePassword(r.URL.RawQuery)
	if !ok {
		http.Error(w, "forbidden", http.StatusForbidden)
		return
	}
	attach, ok := ss.conferences.AuthorizeWebSocket(address.conference, address.endpoint, password)
	if !ok {
		http.Error(w, "forbidden", http.StatusForbidden)
		return
	}
	s := newSocket(ss.config)
	if !ss.add(s) {
		http.Error(w, "shutting down", http.StatusServiceUnavailable)
		return
	}
	defer ss.remove(s) // after all else, as Close waits for it
	defer recovered(ss.log, func() {})
	if s.accept(w, r) {
		s.run(attach)
	}
}

func (ss *sockets) add(s *socket) bool {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	if !ss.closed {
		ss.open[s] = struct{}{}
	}
	return !ss.closed
}

func (ss *sockets) remove(s *socket) {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	delete(ss.open, s)
	ss.signal()
}

// signal says that the last socket is gone; the caller holds mu.
func (ss *sockets) signal() {
	if ss.closed && len(ss.open) == 0 {
		close(ss.empty)
	}
}

func (ss *sockets) close() {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	if ss.closed {
		return
	}
	ss.closed = true
	for s := range ss.open {
		s.Close(int(websocket.StatusGoingAway), "bridge shuts down")
	}
	ss.signal()
}

// wait returns when all sockets are gone; those that are left when ctx is over
// are cut off.
func (ss *sockets) wait(ctx context.Context) {
	select {
	case <-ss.empty:
		return
	case <-ctx.Done():
	}
	ss.mu.Lock()
	for s := range ss.open {
		s.cut()
	}
	ss.mu.Unlock()
	<-ss.empty
}

// socket is one web socket. The request's goroutine reads, a second one writes,
// a third one watches for silence; all end together.
type socket struct {
	// Set once.
	config configs.WebSockets
	queue  chan []byte
	ctx    context.Context // over when the socket is to be cut off
	cut    context.CancelFunc
	ws     *websocket.Conn // set before run

	// Atomic.
	queued atomic.Int64 // bytes in queue
	heard  atomic.Int64 // Unix time in nanoseconds of the last sign of life

	closeOnce sync.Once
	closing   chan struct{} // closed by Close, after code and reason are set
	code      websocket.StatusCode
	reason    string
}

func newSocket(c configs.WebSockets) *socket {
	s := &socket{config: c, queue: make(chan []byte, queueMessages), closing: make(chan struct{})}
	s.ctx, s.cut = context.WithCancel(context.Background())
	return s
}

// Send implements Channel.
func (s *socket) Send(text []byte) error {
	select {
	case <-s.closing:
		return ErrClosed
	case <-s.ctx.Done():
		return ErrClosed
	default:
	}
	if s.queued.Add(int64(len(text))) > queueBytes {
		s.queued.Add(-int64(len(text)))
		return ErrFull
	}
	select {
	case s.queue <- text:
		return nil
	default:
		s.queued.Add(-int64(len(text)))
		return ErrFull
	}
}

// Close implements Channel: messages that are still queued are dropped.
func (s *socket) Close(code int, reason string) {
	s.closeOnce.Do(func() {
		s.code, s.reason = websocket.StatusCode(code), reason
		close(s.closing)
	})
}

// accept answers the upgrade request, with an error if it is none.
func (s *socket) accept(w http.ResponseWriter, r *http.Request) bool {
	compression := websocket.CompressionDisabled
	if s.config.Compression {
		compression = websocket.CompressionNoContextTakeover // no memory between messages
	}
	ws, err := websocket.Accept(w, r, &websocket.AcceptOptions{
		InsecureSkipVerify: true, // of the origin: the password decides
		CompressionMode:    compression,
		OnPingReceived:     func(context.Context, []byte) bool { s.alive(); return true },
		OnPongReceived:     func(context.Context, []byte) { s.alive() },
	})
	if err != nil {
		s.cut()
		return false
	}
	ws.SetReadLimit(maxMessage)
	s.ws = ws
	s.alive()
	return true
}

func (s *socket) alive() { s.heard.Store(time.Now().UnixNano()) }

func (s *socket) silence() time.Duration {
	return time.Duration(time.Now().UnixNano() - s.heard.Load())
}

// run serves the socket until it is closed by either side.
func (s *socket) run(attach func(Channel) (message func([]byte), closed func())) {
	var loops sync.WaitGroup
	defer loops.Wait()
	defer s.cut()
	loops.Go(s.writeLoop)
	loops.Go(s.watchLoop)
	message, closed := attach(s)
	if message == nil {
		s.Close(int(websocket.StatusGoingAway), "endpoint closed")
		s.readLoop(func([]byte) {})
		return
	}
	defer closed()
	s.readLoop(message)
}

// readLoop passes text on until the socket is closed. Binary messages mean
// nothing here.
func (s *socket) readLoop(message func([]byte)) {
	for {
		kind, text, err := s.ws.Read(s.ctx)
		if err != nil {
			return
		}
		s.alive()
		select {
		case <-s.closing:
			// The owner does not want to hear any more.
			continue
		default:
		}
		if kind == websocket.MessageText {
			message(text)
		}
	}
}

func (s *socket) writeLoop() {
	for {
		select {
		case <-s.ctx.Done():
			_ = s.ws.CloseNow()
			return
		case <-s.closing:
			// Waits for the other side's answer, 10 s at most.
			_ = s.ws.Close(s.code, s.reason)
			s.cut()
			return
		case text := <-s.queue:
			s.queued.Add(-int64(len(text)))
			ctx, cancel := context.WithTimeout(s.ctx, writeTimeout)
			err := s.ws.Write(ctx, websocket.MessageText, text)
			cancel()
			if err != nil {
				s.cut()
			}
		}
	}
}

// watchLoop pings a silent client and cuts off a dead one.
func (s *socket) watchLoop() {
	interval, idle := s.config.PingInterval, s.config.IdleTimeout
	if idle <= 0 {
		idle = time.Minute
	}
	if interval <= 0 || interval > idle {
		interval = idle / 4
	}
	timer := time.NewTimer(interval)
	defer timer.Stop()
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-timer.C:
		}
		silence := s.silence()
		if silence >= idle {
			s.cut()
			return
		}
		if silence >= interval && s.config.KeepalivePings {
			s.ping(interval)
			silence = s.silence()
		}
		next := interval - silence
		if silence >= interval {
			next = min(interval, idle-silence)
		}
		timer.Reset(next)
	}
}

// ping waits for the answer, which counts as a sign of life, or for timeout.
func (s *socket) ping(timeout time.Duration) {
	ctx, cancel := context.WithTimeout(s.ctx, timeout)
	defer cancel()
	_ = s.ws.Ping(ctx)
}
