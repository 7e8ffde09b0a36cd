package configs

import (
	"strconv"
	"strings"
)

const (
	legacyName    = "sip-communicator.properties"
	legacyAccount = "org.jitsi.videobridge.xmpp.user."
	legacyBridge  = "org.jitsi.videobridge."
	legacyICE     = "org.ice4j.ice.harvest."
)

// property is one line of a Java properties file.
type property struct {
	key   string
	value *value
}

// legacyKeys says which key of today an old property stands for.
func legacyKeys() []alias {
	const vb = "videobridge."
	list := []alias{
		{from: "SINGLE_PORT_HARVESTER_PORT", to: vb + "ice.udp.port"},
		{from: "ICE_UFRAG_PREFIX", to: vb + "ice.ufrag-prefix"},
		{from: "KEEP_ALIVE_STRATEGY", to: vb + "ice.keep-alive-strategy"},
		{from: "REGION", to: vb + "relay.region"},
		{from: "ENABLE_REST_SHUTDOWN", to: vb + "rest.shutdown.enabled"},
		{from: "rest.COLIBRI_WS_DISABLE", to: vb + "websockets.enabled", convert: inverted},
		{from: "rest.COLIBRI_WS_DOMAIN", to: vb + "websockets.domain"},
		{from: "rest.COLIBRI_WS_TLS", to: vb + "websockets.tls"},
		{from: "rest.COLIBRI_WS_SERVER_ID", to: vb + "websockets.server-id"},
		{from: "health.INTERVAL", to: vb + "health.interval"},
		{from: "health.TIMEOUT", to: vb + "health.timeout"},
		{from: "health.STICKY_FAILURES", to: vb + "health.sticky-failures"},
		{from: "EXPIRE_CHECK_SLEEP_SEC", to: vb + "entity-expiration.check-interval", convert: seconds},
		{from: "EndpointConnectionStatus.FIRST_TRANSFER_TIMEOUT", to: vb + "ep-connection-status.first-transfer-timeout"},
		{from: "EndpointConnectionStatus.MAX_INACTIVITY_LIMIT", to: vb + "ep-connection-status.max-inactivity-limit"},
		{from: "BWE_CHANGE_THRESHOLD_PCT", to: vb + "cc.bwe-change-threshold", convert: percent},
		{from: "ONSTAGE_PREFERRED_HEIGHT", to: vb + "cc.onstage-preferred-height-px"},
		{from: "ONSTAGE_PREFERRED_FRAME_RATE", to: vb + "cc.onstage-preferred-framerate"},
		{from: "TRUST_BWE", to: vb + "cc.trust-bwe"},
		{from: "PADDING_PERIOD_MS", to: vb + "cc.padding-period"},
		{from: "ENABLE_ONSTAGE_VIDEO_SUSPEND", to: vb + "cc.allow-oversend-onstage", convert: inverted},
	}
	for old, now := range map[string]string{"rest.jetty.": "public.", "rest.private.jetty.": "private."} {
		to := vb + "http-servers." + now
		list = append(list,
			alias{from: old + "port", to: to + "port"}, alias{from: old + "host", to: to + "host"},
			alias{from: old + "tls.port", to: to + "tls-port"},
			alias{from: old + "sslContextFactory.keyStorePath", to: to + "key-store-path"},
			alias{from: old + "sslContextFactory.keyStorePassword", to: to + "key-store-password"},
			alias{from: old + "sslContextFactory.needClientAuth", to: to + "need-client-auth"})
	}
	for i := range list {
		list[i].from = legacyBridge + list[i].from
	}
	const harvest = "ice4j.harvest."
	return append(list,
		alias{from: legacyICE + "DISABLE_AWS_HARVESTER", to: harvest + "mapping.aws.enabled", convert: inverted},
		alias{from: legacyICE + "FORCE_AWS_HARVESTER", to: harvest + "mapping.aws.force"},
		alias{from: legacyICE + "DISABLE_LINK_LOCAL_ADDRESSES", to: harvest + "use-link-local-addresses", convert: inverted},
		alias{from: "org.ice4j.ipv6.DISABLED", to: harvest + "use-ipv6", convert: inverted},
		alias{from: legacyICE + "AbstractUdpListener.SO_RCVBUF", to: harvest + "udp.receive-buffer-size"},
		alias{from: legacyICE + "ALLOWED_INTERFACES", to: harvest + "allowed-interfaces", convert: commas},
		alias{from: legacyICE + "BLOCKED_INTERFACES", to: harvest + "blocked-interfaces", convert: commas},
		alias{from: legacyICE + "ALLOWED_ADDRESSES", to: harvest + "allowed-addresses", convert: commas},
		alias{from: legacyICE + "BLOCKED_ADDRESSES", to: harvest + "blocked-addresses", convert: commas},
		alias{from: legacyICE + "STUN_MAPPING_HARVESTER_ADDRESSES", to: stunKey},
	)
}

func commas(s string) string { return strings.ReplaceAll(s, ";", ",") }

