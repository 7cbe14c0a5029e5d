package email

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/emersion/go-message/mail"
	"github.com/emersion/go-message/textproto"
	"github.com/emersion/go-smtp"

	"gatehouse/channels"
	"gatehouse/channels/email/origin"
)

// Origin is how it is found out where a mail comes from.
type Origin struct {
	// Check is self (SPF, DKIM and DMARC by ourselves; for a server that senders reach), upstream (what a server before
	// ours wrote into Authentication-Results) or off, the default: then every mail is unverified.
	Check string `yaml:"check"`
	// Resolver is the DNS server that is asked, host:port; empty: the system's.
	Resolver string `yaml:"resolver"`
	// Forged says what becomes of a mail that its domain disowns (DMARC p=reject): refuse, the default, or mark.
	Forged string `yaml:"forged"`
	// Authorities are PEM files with the certificates of those whose S/MIME signatures count; none: no signature does.
	Authorities []string `yaml:"authorities"`
	// Revoked are files with the authorities' lists of revoked certificates (CRLs, PEM or DER), kept fresh by whoever fetches
	// them; they are read again when they change. An authority without a list revokes nothing; one whose list is out of
	// date proves nothing. No list and no OCSP is ever fetched from where a certificate says.
	Revoked []string `yaml:"revoked"`
	// ServerID is the upstream's authserv-id (RFC 8601 §2.5), Hosts the networks (CIDR) that it hands mail over from.
	ServerID string   `yaml:"server_id"`
	Hosts    []string `yaml:"hosts"`
}

// Values of Origin.Check and Origin.Forged.
const (
	CheckOff      = "off"
	CheckSelf     = "self"
	CheckUpstream = "upstream"
	ForgedRefuse  = "refuse"
	ForgedMark    = "mark"
)

func (o Origin) faults() []error {
	var all []error
	switch o.Check {
	case "", CheckOff, CheckSelf:
		if o.ServerID != "" || len(o.Hosts) > 0 {
			all = append(all, errors.New("origin.server_id, origin.hosts: are for check: upstream; leave them out"))
		}
	case CheckUpstream:
		if o.ServerID == "" || len(o.Hosts) == 0 {
			all = append(all, errors.New("origin.check: upstream needs server_id, the name in its Authentication-Results, and hosts, the networks it hands mail over from"))
		}
	default:
		all = append(all, fmt.Errorf("origin.check: is %q; one of self, upstream, off", o.Check))
	}
	if o.Forged != "" && o.Forged != ForgedRefuse && o.Forged != ForgedMark {
		all = append(all, fmt.Errorf("origin.forged: is %q; one of refuse, mark", o.Forged))
	}
	if _, _, err := net.SplitHostPort(o.Resolver); o.Resolver != "" && err != nil {
		all = append(all, fmt.Errorf("origin.resolver: %q is no address; write host:port, such as 127.0.0.1:53", o.Resolver))
	}
	if len(o.Revoked) > 0 && len(o.Authorities) == 0 {
		all = append(all, errors.New("origin.revoked: needs origin.authorities beside it"))
	}
	for i, h := range o.Hosts {
		if _, err := netip.ParsePrefix(h); err != nil {
			all = append(all, fmt.Errorf("origin.hosts[%d]: %q is no network; write one such as 10.0.0.0/24", i, h))
		}
	}
	return all
}

// judge makes what Check names; nil: off.
func (o Origin) judge(now func() time.Time) origin.Judge {
	switch o.Check {
	case CheckSelf:
		return origin.Self{Resolver: o.resolver(), Now: now}
	case CheckUpstream:
		u := origin.Upstream{ID: o.ServerID}
		for _, h := range o.Hosts {
			u.Hosts = append(u.Hosts, netip.MustParsePrefix(h)) // faults has seen them
		}
		return u
	}
	return nil
}

func (o Origin) resolver() *net.Resolver {
	if o.Resolver == "" {
		return net.DefaultResolver
	}
	return &net.Resolver{PreferGo: true, StrictErrors: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, network, o.Resolver)
	}}
}

// replyForged refuses what the domain in the From line disowns (RFC 7489 §10.3; the code is RFC 7372's).
var replyForged = &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 7, 26},
	Message: "The domain in the From line asks to refuse this mail: neither its SPF nor its DKIM vouches for it (DMARC)"}

// prove says how far a mail is to be trusted and by what, or that it is refused. A signature says more than the domain.
func (c *Channel) prove(ctx context.Context, e envelope, h textproto.Header, raw *channels.Spool) (channels.Trust, string, error) {
	trust, err := c.proveOrigin(ctx, e, h, raw)
	if err != nil || c.authorities == nil {
		return trust, "", err
	}
	if err := c.enter(ctx); err != nil {
		return trust, "", err
	}
	defer c.leave()
	v := c.authorities.Verify(h.Get("Content-Type"), author(h), raw.All(), c.shared.Now())
	c.shared.Log.Debug("signature judged", "proven", v.Proven(), "reason", v.Reason)
	if v.Proven() {
		trust = channels.Signed
	}
	return trust, v.String(), nil
}

// proveOrigin says whether a mail comes from the domain of its From line, or that it is refused.
func (c *Channel) proveOrigin(ctx context.Context, e envelope, h textproto.Header, raw *channels.Spool) (channels.Trust, error) {
	if c.judge == nil {
		return channels.Unverified, nil
	}
	v := c.judge.Judge(ctx, origin.Mail{
		Peer: e.peer, Helo: e.helo, Sender: e.from, Author: author(h), Raw: raw.All, Results: h.Values("Authentication-Results"), Seals: h.Values("Arc-Seal"),
	})
	c.shared.Log.Debug("mail judged", "domain", v.Domain, "verdict", v.String())
	switch {
	case v.Proven():
		return channels.DomainVerified, nil
	case v.Forged() && c.config.Origin.Forged != ForgedMark:
		return channels.Unverified, replyForged
	}
	return channels.Unverified, nil
}

// author is the one address of the one From field, as sender gives it too: what is proven must be what a case is filed under.
// A mail with two of them may show people another than the one that is checked, so it has none; nor has one whose address we
// would not answer.
func author(h textproto.Header) string {
	all := h.Values("From")
	if len(all) != 1 || len(all[0]) > maxField {
		return ""
	}
	list, err := mail.ParseAddressList(all[0])
	if err != nil || len(list) != 1 {
		return ""
	}
	return person(list[0].Address)
}

// peerOf is the host at the other end of a connection.
func peerOf(c net.Conn) netip.Addr {
	p, err := netip.ParseAddrPort(c.RemoteAddr().String())
	if err != nil {
		return netip.Addr{}
	}
	return p.Addr().Unmap().WithZone("")
}
