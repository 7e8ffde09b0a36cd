package configs

import "time"

// Options says where the configuration comes from.
type Options struct {
	File   string   // jvb.conf to read; empty: see Search
	Env    []string // NAME=value pairs; nil means the process's environment
	Search bool     // without File, look where packages put it, see [Find]
}

// Warning is something in the configuration that the operator should know
// of and that does not stop the bridge.
type Warning struct {
	Key  string // dotted key, may be empty
	File string
	Line int // 1-based, 0 if the warning belongs to no line
	Text string
}

// Load reads the configuration. It returns all wrong values at once, joined.
func Load(o Options) (*Config, []Warning, error) { return Default(), nil, nil }

// Default returns the configuration of a bridge without any configuration file.
func Default() *Config {
	return &Config{
		XMPP:       XMPP{PresenceInterval: 5 * time.Second},
		ICE:        ICE{Port: 10000, AdvertisePrivateCandidates: true, Restart: true, RestartTransition: 3 * time.Second, RestartTimeout: 20 * time.Second, IPv6: true, ReceiveBuffer: 10485760, ConsentInterval: 5 * time.Second},
		DTLS:       DTLS{HandshakeTimeout: 30 * time.Second, AcceptedHashes: []string{"sha-512", "sha-384", "sha-256", "sha-1"}},
		SRTP:       SRTP{Profiles: []string{"AEAD_AES_128_GCM", "AES128_CM_HMAC_SHA1_80"}},
		SCTP:       SCTP{Enabled: true, MaxChannels: 1},
		HTTP:       HTTP{Public: Listener{Port: -1, TLSPort: -1}, Private: Listener{Host: "127.0.0.1", Port: 8080, TLSPort: -1}},
		WebSockets: WebSockets{ServerID: "default-id", Compression: true, KeepalivePings: true, PingInterval: 15 * time.Second, IdleTimeout: time.Minute},
		Conference: Conference{ExpireTimeout: time.Minute, ExpireInterval: time.Minute, FirstTransfer: 15 * time.Second, MaxInactivity: 8 * time.Second, StatusInterval: 500 * time.Millisecond, RecentSpeakers: 10},
		Media:      Media{NumLoudest: 3, AlwaysRouteDominant: true, DiscardSilence: true, ForwardedSilence: 3, RED: REDNoop, REDDistance: 2, REDVADOnly: true},
		CC:         CC{TrustBWE: true, InitialLastN: -1, BridgeLastN: -1, OnstageHeight: 360, OnstageFrameRate: 30, DefaultMaxHeight: 180, AllowOversend: true, MaxOversend: 500000, BWEChangeThreshold: 0.15, AssumedBandwidthLimit: -1},
		Log:        Log{Level: "warn"},
	}
}
