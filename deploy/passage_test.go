package deploy

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
	"testing"
)

// passage is a reverse proxy between a carrier and the gateway, so that a test can act while a request is under way.
type passage struct {
	mu sync.Mutex
	// before runs once when the next matching request goes in, after once when its answer is there but not handed on.
	before, after func()
	// match picks the requests that count; nil: all.
	match func(*http.Request) bool
}

func (p *passage) open(t *testing.T, to string) string {
	t.Helper()
	u, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(u); r.Out.Host = r.In.Host },
		ModifyResponse: func(r *http.Response) error {
			if p.counts(r.Request) {
				p.take(&p.after)
			}
			return nil
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p.counts(r) {
			p.take(&p.before)
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func (p *passage) counts(r *http.Request) bool { return p.match == nil || p.match(r) }

// take runs what is set, once.
func (p *passage) take(f *func()) {
	p.mu.Lock()
	act := *f
	*f = nil
	p.mu.Unlock()
	if act != nil {
		act()
	}
}

func (p *passage) set(f *func(), act func()) {
	p.mu.Lock()
	*f = act
	p.mu.Unlock()
}
