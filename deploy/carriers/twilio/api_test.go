package twilio_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"gatehouse/configs/secret"
	"gatehouse/deploy/carriers/faults"
	stand "gatehouse/deploy/carriers/twilio"

	"github.com/twilio/twilio-go/client"
	api "github.com/twilio/twilio-go/rest/api/v2010"
)

func TestCreateAndReceipts(t *testing.T) {
	b, g := open(t, nil), hear(t, nil)
	m, err := b.api.CreateMessage(create(person, "Réf PL-1 ready").SetStatusCallback(g.URL + "/hooks/sms/status?id=7"))
	if err != nil {
		t.Fatal(err)
	}
	if *m.Status != "queued" || *m.NumSegments != "1" || *m.Direction != "outbound-api" || *m.To != person ||
		*m.From != ours || m.ErrorCode != nil || !strings.HasPrefix(*m.Sid, "SM") || len(*m.Sid) != 34 {
		t.Errorf("answer: %+v", m)
	}
	if _, err := time.Parse(time.RFC1123Z, *m.DateCreated); err != nil {
		t.Errorf("date_created: %v", err)
	}
	wait(t, "three callbacks", func() bool { return len(g.posts()) == 3 })
	posts := g.posts()
	if got := fields(posts, "MessageStatus"); !slices.Equal(got, []string{"queued", "sent", "delivered"}) {
		t.Errorf("statuses: %v", got)
	}
	for _, p := range posts {
		if !p.signed || p.q.Get("MessageSid") != *m.Sid || p.q.Get("SmsStatus") != p.q.Get("MessageStatus") {
			t.Errorf("callback %+v", p)
		}
	}
	again, err := b.api.FetchMessage(*m.Sid, nil)
	if err != nil || *again.Status != "delivered" || again.DateSent == nil {
		t.Errorf("fetched %+v, %v", again, err)
	}
	on := b.Messages().Of(person, 0)
	if len(on) != 1 || on[0].Value.Body != "Réf PL-1 ready" {
		t.Errorf("on the phone: %+v", on)
	}
}

// Each refusal must reach twilio-go as its own error type with Twilio's code and status.
func TestRefusals(t *testing.T) {
	long := strings.Repeat("é", 1601)
	tests := map[string]struct {
		p      *api.CreateMessageParams
		status int
		code   int
	}{
		"no To":            {(&api.CreateMessageParams{}).SetFrom(ours).SetBody("x"), 400, 21604},
		"no From":          {(&api.CreateMessageParams{}).SetTo(person).SetBody("x"), 400, 21603},
		"no Body":          {(&api.CreateMessageParams{}).SetTo(person).SetFrom(ours), 400, 21602},
		"odd To":           {create("12", "x"), 400, 21211},
		"foreign From":     {create(person, "x").SetFrom("+447700900555"), 400, 21606},
		"odd From":         {create(person, "x").SetFrom("12345"), 400, 21212},
		"to itself":        {create(ours, "x"), 400, 21266},
		"too long":         {create(person, long), 400, 21617},
		"odd callback":     {create(person, "x").SetStatusCallback("nowhere"), 400, 21609},
		"odd media":        {create(person, "x").SetMediaUrl([]string{"ftp://x"}), 400, 21620},
		"odd validity":     {create(person, "x").SetValidityPeriod(0), 400, 20001},
		"odd service":      {create(person, "x").SetMessagingServiceSid("MG1"), 404, 20404},
		"magic invalid":    {create("+447700900901", "x"), 400, 21211},
		"magic landline":   {create("+447700900902", "x"), 400, 21614},
		"magic throttled":  {create("+447700900900", "x"), 429, 20429},
		"magic temporary":  {create("+447700900904", "x"), 503, 20503},
		"magic stopped":    {create("+447700900909", "x"), 400, 21610},
		"magic credential": {create("+447700900911", "x"), 401, 20003},
	}
	b := open(t, nil)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := b.api.CreateMessage(tt.p)
			var e *client.TwilioRestError
			if !errors.As(err, &e) || e.Code != tt.code || e.Status != tt.status || e.Message == "" {
				t.Errorf("got %v, want %d with %d", err, tt.status, tt.code)
			}
		})
	}
	if got := b.Stats(); got.Taken != 0 || got.Creates != uint64(len(tests)) {
		t.Errorf("stats %+v", got)
	}
}

func TestWrongPasswordAndAccount(t *testing.T) {
	b := open(t, nil)
	var e *client.TwilioRestError
	_, err := service(b.http, "wrong").CreateMessage(create(person, "x"))
	if !errors.As(err, &e) || e.Code != 20003 || e.Status != 401 {
		t.Errorf("wrong password: %v", err)
	}
	other := "AC00000000000000000000000000000002"
	_, err = b.api.CreateMessage(create(person, "x").SetPathAccountSid(other))
	if !errors.As(err, &e) || e.Code != 20404 || e.Status != 404 {
		t.Errorf("another account: %v", err)
	}
	if _, err := b.api.FetchMessage("SM00000000000000000000000000000001", nil); !errors.As(err, &e) || e.Code != 20404 {
		t.Errorf("unknown message: %v", err)
	}
}

