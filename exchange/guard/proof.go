package guard

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"strings"
	"time"

	"gatehouse/exchange/guard/media"
)

// ErrBlind means that the scanner answers and does not read what it is given to its end, so that its OK says nothing.
var ErrBlind = errors.New("the virus scanner is blind")

// proofLasts is how long a proof is believed: the scanner may be started again with other limits meanwhile.
const proofLasts = time.Hour

// Prove has the scanner find what is known, the EICAR test file, where it must look for it: alone; at the end of an
// archive of MaxBytes; and within one that unpacks to as much as the policy allows. There a find that says only that a
// limit was passed will do, since it is no OK. ErrBlind says which of the scanner's settings (clamd.conf(5)) is too low.
// Another error: it gave no verdict.
func (c ScanConfig) Prove(ctx context.Context, p media.Policy) error {
	c, p = c.WithDefaults(), p.WithDefaults()
	found, err := instream(ctx, c, strings.NewReader(eicar()))
	if err != nil {
		return fmt.Errorf("prove the scanner: %w", err)
	}
	if !found {
		return fmt.Errorf("%w: it does not find the EICAR test file; give it its signatures (freshclam)", ErrBlind)
	}
	found, err = c.ask(ctx, func(w io.Writer) error { return stored(w, c.MaxBytes) })
	switch {
	case errors.Is(err, errStream), errors.Is(err, errBeyond), err == nil && !found:
		return fmt.Errorf("%w past its own limits: max_bytes is %d, so write in clamd.conf StreamMaxLength %[2]d, MaxFileSize %[2]d and MaxScanSize %[3]d or more, or lower max_bytes",
			ErrBlind, c.MaxBytes, 2*c.MaxBytes)
	case err != nil:
		return fmt.Errorf("prove the scanner: %w", err)
	}
	unpacked := min(p.MaxUnpacked, p.MaxRatio*c.MaxBytes)
	found, err = c.ask(ctx, func(w io.Writer) error { return packed(w, unpacked) })
	switch {
	case errors.Is(err, errBeyond):
	case err != nil:
		return fmt.Errorf("prove the scanner: %w", err)
	case !found:
		return fmt.Errorf("%w to what files unpack to: files.max_unpacked is %d, so write in clamd.conf MaxFileSize %[2]d, MaxScanSize %[3]d and AlertExceedsMax yes, or lower max_unpacked",
			ErrBlind, unpacked, 2*unpacked)
	}
	return nil
}

// ask streams what write writes to the scanner.
func (c ScanConfig) ask(ctx context.Context, write func(io.Writer) error) (found bool, err error) {
	r, w := io.Pipe()
	defer r.Close()
	go func() { w.CloseWithError(write(w)) }()
	return instream(ctx, c, r)
}

// eicar is the harmless file that every virus scanner reports (EICAR, 2006), put together here so that none reports
// this source or this program.
func eicar() string {
	return strings.Join([]string{`X5O!P%@AP[4\PZX54(P^)7CC)7}`, "EICAR-STANDARD-ANTIVIRUS-TEST-FILE!", "H+H*"}, "$")
}

// stored writes an archive of size bytes, or a little more than the least one: a filling, then the test file, neither
// of them packed.
func stored(w io.Writer, size int64) error {
	empty := &counter{w: io.Discard}
	if err := storedWith(empty, 0); err != nil {
		return err
	}
	return storedWith(w, max(0, size-empty.n))
}

func storedWith(w io.Writer, filling int64) error {
	z := zip.NewWriter(w)
	sum := crc32.NewIEEE()
	if err := zeros(sum, filling); err != nil {
		return err
	}
	f, err := z.CreateRaw(plainHeader("filling.txt", sum.Sum32(), filling))
	if err != nil {
		return err
	}
	if err := zeros(f, filling); err != nil {
		return err
	}
	known := eicar()
	if f, err = z.CreateRaw(plainHeader("known.txt", crc32.ChecksumIEEE([]byte(known)), int64(len(known)))); err != nil {
		return err
	}
	if _, err := io.WriteString(f, known); err != nil {
		return err
	}
	return z.Close()
}

func plainHeader(name string, sum uint32, size int64) *zip.FileHeader {
	return &zip.FileHeader{Name: name, Method: zip.Store, CRC32: sum, CompressedSize64: uint64(size), UncompressedSize64: uint64(size)}
}

// packed writes an archive with one packed entry of that size, which is an archive with the test file at its end: a
// scanner that leaves out large entries does not find it, and neither does one that stops after so many bytes. The size
// stands behind the entry and not before it (APPNOTE 4.4.4, bit 3): there clamd 1.4 cuts at MaxFileSize, and says OK
// even with AlertExceedsMax.
func packed(w io.Writer, size int64) error {
	z := zip.NewWriter(w)
	f, err := z.Create("inner.zip")
	if err != nil {
		return err
	}
	if err := stored(f, size); err != nil {
		return err
	}
	return z.Close()
}

// zeros writes n of them.
func zeros(w io.Writer, n int64) error {
	_, err := io.CopyN(w, nothing{}, n)
	return err
}

type nothing struct{}

func (nothing) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}

// counter counts what is written.
type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.n += int64(n)
	return n, err
}

// proof is when which scanner was proved last.
type proof struct {
	of ScanConfig
	at time.Time
}

// prove holds the scanner to its proof before its word counts: at the first file, after each time it gave no verdict,
// and every hour.
func (g *Guard) prove(ctx context.Context, c ScanConfig) error {
	now := g.o.Now()
	if age := now.Sub(g.proof.at); g.proof.of == c && age >= 0 && age < proofLasts {
		return nil
	}
	if err := c.Prove(ctx, g.o.Media); err != nil {
		return err
	}
	g.proof = proof{c, now}
	return nil
}
