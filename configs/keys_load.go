package configs

import (
	"math"
	"strconv"
	"time"
)

const lastNLimitsKey = "videobridge.load-management.conference-last-n-limits"

func loadKeys() []binding {
	const key = "videobridge.load-management."
	const measure = key + "load-measurements."
	const reduce = key + "load-reducers.last-n."
	ld := func(c *Config) *LoadManagement { return &c.Load }
	return []binding{
		bind(key+"reducer-enabled", boolean(), func(c *Config) *bool { return &ld(c).ReducerEnabled }),
		bind(key+"average-participant-stress", decimal(0, 1), func(c *Config) *float64 { return &ld(c).AverageParticipantStress }),
		bind(measure+"load-measurement", oneOf("cpu-usage", "packet-rate"), func(c *Config) *string { return &ld(c).Measurement }),
		bind(measure+"packet-rate.load-threshold", decimal(1, 1e9), func(c *Config) *float64 { return &ld(c).PacketRateLoad }),
		bind(measure+"packet-rate.recovery-threshold", decimal(1, 1e9), func(c *Config) *float64 { return &ld(c).PacketRateRecovery }),
		bind(measure+"cpu-usage.load-threshold", decimal(0.01, 1), func(c *Config) *float64 { return &ld(c).CPULoad }),
		bind(measure+"cpu-usage.recovery-threshold", decimal(0, 1), func(c *Config) *float64 { return &ld(c).CPURecovery }),
		bind(measure+"cpu-usage.detect-cpu-steal", boolean(), func(c *Config) *bool { return &ld(c).CPUSteal }),
		bind(reduce+"reduction-scale", decimal(0, 1), func(c *Config) *float64 { return &ld(c).LastN.ReductionScale }),
		bind(reduce+"recover-scale", decimal(1, 100), func(c *Config) *float64 { return &ld(c).LastN.RecoverScale }),
		bind(reduce+"impact-time", duration(0), func(c *Config) *time.Duration { return &ld(c).LastN.ImpactTime }),
		bind(reduce+"minimum-last-n-value", integer(0, math.MaxInt), func(c *Config) *int { return &ld(c).LastN.Minimum }),
		bind(reduce+"maximum-enforced-last-n-value", integer(0, math.MaxInt), func(c *Config) *int { return &ld(c).LastN.MaximumEnforce }),
		{lastNLimitsKey, (*mapper).lastNLimits},
	}
}

// lastNLimits reads pairs of conference size and last-n.
func (m *mapper) lastNLimits(v *value) error {
	if v.kind != kindObject {
		return wrong(lastNLimitsKey, v, "an object such as { 20 = 20, 50 = 10 }")
	}
	limits := map[int]int{}
	for _, name := range v.object.keys {
		entry := v.object.get([]string{name})
		if entry.kind == kindNull {
			continue
		}
		participants, err := strconv.Atoi(name)
		if err != nil || participants < 0 {
			return wrong(lastNLimitsKey, textValue(entry.at, name), "the size of a conference = last-n, such as 20 = 10")
		}
		if limits[participants], err = integer(0, math.MaxInt).get(lastNLimitsKey+"."+name, entry); err != nil {
			return err
		}
	}
	m.config.Load.ConferenceLastN = limits
	return nil
}
