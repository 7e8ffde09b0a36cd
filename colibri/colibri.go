package colibri

import "time"

// XML namespaces of the protocol.
const (
	Namespace            = "jitsi:colibri2"
	NamespaceColibri     = "http://jitsi.org/protocol/colibri" // web-socket, presence stats
	NamespaceHealthcheck = "http://jitsi.org/protocol/healthcheck"
	NamespaceStanzas     = "urn:ietf:params:xml:ns:xmpp-stanzas"

	nsRTP      = "urn:xmpp:jingle:apps:rtp:1"
	nsFeedback = "urn:xmpp:jingle:apps:rtp:rtcp-fb:0"
	nsHdrExt   = "urn:xmpp:jingle:apps:rtp:rtp-hdrext:0"
	nsSource   = "urn:xmpp:jingle:apps:rtp:ssma:0"
	nsICE      = "urn:xmpp:jingle:transports:ice-udp:1"
	nsDTLS     = "urn:xmpp:jingle:apps:dtls:0"

	// nsColibriAlias is what some releases write for NamespaceColibri.
	nsColibriAlias = "http://jitsi.org/protocols/colibri"
)

// ConferenceModify is a request of the focus. It creates, changes or
// expires one conference and what is in it.
type ConferenceModify struct {
	MeetingID       string // key of the conference, never blank
	Name            string // room JID, only with Create
	Create          bool
	Expire          bool
	RTCStatsEnabled *bool // nil: not given, which means true
	Endpoints       []Endpoint
	Relays          []Relay
	Connects        []Connect // a delta: connects not mentioned stay
}

// ConferenceModified is the answer to a ConferenceModify: one endpoint or
// relay for each in the request, in the same order. Of an Endpoint or Relay
// only ID, Expire and Transport have a meaning in an answer.
type ConferenceModified struct {
	Endpoints []Endpoint
	Relays    []Relay
	Sources   *Sources // the bridge's own feedback sources; nil: none in this answer
}

// Endpoint describes one participant's presence on the bridge, or the
// changes to it.
type Endpoint struct {
	ID           string
	Create       bool
	Expire       bool
	StatsID      string  // may contain a person's name
	MUCRole      MUCRole // empty: not given
	Diarize      *bool   // nil: not given
	Media        []Media
	Transport    *Transport // nil: unchanged
	Sources      *Sources   // complete new state; nil: unchanged, empty: none any more
	ForceMute    *ForceMute // nil: unchanged
	Capabilities []Capability
	InitialLastN *int // nil: not given, -1: no limit
}

// HasCapability tells whether the endpoint was announced with c.
func (ep *Endpoint) HasCapability(c Capability) bool {
	for _, have := range ep.Capabilities {
		if have == c {
			return true
		}
	}
	return false
}

// MUCRole is an endpoint's role in the room.
type MUCRole string

// The roles that parse. Only RoleVisitor has an effect on a bridge.
const (
	RoleModerator   MUCRole = "moderator"
	RoleNone        MUCRole = "none"
	RoleParticipant MUCRole = "participant"
	RoleVisitor     MUCRole = "visitor"
)

// Capability is a feature of a client that matters to the bridge.
type Capability string

// The capabilities that the bridge knows; others are kept and ignored.
const (
	CapSourceNames    Capability = "source-names"
	CapSSRCRewriting  Capability = "ssrc-rewriting"
	CapPrivateAddress Capability = "private-address-connectivity"
	CapRTPMIDDemux    Capability = "rtp-mid-demux" // only together with CapSSRCRewriting
)

// ForceMute says which kinds of media the bridge drops on reception.
type ForceMute struct {
	Audio bool
	Video bool
}

// MediaType tells audio from video.
type MediaType string

// The types of media.
const (
	Audio MediaType = "audio"
	Video MediaType = "video"
)

// Media is what an endpoint can send and receive of one type, with the
// numbers it uses. It adds to what was signalled before.
type Media struct {
	Type             MediaType
	PayloadTypes     []PayloadType
	HdrExts          []HdrExt
	ExtmapAllowMixed bool // set anew by each Media
}

// PayloadType is one RTP payload type (XEP-0167).
type PayloadType struct {
	ID         uint8
	Name       string // as spelt by the peer; compare without regard to case
	ClockRate  uint32
	Channels   int // at least 1
	Parameters []Parameter
	Feedback   []RTCPFeedback
}

// Parameter is one format parameter. RED's redundancy list has no name.
type Parameter struct{ Name, Value string }

// Parameter returns the value of the named format parameter, or "".
func (pt *PayloadType) Parameter(name string) string {
	for _, p := range pt.Parameters {
		if p.Name == name {
			return p.Value
		}
	}
	return ""
}

// HasFeedback tells whether feedback of this type and subtype was
// signalled, such as "nack" with "pli" (XEP-0293).
func (pt *PayloadType) HasFeedback(typ, subtype string) bool {
	for _, fb := range pt.Feedback {
		if fb.Type == typ && fb.Subtype == subtype {
			return true
		}
	}
	return false
}

// RTCPFeedback is one kind of RTCP feedback (XEP-0293).
type RTCPFeedback struct{ Type, Subtype string }

// HdrExt assigns a number to an RTP header extension (XEP-0294).
type HdrExt struct {
	ID  uint8
	URI string
}

// Relay describes the link to another bridge, or the changes to it.
type Relay struct {
	ID        string // of the remote bridge
	Create    bool
	Expire    bool
	MeshID    string
	Media     []Media
	Transport *Transport
	Endpoints []Endpoint // endpoints behind the link
}

// Connect is one media export: a stream to a transcriber, recorder or
// translator.
type Connect struct {
	ID       string
	URL      string // ws or wss
	Protocol string // always ProtocolMediaJSON
	Type     ConnectType
	Audio    bool
	Video    bool
	Create   bool
	Expire   bool
	Headers  []HTTPHeader
	Ping     *Ping
	Exports  []string // source names; nil: element absent
	Requests []string // source names; nil: element absent
}

// ProtocolMediaJSON is the only protocol of a Connect.
const ProtocolMediaJSON = "mediajson"

// ConnectType says who is at the other end of a Connect.
type ConnectType string

// The kinds of export.
const (
	ConnectTranscriber ConnectType = "transcriber"
	ConnectRecorder    ConnectType = "recorder"
	ConnectTranslator  ConnectType = "translator"
)

// HTTPHeader is sent when an export is dialled.
type HTTPHeader struct{ Name, Value string }

// Ping says how an export is kept alive.
type Ping struct {
	Interval time.Duration // whole milliseconds
	Timeout  time.Duration // whole milliseconds
}
