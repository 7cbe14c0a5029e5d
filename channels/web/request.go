package web

import (
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"golang.org/x/text/language"
)

// maxLanguages bounds the Accept-Language header that is looked at, in bytes.
const maxLanguages = 256

// ours tells whether a browser's page may chat. A client without an Origin is no browser, and carries no session of
// somebody else's: the token is never a cookie.
func (c *Channel) ours(r *http.Request) bool {
	o := r.Header.Get("Origin")
	if o == "" {
		return true
	}
	if len(c.origins) > 0 {
		return c.origins[originOf(o)]
	}
	u, err := url.Parse(o)
	return err == nil && strings.EqualFold(u.Host, r.Host)
}

// host is what limits count by: the IPv4 address, or the IPv6 /64, of who asks. Behind a trusted proxy it is the
// last address in X-Forwarded-For that is not a trusted proxy itself.
func (c *Channel) host(r *http.Request) netip.Addr {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	addr := peer.Addr().Unmap()
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && c.trusted(addr); i-- {
		next, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		addr = next.Unmap()
	}
	if addr.Is6() {
		if p, err := addr.WithZone("").Prefix(64); err == nil {
			return p.Addr()
		}
	}
	return addr
}

func (c *Channel) trusted(a netip.Addr) bool {
	for _, p := range c.proxies {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// language is the page's ?lang=, else the browser's first that we have, else ours.
func (c *Channel) language(r *http.Request) string {
	if l, ok := c.known(r.URL.Query().Get("lang")); ok {
		return l
	}
	header := r.Header.Get("Accept-Language")
	if len(header) <= maxLanguages {
		tags, _, _ := language.ParseAcceptLanguage(header)
		for _, t := range tags {
			if l, ok := c.known(t.String()); ok {
				return l
			}
		}
	}
	return c.config.Languages[0]
}

// known finds the configured language of a tag: itself, or its first part.
func (c *Channel) known(tag string) (string, bool) {
	if tag == "" || len(tag) > 35 {
		return "", false
	}
	primary, _, _ := strings.Cut(tag, "-")
	for _, want := range []string{tag, primary} {
		for _, l := range c.config.Languages {
			if strings.EqualFold(l, want) {
				return l, true
			}
		}
	}
	return "", false
}
