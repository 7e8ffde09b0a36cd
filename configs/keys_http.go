package configs

import (
	"slices"
	"time"
)

func httpKeys() []binding {
	list := []binding{
		bind("videobridge.apis.rest.enabled", boolean(), func(c *Config) *bool { return &c.REST.Colibri }),
		bind("videobridge.rest.debug.enabled", boolean(), func(c *Config) *bool { return &c.REST.Debug }),
		bind("videobridge.rest.drain.enabled", boolean(), func(c *Config) *bool { return &c.REST.Drain }),
		bind("videobridge.rest.health.enabled", boolean(), func(c *Config) *bool { return &c.REST.Health }),
		bind("videobridge.rest.prometheus.enabled", boolean(), func(c *Config) *bool { return &c.REST.Prometheus }),
		bind("videobridge.rest.version.enabled", boolean(), func(c *Config) *bool { return &c.REST.Version }),
		bind("videobridge.rest.shutdown.enabled", boolean(), func(c *Config) *bool { return &c.REST.Shutdown }),
	}
	list = append(list, listenerKeys("public", func(c *Config) *Listener { return &c.HTTP.Public })...)
	list = append(list, listenerKeys("private", func(c *Config) *Listener { return &c.HTTP.Private })...)
	return append(list, webSocketKeys()...)
}

func listenerKeys(name string, l func(*Config) *Listener) []binding {
	key := "videobridge.http-servers." + name
	own := "steg.http." + name
	return []binding{
		bind(key+".host", text(), func(c *Config) *string { return &l(c).Host }),
		bind(key+".port", listenPort(), func(c *Config) *int { return &l(c).Port }),
		bind(key+".tls-port", listenPort(), func(c *Config) *int { return &l(c).TLSPort }),
		bind(own+".cert", text(), func(c *Config) *string { return &l(c).CertFile }),
		bind(own+".key", text(), func(c *Config) *string { return &l(c).KeyFile }),
	}
}

func webSocketKeys() []binding {
	const key = "videobridge.websockets."
	ws := func(c *Config) *WebSockets { return &c.WebSockets }
	return []binding{
		bind(key+"enabled", boolean(), func(c *Config) *bool { return &ws(c).Enabled }),
		bind(key+"domains", listOf(text()), func(c *Config) *[]string { return &ws(c).Domains }),
		first(key+"domain", func(c *Config) *[]string { return &ws(c).Domains }),
		bind(key+"relay-domains", listOf(text()), func(c *Config) *[]string { return &ws(c).RelayDomains }),
		first(key+"relay-domain", func(c *Config) *[]string { return &ws(c).RelayDomains }),
		{key + "tls", func(m *mapper, v *value) error {
			if v.kind == kindNull {
				ws(m.config).TLS = m.config.HTTP.Public.CertFile != ""
				return nil
			}
			var err error
			ws(m.config).TLS, err = boolean().get(key+"tls", v)
			return err
		}},
		bind(key+"server-id", text(), func(c *Config) *string { return &ws(c).ServerID }),
		bind(key+"enable-compression", boolean(), func(c *Config) *bool { return &ws(c).Compression }),
		bind(key+"send-keepalive-pings", boolean(), func(c *Config) *bool { return &ws(c).KeepalivePings }),
		bind(key+"keepalive-ping-interval", duration(time.Second),
			func(c *Config) *time.Duration { return &ws(c).PingInterval }),
		bind(key+"idle-timeout", duration(time.Second),
			func(c *Config) *time.Duration { return &ws(c).IdleTimeout }),
	}
}

// first puts a single text in front of a list that has been read before.
func first(key string, list func(*Config) *[]string) binding {
	return binding{key, func(m *mapper, v *value) error {
		if v.kind == kindNull {
			return nil
		}
		s, err := text().get(key, v)
		if err == nil && s != "" {
			rest := slices.DeleteFunc(*list(m.config), func(d string) bool { return d == s })
			*list(m.config) = append([]string{s}, rest...)
		}
		return err
	}}
}
