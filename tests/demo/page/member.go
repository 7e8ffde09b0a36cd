package page

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/coder/websocket"

	"steg/colibri"
	"steg/tests/focus"
)

const (
	sendQueue    = 64
	sendTimeout  = 5 * time.Second
	pingInterval = 5 * time.Second
	readLimit    = 1 << 20
)

// member is one page in a room.
type member struct {
	// Set once, by the join at the latest.
	server *Server
	ws     *websocket.Conn
	id     string
	name   string
	codec  string
	sctp   bool
	room   *room
	out    chan message
	stop   context.CancelFunc

	// Guarded by room.mu.
	state    state
	session  *session
	accepted bool // the bridge has the page's side of the transport
	sources  []source
}

func newMember(s *Server, ws *websocket.Conn) *member {
	ws.SetReadLimit(readLimit)
	return &member{server: s, ws: ws, id: focus.NewEndpointID(), out: make(chan message, sendQueue)}
}

// serve reads messages until the page goes. A second goroutine writes.
func (m *member) serve(ctx context.Context) {
	ctx, m.stop = context.WithCancel(ctx)
	defer m.stop()
	written := make(chan struct{})
	go func() {
		defer close(written)
		m.writeLoop(ctx)
	}()
	defer func() {
		if m.room != nil {
			m.room.leave(m)
			m.server.exit(m.room)
		}
		m.stop()
		<-written
	}()
	for {
		_, text, err := m.ws.Read(ctx)
		if err != nil {
			return
		}
		var in message
		if err := json.Unmarshal(text, &in); err != nil {
			return
		}
		if in.Type == "leave" {
			return
		}
		if err := m.take(in); err != nil && m.server.ctx.Err() == nil {
			m.server.logf("%s: %v", in.Type, err)
			m.send(message{Type: "error", Text: explain(err)})
		}
	}
}

func (m *member) take(in message) error {
	if m.room == nil {
		if in.Type != "join" {
			return errors.New("not in a room")
		}
		m.name, m.codec = strings.TrimSpace(in.Name), strings.ToUpper(in.Codec)
		m.sctp = in.Channel != "ws"
		m.state = in.state
		r := m.server.enter(in.Room)
		if err := r.join(m); err != nil {
			m.server.exit(r)
			return err
		}
		m.room = r
		return nil
	}
	switch in.Type {
	case "answer":
		return m.room.answered(m, in)
	case "sources":
		return m.room.changed(m, in.Sources)
	case "state":
		m.room.switched(m, in.state)
	}
	return nil
}

// offer sends the others' sources as a new offer, or later if the page has
// yet to answer the last one. The caller holds room.mu.
func (m *member) offer(remote []source) {
	if out, ok := m.session.offer(remote); ok {
		m.send(out)
	}
}

// send queues a message. A page that does not read is thrown out.
func (m *member) send(out message) {
	select {
	case m.out <- out:
	default:
		m.stop()
	}
}

// writeLoop writes what is queued, and a ping now and then so that a page
// that has vanished is noticed.
func (m *member) writeLoop(ctx context.Context) {
	defer m.stop()
	ticker := time.NewTicker(pingInterval)
	defer ticker.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return
		case out := <-m.out:
			err = m.write(ctx, out)
		case <-ticker.C:
			limited, cancel := context.WithTimeout(ctx, sendTimeout)
			err = m.ws.Ping(limited)
			cancel()
		}
		if err != nil {
			return
		}
	}
}

func (m *member) write(ctx context.Context, out message) error {
	text, err := json.Marshal(out)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	return m.ws.Write(ctx, websocket.MessageText, text)
}

// explain makes an error fit for the page.
func explain(err error) string {
	var refusal *colibri.Error
	if errors.As(err, &refusal) {
		return refusal.Error() + ": " + refusal.Text
	}
	return err.Error()
}
