package configs

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// The variables of the Jitsi docker image, as its template turns them into a
// jvb.conf. They count only where there is no such file.

// environment builds a configuration from the variables of the docker image.
type environment struct {
	vars map[string]string
	tree *object
}

// hasDockerVariables reports whether the environment is one that the docker
// image's users set up. Not every variable of the image says so: Debian's
// package, too, has a JVB_PORT.
func hasDockerVariables(vars map[string]string) bool {
	for _, name := range []string{
		"JVB_AUTH_PASSWORD", "JVB_AUTH_USER", "XMPP_SERVER", "XMPP_AUTH_DOMAIN", "JVB_XMPP_SERVER",
		"JVB_DISABLE_XMPP", "ENABLE_JVB_XMPP_SERVER", "JVB_ADVERTISE_IPS", "DOCKER_HOST_ADDRESS",
	} {
		if vars[name] != "" {
			return true
		}
	}
	return false
}

// dockerTree turns the variables into a configuration.
func dockerTree(vars map[string]string) (*object, error) {
	e := &environment{vars, newObject()}
	e.set("videobridge.ice.udp.port", "JVB_PORT")
	e.flag("videobridge.ice.advertise-private-candidates", "JVB_ADVERTISE_PRIVATE_CANDIDATES", true)
	e.flag("videobridge.cc.trust-bwe", "JVB_CC_TRUST_BWE", true)
	e.flag("videobridge.cc.use-vla-target-bitrate", "ENABLE_VLA", false)
	e.set("jmt.bwe.estimator.engine", "BWE_ESTIMATOR_ENGINE")
	e.flag("videobridge.apis.rest.enabled", "COLIBRI_REST_ENABLED", false)
	e.flag("videobridge.rest.shutdown.enabled", "SHUTDOWN_REST_ENABLED", false)
	e.flag("videobridge.health.require-valid-address", "JVB_REQUIRE_VALID_ADDRESS", false)
	// The published port of a container does not arrive on its loopback.
	e.put("videobridge.http-servers.private.host", textValue(position{file: "docker image"}, "0.0.0.0"))
	if e.on("ENABLE_OCTO", false) {
		e.flag("videobridge.relay.enabled", "ENABLE_OCTO", false)
		e.or("videobridge.relay.region", "europe", "JVB_OCTO_REGION")
		e.or("videobridge.relay.relay-id", "", "JVB_OCTO_RELAY_ID", "JVB_OCTO_BIND_ADDRESS")
	}
	e.list(publicKey, "", "JVB_ADVERTISE_IPS", "DOCKER_HOST_ADDRESS")
	if !e.on("JVB_DISABLE_STUN", false) {
		e.list(stunKey, "meet-jit-si-turnrelay.jitsi.net:443", "JVB_STUN_SERVERS")
	}
	if !e.on("DISABLE_AWS_HARVESTER", true) {
		e.put("ice4j.harvest.mapping.aws.enabled", textValue(variable("DISABLE_AWS_HARVESTER"), "true"))
	}
	if e.on("JVB_DISABLE_XMPP", false) {
		return e.tree, nil
	}
	if vars["JVB_AUTH_PASSWORD"] == "" {
		return nil, fmt.Errorf("environment variable JVB_AUTH_PASSWORD is not set: " +
			"the XMPP server asks for it (JVB_DISABLE_XMPP=1 does without XMPP)")
	}
	if e.on("ENABLE_JVB_XMPP_SERVER", false) {
		e.accounts("JVB_XMPP_SERVER", "xmpp.jvb.meet.jitsi", "JVB_XMPP_PORT", "6222",
			"JVB_XMPP_AUTH_DOMAIN", "auth.jvb.meet.jitsi", "JVB_XMPP_INTERNAL_MUC_DOMAIN", "muc.jvb.meet.jitsi")
	} else {
		e.accounts("XMPP_SERVER", "xmpp.meet.jitsi", "XMPP_PORT", "5222",
			"XMPP_AUTH_DOMAIN", "auth.meet.jitsi", "XMPP_INTERNAL_MUC_DOMAIN", "internal-muc.meet.jitsi")
	}
	return e.tree, nil
}

