package program

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"gatehouse/configs/command"
	"gatehouse/exchange"
	"gatehouse/exchange/receipt"
	"gatehouse/gateway"
	"gatehouse/gateway/store"
)

const receiptUsage = `gateway receipt verify FILE … -keys KEYS [-file DECLARATION …]
  checks signed receipts without a network: who signed each, whether the key was valid then, whether the files are those
  that it names, and whether several receipts follow each other. KEYS is what /receipts/keys.json of the gateway gives.
gateway receipt chain -config FILE
  checks every receipt in the gateway's store, and tells the head of the chain`

// errReceipt: a receipt, or a file that it names, is not what it should be.
var errReceipt = errors.New("not all is good")

// Receipt is the subcommand `gateway receipt verify`. It gives the exit code: 0 when every receipt and every file is good.
func Receipt(args []string, out, errs io.Writer) int {
	if err := receiptVerify(args, out); err != nil {
		fmt.Fprintln(errs, "gateway receipt verify:", err)
		return 1
	}
	return 0
}

// verifying is one run of receipt verify.
type verifying struct {
	out      io.Writer
	keys     receipt.Keys
	files    map[string]string // digests of the given files, by path
	order    []string
	receipts []shown
	bad      bool
}

// shown is a receipt that was named.
type shown struct {
	path string
	receipt.Receipt
	digest string
}

func receiptVerify(args []string, out io.Writer) error {
	v := &verifying{out: out, files: map[string]string{}}
	paths, keys, err := v.flags(args)
	if err != nil {
		return err
	}
	b, err := readSome(keys, 1<<20)
	if err != nil {
		return err
	}
	if v.keys, err = receipt.ParseKeys(b); err != nil {
		return fmt.Errorf("%s: %w", keys, err)
	}
	for _, p := range paths {
		if err := v.one(p); err != nil {
			return err
		}
	}
	v.together()
	v.unused()
	if v.bad {
		return errReceipt
	}
	fmt.Fprintln(out, "all good")
	return nil
}

// flags reads the command line: flags may stand before and behind the receipts.
func (v *verifying) flags(args []string) (paths []string, keys string, err error) {
	f := flag.NewFlagSet("receipt verify", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.StringVar(&keys, "keys", "", "")
	f.Func("file", "", v.digest)
	for rest := args; len(rest) > 0; rest = f.Args() {
		if !strings.HasPrefix(rest[0], "-") {
			paths = append(paths, rest[0])
			rest = rest[1:]
		}
		if err := f.Parse(rest); err != nil {
			return nil, "", fmt.Errorf("%w\n%s", err, receiptUsage)
		}
	}
	switch {
	case len(paths) == 0:
		return nil, "", fmt.Errorf("no receipt is named\n%s", receiptUsage)
	case keys == "":
		return nil, "", errors.New("-keys is missing: name the file with the gateway's public keys, as its page /receipts/keys.json gives it")
	}
	return paths, keys, nil
}

// digest notes the SHA-256 of a file.
func (v *verifying) digest(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	if _, known := v.files[path]; !known {
		v.order = append(v.order, path)
	}
	v.files[path] = hex.EncodeToString(sum.Sum(nil))
	return nil
}

// readSome reads a file that must not be larger than most bytes.
func readSome(path string, most int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(b)) > most {
		err = fmt.Errorf("%s: over %d bytes", path, most)
	}
	return b, err
}

// one says what a receipt states and who signed it.
func (v *verifying) one(path string) error {
	b, err := readSome(path, receipt.MaxSize)
	if err != nil {
		return err
	}
	r, key, err := v.keys.Verify(b)
	if errors.Is(err, receipt.ErrForm) || errors.Is(err, receipt.ErrContent) {
		v.wrong("%s: %v", path, err)
		return nil
	}
	fmt.Fprintf(v.out, "%s: %s, case %s, %s\n", path, r.Kind, r.Case, r.Issuer)
	fmt.Fprintf(v.out, "  filed %s (%s)\n", stamp(r.Filed), r.FiledLocal.Format(time.RFC3339))
	if r.Number > 0 {
		fmt.Fprintf(v.out, "  number %d, after %s\n", r.Number, orNone(r.Previous))
	}
	if key.ID == "" {
		fmt.Fprintf(v.out, "  signed %s with key %s\n", stamp(r.At), r.Key)
	} else {
		fmt.Fprintf(v.out, "  signed %s with key %s of the %s, valid %s to %s\n", stamp(r.At), key.ID, key.By, stamp(key.From), stamp(key.Until))
		if key.Revoked != nil {
			fmt.Fprintf(v.out, "  the key was revoked %s: before that time only the chain proves when it signed\n", stamp(*key.Revoked))
		}
	}
	if err != nil {
		v.wrong("%s: %v", path, err)
	} else {
		fmt.Fprintln(v.out, "  the signature is right, and the key was valid then")
	}
	v.named(r)
	v.receipts = append(v.receipts, shown{path, r, receipt.Digest(b)})
	return nil
}

