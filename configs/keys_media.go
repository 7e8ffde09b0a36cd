package configs

import (
	"math"
	"time"
)

func mediaKeys() []binding {
	md := func(c *Config) *Media { return &c.Media }
	list := []binding{
		bind("videobridge.loudest.route-loudest-only", boolean(), func(c *Config) *bool { return &md(c).LoudestOnly }),
		bind("videobridge.loudest.num-loudest", integer(1, math.MaxInt), func(c *Config) *int { return &md(c).NumLoudest }),
		bind("videobridge.loudest.always-route-dominant", boolean(),
			func(c *Config) *bool { return &md(c).AlwaysRouteDominant }),
		bind("videobridge.loudest.energy-expire-time", duration(0),
			func(c *Config) *time.Duration { return &md(c).EnergyExpire }),
		bind("videobridge.loudest.energy-alpha-pct", integer(0, 100), func(c *Config) *int { return &md(c).EnergyAlpha }),
		bind("videobridge.ssrc-limit.video", integer(0, math.MaxInt), func(c *Config) *int { return &md(c).SSRCLimitVideo }),
		bind("videobridge.ssrc-limit.audio", integer(0, math.MaxInt), func(c *Config) *int { return &md(c).SSRCLimitAudio }),
		bind("jmt.audio.level.discard-silence", boolean(), func(c *Config) *bool { return &md(c).DiscardSilence }),
		bind("jmt.audio.level.forwarded-silence-packets-limit", integer(0, math.MaxInt),
			func(c *Config) *int { return &md(c).ForwardedSilence }),
		bind("jmt.audio.red.policy", oneOf(REDNoop, REDStrip, REDProtectAll), func(c *Config) *REDPolicy { return &md(c).RED }),
		{"jmt.audio.red.distance", redDistance},
		bind("jmt.audio.red.vad-only", boolean(), func(c *Config) *bool { return &md(c).REDVADOnly }),
	}
	return append(list, keyframeKeys()...)
}

func redDistance(m *mapper, v *value) error {
	word, err := oneOf("ONE", "TWO").get("jmt.audio.red.distance", v)
	m.config.Media.REDDistance = map[string]int{"ONE": 1, "TWO": 2}[word]
	return err
}

func keyframeKeys() []binding {
	const key = "jmt.keyframe."
	md := func(c *Config) *Media { return &c.Media }
	return []binding{
		bind(key+"min-interval", duration(0), func(c *Config) *time.Duration { return &md(c).KeyframeInterval }),
		bind(key+"max-requests", integer(1, math.MaxInt), func(c *Config) *int { return &md(c).KeyframeMax }),
		bind(key+"max-request-interval", duration(0), func(c *Config) *time.Duration { return &md(c).KeyframeWindow }),
		bind(key+"source-wide-min-interval", duration(0),
			func(c *Config) *time.Duration { return &md(c).SourceKeyframeInterval }),
		bind(key+"source-wide-max-requests", integer(1, math.MaxInt),
			func(c *Config) *int { return &md(c).SourceKeyframeMax }),
		bind(key+"source-wide-max-request-interval", duration(0),
			func(c *Config) *time.Duration { return &md(c).SourceKeyframeWindow }),
	}
}

func allocationKeys() []binding {
	const key = "videobridge.cc."
	const engine = "jmt.bwe.estimator."
	cc := func(c *Config) *CC { return &c.CC }
	return []binding{
		bind(key+"trust-bwe", boolean(), func(c *Config) *bool { return &cc(c).TrustBWE }),
		bind(key+"initial-last-n", count(), func(c *Config) *int { return &cc(c).InitialLastN }),
		bind(key+"jvb-last-n", count(), func(c *Config) *int { return &cc(c).BridgeLastN }),
		bind(key+"onstage-preferred-height-px", integer(0, 65535), func(c *Config) *int { return &cc(c).OnstageHeight }),
		bind(key+"onstage-preferred-framerate", decimal(0, 1000), func(c *Config) *float64 { return &cc(c).OnstageFrameRate }),
		bind(key+"default-max-height-px", count(), func(c *Config) *int { return &cc(c).DefaultMaxHeight }),
		bind(key+"initial-max-height-px", count(), func(c *Config) *int { return &cc(c).InitialMaxHeight }),
		bind(key+"allow-oversend-onstage", boolean(), func(c *Config) *bool { return &cc(c).AllowOversend }),
		bind(key+"max-oversend-bitrate", bandwidth(), func(c *Config) *int64 { return &cc(c).MaxOversend }),
		bind(key+"bwe-change-threshold", decimal(0, 1), func(c *Config) *float64 { return &cc(c).BWEChangeThreshold }),
		bind(key+"padding-period", duration(time.Millisecond), func(c *Config) *time.Duration { return &cc(c).PaddingPeriod }),
		bind(key+"max-time-between-calculations", duration(time.Millisecond),
			func(c *Config) *time.Duration { return &cc(c).MaxBetweenCalculations }),
		{key + "assumed-bandwidth-limit", func(m *mapper, v *value) error {
			cc(m.config).AssumedBandwidthLimit = -1
			return bind(key+"assumed-bandwidth-limit", bandwidth(),
				func(c *Config) *int64 { return &cc(c).AssumedBandwidthLimit }).set(m, v)
		}},
		bind(key+"use-vla-target-bitrate", boolean(), func(c *Config) *bool { return &cc(c).UseVLA }),
		bind(engine+"engine", oneOf("GoogleCc", "GoogleCc2"), func(c *Config) *string { return &cc(c).Engine }),
		{key + "initial-ignore-bwe-period", func(m *mapper, v *value) error {
			if cc(m.config).Engine == "GoogleCc" {
				cc(m.config).InitialIgnoreBWE = 10 * time.Second
			}
			return bind(key+"initial-ignore-bwe-period", duration(0),
				func(c *Config) *time.Duration { return &cc(c).InitialIgnoreBWE }).set(m, v)
		}},
		bind(engine+"initial-bw", bandwidth(), func(c *Config) *int64 { return &cc(c).InitialBandwidth }),
		bind(engine+"min-bw", bandwidth(), func(c *Config) *int64 { return &cc(c).MinBandwidth }),
		bind(engine+"max-bw", bandwidth(), func(c *Config) *int64 { return &cc(c).MaxBandwidth }),
	}
}
