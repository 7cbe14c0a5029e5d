package past

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"gatehouse/adapters"
	"gatehouse/adapters/console"
	"gatehouse/exchange"
	"gatehouse/exchange/service"
)

// Of those that are not decided, how far the story went.
type stage int

const (
	unread  stage = iota // nobody took it yet
	taken                // an officer works on it
	asked                // it waits for the person
	held                 // a decision waits for a second person
	decided              // it is over
)

// plan is one case to be: who files what and when, and what becomes of it.
type plan struct {
	n       int
	story   *story
	service *service.Service
	who     *party
	other   *party
	channel string
	pair    *pair // of an inquiry
	end     int   // in story.Ends
	stage   stage
	doubt   bool // the office asks something back

	officer, second adapters.Staff // second is empty when the officer may release

	filed, claimed, asking, replied, told time.Time
}

// almanac draws the plans of a year that ends at now.
type almanac struct {
	*book
	catalog *service.Catalog
	now     time.Time
	zone    *time.Location
	work    service.Calendar
}

// oneOpen of so many cases is not decided yet.
const oneOpen = 7

// plans draws all cases in the order of their stories, the same each time but for the day.
func (a *almanac) plans(town []*party) []*plan {
	decks := map[string][]*party{}
	for _, p := range town {
		decks[p.trade] = append(decks[p.trade], p)
	}
	var all []*plan
	for i := range a.Stories {
		s := &a.Stories[i]
		for range s.Count {
			p := &plan{n: len(all), story: s, stage: decided}
			deck := decks[s.Of]
			at := slices.IndexFunc(deck, func(p *party) bool { return p.writes(s.By) })
			p.who, p.other = deck[at], deck[(at+1)%len(deck)]
			decks[s.Of] = append(without(deck, func(o *party) bool { return o == p.who }), p.who) // to the end
			a.draw(p)
			all = append(all, p)
		}
	}
	return all
}

// draw decides what becomes of a case.
func (a *almanac) draw(p *plan) {
	chance := rand.New(rand.NewPCG(2, uint64(p.n)))
	s := p.story
	p.service, _ = a.catalog.ByCode(s.Service)
	for p.channel = s.By[chance.IntN(len(s.By))]; !p.who.writes([]string{p.channel}); {
		p.channel = s.By[chance.IntN(len(s.By))]
	}
	p.end = s.ending(chance)
	if len(s.Pairs) > 0 {
		p.pair = &s.Pairs[chance.IntN(len(s.Pairs))]
	}
	p.doubt = s.Question != nil && chance.IntN(5) == 0
	p.staff(chance)
	if chance.IntN(oneOpen) == 0 {
		p.stage = stage(chance.IntN(int(decided)))
	}
	if p.n == 0 { // the one that the greeting names has something to answer
		p.channel, p.stage = "sms", asked
	}
	if p.stage == asked && s.Question == nil || p.stage == held && p.second.ID == "" {
		p.stage = taken
	}
	a.times(p, chance)
}

// ending picks one of the ends by its weight.
func (s *story) ending(chance *rand.Rand) int {
	sum := 0
	for _, e := range s.Ends {
		sum += e.Weight
	}
	at := chance.IntN(sum)
	for i, e := range s.Ends {
		if at -= e.Weight; at < 0 {
			return i
		}
	}
	return 0
}

// staff gives the case an officer of its department; one who may not release alone works with a colleague who may.
func (p *plan) staff(chance *rand.Rand) {
	var officers, releasers []adapters.Staff
	for _, s := range console.DemoStaff() {
		if s.Department != p.service.Department || !s.Has(adapters.Officer) {
			continue
		}
		officers = append(officers, s)
		if s.Has(adapters.Releaser) {
			releasers = append(releasers, s)
		}
	}
	p.officer = officers[chance.IntN(len(officers))]
	if !p.officer.Has(adapters.Releaser) {
		p.second = releasers[0]
	}
}

