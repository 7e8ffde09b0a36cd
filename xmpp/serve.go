package xmpp

import (
	"context"
	"errors"
	"net"
	"runtime/debug"
	"strconv"
	"sync"
	"time"

	"mellium.im/xmpp"

	"steg/colibri"
)

const (
	pingAfter    = 30 * time.Second // silence of the server before a ping
	pongWithin   = 15 * time.Second // and until the connection is given up
	writeTimeout = 15 * time.Second
	leaveTimeout = 5 * time.Second // for the server's end of the stream
	outStanzas   = 1024            // waiting to be written
	outBytes     = 64 << 10        // written at once
)

var (
	errSilent = errors.New("the server is silent")
	errSlow   = errors.New("the server takes nothing more")
)

// session is one connection after its login. It lives from newSession until
// serve returns; whatever is sent afterwards vanishes.
type session struct {
	// Set once.
	account *account
	stream  *xmpp.Session // negotiated the stream, reads its tokens
	raw     net.Conn      // closing it ends everything
	conn    *limitedConn  // what the stream runs over
	ctx     context.Context
	cancel  context.CancelFunc
	out     chan []byte // stanzas to write; taken by sendLoop alone
	rooms   []*room     // what they hold is guarded by mu

	mu      sync.Mutex
	err     error              // why the session ended; the first cause
	pending map[string]pending // requests of ours by id
	lastID  int
}

// pending is a request that we have sent.
type pending struct {
	to   string
	done func(answer *stanza)
}

func newSession(a *account, stream *xmpp.Session, raw net.Conn, conn *limitedConn) *session {
	s := &session{
		account: a, stream: stream, raw: raw, conn: conn,
		out: make(chan []byte, outStanzas), pending: map[string]pending{},
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	for _, jid := range a.rooms {
		s.rooms = append(s.rooms, &room{jid: jid, backoff: minBackoff})
	}
	return s
}

// serve joins the rooms and reads until the connection ends.
func (s *session) serve() error {
	for _, r := range s.rooms {
		s.join(r)
	}
	// Not in sendLoop, which may be stuck in a write.
	defer context.AfterFunc(s.account.client.cut, func() { s.end(context.Canceled) })()
	var sender sync.WaitGroup
	sender.Go(s.sendLoop)
	s.end(s.readLoop())
	sender.Wait()
	s.forgetRooms()
	return s.err
}

// end closes the connection; the first cause counts. Both loops return.
func (s *session) end(err error) {
	s.mu.Lock()
	if s.err == nil {
		s.err = err
	}
	s.mu.Unlock()
	s.cancel()
	s.raw.Close()
}

// readLoop hands each stanza to its handler, one after the other.
func (s *session) readLoop() error {
	r := s.stream.TokenReader()
	defer r.Close()
	for {
		s.conn.grant(maxStanza)
		st, err := readStanza(r)
		if err != nil {
			return err
		}
		s.handle(st)
	}
}

// handle acts on a stanza. A request that breaks an invariant of ours is
// refused; its session, and the bridge, go on.
func (s *session) handle(st *stanza) {
	defer func() {
		if recover() == nil {
			return
		}
		// The value may hold what a peer sent: only the stack is told.
		s.account.client.log.Error().Bytes("stack", debug.Stack()).Msg("an invariant of the bridge was broken by a stanza")
		if st.kind == "iq" && (st.typ == "get" || st.typ == "set") {
			s.refuse(st, colibri.InternalServerError, "internal error")
		}
	}()
	switch st.kind {
	case "iq":
		s.iq(st)
	case "presence":
		s.presence(st)
	}
}

// send queues a stanza. It never blocks: a server that leaves the queue full
// loses the connection.
func (s *session) send(stanza string) {
	if s.ctx.Err() != nil {
		return
	}
	select {
	case s.out <- []byte(stanza):
	default:
		s.end(errSlow)
	}
}

// request sends an IQ and calls done with the answer, on the reader.
func (s *session) request(typ, to, payload string, done func(*stanza)) {
	s.mu.Lock()
	s.lastID++
	id := "b" + strconv.Itoa(s.lastID)
	if done != nil {
		s.pending[id] = pending{to: to, done: done}
	}
	s.mu.Unlock()
	var t text
	t.open("iq", "type", typ, "id", id, "to", to)
	t.WriteString(payload)
	t.close("iq")
	s.send(t.String())
}

// sendLoop writes what is queued and keeps the beat: presence, keep-alive,
// and the farewell when the client stops.
func (s *session) sendLoop() {
	presence := time.NewTicker(s.account.interval())
	defer presence.Stop()
	silence := time.NewTimer(pingAfter)
	defer silence.Stop()
	stop := s.account.client.stop.Done()
	for {
		select {
		case <-s.ctx.Done():
			return
		case b := <-s.out:
			s.write(b)
		case <-presence.C:
			s.sendPresence()
		case <-s.account.publish:
			s.sendPresence()
		case <-silence.C:
			silence.Reset(s.keepAlive())
		case <-stop:
			stop = nil
			s.leave()
			presence.Stop()
			silence.Stop()
			defer time.AfterFunc(leaveTimeout, func() { s.end(context.Canceled) }).Stop()
		}
	}
}

// write writes a stanza together with those that wait behind it.
func (s *session) write(b []byte) {
	for len(b) < outBytes && len(s.out) > 0 {
		b = append(b, <-s.out...)
	}
	err := s.conn.SetWriteDeadline(time.Now().Add(writeTimeout))
	if err == nil {
		_, err = s.conn.Write(b)
	}
	if err != nil {
		s.end(err)
	}
}

// keepAlive pings a silent server (XEP-0199), gives up on one that stays
// silent, and returns when to look again.
func (s *session) keepAlive() time.Duration {
	quiet := s.conn.silence()
	switch {
	case quiet < pingAfter:
		return pingAfter - quiet
	case quiet < pingAfter+pongWithin:
		s.request("get", s.account.cfg.Domain, "<ping xmlns='"+nsPing+"'/>", nil)
		return pingAfter + pongWithin - quiet
	default:
		s.end(errSilent)
		return pingAfter
	}
}
