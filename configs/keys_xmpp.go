package configs

import (
	"fmt"
	"strings"
	"time"
)

const accountsKey = "videobridge.apis.xmpp-client.configs"

func xmppKeys() []binding {
	return []binding{
		bind("videobridge.stats.interval", duration(100*time.Millisecond),
			func(c *Config) *time.Duration { return &c.Stats.Interval }),
		bind("videobridge.apis.xmpp-client.presence-interval", duration(100*time.Millisecond),
			func(c *Config) *time.Duration { return &c.XMPP.PresenceInterval }),
		bind("videobridge.apis.xmpp-client.stats-filter.enabled", boolean(),
			func(c *Config) *bool { return &c.XMPP.StatsFilter }),
		bind("videobridge.apis.xmpp-client.stats-filter.whitelist", listOf(text()),
			func(c *Config) *[]string { return &c.XMPP.StatsWhitelist }),
		{accountsKey, (*mapper).accounts},
	}
}

// accounts reads the logins. One that is not complete is skipped, so that the
// others can work; a value of the wrong form is an error as everywhere.
func (m *mapper) accounts(v *value) error {
	if v.kind != kindObject {
		return wrong(accountsKey, v, "an object with one entry for each XMPP server")
	}
	for _, id := range v.object.keys {
		key := accountsKey + "." + id
		entry := v.object.get([]string{id})
		if entry.kind == kindNull {
			continue
		}
		if entry.kind != kindObject {
			return wrong(key, entry, "an object with HOSTNAME, USERNAME and so on")
		}
		account, missing, err := m.account(id, key, entry.object)
		if err != nil {
			return err
		}
		if len(missing) > 0 {
			m.warn(key, entry.at, "this XMPP account is skipped: %s", strings.Join(missing, ", "))
			continue
		}
		m.config.XMPP.Accounts = append(m.config.XMPP.Accounts, account)
	}
	return nil
}

// account reads one login. missing says why it cannot be used.
func (m *mapper) account(id, key string, o *object) (a Account, missing []string, err error) {
	a = Account{ID: id, Port: 5222}
	for _, name := range o.keys {
		v := o.get([]string{name})
		if v.kind == kindNull {
			continue
		}
		problem, err := m.accountProperty(&a, key+"."+name, strings.ToUpper(name), v)
		if err != nil {
			return a, nil, err
		}
		if problem != "" {
			missing = append(missing, problem)
		}
	}
	for _, required := range []struct {
		name  string
		there bool
	}{
		{"HOSTNAME", a.Host != ""}, {"USERNAME", a.Username != ""}, {"PASSWORD", a.Password != ""},
		{"MUC_JIDS", len(a.MUCs) > 0}, {"MUC_NICKNAME", a.Nickname != ""},
	} {
		if !required.there {
			missing = append(missing, required.name+" is missing")
		}
	}
	if a.Domain == "" {
		a.Domain = a.Host
	}
	if a.Security == "" {
		a.Security = SecurityRequired
		if a.Host == "localhost" || a.Host == "127.0.0.1" || a.Host == "::1" {
			a.Security = SecurityIfPossible
		}
	}
	return a, missing, nil
}

// accountProperty sets one property; names are in upper case.
func (m *mapper) accountProperty(a *Account, key, name string, v *value) (problem string, err error) {
	switch name {
	case "HOSTNAME":
		a.Host, err = text().get(key, v)
		a.Host = strings.Trim(a.Host, "[]")
	case "PORT":
		a.Port, err = port().get(key, v)
	case "DOMAIN":
		a.Domain, err = text().get(key, v)
	case "USERNAME":
		a.Username, err = text().get(key, v)
	case "PASSWORD":
		if v.kind != kindText {
			return "", &ValueError{Key: key, File: v.at.file, Line: v.at.line, Want: "a text"}
		}
		a.Password = Secret(v.text)
	case "MUC_JIDS":
		var rooms []string
		rooms, err = listOf(roomJID()).get(key, v)
		a.MUCs = append(a.MUCs, rooms...)
	case "MUC_NICKNAME":
		a.Nickname, err = text().get(key, v)
	case "DISABLE_CERTIFICATE_VERIFICATION":
		a.SkipVerify, err = boolean().get(key, v)
	case "SECURITY_MODE":
		r := oneOf(SecurityRequired, SecurityIfPossible, SecurityDisabled)
		if a.Security, err = r.read(v); err != nil {
			return fmt.Sprintf("SECURITY_MODE is %q instead of %s", v.text, r.want), nil
		}
	case "IQ_HANDLER_MODE": // how the Java bridge schedules its threads
	default:
		m.warn(key, v.at, "unknown property of an XMPP account")
	}
	return "", err
}

func roomJID() reader[string] {
	return scalar("a room such as jvbbrewery@internal.auth.example.com", func(s string) (string, error) {
		room, domain, ok := strings.Cut(s, "@")
		if !ok || room == "" || domain == "" || strings.ContainsAny(domain, "@/ ") {
			return "", errValue
		}
		return s, nil
	})
}
