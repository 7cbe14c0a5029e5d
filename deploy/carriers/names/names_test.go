package names_test

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"gatehouse/deploy/carriers/names"

	"github.com/miekg/dns"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T) (*names.Server, string) {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p, err := (&net.ListenConfig{}).ListenPacket(t.Context(), "udp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	s, err := names.Open(names.Config{}, p, l, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s, l.Addr().String()
}

func resolver(addr string) *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, addr)
	}}
}

// The standard library's resolver finds what a mail gateway asks for.
func TestZoneByTheStandardResolver(t *testing.T) {
	s, addr := open(t)
	r, ctx := resolver(addr), t.Context()
	for _, d := range []string{"portlumen.example", "northdock.example"} {
		mx, err := r.LookupMX(ctx, d)
		if err != nil || len(mx) != 1 || mx[0].Host != "mail."+d+"." {
			t.Errorf("%s: MX %v %v", d, mx, err)
		}
		if ips, err := r.LookupHost(ctx, "mail."+d); err != nil || ips[0] != "127.0.0.1" {
			t.Errorf("%s: A %v %v", d, ips, err)
		}
		for name, begin := range map[string]string{d: "v=spf1 ", "_dmarc." + d: "v=DMARC1;", names.Selector + "._domainkey." + d: "v=DKIM1;"} {
			txt, err := r.LookupTXT(ctx, name)
			if err != nil || len(txt) != 1 || !strings.HasPrefix(txt[0], begin) {
				t.Errorf("%s: TXT %v %v", name, txt, err)
			}
		}
		txt, _ := r.LookupTXT(ctx, names.Selector+"._domainkey."+d)
		_, p, _ := strings.Cut(txt[0], "p=")
		public, err := base64.StdEncoding.DecodeString(p)
		if err != nil || !s.Key(d).Public().(ed25519.PublicKey).Equal(ed25519.PublicKey(public)) {
			t.Errorf("%s: the published key is not that of Key: %v", d, err)
		}
	}
	var e *net.DNSError
	if _, err := r.LookupTXT(ctx, "nobody.example"); !errors.As(err, &e) || !e.IsNotFound {
		t.Errorf("unknown name: %v", err)
	}
	if txt, err := r.LookupTXT(ctx, names.Big); err != nil || len(txt[0]) != 4000 {
		t.Errorf("big: %d %v", len(txt), err)
	}
	if s.Asked() == 0 {
		t.Error("nothing was counted")
	}
}

func TestAnswersOverTheWire(t *testing.T) {
	_, addr := open(t)
	tests := []struct {
		name    string
		kind    uint16
		net     string
		rcode   int
		answers int
		cut     bool
	}{
		{"PortLumen.Example.", dns.TypeA, "udp", dns.RcodeSuccess, 1, false},
		{"portlumen.example.", dns.TypeMX, "tcp", dns.RcodeSuccess, 1, false},
		{"portlumen.example.", dns.TypeAAAA, "udp", dns.RcodeSuccess, 0, false},
		{"_domainkey.portlumen.example.", dns.TypeTXT, "udp", dns.RcodeSuccess, 0, false},
		{"x.portlumen.example.", dns.TypeA, "udp", dns.RcodeNameError, 0, false},
		{"example.org.", dns.TypeA, "udp", dns.RcodeNameError, 0, false},
		{names.ServFail + ".", dns.TypeTXT, "udp", dns.RcodeServerFailure, 0, false},
		{names.Refused + ".", dns.TypeTXT, "udp", dns.RcodeRefused, 0, false},
		{names.Big + ".", dns.TypeTXT, "udp", dns.RcodeSuccess, 0, true},
		{names.Big + ".", dns.TypeTXT, "tcp", dns.RcodeSuccess, 1, false},
		{"1.0.0.127.in-addr.arpa.", dns.TypePTR, "udp", dns.RcodeSuccess, 1, false},
		{names.NoMail + ".", dns.TypeMX, "udp", dns.RcodeSuccess, 1, false},
		{names.Lookups + ".", dns.TypeTXT, "udp", dns.RcodeSuccess, 1, false},
	}
	for _, tt := range tests {
		c := &dns.Client{Net: tt.net, Timeout: time.Minute}
		m, _, err := c.ExchangeContext(t.Context(), new(dns.Msg).SetQuestion(tt.name, tt.kind), addr)
		if err != nil || m.Rcode != tt.rcode || len(m.Answer) != tt.answers || m.Truncated != tt.cut {
			t.Errorf("%s %s: %v %v", tt.name, dns.TypeToString[tt.kind], m, err)
			continue
		}
		inZone := strings.HasSuffix(strings.ToLower(tt.name), "portlumen.example.")
		if inZone && len(m.Answer) == 0 && len(m.Ns) != 1 {
			t.Errorf("%s: no SOA with a negative answer", tt.name)
		}
	}
}

func TestSilentNameNeverAnswers(t *testing.T) {
	_, addr := open(t)
	c := &dns.Client{Timeout: 50 * time.Millisecond}
	_, _, err := c.ExchangeContext(t.Context(), new(dns.Msg).SetQuestion(names.Silent+".", dns.TypeA), addr)
	var e net.Error
	if !errors.As(err, &e) || !e.Timeout() {
		t.Errorf("got %v", err)
	}
}

// Closing does not wait for an answer that is still held back; the clean-up and the leak check see to the rest.
func TestCloseWhileSlow(t *testing.T) {
	s, addr := open(t)
	ended := make(chan error, 1)
	go func() {
		c := &dns.Client{Timeout: 100 * time.Millisecond}
		_, _, err := c.Exchange(new(dns.Msg).SetQuestion(names.Slow+".", dns.TypeA), addr)
		ended <- err
	}()
	for s.Asked() == 0 {
		if t.Context().Err() != nil {
			t.Fatal("not asked")
		}
	}
	if err := <-ended; err == nil {
		t.Error("answered at once")
	}
}

func TestConfigFaults(t *testing.T) {
	for _, d := range []string{"", "Upper.example", "dot.example.", strings.Repeat("a", 70)} {
		if err := (names.Config{Domains: []string{d}}).Validate(); err == nil || !strings.HasPrefix(err.Error(), "domains[0]: ") {
			t.Errorf("%q: %v", d, err)
		}
	}
}
