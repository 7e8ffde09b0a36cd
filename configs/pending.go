package configs

import "strings"

// pending is a key that Steg reads and checks, but does not act upon yet.
type pending struct{ key, text string }

// pendingKeys lists them. An operator who sets one to something else than its
// default is told once: silence would be a promise.
func pendingKeys() []pending {
	const (
		relays   = "several bridges in one conference are not built yet"
		export   = "export of media is not built yet"
		shutdown = "graceful shutdown is not built yet; SIGTERM ends the bridge at once"
		reducer  = "the load reducer is not built yet"
		asked    = "health is looked at whenever somebody asks"
		vla      = "announced bitrates of layers are not used yet"
		names    = "host names in candidates are not looked up"
		fixed    = "this is fixed: see the key's comment in reference.conf"
	)
	const v = "videobridge."
	return []pending{
		{v + "relay.enabled", relays}, {v + "websockets.relay-domain", relays}, {v + "websockets.relay-domains", relays},
		{v + "rest.shutdown.enabled", shutdown},
		{v + "shutdown.graceful-shutdown-max-duration", shutdown},
		{v + "shutdown.graceful-shutdown-min-participants", shutdown},
		{v + "shutdown.shutting-down-delay", shutdown},
		{v + "load-management.reducer-enabled", reducer},
		{v + "health.interval", asked}, {v + "health.timeout", asked}, {v + "health.sticky-failures", asked},
		{v + "health.max-check-duration", asked},
		{v + "health.require-stun", "no STUN server is asked"},
		{v + "exporter.max-reconnect-attempts", export}, {v + "exporter.base-delay", export},
		{v + "exporter.max-delay", export}, {v + "exporter.stable-connection-threshold", export},
		{v + "ice.resolve-remote-candidates", names},
		{v + "cc.use-vla-target-bitrate", vla},
		{v + "cc.bwe-change-threshold", fixed}, {v + "cc.padding-period", fixed},
		{v + "cc.max-time-between-calculations", fixed},
	}
}

// checkPending warns of keys that wait for what they steer.
func (m *mapper) checkPending(tree *object) {
	for _, p := range pendingKeys() {
		path := strings.Split(p.key, ".")
		set, std := tree.get(path), m.defaults.get(path)
		if set == nil || set.kind == kindNull || std != nil && set.kind == std.kind && set.text == std.text && len(set.items) == len(std.items) {
			continue
		}
		m.warn(p.key, set.at, "no effect yet: %s", p.text)
	}
}
