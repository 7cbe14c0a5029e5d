package origin

import (
	"context"
	"net/netip"
	"slices"
	"strings"

	"github.com/emersion/go-msgauth/authres"
)

// Upstream judges by what a mail server before ours found out and wrote down (RFC 8601). Only the topmost field counts,
// only by the configured name, and only from hosts of that server: a field that anybody else wrote proves nothing
// (RFC 8601 §5).
type Upstream struct {
	// ID is the server's authserv-id.
	ID string
	// Hosts are the networks that it hands mail over from.
	Hosts []netip.Prefix
}

// Judge reads the topmost Authentication-Results.
func (u Upstream) Judge(_ context.Context, m Mail) Verdict {
	v := Verdict{Domain: domainOf(m.Author), ARC: chain(m.Seals), SPF: None, DMARC: None}
	if len(m.Results) == 0 || !u.from(m.Peer) {
		return v
	}
	id, results, err := authres.Parse(m.Results[0])
	if err != nil || !strings.EqualFold(id, u.ID) {
		return v
	}
	said := None
	for _, r := range results {
		switch r := r.(type) {
		case *authres.SPFResult:
			v.SPF, v.SPFDomain = Result(r.Value), firstDomain(r.From, r.Helo)
			v.SPFAligned = v.SPF == Pass && aligned(v.SPFDomain, v.Domain, false)
		case *authres.DKIMResult:
			if len(v.Signatures) < maxSignatures {
				s := Signature{Domain: firstDomain(r.Domain, r.Identifier), Result: Result(r.Value), Reason: r.Reason}
				s.Aligned = s.Result == Pass && aligned(s.Domain, v.Domain, false)
				v.Signatures = append(v.Signatures, s)
			}
		case *authres.DMARCResult:
			if said = Result(r.Value); said == Pass && firstDomain(r.From) != v.Domain {
				said = Fail // of another From line than the one we read
			}
		}
	}
	v.DMARC = said
	if said == None && (v.SPFAligned || slices.ContainsFunc(v.Signatures, func(s Signature) bool { return s.Aligned })) {
		v.DMARC = Pass
	}
	return v
}

func (u Upstream) from(peer netip.Addr) bool {
	return slices.ContainsFunc(u.Hosts, func(p netip.Prefix) bool { return p.Contains(peer.Unmap()) })
}

// firstDomain is the domain of the first of the values that is not empty, an address or a bare domain.
func firstDomain(values ...string) string {
	for _, s := range values {
		if s == "" {
			continue
		}
		if d := domainOf(s); d != "" {
			return d
		}
		return domain(s)
	}
	return ""
}
