package xmpp

import (
	"encoding/xml"
	"strings"
	"time"
)

const (
	nsMUC      = "http://jabber.org/protocol/muc"
	nsMUCUser  = "http://jabber.org/protocol/muc#user"
	nsMUCOwner = "http://jabber.org/protocol/muc#owner"

	joinTimeout = 15 * time.Second // for any answer to a join
	// sharedAfter is how long two logins may share a nickname before it is
	// reported: the remains of a broken connection do, for a while.
	sharedAfter = time.Minute
)

// Status codes of XEP-0045 section 15.6.
const (
	statusSelf    = "110"
	statusCreated = "201"
	statusRenamed = "303"
)

type roomState int

const (
	roomOut roomState = iota
	roomJoining
	roomIn
)

// room is a brewery as this connection sees it. All but jid is guarded by
// the session's mutex.
type room struct {
	jid      string // bare
	state    roomState
	occupant string        // our address in the room
	retry    *time.Timer   // joins again
	backoff  time.Duration // until the next try
	echo     time.Time     // when the room last showed us our presence
	shared   time.Time     // since when another login has our nickname; zero: none has
}

// join enters a room (XEP-0045 section 7.2). The statistics follow when the
// room has let us in. The muc element goes nowhere else: it would make the
// server take a presence for another join.
func (s *session) join(r *room) {
	s.mu.Lock()
	s.setState(r, roomJoining)
	r.occupant = r.jid + "/" + s.account.cfg.Nickname
	s.again(r, joinTimeout)
	var t text
	t.open("presence", "to", r.occupant)
	t.WriteString("<x xmlns='" + nsMUC + "'><history maxstanzas='0'/></x>")
	t.close("presence")
	s.mu.Unlock()
	s.send(t.String())
}

// again has the room joined after d unless it is left or entered before.
// mu is held.
func (s *session) again(r *room, d time.Duration) {
	if r.retry != nil {
		r.retry.Stop()
	}
	r.retry = time.AfterFunc(d, func() {
		if s.ctx.Err() == nil && s.account.client.stop.Err() == nil {
			s.join(r)
		}
	})
}

// setState keeps the count of rooms. mu is held.
func (s *session) setState(r *room, state roomState) {
	if r.state == roomIn {
		s.account.client.joined.Add(-1)
	}
	if state == roomIn {
		s.account.client.joined.Add(1)
	}
	r.state = state
}

// presence follows our own fate in the rooms; other occupants do not matter.
func (s *session) presence(st *stanza) {
	var r *room
	bare := bareJID(st.from)
	for _, have := range s.rooms {
		if strings.EqualFold(bare, have.jid) {
			r = have
		}
	}
	if r == nil {
		return
	}
	u := readUser(st)
	switch {
	case st.typ == "error":
		s.refused(r, condition(st))
	case !u.has(statusSelf):
	case st.typ == "unavailable" && !u.has(statusRenamed):
		s.removed(r)
	case st.typ == "":
		s.entered(r, st.from, u)
	}
}

// entered notes a presence of ours that the room shows.
func (s *session) entered(r *room, occupant string, u user) {
	s.mu.Lock()
	fresh := r.state != roomIn
	s.setState(r, roomIn)
	r.occupant, r.echo = occupant, time.Now()
	r.backoff = minBackoff
	if r.retry != nil {
		r.retry.Stop()
	}
	if !u.shared() {
		r.shared = time.Time{}
	} else if r.shared.IsZero() {
		r.shared = r.echo
	}
	shared := !r.shared.IsZero() && r.echo.Sub(r.shared) >= sharedAfter
	s.mu.Unlock()
	if shared {
		s.account.warn.say(nicknameTaken, "another login of the same account uses it")
	}
	if !fresh {
		return
	}
	if u.has(statusCreated) {
		s.configure(r)
	}
	s.account.log.Info().Msg("joined the brewery")
	s.sendPresence()
}

const nicknameTaken = "MUC_NICKNAME is taken: give each bridge of the brewery a nickname of its own"

