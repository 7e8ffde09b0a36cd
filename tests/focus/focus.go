package focus

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"steg/colibri"
)

const (
	answerTimeout = 15 * time.Second // as Jicofo's reply-timeout
)

// ErrClosed means that the connection to the XMPP server has ended.
var ErrClosed = errors.New("connection to the XMPP server is closed")

// Options say where and as whom to log in. All but CAFile, Nickname and
// Presence are required.
type Options struct {
	HostPort string // of the XMPP server
	Domain   string // of the account, and name in the server's certificate
	User     string
	Password string
	CAFile   string // trusted authority (PEM); the system's if empty
	Brewery  string // bare JID of the room
	Nickname string // in the brewery; User if empty
}

// Bridge is a bridge as its last presence shows it.
type Bridge struct {
	Nickname string
	JID      string            // occupant's address in the brewery, where requests go
	Stats    map[string]string // of the presence
	Seen     time.Time         // when the presence came
}

// Focus is a logged-in focus. Its methods may be called from any goroutine.
type Focus struct {
	// Set once.
	o      Options
	stream *stream
	done   chan struct{} // closed when the reader has ended

	mu      sync.Mutex
	bridges map[string]Bridge       // by nickname
	changed chan struct{}           // closed and replaced when bridges changes
	waiting map[string]chan<- reply // by id of the request
	lastID  int
}

type reply struct {
	stanza
	err error
}

// Dial logs in and enters the brewery.
func Dial(ctx context.Context, o Options) (*Focus, error) {
	if o.Nickname == "" {
		o.Nickname = o.User
	}
	s, err := login(ctx, o)
	if err != nil {
		return nil, err
	}
	f := &Focus{
		o: o, stream: s, done: make(chan struct{}),
		bridges: map[string]Bridge{}, changed: make(chan struct{}), waiting: map[string]chan<- reply{},
	}
	go f.run()
	err = s.write("<presence/><presence to='" + escape(o.Brewery+"/"+o.Nickname) +
		"'><x xmlns='http://jabber.org/protocol/muc'><history maxstanzas='0'/></x></presence>")
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// Close logs out and waits until nothing of the focus runs any more.
func (f *Focus) Close() {
	f.stream.close()
	<-f.done
}

// Done is closed when the connection has ended.
func (f *Focus) Done() <-chan struct{} { return f.done }

// Bridges returns the bridges in the brewery, by nickname.
func (f *Focus) Bridges() map[string]Bridge {
	f.mu.Lock()
	defer f.mu.Unlock()
	return maps.Clone(f.bridges)
}

// WaitBridge waits until a bridge with the nickname (any bridge if empty) has
// published statistics that satisfy the condition (any if nil).
func (f *Focus) WaitBridge(ctx context.Context, nickname string, ok func(Bridge) bool) (Bridge, error) {
	for {
		f.mu.Lock()
		changed := f.changed
		for _, name := range slices.Sorted(maps.Keys(f.bridges)) {
			b := f.bridges[name]
			if (nickname == "" || nickname == name) && (ok == nil || ok(b)) {
				f.mu.Unlock()
				return b, nil
			}
		}
		f.mu.Unlock()
		select {
		case <-changed:
		case <-f.done:
			return Bridge{}, ErrClosed
		case <-ctx.Done():
			return Bridge{}, fmt.Errorf("wait for a bridge in the brewery: %w", ctx.Err())
		}
	}
}

// WaitGone waits until no bridge of that nickname is in the brewery.
func (f *Focus) WaitGone(ctx context.Context, nickname string) error {
	for {
		f.mu.Lock()
		changed := f.changed
		_, there := f.bridges[nickname]
		f.mu.Unlock()
		if !there {
			return nil
		}
		select {
		case <-changed:
		case <-f.done:
			return ErrClosed
		case <-ctx.Done():
			return fmt.Errorf("wait until a bridge leaves: %w", ctx.Err())
		}
	}
}

// Health sends a health check to a bridge, as Jicofo does every 10 seconds.
// An unhealthy bridge gives a *colibri.Error.
func (f *Focus) Health(ctx context.Context, bridge Bridge) error {
	_, err := f.request(ctx, bridge.JID, string(colibri.Marshal(colibri.Healthcheck{})))
	return err
}

// Modify sends one Colibri2 request to a bridge and returns its answer. A
// refusal is returned as *colibri.Error.
func (f *Focus) Modify(ctx context.Context, bridge Bridge, req *colibri.ConferenceModify) (*colibri.ConferenceModified, error) {
	inner, err := f.request(ctx, bridge.JID, string(colibri.Marshal(req)))
	if err != nil {
		return nil, err
	}
	return colibri.ParseModified(inner)
}

// request sends an IQ of type get and returns the content of its result.
func (f *Focus) request(ctx context.Context, to, content string) ([]byte, error) {
	answer := make(chan reply, 1)
	f.mu.Lock()
	f.lastID++
	id := "focus-" + strconv.Itoa(f.lastID)
	f.waiting[id] = answer
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		delete(f.waiting, id)
		f.mu.Unlock()
	}()
	if err := f.stream.write("<iq type='get' id='" + id + "' to='" + escape(to) + "'>" + content + "</iq>"); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	select {
	case r := <-answer:
		return r.Inner, r.err
	case <-f.done:
		return nil, ErrClosed
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for the bridge's answer: %w", ctx.Err())
	}
}

// run reads stanzas until the connection ends.
func (f *Focus) run() {
	defer close(f.done)
	for {
		st, err := f.stream.read()
		if err != nil {
			return
		}
		switch st.XMLName.Local {
		case "presence":
			f.presence(st)
		case "iq":
			f.iq(st)
		}
	}
}

// presence keeps the table of bridges: a member of the brewery is a bridge
// from its first presence with statistics on.
func (f *Focus) presence(st stanza) {
	room, nickname, _ := strings.Cut(st.From, "/")
	if !strings.EqualFold(room, f.o.Brewery) || nickname == f.o.Nickname {
		return
	}
	var p struct {
		Stats *struct {
			Stat []struct {
				Name  string `xml:"name,attr"`
				Value string `xml:"value,attr"`
			} `xml:"stat"`
		} `xml:"http://jitsi.org/protocol/colibri stats"`
	}
	if err := xml.Unmarshal(wrap(st.Inner), &p); err != nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case st.Type == "unavailable":
		delete(f.bridges, nickname)
	case p.Stats == nil:
		return
	default:
		b := Bridge{Nickname: nickname, JID: st.From, Stats: map[string]string{}, Seen: time.Now()}
		for _, s := range p.Stats.Stat {
			b.Stats[s.Name] = s.Value
		}
		f.bridges[nickname] = b
	}
	close(f.changed)
	f.changed = make(chan struct{})
}

// iq hands an answer to whoever waits for it and refuses all requests.
func (f *Focus) iq(st stanza) {
	switch st.Type {
	case "get", "set":
		_ = f.stream.write("<iq type='error' id='" + escape(st.ID) + "' to='" + escape(st.From) +
			"'><error type='cancel'><service-unavailable xmlns='" + nsStanzas + "'/></error></iq>")
		return
	}
	f.mu.Lock()
	answer := f.waiting[st.ID]
	delete(f.waiting, st.ID)
	f.mu.Unlock()
	if answer == nil {
		return
	}
	r := reply{stanza: st}
	if st.Type == "error" {
		r.err = parseError(st.Inner)
	}
	answer <- r
}

// wrap gives a stanza's content a root.
func wrap(inner []byte) []byte {
	return slices.Concat([]byte("<stanza xmlns='"+nsClient+"'>"), inner, []byte("</stanza>"))
}
