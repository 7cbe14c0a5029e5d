package email

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"gatehouse/channels"
)

// STS is our MTA-STS policy (RFC 8461): what other servers keep to when they deliver to us, so that nobody on the way can
// strip STARTTLS or stand in for our server. It is served at https://mta-sts.<domain>/.well-known/mta-sts.txt by the
// gateway's public listener; that name must lead there, with a certificate of its own. `gateway mail records` tells what is
// to be published in the DNS.
//
// Outbound there is nothing to set here: we hand all mail to one relay, whose certificate relay.tls "required" checks. The
// policies of those whom we write to (MTA-STS, DANE) are for the relay, which alone knows their servers.
type STS struct {
	// Mode is testing (others report what would fail, and deliver), enforce (they do not deliver) or none (withdraws a
	// policy that others remember). Empty: no policy is served.
	Mode string `yaml:"mode"`
	// MX are the names in our MX records, "*." for any one label. Default: Config.Hostname.
	MX []string `yaml:"mx"`
	// MaxAge is how long others remember it, at most a year. Default: a week.
	MaxAge time.Duration `yaml:"max_age"`
	// Reports is the mail address to which others report how TLS to us went (RFC 8460). Empty: none is asked for.
	Reports string `yaml:"reports"`
}

// Modes of a policy.
const (
	STSTesting = "testing"
	STSEnforce = "enforce"
	STSNone    = "none"
)

// maxSTSAge bounds MaxAge (RFC 8461 §3.2).
const maxSTSAge = 31557600 * time.Second

func (s STS) withDefaults(hostname string) STS {
	if len(s.MX) == 0 {
		s.MX = []string{hostname}
	}
	if s.MaxAge == 0 {
		s.MaxAge = 7 * 24 * time.Hour
	}
	return s
}

func (s STS) faults(t TLS) []error {
	var all []error
	switch s.Mode {
	case "", STSNone:
	case STSTesting, STSEnforce:
		if t.Cert == "" {
			all = append(all, fmt.Errorf("sts.mode: is %q, and others check our certificate; set tls.cert to one for the MX name by an authority that they know", s.Mode))
		}
	default:
		all = append(all, fmt.Errorf("sts.mode: is %q; one of testing, enforce, none", s.Mode))
	}
	for _, mx := range s.MX {
		if asciiDomain(strings.TrimPrefix(mx, "*.")) == "" {
			all = append(all, fmt.Errorf("sts.mx: %q is no host's name; write one such as mx.city.example", mx))
		}
	}
	if s.MaxAge < 0 || s.MaxAge > maxSTSAge || s.MaxAge != s.MaxAge.Truncate(time.Second) {
		all = append(all, fmt.Errorf("sts.max_age: is %s; whole seconds up to a year (8766h)", s.MaxAge))
	}
	if s.Reports != "" && person(s.Reports) == "" {
		all = append(all, errors.New("sts.reports: is no mail address"))
	}
	return all
}

// policy is the text that is served (RFC 8461 §3.2).
func (s STS) policy() string {
	var b strings.Builder
	fmt.Fprintf(&b, "version: STSv1\r\nmode: %s\r\n", s.Mode)
	for _, mx := range s.MX {
		star := ""
		if strings.HasPrefix(mx, "*.") {
			star = "*."
		}
		fmt.Fprintf(&b, "mx: %s%s\r\n", star, asciiDomain(strings.TrimPrefix(mx, "*.")))
	}
	fmt.Fprintf(&b, "max_age: %d\r\n", int(s.MaxAge/time.Second))
	return b.String()
}

// Mount serves the policy, where there is one, under its own host alone.
func (c *Channel) Mount(mux *http.ServeMux, _ channels.Inbox) {
	if c.config.STS.Mode == "" {
		return
	}
	text := c.config.STS.policy()
	mux.HandleFunc("GET mta-sts."+c.config.Domain+"/.well-known/mta-sts.txt", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		_, _ = io.WriteString(w, text) // who has gone hears nothing
	})
}

// Record is one line of the DNS: what stands under a name, with its type.
type Record struct{ Name, Type, Text string }

// Records are what has to be published for mail to and from us to be taken, beside the keys (DKIM.Record). SPF names only
// our own MX: whoever sends through another relay adds what that relay says. The id of the MTA-STS policy changes with it.
func (c Config) Records() []Record {
	c = c.WithDefaults()
	domain, host := asciiDomain(c.Domain), asciiDomain(c.Hostname)
	all := []Record{
		{domain, "MX", "10 " + host + "."},
		{domain, "TXT", "v=spf1 mx -all"},
		{"_dmarc." + domain, "TXT", "v=DMARC1; p=reject; adkim=s; aspf=s"},
	}
	if c.STS.Mode != "" {
		sum := sha256.Sum256([]byte(c.STS.policy()))
		all = append(all, Record{"_mta-sts." + domain, "TXT", "v=STSv1; id=" + hex.EncodeToString(sum[:10])},
			Record{"mta-sts." + domain, "CNAME", "the public name of the gateway, for https"})
	}
	if c.STS.Reports != "" {
		all = append(all, Record{"_smtp._tls." + domain, "TXT", "v=TLSRPTv1; rua=mailto:" + c.STS.Reports})
	}
	return all
}
