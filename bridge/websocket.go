package bridge

import (
	"crypto/subtle"
	"sync"

	"steg/bridge/message"
)

// Socket is an open colibri websocket of an endpoint.
type Socket = interface {
	Send(text []byte) error // queues a message; never blocks
	Close(code int, reason string)
}

// Codes with which a websocket is closed (RFC 6455 section 7.4.1).
const (
	closeNormal    = 1000
	closeGoingAway = 1001
)

// AuthorizeWebSocket checks the conference's id, the endpoint and the password
// of a websocket URL. attach takes the opened socket and returns what to call
// with each message and at the end; message is nil when the endpoint has left
// in between.
func (b *Bridge) AuthorizeWebSocket(conference, endpoint, password string) (attach func(Socket) (message func([]byte), closed func()), ok bool) {
	b.mu.Lock()
	c := b.byID[conference]
	b.mu.Unlock()
	if c == nil {
		return nil, false
	}
	e := c.endpoint(endpoint)
	if e == nil || subtle.ConstantTimeCompare([]byte(password), []byte(e.password)) != 1 || e.sockets.full() {
		return nil, false
	}
	return e.attach, true
}

// attach puts a websocket to use; the one before it is replaced.
func (e *Endpoint) attach(s Socket) (func([]byte), func()) {
	if !e.sockets.use(s) {
		return nil, nil
	}
	e.channelOpen(s, e.conference.bridge.hello())
	text := func(text []byte) {
		e.conference.bridge.counters.socketMessagesIn.Add(1)
		e.channelMessage(s, text)
	}
	return text, func() {
		e.sockets.drop(s)
		e.channelClosed(s)
	}
}

// hello greets a websocket.
func (b *Bridge) hello() []byte {
	h := &message.ServerHello{}
	if b.cfg.Version.Announce {
		h.Version = b.version
	}
	return message.Marshal(h)
}

// maxSockets bounds the websockets of one endpoint that are open or have not
// said goodbye yet.
const maxSockets = 8

// sockets holds the one websocket that an endpoint may use.
type sockets struct {
	mu      sync.Mutex
	current Socket
	open    int
	closed  bool
}

func (ss *sockets) full() bool {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	return ss.open >= maxSockets
}

// use makes s the current socket; false when the endpoint is gone.
func (ss *sockets) use(s Socket) bool {
	ss.mu.Lock()
	old := ss.current
	if !ss.closed {
		ss.current = s
		ss.open++
	}
	closed := ss.closed
	ss.mu.Unlock()
	if old != nil && !closed {
		old.Close(closeNormal, "replaced")
	}
	return !closed
}

func (ss *sockets) drop(s Socket) {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	ss.open--
	if ss.current == s {
		ss.current = nil
	}
}

func (ss *sockets) close() {
	ss.mu.Lock()
	s := ss.current
	ss.closed, ss.current = true, nil
	ss.mu.Unlock()
	if s != nil {
		s.Close(closeGoingAway, "endpoint closed")
	}
}
