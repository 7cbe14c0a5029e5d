package email

import (
	"strings"
	"testing"

	"gatehouse/channels"
	"gatehouse/configs/secret"
)

func TestBook(t *testing.T) {
	b := testBook()
	ours, ok := b.ofCase("PL-9DTE-4HB6-17")
	back, fits := b.bounce("0193a1b2-c3")
	if !ok || !fits || len(b.mac("case", "x")) < 10 {
		t.Fatal("no addresses")
	}
	for to, want := range map[string]recipient{
		"help@city.example":                          {help, "help@city.example", ""},
		"Help@CITY.example":                          {help, "help@city.example", ""},
		"help@city.example.":                         {help, "help@city.example", ""},
		"declare+dec-goods@city.example":             {declaration, "declare+dec-goods@city.example", ""},
		"Declare+GOODS@city.example":                 {declaration, "declare+goods@city.example", ""},
		"test+declare+goods@city.example":            {dryRun, "test+declare+goods@city.example", ""},
		"postmaster":                                 {postmaster, "postmaster@city.example", ""},
		"PostMaster@city.example":                    {postmaster, "postmaster@city.example", ""},
		"abuse@city.example":                         {abuse, "abuse@city.example", ""},
		ours:                                         {ofCase, ours, "PL-9DTE-4HB6-17"},
		strings.ToUpper(ours):                        {ofCase, ours, "PL-9DTE-4HB6-17"},
		back:                                         {bounce, back, "0193a1b2-c3"},
		strings.Replace(back, "0193", "0194", 1):     {},
		strings.Replace(ours, "9dte", "9dtf", 1):     {},
		strings.Replace(ours, "case+", "bounce+", 1): {},
		strings.Replace(back, "bounce+", "case+", 1): {},
		"case+@city.example":                         {},
		"case+.@city.example":                        {},
		"case+pl.@city.example":                      {},
		"declare+@city.example":                      {},
		"declare@city.example":                       {},
		"declare+a b@city.example":                   {},
		"declare+" + strings.Repeat("a", 60) + "@city.example": {},
		"test+goods@city.example":                              {},
		"help+x@city.example":                                  {},
		"help@elsewhere.example":                               {},
		"help@city.example@elsewhere.example":                  {},
		"help":                                                 {},
		"@city.example":                                        {},
		"help@":                                                {},
		"":                                                     {},
		"b\u00fccher@x.com":                                    {},
	} {
		if got := b.find(to); got != want {
			t.Errorf("%q is %+v, want %+v", to, got, want)
		}
	}
	if _, ok := b.ofCase("PL 9DTE"); ok {
		t.Error("a reference with a blank fits")
	}
	if _, ok := b.bounce(strings.Repeat("x", 50)); ok {
		t.Error("a long id fits")
	}
	other := book{domain: b.domain, key: []byte("another key 12345")}
	if got := other.find(ours); got != (recipient{}) {
		t.Error("another key proves our address")
	}
	if got := specific([]recipient{{purpose: help}, {purpose: ofCase, id: "x"}, {purpose: declaration}}); got.id != "x" {
		t.Error("the case does not win")
	}
}

func FuzzRecipient(f *testing.F) {
	b := testBook()
	ours, _ := b.ofCase("PL-9DTE-4HB6-17")
	for _, s := range []string{ours, "help@city.example", "bounce+..@city.example", "test+declare+@city.example", "case+İ.x@city.example"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, to string) {
		r := b.find(to)
		if r.purpose == nobody {
			return
		}
		if again := b.find(r.address); again.purpose != r.purpose || !strings.HasSuffix(r.address, "@city.example") {
			t.Errorf("%q became %q, which is %+v", to, r.address, again)
		}
	})
}

func TestPerson(t *testing.T) {
	for s, want := range map[string]string{
		"Ann@Example.NET": "Ann@example.net", "a+b@x.example": "a+b@x.example", "jörg@bücher.example": "jörg@xn--bcher-kva.example",
		"ann": "", "a b@x.example": "", "a\r\n@x.example": "", "<a@x.example>": "", "a@x y": "", "a@": "", "\u202ea@x.example": "",
		strings.Repeat("a", 65) + "@x.example": "", "a@" + strings.Repeat("a.", 130) + "example": "", "a@[127.0.0.1]": "", "\xff@x.example": "",
	} {
		if got := person(s); got != want {
			t.Errorf("%q is %q, want %q", s, got, want)
		}
	}
}