// accounts adds one account for each server of a list; arguments are names of
// variables, each followed by its default.
func (e *environment) accounts(server, server0, port, port0, domain, domain0, rooms, rooms0 string) {
	servers := e.get(server, server0)
	nickname := "JVB_MUC_NICKNAME"
	if e.vars[nickname] == "" {
		nickname = "HOSTNAME"
	}
	own, _ := os.Hostname()
	for i, item := range listItems(textValue(variable(server), servers)) {
		host, number := splitHostPort(item.text)
		at := variable(server)
		o := newObject()
		o.add("HOSTNAME", textValue(at, host))
		o.add("PORT", textValue(at, number))
		if number == "" {
			o.add("PORT", textValue(variable(port), e.get(port, port0)))
		}
		o.add("DOMAIN", textValue(variable(domain), e.get(domain, domain0)))
		o.add("USERNAME", textValue(variable("JVB_AUTH_USER"), e.get("JVB_AUTH_USER", "jvb")))
		o.add("PASSWORD", textValue(variable("JVB_AUTH_PASSWORD"), e.vars["JVB_AUTH_PASSWORD"]))
		room := e.get("JVB_BREWERY_MUC", "jvbbrewery") + "@" + e.get(rooms, rooms0)
		o.add("MUC_JIDS", textValue(variable(rooms), room))
		o.add("MUC_NICKNAME", textValue(variable(nickname), e.get(nickname, own)))
		o.add("DISABLE_CERTIFICATE_VERIFICATION", textValue(position{file: "docker image"}, "true"))
		e.tree.put(append(strings.Split(accountsKey, "."), "shard"+strconv.Itoa(i)), objectValue(at, o))
	}
}

// splitHostPort splits host:port; an IPv6 address needs brackets for that.
func splitHostPort(s string) (host, port string) {
	n := strings.LastIndexByte(s, ':')
	if n < 0 || strings.HasSuffix(s, "]") || strings.Count(s, ":") > 1 && !strings.HasPrefix(s, "[") {
		return strings.Trim(s, "[]"), ""
	}
	return strings.Trim(s[:n], "[]"), s[n+1:]
}

// variable is the position of a value that came from the environment.
func variable(name string) position { return position{file: "environment variable " + name} }

func (e *environment) get(name, otherwise string) string {
	if v := strings.TrimSpace(e.vars[name]); v != "" {
		return v
	}
	return otherwise
}

func (e *environment) put(key string, v *value) { e.tree.put(strings.Split(key, "."), v) }

// set passes the variable on as it is, if it is set.
func (e *environment) set(key, name string) { e.or(key, "", name) }

// or passes on the first variable that is set, or a default if that is not
// empty.
func (e *environment) or(key, otherwise string, names ...string) {
	for _, name := range names {
		if v := e.get(name, ""); v != "" {
			e.put(key, textValue(variable(name), v))
			return
		}
	}
	if otherwise != "" {
		e.put(key, textValue(variable(names[0]), otherwise))
	}
}

// list passes on the first variable that is set as a list.
func (e *environment) list(key, otherwise string, names ...string) {
	e.or(key, otherwise, names...)
}

// flag passes on a switch. Words that are none go on as they are, to be
// refused by the reader of the key.
func (e *environment) flag(key, name string, otherwise bool) {
	text := strconv.FormatBool(otherwise)
	if v := e.get(name, ""); v != "" {
		text = truth(v)
	}
	e.put(key, textValue(variable(name), text))
}

func (e *environment) on(name string, otherwise bool) bool {
	return truth(e.get(name, strconv.FormatBool(otherwise))) == "true"
}

// truth turns the words for true and false that the image's templates accept
// into these two.
func truth(s string) string {
	switch strings.ToLower(s) {
	case "1", "t", "true", "y", "yes", "on":
		return "true"
	case "0", "f", "false", "n", "no", "off":
		return "false"
	}
	return s
}
