package xmpp_test

import (
	"context"
	"encoding/xml"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"steg/configs"
	"steg/xmpp"
)

const (
	brewery = "brewery@rooms.test"
	focusAt = brewery + "/focus"
	ownAt   = brewery + "/steg"
	ownJID  = "jvb@auth.test/res"
)

// server stands for Prosody: connections over net.Pipe, one after the other.
type server struct {
	t      *testing.T
	conns  chan *conn // logged-in connections
	auth   func(c *conn) bool
	refuse error // instead of a connection
	dialed []time.Time
}

// conn is one connection as the server sees it.
type conn struct {
	net.Conn
	t   *testing.T
	dec *xml.Decoder
	in  chan stanza // closed at the end of the stream
}

// stanza is what the client has sent.
type stanza struct {
	XMLName xml.Name
	Type    string `xml:"type,attr"`
	ID      string `xml:"id,attr"`
	From    string `xml:"from,attr"`
	To      string `xml:"to,attr"`
	Inner   string `xml:",innerxml"`
}

// brief is the stanza without its ids, for comparing at a glance.
func (st stanza) brief() string {
	return strings.TrimSpace(fmt.Sprintf("%s %s %s %s", st.XMLName.Local, st.Type, st.To, st.Inner))
}

func newServer(t *testing.T) *server {
	return &server{t: t, conns: make(chan *conn, 100)}
}

func (sv *server) dial(context.Context, string, string) (net.Conn, error) {
	sv.dialed = append(sv.dialed, time.Now())
	if sv.refuse != nil {
		return nil, sv.refuse
	}
	near, far := net.Pipe()
	c := &conn{Conn: far, t: sv.t, in: make(chan stanza, 1000)}
	go func() {
		defer close(c.in)
		defer far.Close()
		if c.negotiate(sv.auth) {
			sv.conns <- c
			c.read()
		}
	}()
	return near, nil
}

// negotiate logs the client in and says whether it went so far.
func (c *conn) negotiate(auth func(*conn) bool) bool {
	if auth == nil {
		auth = plain
	}
	if !auth(c) || !c.open("<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>") {
		return false
	}
	st, ok := c.next()
	c.write("<iq type='result' id='" + st.ID + "'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>" + ownJID + "</jid></bind></iq>")
	return ok
}

// plain is a login by PLAIN.
func plain(c *conn) bool {
	if !c.open("<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism></mechanisms>") {
		return false
	}
	st, ok := c.next()
	if ok && st.Inner != "AGp2YgBzZWNyZXQ=" {
		c.t.Errorf("login %q", st.Inner)
	}
	c.write("<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>")
	return ok
}

// open answers the client's start of the stream with features.
func (c *conn) open(features string) bool {
	c.dec = xml.NewDecoder(c.Conn)
	for {
		tok, err := c.dec.Token()
		if err != nil {
			return false
		}
		if _, ok := tok.(xml.StartElement); ok {
			break
		}
	}
	c.write("<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' " +
		"version='1.0' id='x' from='auth.test'><stream:features>" + features + "</stream:features>")
	return true
}

// next reads an element of the stream.
func (c *conn) next() (stanza, bool) {
	for {
		tok, err := c.dec.Token()
		if err != nil {
			return stanza{}, false
		}
		if start, ok := tok.(xml.StartElement); ok {
			var st stanza
			return st, c.dec.DecodeElement(&st, &start) == nil && st.XMLName.Local != ""
		}
		if _, ok := tok.(xml.EndElement); ok {
			return stanza{}, false
		}
	}
}

func (c *conn) read() {
	for {
		st, ok := c.next()
		if !ok {
			return
		}
		c.in <- st
	}
}

func (c *conn) write(s string) { _, _ = io.WriteString(c.Conn, s) }

// expect returns the next stanza that the client sends.
func (c *conn) expect() stanza {
	c.t.Helper()
	select {
	case st, ok := <-c.in:
		if !ok {
			c.t.Fatal("the client has closed the stream")
		}
		return st
	case <-time.After(time.Hour):
		c.t.Fatal("nothing came")
	}
	return stanza{}
}

// quiet fails if the client has sent anything.
func (c *conn) quiet() {
	c.t.Helper()
	select {
	case st, ok := <-c.in:
		if ok {
			c.t.Errorf("unexpected %s", st.brief())
		}
	default:
	}
}

// answers returns the next stanza that is no presence.
func (c *conn) answers() stanza {
	c.t.Helper()
	for {
		if st := c.expect(); st.XMLName.Local != "presence" {
			return st
		}
	}
}

// presence returns the next presence.
func (c *conn) presence() stanza {
	c.t.Helper()
	for {
		if st := c.expect(); st.XMLName.Local == "presence" {
			return st
		}
	}
}

// ask sends a request of the focus.
func (c *conn) ask(id, from, payload string) {
	c.write("<iq type='get' id='" + id + "' from='" + from + "' to='" + ownJID + "'>" + payload + "</iq>")
}

// show reflects the client's presence as a room does.
func (c *conn) show(attrs, inner string) {
	c.write("<presence from='" + ownAt + "' to='" + ownJID + "'" + attrs + "><x xmlns='http://jabber.org/protocol/muc#user'>" +
		inner + "<status code='110'/></x></presence>")
}

// admit lets the client into the brewery and returns the presence that follows.
func (c *conn) admit() stanza {
	c.t.Helper()
	if st := c.presence(); st.brief() != "presence  "+ownAt+" <x xmlns='http://jabber.org/protocol/muc'><history maxstanzas='0'/></x>" {
		c.t.Errorf("join is %s", st.brief())
	}
	c.show("", "")
	return c.presence()
}

// world is a client with its server; all of it lives in one bubble.
type world struct {
	*server
	client *xmpp.Client
	bridge *fakeBridge
	status *fakeStatus
	log    *logbook
}

func newWorld(t *testing.T, change func(*configs.XMPP), prepare ...func(*server)) *world {
	cfg := configs.XMPP{
		PresenceInterval: 5 * time.Second,
		Accounts: []configs.Account{{
			ID: "a", Host: "localhost", Domain: "auth.test", Username: "jvb", Password: "secret",
			MUCs: []string{brewery}, Nickname: "steg", Security: configs.SecurityIfPossible,
		}},
	}
	if change != nil {
		change(&cfg)
	}
	w := &world{server: newServer(t), bridge: &fakeBridge{}, status: &fakeStatus{}, log: &logbook{}}
	for _, p := range prepare {
		p(w.server)
	}
	w.client = xmpp.New(cfg, "2.3.1", w.bridge, w.status, w.log.logger())
	w.client.SetDial(w.dial)
	w.client.Start()
	return w
}

// close ends the client within the bubble.
func (w *world) close() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	closeClient(w.t, w.client, ctx)
}