// times puts a case into the year. What is open was filed so lately that its promise is still to come; what is decided
// was decided within it.
func (a *almanac) times(p *plan, chance *rand.Rand) {
	days, _ := service.WorkingDays(p.service.Promise)
	last := 3 + 2*days // so long ago that the promise is over, holidays and all
	for range 200 {
		u := chance.Float64()
		back := last + int(float64(350-last)*u*u)
		if p.stage != decided {
			back = int(u * float64(last))
		}
		p.filed = a.day(a.now.AddDate(0, 0, -back), minutes(chance, 8*60, 21*60))
		a.acts(p, chance)
		due := p.service.Due(p.filed, a.zone)
		if p.filed.Before(a.now.Add(-time.Hour)) && p.reached(a.now) == p.stage && (p.stage == decided || due.After(a.now.Add(6*time.Hour))) {
			return
		}
	}
}

// acts are the times at which the office and the person act on what was filed.
func (a *almanac) acts(p *plan, chance *rand.Rand) {
	due := p.service.Due(p.filed, a.zone)
	p.claimed = a.working(p.filed.Add(minutes(chance, 60, 12*60)), due)
	p.asking = p.claimed.Add(minutes(chance, 1, 60))
	p.replied = p.asking.Add(minutes(chance, 60, 5*60))
	from := p.claimed.Add(time.Minute)
	if p.doubt {
		from = p.replied.Add(time.Minute)
	}
	p.told = a.working(from.Add(time.Duration(chance.Float64()*0.8*float64(due.Sub(from)))), due)
	if p.told.Before(from) {
		p.told = from
	}
}

func minutes(chance *rand.Rand, from, to int) time.Duration {
	return time.Duration(from+chance.IntN(to-from)) * time.Minute
}

// day is that time of the day of t in the city.
func (a *almanac) day(t time.Time, at time.Duration) time.Time {
	local := t.In(a.zone)
	return time.Date(local.Year(), local.Month(), local.Day(), 0, 0, 0, 0, a.zone).Add(at).UTC()
}

// working moves t into the hours when staff work, before due.
func (a *almanac) working(t, due time.Time) time.Time {
	local := t.In(a.zone)
	if local.Hour() >= 17 {
		local = time.Date(local.Year(), local.Month(), local.Day()+1, 9, local.Minute(), local.Second(), 0, a.zone)
	}
	for !a.work.Open(service.DayOf(local)) {
		local = time.Date(local.Year(), local.Month(), local.Day()+1, 9, local.Minute(), local.Second(), 0, a.zone)
	}
	if local.Hour() < 9 {
		local = local.Add(time.Duration(9-local.Hour()) * time.Hour)
	}
	if !local.Before(due) {
		return due.Add(-20 * time.Minute)
	}
	return local.UTC()
}

// reached gives the stage that the plan has come to at now: what lies ahead did not happen.
func (p *plan) reached(now time.Time) stage {
	switch {
	case p.stage >= taken && !p.claimed.Before(now.Add(-time.Minute)):
		return unread
	case p.stage == asked && !p.asking.Before(now.Add(-5*time.Minute)), p.stage == held && !p.told.Before(now):
		return taken
	}
	return p.stage
}

// reference is the case's public number: drawn, so that a repeat finds it.
func (p *plan) reference() string {
	return exchange.Reference(rand.New(rand.NewPCG(3, uint64(p.n))).Uint64N(1 << 40))
}

// ids draws the ids of one case or party; the time in front keeps their order.
func ids(kind, n int) func(time.Time) string {
	chance := rand.New(rand.NewPCG(uint64(10+kind), uint64(n)))
	return func(at time.Time) string {
		return exchange.NewID(at)[:10] + fmt.Sprintf("%016X", chance.Uint64())
	}
}

// chanceOf draws what stands in the form of one case.
func chanceOf(n int) *rand.Rand { return rand.New(rand.NewPCG(5, uint64(n))) }

// byTime orders plans as they were filed.
func byTime(all []*plan) []*plan {
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b *plan) int { return a.filed.Compare(b.filed) })
	return all
}
