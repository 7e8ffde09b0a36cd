package configs

import (
	"fmt"
	"io"
	"net/netip"
)

// redacted stands in output wherever something private was.
const redacted = "[redacted]"

// Secret is a password or key. It prints as "[redacted]" whatever the verb.
type Secret string

// Reveal returns the secret itself.
func (s Secret) Reveal() string { return string(s) }

// String implements [fmt.Stringer].
func (s Secret) String() string { return redacted }

// GoString implements [fmt.GoStringer].
func (s Secret) GoString() string { return redacted }

// Format implements [fmt.Formatter], for verbs such as %x that would
// otherwise see the bytes.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText keeps the secret out of every text encoding.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// MarshalJSON keeps the secret out of JSON.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// Addr is the address of a participant. It carries the address through the
// code without ever printing it: every formatting verb gives "[redacted]".
type Addr netip.AddrPort

// AddrPort returns the address itself.
func (a Addr) AddrPort() netip.AddrPort { return netip.AddrPort(a) }

// String implements [fmt.Stringer].
func (a Addr) String() string { return redacted }

// GoString implements [fmt.GoStringer].
func (a Addr) GoString() string { return redacted }

// Format implements [fmt.Formatter].
func (a Addr) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText keeps the address out of every text encoding.
func (a Addr) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// MarshalJSON keeps the address out of JSON.
func (a Addr) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }
