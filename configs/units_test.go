package configs

import (
	"testing"
	"time"
)

func TestUnits(t *testing.T) {
	d := func(s string) (int64, error) { d, err := parseDuration(s); return int64(d), err }
	fraction := func(s string) (int64, error) { f, err := parseFraction(s); return int64(f * 1000), err }
	for _, tt := range []struct {
		name  string
		parse func(string) (int64, error)
		text  string
		want  int64
		bad   bool
	}{
		{"bare duration", d, "90", int64(90 * time.Millisecond), false},
		{"milliseconds", d, "500 milliseconds", int64(500 * time.Millisecond), false},
		{"no space", d, "15ms", int64(15 * time.Millisecond), false},
		{"fraction", d, "1.5 s", int64(1500 * time.Millisecond), false},
		{"minutes", d, "1 minute", int64(time.Minute), false},
		{"m", d, "2m", int64(2 * time.Minute), false},
		{"hours", d, "24 hours", int64(24 * time.Hour), false},
		{"days", d, "1d", int64(24 * time.Hour), false},
		{"negative", d, "-1 s", int64(-time.Second), false},
		{"us", d, "3 us", int64(3 * time.Microsecond), false},
		{"unknown unit", d, "3 fortnights", 0, true},
		{"no number", d, "soon", 0, true},
		{"too long", d, "1e30 d", 0, true},
		{"empty", d, "", 0, true},

		{"bare size", parseSize, "10485760", 10 << 20, false},
		{"M", parseSize, "10M", 10 << 20, false},
		{"MiB", parseSize, "10 MiB", 10 << 20, false},
		{"MB", parseSize, "10 MB", 10_000_000, false},
		{"kB", parseSize, "1 kB", 1000, false},
		{"k", parseSize, "1k", 1024, false},
		{"Ki", parseSize, "1Ki", 1024, false},
		{"kilobytes", parseSize, "2 kilobytes", 2000, false},
		{"mebibyte", parseSize, "1 mebibyte", 1 << 20, false},
		{"bytes", parseSize, "7 bytes", 7, false},
		{"bad size", parseSize, "7 apples", 0, true},
		{"bad size unit", parseSize, "7 kX", 0, true},

		{"bps", parseBandwidth, "100 bps", 100, false},
		{"kbps", parseBandwidth, "500 kbps", 500_000, false},
		{"mbps", parseBandwidth, "20 Mbps", 20_000_000, false},
		{"gbps", parseBandwidth, "1.5gbps", 1_500_000_000, false},
		{"bare", parseBandwidth, "30000", 30000, false},
		{"bad bandwidth", parseBandwidth, "10 MB", 0, true},

		{"fraction", fraction, "0.15", 150, false},
		{"dot first", fraction, ".75", 750, false},
		{"percent", fraction, "15 %", 150, false},
		{"bad", fraction, "x", 0, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := tt.parse(tt.text)
			if (err != nil) != tt.bad || got != tt.want {
				t.Errorf("%q: got %d, %v; want %d", tt.text, got, err, tt.want)
			}
		})
	}
}
