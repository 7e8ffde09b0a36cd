package colibri

import "strings"

func (p *parser) transport(n *node) *Transport {
	t := &Transport{
		ICEControlling: p.flag(n, "ice-controlling"),
		UseUniquePort:  p.flag(n, "use-unique-port"),
		ICERestart:     p.flag(n, "ice-restart"),
	}
	for _, c := range n.children {
		switch {
		case c.is(nsICE, "transport"):
			t.ICE = p.ice(c)
		case c.is(Namespace, "sctp"):
			t.SCTP = p.sctp(c)
		}
	}
	return t
}

func (p *parser) sctp(n *node) *SCTP {
	s := &SCTP{
		Role: strings.ToLower(p.text(n, "role")),
		Port: int(p.number(n, "port", 1, 65535, 0)),
	}
	if s.Role != "" && s.Role != "client" && s.Role != "server" {
		p.fail("unknown sctp role")
	}
	return s
}

func (p *parser) ice(n *node) *IceUDP {
	ice := &IceUDP{Ufrag: p.text(n, "ufrag"), Pwd: p.text(n, "pwd")}
	if _, ok := n.attr("ice-generation"); ok {
		g := int(p.number(n, "ice-generation", 0, 1<<31-1, 0))
		ice.Generation = &g
	}
	for _, c := range n.children {
		switch {
		case c.is(nsICE, "candidate"):
			ice.Candidates = append(ice.Candidates, p.candidate(c))
		case c.is(nsICE, "rtcp-mux"):
			ice.RTCPMux = true
		case c.is(nsDTLS, "fingerprint"):
			f := Fingerprint{
				Hash:    strings.ToLower(p.text(c, "hash")),
				Setup:   strings.ToLower(p.text(c, "setup")),
				Value:   c.text,
				Cryptex: p.flag(c, "cryptex"),
			}
			if f.Hash != "" && f.Value != "" { // as in the Jitsi Videobridge
				ice.Fingerprints = append(ice.Fingerprints, f)
			}
		case c.is(NamespaceColibri, "web-socket"), c.is(nsColibriAlias, "web-socket"):
			ice.WebSockets = append(ice.WebSockets, WebSocket{URL: p.text(c, "url"), Active: p.flag(c, "active")})
		}
	}
	return ice
}

func (p *parser) candidate(n *node) Candidate {
	return Candidate{
		Component:  int(p.number(n, "component", 0, 256, 1)),
		Foundation: p.text(n, "foundation"),
		Generation: int(p.number(n, "generation", 0, 1<<31-1, 0)),
		ID:         p.text(n, "id"),
		Network:    int(p.number(n, "network", 0, 1<<31-1, 0)),
		Priority:   uint32(p.number(n, "priority", 0, 1<<32-1, 0)),
		Protocol:   strings.ToLower(p.text(n, "protocol")),
		Type:       strings.ToLower(p.text(n, "type")),
		IP:         Address(p.text(n, "ip")),
		Port:       uint16(p.requiredNumber(n, "port", 0, 65535)),
		RelAddr:    Address(p.text(n, "rel-addr")),
		RelPort:    uint16(p.number(n, "rel-port", 0, 65535, 0)),
	}
}
