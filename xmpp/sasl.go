package xmpp

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"

	"mellium.im/sasl"
	"mellium.im/xmpp"

	"steg/configs"
)

const (
	nsSASL    = "urn:ietf:params:xml:ns:xmpp-sasl"
	nsBinding = "urn:xmpp:sasl-cb:0"

	// maxIterations bounds the work that a server may ask for in SCRAM.
	maxIterations = 1_000_000
)

// Conditions of an authError that are ours, not the server's.
const (
	noMechanism = "no mechanism in common"
	badServer   = "server not authentic"
)

// authError is a failure of the login. The condition is the server's
// (RFC 6120 section 6.5) or one of ours.
type authError struct{ condition string }

func (e *authError) Error() string { return "SASL: " + e.condition }

// bindings notes the channel bindings that the server names (XEP-0440).
func bindings() xmpp.StreamFeature {
	return xmpp.StreamFeature{
		Name: xml.Name{Space: nsBinding, Local: "sasl-channel-binding"},
		Parse: func(_ context.Context, d *xml.Decoder, start *xml.StartElement) (bool, any, error) {
			var list struct {
				Binding []struct {
					Type string `xml:"type,attr"`
				} `xml:"channel-binding"`
			}
			err := d.DecodeElement(&list, start)
			types := []string{}
			for _, b := range list.Binding {
				types = append(types, b.Type)
			}
			return false, types, err
		},
	}
}

func (l *login) authentication() xmpp.StreamFeature {
	f := xmpp.StreamFeature{
		Name:       xml.Name{Space: nsSASL, Local: "mechanisms"},
		Prohibited: xmpp.Authn,
		Parse: func(_ context.Context, d *xml.Decoder, start *xml.StartElement) (bool, any, error) {
			var list struct {
				Mechanism []string `xml:"mechanism"`
			}
			err := d.DecodeElement(&list, start)
			return true, list.Mechanism, err
		},
		Negotiate: l.authenticate,
	}
	if l.account.cfg.Security == configs.SecurityRequired {
		f.Necessary = xmpp.Secure
	}
	return f
}

// mechanism chooses the best of the offered mechanisms. The password itself
// is only sent through TLS or inside this machine.
func (l *login) mechanism(s *xmpp.Session, offered []string) (sasl.Mechanism, bool) {
	var able []sasl.Mechanism
	secure := s.State()&xmpp.Secure != 0
	bindable := secure && canBind(s)
	for _, pair := range [][2]sasl.Mechanism{{sasl.ScramSha256Plus, sasl.ScramSha256}, {sasl.ScramSha1Plus, sasl.ScramSha1}} {
		if bindable {
			able = append(able, pair[0])
		}
		able = append(able, pair[1])
	}
	if secure || isLocal(l.account.cfg.Host) || isLoopback(l.raw.RemoteAddr()) {
		able = append(able, sasl.Plain)
	}
	for _, m := range able {
		if slices.Contains(offered, m.Name) {
			return m, true
		}
	}
	return sasl.Mechanism{}, false
}

// canBind tells whether the server takes the channel binding that the sasl
// package uses with this version of TLS, as far as the server says.
func canBind(s *xmpp.Session) bool {
	data, named := s.Feature(nsBinding)
	types, _ := data.([]string)
	state := s.ConnectionState()
	if state.Version >= tls.VersionTLS13 {
		return !named || slices.Contains(types, "tls-exporter")
	}
	return len(state.TLSUnique) > 0 && (!named || slices.Contains(types, "tls-unique"))
}

