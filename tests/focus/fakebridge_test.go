package focus

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"steg/colibri"
	"steg/tests/prosody"
)

// fakeBridge is a client that joins the brewery and answers as a bridge
// without any media would.
type fakeBridge struct {
	stream  *stream
	brewery string
	nick    string
	done    chan struct{}

	// The reader's own.
	conferences map[string]map[string]bool // meeting id -> endpoint ids
	requests    chan *colibri.ConferenceModify
}

func startFakeBridge(t *testing.T, s *prosody.Server) *fakeBridge {
	t.Helper()
	st, err := login(context.Background(), Options{HostPort: s.HostPort(), Domain: s.AuthDomain(), CAFile: s.CAFile,
		User: prosody.BridgeUser, Password: prosody.BridgePassword})
	if err != nil {
		t.Fatal(err)
	}
	b := &fakeBridge{stream: st, brewery: s.Brewery(), nick: "fake", done: make(chan struct{}),
		conferences: map[string]map[string]bool{}, requests: make(chan *colibri.ConferenceModify, 100)}
	b.publish("<x xmlns='http://jabber.org/protocol/muc'/>")
	b.publish(string(colibri.Marshal(colibri.Stats{{Name: "healthy", Value: "true"}, {Name: "drain", Value: "false"}})))
	go b.run()
	t.Cleanup(b.close)
	return b
}

func (b *fakeBridge) publish(content string) {
	_ = b.stream.write("<presence to='" + b.brewery + "/" + b.nick + "'>" + content + "</presence>")
}

func (b *fakeBridge) close() {
	b.stream.close()
	<-b.done
}

func (b *fakeBridge) run() {
	defer close(b.done)
	for {
		st, err := b.stream.read()
		if err != nil {
			return
		}
		if st.XMLName.Local != "iq" || st.Type != "get" {
			continue
		}
		typ, content := "result", ""
		switch {
		case strings.Contains(string(st.Inner), "healthcheck"):
		case strings.Contains(string(st.Inner), "conference-modify"):
			answer, refusal := b.modify(st.Inner)
			if refusal != nil {
				typ, content = "error", string(st.Inner)+string(colibri.Marshal(refusal))
			} else {
				content = string(colibri.Marshal(answer))
			}
		}
		_ = b.stream.write(fmt.Sprintf("<iq type='%s' id='%s' to='%s'>%s</iq>", typ, escape(st.ID), escape(st.From), content))
	}
}

func (b *fakeBridge) modify(inner []byte) (*colibri.ConferenceModified, *colibri.Error) {
	req, err := colibri.ParseModify(inner)
	if err != nil {
		return nil, colibri.NewError(colibri.BadRequest, err.Error())
	}
	b.requests <- req
	if req.Create {
		b.conferences[req.MeetingID] = map[string]bool{}
	}
	endpoints := b.conferences[req.MeetingID]
	if endpoints == nil {
		return nil, &colibri.Error{Condition: colibri.ItemNotFound, Reason: colibri.ReasonConferenceNotFound, Text: "none"}
	}
	answer := &colibri.ConferenceModified{}
	for _, ep := range req.Endpoints {
		out := colibri.Endpoint{ID: ep.ID, Expire: ep.Expire}
		switch {
		case ep.Create:
			endpoints[ep.ID] = true
			out.Transport = &colibri.Transport{ICE: fakeICE(), SCTP: &colibri.SCTP{Port: 5000, Role: "server"}}
			answer.Sources = colibri.FeedbackSources(1, 2)
		case ep.Expire:
			delete(endpoints, ep.ID)
		case !endpoints[ep.ID]:
			return nil, &colibri.Error{Condition: colibri.ItemNotFound, Reason: colibri.ReasonUnknownEndpoint, EndpointID: ep.ID}
		}
		answer.Endpoints = append(answer.Endpoints, out)
	}
	if req.Expire {
		delete(b.conferences, req.MeetingID)
	}
	return answer, nil
}

func fakeICE() *colibri.IceUDP {
	return &colibri.IceUDP{
		Ufrag: "uf", Pwd: "0123456789012345678901", RTCPMux: true,
		Fingerprints: []colibri.Fingerprint{{Hash: "sha-256", Setup: "actpass", Value: strings.Repeat("AB:", 31) + "AB"}},
		Candidates: []colibri.Candidate{{Component: 1, Foundation: "1", ID: "c1", Priority: 2130706431, Protocol: "udp",
			Type: "host", IP: "127.0.0.1", Port: 10000}},
	}
}
