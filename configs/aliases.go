package configs

import (
	"strconv"
	"strings"
)

// alias is an older name of a key. Where it is set it wins, as in the Jitsi
// Videobridge.
type alias struct {
	from, to string
	convert  func(string) string // nil: as it is
	weak     bool                // counts only where to is not set
}

func aliases() []alias {
	const cc = "videobridge.cc."
	const octo = "videobridge.octo."
	const relay = "videobridge.relay."
	return []alias{
		{from: octo + "enabled", to: relay + "enabled"},
		{from: octo + "region", to: relay + "region"},
		{from: octo + "relay-id", to: relay + "relay-id"},
		{from: octo + "bind-address", to: relay + "relay-id", weak: true},
		{from: cc + "thumbnail-max-height-px", to: cc + "default-max-height-px"},
		{from: cc + "thumbnail-max-height-px", to: cc + "initial-max-height-px"},
		{from: cc + "enable-onstage-video-suspend", to: cc + "allow-oversend-onstage", convert: inverted},
		{from: cc + "bwe-change-threshold-pct", to: cc + "bwe-change-threshold", convert: percent},
	}
}

// applyAliases moves values from older names to those of today.
func applyAliases(tree *object) {
	for _, a := range aliases() {
		v := tree.get(strings.Split(a.from, "."))
		if v == nil || v.kind != kindText {
			continue
		}
		to := strings.Split(a.to, ".")
		if old := tree.get(to); a.weak && old != nil && old.kind == kindText && old.text != "" {
			continue
		}
		moved := *v
		if a.convert != nil {
			moved.text = a.convert(v.text)
		}
		tree.replace(to, &moved)
	}
}

// The converters leave text alone that they do not understand: the reader of
// the new key will refuse it.

func inverted(s string) string {
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "true", "yes", "on":
		return "false"
	case "false", "no", "off":
		return "true"
	}
	return s
}

func percent(s string) string {
	if f, err := strconv.ParseFloat(strings.TrimSpace(s), 64); err == nil {
		return strconv.FormatFloat(f/100, 'f', -1, 64)
	}
	return s
}

func seconds(s string) string {
	if _, err := strconv.Atoi(strings.TrimSpace(s)); err == nil {
		return strings.TrimSpace(s) + " s"
	}
	return s
}
