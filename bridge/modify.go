package bridge

import (
	"context"
	"slices"

	"steg/bridge/packet"
	"steg/bridge/transport"
	"steg/colibri"
)

// The request line. Modify finds or creates the conference at once, in the
// order of arrival; everything else happens on the conference's queue:
//
//	Modify    which conference
//	validate  the whole request, against the present state (validate.go)
//	apply     element by element, in the order of the specification
//	answer    after the change is in force, before anything is freed
//
// Validation comes first: a refused request changes nothing.

// Modify takes a request of the focus. It never blocks; answer is called
// once, from any goroutine.
func (b *Bridge) Modify(_ context.Context, req *colibri.ConferenceModify, answer func(*colibri.ConferenceModified, error)) {
	reply := func(m *colibri.ConferenceModified, err error) {
		if err != nil {
			b.counters.refused.Add(1)
		}
		answer(m, err)
	}
	c, err := b.lookup(req)
	if err != nil {
		reply(nil, err)
		return
	}
	if !c.queue.post(func() { c.modify(req, reply) }) {
		reply(nil, notFound(req.MeetingID))
	}
}

// lookup returns the conference of a request, new if it is to be created.
func (b *Bridge) lookup(req *colibri.ConferenceModify) (*Conference, error) {
	if !req.Create {
		if c := b.conference(req.MeetingID); c != nil {
			return c, nil
		}
		return nil, notFound(req.MeetingID)
	}
	if b.graceful.Load() || b.shuttingDown.Load() {
		return nil, &colibri.Error{
			Condition: colibri.ServiceUnavailable,
			Reason:    colibri.ReasonGracefulShutdown,
			Text:      "In graceful shutdown",
		}
	}
	c := b.newConference(req.MeetingID)
	if !b.add(c) {
		return nil, &colibri.Error{
			Condition: colibri.Conflict,
			Reason:    colibri.ReasonConferenceAlreadyExists,
			Text:      "Conference already exists for ID: " + req.MeetingID,
		}
	}
	b.counters.conferencesCreated.Add(1)
	return c, nil
}

func notFound(meetingID string) *colibri.Error {
	return &colibri.Error{
		Condition: colibri.ItemNotFound,
		Reason:    colibri.ReasonConferenceNotFound,
		Text:      "Conference not found for ID: " + meetingID,
	}
}

// modify handles a request on the queue. A panic is answered, too.
func (c *Conference) modify(req *colibri.ConferenceModify, answer func(*colibri.ConferenceModified, error)) {
	answered := false
	reply := func(m *colibri.ConferenceModified, err error) {
		answered = true
		answer(m, err)
	}
	defer func() {
		if !answered { // on the way out of a panic
			answer(nil, colibri.NewError(colibri.InternalServerError, "Internal error"))
		}
	}()
	if c.expired {
		reply(nil, notFound(req.MeetingID))
		return
	}
	if err := c.validate(req); err != nil {
		if req.Create && len(c.order) == 0 {
			c.expire()
		}
		reply(nil, err)
		return
	}
	res, err := c.apply(req)
	over := req.Expire || (!req.Create && len(c.order) == 0)
	if over || (err != nil && req.Create && len(c.order) == 0) {
		c.bridge.remove(c) // the meeting id is free before the answer
		defer c.expire()
	}
	if err != nil {
		reply(nil, err)
		return
	}
	reply(res, nil)
}

// apply carries out a valid request.
func (c *Conference) apply(req *colibri.ConferenceModify) (*colibri.ConferenceModified, error) {
	res := &colibri.ConferenceModified{}
	if req.Create {
		res.Sources = colibri.FeedbackSources(c.audioSSRC, c.videoSSRC)
	}
	for i := range req.Endpoints {
		r := &req.Endpoints[i]
		if r.Create && !r.Expire {
			res.Sources = colibri.FeedbackSources(c.audioSSRC, c.videoSSRC)
		}
		answer, err := c.applyEndpoint(r)
		if err != nil {
			return nil, err
		}
		res.Endpoints = append(res.Endpoints, answer)
	}
	for _, r := range req.Relays { // only expires of relays that do not exist pass validation
		res.Relays = append(res.Relays, colibri.Relay{ID: r.ID, Expire: true})
	}
	return res, nil
}

