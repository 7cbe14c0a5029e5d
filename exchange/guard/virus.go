package guard

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"time"

	"gatehouse/exchange"
)

// ScanConfig names the virus scanner: clamd, asked by INSTREAM (clamd(8)). A zero is replaced by its default.
type ScanConfig struct {
	// Address is unix:/run/clamav/clamd.ctl or tcp://host:port; empty: no scan, and the guard says so at its start.
	Address string        `yaml:"address"`
	Timeout time.Duration `yaml:"timeout"` // of one file; 60s
	// MaxBytes is the largest file that is scanned; a larger one is refused. The scanner's own StreamMaxLength and
	// MaxFileSize must be as large and its MaxScanSize twice, since past those it says OK of what it did not read: Prove.
	MaxBytes int64 `yaml:"max_bytes"` // 25 MiB, clamd's StreamMaxLength and MaxFileSize as it comes
}

// WithDefaults fills in what is empty.
func (c ScanConfig) WithDefaults() ScanConfig {
	if c.Timeout == 0 {
		c.Timeout = time.Minute
	}
	if c.MaxBytes == 0 {
		c.MaxBytes = 25 << 20
	}
	return c
}

// Validate gives all faults joined.
func (c ScanConfig) Validate() error {
	c = c.WithDefaults()
	var errs []error
	if _, _, err := c.dial(); c.Address != "" && err != nil {
		errs = append(errs, err)
	}
	if c.Timeout < 10*time.Millisecond || c.Timeout > 30*time.Minute {
		errs = append(errs, errors.New("timeout: is out of range; 10ms to 30m"))
	}
	if c.MaxBytes < 1 || c.MaxBytes > 4<<30 {
		errs = append(errs, fmt.Errorf("max_bytes: is out of range; 1 to %d", 4<<30))
	}
	return errors.Join(errs...)
}

// dial gives network and address.
func (c ScanConfig) dial() (network, address string, err error) {
	if path, ok := strings.CutPrefix(c.Address, "unix:"); ok && strings.HasPrefix(strings.TrimPrefix(path, "//"), "/") {
		return "unix", strings.TrimPrefix(path, "//"), nil
	}
	u, err := url.Parse(c.Address)
	if err != nil || u.Scheme != "tcp" || u.Hostname() == "" || u.Port() == "" || u.Path != "" {
		return "", "", fmt.Errorf("address: is %q; write unix:/path/of/the/socket or tcp://host:port", c.Address)
	}
	return "tcp", u.Host, nil
}

// errScan means that the scanner did not give a verdict that can be believed: nothing passes until it does.
var errScan = errors.New("the virus scanner gave no verdict")

// judgeVirus lets clamd read the file as it came. A scanner that is down, slow, full, unclear or blind, or that takes
// less than MaxBytes, is no verdict: the lane waits. A file within MaxBytes that passes another of its limits once it is
// unpacked is refused: it will never say more of it, and the lane must not stand still for one file.
func judgeVirus(ctx context.Context, w *whole) (exchange.Reason, error) {
	if w.scan.Address == "" {
		return exchange.ReasonNone, nil
	}
	if w.size > w.scan.MaxBytes {
		return exchange.ReasonSize, nil
	}
	found, err := false, w.prove(ctx, w.scan)
	if err == nil {
		found, err = instream(ctx, w.scan, io.NewSectionReader(w.plain, 0, w.size))
	}
	switch {
	case errors.Is(err, errBeyond):
		return exchange.ReasonSize, nil
	case err != nil:
		return exchange.ReasonFailed, fmt.Errorf("%w: %w", errScan, err)
	case found:
		return exchange.ReasonVirus, nil
	}
	return exchange.ReasonNone, nil
}

// maxReply bounds the scanner's answer, in bytes: a signature's name and a word.
const maxReply = 1024

// instream streams r to clamd and tells whether it found something.
func instream(ctx context.Context, c ScanConfig, r io.Reader) (found bool, err error) {
	network, address, err := c.dial()
	if err != nil {
		return false, err
	}
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if err != nil {
		return false, fmt.Errorf("reach the scanner: %w", err)
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	sent := stream(conn, r)
	// It may answer and hang up before it has read all, when it found something or had enough.
	b, err := io.ReadAll(io.LimitReader(conn, maxReply+1))
	if len(b) == 0 && (sent != nil || err != nil) {
		return false, fmt.Errorf("ask the scanner: %w", errors.Join(sent, err))
	}
	return reply(b, sent == nil && err == nil)
}

// stream sends the command and the file in chunks, each with its length before it; a zero ends them.
func stream(w io.Writer, r io.Reader) error {
	if _, err := io.WriteString(w, "zINSTREAM\x00"); err != nil {
		return err
	}
	buf := make([]byte, 4+64<<10)
	for {
		n, err := io.ReadFull(r, buf[4:])
		binary.BigEndian.PutUint32(buf, uint32(n))
		if n > 0 {
			if _, err := w.Write(buf[:4+n]); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			_, err := w.Write([]byte{0, 0, 0, 0})
			return err
		}
		if err != nil {
			return err
		}
	}
}

// errBeyond means that the scanner came to one of its limits within the file; errStream, that it took less of it than
// max_bytes.
var (
	errBeyond = errors.New("the file is beyond the scanner's own limits")
	errStream = errors.New("the file is beyond the scanner's StreamMaxLength; raise it, or lower max_bytes")
)

// reply reads the scanner's answer: "stream: OK", or "stream: NAME FOUND", each ended by a zero. OK counts only when
// the whole file was sent and the answer is whole. A limit that was passed is reported as a find where AlertExceedsMax
// is set (Heuristics.Limits.Exceeded), which is no virus.
func reply(b []byte, whole bool) (found bool, err error) {
	s, ended := strings.CutSuffix(string(b), "\x00")
	name, isFound := strings.CutSuffix(s, " FOUND")
	name, isStream := strings.CutPrefix(name, "stream: ")
	switch {
	case !ended || strings.ContainsAny(s, "\x00\n"):
		return false, errors.New("the answer is cut or is more than one")
	case isStream && isFound && strings.Contains(name, "Limits.Exceeded"):
		return false, errBeyond
	case s == "INSTREAM size limit exceeded. ERROR":
		return false, errStream
	case isStream && isFound && name != "":
		return true, nil
	case s == "stream: OK" && whole:
		return false, nil
	case s == "stream: OK":
		return false, errors.New("it said OK before it had the whole file")
	}
	return false, errors.New("the answer is an error")
}
