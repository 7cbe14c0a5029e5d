// Package tls is the link over mutual TLS 1.3 with frames of our own: for sites that accept logical separation.
//
// The rule: nothing is read from a peer before its certificate has proved that it is the one expected neighbour, and
// an envelope is acknowledged only once handle returned nil. TCP answers, so this link is never one-way; whatever
// must not depend on that (integrity, secrecy, order, the verdict) lies in the envelope, not here.
//
// # Who dials, who sends
//
// The two are apart. A guard must not open a listening port on a data side, yet it receives over one of its links and
// sends over the other; so it dials both neighbours, and the sides listen. Who sends is not said by the dialing but
// by the stretch: both ends agree on it in the handshake (the application protocol is "gatehouse-link/1 A" to "… D"),
// and each end knows from it which party it is and whose certificate it has to see. An end that was set up for another
// stretch, or is reached by another party, ends in the handshake.
//
// # On the wire
//
// After the handshake the sender writes frames and the receiver answers each with a receipt, one after the other:
//
//	frame                              receipt
//	0  4  "GHLF"                       0   4  "GHLR"
//	4  1  version, 1                   4   1  version, 1
//	5  3  zero                         5   1  1 taken, 2 later
//	8  4  bytes of the envelope        6   2  zero
//	12    the envelope                 8  32  SHA-256 of the envelope
//
// There is no other kind of frame, and nothing in a receipt that the receiver could choose besides the one bit. After
// "later" the sender tries again by itself. A connection that breaks at any byte loses nothing: the envelope is still
// in the sender's folder, and goes again over the next connection; it may then come twice.
package tls

import (
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"time"

	"gatehouse/exchange"
	"gatehouse/exchange/spool"
)

// Config is one end of a TLS link in a configuration.
type Config struct {
	// Dial are the neighbour's addresses, host:port; several where the neighbour runs several times. Listen is our own.
	// One of both is written: a guard dials, a side listens.
	Dial   []string `yaml:"dial"`
	Listen string   `yaml:"listen"`
	// Cert and Key are this end's certificate and key, CA the authorities that may vouch for the neighbour: PEM files.
	// The system's own authorities count for nothing.
	Cert string `yaml:"cert"`
	Key  string `yaml:"key"`
	CA   string `yaml:"ca"`
	// Fingerprints are SHA-256 of the neighbour's certificates, in hex; empty: any with its name from CA.
	Fingerprints []string `yaml:"fingerprints"`
	// Dir is a folder of this end alone: what waits to be acknowledged, or what was put aside.
	Dir string `yaml:"dir"`
}

// MaxDial bounds the neighbour's addresses.
const MaxDial = 16

// Validate gives all faults joined. It opens nothing.
func (c Config) Validate() error {
	var all []error
	fault := func(format string, a ...any) { all = append(all, fmt.Errorf(format, a...)) }
	switch {
	case c.Listen == "" && len(c.Dial) == 0:
		fault("dial: is empty, and so is listen; write dial: [host:port] at a guard, listen: host:port at a side")
	case c.Listen != "" && len(c.Dial) > 0:
		fault("dial: is written beside listen; keep one")
	case len(c.Dial) > MaxDial:
		fault("dial: names %d addresses; at most %d", len(c.Dial), MaxDial)
	}
	for i, a := range c.Dial {
		if _, _, err := net.SplitHostPort(a); err != nil {
			fault("dial.%d: is %q; write host:port", i, a)
		}
	}
	if _, _, err := net.SplitHostPort(c.Listen); c.Listen != "" && err != nil {
		fault("listen: is %q; write host:port", c.Listen)
	}
	for _, f := range []struct{ key, value, right string }{
		{"cert", c.Cert, "a PEM file, made with: guard keys tls"}, {"key", c.Key, "a PEM file, made with: guard keys tls"},
		{"ca", c.CA, "the PEM file of the authority, carried here by hand"}, {"dir", c.Dir, "a folder of this program alone"},
	} {
		if f.value == "" {
			fault("%s: is empty; name %s", f.key, f.right)
		}
	}
	for i, f := range c.Fingerprints {
		if _, err := fingerprint(f); err != nil {
			fault("fingerprints.%d: %v; write what guard keys tls show prints", i, err)
		}
	}
	return errors.Join(all...)
}

