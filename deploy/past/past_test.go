package past

import (
	"log/slog"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"gatehouse/adapters"
	inside "gatehouse/adapters/store"
	"gatehouse/channels"
	"gatehouse/configs"
	"gatehouse/configs/city"
	"gatehouse/configs/texts"
	"gatehouse/exchange"
	"gatehouse/exchange/service"
	"gatehouse/gateway"
	"gatehouse/gateway/broadcast"
	"gatehouse/gateway/consent"
	outside "gatehouse/gateway/store"
)

// noon is a working day of the demo.
var noon = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// town is one without stores.
func town(t *testing.T, now time.Time) Town {
	t.Helper()
	catalog, err := service.Load(city.Services(), func(n string, b []byte, into any) error {
		return configs.Parse(n, b, into, func(string) (string, bool) { return "", false })
	})
	must(t, err)
	words, err := texts.Load()
	must(t, err)
	return Town{Catalog: catalog, Texts: words, Now: now}
}

// open gives a town with empty stores.
func open(t *testing.T, now time.Time) Town {
	t.Helper()
	dir, quiet := t.TempDir(), slog.New(slog.DiscardHandler)
	clock := func() time.Time { return now }
	to := town(t, now)
	must(t, exchange.MakeKeys(filepath.Join(dir, "keys"), exchange.Parties(), now.Add(-time.Hour)))
	keys, err := exchange.OpenKeys(filepath.Join(dir, "keys", "intranet"), exchange.Intranet, quiet)
	must(t, err)
	to.Keys = keys.Ring
	out, err := outside.Open(t.Context(), outside.Config{URL: "sqlite:" + filepath.Join(dir, "gateway.db"), Log: quiet, Now: clock})
	must(t, err)
	t.Cleanup(func() { must(t, out.Close()) })
	in, err := inside.Open(t.Context(), "sqlite:"+filepath.Join(dir, "office.db"), inside.Options{Log: quiet, Now: clock})
	must(t, err)
	t.Cleanup(func() { must(t, in.Close()) })
	to.Gateway, to.Office = out, in
	return to
}

// records gives all cases of the office by their references.
func records(t *testing.T, to Town) map[string]adapters.Record {
	t.Helper()
	all := map[string]adapters.Record{}
	for more := true; more; {
		var page []adapters.Record
		var err error
		page, more, err = to.Office.List(t.Context(), adapters.Filter{Departments: []string{"*"}, Skip: len(all)})
		must(t, err)
		for _, r := range page {
			all[r.Case.Reference] = r
		}
	}
	return all
}

// TestFill cuts the first attempt short in the middle; the second makes it whole, and a third changes nothing.
func TestFill(t *testing.T) {
	to := open(t, noon)
	y, err := to.year()
	must(t, err)
	must(t, y.staff(t.Context()))
	must(t, y.file(t.Context()))
	y.plays = y.plays[200:240]
	must(t, y.first(t.Context()))
	must(t, y.leave(t.Context()))
	must(t, Fill(t.Context(), to))
	before := records(t, to)
	must(t, Fill(t.Context(), to))
	if after := records(t, to); !reflect.DeepEqual(before, after) || len(before) != 300 {
		t.Fatalf("%d cases, another attempt makes %d", len(before), len(after))
	}
	open := 0
	for _, r := range before {
		checkRecord(t, to, r)
		if !r.Closed() {
			open++
		}
	}
	if open < 25 || open > 60 {
		t.Errorf("%d cases are open", open)
	}
	cursor, err := to.Office.Cursor(t.Context(), "desk")
	must(t, err)
	if left, _, err := to.Office.Decided(t.Context(), int64(number(cursor)), 9); err != nil || len(left) > 0 {
		t.Errorf("%d notices would go out again, %v", len(left), err)
	}
	checkPeople(t, to, before)
	companies, _, err := to.Office.Companies(t.Context(), "", 100, 0)
	must(t, err)
	if c, err := to.Office.Company(t.Context(), Northdock); err != nil || len(companies) != 26 || c.Counting() != 1 || c.Clerks[0].Address != NorthdockClerk || c.Version != 1 {
		t.Errorf("%d companies, Northdock %+v: %v", len(companies), c, err)
	}
	if m, err := to.Gateway.Tracked(t.Context(), (&plan{}).reference()); err != nil || m.State != exchange.WaitingYou || m.Address.Value != strings.ReplaceAll(Phone, " ", "") {
		t.Errorf("the greeting's %s has nothing to answer: %v", Phone, err)
	}
}

