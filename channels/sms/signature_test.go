package sms

import (
	"bytes"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"gatehouse/configs/secret"

	"github.com/twilio/twilio-go/client"
	"pgregory.net/rapid"
)

func signerFor(token, publicURL string) *signer {
	s := new(signer)
	s.open(secret.New(token), publicURL)
	return s
}

func parsed(t interface{ Fatal(...any) }, body string) *form {
	f := new(form)
	if err := f.read(strings.NewReader(body)); err != nil {
		t.Fatal(err)
	}
	return f
}

// The library's own validator is the oracle: whatever it says of a request, ours says too.
func TestSignatureAgreesWithLibrary(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		public := rapid.SampledFrom([]string{"https://city.example", "https://city.example:443", "http://127.0.0.1:8080",
			"http://city.example", "https://city.example:8443/gw"}).Draw(t, "public")
		uri := rapid.SampledFrom([]string{"/hooks/sms", "/hooks/sms/status?id=0198", "/hooks/sms?a=b&c=%20d"}).Draw(t, "uri")
		q := url.Values{}
		for range rapid.IntRange(0, 12).Draw(t, "fields") {
			q.Add(rapid.StringOfN(rapid.RuneFrom([]rune("abAB_é")), 0, 3, -1).Draw(t, "key"), rapid.String().Draw(t, "value"))
		}
		signedURL := rapid.SampledFrom([]string{public + uri, "https://city.example:443" + uri, "http://city.example:80" + uri,
			"https://city.example" + uri, "https://other.example" + uri}).Draw(t, "signed")
		token := rapid.SampledFrom([]string{testToken, "other"}).Draw(t, "token")
		signature := sign(token, signedURL, q)
		if rapid.IntRange(0, 9).Draw(t, "damage") == 0 {
			signature = strings.ToLower(signature)
		}
		oracle := client.NewRequestValidator(testToken)
		body := q.Encode()
		want := oracle.ValidateBody(public+uri, []byte(body), signature)
		if got := signerFor(testToken, public).valid(uri, parsed(t, body), signature); got != want {
			t.Fatalf("%v, the library says %v", got, want)
		}
	})
}

// The example of Twilio's documentation ("Validating signatures from Twilio").
func TestSignatureOfTheDocumentation(t *testing.T) {
	body := "CallSid=CA1234567890ABCDE&Caller=%2B14158675309&Digits=1234&From=%2B14158675309&To=%2B18005551212"
	s := signerFor("12345", "https://mycompany.com")
	if !s.valid("/myapp.php?foo=1&bar=2", parsed(t, body), "RSOYDt4T1cUTdK1PDd93/VVr8B8=") {
		t.Error("the documented signature is refused")
	}
	if s.valid("/myapp.php?foo=1&bar=3", parsed(t, body), "RSOYDt4T1cUTdK1PDd93/VVr8B8=") {
		t.Error("the documented signature passes for another URL")
	}
}

func TestSignatureTakesTheFirstOfEqualKeys(t *testing.T) {
	s := signerFor(testToken, "https://city.example")
	signature := sign(testToken, "https://city.example/hooks/sms", url.Values{"Body": {"first"}})
	f := parsed(t, "Body=first&Body=second")
	if !s.valid("/hooks/sms", f, signature) || f.get("Body") != "first" {
		t.Errorf("read %q", f.get("Body"))
	}
	if s.valid("/hooks/sms", parsed(t, "Body=second&Body=first"), signature) {
		t.Error("an added first value passes")
	}
}

func FuzzForm(f *testing.F) {
	for _, body := range []string{"", "a=b", "a=%20+b&&c", "a;b=c", "%zz", "=&=", "a=1&a=2", "%", "a=b%4"} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		want, wantErr := url.ParseQuery(string(body))
		got := new(form)
		err := got.read(bytes.NewReader(body))
		if len(body) > maxForm || bytes.Count(body, []byte{'&'}) >= maxPairs {
			return
		}
		if (err != nil) != (wantErr != nil) {
			t.Fatalf("%q: %v, url.ParseQuery says %v", body, err, wantErr)
		}
		if err != nil {
			return
		}
		for key, values := range want {
			if got.get(key) != values[0] {
				t.Fatalf("%q is %q, want %q", key, got.get(key), values[0])
			}
		}
		for _, p := range got.pairs {
			if !slices.Contains(want[string(p.key)], string(p.value)) {
				t.Fatalf("invented %q=%q", p.key, p.value)
			}
		}
	})
}

func TestGenuine(t *testing.T) {
	c, err := Open(Config{AccountSID: testSID, AuthToken: secret.New(testToken), From: ours, PublicURL: "https://city.example"}, shared())
	if err != nil {
		t.Fatal(err)
	}
	q := inbound("SM1", "hello")
	good := sign(testToken, "https://city.example/hooks/sms", q)
	for _, b := range []struct {
		uri, body, signature string
		want                 bool
	}{
		{"/hooks/sms", q.Encode(), good, true},
		{"/hooks/sms?x=1", q.Encode(), good, false},
		{"/hooks/sms", q.Encode() + "&x=1", good, false},
		{"/hooks/sms", q.Encode(), sign("another", "https://city.example/hooks/sms", q), false},
		{"/hooks/sms", "%", good, false},
		{"/hooks/sms", "", "", false},
	} {
		if got := c.Genuine(b.uri, strings.NewReader(b.body), b.signature); got != b.want {
			t.Errorf("%s %q: %v", b.uri, b.body, got)
		}
	}
}

func TestFormIsBounded(t *testing.T) {
	field := strings.Repeat("a", 100)
	for name, body := range map[string]string{
		"long":        "k=" + strings.Repeat("x", maxForm),
		"many fields": strings.Repeat("a=b&", maxPairs+1),
		"both":        strings.Repeat(field+"=b&", maxPairs*4),
	} {
		if err := new(form).read(strings.NewReader(body)); err != errFormSize {
			t.Errorf("%s: %v", name, err)
		}
	}
	f := parsed(t, strings.Repeat("a=b&", maxPairs))
	if len(f.pairs) != maxPairs || cap(f.raw) > 2*maxForm {
		t.Errorf("%d fields, %d bytes", len(f.pairs), cap(f.raw))
	}
}

func BenchmarkSignature(b *testing.B) {
	q := inbound("SM0123456789abcdef0123456789abcdef", "How do I get rid of an old sofa? Two seats, and a mattress.")
	for i := range 8 { // Twilio adds the places of both numbers
		q.Set(fmt.Sprintf("FromField%d", i), "PORT LUMEN")
	}
	public, uri, body := "https://city.example", "/hooks/sms", q.Encode()
	signature := sign(testToken, public+uri, q)
	b.Run("ours", func(b *testing.B) {
		s, f := signerFor(testToken, public), new(form)
		b.ReportAllocs()
		for b.Loop() {
			if f.read(strings.NewReader(body)) != nil || !s.valid(uri, f, signature) {
				b.Fatal("refused")
			}
		}
	})
	b.Run("library", func(b *testing.B) {
		v := client.NewRequestValidator(testToken)
		b.ReportAllocs()
		for b.Loop() {
			if !v.ValidateBody(public+uri, []byte(body), signature) {
				b.Fatal("refused")
			}
		}
	})
}
