package bridge

import (
	"steg/bridge/egress"
	"steg/bridge/ingress"
	"steg/bridge/packet"
)

// routes says who may want the packets of each source of a conference. It is
// immutable; the conference publishes a new one after each change, and packets
// under way finish with the one they began with.
type routes struct {
	of map[*ingress.Source]*route
}

// route is one source and those it may be sent to.
type route struct {
	source *source
	takes  []take
}

// take is one receiver of a source. The projection is guarded by the
// receiver's outMu.
type take struct {
	to         *Endpoint
	projection *egress.Projection
	named      bool // audio that it asked for by name passes even when it is not loud
}

var noRoutes = &routes{}

// publish builds the routing table from the control state. It runs on the
// conference's queue.
func (c *Conference) publish() {
	r := &routes{of: make(map[*ingress.Source]*route)}
	for _, owner := range c.order {
		if owner.visitor {
			continue
		}
		for _, s := range owner.sources {
			rt := &route{source: s}
			for _, to := range c.order {
				f := to.feeds[s]
				if to.rewriting && !to.outbox.IsOpen() {
					continue // it could not know what the SSRC stands for
				}
				if f == nil || s.Kind == packet.Audio && !to.subscription.Wants(s.Name, s.synthetic, owner == to) {
					continue
				}
				rt.takes = append(rt.takes, take{to: to, projection: f.projection, named: to.subscription.Names(s.Name)})
			}
			r.of[s.in] = rt
		}
	}
	c.routes.Store(r)
}
