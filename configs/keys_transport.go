package configs

import (
	"strings"
	"time"
)

func transportKeys() []binding {
	return []binding{
		bind("videobridge.sctp.enabled", boolean(), func(c *Config) *bool { return &c.SCTP.Enabled }),
		bind("videobridge.sctp.max-channels", integer(1, 65535), func(c *Config) *int { return &c.SCTP.MaxChannels }),
		bind("jmt.dtls.handshake-timeout", duration(time.Second), func(c *Config) *time.Duration { return &c.DTLS.HandshakeTimeout }),
		{"jmt.dtls.cipher-suites", (*mapper).cipherSuites},
		bind("jmt.dtls.local-fingerprint-hash-function", hash(), func(c *Config) *string { return &c.DTLS.LocalHash }),
		bind("jmt.dtls.accepted-fingerprint-hash-functions", listOf(hash()), func(c *Config) *[]string { return &c.DTLS.AcceptedHashes }),
		{"jmt.srtp.protection-profiles", (*mapper).protectionProfiles},
	}
}

func hash() reader[string] { return oneOf("sha-512", "sha-384", "sha-256", "sha-1") }

// cipherSuites takes those of the list that Steg has. A name that is not one
// of a cipher suite at all is an error, as for the Java bridge.
func (m *mapper) cipherSuites(v *value) error {
	const key = "jmt.dtls.cipher-suites"
	r := scalar("names such as TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", func(s string) (string, error) {
		if !strings.HasPrefix(s, "TLS_") || !strings.Contains(s, "_WITH_") {
			return "", errValue
		}
		return s, nil
	})
	known := []string{
		"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
		"TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
		"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
	}
	return m.offered(key, v, r, known, &m.config.DTLS.CipherSuites)
}

// protectionProfiles takes those of the list that Steg has, without the
// SRTP_ in front.
func (m *mapper) protectionProfiles(v *value) error {
	const key = "jmt.srtp.protection-profiles"
	r := scalar("names such as SRTP_AEAD_AES_128_GCM", func(s string) (string, error) {
		s = strings.TrimPrefix(s, "SRTP_")
		if !strings.HasPrefix(s, "A") && !strings.HasPrefix(s, "NULL_") {
			return "", errValue
		}
		return s, nil
	})
	known := []string{"AEAD_AES_128_GCM", "AEAD_AES_256_GCM", "AES128_CM_HMAC_SHA1_80", "AES128_CM_HMAC_SHA1_32"}
	return m.offered(key, v, r, known, &m.config.SRTP.Profiles)
}

// offered keeps the known names of a list, warns of the others and refuses a
// list that has none.
func (m *mapper) offered(key string, v *value, r reader[string], known []string, field *[]string) error {
	names, err := listOf(r).get(key, v)
	if err != nil {
		return err
	}
	var kept, dropped []string
	for _, name := range names {
		if contains(known, name) {
			kept = append(kept, name)
		} else {
			dropped = append(dropped, name)
		}
	}
	if len(kept) == 0 {
		return &ValueError{Key: key, File: v.at.file, Line: v.at.line, Want: "a list with at least one of " + strings.Join(known, ", ")}
	}
	if len(dropped) > 0 {
		m.warn(key, v.at, "not offered by Steg: %s", strings.Join(dropped, ", "))
	}
	*field = kept
	return nil
}
