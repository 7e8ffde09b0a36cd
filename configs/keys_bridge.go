package configs

import (
	"math"
	"strings"
	"time"
)

func bridgeKeys() []binding {
	list := append(healthKeys(), conferenceKeys()...)
	return append(list,
		bind("videobridge.relay.enabled", boolean(), func(c *Config) *bool { return &c.Relay.Enabled }),
		bind("videobridge.relay.region", text(), func(c *Config) *string { return &c.Relay.Region }),
		bind("videobridge.relay.relay-id", text(), func(c *Config) *string { return &c.Relay.ID }),
		bind("videobridge.version.announce", boolean(), func(c *Config) *bool { return &c.Version.Announce }),
		bind("videobridge.version.release", text(), func(c *Config) *string { return &c.Version.Release }),
		bind("videobridge.shutdown.graceful-shutdown-max-duration", duration(0),
			func(c *Config) *time.Duration { return &c.Shutdown.GracefulMaxDuration }),
		bind("videobridge.shutdown.graceful-shutdown-min-participants", integer(0, math.MaxInt),
			func(c *Config) *int { return &c.Shutdown.GracefulMinParticipants }),
		bind("videobridge.shutdown.shutting-down-delay", duration(0),
			func(c *Config) *time.Duration { return &c.Shutdown.Delay }),
		bind("videobridge.exporter.max-reconnect-attempts", count(),
			func(c *Config) *int { return &c.Export.MaxReconnects }),
		bind("videobridge.exporter.base-delay", duration(0),
			func(c *Config) *time.Duration { return &c.Export.BaseDelay }),
		bind("videobridge.exporter.max-delay", duration(0),
			func(c *Config) *time.Duration { return &c.Export.MaxDelay }),
		bind("videobridge.exporter.stable-connection-threshold", duration(0),
			func(c *Config) *time.Duration { return &c.Export.StableThreshold }),
	)
}

func healthKeys() []binding {
	const key = "videobridge.health."
	return []binding{
		bind(key+"interval", duration(time.Second), func(c *Config) *time.Duration { return &c.Health.Interval }),
		bind(key+"timeout", duration(time.Second), func(c *Config) *time.Duration { return &c.Health.Timeout }),
		bind(key+"max-check-duration", duration(time.Millisecond),
			func(c *Config) *time.Duration { return &c.Health.MaxCheckDuration }),
		bind(key+"sticky-failures", boolean(), func(c *Config) *bool { return &c.Health.Sticky }),
		bind(key+"require-valid-address", boolean(), func(c *Config) *bool { return &c.Health.RequireValidAddress }),
		bind(key+"require-stun", boolean(), func(c *Config) *bool { return &c.Health.RequireSTUN }),
	}
}

func conferenceKeys() []binding {
	cf := func(c *Config) *Conference { return &c.Conference }
	return []binding{
		bind("videobridge.entity-expiration.timeout", duration(time.Second),
			func(c *Config) *time.Duration { return &cf(c).ExpireTimeout }),
		bind("videobridge.entity-expiration.check-interval", duration(100*time.Millisecond),
			func(c *Config) *time.Duration { return &cf(c).ExpireInterval }),
		bind("videobridge.ep-connection-status.first-transfer-timeout", duration(100*time.Millisecond),
			func(c *Config) *time.Duration { return &cf(c).FirstTransfer }),
		bind("videobridge.ep-connection-status.max-inactivity-limit", duration(100*time.Millisecond),
			func(c *Config) *time.Duration { return &cf(c).MaxInactivity }),
		bind("videobridge.ep-connection-status.check-interval", duration(10*time.Millisecond),
			func(c *Config) *time.Duration { return &cf(c).StatusInterval }),
		bind("videobridge.speech-activity.recent-speakers-count", integer(0, math.MaxInt),
			func(c *Config) *int { return &cf(c).RecentSpeakers }),
		bind("videobridge.speech-activity.enable-silence-detection", boolean(),
			func(c *Config) *bool { return &cf(c).SilenceDetection }),
		bind("videobridge.speech-activity.silence-detection-timeout", duration(time.Millisecond),
			func(c *Config) *time.Duration { return &cf(c).SilenceTimeout }),
		bind("videobridge.stats-filter-threshold", integer(0, math.MaxInt),
			func(c *Config) *int { return &cf(c).StatsFilterThreshold }),
		bind("videobridge.connection-stats.enabled", boolean(),
			func(c *Config) *bool { return &cf(c).ConnectionStats }),
		bind("videobridge.connection-stats.interval", duration(100*time.Millisecond),
			func(c *Config) *time.Duration { return &cf(c).ConnectionStatsInterval }),
		bind("videobridge.initial-drain-mode", boolean(), func(c *Config) *bool { return &cf(c).InitialDrain }),
	}
}

// ownKeys are Steg's own switches that stand in no other section.
func ownKeys() []binding {
	return []binding{
		{"steg.log.level", func(m *mapper, v *value) (err error) {
			m.config.Log.Level = "warn"
			if v.kind == kindText && strings.TrimSpace(v.text) == "" {
				return nil // compose files pass variables that are not set as empty ones
			}
			m.config.Log.Level, err = oneOf("error", "warn", "info", "debug").get("steg.log.level", v)
			return err
		}},
	}
}
