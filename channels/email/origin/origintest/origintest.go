// Package origintest gives tests a name server of their own, and mails that are signed for its domains.
package origintest

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-msgauth/dkim"
	"github.com/miekg/dns"
)

// Names is a name server on 127.0.0.1 that knows what a test told it, and fails for names under servfail.example.
type Names struct {
	// Addr is its host:port, UDP.
	Addr string

	mu      sync.Mutex
	records map[string][]dns.RR
	keys    map[string]crypto.Signer // by domain
}

// Serve starts a name server that ends with the test.
func Serve(t testing.TB) *Names {
	t.Helper()
	packets, err := new(net.ListenConfig).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n := &Names{Addr: packets.LocalAddr().String(), records: map[string][]dns.RR{}, keys: map[string]crypto.Signer{}}
	started, done := make(chan struct{}), make(chan struct{})
	s := &dns.Server{PacketConn: packets, Handler: n, NotifyStartedFunc: func() { close(started) }}
	go func() {
		defer close(done)
		if err := s.ActivateAndServe(); err != nil {
			t.Errorf("name server: %v", err)
		}
	}()
	<-started
	t.Cleanup(func() {
		if err := s.Shutdown(); err != nil {
			t.Error(err)
		}
		<-done
	})
	return n
}

// Text adds a text record.
func (n *Names) Text(name, value string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	key := dns.Fqdn(strings.ToLower(name))
	var parts []string
	for len(value) > 255 {
		parts, value = append(parts, value[:255]), value[255:]
	}
	n.records[key] = append(n.records[key], &dns.TXT{
		Hdr: dns.RR_Header{Name: key, Rrtype: dns.TypeTXT, Class: dns.ClassINET, Ttl: 1}, Txt: append(parts, value),
	})
}

// selector of every key.
const selector = "test"

// Domain makes a domain with an SPF record for 127.0.0.1, a DKIM key and a DMARC policy; empty: no policy. kind of its
// key is rsa or ed25519.
func (n *Names) Domain(t testing.TB, name, kind, policy string) {
	t.Helper()
	var key crypto.Signer
	var public []byte
	var err error
	switch kind {
	case "rsa":
		var k *rsa.PrivateKey
		if k, err = rsa.GenerateKey(rand.Reader, 2048); err == nil {
			key = k
			public, err = x509.MarshalPKIXPublicKey(k.Public())
		}
	default:
		kind = "ed25519"
		var p ed25519.PublicKey
		p, key, err = ed25519.GenerateKey(rand.Reader)
		public = p
	}
	if err != nil {
		t.Fatal(err)
	}
	n.Text(name, "v=spf1 ip4:127.0.0.1 -all")
	n.Text(selector+"._domainkey."+name, "v=DKIM1; k="+kind+"; p="+base64.StdEncoding.EncodeToString(public))
	if policy != "" {
		n.Text("_dmarc."+name, "v=DMARC1; "+policy)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.keys[name] = key
}

// Sign adds a signature of a domain made by Domain to a mail. expires is its x= tag; zero: none.
func (n *Names) Sign(t testing.TB, mail, domain string, expires time.Time) string {
	t.Helper()
	n.mu.Lock()
	key := n.keys[domain]
	n.mu.Unlock()
	var out bytes.Buffer
	err := dkim.Sign(&out, strings.NewReader(mail), &dkim.SignOptions{
		Domain: domain, Selector: selector, Signer: key, Expiration: expires, HeaderKeys: []string{"From", "To", "Subject"},
		HeaderCanonicalization: dkim.CanonicalizationRelaxed, BodyCanonicalization: dkim.CanonicalizationRelaxed,
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// ServeDNS answers with authority.
func (n *Names) ServeDNS(w dns.ResponseWriter, q *dns.Msg) {
	a := new(dns.Msg).SetReply(q)
	a.Authoritative = true
	name := strings.ToLower(q.Question[0].Name)
	n.mu.Lock()
	found, known := n.records[name]
	n.mu.Unlock()
	for _, r := range found {
		if r.Header().Rrtype == q.Question[0].Qtype {
			a.Answer = append(a.Answer, r)
		}
	}
	switch {
	case strings.HasSuffix(name, "servfail.example."):
		a.Rcode = dns.RcodeServerFailure
	case !known:
		a.Rcode = dns.RcodeNameError
	}
	_ = w.WriteMsg(a) // who asked may have gone
}
