// Package names is a stand-in for the part of the DNS that a mail gateway asks: the zones of the demo city and of the
// persons and companies who write to it, with MX, SPF, DKIM and DMARC, and names that are slow or fail.
//
// The rule: it answers with authority for everything and asks nobody. What it does not hold does not exist.
package names

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"
)

// Config names the zones.
type Config struct {
	// Domains have a full zone each: address, mail exchanger, SPF for this machine alone, DKIM, DMARC reject. In
	// lower case; empty stands for those of the demo.
	Domains []string `yaml:"domains"`
}

// demoDomains are the city's, a company's, and those of citizens.
func demoDomains() []string {
	return []string{"portlumen.example", "northdock.example", "mail.example", "post.example", "magic.example"}
}

// Validate returns all faults joined.
func (c Config) Validate() error {
	var errs []error
	for i, d := range c.Domains {
		if _, ok := dns.IsDomainName(d); !ok || d == "" || d != strings.ToLower(d) || strings.HasSuffix(d, ".") {
			errs = append(errs, fmt.Errorf("domains[%d]: is not a domain in lower case; portlumen.example would be right", i))
		}
	}
	return errors.Join(errs...)
}

// Selector is the DKIM selector of every zone.
const Selector = "gatehouse"

// The names that misbehave; each has an A record and an SPF record where it answers at all.
const (
	Slow     = "slow.magic.example"     // answers after SlowFor
	Silent   = "silent.magic.example"   // never answers
	ServFail = "servfail.magic.example" // SERVFAIL
	Refused  = "refused.magic.example"  // REFUSED
	Big      = "big.magic.example"      // a TXT record that fits no UDP answer: TC, then TCP
	Lookups  = "lookups.magic.example"  // an SPF record that asks for more than ten lookups (RFC 7208 §4.6.4)
	Spoofed  = "spoofed.example"        // a domain whose SPF and DMARC forbid this machine
	NoMail   = "nomail.example"         // a null MX (RFC 7505)
)

const (
	// SlowFor is less than what a resolver waits for one answer.
	SlowFor = 3 * time.Second
	// ttl of all records, in seconds: short, so that a change of the configuration shows.
	ttl = 60
	// maxAsked is how many questions are under way at a time; past it they are dropped, as a busy server does.
	maxAsked = 512
)

// Server answers on UDP and TCP.
type Server struct {
	log     *slog.Logger
	records map[string][]dns.RR // by name, lower case with the final dot
	keys    map[string]ed25519.PrivateKey
	udp     *dns.Server
	tcp     *dns.Server
	done    chan struct{}
	wg      sync.WaitGroup
	asked   chan struct{}
	count   atomic.Uint64
}

// Open answers on the sockets, which it owns from now on, until Close.
func Open(cfg Config, packets net.PacketConn, l net.Listener, log *slog.Logger) (*Server, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("names: %w", err)
	}
	if len(cfg.Domains) == 0 {
		cfg.Domains = demoDomains()
	}
	s := &Server{
		log: log, records: map[string][]dns.RR{}, keys: map[string]ed25519.PrivateKey{},
		done: make(chan struct{}), asked: make(chan struct{}, maxAsked),
	}
	for _, d := range cfg.Domains {
		if err := s.zone(d); err != nil {
			return nil, fmt.Errorf("names: zone %s: %w", d, err)
		}
	}
	if err := s.specials(); err != nil {
		return nil, fmt.Errorf("names: %w", err)
	}
	s.udp = &dns.Server{PacketConn: packets, Handler: s, ReadTimeout: 10 * time.Second}
	s.tcp = &dns.Server{Listener: l, Handler: s, ReadTimeout: 10 * time.Second, MaxTCPQueries: 100}
	for _, srv := range []*dns.Server{s.udp, s.tcp} {
		started := make(chan struct{})
		srv.NotifyStartedFunc = func() { close(started) }
		s.wg.Go(func() {
			if err := srv.ActivateAndServe(); err != nil && !errors.Is(err, net.ErrClosed) {
				log.Error("name server ended", "err", err)
			}
		})
		<-started // Shutdown before the start would be ignored
	}
	return s, nil
}