// checkRecord holds one case against its service, its department and the calendar.
func checkRecord(t *testing.T, to Town, r adapters.Record) {
	t.Helper()
	s, ok := to.Catalog.ByCode(r.Case.Service)
	if !ok || r.Department != s.Department {
		t.Fatalf("%s of %s is with %s", r.Case.Reference, r.Case.Service, r.Department)
	}
	if ref, ok := exchange.ParseReference(r.Case.Reference); !ok || ref != r.Case.Reference {
		t.Errorf("%s is no reference", r.Case.Reference)
	}
	answers := map[string][]string{}
	for _, a := range r.Case.Answers {
		answers[a.Field] = append(answers[a.Field], a.Value)
	}
	if faults := s.CheckOn(r.Case.Channel, answers, r.Case.FiledAt); len(faults) > 0 || !s.Offered(r.Case.Channel) || s.Kind != service.Ask && len(answers) == 0 {
		t.Errorf("%s %s by %s: %v in %v", s.Code, r.Case.Reference, r.Case.Channel, faults, answers)
	}
	if r.Late(noon) {
		t.Errorf("%s is late: %s", r.Case.Reference, r.Due)
	}
	story, err := to.Office.Story(t.Context(), r.ID())
	must(t, err)
	told := false
	for i, e := range story {
		if e.At.After(noon) || i > 0 && e.At.Before(story[i-1].At) {
			t.Errorf("%s: %s at %s, after %s", r.Case.Reference, e.Kind, e.At, story[max(0, i-1)].At)
		}
		if e.By != adapters.ByPerson {
			if who, err := to.Office.Person(t.Context(), e.By); err != nil || e.Kind != adapters.Reviewed && who.Department != s.Department {
				t.Errorf("%s: %s by %s of %s, %v", r.Case.Reference, e.Kind, e.By, who.Department, err)
			}
		}
		told = told || e.Kind == adapters.Told && e.Notice.Decision != "" && e.Notice.Reason != ""
	}
	if r.Closed() != told {
		t.Errorf("%s is %s, a reason was told: %v", r.Case.Reference, r.State, told)
	}
}

// checkPeople finds every party outside: what they know of each case is what the office says, and they can be told.
func checkPeople(t *testing.T, to Town, all map[string]adapters.Record) {
	t.Helper()
	contacts, members := map[string]gateway.Contact{}, map[string]bool{}
	for ref, r := range all {
		m, err := to.Gateway.Tracked(t.Context(), ref)
		must(t, err)
		c, m, err := to.Gateway.Matter(t.Context(), m.ID)
		must(t, err)
		contacts[c.ID] = c
		if m.ID != r.ID() || m.State != r.State || m.Decision != r.Decision || r.Case.Party != c.ID || len(m.Events) < 2 {
			t.Errorf("%s is %s %s outside, %s %s inside", ref, m.State, m.Decision, r.State, r.Decision)
		}
	}
	companies := 0
	for _, c := range contacts {
		if checkAddresses(t, c) {
			companies++
		}
	}
	for _, d := range to.Catalog.City.Districts {
		some, _, err := to.Gateway.(broadcast.Ledger).Audience(t.Context(), exchange.Broadcast{List: "alerts-" + d.Code}, "", 200)
		must(t, err)
		if len(some) < 3 {
			t.Errorf("only %d are on the list of %s", len(some), d.Code)
		}
		for _, c := range some {
			members[c.ID] = true
		}
	}
	if len(contacts) != 145 || companies != 25 || len(members) < 50 {
		t.Errorf("%d parties, %d of them companies, %d on lists", len(contacts), companies, len(members))
	}
}

