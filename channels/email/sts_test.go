package email

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestPolicyIsServedUnderItsHostAlone(t *testing.T) {
	c := testConfig(t)
	c.Hostname, c.STS = "mx.city.example", STS{Mode: STSNone, MaxAge: 48 * time.Hour}
	ch, err := Open(c, shared())
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	ch.Mount(mux, nil)
	for _, x := range []struct {
		method, host, path string
		code               int
	}{
		{"GET", "mta-sts.city.example", "/.well-known/mta-sts.txt", 200}, {"GET", "mta-sts.city.example:443", "/.well-known/mta-sts.txt", 200},
		{"GET", "city.example", "/.well-known/mta-sts.txt", 418}, {"GET", "mta-sts.city.example", "/", 418}, {"POST", "mta-sts.city.example", "/.well-known/mta-sts.txt", 418},
	} {
		r := httptest.NewRequest(x.method, "http://"+x.host+x.path, nil)
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		if w.Code != x.code {
			t.Errorf("%s %s%s: %d, want %d", x.method, x.host, x.path, w.Code, x.code)
		}
		if want := "version: STSv1\r\nmode: none\r\nmx: mx.city.example\r\nmax_age: 172800\r\n"; x.code == 200 && (w.Body.String() != want || w.Header().Get("Content-Type") != "text/plain") {
			t.Errorf("served %q as %s", w.Body, w.Header().Get("Content-Type"))
		}
	}
	mux = http.NewServeMux()
	ch.config.STS = STS{}
	ch.Mount(mux, nil)
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest("GET", "http://mta-sts.city.example/.well-known/mta-sts.txt", nil))
	if w.Code != http.StatusNotFound {
		t.Errorf("without a policy: %d", w.Code)
	}
}

func TestPolicyFaults(t *testing.T) {
	good := TLS{Cert: "x", Key: "x"}
	for _, x := range []struct {
		sts  STS
		tls  TLS
		want string // empty: none
	}{
		{STS{}, TLS{}, ""}, {STS{Mode: STSNone}, TLS{SelfSigned: true}, ""}, {STS{Mode: STSEnforce, MX: []string{"mx.city.example", "*.city.example"}, Reports: "tls@city.example"}, good, ""},
		{STS{Mode: STSEnforce}, TLS{SelfSigned: true}, "tls.cert"}, {STS{Mode: STSTesting}, TLS{}, "tls.cert"}, {STS{Mode: "strict"}, good, "testing, enforce, none"},
		{STS{Mode: STSNone, MX: []string{"a b"}}, good, "sts.mx"}, {STS{MaxAge: 9000 * time.Hour}, good, "sts.max_age"}, {STS{MaxAge: time.Millisecond}, good, "sts.max_age"},
		{STS{Reports: "nobody"}, good, "sts.reports"},
	} {
		all := x.sts.faults(x.tls)
		if (len(all) == 0) != (x.want == "") || len(all) > 0 && !strings.Contains(all[0].Error(), x.want) {
			t.Errorf("%+v: %v, want %q", x.sts, all, x.want)
		}
	}
}

// TestRecords: the id of a policy changes with it, so that others fetch it again.
func TestRecords(t *testing.T) {
	c := testConfig(t)
	if got := len(c.Records()); got != 3 {
		t.Errorf("%d records without a policy", got)
	}
	c.STS = STS{Mode: STSTesting, Reports: "tls@city.example"}
	ids := map[string]bool{}
	for _, mode := range []string{STSTesting, STSEnforce, STSEnforce} {
		c.STS.Mode = mode
		all := c.Records()
		if len(all) != 6 || all[0] != (Record{"city.example", "MX", "10 city.example."}) || all[3].Name != "_mta-sts.city.example" ||
			!strings.HasPrefix(all[3].Text, "v=STSv1; id=") || len(all[3].Text) != 12+20 || all[5] != (Record{"_smtp._tls.city.example", "TXT", "v=TLSRPTv1; rua=mailto:tls@city.example"}) {
			t.Errorf("records %+v", all)
		}
		ids[all[3].Text] = true
	}
	if len(ids) != 2 {
		t.Errorf("%d ids of 2 policies", len(ids))
	}
}

// TestPasswordNeedsACheckedRelay: who stands in for a relay must not learn it.
func TestPasswordNeedsACheckedRelay(t *testing.T) {
	for _, x := range []struct {
		url, tls string
		ok       bool
	}{
		{"smtp://relay.example:587", TLSRequired, true}, {"smtp://relay.example:587", "", false}, {"smtp://relay.example:587", TLSOpportunistic, false},
		{"smtps://relay.example:465", "", true}, {"smtps://relay.example:465", TLSNone, false}, {"smtp://127.0.0.1:25", TLSNone, true}, {"smtp://localhost:25", "", true}, {"smtp://[::1]:25", "", true},
	} {
		c := testConfig(t)
		c.Relay = Relay{URL: x.url, TLS: x.tls, User: "me", Password: c.Key}
		if err := c.Validate(); (err == nil) != x.ok || err != nil && !strings.Contains(err.Error(), "relay.tls") {
			t.Errorf("%s %q: %v", x.url, x.tls, err)
		}
	}
}
