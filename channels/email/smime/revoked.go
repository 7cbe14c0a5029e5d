package smime

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"
)

// maxList bounds one file of revoked certificates, in bytes.
const maxList = 32 << 20

// revoked are the lists of revoked certificates (RFC 5280 §5) that the operator keeps as files. They are read again when a
// file changes, so that a program that fetches them each night needs no restart. Nobody is asked over the network: a mail's
// own certificate would say whom.
type revoked struct {
	files []string

	mu    sync.Mutex
	lists []*x509.RevocationList
	read  string // by size and time of all files, what was read
}

// The faults of a chain.
var (
	errRevoked = errors.New("the certificate was revoked")
	errStale   = errors.New("the list of revoked certificates is out of date")
)

// current gives the lists as the files hold them now.
func (r *revoked) current() ([]*x509.RevocationList, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	state := ""
	for _, name := range r.files {
		i, err := os.Stat(name)
		if err != nil {
			return nil, fmt.Errorf("read revoked certificates: %w", err)
		}
		if i.Size() > maxList {
			return nil, fmt.Errorf("read revoked certificates %s: is over %d bytes", name, maxList)
		}
		state += fmt.Sprint(i.Size(), i.ModTime().UnixNano(), ";")
	}
	if state == r.read {
		return r.lists, nil
	}
	var lists []*x509.RevocationList
	for _, name := range r.files {
		more, err := readLists(name)
		if err != nil {
			return nil, err
		}
		lists = append(lists, more...)
	}
	r.lists, r.read = lists, state
	return lists, nil
}

// readLists reads one list in DER, or any number in PEM.
func readLists(name string) ([]*x509.RevocationList, error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("read revoked certificates: %w", err)
	}
	var all []*x509.RevocationList
	add := func(der []byte) error {
		l, err := x509.ParseRevocationList(der)
		if err == nil {
			all = append(all, l)
		}
		return err
	}
	block, rest := pem.Decode(b)
	if block == nil {
		err = add(b)
	}
	for ; block != nil && err == nil; block, rest = pem.Decode(rest) {
		err = add(block.Bytes)
	}
	if err != nil {
		return nil, fmt.Errorf("read revoked certificates %s: %w", name, err)
	}
	return all, nil
}

// check holds a chain, the signer's certificate first, against the lists. A certificate whose issuer has no list here passes;
// where it has one, that must be signed by the issuer and be of today.
func (r *revoked) check(chain []*x509.Certificate, at time.Time) error {
	if len(r.files) == 0 {
		return nil
	}
	lists, err := r.current()
	if err != nil {
		return errStale
	}
	for i, cert := range chain[:len(chain)-1] {
		if err := against(lists, cert, chain[i+1], at); err != nil {
			return err
		}
	}
	return nil
}

func against(lists []*x509.RevocationList, cert, issuer *x509.Certificate, at time.Time) error {
	known, current := false, false
	for _, l := range lists {
		if !bytes.Equal(l.RawIssuer, issuer.RawSubject) || l.CheckSignatureFrom(issuer) != nil {
			continue
		}
		known = true
		current = current || l.NextUpdate.IsZero() || at.Before(l.NextUpdate)
		for _, e := range l.RevokedCertificateEntries {
			if e.SerialNumber.Cmp(cert.SerialNumber) == 0 {
				return errRevoked
			}
		}
	}
	if known && !current {
		return errStale
	}
	return nil
}
