package configs

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

// leaves returns the keys of all values of a resolved object that are not
// objects themselves, and of objects without keys.
func leaves(prefix string, o *object) []string {
	var keys []string
	for _, name := range o.keys {
		v := o.get([]string{name})
		if v.kind == kindObject && len(v.object.keys) > 0 {
			keys = append(keys, leaves(prefix+name+".", v.object)...)
			continue
		}
		keys = append(keys, prefix+name)
	}
	return keys
}

func TestReferenceDeclaresExactlyTheKeysWithAnEffect(t *testing.T) {
	tree, err := parseReference()
	if err != nil {
		t.Fatal(err)
	}
	if tree, _, err = resolve(tree, nil); err != nil {
		t.Fatal(err)
	}
	declared, bound := map[string]bool{}, map[string]bool{}
	for _, key := range leaves("", tree) {
		declared[key] = true
	}
	for _, b := range bindings() {
		if bound[b.key] {
			t.Errorf("%s is bound twice", b.key)
		}
		bound[b.key] = true
		if !declared[b.key] {
			t.Errorf("%s is not in reference.conf", b.key)
		}
	}
	for key := range declared {
		if !bound[key] {
			t.Errorf("%s is in reference.conf, but has no effect", key)
		}
	}
	for _, i := range idleKeys() {
		if declared[i.key] {
			t.Errorf("%s is listed as without effect, but is in reference.conf", i.key)
		}
	}
	for _, a := range append(aliases(), legacyKeys()...) {
		if !declared[a.to] && a.to != "videobridge.ice.keep-alive-strategy" && !strings.Contains(a.to, ".key-store-") &&
			!strings.HasSuffix(a.to, ".need-client-auth") && !strings.Contains(a.to, ".aws.") {
			t.Errorf("%s leads to %s, which is not in reference.conf", a.from, a.to)
		}
	}
}

func TestReferenceHasNoTrailingSpaceAndNoLongLines(t *testing.T) {
	for n, line := range strings.Split(Reference(), "\n") {
		if strings.TrimRight(line, " \t") != line || len(line) > 120 {
			t.Errorf("reference.conf:%d: trailing space or too long", n+1)
		}
	}
}

func TestDefault(t *testing.T) {
	want := &Config{
		XMPP: XMPP{PresenceInterval: 5 * time.Second, StatsWhitelist: []string{
			"average_participant_stress", "colibri2", "current_timestamp", "drain", "graceful_shutdown", "healthy",
			"region", "relay_id", "release", "shutting_down", "stress_level", "version",
		}},
		ICE: ICE{
			Port: 10000, AdvertisePrivateCandidates: true, Restart: true, RestartTransition: 3 * time.Second,
			RestartTimeout: 20 * time.Second, IPv6: true, ReceiveBuffer: 10 << 20, ConsentInterval: 5 * time.Second,
		},
		DTLS: DTLS{
			HandshakeTimeout: 30 * time.Second, LocalHash: "sha-256",
			AcceptedHashes: []string{"sha-512", "sha-384", "sha-256", "sha-1"},
			CipherSuites: []string{
				"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
				"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
			},
		},
		SRTP: SRTP{Profiles: []string{"AEAD_AES_128_GCM", "AES128_CM_HMAC_SHA1_80"}},
		SCTP: SCTP{Enabled: true, MaxChannels: 1},
		WebSockets: WebSockets{
			ServerID: "default-id", Compression: true, KeepalivePings: true,
			PingInterval: 15 * time.Second, IdleTimeout: time.Minute,
		},
		HTTP: HTTP{
			Public:  Listener{Port: -1, TLSPort: -1},
			Private: Listener{Host: "127.0.0.1", Port: 8080, TLSPort: -1},
		},
		REST: REST{Debug: true, Drain: true, Health: true, Prometheus: true, Version: true},
		Health: Health{
			Interval: time.Minute, Timeout: 90 * time.Second, MaxCheckDuration: 3 * time.Second, RequireValidAddress: true,
		},
		Export: Export{
			MaxReconnects: -1, BaseDelay: time.Second, MaxDelay: 30 * time.Second, StableThreshold: 30 * time.Second,
		},
		Stats: Stats{Interval: 5 * time.Second},
		Conference: Conference{
			ExpireTimeout: time.Minute, ExpireInterval: time.Minute, FirstTransfer: 15 * time.Second,
			MaxInactivity: 8 * time.Second, StatusInterval: 500 * time.Millisecond, RecentSpeakers: 10,
			SilenceTimeout: 3 * time.Second, StatsFilterThreshold: 20,
			ConnectionStats: true, ConnectionStatsInterval: 10 * time.Second,
		},
		Media:    defaultMedia(),
		CC:       defaultCC(),
		Load:     defaultLoad(),
		Shutdown: Shutdown{GracefulMaxDuration: 24 * time.Hour, Delay: time.Minute},
		Log:      Log{Level: "warn"},
	}
	if got := Default(); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func defaultMedia() Media {
	return Media{
		NumLoudest: 3, AlwaysRouteDominant: true, EnergyExpire: 150 * time.Millisecond, EnergyAlpha: 50,
		DiscardSilence: true, ForwardedSilence: 3, RED: REDNoop, REDDistance: 2, REDVADOnly: true,
		KeyframeInterval: 200 * time.Millisecond, KeyframeMax: 3, KeyframeWindow: 10 * time.Second,
		SourceKeyframeInterval: 200 * time.Millisecond, SourceKeyframeMax: 1, SourceKeyframeWindow: 200 * time.Millisecond,
		SSRCLimitVideo: 50, SSRCLimitAudio: 50,
	}
}

func defaultCC() CC {
	return CC{
		TrustBWE: true, InitialLastN: -1, BridgeLastN: -1, OnstageHeight: 360, OnstageFrameRate: 30,
		DefaultMaxHeight: 180, AllowOversend: true, MaxOversend: 500_000, BWEChangeThreshold: 0.15,
		PaddingPeriod: 15 * time.Millisecond, MaxBetweenCalculations: 5 * time.Second, AssumedBandwidthLimit: -1,
		Engine: "GoogleCc2", InitialBandwidth: 2_500_000, MinBandwidth: 30_000, MaxBandwidth: 20_000_000,
	}
}

func defaultLoad() LoadManagement {
	return LoadManagement{
		Measurement: "cpu-usage", PacketRateLoad: 50000, PacketRateRecovery: 40000,
		CPULoad: 0.9, CPURecovery: 0.72, CPUSteal: true, ConferenceLastN: map[int]int{}, AverageParticipantStress: 0.01,
		LastN: LastNReducer{
			ReductionScale: 0.75, RecoverScale: 1.25, ImpactTime: time.Minute, Minimum: 1, MaximumEnforce: 40,
		},
	}
}
