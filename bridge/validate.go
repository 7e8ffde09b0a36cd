package bridge

import (
	"strings"

	"steg/bridge/transport"
	"steg/colibri"
)

// validate checks a whole request against the present state of the
// conference. The error is a *colibri.Error.
func (c *Conference) validate(req *colibri.ConferenceModify) error {
	if req.Create && req.Name != "" && !strings.Contains(req.Name, "@") {
		return colibri.NewError(colibri.BadRequest, "Invalid conference name (not a JID)")
	}
	if len(req.Endpoints) > 0 && len(req.Relays) > 0 {
		return unsupported("Using both relays and endpoints in a request")
	}
	if len(req.Endpoints) > 1 && !isBatch(req.Endpoints) {
		return unsupported("Creating or updating media or transport of multiple endpoints in one request")
	}
	if len(req.Connects) > 0 {
		return unsupported("Media export is not supported")
	}
	for i := range req.Relays {
		if !req.Relays[i].Expire {
			return colibri.NewError(colibri.FeatureNotImplemented, "Octo is disabled in configuration.")
		}
	}
	lenient := isBatch(req.Endpoints)
	for i := range req.Endpoints {
		if err := c.validateEndpoint(&req.Endpoints[i], lenient); err != nil {
			return err
		}
	}
	return nil
}

func unsupported(text string) *colibri.Error {
	return &colibri.Error{
		Condition: colibri.FeatureNotImplemented,
		Reason:    colibri.ReasonFeatureNotImplemented,
		Text:      text,
	}
}

// isBatch tells requests that only expire and force-mute: they may name many
// endpoints, and ones that are gone.
func isBatch(endpoints []colibri.Endpoint) bool {
	for i := range endpoints {
		r := &endpoints[i]
		if !r.Expire && (r.Create || len(r.Media) > 0 || r.Transport != nil || r.Sources != nil || r.InitialLastN != nil) {
			return false
		}
	}
	return true
}

func (c *Conference) validateEndpoint(r *colibri.Endpoint, lenient bool) error {
	if r.Expire {
		return nil
	}
	known := c.endpoints[r.ID]
	visitor := r.MUCRole == colibri.RoleVisitor
	switch {
	case r.Create && known != nil:
		return colibri.NewError(colibri.Conflict, "Endpoint with ID "+r.ID+" already exists")
	case r.Create && r.Transport == nil:
		return colibri.NewError(colibri.BadRequest, "Attempt to create endpoint "+r.ID+" with no <transport>")
	case r.Create && !r.HasCapability(colibri.CapSourceNames):
		return colibri.NewError(colibri.BadRequest, "Source name support is mandatory.")
	case !r.Create && known == nil && !lenient:
		return &colibri.Error{
			Condition:  colibri.ItemNotFound,
			Reason:     colibri.ReasonUnknownEndpoint,
			Text:       "Unknown endpoint " + r.ID,
			EndpointID: r.ID,
		}
	}
	if known != nil {
		visitor = known.visitor
	}
	if visitor && r.Sources != nil && len(r.Sources.MediaSources) > 0 {
		return colibri.NewError(colibri.BadRequest, "Attempt to set sources for visitor endpoint "+r.ID)
	}
	if r.Create && r.Transport.SCTP != nil {
		return c.validateSCTP(r.Transport.SCTP)
	}
	return nil
}

func (c *Conference) validateSCTP(s *colibri.SCTP) error {
	switch {
	case !c.bridge.cfg.SCTP.Enabled:
		return colibri.NewError(colibri.FeatureNotImplemented, "SCTP support is not configured")
	case s.Role != "" && s.Role != "server":
		return colibri.NewError(colibri.FeatureNotImplemented, "Unsupported SCTP role: "+s.Role)
	case s.Port != 0 && s.Port != transport.SCTPPort:
		return colibri.NewError(colibri.BadRequest, "Specific SCTP port requested, not supported.")
	}
	return nil
}
