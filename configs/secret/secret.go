// Package secret holds a value that never prints: not by fmt, not by slog, not as JSON.
//
// The rule: only Reveal shows it, and only the code that hands it to its carrier calls Reveal.
package secret

import (
	"crypto/subtle"
	"log/slog"
)

// Value is a password, token or key from a configuration. In YAML it is written as a string under its key, or read
// from a file named under <key>_file.
type Value struct{ s string }

// New hides s.
func New(s string) Value { return Value{s} }

// Reveal gives the secret itself.
func (v Value) Reveal() string { return v.s }

// IsZero tells whether nothing was set.
func (v Value) IsZero() bool { return v.s == "" }

// Equal compares in constant time; an empty value equals nothing.
func (v Value) Equal(s string) bool {
	return v.s != "" && subtle.ConstantTimeCompare([]byte(v.s), []byte(s)) == 1
}

// String hides the secret.
func (v Value) String() string { return "***" }

// GoString hides the secret from %#v.
func (v Value) GoString() string { return "***" }

// LogValue hides the secret from slog.
func (v Value) LogValue() slog.Value { return slog.StringValue("***") }

// MarshalText hides the secret from every encoder.
func (v Value) MarshalText() ([]byte, error) { return []byte("***"), nil }

// UnmarshalText takes the secret from a configuration.
func (v *Value) UnmarshalText(b []byte) error {
	v.s = string(b)
	return nil
}
