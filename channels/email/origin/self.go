package origin

import (
	"context"
	"errors"
	"net"
	"strings"
	"time"

	"blitiri.com.ar/go/spf"
	"github.com/emersion/go-msgauth/dkim"
	"github.com/emersion/go-msgauth/dmarc"
)

// Limits of one mail, against one that makes us work and ask for others.
const (
	maxSignatures = 8
	maxTXT        = 10      // records of one name
	maxRecord     = 4 << 10 // characters of one record: an RSA key of 16,384 bits, and no larger one to reckon with
)

// Self judges by its own checks. It is for a server that senders hand their mail to, with nothing between.
type Self struct {
	Resolver Resolver
	Now      func() time.Time
}

// Judge makes all checks, at most maxWait long.
func (s Self) Judge(ctx context.Context, m Mail) Verdict {
	ctx, cancel := context.WithTimeout(ctx, maxWait)
	defer cancel()
	v := Verdict{Domain: domainOf(m.Author), ARC: chain(m.Seals), SPFDomain: domainOf(m.Sender)}
	if v.SPFDomain == "" {
		v.SPFDomain = domain(m.Helo)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		v.Signatures = s.signatures(ctx, m)
	}()
	v.SPF = s.spf(ctx, m, v.SPFDomain)
	policy, found := s.policy(ctx, v.Domain)
	<-done
	return v.weigh(policy, found)
}

func (s Self) spf(ctx context.Context, m Mail, name string) Result {
	if name == "" || !m.Peer.IsValid() {
		return None
	}
	local := "postmaster" // RFC 7208 §2.4
	if i := strings.LastIndexByte(m.Sender, '@'); i > 0 {
		local = m.Sender[:i]
	}
	sender := local + "@" + name // an internationalised domain is asked for as A-labels (RFC 7208 §4.3)
	r, _ := spf.CheckHostWithSender(net.IP(m.Peer.Unmap().AsSlice()), m.Helo, sender, spf.WithContext(ctx), spf.WithResolver(s.Resolver))
	return Result(r)
}

func (s Self) signatures(ctx context.Context, m Mail) []Signature {
	found, err := dkim.VerifyWithOptions(m.Raw(), &dkim.VerifyOptions{
		LookupTXT: func(name string) ([]string, error) { return s.txt(ctx, name) }, MaxVerifications: maxSignatures,
	})
	if err != nil && !errors.Is(err, dkim.ErrTooManySignatures) {
		return nil // the header can't be read, or the mail could not: nothing is proven
	}
	var all []Signature
	for _, f := range found {
		one := Signature{Domain: domain(f.Domain), Result: Pass}
		switch {
		case f.Err == nil && !f.Expiration.IsZero() && s.Now().After(f.Expiration):
			one.Result, one.Reason = PermError, "signature has expired"
		case f.Err != nil:
			one.Result, one.Reason = failed(f.Err), strings.TrimPrefix(f.Err.Error(), "dkim: ")
		}
		all = append(all, one)
	}
	return all
}

func failed(err error) Result {
	switch {
	case dkim.IsTempFail(err):
		return TempError
	case dkim.IsPermFail(err):
		return PermError
	}
	return Fail
}

// txt asks for the text records of a name, of which a stranger writes as many as they like.
func (s Self) txt(ctx context.Context, name string) ([]string, error) {
	all, err := s.Resolver.LookupTXT(ctx, name)
	if err != nil {
		return nil, err
	}
	var kept []string
	for _, r := range all[:min(len(all), maxTXT)] {
		if len(r) <= maxRecord {
			kept = append(kept, r)
		}
	}
	return kept, nil
}

// policy is what the author's domain publishes, or else its organizational domain (RFC 7489 §6.6.3). found is none
// when there is no policy, permerror when it can't be read.
func (s Self) policy(ctx context.Context, author string) (p dmarc.Record, found Result) {
	if author == "" {
		return p, None
	}
	top := organizational(author)
	r, found := s.published(ctx, author)
	if found == None && top != author {
		if r, found = s.published(ctx, top); found == Pass && r.SubdomainPolicy != "" {
			r.Policy = r.SubdomainPolicy
		}
	}
	return r, found
}

func (s Self) published(ctx context.Context, name string) (dmarc.Record, Result) {
	r, err := dmarc.LookupWithOptions(name, &dmarc.LookupOptions{LookupTXT: func(n string) ([]string, error) { return s.txt(ctx, n) }})
	switch {
	case err == nil:
		return *r, Pass
	case errors.Is(err, dmarc.ErrNoPolicy):
		return dmarc.Record{}, None
	case dmarc.IsTempFail(err) || strings.Contains(err.Error(), "failed to lookup"):
		return dmarc.Record{}, TempError
	}
	return dmarc.Record{}, PermError
}

// weigh aligns what passed with the author and comes to the result of DMARC.
func (v Verdict) weigh(p dmarc.Record, found Result) Verdict {
	v.SPFAligned = v.SPF == Pass && aligned(v.SPFDomain, v.Domain, p.SPFAlignment == dmarc.AlignmentStrict)
	passed, open := v.SPFAligned, v.SPF == TempError && aligned(v.SPFDomain, v.Domain, false)
	for i, s := range v.Signatures {
		speaks := aligned(s.Domain, v.Domain, p.DKIMAlignment == dmarc.AlignmentStrict)
		v.Signatures[i].Aligned = speaks && s.Result == Pass
		passed = passed || v.Signatures[i].Aligned
		open = open || speaks && s.Result == TempError
	}
	if found == Pass {
		v.Asks = string(p.Policy)
	}
	switch {
	case passed:
		v.DMARC = Pass
	case open || found == TempError:
		v.DMARC = TempError
	case found == Pass:
		v.DMARC = Fail
	default:
		v.DMARC = found
	}
	return v
}

var _ Resolver = (*net.Resolver)(nil)
