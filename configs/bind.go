package configs

import (
	"fmt"
	"strings"
)

// ValueError says that a key has a value which it cannot have.
type ValueError struct {
	Key  string // dotted
	File string
	Line int
	Got  string // empty if it must not be shown
	Want string
}

// Error implements error.
func (e *ValueError) Error() string {
	at := position{e.File, e.Line}
	if e.Got == "" {
		return fmt.Sprintf("%s: %s must be %s", at, e.Key, e.Want)
	}
	return fmt.Sprintf("%s: %s is %q, but must be %s", at, e.Key, e.Got, e.Want)
}

// binding ties one key of the configuration to its field.
type binding struct {
	key string
	set func(m *mapper, v *value) error
}

// reader turns a value into a T. want says what a value must be.
type reader[T any] struct {
	want string
	read func(v *value) (T, error)
}

// bind stores the value of key in a field. A null leaves the field alone.
func bind[T any](key string, r reader[T], field func(*Config) *T) binding {
	return binding{key, func(m *mapper, v *value) error {
		if v.kind == kindNull {
			return nil
		}
		x, err := r.get(key, v)
		if err != nil {
			return err
		}
		*field(m.config) = x
		return nil
	}}
}

// get reads v and turns what is wrong with it into a [ValueError].
func (r reader[T]) get(key string, v *value) (T, error) {
	x, err := r.read(v)
	if err != nil {
		return x, wrong(key, v, r.want)
	}
	return x, nil
}

func wrong(key string, v *value, want string) error {
	got := v.text
	if v.kind != kindText {
		got = v.kind.String()
	} else if got == "" {
		got = "empty"
	}
	if len(got) > 80 {
		got = got[:80] + "..."
	}
	return &ValueError{Key: key, File: v.at.file, Line: v.at.line, Got: got, Want: want}
}

// mapper carries a resolved configuration into a Config.
type mapper struct {
	config   *Config
	defaults *object // reference.conf alone, for keys that were set to null
	lookup   lookup
	warnings []Warning
}

func (m *mapper) warn(key string, at position, format string, args ...any) {
	m.warnings = append(m.warnings, Warning{
		Key: key, File: at.file, Line: at.line, Text: fmt.Sprintf(format, args...),
	})
}

// apply sets every field from the configuration and returns all errors.
func (m *mapper) apply(tree *object) []error {
	var errs []error
	for _, b := range bindings() {
		path := strings.Split(b.key, ".")
		v := tree.get(path)
		if (v == nil || v.kind == kindNull) && m.defaults != nil {
			v = m.defaults.get(path)
		}
		if v == nil {
			continue
		}
		if err := b.set(m, v); err != nil {
			errs = append(errs, err)
		}
	}
	return errs
}

// bindings returns all keys that have an effect, in the order in which they
// are applied.
func bindings() []binding {
	var all []binding
	for _, part := range [][]binding{
		xmppKeys(), httpKeys(), bridgeKeys(), iceKeys(), transportKeys(),
		mediaKeys(), allocationKeys(), loadKeys(), ownKeys(),
	} {
		all = append(all, part...)
	}
	return all
}
