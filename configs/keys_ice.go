package configs

import (
	"net/netip"
	"strings"
	"time"
)

const (
	mappingsKey = "ice4j.harvest.mapping.static-mappings"
	publicKey   = "steg.ice.public-addresses"
	stunKey     = "ice4j.harvest.mapping.stun.addresses"
)

func iceKeys() []binding {
	const key = "videobridge.ice."
	const harvest = "ice4j.harvest."
	ice := func(c *Config) *ICE { return &c.ICE }
	return []binding{
		bind(key+"udp.port", port(), func(c *Config) *int { return &ice(c).Port }),
		bind(key+"ufrag-prefix", ufragPrefix(), func(c *Config) *string { return &ice(c).UfragPrefix }),
		bind(key+"advertise-private-candidates", boolean(), func(c *Config) *bool { return &ice(c).AdvertisePrivateCandidates }),
		bind(key+"resolve-remote-candidates", boolean(), func(c *Config) *bool { return &ice(c).ResolveRemoteCandidates }),
		bind(key+"restart.enabled", boolean(), func(c *Config) *bool { return &ice(c).Restart }),
		bind(key+"restart.transition-window", duration(0), func(c *Config) *time.Duration { return &ice(c).RestartTransition }),
		bind(key+"restart.timeout", duration(-24*time.Hour), func(c *Config) *time.Duration { return &ice(c).RestartTimeout }),
		bind(harvest+"use-ipv6", boolean(), func(c *Config) *bool { return &ice(c).IPv6 }),
		bind(harvest+"use-link-local-addresses", boolean(), func(c *Config) *bool { return &ice(c).LinkLocal }),
		bind(harvest+"allowed-addresses", listOf(address()), func(c *Config) *[]netip.Addr { return &ice(c).AllowedAddresses }),
		bind(harvest+"blocked-addresses", listOf(address()), func(c *Config) *[]netip.Addr { return &ice(c).BlockedAddresses }),
		bind(harvest+"allowed-interfaces", listOf(text()), func(c *Config) *[]string { return &ice(c).AllowedInterfaces }),
		bind(harvest+"blocked-interfaces", listOf(text()), func(c *Config) *[]string { return &ice(c).BlockedInterfaces }),
		bind(harvest+"udp.receive-buffer-size", size(), func(c *Config) *int { return &ice(c).ReceiveBuffer }),
		bind("ice4j.consent-freshness.interval", duration(500*time.Millisecond),
			func(c *Config) *time.Duration { return &ice(c).ConsentInterval }),
		{mappingsKey, (*mapper).staticMappings},
		{publicKey, (*mapper).publicAddresses},
		{stunKey, (*mapper).stunServers},
		bind("steg.ice.allow-loopback", boolean(), func(c *Config) *bool { return &ice(c).AllowLoopback }),
	}
}

// ufragPrefix reads the start of every ufrag; only characters that RFC 8839
// allows in one may stand in it, and room for the random part must stay.
func ufragPrefix() reader[string] {
	return scalar("at most 32 letters, digits or any of + / - _ : .", func(s string) (string, error) {
		if len(s) > 32 {
			return "", errValue
		}
		for _, c := range s {
			switch {
			case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '+', c == '/':
			case c == '-', c == '_', c == ':', c == '.': // what the Java bridge's own example uses
			default:
				return "", errValue
			}
		}
		return s, nil
	})
}

// stunServers keeps the list and says that nobody will be asked.
func (m *mapper) stunServers(v *value) error {
	servers, err := listOf(text()).get(stunKey, v)
	if err != nil || v.kind == kindNull {
		return err
	}
	m.config.ICE.STUNServers = servers
	if len(servers) == 0 {
		return nil
	}
	instead := mappingsKey + " or " + publicKey
	if v.at == variable("JVB_STUN_SERVERS") {
		instead = "JVB_ADVERTISE_IPS"
	}
	m.warn(stunKey, v.at, "Steg asks no outside STUN server for its public address. If this host is behind NAT, "+
		"set %s; if it has a public address of its own, nothing is needed", instead)
	return nil
}

