package spool

import (
	"math"
	"os"
	"path/filepath"

	"gatehouse/exchange"
)

// Name is that of the envelope's file, in a link's directory and on a medium.
func Name(e exchange.Envelope) string { return name(e) }

// Names lists the files of envelopes that lie in the directory, lowest number first.
func (l *Link) Names() ([]string, error) {
	names, _, err := l.names(math.MaxInt / 2)
	return names, err
}

// Read gives the envelope of one of Names: a plain file of at most exchange.MaxEnvelope bytes, whole, under its own
// name. What can never be one is exchange.ErrAside.
func (l *Link) Read(name string) (exchange.Envelope, error) { return l.read(name) }

// Forget removes files that were carried on, and makes that durable.
func (l *Link) Forget(names []string) error {
	for _, n := range names {
		if err := os.Remove(filepath.Join(l.dir, n)); err != nil && !os.IsNotExist(err) {
			return err
		}
	}
	return l.syncDir()
}
