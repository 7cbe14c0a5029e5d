package desk

import (
	"testing"
	"time"

	"gatehouse/adapters"
	"gatehouse/exchange"
)

// TestReportsAreNotThePersonsWords puts each act into a story: what the gateway reports stands there as its own and inside,
// what the person says as theirs and public.
func TestReportsAreNotThePersonsWords(t *testing.T) {
	d, s := open(t, time.Hour)
	c := filed(t, d, "LONG", "p1")
	byGateway := map[exchange.Act]bool{exchange.ActPost: true, exchange.ActBlocked: true, exchange.ActRaise: true, exchange.ActReturned: true, exchange.ActAuto: true,
		exchange.ActReply: false, exchange.ActAmend: false, exchange.ActRate: false, exchange.ActWithdraw: false, exchange.ActReopen: false}
	for act := range byGateway {
		a := exchange.Addition{ID: exchange.NewID(time.Now()), Case: c.ID, Act: act, Text: "said", At: time.Now()}
		if err := d.Add(t.Context(), c.ID, a, nil); err != nil {
			t.Fatal(err)
		}
	}
	story, err := s.Story(t.Context(), c.ID)
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, e := range story {
		if e.Add == nil {
			continue
		}
		seen++
		want := adapters.Entry{By: adapters.ByPerson, Kind: adapters.Added, Public: true}
		if byGateway[e.Add.Act] {
			want = adapters.Entry{By: adapters.ByGateway, Kind: adapters.Reported}
		}
		if e.By != want.By || e.Kind != want.Kind || e.Public != want.Public || e.Text != "said" {
			t.Errorf("%s stands there as %s by %s, public %v", e.Add.Act, e.Kind, e.By, e.Public)
		}
	}
	if seen != len(byGateway) {
		t.Errorf("%d of %d acts are in the story", seen, len(byGateway))
	}
}