// fingerprint reads 32 bytes in hex, with or without colons.
func fingerprint(s string) ([32]byte, error) {
	b, err := hex.DecodeString(strings.ReplaceAll(s, ":", ""))
	if err != nil || len(b) != 32 {
		return [32]byte{}, errors.New("is not 32 bytes in hex")
	}
	return [32]byte(b), nil
}

// Bounds of a link, fixed so that nobody has to choose them.
const (
	// HandshakeTimeout bounds dialing and the handshake, FrameTimeout one frame from its first byte, and one receipt.
	HandshakeTimeout = 10 * time.Second
	FrameTimeout     = 30 * time.Second
	// ReceiptTimeout is how long a sender waits for the receipt: handling may scan and re-encode a file.
	ReceiptTimeout = 2 * time.Minute
	// MaxHandshakes bounds the connections that have not proved who they are; a further one ends the oldest of them.
	// Each holds at most what crypto/tls reads of a handshake (some 64 KiB, a certificate 256 KiB).
	MaxHandshakes = 16
	// LaterPause is how long a sender waits after "later", doubling up to MaxPause; Redial likewise after a connection
	// that did not last.
	LaterPause = 100 * time.Millisecond
	Redial     = 100 * time.Millisecond
	MaxPause   = 3 * time.Second
)

// bounds are the constants above; tests shorten them.
type bounds struct{ handshake, frame, receipt, later, redial, pause time.Duration }

func fixed() bounds {
	return bounds{HandshakeTimeout, FrameTimeout, ReceiptTimeout, LaterPause, Redial, MaxPause}
}

// OpenSender opens the half that puts envelopes in. It binds the port, if it is to listen, and begins to look for its
// neighbour; what lies in the folder from before is sent first.
func OpenSender(c Config, s exchange.Stretch, log *slog.Logger) (*Sender, error) {
	return openSender(c, s, log, fixed())
}

func openSender(c Config, s exchange.Stretch, log *slog.Logger, b bounds) (*Sender, error) {
	l, err := open(c, s, s.Sender(), s.Receiver(), log)
	if err != nil {
		return nil, fmt.Errorf("open link %s: %w", s, err)
	}
	l.bounds = b
	queue, err := spool.Open(spool.Config{Dir: c.Dir}, l.log)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open link %s: %w", s, err), l.close())
	}
	return newSender(l, queue, s), nil
}

// OpenReceiver opens the half that takes envelopes out. It binds the port, if it is to listen; nothing is accepted or
// dialed before Receive runs.
func OpenReceiver(c Config, s exchange.Stretch, log *slog.Logger) (*Receiver, error) {
	return openReceiver(c, s, log, fixed())
}

func openReceiver(c Config, s exchange.Stretch, log *slog.Logger, b bounds) (*Receiver, error) {
	l, err := open(c, s, s.Receiver(), s.Sender(), log)
	if err != nil {
		return nil, fmt.Errorf("open link %s: %w", s, err)
	}
	l.bounds = b
	aside, err := spool.Open(spool.Config{Dir: c.Dir}, l.log)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open link %s: %w", s, err), l.close())
	}
	return newReceiver(l, aside, s), nil
}

// Check reads the certificates that c names and tells what is wrong with them, for the end of s that self has.
func Check(c Config, s exchange.Stretch, self exchange.Party) error {
	peer := s.Sender()
	if self == peer {
		peer = s.Receiver()
	}
	_, err := trust(c, s, self, peer, time.Now)
	return err
}
