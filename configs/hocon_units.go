package configs

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"time"
)

var errUnit = errors.New("not a number with a known unit")

// splitUnit splits "10 MiB" into 10 and "MiB".
func splitUnit(s string) (float64, string, error) {
	s = strings.TrimSpace(s)
	n := len(s)
	for n > 0 && (s[n-1] < '0' || s[n-1] > '9') && s[n-1] != '.' {
		n--
	}
	number, err := strconv.ParseFloat(strings.TrimSpace(s[:n]), 64)
	if err != nil || math.IsInf(number, 0) || math.IsNaN(number) {
		return 0, "", errUnit
	}
	return number, strings.TrimSpace(s[n:]), nil
}

// scaled multiplies and refuses what does not fit into 63 bits.
func scaled(number, unit float64) (int64, error) {
	f := math.Round(number * unit)
	if math.Abs(f) >= math.MaxInt64 {
		return 0, errUnit
	}
	return int64(f), nil
}

// parseDuration reads HOCON's durations; a bare number is milliseconds.
func parseDuration(s string) (time.Duration, error) {
	number, name, err := splitUnit(s)
	if err != nil {
		return 0, err
	}
	var unit time.Duration
	switch name {
	case "ns", "nano", "nanos", "nanosecond", "nanoseconds":
		unit = time.Nanosecond
	case "us", "micro", "micros", "microsecond", "microseconds":
		unit = time.Microsecond
	case "", "ms", "milli", "millis", "millisecond", "milliseconds":
		unit = time.Millisecond
	case "s", "second", "seconds":
		unit = time.Second
	case "m", "minute", "minutes":
		unit = time.Minute
	case "h", "hour", "hours":
		unit = time.Hour
	case "d", "day", "days":
		unit = 24 * time.Hour
	default:
		return 0, errUnit
	}
	n, err := scaled(number, float64(unit))
	return time.Duration(n), err
}

// parseSize reads HOCON's sizes in bytes: 10M and 10 MiB are powers of 1024,
// 10 MB of 1000.
func parseSize(s string) (int64, error) {
	number, name, err := splitUnit(s)
	if err != nil {
		return 0, err
	}
	switch name {
	case "", "B", "b", "byte", "bytes":
		return scaled(number, 1)
	}
	short := strings.TrimSuffix(strings.TrimSuffix(name, "s"), "byte")
	const letters = "kmgt"
	names := map[string]float64{"kilo": 1e3, "mega": 1e6, "giga": 1e9, "tera": 1e12,
		"kibi": 1 << 10, "mebi": 1 << 20, "gibi": 1 << 30, "tebi": 1 << 40}
	if unit, ok := names[short]; ok && short != name {
		return scaled(number, unit)
	}
	power := strings.IndexByte(letters, strings.ToLower(name)[0]) + 1
	if power == 0 {
		return 0, errUnit
	}
	switch name[1:] {
	case "", "i", "iB":
		return scaled(number, math.Pow(1024, float64(power)))
	case "B":
		return scaled(number, math.Pow(1000, float64(power)))
	}
	return 0, errUnit
}

// parseBandwidth reads "500 kbps" in bit/s; a bare number is bit/s.
func parseBandwidth(s string) (int64, error) {
	number, name, err := splitUnit(s)
	if err != nil {
		return 0, err
	}
	switch strings.ToLower(name) {
	case "", "bps":
		return scaled(number, 1)
	case "kbps":
		return scaled(number, 1e3)
	case "mbps":
		return scaled(number, 1e6)
	case "gbps":
		return scaled(number, 1e9)
	}
	return 0, errUnit
}

// parseFraction reads 0.15 or "15 %".
func parseFraction(s string) (float64, error) {
	number, name, err := splitUnit(s)
	switch {
	case err != nil:
		return 0, err
	case name == "":
		return number, nil
	case name == "%":
		return number / 100, nil
	}
	return 0, errUnit
}
