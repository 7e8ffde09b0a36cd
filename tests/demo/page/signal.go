package page

// message is any message between a page and the server; which fields are
// used depends on the type.
//
// From the page:
//
//	join    name, room, channel (sctp or ws), codec, audio, video, screen
//	answer  revision, sdp, sources: the answer to the offer of that revision
//	sources sources: the complete list of what the page sends
//	state   audio, video, screen: what is switched on
//	leave
//
// From the server:
//
//	welcome id, sctp, webSocket: the own endpoint and how to reach the bridge
//	offer   revision, sdp, sources: with the sections of the others' sources
//	roster  endpoints: everybody in the room, the page's own included
//	error   text
type message struct {
	Type string `json:"type"`

	Name    string `json:"name,omitempty"`
	Room    string `json:"room,omitempty"`
	Channel string `json:"channel,omitempty"`
	Codec   string `json:"codec,omitempty"`
	state

	ID        string   `json:"id,omitempty"`
	SCTP      bool     `json:"sctp,omitempty"`
	WebSocket string   `json:"webSocket,omitempty"`
	Endpoints []person `json:"endpoints,omitempty"`
	Text      string   `json:"text,omitempty"`

	Revision int      `json:"revision,omitempty"`
	SDP      string   `json:"sdp,omitempty"`
	Sources  []source `json:"sources"`
}

// state says what somebody has switched on.
type state struct {
	Audio  bool `json:"audio"`
	Video  bool `json:"video"`
	Screen bool `json:"screen"`
}

// person is one line of the roster.
type person struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	state
}

// source is a source in the form that pages use. From a page it has SSRCs and
// groups, to a page owner and mid.
type source struct {
	Name      string  `json:"name"`
	Kind      string  `json:"kind"` // audio or video
	VideoType string  `json:"videoType,omitempty"`
	Owner     string  `json:"owner,omitempty"`
	MID       string  `json:"mid,omitempty"`
	SSRCs     []ssrc  `json:"ssrcs,omitempty"`
	Groups    []group `json:"groups,omitempty"`
}

type ssrc = uint32

// group relates SSRCs: SIM or FID.
type group struct {
	Semantics string `json:"semantics"`
	SSRCs     []ssrc `json:"ssrcs"`
}

// primary returns the SSRC under which a receiver gets the source, and that
// of its retransmissions, 0 if there is none: the bridge sends all encodings
// of simulcast as the first one.
func (s *source) primary() (media, rtx ssrc) {
	if len(s.SSRCs) == 0 {
		return 0, 0
	}
	media = s.SSRCs[0]
	for _, g := range s.Groups {
		if g.Semantics == "SIM" && len(g.SSRCs) > 0 {
			media = g.SSRCs[0]
		}
	}
	for _, g := range s.Groups {
		if g.Semantics == "FID" && len(g.SSRCs) == 2 && g.SSRCs[0] == media {
			rtx = g.SSRCs[1]
		}
	}
	return media, rtx
}
