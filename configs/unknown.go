package configs

import (
	"strings"
)

// idle is a key of the Jitsi Videobridge that Steg knows and does nothing
// with, or everything below that key.
type idle struct {
	key      string
	harmless string // the value that asks for nothing; "*": every value
	text     string // what to tell about other values
}

// idleKeys lists them. What has no effect but only tuned the Java program is
// reported once, so that nobody relies on it; what stock templates contain is
// passed over in silence.
func idleKeys() []idle {
	const java = "tunes the Java program; Steg has no such setting"
	const keyStore = "Steg reads no Java key stores; set steg.http.%.cert and .key to PEM files"
	const redaction = "Steg never writes addresses of participants, whatever this says"
	list := []idle{
		{"videobridge.stats.enabled", "*", ""},
		{"videobridge.stats.transports", "*", ""},
		{"videobridge.sctp.use-usrsctp", "*", ""},
		{"videobridge.ice.tcp.enabled", "false", "there is no ICE over TCP; clients behind strict firewalls need TURN"},
		{"videobridge.ice.tcp", "*", ""},
		{"ice4j.harvest.mapping.stun.enabled", "*", ""},
		{"ice4j.harvest.mapping.aws.enabled", "false", "Steg asks no cloud service for its public address; set " +
			mappingsKey + " or " + publicKey},
		{"ice4j.harvest.mapping.aws.force", "false", "Steg asks no cloud service for its public address"},
		{"ice4j.harvest.udp.use-dynamic-ports", "false", "all media uses the one port videobridge.ice.udp.port"},
		{"videobridge.redact-remote-addresses", "true", redaction},
		{"ice4j.redact-remote-addresses", "true", redaction},
		{"videobridge.redact-colibri-http-headers", "true", "Steg never writes these headers, whatever this says"},
		{"videobridge.rest.rtcstats.enabled", "false", "Steg has no /stats with names of conferences and endpoints"},
		{"videobridge.ice.keep-alive-strategy", "selected_only", "only the selected pair is kept alive"},
		{"videobridge.ice.nomination-strategy", "NominateFirstHostOrReflexiveValid", "the first valid pair is nominated"},
		{"videobridge.cryptex.endpoint", "false", "Steg does not encrypt header extensions"},
		{"videobridge.cryptex.relay", "false", "Steg does not encrypt header extensions"},
		{"jmt.debug.pcap.enabled", "false", "Steg never writes media to files"},
		{"jmt.debug.pcap.start-enabled", "false", "Steg never writes media to files"},
		{"jmt.debug.pcap", "*", ""},
		{"videobridge.octo", "", "relays need relay.relay-id and relay.region only"},
	}
	for _, name := range []string{"public", "private"} {
		key := "videobridge.http-servers." + name
		list = append(list,
			idle{key + ".send-server-version", "false", "Steg never sends its version here"},
			idle{key + ".key-store-path", "", strings.Replace(keyStore, "%", name, 1)},
			idle{key + ".key-store-password", "*", ""},
			idle{key + ".need-client-auth", "false", "Steg does not ask for client certificates"},
			idle{key + ".tls-protocols", "", "Steg speaks TLS 1.2 and 1.3"},
			idle{key + ".tls-cipher-suites", "", java})
	}
	for _, key := range []string{
		"videobridge.apis.xmpp-client.jid-cache-size", "videobridge.stats.transit-time", "videobridge.stats.jvm",
		"videobridge.transport.send.queue-size", "tracing", "jmt.bwe.estimator.GoogleCc", "jmt.bwe.estimator.GoogleCc2",
		"jmt.bwe.send-side", "jmt.bwe.overuse-detector", "jmt.srtp.max-consecutive-packets-discarded-early",
		"jmt.srtp.factory-class", "jmt.rtp.bitrate-calculator", "jmt.transceiver", "jmt.debug", "jmt.dtls.use-alg-unsigned",
		"ice4j.harvest.timeout", "ice4j.harvest.udp.socket-pool-size", "ice4j.consent-freshness", "ice4j.ice",
		"ice4j.use-component-socket", "ice4j.send-to-last-received-from-address", "ice4j.software",
	} {
		list = append(list, idle{key, "", java})
	}
	return list
}

