package xmpp_test

import (
	"bytes"
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/rs/zerolog"

	"steg/colibri"
	"steg/xmpp"
)

// fakeBridge answers requests at once, or keeps them for the test.
type fakeBridge struct {
	keep chan request // nil: answer at once

	mu   sync.Mutex
	seen []string // meeting ids in order
}

// request is one that waits for its answer.
type request struct {
	ctx    context.Context
	req    *colibri.ConferenceModify
	answer func(*colibri.ConferenceModified, error)
}

func (b *fakeBridge) Modify(ctx context.Context, req *colibri.ConferenceModify, answer func(*colibri.ConferenceModified, error)) {
	b.mu.Lock()
	b.seen = append(b.seen, req.MeetingID)
	b.mu.Unlock()
	if req.MeetingID == "panic" {
		panic("secret of " + req.MeetingID)
	}
	if b.keep != nil {
		b.keep <- request{ctx, req, answer}
		return
	}
	answer(answerTo(req))
}

// answerTo refuses the conference "none" and confirms everything else.
func answerTo(req *colibri.ConferenceModify) (*colibri.ConferenceModified, error) {
	if req.MeetingID == "none" {
		return nil, &colibri.Error{Condition: colibri.ItemNotFound, Reason: colibri.ReasonConferenceNotFound}
	}
	m := &colibri.ConferenceModified{}
	for _, ep := range req.Endpoints {
		m.Endpoints = append(m.Endpoints, colibri.Endpoint{ID: ep.ID})
	}
	return m, nil
}

func (b *fakeBridge) meetings() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.Join(b.seen, " ")
}

// fakeStatus is what a test says it is.
type fakeStatus struct {
	mu    sync.Mutex
	err   error
	drain string
}

func (s *fakeStatus) set(err error, drain string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err, s.drain = err, drain
}

func (s *fakeStatus) Healthy() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

func (s *fakeStatus) Statistics() []colibri.Stat {
	s.mu.Lock()
	defer s.mu.Unlock()
	drain := s.drain
	if drain == "" {
		drain = "false"
	}
	return []colibri.Stat{{Name: "stress_level", Value: "0.1"}, {Name: "drain", Value: drain}, {Name: "threads", Value: "7"}}
}

// logbook keeps log lines.
type logbook struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *logbook) logger() zerolog.Logger { return zerolog.New(l).Level(zerolog.WarnLevel) }

// count returns how many lines hold s.
func (l *logbook) count(s string) int { return strings.Count(l.String(), s) }

// closeClient closes c and complains if it does not manage in time.
func closeClient(t *testing.T, c *xmpp.Client, ctx context.Context) {
	t.Helper()
	if err := c.Close(ctx); err != nil {
		t.Errorf("close: %v", err)
	}
}