func (c *Conference) applyEndpoint(r *colibri.Endpoint) (colibri.Endpoint, error) {
	answer := colibri.Endpoint{ID: r.ID}
	e := c.endpoints[r.ID]
	if r.Expire {
		answer.Expire = true
		if e != nil {
			c.leave(e)
		}
		return answer, nil
	}
	if r.Create {
		var err error
		if e, err = newEndpoint(c, r); err != nil {
			return answer, colibri.NewError(colibri.InternalServerError, "No transport could be made")
		}
		c.bridge.counters.endpointsJoined.Add(1)
		c.bridge.counters.visitorsJoined.Add(bit(e.visitor))
		c.join(e)
	}
	if e == nil {
		return answer, nil // force-mute of somebody who has left
	}
	e.applyMedia(r.Media)
	if r.InitialLastN != nil && !e.asked {
		e.settings.LastN = *r.InitialLastN
		c.allocateSoon()
	}
	if r.Transport != nil && r.Transport.ICE != nil {
		e.applyICE(r.Transport.ICE)
	}
	if r.Sources != nil {
		c.applySources(e, r.Sources)
	}
	if r.ForceMute != nil {
		e.applyForceMute(*r.ForceMute)
	}
	switch {
	case r.Create:
		answer.Transport = e.describe(e.transport.Describe(), r.Transport.SCTP != nil)
	case r.Transport != nil && r.Transport.ICERestart:
		answer.Transport = e.restartICE()
	}
	return answer, nil
}

// applyMedia adds payload types and header extensions; the same id replaces.
func (e *Endpoint) applyMedia(media []colibri.Media) {
	if len(media) == 0 {
		return
	}
	e.payloadTypes = slices.Clone(e.payloadTypes) // the packet path reads the old table
	for i := range media {
		for j := range media[i].PayloadTypes {
			e.addPayloadType(payloadType(&media[i].PayloadTypes[j]))
		}
		for _, x := range media[i].HdrExts {
			setExtension(&e.extensions, x)
		}
	}
	e.setMedia()
	e.conference.rebind(e)
	e.conference.allocateSoon()
}

func (e *Endpoint) addPayloadType(pt packet.PayloadType) {
	for i := range e.payloadTypes {
		if e.payloadTypes[i].ID == pt.ID {
			e.payloadTypes[i] = pt
			return
		}
	}
	e.payloadTypes = append(e.payloadTypes, pt)
}

// applyICE hands the peer's credentials to the transport. What cannot be used
// is ignored and counted: an error would make the focus move the whole
// conference for one client's mistake.
func (e *Endpoint) applyICE(ice *colibri.IceUDP) {
	remote := transport.Remote{Ufrag: ice.Ufrag, Pwd: ice.Pwd, Generation: -1}
	if ice.Generation != nil {
		remote.Generation = *ice.Generation
	}
	for _, f := range ice.Fingerprints {
		remote.Fingerprints = append(remote.Fingerprints, transport.Fingerprint{Hash: f.Hash, Value: f.Value})
		if remote.Setup == "" {
			remote.Setup = f.Setup
		}
	}
	for _, cand := range ice.Candidates {
		if tc, ok := remoteCandidate(cand); ok {
			remote.Candidates = append(remote.Candidates, tc)
		}
	}
	if err := e.transport.SetRemote(remote); err != nil {
		e.conference.bridge.counters.badTransports.Add(1)
	}
}

func (e *Endpoint) applyForceMute(m colibri.ForceMute) {
	e.muted = m
	e.inMu.Lock()
	e.in.Mute(m.Audio, m.Video)
	e.inMu.Unlock()
}

// restartICE answers a request for an ICE restart; nil means that the focus
// has to invite the participant anew.
func (e *Endpoint) restartICE() *colibri.Transport {
	d, result := e.transport.RestartICE()
	switch result {
	case transport.RestartStarted:
		t := e.describe(d, false)
		t.ICE.Generation = &d.Generation
		return t
	case transport.RestartKept:
		return e.describe(d, false)
	case transport.RestartRefused:
	}
	return nil
}