func isLoopback(a net.Addr) bool {
	tcp, ok := a.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

// authenticate is RFC 6120 section 6.4.
func (l *login) authenticate(_ context.Context, s *xmpp.Session, data any) (xmpp.SessionState, io.ReadWriter, error) {
	if l.failed != nil { // nothing is said in clear text after that
		return 0, nil, l.failed
	}
	offered, _ := data.([]string)
	m, ok := l.mechanism(s, offered)
	if !ok {
		return 0, nil, &authError{noMechanism}
	}
	cfg := l.account.cfg
	options := []sasl.Option{
		sasl.RemoteMechanisms(offered...),
		sasl.Credentials(func() (user, password, identity []byte) {
			return []byte(cfg.Username), []byte(cfg.Password.Reveal()), nil
		}),
	}
	if state := s.ConnectionState(); state.Version != 0 {
		options = append(options, sasl.TLSState(state))
	}
	if err := exchange(s, sasl.NewClient(m, options...), m.Name); err != nil {
		return 0, nil, err
	}
	return xmpp.Authn, s.Conn(), nil
}

// exchange runs one mechanism to its end. Success counts only when the
// mechanism agrees, which for SCRAM proves that the server knows the account.
func exchange(s *xmpp.Session, client *sasl.Negotiator, mechanism string) error {
	r := s.TokenReader()
	defer r.Close()
	d := xml.NewTokenDecoder(r)
	more, out, err := client.Step(nil)
	if err != nil {
		return fmt.Errorf("SASL: %w", err)
	}
	element := "<auth xmlns='" + nsSASL + "' mechanism='" + mechanism + "'>" + initial(out) + "</auth>"
	for steps := 0; ; steps++ {
		if _, err := io.WriteString(s.Conn(), element); err != nil {
			return err
		}
		kind, in, err := answer(d)
		switch {
		case err != nil:
			return err
		case kind == "success" && !more:
			return nil
		case !more || steps > 3:
			return &authError{badServer}
		case mechanism != sasl.Plain.Name && steps == 0 && !saneChallenge(in):
			return &authError{badServer}
		}
		if more, out, err = client.Step(in); err != nil || kind == "success" && more {
			return &authError{badServer}
		}
		if kind == "success" {
			return nil
		}
		element = "<response xmlns='" + nsSASL + "'>" + base64.StdEncoding.EncodeToString(out) + "</response>"
	}
}

// initial is the form of an initial response.
func initial(b []byte) string {
	if len(b) == 0 {
		return "="
	}
	return base64.StdEncoding.EncodeToString(b)
}

// answer reads the server's next step.
func answer(d *xml.Decoder) (kind string, payload []byte, err error) {
	start, err := nextStart(d)
	if err != nil {
		return "", nil, err
	}
	if start.Name.Space != nsSASL {
		return "", nil, errStream
	}
	if start.Name.Local == "failure" {
		return "", nil, failure(d, start)
	}
	var content struct {
		Text string `xml:",chardata"`
	}
	if err := d.DecodeElement(&content, &start); err != nil {
		return "", nil, err
	}
	if content.Text != "=" {
		if payload, err = base64.StdEncoding.DecodeString(content.Text); err != nil {
			return "", nil, &authError{badServer}
		}
	}
	switch start.Name.Local {
	case "challenge", "success":
		return start.Name.Local, payload, nil
	default:
		return "", nil, errStream
	}
}

// failure reads the condition of a refused login.
func failure(d *xml.Decoder, start xml.StartElement) error {
	var content struct {
		Children []struct{ XMLName xml.Name } `xml:",any"`
	}
	if err := d.DecodeElement(&content, &start); err != nil {
		return err
	}
	for _, c := range content.Children {
		if c.XMLName.Local != "text" {
			return &authError{c.XMLName.Local}
		}
	}
	return &authError{"not-authorized"}
}

// saneChallenge checks SCRAM's first challenge (RFC 5802 section 7) for what
// would keep the sasl package busy for ever: fields too short to be one, and
// an excessive iteration count.
func saneChallenge(b []byte) bool {
	for field := range bytes.SplitSeq(b, []byte(",")) {
		if len(field) < 3 || field[1] != '=' {
			return false
		}
		if field[0] == 'i' {
			if n, err := strconv.Atoi(string(field[2:])); err != nil || n < 1 || n > maxIterations {
				return false
			}
		}
	}
	return true
}