// applyLegacy puts the old properties over the configuration: where a
// property has a successor, the property wins.
func (m *mapper) applyLegacy(tree *object, props []property) {
	known := map[string]alias{}
	for _, a := range legacyKeys() {
		known[a.from] = a
	}
	for _, p := range props {
		a, ok := known[p.key]
		switch {
		case ok:
			v := *p.value
			if a.convert != nil {
				v.text = a.convert(v.text)
			}
			tree.replace(strings.Split(a.to, "."), &v)
		case p.key == legacyBridge+"ENABLE_REST_COLIBRI":
			if inverted(p.value.text) == "true" {
				tree.replace([]string{"videobridge", "apis", "rest", "enabled"}, textValue(p.value.at, "false"))
			}
		case strings.HasPrefix(p.key, legacyAccount), strings.HasPrefix(p.key, legacyICE+"NAT_HARVESTER_"):
		case strings.HasPrefix(p.key, legacyBridge) && !isDead(p.key):
			m.warn(p.key, p.value.at, "unknown property")
		}
	}
	applyLegacyMapping(tree, props)
	m.applyLegacyAccounts(tree, props)
}

// isDead reports whether a property has been without effect for long, so
// that nobody needs to hear of it.
func isDead(key string) bool {
	name := strings.TrimPrefix(key, legacyBridge)
	for _, start := range []string{
		"octo.", "STATISTICS_", "ENABLE_STATISTICS", "TCP_HARVESTER_", "DISABLE_TCP_HARVESTER",
		"AUTHORIZED_SOURCE_REGEXP", "PUBSUB_", "xmpp.", "NAT_HARVESTER_",
	} {
		if strings.HasPrefix(name, start) {
			return true
		}
	}
	return false
}

// applyLegacyMapping puts the one pair of addresses that the old file can
// hold in front of the static mappings.
func applyLegacyMapping(tree *object, props []property) {
	var local, public *value
	for _, p := range props {
		switch p.key {
		case legacyICE + "NAT_HARVESTER_LOCAL_ADDRESS":
			local = p.value
		case legacyICE + "NAT_HARVESTER_PUBLIC_ADDRESS":
			public = p.value
		}
	}
	if local == nil || public == nil {
		return
	}
	pair := newObject()
	pair.add("local-address", local)
	pair.add("public-address", public)
	path := strings.Split(mappingsKey, ".")
	items := []*value{objectValue(public.at, pair)}
	if old := tree.get(path); old != nil {
		items = append(items, listItems(old)...)
	}
	tree.replace(path, &value{at: public.at, kind: kindArray, items: items})
}

// applyLegacyAccounts replaces all XMPP accounts if the old file has at least
// one that is complete.
func (m *mapper) applyLegacyAccounts(tree *object, props []property) {
	accounts := newObject()
	for _, p := range props {
		rest, ok := strings.CutPrefix(p.key, legacyAccount)
		if !ok {
			continue
		}
		n := strings.LastIndexByte(rest, '.')
		id, name := "", rest
		if n >= 0 {
			id, name = rest[:n], rest[n+1:]
		}
		accounts.put([]string{id, strings.ToUpper(name)}, p.value)
	}
	for _, id := range accounts.keys {
		o := accounts.get([]string{id}).object
		complete := true
		for _, name := range []string{"HOSTNAME", "USERNAME", "PASSWORD", "MUC_JIDS", "MUC_NICKNAME"} {
			v := o.get([]string{name})
			complete = complete && v != nil && v.text != ""
		}
		if complete {
			v := accounts.get([]string{id})
			tree.replace(strings.Split(accountsKey, "."), objectValue(v.at, accounts))
			return
		}
	}
	if len(accounts.keys) > 0 {
		at := accounts.get(accounts.keys[:1]).at
		m.warn(legacyAccount+"*", at, "the XMPP accounts here are not complete and are ignored")
	}
}

// parseProperties reads a Java properties file: key=value, key:value or key
// value, comments with # and !, continued lines, backslash escapes.
func parseProperties(name, text string) []property {
	var props []property
	lines := strings.Split(strings.TrimPrefix(text, "\uFEFF"), "\n")
	for i := 0; i < len(lines); i++ {
		at := position{name, i + 1}
		line := strings.TrimLeft(strings.TrimRight(lines[i], "\r"), " \t\f")
		if line == "" || line[0] == '#' || line[0] == '!' {
			continue
		}
		var whole strings.Builder
		for continued(line) && i+1 < len(lines) {
			i++
			whole.WriteString(line[:len(line)-1])
			line = strings.TrimLeft(strings.TrimRight(lines[i], "\r"), " \t\f")
		}
		whole.WriteString(line)
		key, val := splitProperty(whole.String())
		props = append(props, property{unescape(key), textValue(at, strings.TrimSpace(unescape(val)))})
	}
	return props
}

// continued reports whether a line ends in an odd number of backslashes.
func continued(line string) bool {
	n := len(line) - len(strings.TrimRight(line, `\`))
	return n%2 == 1
}

func splitProperty(line string) (key, val string) {
	for i := 0; i < len(line); i++ {
		switch line[i] {
		case '\\':
			i++
		case '=', ':', ' ', '\t':
			rest := strings.TrimLeft(line[i:], " \t")
			if rest != "" && (rest[0] == '=' || rest[0] == ':') {
				rest = rest[1:]
			}
			return line[:i], strings.TrimLeft(rest, " \t")
		}
	}
	return line, ""
}

func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		i++
		switch s[i] {
		case 't':
			b.WriteByte('\t')
		case 'n':
			b.WriteByte('\n')
		case 'r':
			b.WriteByte('\r')
		case 'u':
			if i+5 <= len(s) {
				if code, err := strconv.ParseUint(s[i+1:i+5], 16, 16); err == nil {
					b.WriteRune(rune(code))
					i += 4
					continue
				}
			}
			b.WriteByte('u')
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String()
}
