package focus

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/xml"
	"errors"
	"fmt"
	"strings"
	"sync"

	"steg/colibri"
)

// Conference is one conference on one bridge. Its methods may be called from
// any goroutine; requests go out in the order of the calls.
type Conference struct {
	// Set once.
	MeetingID string
	Bridge    Bridge
	focus     *Focus
	name      string

	mu       sync.Mutex
	created  bool
	feedback *colibri.Sources
}

// EndpointOptions say how an endpoint is announced. The zero value of all but
// ID is what Jicofo sends for a current browser without data channel.
type EndpointOptions struct {
	ID           string
	StatsID      string
	SCTP         bool                 // ask for a data channel
	Visitor      bool                 // receive only
	Media        []colibri.Media      // nil: DefaultMedia
	Capabilities []colibri.Capability // nil: source-names
	Sources      *colibri.Sources     // nil: none yet
}

// Update is a change to an endpoint. Nil fields stay as they are.
type Update struct {
	Media        []colibri.Media
	ICE          *colibri.IceUDP
	Sources      *colibri.Sources
	InitialLastN *int
}

// NewConference prepares a conference on a bridge. The first endpoint creates
// it there.
func (f *Focus) NewConference(bridge Bridge, room string) *Conference {
	return &Conference{
		MeetingID: newUUID(), Bridge: bridge, focus: f,
		name: room + "@conference." + strings.TrimPrefix(f.o.Domain, "auth."),
	}
}

// AddEndpoint allocates an endpoint and returns the bridge's side of its
// transport.
func (c *Conference) AddEndpoint(ctx context.Context, o EndpointOptions) (*colibri.Transport, error) {
	ep := colibri.Endpoint{
		ID: o.ID, StatsID: o.StatsID, Create: true, Media: o.Media, Sources: o.Sources, Capabilities: o.Capabilities,
		Transport: &colibri.Transport{ICEControlling: true},
	}
	if ep.Media == nil {
		ep.Media = DefaultMedia()
	}
	if ep.Capabilities == nil {
		ep.Capabilities = []colibri.Capability{colibri.CapSourceNames}
	}
	if o.Visitor {
		ep.MUCRole = colibri.RoleVisitor
	} else if ep.Sources == nil {
		ep.Sources = &colibri.Sources{}
	}
	if o.SCTP {
		ep.Transport.SCTP = &colibri.SCTP{}
	}
	answer, err := c.allocate(ctx, ep)
	if err != nil {
		return nil, err
	}
	if len(answer.Endpoints) != 1 || answer.Endpoints[0].Transport == nil || answer.Endpoints[0].Transport.ICE == nil {
		return nil, errors.New("the bridge's answer has no transport")
	}
	t := answer.Endpoints[0].Transport
	if o.SCTP && (t.SCTP == nil || t.SCTP.Port == 0) {
		return nil, errors.New("the bridge's answer has no SCTP port")
	}
	return t, nil
}

// allocate sends the request that creates an endpoint, and with the first one
// the conference. The lock is held over the request that creates the
// conference, so that no other overtakes it.
func (c *Conference) allocate(ctx context.Context, ep colibri.Endpoint) (*colibri.ConferenceModified, error) {
	req := &colibri.ConferenceModify{MeetingID: c.MeetingID, Endpoints: []colibri.Endpoint{ep}}
	c.mu.Lock()
	if c.created {
		c.mu.Unlock()
		return c.focus.Modify(ctx, c.Bridge, req)
	}
	defer c.mu.Unlock()
	req.Create, req.Name = true, c.name
	answer, err := c.focus.Modify(ctx, c.Bridge, req)
	if err != nil {
		return nil, err
	}
	c.created, c.feedback = true, answer.Sources
	return answer, nil
}

// Feedback returns the sources under which the bridge itself sends RTCP, nil
// before the first endpoint.
func (c *Conference) Feedback() *colibri.Sources {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.feedback
}

// Update changes an endpoint.
func (c *Conference) Update(ctx context.Context, id string, u Update) error {
	ep := colibri.Endpoint{ID: id, Media: u.Media, Sources: u.Sources, InitialLastN: u.InitialLastN}
	if u.ICE != nil {
		ep.Transport = &colibri.Transport{ICE: u.ICE}
	}
	return c.endpoint(ctx, ep)
}

// ForceMute has the bridge drop what an endpoint sends of each kind that is
// true, and pass the others again.
func (c *Conference) ForceMute(ctx context.Context, id string, audio, video bool) error {
	return c.endpoint(ctx, colibri.Endpoint{ID: id, ForceMute: &colibri.ForceMute{Audio: audio, Video: video}})
}

// ExpireEndpoint removes an endpoint. If it was the last one, the bridge
// drops the conference.
func (c *Conference) ExpireEndpoint(ctx context.Context, id string) error {
	return c.endpoint(ctx, colibri.Endpoint{ID: id, Expire: true})
}

// Expire removes the conference. The next endpoint would create it again.
func (c *Conference) Expire(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, err := c.focus.Modify(ctx, c.Bridge, &colibri.ConferenceModify{MeetingID: c.MeetingID, Expire: true})
	if err == nil {
		c.created = false
	}
	return err
}

func (c *Conference) endpoint(ctx context.Context, ep colibri.Endpoint) error {
	_, err := c.focus.Modify(ctx, c.Bridge, &colibri.ConferenceModify{
		MeetingID: c.MeetingID, Endpoints: []colibri.Endpoint{ep},
	})
	return err
}

// parseError finds the error in the content of an IQ, which may stand behind
// a copy of the request.
func parseError(inner []byte) error {
	dec := xml.NewDecoder(bytes.NewReader(wrap(inner)))
	for depth := 0; ; {
		t, err := dec.Token()
		if err != nil {
			return errors.New("the bridge's error does not parse")
		}
		switch t := t.(type) {
		case xml.StartElement:
			if depth == 1 && t.Name.Local == "error" {
				e, err := colibri.ReadError(dec, t)
				if err != nil {
					return err
				}
				return e
			}
			depth++
		case xml.EndElement:
			depth--
		}
	}
}

func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// NewEndpointID returns an id as Jitsi's clients have it: eight hexadecimal
// digits.
func NewEndpointID() string {
	var b [4]byte
	_, _ = rand.Read(b[:])
	return fmt.Sprintf("%x", b)
}
