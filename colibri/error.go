package colibri

import (
	"encoding/xml"
	"strings"
)

// Error is a refusal: an XMPP stanza error (RFC 6120 section 8.3) with the
// additions of Colibri2. The focus looks at condition and reason.
type Error struct {
	Condition  Condition
	Reason     Reason // empty: no Colibri element
	Text       string // for the focus; may name a conference or endpoint
	EndpointID string // with ReasonUnknownEndpoint
}

// Error implements error. It leaves out what may identify somebody.
func (e *Error) Error() string {
	if e.Reason == "" {
		return string(e.Condition)
	}
	return string(e.Condition) + " (" + string(e.Reason) + ")"
}

// Condition is a defined condition of RFC 6120 section 8.3.3.
type Condition string

// The conditions that bridges answer with.
const (
	BadRequest            Condition = "bad-request"
	Conflict              Condition = "conflict"
	FeatureNotImplemented Condition = "feature-not-implemented"
	Forbidden             Condition = "forbidden"
	InternalServerError   Condition = "internal-server-error"
	ItemNotFound          Condition = "item-not-found"
	ResourceConstraint    Condition = "resource-constraint"
	ServiceUnavailable    Condition = "service-unavailable"
)

// Reason is Colibri's finer cause of an error.
type Reason string

// The reasons of Colibri2.
const (
	ReasonConferenceNotFound      Reason = "conference_not_found"
	ReasonConferenceAlreadyExists Reason = "conference_already_exists"
	ReasonFeatureNotImplemented   Reason = "feature_not_implemented"
	ReasonGracefulShutdown        Reason = "graceful_shutdown"
	ReasonUnknownEndpoint         Reason = "unknown_endpoint"
	ReasonUnspecified             Reason = "unspecified"
)

// Type returns the error type that belongs to the condition.
func (e *Error) Type() string {
	switch e.Condition {
	case BadRequest:
		return "modify"
	case Forbidden:
		return "auth"
	case ResourceConstraint:
		return "wait"
	default:
		return "cancel"
	}
}

// NewError returns an error without Colibri reason.
func NewError(c Condition, text string) *Error { return &Error{Condition: c, Text: text} }

func badRequest(text string) *Error { return NewError(BadRequest, text) }

// ParseError reads the error element of a stanza.
func ParseError(doc []byte) (*Error, error) {
	return parseAs(doc, errorOf)
}

// ReadError is ParseError for a stream whose start element has been read.
func ReadError(r xml.TokenReader, start xml.StartElement) (*Error, error) {
	return readAs(r, start, errorOf)
}

func errorOf(n *node) (*Error, error) {
	if n.name.Local != "error" || n.name.Space == Namespace {
		return nil, badRequest("not a stanza error")
	}
	e := &Error{}
	for _, c := range n.children {
		switch {
		case c.name.Local == "text" && c.name.Space != Namespace:
			e.Text = c.text // some servers lose its namespace
		case c.name.Space == NamespaceStanzas && e.Condition == "":
			e.Condition = Condition(c.name.Local)
		case c.is(Namespace, "error"):
			reason, _ := c.attr("reason")
			e.Reason = Reason(strings.ToLower(reason))
		case c.is(Namespace, "endpoint"):
			e.EndpointID, _ = c.attr("id")
		}
	}
	if e.Condition == "" {
		return nil, badRequest("stanza error without condition")
	}
	return e, nil
}

// tree has no namespace at its root: the element takes the stanza's.
func (e *Error) tree() *node {
	n := newNode("", "error").set("type", e.Type())
	n.addNS(NamespaceStanzas, string(e.Condition))
	if e.Text != "" {
		n.addNS(NamespaceStanzas, "text").set("xml:lang", "en").text = e.Text
	}
	if e.Reason != "" {
		n.addNS(Namespace, "error").set("reason", string(e.Reason))
	}
	if e.EndpointID != "" {
		n.addNS(Namespace, "endpoint").set("id", e.EndpointID)
	}
	return n
}
