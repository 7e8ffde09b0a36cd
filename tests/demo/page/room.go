package page

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"steg/colibri"
	"steg/tests/focus"
)

const requestTimeout = 15 * time.Second

// room is one conference with its members.
type room struct {
	// Set once.
	server *Server
	name   string

	users int // guarded by Server.mu

	// mu is held over requests to the bridge, too, so that they leave in the
	// order in which the room changes.
	mu         sync.Mutex
	conference *focus.Conference // nil while nobody is in
	members    map[string]*member
}

// join allocates an endpoint for a member and tells everybody.
func (r *room) join(m *member) error {
	ctx, cancel := context.WithTimeout(r.server.ctx, requestTimeout)
	defer cancel()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.conference == nil {
		bridge, err := r.server.focus.WaitBridge(ctx, "", nil)
		if err != nil {
			return err
		}
		r.conference = r.server.focus.NewConference(bridge, "demo")
	}
	t, err := r.conference.AddEndpoint(ctx, focus.EndpointOptions{ID: m.id, SCTP: m.sctp})
	if err != nil {
		if len(r.members) == 0 {
			r.conference = nil
		}
		return err
	}
	welcome := message{Type: "welcome", ID: m.id, SCTP: m.sctp}
	if !m.sctp {
		if len(t.ICE.WebSockets) == 0 {
			_ = r.conference.ExpireEndpoint(ctx, m.id)
			return fmt.Errorf("the bridge offers no websocket")
		}
		welcome.WebSocket = t.ICE.WebSockets[0].URL
	}
	m.session = newSession(t, m.codec)
	r.members[m.id] = m
	m.send(welcome)
	r.announce()
	m.offer(r.remote(m))
	return nil
}

// leave removes a member; the last one ends the conference.
func (r *room) leave(m *member) {
	// The server may be closing, and the bridge is to know nevertheless.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.server.ctx), requestTimeout/3)
	defer cancel()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.members[m.id] != m {
		return
	}
	delete(r.members, m.id)
	var err error
	if len(r.members) == 0 {
		err = r.conference.Expire(ctx)
		r.conference = nil
	} else {
		err = r.conference.ExpireEndpoint(ctx, m.id)
	}
	if err != nil {
		r.server.logf("expire: %v", err)
	}
	r.announce()
	r.offerAll(nil)
}

// answered takes a member's answer to an offer. The first one has what the
// bridge needs for the connection.
func (r *room) answered(m *member, in message) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var u focus.Update
	if !m.accepted {
		ice, err := transportOf(in.SDP)
		if err != nil {
			return err
		}
		lastN := -1
		u.ICE, u.InitialLastN = ice, &lastN
	}
	if err := r.update(m, u, in.Sources); err != nil {
		return err
	}
	m.accepted = true
	if m.session.answered(in.Revision) {
		m.offer(r.remote(m))
	}
	return nil
}

// changed takes a new list of a member's sources.
func (r *room) changed(m *member, sources []source) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.update(m, focus.Update{}, sources)
}

// update tells the bridge of a change and then, if the sources are not the
// same as before, everybody else.
func (r *room) update(m *member, u focus.Update, sources []source) error {
	if r.members[m.id] != m {
		return nil
	}
	same := slices.EqualFunc(sources, m.sources, func(a, b source) bool {
		return a.Name == b.Name && slices.Equal(a.SSRCs, b.SSRCs)
	})
	if !same {
		list, err := sourcesOf(m.id, sources)
		if err != nil {
			return err
		}
		u.Sources = list
	}
	if u.ICE == nil && u.Sources == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(r.server.ctx, requestTimeout)
	defer cancel()
	if err := r.conference.Update(ctx, m.id, u); err != nil {
		return err
	}
	m.sources = sources
	if !same {
		r.offerAll(m)
	}
	return nil
}

// switched notes what a member has switched on or off.
func (r *room) switched(m *member, s state) {
	r.mu.Lock()
	defer r.mu.Unlock()
	m.state = s
	r.announce()
}

// announce sends everybody the list of members. The caller holds mu.
func (r *room) announce() {
	list := make([]person, 0, len(r.members))
	for _, m := range r.members {
		list = append(list, person{ID: m.id, Name: m.name, state: m.state})
	}
	slices.SortFunc(list, func(a, b person) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID)) })
	for _, m := range r.members {
		m.send(message{Type: "roster", Endpoints: list})
	}
}

// offerAll offers everybody but one the sources that there are now. The
// caller holds mu.
func (r *room) offerAll(but *member) {
	for _, m := range r.members {
		if m != but {
			m.offer(r.remote(m))
		}
	}
}

// remote lists the sources of all others. The caller holds mu.
func (r *room) remote(m *member) []source {
	var list []source
	for _, other := range r.members {
		if other == m {
			continue
		}
		for _, s := range other.sources {
			s.Owner = other.id
			list = append(list, s)
		}
	}
	slices.SortFunc(list, func(a, b source) int { return cmp.Compare(a.Name, b.Name) })
	return list
}

// sourcesOf turns a page's sources into those of Colibri2.
func sourcesOf(endpoint string, sources []source) (*colibri.Sources, error) {
	list := &colibri.Sources{}
	for _, s := range sources {
		if len(s.Name) <= len(endpoint) || s.Name[:len(endpoint)] != endpoint {
			return nil, fmt.Errorf("a source is not the member's own")
		}
		ms := colibri.MediaSource{Type: colibri.MediaType(s.Kind), ID: s.Name}
		for _, n := range s.SSRCs {
			ms.SSRCs = append(ms.SSRCs, colibri.SSRC{SSRC: n, Name: s.Name, VideoType: s.VideoType})
		}
		for _, g := range s.Groups {
			ms.Groups = append(ms.Groups, colibri.SSRCGroup{Semantics: g.Semantics, SSRCs: g.SSRCs})
		}
		list.MediaSources = append(list.MediaSources, ms)
	}
	return list, nil
}
