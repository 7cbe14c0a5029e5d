package program

import (
	"flag"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"gatehouse/exchange/tls"
)

// tlsUsage is the part of the usage that makes certificates for links over TLS.
const tlsUsage = `guard keys tls make -dir DIR -party PARTY …   certificates for links over TLS, all on one machine: for trials
guard keys tls authority -dir DIR            make the authority that vouches for the ends of links; keep its key apart
guard keys tls request -dir DIR -party PARTY make the key of PARTY's end in DIR, and a request for the authority
guard keys tls sign -dir DIR -party PARTY    let the authority in DIR sign the request for PARTY
                    -request FILE -out FILE
guard keys tls show FILE                     who a certificate is for, until when, and its fingerprint
`

type tlsArgs struct {
	dir, request, out string
	who               parties
	file              string
}

func tlsFlags(args []string) (a tlsArgs, err error) {
	f := flag.NewFlagSet("keys tls", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.StringVar(&a.dir, "dir", "", "")
	f.StringVar(&a.request, "request", "", "")
	f.StringVar(&a.out, "out", "", "")
	f.Var(&a.who, "party", "")
	if err := f.Parse(args); err != nil {
		return a, fmt.Errorf("%w: %w", errUsage, err)
	}
	if f.NArg() > 1 {
		return a, fmt.Errorf("%w: %q is one too many", errUsage, f.Arg(1))
	}
	a.file = f.Arg(0)
	return a, nil
}

// keysTLS runs guard keys tls.
func keysTLS(args []string, out io.Writer) error {
	if len(args) == 0 {
		return fmt.Errorf("%w: keys tls make, authority, request, sign or show", errUsage)
	}
	a, err := tlsFlags(args[1:])
	if err != nil {
		return err
	}
	need := func(name string, has bool) {
		if !has && err == nil {
			err = fmt.Errorf("%w: %s is needed", errUsage, name)
		}
	}
	if args[0] != "show" {
		need("-dir", a.dir != "")
		need("no file", a.file == "")
	}
	now := time.Now()
	switch args[0] {
	case "make":
		if need("-party", len(a.who) > 0); err == nil {
			err = tls.MakeAll(a.dir, a.who, now)
		}
	case "authority":
		if err == nil {
			err = tls.MakeAuthority(a.dir, now)
		}
	case "request":
		if need("one -party", len(a.who) == 1); err == nil {
			err = tls.Request(a.dir, a.who[0])
		}
	case "sign":
		need("one -party", len(a.who) == 1)
		if need("-request and -out", a.request != "" && a.out != ""); err == nil {
			err = tls.Sign(a.dir, a.request, a.out, a.who[0], now)
		}
	case "show":
		if need("one file", a.file != ""); err == nil {
			return showCertificate(a.file, out)
		}
	default:
		err = fmt.Errorf("%w: keys tls make, authority, request, sign or show", errUsage)
	}
	if err == nil {
		a.next(args[0], out)
	}
	return err
}

// next says what is to be done with what was made.
func (a tlsArgs) next(done string, out io.Writer) {
	switch done {
	case "make":
		fmt.Fprintf(out, "%s: each party has %s, %s and %s; who has them all can play every party\n", a.dir, tls.LinkKey, tls.LinkCert, tls.AuthorityCert)
	case "authority":
		fmt.Fprintf(out, "carry %s to every end; keep %s where no network reaches\n", filepath.Join(a.dir, tls.AuthorityCert), filepath.Join(a.dir, tls.AuthorityKey))
	case "request":
		fmt.Fprintf(out, "carry %s to the authority; %s never leaves this host\n", filepath.Join(a.dir, tls.LinkRequest), filepath.Join(a.dir, tls.LinkKey))
	case "sign":
		fmt.Fprintf(out, "carry %s back to %s\n", a.out, a.who[0])
	}
}

func showCertificate(file string, out io.Writer) error {
	c, err := tls.ReadCertificate(file)
	if err != nil {
		return err
	}
	who := c.Subject.CommonName
	if len(c.DNSNames) > 0 {
		who = c.DNSNames[0]
	}
	fmt.Fprintf(out, "%s  valid %s to %s\nfingerprint %s\n", who, c.NotBefore.Format(time.DateOnly), c.NotAfter.Format(time.DateOnly), tls.Fingerprint(c))
	return nil
}