// staticMappings reads pairs of a local and a public address.
func (m *mapper) staticMappings(v *value) error {
	if v.kind == kindText {
		return wrong(mappingsKey, v, "a list of { local-address = ..., public-address = ... }")
	}
	for _, item := range listItems(v) {
		if item.kind != kindObject {
			return wrong(mappingsKey, item, "an object with local-address and public-address")
		}
		mapping, err := m.mapping(item)
		if err != nil {
			return err
		}
		m.config.ICE.StaticMappings = append(m.config.ICE.StaticMappings, mapping)
	}
	return nil
}

func (m *mapper) mapping(item *value) (mp Mapping, err error) {
	for _, name := range item.object.keys {
		key := mappingsKey + "." + name
		v := item.object.get([]string{name})
		switch {
		case v.kind == kindNull, name == "name":
		case name == "local-address":
			if v.kind != kindText || v.text != "" {
				mp.Local, err = m.host(key, v)
			}
		case name == "public-address":
			mp.Public, err = m.host(key, v)
		case name == "local-port":
			mp.LocalPort, err = port().get(key, v)
		case name == "public-port":
			mp.PublicPort, err = port().get(key, v)
		default:
			m.warn(key, v.at, "unknown key of a static mapping")
		}
		if err != nil {
			return mp, err
		}
	}
	switch {
	case !mp.Public.IsValid():
		err = missingIn(item, "public-address in every entry")
	case (mp.LocalPort == 0) != (mp.PublicPort == 0):
		err = missingIn(item, "given both local-port and public-port, or none of them")
	case mp.Local.IsValid() && mp.Local.Is4() != mp.Public.Is4():
		err = missingIn(item, "given a local and a public address of the same family")
	}
	return mp, err
}

func missingIn(v *value, want string) error {
	return &ValueError{Key: mappingsKey, File: v.at.file, Line: v.at.line, Want: want}
}

// publicAddresses reads what the bridge announces for whatever local address
// it has: "203.0.113.7", or "203.0.113.7#10001" where the port differs, too.
func (m *mapper) publicAddresses(v *value) error {
	for _, item := range listItems(v) {
		if item.kind != kindText {
			return wrong(publicKey, item, "a list of IP addresses, each with #port if the public port differs")
		}
		host, public, mapped := strings.Cut(strings.TrimSpace(item.text), "#")
		var mp Mapping
		var err error
		if mp.Public, err = m.host(publicKey, textValue(item.at, host)); err != nil {
			return err
		}
		if mapped {
			mp.LocalPort = m.config.ICE.Port
			if mp.PublicPort, err = port().get(publicKey, textValue(item.at, public)); err != nil {
				return err
			}
		}
		m.config.ICE.StaticMappings = append(m.config.ICE.StaticMappings, mp)
	}
	return nil
}

// host reads an address; a name is looked up, as installations use those of
// dynamic DNS here.
func (m *mapper) host(key string, v *value) (netip.Addr, error) {
	const want = "an IP address, or a name that can be resolved"
	if v.kind != kindText || strings.TrimSpace(v.text) == "" {
		return netip.Addr{}, wrong(key, v, want)
	}
	name := strings.TrimSpace(v.text)
	if a, err := netip.ParseAddr(strings.Trim(name, "[]")); err == nil && a.Zone() == "" {
		return a.Unmap(), nil
	}
	if !isHostName(name) || m.lookup == nil {
		return netip.Addr{}, wrong(key, v, want)
	}
	found, err := m.lookup(name)
	if err != nil || len(found) == 0 {
		return netip.Addr{}, wrong(key, v, want)
	}
	for _, a := range found {
		if a.Unmap().Is4() {
			return a.Unmap(), nil
		}
	}
	return found[0].Unmap(), nil
}

// isHostName reports whether s can be a name in the DNS. Names end in a
// label that is not a number, so that a mistyped address is not looked up.
func isHostName(s string) bool {
	last := s[strings.LastIndexByte(s, '.')+1:]
	if last == "" || last[0] >= '0' && last[0] <= '9' {
		return false
	}
	return !strings.ContainsFunc(s, func(c rune) bool {
		return c != '.' && c != '-' && c != '_' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z')
	})
}
