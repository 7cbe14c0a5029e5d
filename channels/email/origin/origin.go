// Package origin judges where a mail comes from: SPF (RFC 7208), DKIM (RFC 6376, RFC 8463) and DMARC (RFC 7489), and
// what an ARC chain claims (RFC 8617), which is noted and never counts.
//
// The rule: only a domain that is aligned with the From line proves anything, for the From line is what people read and
// what a case is filed under. A check that could not be made proves nothing; it never makes a mail wait.
package origin

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"time"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"
)

// Result is what a check said, as RFC 8601 §2.7 names it.
type Result string

// The results. Neutral, softfail and policy prove nothing, as none does.
const (
	None      Result = "none"
	Pass      Result = "pass"
	Fail      Result = "fail"
	SoftFail  Result = "softfail"
	Neutral   Result = "neutral"
	Policy    Result = "policy"
	TempError Result = "temperror"
	PermError Result = "permerror"
)

// Mail is what is known of a mail when it has come whole.
type Mail struct {
	// Peer is the address of the host that handed it over, Helo the name that it gave itself.
	Peer netip.Addr
	Helo string
	// Sender is the envelope's (MAIL FROM); empty for a report.
	Sender string
	// Author is the one address of the one From field; empty when there are several, or none that can be read. Such a
	// mail proves nothing.
	Author string
	// Raw opens the mail as it came, from its first header on.
	Raw func() io.Reader
	// Results are its Authentication-Results fields, topmost first; only an Upstream looks at them.
	Results []string
	// Seals are its ARC-Seal fields, topmost first.
	Seals []string
}

// Signature is one DKIM signature.
type Signature struct {
	Domain  string
	Result  Result
	Aligned bool
	// Reason says in a few words why it is no pass.
	Reason string
}

// Verdict is what the checks said of one mail.
type Verdict struct {
	// Domain is the author's, as an A-label in lower case; empty: the mail has no one author.
	Domain string
	// SPF is about the domain of the envelope's sender, or of HELO where there is none.
	SPF        Result
	SPFDomain  string
	SPFAligned bool
	// Signatures are the DKIM signatures, at most maxSignatures of them.
	Signatures []Signature
	// DMARC is pass where an aligned check passed, even if the domain publishes no policy; none where nothing passed
	// and there is no policy.
	DMARC Result
	// Asks is what the domain asks to be done with a mail that fails: none, quarantine or reject; empty: no policy.
	Asks string
	// ARC is what the last seal of a chain claims, not checked: "i=2 pass by relay.example"; empty: no chain.
	ARC string
}

// Proven tells whether the mail comes from the domain of its From line.
func (v Verdict) Proven() bool { return v.Domain != "" && v.DMARC == Pass }

// Forged tells whether the domain asks that this mail be refused: it proves nothing, and every check could be made.
func (v Verdict) Forged() bool { return v.DMARC == Fail && v.Asks == "reject" }

// String is the verdict in one line for a log and for staff. It holds domains, and no address.
func (v Verdict) String() string {
	parts := []string{fmt.Sprintf("dmarc=%s", v.DMARC), fmt.Sprintf("spf=%s", v.SPF)}
	for _, s := range v.Signatures {
		parts = append(parts, fmt.Sprintf("dkim=%s (%s)", s.Result, s.Domain))
	}
	if v.ARC != "" {
		parts = append(parts, "arc: "+v.ARC)
	}
	return strings.Join(parts, " ")
}

// Judge is one way to come to a verdict. It gives no error: what could not be found out is in the verdict.
type Judge interface {
	Judge(ctx context.Context, m Mail) Verdict
}

// Resolver is what is asked of the DNS; *net.Resolver is one.
type Resolver interface {
	LookupTXT(ctx context.Context, name string) ([]string, error)
	LookupMX(ctx context.Context, name string) ([]*net.MX, error)
	LookupIPAddr(ctx context.Context, host string) ([]net.IPAddr, error)
	LookupAddr(ctx context.Context, addr string) (names []string, err error)
}

// maxWait bounds all checks of one mail together. The sender's program waits meanwhile (RFC 5321 §4.5.3.2.6 gives it
// ten minutes).
const maxWait = 15 * time.Second

// domainOf gives the domain of an address as a lower-case A-label; empty: it has none.
func domainOf(address string) string {
	i := strings.LastIndexByte(address, '@')
	if i < 0 {
		return ""
	}
	return domain(address[i+1:])
}

func domain(name string) string {
	a, err := idna.Lookup.ToASCII(strings.TrimSuffix(name, "."))
	if err != nil || len(a) > 253 {
		return ""
	}
	return strings.ToLower(a)
}

// organizational is the domain that an owner registered (RFC 7489 §3.2), by the public suffix list.
func organizational(name string) string {
	if o, err := publicsuffix.EffectiveTLDPlusOne(name); err == nil {
		return o
	}
	return name
}

// aligned tells whether a proven domain speaks for the author's (RFC 7489 §3.1).
func aligned(proven, author string, strict bool) bool {
	if proven == "" || author == "" {
		return false
	}
	return proven == author || !strict && organizational(proven) == organizational(author)
}

// chain is what the topmost ARC seal claims.
func chain(seals []string) string {
	if len(seals) == 0 {
		return ""
	}
	tags := map[string]string{}
	for part := range strings.SplitSeq(seals[0], ";") {
		k, v, _ := strings.Cut(part, "=")
		tags[strings.TrimSpace(k)] = strings.Join(strings.Fields(v), "")
	}
	by := domain(tags["d"])
	if by == "" || len(tags["i"]) == 0 || len(tags["i"]) > 2 || strings.Trim(tags["i"], "0123456789") != "" {
		return ""
	}
	claim := Result(tags["cv"])
	if claim != Pass && claim != Fail {
		claim = None
	}
	return fmt.Sprintf("i=%s %s by %s", tags["i"], claim, by)
}
