package email

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/emersion/go-msgauth/dkim"
)

// DKIM is one key that signs what goes out (RFC 6376). Several are used together: ed25519 is short and new (RFC 8463),
// rsa is what everybody can check.
type DKIM struct {
	// Selector names the key in the DNS: <selector>._domainkey.<domain>.
	Selector string `yaml:"selector"`
	// Kind is rsa, the default, of 2,048 bits, or ed25519.
	Kind string `yaml:"kind"`
	// KeyFile is a PKCS #8 PEM file; `gateway dkim make` makes it and says what to publish.
	KeyFile string `yaml:"key_file"`
	// Key is used instead of a file, by a program that holds it already.
	Key crypto.Signer `yaml:"-"`
}

// Kinds of keys.
const (
	KindRSA     = "rsa"
	KindEd25519 = "ed25519"
)

// rsaBits is the size of a new key, and the least that is taken (RFC 8301 §3.2).
const (
	rsaBits  = 2048
	leastRSA = 1024
)

func (d DKIM) faults(at int) []error {
	var all []error
	fault := func(format string, a ...any) {
		all = append(all, fmt.Errorf("dkim[%d].%s", at, fmt.Sprintf(format, a...)))
	}
	if asciiDomain(d.Selector) == "" || d.Selector != strings.ToLower(d.Selector) {
		fault("selector: %q is no name; write one such as gatehouse1", d.Selector)
	}
	if d.Kind != "" && d.Kind != KindRSA && d.Kind != KindEd25519 {
		fault("kind: is %q; one of rsa, ed25519", d.Kind)
	}
	if d.KeyFile == "" && d.Key == nil {
		fault("key_file: is missing; name a file, `gateway dkim make` makes it")
	}
	return all
}

// signer reads the key.
func (d DKIM) signer() (crypto.Signer, error) {
	if d.Key != nil {
		return d.Key, nil
	}
	b, err := os.ReadFile(d.KeyFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("dkim.key_file: %s is not there; `gateway dkim make` makes it", d.KeyFile)
	} else if err != nil {
		return nil, fmt.Errorf("dkim.key_file: %w", err)
	}
	block, _ := pem.Decode(b)
	if block == nil || block.Type != "PRIVATE KEY" {
		return nil, fmt.Errorf("dkim.key_file: %s is no PKCS #8 PEM file (BEGIN PRIVATE KEY)", d.KeyFile)
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("dkim.key_file: %s: %w", d.KeyFile, err)
	}
	switch k := key.(type) {
	case *rsa.PrivateKey:
		if k.N.BitLen() < leastRSA {
			return nil, fmt.Errorf("dkim.key_file: %s has %d bits; at least %d, better %d", d.KeyFile, k.N.BitLen(), leastRSA, rsaBits)
		}
		return k, nil
	case ed25519.PrivateKey:
		return k, nil
	}
	return nil, fmt.Errorf("dkim.key_file: %s holds a %T; rsa or ed25519 sign mail", d.KeyFile, key)
}

// Record gives the name and the text of the DNS record that lets others check the key, and makes the key's file first
// where there is none, readable for its owner alone.
func (d DKIM) Record(domain string) (name, text string, err error) {
	if _, missing := os.Stat(d.KeyFile); d.Key == nil && errors.Is(missing, fs.ErrNotExist) {
		if err := d.make(); err != nil {
			return "", "", fmt.Errorf("make the key of selector %s: %w", d.Selector, err)
		}
	}
	key, err := d.signer()
	if err != nil {
		return "", "", err
	}
	kind := KindEd25519
	public, ok := key.Public().(ed25519.PublicKey)
	if !ok {
		kind = KindRSA
		if public, err = x509.MarshalPKIXPublicKey(key.Public()); err != nil {
			return "", "", err
		}
	}
	return d.Selector + "._domainkey." + domain, "v=DKIM1; k=" + kind + "; p=" + base64.StdEncoding.EncodeToString(public), nil
}

func (d DKIM) make() error {
	var key any
	var err error
	if d.Kind == KindEd25519 {
		_, key, err = ed25519.GenerateKey(rand.Reader)
	} else {
		key, err = rsa.GenerateKey(rand.Reader, rsaBits)
	}
	if err != nil {
		return err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(d.KeyFile, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	err = pem.Encode(f, &pem.Block{Type: "PRIVATE KEY", Bytes: der})
	return errors.Join(err, f.Sync(), f.Close())
}

// signed are the header fields that a signature covers. From, To and Subject are named once more than they are there,
// so that nobody can add another (RFC 6376 §5.4.2).
func signed() []string {
	return []string{"From", "From", "Reply-To", "To", "To", "Subject", "Subject", "Date", "Message-Id", "In-Reply-To", "References",
		"Auto-Submitted", "Mime-Version", "Content-Type", "Content-Transfer-Encoding"}
}

// signing makes a signer for each of the keys of a domain.
func signing(domain string, keys []DKIM) (func() ([]*dkim.Signer, error), error) {
	var all []*dkim.SignOptions
	for _, k := range keys {
		key, err := k.signer()
		if err != nil {
			return nil, err
		}
		all = append(all, &dkim.SignOptions{Domain: domain, Selector: k.Selector, Signer: key, HeaderKeys: signed(),
			HeaderCanonicalization: dkim.CanonicalizationRelaxed, BodyCanonicalization: dkim.CanonicalizationRelaxed})
	}
	return func() ([]*dkim.Signer, error) {
		var signers []*dkim.Signer
		for _, o := range all {
			s, err := dkim.NewSigner(o)
			if err != nil {
				return signers, err
			}
			signers = append(signers, s)
		}
		return signers, nil
	}, nil
}

// sign has write put a mail into out, and gives the signatures that go before it.
func (c *Channel) sign(out io.Writer, write func(io.Writer) error) (head string, err error) {
	signers, err := c.signers()
	all := []io.Writer{out}
	for _, s := range signers {
		all = append(all, s)
	}
	if err == nil {
		err = write(io.MultiWriter(all...))
	}
	for _, s := range signers { // every one has to be closed, whatever went wrong
		if end := s.Close(); end != nil {
			err = errors.Join(err, end)
		} else if err == nil {
			head += s.Signature()
		}
	}
	return head, err
}