// checker walks the operator's keys and reports those without effect.
type checker struct {
	m     *mapper
	known map[string]bool // keys with an effect
	inner map[string]bool // objects that contain such keys
	idle  map[string]idle
	used  map[string]bool // keys that substitutions asked for
}

// checkKeys warns of every key of tree that has no effect. Keys of the
// built-in reference are not looked at.
func (m *mapper) checkKeys(tree *object, used map[string]bool) {
	c := &checker{m: m, known: map[string]bool{}, inner: map[string]bool{}, idle: map[string]idle{}, used: used}
	for _, b := range bindings() {
		c.known[b.key] = true
	}
	for _, a := range aliases() {
		c.known[a.from] = true
	}
	for _, i := range idleKeys() {
		c.idle[i.key] = i
	}
	for key := range c.known {
		for n := strings.LastIndexByte(key, '.'); n > 0; n = strings.LastIndexByte(key[:n], '.') {
			c.inner[key[:n]] = true
		}
	}
	c.object("", tree)
}

func (c *checker) object(prefix string, o *object) {
	for _, name := range o.keys {
		key := prefix + name
		v := o.get([]string{name})
		i, isIdle := c.idle[key]
		switch {
		case v.kind == kindObject && c.inner[key] && !c.known[key]:
			c.object(key+".", v.object)
		case v.at.file == referenceName, c.known[key], c.used[key]:
		case isIdle && v.kind == kindObject && c.idleInside(key):
			c.object(key+".", v.object)
		case isIdle:
			c.report(key, v, i)
		case v.kind == kindObject && c.idleInside(key):
			c.object(key+".", v.object)
		default:
			c.unknown(prefix, key, v)
		}
	}
}

// idleInside reports whether single keys below key are listed as idle.
func (c *checker) idleInside(key string) bool {
	for k := range c.idle {
		if strings.HasPrefix(k, key+".") {
			return true
		}
	}
	return false
}

// unknown reports a key that nobody knows, unless everything around it has
// no effect anyway.
func (c *checker) unknown(prefix, key string, v *value) {
	if outer, ok := c.idle[strings.TrimSuffix(prefix, ".")]; ok {
		c.report(key, v, outer)
		return
	}
	if v.kind == kindObject {
		if len(v.object.keys) == 0 {
			return
		}
		if prefix == "" || c.usedInside(key) {
			c.object(key+".", v.object)
			return
		}
	}
	if near := c.nearest(key); near != "" {
		c.m.warn(key, v.at, "unknown key; did you mean %s?", near)
		return
	}
	c.m.warn(key, v.at, "unknown key")
}

func (c *checker) usedInside(key string) bool {
	for k := range c.used {
		if strings.HasPrefix(k, key+".") {
			return true
		}
	}
	return false
}

func (c *checker) report(key string, v *value, i idle) {
	if i.harmless == "*" || i.harmless != "" && v.kind == kindText && strings.EqualFold(v.text, i.harmless) {
		return
	}
	c.m.warn(key, v.at, "no effect: %s", i.text)
}

// nearest returns the known key that differs from key by a typing mistake.
func (c *checker) nearest(key string) string {
	best, least := "", 3
	for known := range c.known {
		if d := distance(key, known, least); d < least || d == least && best != "" && known < best {
			best, least = known, d
		}
	}
	return best
}

// distance counts the characters to change, insert or remove between a and b;
// it gives up where that must reach limit, with a larger number.
func distance(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return len(a) + len(b)
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := diagonal
			if a[i-1] != b[j-1] {
				cost = 1 + min(diagonal, row[j], row[j-1])
			}
			diagonal, row[j] = row[j], cost
		}
	}
	return row[len(b)]
}