// named says which of the files that a receipt names were given.
func (v *verifying) named(r receipt.Receipt) {
	for _, f := range r.Files {
		found := slices.IndexFunc(v.order, func(p string) bool { return v.files[p] == f.SHA256 })
		if found < 0 {
			fmt.Fprintf(v.out, "  names %q, %d bytes, SHA-256 %s: not given\n", f.Name, f.Size, f.SHA256)
			continue
		}
		fmt.Fprintf(v.out, "  names %q, %d bytes, SHA-256 %s: it is %s\n", f.Name, f.Size, f.SHA256, v.order[found])
	}
}

// together checks how the receipts hang together.
func (v *verifying) together() {
	slices.SortStableFunc(v.receipts, func(a, b shown) int { return int(int64(a.Number) - int64(b.Number)) })
	for i, r := range v.receipts {
		for _, o := range v.receipts[:i] {
			if r.Number == 0 || o.Number == 0 || r.Issuer != o.Issuer {
				continue
			}
			switch {
			case r.Number == o.Number && r.digest != o.digest:
				v.wrong("%s and %s have both number %d: the chain is broken", o.path, r.path, r.Number)
			case r.Number == o.Number+1 && r.Previous != o.digest:
				v.wrong("%s does not follow %s: the chain is broken", r.path, o.path)
			case r.Number == o.Number+1:
				fmt.Fprintf(v.out, "%s follows %s in the chain\n", r.path, o.path)
			}
		}
	}
	for _, r := range v.receipts {
		for _, o := range v.receipts {
			switch {
			case r.Of == nil || r.Of.ID != o.ID:
			case r.Of.Digest != o.digest:
				v.wrong("%s is of another receipt than %s, though of its id", r.path, o.path)
			default:
				fmt.Fprintf(v.out, "%s belongs to %s\n", r.path, o.path)
			}
		}
		for _, o := range v.receipts {
			if r.Supersedes == o.ID {
				fmt.Fprintf(v.out, "%s takes the place of %s\n", r.path, o.path)
			}
		}
	}
}

// unused finds files that no receipt names.
func (v *verifying) unused() {
	for _, path := range v.order {
		named := slices.ContainsFunc(v.receipts, func(r shown) bool {
			return slices.ContainsFunc(r.Files, func(f receipt.File) bool { return f.SHA256 == v.files[path] })
		})
		if !named {
			v.wrong("%s, SHA-256 %s: no receipt names it, or it was changed", path, v.files[path])
		}
	}
}

func (v *verifying) wrong(format string, a ...any) {
	v.bad = true
	fmt.Fprintf(v.out, "WRONG: "+format+"\n", a...)
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// receiptChain checks every receipt in the store: its place, its digest, its signature. What was erased has a place alone.
func receiptChain(ctx context.Context, c Config, args []string, out io.Writer) (err error) {
	if len(args) > 0 {
		return fmt.Errorf("%w: receipt chain takes no %q", command.ErrUsage, args[0])
	}
	cat, err := services(c.ServicesDir)
	if err != nil {
		return err
	}
	ring, err := exchange.LoadRing(c.Exchange.Keys, exchange.Extranet)
	if err != nil {
		return err
	}
	s, err := store.Open(ctx, store.Config{URL: c.Store, KeyFile: c.KeyFile, Owner: "receipt chain"})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	head, erased, err := walkChain(ctx, s, ring.ReceiptKeys(cat.City.Domain))
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%d receipts, %d of them erased; the chain holds\nhead: number %d, SHA-256 %s\n", head.Number, erased, head.Number, orNone(head.Digest))
	return nil
}

// chainPage is how many receipts are read at once.
const chainPage = 200

// walkChain verifies the whole chain and gives its head.
func walkChain(ctx context.Context, s gateway.Receipts, keys receipt.Keys) (head receipt.Head, erased int, err error) {
	for {
		page, err := s.Chain(ctx, head.Number, chainPage)
		if err != nil || len(page) == 0 {
			return head, erased, err
		}
		for _, r := range page {
			if head, err = head.Follow(r.Link); err != nil {
				return head, erased, err
			}
			if r.Body == nil {
				erased++
				continue
			}
			x, _, err := keys.Verify(r.Body)
			if err == nil && x.Link(r.Body) != r.Link {
				err = receipt.ErrChain
			}
			if err != nil {
				return head, erased, fmt.Errorf("receipt %d, %s: %w", r.Number, r.ID, err)
			}
		}
	}
}