// TestReplyKinds is the table of all answers that are told apart.
func TestReplyKinds(t *testing.T) {
	const (
		temporary     = channels.Temporary
		throttled     = channels.Throttled
		rejected      = channels.Rejected
		unreachable   = channels.Unreachable
		misconfigured = channels.Misconfigured
	)
	for _, c := range []struct {
		at   stage
		code int
		text string
		want channels.Kind
	}{
		{mailing, 421, "4.3.2 closing", throttled}, {handing, 421, "closing", throttled}, {connecting, 421, "", throttled},
		{naming, 450, "mailbox busy", temporary}, {naming, 450, "4.2.1 disabled for now", temporary}, {naming, 450, "4.7.1 grey-listed", throttled},
		{naming, 451, "4.7.500 rate", throttled}, {naming, 451, "local error", temporary}, {mailing, 451, "4.3.0 system", throttled},
		{naming, 451, "4.4.5 congestion", throttled}, {naming, 451, "4.4.3 dns", temporary}, {naming, 451, "4.7.5 crypto", temporary},
		{naming, 452, "too many", throttled}, {naming, 452, "4.5.3 too many recipients", throttled}, {naming, 452, "4.2.2 mailbox full", temporary},
		{handing, 452, "4.3.1 disk", throttled}, {proving, 454, "4.7.0 later", throttled}, {securing, 454, "not now", temporary},
		{proving, 535, "5.7.8 wrong", misconfigured}, {proving, 534, "", misconfigured}, {proving, 500, "", misconfigured},
		{mailing, 530, "5.7.0 log in", misconfigured}, {naming, 530, "5.7.1 log in", misconfigured}, {mailing, 550, "5.7.1 no", rejected},
		{greeting, 554, "no service", misconfigured}, {securing, 550, "no STARTTLS offered", misconfigured},
		{naming, 550, "no such user", unreachable}, {naming, 551, "moved", unreachable}, {naming, 553, "bad name", unreachable},
		{naming, 552, "full", rejected}, {naming, 554, "failed", rejected}, {naming, 550, "5.1.1 unknown", unreachable},
		{naming, 550, "5.1.2 no such host", unreachable}, {naming, 550, "5.1.10 null MX", unreachable}, {naming, 553, "5.1.3 syntax", unreachable},
		{mailing, 553, "5.1.8 sender's domain", misconfigured}, {mailing, 550, "5.1.7 sender", misconfigured},
		{naming, 550, "5.2.1 disabled", unreachable}, {naming, 552, "5.2.2 full", rejected}, {mailing, 552, "5.3.4 too big", rejected},
		{naming, 550, "5.4.1 no answer", unreachable}, {naming, 550, "5.4.4 no route", unreachable}, {naming, 554, "5.4.6 loop", rejected},
		{offering, 554, "5.5.1 no recipients", rejected}, {handing, 554, "5.6.0 content", rejected}, {naming, 553, "5.6.7 UTF8", unreachable},
		{naming, 554, "5.7.1 <x>: Relay access denied", misconfigured}, {naming, 550, "relay not permitted", misconfigured},
		{naming, 550, "5.7.1 policy", rejected}, {handing, 554, "5.7.1 spam", rejected}, {handing, 550, "spam", rejected},
		{naming, 550, "5.7.9 mechanism", misconfigured}, {naming, 550, "5.7.26 not authenticated mail", rejected},
		{offering, 250, "what", temporary}, {handing, 354, "", temporary}, {handing, 999, "", temporary},
	} {
		first, _, _ := strings.Cut(c.text, " ")
		e, ok := enhanced(first)
		if got := replyKind(c.at, c.code, e, ok, c.text); got != c.want {
			t.Errorf("%s %d %s is %s, want %s", c.at, c.code, c.text, got, c.want)
		}
	}
}

func TestQueueID(t *testing.T) {
	for text, want := range map[string]string{
		"2.0.0 Ok: queued as 4Rx0Ab1234": "4Rx0Ab1234", "OK id=1rABcD-000x1-2z": "1rABcD-000x1-2z", "2.0.0 OK: queued": "", "": "",
		"2.0.0 Ok: queued as X.": "X", "queued as <script>": "", "queued as " + strings.Repeat("a", 100): strings.Repeat("a", 64),
	} {
		if got := queueID(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestConfigFaults(t *testing.T) {
	bad := Config{Listen: "x", Domain: "city", Hostname: "a b", Sender: "a\nb", Key: secret.New("short"), MaxMessage: -1, DataTimeout: -1, SpoolDir: "/nowhere/at/all",
		TLS: TLS{Cert: "a"}, Relay: Relay{URL: "http://x", TLS: "maybe", User: "me", Idle: -1}}
	err := bad.Validate()
	for _, want := range []string{"listen: ", "domain: ", "hostname: ", "sender: ", "key: has 5", "max_message: is -1", "data_timeout: is -1ns", "spool_dir: ",
		"tls.cert: needs", "relay.url: ", "relay.tls: is \"maybe\"", "relay.user: ", "relay.idle: "} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in %v", want, err)
		}
	}
	for _, c := range []TLS{{Cert: "a", Key: "b", SelfSigned: true}, {Required: true}, {Cert: "none.pem", Key: "none.key"}} {
		ok := testConfig(t)
		if ok.TLS = c; ok.Validate() == nil {
			t.Errorf("%+v is let pass", c)
		}
	}
	if err := testConfig(t).WithDefaults().Validate(); err != nil {
		t.Error(err)
	}
	if _, err := Open(Config{}, shared()); err == nil {
		t.Error("opened without a configuration")
	}
}