// Close stops answering and waits for the questions under way.
func (s *Server) Close() {
	close(s.done)
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	_ = s.udp.ShutdownContext(ctx) // both end by then or with the sockets
	_ = s.tcp.ShutdownContext(ctx)
	s.wg.Wait()
}

// Key is the private half of a zone's DKIM key; nil for an unknown zone.
func (s *Server) Key(domain string) ed25519.PrivateKey { return s.keys[domain] }

// Asked counts the questions so far.
func (s *Server) Asked() uint64 { return s.count.Load() }

func (s *Server) add(lines ...string) error {
	for _, line := range lines {
		rr, err := dns.NewRR(line)
		if err != nil {
			return fmt.Errorf("record: %w", err)
		}
		name := strings.ToLower(rr.Header().Name)
		s.records[name] = append(s.records[name], rr)
	}
	return nil
}

// zone makes the records of one domain.
func (s *Server) zone(d string) error {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return fmt.Errorf("make the DKIM key: %w", err)
	}
	s.keys[d] = private
	return s.add(
		line("%s. %d IN SOA ns.magic.example. postmaster.%s. 1 3600 600 86400 %d", d, ttl, d, ttl),
		line("%s. %d IN NS ns.magic.example.", d, ttl),
		line("%s. %d IN A 127.0.0.1", d, ttl),
		line("mail.%s. %d IN A 127.0.0.1", d, ttl),
		line("%s. %d IN MX 10 mail.%s.", d, ttl, d),
		line(`%s. %d IN TXT "v=spf1 ip4:127.0.0.1 ip6:::1 -all"`, d, ttl),
		line(`_dmarc.%s. %d IN TXT "v=DMARC1; p=reject; rua=mailto:postmaster@%s"`, d, ttl, d),
		line(`%s._domainkey.%s. %d IN TXT "v=DKIM1; k=ed25519; p=%s"`, Selector, d, ttl, base64.StdEncoding.EncodeToString(public)),
	)
}

func line(format string, a ...any) string { return fmt.Sprintf(format, a...) }

// specials are the names that teach a client something.
func (s *Server) specials() error {
	big := make([]string, 20)
	for i := range big {
		big[i] = `"` + strings.Repeat("x", 200) + `"`
	}
	includes := ""
	for i := range 11 {
		includes += fmt.Sprintf(" include:i%d.%s", i, Lookups)
		if err := s.add(line(`i%d.%s. %d IN TXT "v=spf1 ?all"`, i, Lookups, ttl)); err != nil {
			return err
		}
	}
	for _, name := range []string{Slow, Silent, ServFail, Refused} {
		if err := s.add(line("%s. %d IN A 127.0.0.1", name, ttl), line(`%s. %d IN TXT "v=spf1 ip4:127.0.0.1 -all"`, name, ttl)); err != nil {
			return err
		}
	}
	return s.add(
		line("ns.magic.example. %d IN A 127.0.0.1", ttl),
		line("relay.magic.example. %d IN A 127.0.0.1", ttl),
		line("1.0.0.127.in-addr.arpa. %d IN PTR relay.magic.example.", ttl),
		line("%s. %d IN TXT %s", Big, ttl, strings.Join(big, " ")),
		line(`%s. %d IN TXT "v=spf1%s -all"`, Lookups, ttl, includes),
		line("%s. %d IN MX 10 mail.%s.", Spoofed, ttl, Spoofed),
		line("mail.%s. %d IN A 192.0.2.1", Spoofed, ttl),
		line(`%s. %d IN TXT "v=spf1 ip4:192.0.2.1 -all"`, Spoofed, ttl),
		line(`_dmarc.%s. %d IN TXT "v=DMARC1; p=reject"`, Spoofed, ttl),
		line("%s. %d IN MX 0 .", NoMail, ttl),
		line(`%s. %d IN TXT "v=spf1 -all"`, NoMail, ttl),
	)
}
