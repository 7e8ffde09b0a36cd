package configs

import (
	"slices"
	"strings"
)

// finish works out what depends on several keys and refuses what does not
// go together.
func (m *mapper) finish(tree *object) []error {
	var errs []error
	c := m.config
	for _, check := range []func(*object) error{
		m.finishRelay, m.finishBandwidth,
		func(t *object) error { return m.finishListener(t, "public", &c.HTTP.Public) },
		func(t *object) error { return m.finishListener(t, "private", &c.HTTP.Private) },
	} {
		if err := check(tree); err != nil {
			errs = append(errs, err)
		}
	}
	m.finishWebSockets(tree)
	m.finishICE(tree)
	if c.Health.Timeout <= c.Health.Interval {
		m.warn("videobridge.health.timeout", m.at(tree, "videobridge.health.timeout"),
			"must exceed health.interval, or health checks time out between each other")
	}
	if len(c.XMPP.Accounts) == 0 && !c.REST.Colibri && m.defaults != nil {
		m.warn(accountsKey, position{}, "there is no XMPP account, so that no Jicofo will find this bridge")
	}
	return errs
}

// at returns where key was set.
func (m *mapper) at(tree *object, key string) position {
	if v := tree.get(strings.Split(key, ".")); v != nil {
		return v.at
	}
	return position{}
}

func (m *mapper) wrongAt(tree *object, key, want string) error {
	at := m.at(tree, key)
	return &ValueError{Key: key, File: at.file, Line: at.line, Want: want}
}

func (m *mapper) finishRelay(tree *object) error {
	if m.config.Relay.Enabled && m.config.Relay.ID == "" {
		const enabled = "videobridge.relay.enabled"
		at := m.at(tree, enabled)
		return &ValueError{
			Key: "videobridge.relay.relay-id", File: at.file, Line: at.line,
			Want: "set to the unique name of this bridge when relays are enabled",
		}
	}
	return nil
}

func (m *mapper) finishBandwidth(tree *object) error {
	if c := &m.config.CC; c.MinBandwidth > c.MaxBandwidth {
		return m.wrongAt(tree, "jmt.bwe.estimator.min-bw", "at most jmt.bwe.estimator.max-bw")
	}
	return nil
}

// finishListener lets a server do either TLS, if it has a certificate, or
// plain HTTP.
func (m *mapper) finishListener(tree *object, name string, l *Listener) error {
	if (l.CertFile == "") != (l.KeyFile == "") {
		return m.wrongAt(tree, "steg.http."+name+".cert", "given together with steg.http."+name+".key")
	}
	if l.CertFile == "" {
		l.TLSPort = -1
		return nil
	}
	if l.TLSPort < 0 {
		return m.wrongAt(tree, "videobridge.http-servers."+name+".tls-port", "a port, as there is a certificate for TLS")
	}
	l.Port = -1
	return nil
}

func (m *mapper) finishWebSockets(tree *object) {
	ws := &m.config.WebSockets
	if len(ws.RelayDomains) == 0 {
		ws.RelayDomains = slices.Clone(ws.Domains)
	}
	if !ws.Enabled {
		return
	}
	const key = "videobridge.websockets.enabled"
	switch l := m.config.HTTP.Public; {
	case len(ws.Domains) == 0:
		ws.Enabled = false
		m.warn(key, m.at(tree, key), "web sockets stay off: videobridge.websockets.domain is missing, "+
			"under which clients reach them")
	case l.Port < 0 && l.TLSPort < 0:
		m.warn(key, m.at(tree, key), "nothing listens for web sockets: videobridge.http-servers.public.port is not set")
	}
}

func (m *mapper) finishICE(tree *object) {
	ice := &m.config.ICE
	if len(ice.AllowedInterfaces) > 0 && len(ice.BlockedInterfaces) > 0 {
		const key = "ice4j.harvest.blocked-interfaces"
		m.warn(key, m.at(tree, key), "no effect, as there are allowed-interfaces")
		ice.BlockedInterfaces = nil
	}
	var kept []Mapping
	for _, mp := range ice.StaticMappings {
		if !slices.Contains(kept, mp) {
			kept = append(kept, mp)
		}
	}
	ice.StaticMappings = kept
}
