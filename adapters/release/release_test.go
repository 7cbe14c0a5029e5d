package release

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"gatehouse/adapters"
	"gatehouse/exchange"
)

var now = time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)

func policy(t *testing.T, c Config, chance int) *Policy {
	t.Helper()
	p, err := New(c, func(int) int { return chance })
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestJudge is the table of who writes what, and how it may leave.
func TestJudge(t *testing.T) {
	releaser := adapters.Staff{ID: "rosa", Department: "waste", Roles: []adapters.Role{adapters.Officer, adapters.Releaser}}
	officer := adapters.Staff{ID: "tomas", Department: "waste", Roles: []adapters.Role{adapters.Officer}}
	everything := adapters.Staff{ID: "boss", Department: "waste", Roles: adapters.Roles()}
	rec := adapters.Record{Case: exchange.Case{ID: "c", Service: "WST-BULK", Text: "my card 4111 1111 1111 1111",
		Answers: []exchange.Answer{{Field: "iban", Value: "GB82WEST12345698765432"}}, Story: []exchange.Said{{Who: "office", Text: "5500005555555559"}}}}
	added := []adapters.Entry{{Kind: adapters.Added, Add: &exchange.Addition{Text: "or 3782 822463 10005"}}}
	notice := func(text string) exchange.Notice { return exchange.Notice{ID: "n", Case: "c", Text: text} }
	decided := exchange.Notice{ID: "n", Case: "c", State: exchange.Decided, Decision: exchange.Refused, Reason: "no"}
	strict := Config{Rules: []Rule{{Service: "OTHER", Policy: "clean"}, {Service: "WST-BULK", Decision: "refused", Policy: "second"}}}
	for name, c := range map[string]struct {
		cfg    Config
		who    adapters.Staff
		doc    exchange.Document
		chance int
		policy string
		why    []adapters.Why
		review adapters.ReviewKind
	}{
		"clean":                  {Config{}, releaser, notice("hello"), 50, "clean", nil, ""},
		"sampled":                {Config{}, releaser, notice("hello"), 4, "clean", nil, adapters.Sampled},
		"just not sampled":       {Config{}, releaser, notice("hello"), 5, "clean", nil, ""},
		"no right":               {Config{}, officer, notice("hello"), 0, "second", []adapters.Why{adapters.WhyRight}, ""},
		"a card":                 {Config{}, releaser, notice("5500 0055 5555 5559"), 0, "second", []adapters.Why{adapters.WhyLeak}, ""},
		"a card, no right":       {Config{}, officer, notice("5500 0055 5555 5559"), 0, "second", []adapters.Why{adapters.WhyRight, adapters.WhyLeak}, ""},
		"the person's own":       {Config{}, releaser, notice("4111111111111111 GB82 WEST 1234 5698 7654 32 378282246310005"), 50, "clean", nil, ""},
		"said by an office only": {Config{}, releaser, notice("5500005555555559"), 50, "second", []adapters.Why{adapters.WhyLeak}, ""},
		"a mark":                 {Config{}, releaser, notice("SECRET"), 50, "second", []adapters.Why{adapters.WhyLeak}, ""},
		"refused by a rule":      {strict, releaser, decided, 50, "second", []adapters.Why{adapters.WhyRule}, ""},
		"granted beside it":      {strict, releaser, notice("hello"), 50, "clean", nil, ""},
		"replies by a rule":      {Config{Rules: []Rule{{Decision: "reply", Policy: "second"}}}, releaser, notice("hello"), 50, "second", []adapters.Why{adapters.WhyRule}, ""},
		"broadcast":              {Config{}, everything, exchange.Broadcast{ID: "b", List: "l", Bodies: []exchange.Body{{Lang: "en", Text: "x"}}}, 0, "second", []adapters.Why{adapters.WhyRule}, ""},
		"publication":            {Config{}, everything, exchange.Publication{ID: "p", Body: "IBAN NO9386011117947"}, 0, "second", []adapters.Why{adapters.WhyRule, adapters.WhyLeak}, ""},
	} {
		v := policy(t, c.cfg, c.chance).Judge(adapters.Outward{Doc: c.doc, Who: c.who, Record: &rec, Story: added}, now)
		kind := adapters.ReviewKind("")
		if v.Review != nil {
			kind = v.Review.Kind
		}
		if v.Policy != c.policy || !slices.Equal(v.Why, c.why) || kind != c.review {
			t.Errorf("%s: %+v, review %q", name, v, kind)
		}
		if v.Policy == "clean" && v.Quota != DefaultOfficerPerDay {
			t.Errorf("%s: quota %d", name, v.Quota)
		}
	}
	v := policy(t, Config{}, 0).Judge(adapters.Outward{Doc: notice("SECRET 5500005555555559"), Who: officer, Record: &rec, Emergency: true}, now)
	if v.Policy != "emergency" || v.Review == nil || v.Review.Kind != adapters.OfEmergency || !v.Review.Due.Equal(now.Add(24*time.Hour)) || len(v.Leaks) != 2 {
		t.Errorf("emergency: %+v", v)
	}
}

// one is a store of one record.
type one struct {
	adapters.Records
	r adapters.Record
}

func (o one) Record(_ context.Context, id string) (adapters.Record, error) {
	if id != o.r.ID() {
		return o.r, adapters.ErrNotFound
	}
	return o.r, nil
}

func (o one) Story(context.Context, string) ([]adapters.Entry, error) { return nil, nil }

func TestCheckBeforeItIsSigned(t *testing.T) {
	store := one{r: adapters.Record{Case: exchange.Case{ID: "c", Text: "4111111111111111"}}}
	p := policy(t, Config{}, 0)
	notice := func(id, policy, text string) exchange.Notice {
		return exchange.Notice{ID: "n", Case: id, Text: text, Release: exchange.Released{Policy: policy}}
	}
	for name, c := range map[string]struct {
		d    exchange.Document
		want error
	}{
		"clean":             {notice("c", "clean", "hello"), nil},
		"own card":          {notice("c", "clean", "4111 1111 1111 1111"), nil},
		"another's card":    {notice("c", "clean", "5500005555555559"), adapters.ErrLeak},
		"not our case":      {notice("d", "clean", "4111 1111 1111 1111"), adapters.ErrLeak},
		"card by two":       {notice("c", "second", "5500005555555559"), nil},
		"card, emergency":   {notice("c", "emergency", "5500005555555559"), nil},
		"mark by two":       {notice("c", "second", "TOP SECRET"), adapters.ErrLeak},
		"mark, emergency":   {notice("c", "emergency", "机密★"), adapters.ErrLeak},
		"mark in an answer": {exchange.Publication{Body: "NOFORN"}, adapters.ErrLeak},
	} {
		if err := p.Check(t.Context(), store, c.d); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func TestConfigNamesItsFaults(t *testing.T) {
	if err := (Config{}).Validate(); err != nil {
		t.Error(err)
	}
	wrong := Config{SamplePercent: 101, ReviewWithin: -1, LapseAfter: 9000 * time.Hour, OfficerPerDay: -1, TemplatePerDay: -1,
		Rules: []Rule{{Policy: "auto"}, {Policy: "second", Decision: "maybe"}}, Leak: exchange.LeakConfig{Words: []string{"x"}}}
	err := wrong.Validate()
	for _, want := range []string{"sample_percent: ", "review_within: ", "lapse_after: ", "officer_per_day: ", "template_per_day: ", "rules.0: policy", "rules.1: decision", "leak.words.0: "} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in %v", want, err)
		}
	}
}
