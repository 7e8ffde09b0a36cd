package endpoint

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/pion/dtls/v3"

	"steg/bridge/message"
	"steg/colibri"
)

// Signaller takes Colibri2 requests to a bridge and returns the answers.
type Signaller interface {
	Modify(ctx context.Context, req *colibri.ConferenceModify) (*colibri.ConferenceModified, error)
}

// SignallerFunc is a function as Signaller.
type SignallerFunc func(ctx context.Context, req *colibri.ConferenceModify) (*colibri.ConferenceModified, error)

// Modify implements Signaller.
func (f SignallerFunc) Modify(ctx context.Context, req *colibri.ConferenceModify) (*colibri.ConferenceModified, error) {
	return f(ctx, req)
}

// Direct makes a Signaller of a bridge in the same process.
func Direct(b interface {
	Modify(ctx context.Context, req *colibri.ConferenceModify, answer func(*colibri.ConferenceModified, error))
}) Signaller {
	return SignallerFunc(func(ctx context.Context, req *colibri.ConferenceModify) (*colibri.ConferenceModified, error) {
		type result struct {
			answer *colibri.ConferenceModified
			err    error
		}
		done := make(chan result, 1)
		b.Modify(ctx, req, func(a *colibri.ConferenceModified, err error) { done <- result{a, err} })
		select {
		case r := <-done:
			return r.answer, r.err
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	})
}

// CallOptions describe a conference of synthetic endpoints.
type CallOptions struct {
	Endpoints int
	Senders   int // how many of them send; 0: all
	Speakers  int // how many of the senders are heard to speak; 0: all
	NoVideo   bool
	NoAudio   bool
	Encodings []Encoding                   // nil: DefaultEncodings
	Height    int                          // wanted of every source; 0: 180
	Stage     int                          // wanted of the source of the next endpoint; 0: as Height
	LastN     *int                         // nil: no limit
	Loose     bool                         // senders do not follow SenderSourceConstraints
	Profiles  []dtls.SRTPProtectionProfile // nil: as in Options
}

// Call is a running conference.
type Call struct {
	Endpoints []*Endpoint

	signaller Signaller
	meetingID string
}

// NewCall sets up a conference: all endpoints are created, connected and,
// with video, have said on the bridge channel what they want. Those that
// send have begun to.
func NewCall(ctx context.Context, n *Network, s Signaller, o CallOptions) (*Call, error) {
	if o.Senders == 0 {
		o.Senders = o.Endpoints
	}
	if o.Speakers == 0 {
		o.Speakers = o.Senders
	}
	c := &Call{signaller: s, meetingID: randomID(16)}
	for i := range o.Endpoints {
		sends := i < o.Senders
		eo := Options{
			ID: randomID(4), Audio: sends && !o.NoAudio, Video: sends && !o.NoVideo, Encodings: o.Encodings, Profiles: o.Profiles,
		}
		if i >= o.Speakers {
			eo.Level = 127
		}
		e, err := n.New(eo)
		if err != nil {
			c.Close(ctx)
			return nil, err
		}
		c.Endpoints = append(c.Endpoints, e)
	}
	if err := c.setUp(ctx); err != nil {
		c.Close(ctx)
		return nil, err
	}
	if err := c.constrain(o); err != nil {
		c.Close(ctx)
		return nil, err
	}
	for i, e := range c.Endpoints {
		e.SetSending(i < o.Senders)
	}
	return c, nil
}

func randomID(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return fmt.Sprintf("%x", b)
}

// setUp joins the endpoints; their handshakes run side by side.
func (c *Call) setUp(ctx context.Context) error {
	errs := make(chan error, len(c.Endpoints))
	var joining sync.WaitGroup
	for i, e := range c.Endpoints {
		remote, err := c.join(ctx, e, i == 0)
		if err != nil {
			errs <- err
			break
		}
		joining.Go(func() {
			if err := e.Connect(ctx, remote); err != nil {
				errs <- err
			}
		})
	}
	joining.Wait()
	close(errs)
	var all []error
	for err := range errs {
		all = append(all, err)
	}
	return errors.Join(all...)
}

// join does what Jicofo does for a participant.
func (c *Call) join(ctx context.Context, e *Endpoint, first bool) (*colibri.Transport, error) {
	answer, err := c.signaller.Modify(ctx, &colibri.ConferenceModify{
		MeetingID: c.meetingID, Create: first,
		Endpoints: []colibri.Endpoint{{
			ID: e.o.ID, Create: true, Media: Media(), Sources: &colibri.Sources{},
			Capabilities: []colibri.Capability{colibri.CapSourceNames},
			Transport:    &colibri.Transport{ICEControlling: true, SCTP: &colibri.SCTP{}},
		}},
	})
	if err != nil {
		return nil, fmt.Errorf("create endpoint: %w", err)
	}
	if len(answer.Endpoints) != 1 || answer.Endpoints[0].Transport == nil {
		return nil, errors.New("create endpoint: the answer has no transport")
	}
	_, err = c.signaller.Modify(ctx, &colibri.ConferenceModify{
		MeetingID: c.meetingID,
		Endpoints: []colibri.Endpoint{{ID: e.o.ID, Transport: &colibri.Transport{ICE: e.ICE()}, Sources: e.Sources()}},
	})
	if err != nil {
		return nil, fmt.Errorf("update endpoint: %w", err)
	}
	return answer.Endpoints[0].Transport, nil
}

// constrain says on the bridge channels what is wanted.
func (c *Call) constrain(o CallOptions) error {
	if o.Height == 0 {
		o.Height = 180
	}
	lastN := -1
	if o.LastN != nil {
		lastN = *o.LastN
	}
	for i, e := range c.Endpoints {
		e.mu.Lock()
		e.sender.loose = o.Loose
		e.mu.Unlock()
		want := &message.ReceiverVideoConstraints{
			LastN: &lastN, DefaultConstraints: &message.Constraints{MaxHeight: o.Height, MaxFrameRate: -1},
		}
		if o.Stage != 0 {
			stage := c.Endpoints[(i+1)%len(c.Endpoints)].o.ID + "-v0"
			want.OnStageSources = []string{stage}
			want.Constraints = map[string]message.Constraints{stage: {MaxHeight: o.Stage, MaxFrameRate: -1}}
		}
		if e.o.Video {
			source := &message.SourceVideoTypeMessage{SourceName: e.o.ID + "-v0", VideoType: message.VideoCamera}
			if err := e.Send(source); err != nil {
				return err
			}
		}
		if err := e.Send(want); err != nil {
			return err
		}
	}
	return nil
}

// Reset sets the counts of all endpoints to zero.
func (c *Call) Reset() {
	for _, e := range c.Endpoints {
		e.Reset()
	}
}

// Stats sums the counts of all endpoints.
func (c *Call) Stats() Stats {
	var sum Stats
	for _, e := range c.Endpoints {
		s := e.Stats()
		sum.Add(&s)
	}
	return sum
}

// Wait returns when ok says so for the sum of the counts, or with an error
// when the context ends first.
func (c *Call) Wait(ctx context.Context, ok func(Stats) bool) error {
	poll := time.NewTicker(20 * time.Millisecond)
	defer poll.Stop()
	for {
		if ok(c.Stats()) {
			return nil
		}
		select {
		case <-poll.C:
		case <-ctx.Done():
			return fmt.Errorf("wait for media: %w", ctx.Err())
		}
	}
}

// Close expires the conference and closes its endpoints.
func (c *Call) Close(ctx context.Context) {
	for _, e := range c.Endpoints {
		e.SetSending(false)
	}
	_, _ = c.signaller.Modify(ctx, &colibri.ConferenceModify{MeetingID: c.meetingID, Expire: true})
	for _, e := range c.Endpoints {
		e.Close()
	}
}