// refused takes an error of the room for our presence: we are not in it.
func (s *session) refused(r *room, condition string) {
	s.dropped(r)
	switch condition {
	case "conflict":
		s.account.warn.say(nicknameTaken, condition)
	case "forbidden", "not-allowed", "not-authorized", "registration-required":
		s.account.warn.say("the brewery does not let this account in: check MUC_JIDS and who may enter the room", condition)
	case "item-not-found", "remote-server-not-found", "service-unavailable", "remote-server-timeout":
		s.account.warn.say("there is no such brewery: check MUC_JIDS and the server's room service", condition)
	default:
		s.account.warn.say("cannot join the brewery", token(condition))
	}
}

// removed takes note that somebody made us leave.
func (s *session) removed(r *room) {
	s.dropped(r)
	if s.account.client.stop.Err() == nil {
		s.account.warn.say("this bridge was removed from the brewery, joining again", "")
	}
}

// dropped marks a room as left and has it joined again after a while.
func (s *session) dropped(r *room) {
	s.mu.Lock()
	s.setState(r, roomOut)
	s.again(r, jitter(r.backoff))
	r.backoff = min(2*r.backoff, maxBackoff)
	s.mu.Unlock()
}

// configure makes a room that our join has created one in which everybody
// sees everybody's address, as owner (XEP-0045 section 10.1.3).
func (s *session) configure(r *room) {
	complain := func(st *stanza) {
		if st.typ == "error" {
			s.account.warn.say("cannot configure the brewery that this bridge has created", token(condition(st)))
		}
	}
	s.request("get", r.jid, "<query xmlns='"+nsMUCOwner+"'/>", func(st *stanza) {
		if st.typ == "error" {
			complain(st)
			return
		}
		s.request("set", r.jid, "<query xmlns='"+nsMUCOwner+"'><x xmlns='jabber:x:data' type='submit'>"+
			"<field var='FORM_TYPE'><value>http://jabber.org/protocol/muc#roomconfig</value></field>"+
			"<field var='muc#roomconfig_whois'><value>anyone</value></field></x></query>", complain)
	})
}

// leave says goodbye to the rooms and ends our half of the stream.
func (s *session) leave() {
	s.mu.Lock()
	var t text
	for _, r := range s.rooms {
		if r.state != roomOut {
			t.open("presence", "type", "unavailable", "to", r.occupant)
			t.close("presence")
		}
	}
	s.mu.Unlock()
	t.WriteString("</stream:stream>")
	s.send(t.String())
}

// forgetRooms ends what the rooms have running.
func (s *session) forgetRooms() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.rooms {
		s.setState(r, roomOut)
		if r.retry != nil {
			r.retry.Stop()
		}
	}
}

// user is the muc#user element of a presence.
type user struct {
	Status []struct {
		Code string `xml:"code,attr"`
	} `xml:"status"`
	Item []struct {
		JID string `xml:"jid,attr"`
	} `xml:"item"`
}

func readUser(st *stanza) user {
	var u user
	if x, ok := st.child(nsMUCUser, "x"); ok {
		if err := x.decode(&u); err != nil {
			return user{}
		}
	}
	return u
}

func (u user) has(code string) bool {
	for _, st := range u.Status {
		if st.Code == code {
			return true
		}
	}
	return false
}

// shared tells whether several logins stand behind one nickname. A room
// lists them one by one, as far as it shows addresses.
func (u user) shared() bool {
	for _, it := range u.Item {
		if it.JID != u.Item[0].JID {
			return true
		}
	}
	return false
}

// condition returns the defined condition of an error stanza.
func condition(st *stanza) string {
	var e struct {
		Children []struct{ XMLName xml.Name } `xml:",any"`
	}
	if x, ok := st.child(nsClient, "error"); ok && x.decode(&e) == nil {
		for _, c := range e.Children {
			if c.XMLName.Space == nsStanzas && c.XMLName.Local != "text" {
				return c.XMLName.Local
			}
		}
	}
	return "undefined-condition"
}