var (
	drama   = regexp.MustCompile(`^\+447700900\d{3}$`)
	example = regexp.MustCompile(`^[a-z0-9.-]+@[a-z0-9.-]+\.example$`)
	chat    = regexp.MustCompile(`^500[34]\d\d$`)
)

// checkAddresses tells whether it is a company's.
func checkAddresses(t *testing.T, c gateway.Contact) (company bool) {
	t.Helper()
	for _, r := range c.Reaches {
		v := r.Address.Value
		ok := map[string]bool{"sms": drama.MatchString(v), "email": example.MatchString(v), "chat": chat.MatchString(v), "counter": len(v) == 26}[r.Address.Channel]
		if !ok || r.Heard.After(noon) {
			t.Errorf("%s has the address %s:%s of %s", c.ID, r.Address.Channel, v, r.Heard)
		}
		company = company || strings.HasPrefix(v, "office@")
	}
	return company
}

// TestSameEachTime: the same day makes the same cases, and a person keeps their consents in order.
func TestSameEachTime(t *testing.T) {
	filed := func() *year {
		y, err := town(t, noon).year()
		must(t, err)
		must(t, y.file(t.Context()))
		return y
	}
	a, b := filed(), filed()
	for i := range a.plays {
		if !reflect.DeepEqual(a.plays[i].doc, b.plays[i].doc) {
			t.Fatalf("case %d is %v, then %v", i, a.plays[i].doc, b.plays[i].doc)
		}
	}
	for i, p := range a.people {
		if !reflect.DeepEqual(p.consents, b.people[i].consents) {
			t.Fatalf("the consents of %s are not the same", p.name)
		}
	}
	names, left := map[string]bool{}, 0
	for _, p := range a.people {
		joined := slices.ContainsFunc(p.consents, func(c gateway.Consent) bool { return c.Purpose == consent.List })
		if joined && len(gateway.Lists(p.consents)) == 0 {
			left++
		}
		if names[p.name] {
			t.Errorf("two are named %s", p.name)
		}
		names[p.name] = true
		if p.number != "" && !service.CompanyNumber(p.number) {
			t.Errorf("%s has the number %s", p.name, p.number)
		}
	}
	if left < 3 {
		t.Errorf("only %d left their list again", left)
	}
}

// TestAnyDay: whichever day the demo begins, weekends, holidays and leap years among them, all forms are right.
func TestAnyDay(t *testing.T) {
	to := town(t, noon)
	for _, day := range []string{"2026-12-27", "2028-03-01"} {
		at, err := time.Parse(time.DateOnly, day)
		must(t, err)
		to.Now = at.Add(3 * time.Hour)
		y, err := to.year()
		must(t, err)
		must(t, y.file(t.Context()))
		for _, p := range y.plays {
			if p.filed.After(to.Now) || p.stage >= taken && !p.claimed.Before(to.Now) || p.stage == decided && !p.told.Before(to.Now) {
				t.Errorf("%s: case %d lies ahead: %s, %s, %s", day, p.n, p.filed, p.claimed, p.told)
			}
		}
	}
}

// TestNoPlaceWhereOthersWork: a store that was used before is left alone.
func TestNoPlaceWhereOthersWork(t *testing.T) {
	to := open(t, noon)
	_, err := to.Gateway.Accept(t.Context(), channels.Message{ID: "m", From: channels.Address{Channel: "sms", Value: "+447700900777"}, At: noon, Text: "hello"})
	must(t, err)
	must(t, Fill(t.Context(), to))
	if all := records(t, to); len(all) > 0 {
		t.Errorf("%d cases were put in", len(all))
	}
}