func TestListPagesAndFilters(t *testing.T) {
	b := open(t, nil)
	for _, body := range []string{"1", "2", "3", "4", "5"} {
		if _, err := b.api.CreateMessage(create(person, body)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.api.CreateMessage(create("+447700900124", "other")); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Receive(stand.Text{From: person, Body: "inbound"}); err != nil {
		t.Fatal(err)
	}
	wait(t, "the receipts", func() bool { return b.Stats().Waiting == 0 })
	now := time.Now()
	tests := map[string]struct {
		p    *api.ListMessageParams
		want []string
	}{
		"to, by twos":     {(&api.ListMessageParams{}).SetTo(person).SetPageSize(2), []string{"5", "4", "3", "2", "1"}},
		"limit":           {(&api.ListMessageParams{}).SetTo(person).SetLimit(3), []string{"5", "4", "3"}},
		"from the person": {(&api.ListMessageParams{}).SetFrom(person), []string{"inbound"}},
		"both ways":       {(&api.ListMessageParams{}).SetTo(person).SetFrom(ours).SetDateSentAfter(now.Add(-time.Minute)), []string{"5", "4", "3", "2", "1"}},
		"sent tomorrow":   {(&api.ListMessageParams{}).SetTo(person).SetDateSentAfter(now.Add(24 * time.Hour)), nil},
		"sent yesterday":  {(&api.ListMessageParams{}).SetTo(person).SetDateSentBefore(now.Add(-24 * time.Hour)), nil},
		"sent today":      {(&api.ListMessageParams{}).SetTo("+447700900124").SetDateSent(now), []string{"other"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			rows, err := b.api.ListMessage(tt.p)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, m := range rows {
				got = append(got, *m.Body)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestDeleteAndRedact(t *testing.T) {
	b := open(t, nil)
	m, err := b.api.CreateMessage(create(person, "private"))
	if err != nil {
		t.Fatal(err)
	}
	wait(t, "delivery", func() bool { return b.Stats().Waiting == 0 })
	u, err := b.api.UpdateMessage(*m.Sid, (&api.UpdateMessageParams{}).SetBody(""))
	if err != nil || *u.Body != "" {
		t.Errorf("redacted: %+v, %v", u, err)
	}
	if err := b.api.DeleteMessage(*m.Sid, nil); err != nil {
		t.Errorf("delete: %v", err)
	}
	if _, err := b.api.FetchMessage(*m.Sid, nil); err == nil {
		t.Error("a deleted message is still there")
	}
	if len(b.Messages().Of(person, 0)) != 1 {
		t.Error("deleting at the API took the text off the phone")
	}
	b.book.Set(faults.Rule{Carrier: faults.SMS, Kind: faults.Silent}) //nolint:errcheck // the rule is right
	if m, err = b.api.CreateMessage(create(person, "on its way")); err != nil {
		t.Fatal(err)
	}
	if err := b.api.DeleteMessage(*m.Sid, nil); err == nil {
		t.Error("deleted before it was complete")
	}
}

func TestReceiptFaults(t *testing.T) {
	tests := map[string][]string{ // number → statuses with codes
		"+447700900903": {"queued", "sent", "undelivered 30003"},
		"+447700900910": {"queued", "sent", "undelivered 30007"},
		"+447700900912": {"queued", "sent"},
		"+447700900913": {"delivered", "queued", "sent"},
	}
	for number, want := range tests {
		t.Run(number, func(t *testing.T) {
			b, g := open(t, nil), hear(t, nil)
			m, err := b.api.CreateMessage(create(number, "x").SetStatusCallback(g.URL))
			if err != nil {
				t.Fatal(err)
			}
			wait(t, "the end", func() bool { return b.Stats().Waiting == 0 })
			var got []string
			for _, p := range g.posts() {
				got = append(got, strings.TrimSpace(p.q.Get("MessageStatus")+" "+p.q.Get("ErrorCode")))
			}
			if !slices.Equal(got, want) {
				t.Errorf("callbacks %v, want %v", got, want)
			}
			now, err := b.api.FetchMessage(*m.Sid, nil)
			end := want[len(want)-1]
			if number == "+447700900913" {
				end = "delivered"
			}
			if err != nil || !strings.HasPrefix(end, *now.Status) {
				t.Errorf("fetched %v, %v", now, err)
			}
		})
	}
}

// A lost answer must leave the message taken, a refused connection must not; both look the same to the client.
func TestAmbiguousCases(t *testing.T) {
	b := open(t, nil)
	for number, taken := range map[string]int{"+447700900906": 1, "+447700900914": 0} {
		var e *client.TwilioRestError
		if _, err := b.api.CreateMessage(create(number, "x")); err == nil || errors.As(err, &e) {
			t.Errorf("%s answered: %v", number, err)
		}
		rows, err := b.api.ListMessage((&api.ListMessageParams{}).SetTo(number))
		if err != nil || len(rows) != taken {
			t.Errorf("%s: %d taken, want %d (%v)", number, len(rows), taken, err)
		}
		if _, err := b.api.CreateMessage(create(number, "x")); err != nil {
			t.Errorf("%s the second time: %v", number, err)
		}
	}
	var e *client.TwilioRestError
	if _, err := b.api.CreateMessage(create("+447700900915", "x")); err == nil || errors.As(err, &e) && e.Code != 0 {
		t.Errorf("a proxy's page gave %v", err)
	}
}

func TestConfigFaults(t *testing.T) {
	tests := map[string]stand.Config{
		"account_sid": {AuthToken: secret.New("x"), Numbers: []string{ours}},
		"auth_token":  {AccountSID: account, Numbers: []string{ours}},
		"numbers":     {AccountSID: account, AuthToken: secret.New("x")},
		"numbers[0]":  {AccountSID: account, AuthToken: secret.New("x"), Numbers: []string{"1"}},
		"webhooks[0]": {AccountSID: account, AuthToken: secret.New("x"), Numbers: []string{ours}, Webhooks: []string{"x"}},
		"retry_for":   {AccountSID: account, AuthToken: secret.New("x"), Numbers: []string{ours}, RetryFor: -1},
	}
	for key, cfg := range tests {
		if err := cfg.Validate(); err == nil || !strings.HasPrefix(err.Error(), key+": ") {
			t.Errorf("%s: %v", key, err)
		}
	}
}
