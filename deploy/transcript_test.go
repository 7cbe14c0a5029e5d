package deploy

import (
	"context"
	"log/slog"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"gatehouse/configs"
	"gatehouse/deploy/carriers"
	"gatehouse/exchange"
	gateway "gatehouse/gateway/program"
)

// line is one exchange of a transcript: what the citizen texts, and what comes back. REF stands for a reference, HOST for where the
// gateway is, TOKEN for that of a link.
type line struct{ said, want string }

// inquiryTranscript is transcript A, word for word.
var inquiryTranscript = []line{
	{"how do i get rid of an old sofa", "Bulky waste: free pickup, 2 a year per home, 3 days' notice. Batteries: any depot, Mon-Sat 8-18. " +
		"Reply BOOK for a pickup, MORE for the page, 0 for a person."},
	{"my neighbour parks in the disabled bay is that a fine", "Sorry, I have no sure answer. Nearest: 1 Parking fine 2 Parking permit 3 Disabled bay. 0 = ask a person (reply within 1 working day)."},
	{"0", "Sent to the Parking team with your question. Ref REF. They reply here by Tue 24 Nov 17:00."},
}

// applicationTranscript is transcript B, word for word.
var applicationTranscript = []line{
	{"BOOK", "Pickup 1/4. Where? Send street and number, or a postcode. Any time: BACK, PAUSE, ?"},
	{"14 quay st", "Pickup 2/4. 14 Quay St, PL2 4AB? 1 right 2 wrong"},
	{"1", "Pickup 3/4. What is it? 1 Furniture 2 Fridge 3 Mattress 4 Electronics. Send all that apply, e.g. 1,3"},
	{"1 and 7", "7 is not in the list. Send one or more of 1-4, e.g. 1,3"},
	{"pause", "Your pickup form is kept until Sun 29 Nov. Reply GO to go on at question 3, or DROP to delete it."},
	{"go 1,3", "Pickup 4/4. Which day? 1 Tue 1 Dec 2 Thu 3 Dec 3 Mon 7 Dec. Or send a date, e.g. 9 Dec"},
	{"friday", "Fri 4 Dec has no pickups. Nearest: 1 Thu 3 Dec 2 Mon 7 Dec"},
	{"1", "Check: 1 14 Quay St 2 furniture, mattress 3 Thu 3 Dec. Reply SEND, or a number to change it."},
	{"send", "Sent. Reference REF. Put items out by 7:00 on Thu 3 Dec. Reply STATUS any time. A photo? HOST/p/TOKEN"},
}

// TestTranscripts plays the model conversations over real sockets, between the stand-in of the text carrier and a
// gateway whose clock stands where the transcripts' dates are.
func TestTranscripts(t *testing.T) {
	var clock atomic.Int64
	set := func(s string) {
		at, err := time.Parse(time.DateTime, s)
		if err != nil {
			t.Fatal(err)
		}
		clock.Store(at.UnixMicro())
	}
	set("2026-11-22 18:00:00")
	w := gatewayAlone(t, func() time.Time { return time.UnixMicro(clock.Load()) })
	const anna, ben = "+447700900181", "+447700900182"
	w.dialogue(anna, "PRIVACY") // an address's first reply ends with the notice; the transcripts begin after it
	w.dialogue(ben, "PRIVACY")
	w.plays(anna, applicationTranscript[:5])
	set("2026-11-23 10:00:00") // the next morning
	w.plays(anna, applicationTranscript[5:])
	w.plays(ben, inquiryTranscript)
	// A form that nobody goes on with: the clock jumps, and the gateway speaks first.
	w.dialogue(ben, "BOOK", "PAUSE")
	set("2026-11-24 11:00:00")
	w.awaitText(ben, "Your pickup form is not sent yet. It is kept until Mon 30 Nov. Reply GO to go on at question 1, or DROP to delete it.")
	set("2026-12-01 09:00:00")
	w.awaitText(ben, "Your pickup form was not sent and is deleted now.")
}

func (w *town) plays(number string, lines []line) {
	w.t.Helper()
	for _, l := range lines {
		pattern := strings.NewReplacer("REF", `PL-[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9]{2}`, "HOST", `[\w.:-]+`, "TOKEN", `[a-z2-7]{13}`).Replace(regexp.QuoteMeta(l.want))
		if got := w.dialogue(number, l.said); !regexp.MustCompile("^" + pattern + "$").MatchString(got) {
			w.t.Errorf("%q is answered\n  %s\nwant\n  %s", l.said, got, l.want)
		}
	}
}

// gatewayAlone runs the gateway within the test, by a clock of the test's, with the stand-in carriers around it.
func gatewayAlone(t *testing.T, now func() time.Time) *town {
	t.Helper()
	w := &town{t: t, dir: t.TempDir(), programs: map[string]*program{}, gateways: 1}
	if err := exchange.MakeKeys(filepath.Join(w.dir, "keys"), exchange.Parties(), now()); err != nil {
		t.Fatal(err)
	}
	var err error
	if w.carriers, err = carriers.Start(context.Background(), standIns()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.carriers.Close)
	w.write(townOptions{})
	w.settings["NAME"], w.settings["LISTEN"], w.settings["PRIVATE"], w.settings["SMTP"] = "gateway", freePort(t), freePort(t), freePort(t)
	w.settings["gateway"], w.settings["PUBLIC"] = w.settings["LISTEN"], "http://"+w.settings["LISTEN"]
	w.settings["gateway.private"] = w.settings["PRIVATE"]
	var c gateway.Config
	if err := configs.Load(w.file("gateway.yaml", gatewayConfig), &c); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- gateway.Run(ctx, c, gateway.Options{Log: slog.New(slog.DiscardHandler), Now: now})
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("gateway: %v", err)
		}
	})
	w.carriers.SMS.SetWebhooks(w.settings["PUBLIC"] + "/hooks/sms")
	w.awaitReady(w.settings["PUBLIC"] + "/readyz")
	return w
}
