package bridge

import (
	"strings"
	"testing"
)

func TestSubscription(t *testing.T) {
	names := strings.Fields
	tests := []struct {
		name  string
		s     *subscription
		wants string // of a-a0, b-a0, c-a0, own-a0, x-a1 (synthetic) and own-a1 (synthetic, own)
		names string
	}{
		{name: "none given", s: nil, wants: "a-a0 b-a0 c-a0"},
		{name: "all", s: newSubscription(true, nil, nil), wants: "a-a0 b-a0 c-a0"},
		{name: "nothing", s: newSubscription(false, nil, nil)},
		{
			name: "include", s: newSubscription(false, names("a-a0 own-a0"), nil),
			wants: "a-a0", names: "a-a0 own-a0",
		},
		{
			name: "exclude beats all", s: newSubscription(true, nil, names("b-a0")),
			wants: "a-a0 c-a0",
		},
		{
			name: "include does not narrow all", s: newSubscription(true, names("b-a0"), nil),
			wants: "a-a0 b-a0 c-a0", names: "b-a0",
		},
		{
			name: "exclude beats include", s: newSubscription(false, names("a-a0 b-a0"), names("b-a0")),
			wants: "a-a0", names: "a-a0",
		},
		{
			name: "synthetic sources by name", s: newSubscription(true, names("x-a1 own-a1"), names("a-a0")),
			wants: "b-a0 c-a0 x-a1 own-a1", names: "x-a1 own-a1",
		},
		{
			name: "excluded synthetic source", s: newSubscription(true, names("x-a1"), names("x-a1")),
			wants: "a-a0 b-a0 c-a0",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var wants, named []string
			for _, source := range names("a-a0 b-a0 c-a0 own-a0 x-a1 own-a1") {
				if tt.s.Wants(source, strings.HasSuffix(source, "-a1"), strings.HasPrefix(source, "own-")) {
					wants = append(wants, source)
				}
				if tt.s.Names(source) {
					named = append(named, source)
				}
			}
			if got := strings.Join(wants, " "); got != tt.wants {
				t.Errorf("wants %q, want %q", got, tt.wants)
			}
			if got := strings.Join(named, " "); got != tt.names {
				t.Errorf("names %q, want %q", got, tt.names)
			}
		})
	}
}
