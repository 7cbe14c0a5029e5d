// Package past fills the demo city's stores with the year before the demo began: who lives in Port Lumen, what they
// filed, what the office said and what became of it.
//
// The rule: nothing is written that real traffic could not write. Each form goes through the gateway's heart and its
// checks, each act through the built-in desk and its policy of release, by a clock of its own; only the carriers and
// the border stay out of it, since what was delivered and what crossed is long over. A repeat changes nothing. It is
// for the demo alone.
package past

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"gatehouse/adapters"
	"gatehouse/adapters/console"
	"gatehouse/adapters/desk"
	"gatehouse/adapters/office"
	"gatehouse/adapters/release"
	"gatehouse/configs"
	"gatehouse/configs/city"
	"gatehouse/configs/texts"
	"gatehouse/exchange"
	"gatehouse/exchange/service"
	"gatehouse/gateway"
)

// Office is the intranet's store.
type Office interface {
	office.Store
	desk.Store
	adapters.People
	adapters.Register
}

// Town is what the past is told to.
type Town struct {
	Gateway gateway.Store
	Office  Office
	Catalog *service.Catalog
	Texts   *texts.Catalog
	Release release.Config
	// Keys are the intranet's: a second person's word is signed.
	Keys *exchange.Ring
	// Now is when the year ends.
	Now time.Time
}

// Fill puts the year into both stores. It does nothing when it is there already, or when one of the stores holds
// something else: a place where people work is no demo.
func Fill(ctx context.Context, t Town) error {
	y, err := t.year()
	if err != nil {
		return err
	}
	for _, ready := range []func(context.Context) (bool, error){y.whole, y.occupied} {
		if there, err := ready(ctx); err != nil || there {
			return err
		}
	}
	for _, step := range []func(context.Context) error{y.staff, y.enrol, y.file, y.first, y.leave, y.second, y.leave, y.look, y.keep} {
		if err := step(ctx); err != nil {
			return fmt.Errorf("the city's past: %w", err)
		}
	}
	return nil
}

// Phone is the number of somebody whom the office asked something.
const Phone = "+44 7700 900300"

// Holds says what Fill puts into a city, in words.
func Holds() string {
	b, err := read()
	if err != nil {
		return err.Error()
	}
	people, companies, cases := 0, 0, 0
	for _, f := range b.People {
		people += f.Count
	}
	for _, names := range b.Companies {
		companies += len(names)
	}
	for _, s := range b.Stories {
		cases += s.Count
	}
	return fmt.Sprintf("%d people, %d companies, %d cases", people, companies, cases)
}

func read() (b book, err error) {
	err = configs.Parse(city.PastFile, city.Past(), &b, os.LookupEnv)
	return b, err
}

// year is the past at work.
type year struct {
	Town
	people []*party
	plays  []*play
	gate   *gate
	board  *board
	cursor int64
	known  map[string]*play // by the case's id
}

func (t Town) year() (*year, error) {
	b, err := read()
	if err != nil {
		return nil, err
	}
	c := t.Catalog.City
	a := &almanac{book: &b, catalog: t.Catalog, now: t.Now, zone: c.Location(), work: c.Calendars[service.Workdays]}
	y := &year{Town: t, people: b.town(c), known: map[string]*play{}}
	y.gate = &gate{city: c, heart: gateway.NewDispatcher(gateway.Rules{Texts: t.Texts, Services: t.Catalog})}
	y.board = &board{store: t.Office, city: office.City{Catalog: t.Catalog}, policy: t.Release, keys: t.Keys, now: t.Now, words: t.words}
	for _, p := range byTime(a.plans(y.people)) {
		p.stage = p.reached(t.Now)
		y.plays = append(y.plays, &play{plan: p, id: ids(0, p.n), out: ids(1, p.n), slip: ids(2, p.n)})
	}
	return y, nil
}

func (t Town) words(template, lang string) string {
	key := "console.template." + template
	if text := t.Texts.Text(lang, key, nil); text != key {
		return text
	}
	return ""
}

// whole tells whether the last party is there, which is stored after all else.
func (y *year) whole(ctx context.Context) (bool, error) {
	last := y.people[len(y.people)-1]
	i := slices.IndexFunc(y.plays, func(p *play) bool { return p.who == last })
	return found(y.Gateway.Tracked(ctx, y.plays[i].reference()))
}

// occupied tells whether somebody else works here: of an attempt that was cut short the first case is there.
func (y *year) occupied(ctx context.Context) (bool, error) {
	counts, err := y.Gateway.Counts(ctx)
	if err != nil || counts.Inbound > 0 {
		return true, err
	}
	records, _, err := y.Office.List(ctx, adapters.Filter{Departments: []string{"*"}, Limit: 1})
	if err != nil || len(records) == 0 {
		return false, err
	}
	ours := slices.ContainsFunc(y.plays, func(p *play) bool { return p.reference() == records[0].Case.Reference })
	return !ours, nil
}

func found(_ gateway.Matter, err error) (bool, error) {
	if errors.Is(err, gateway.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// staff takes the demo's staff on, as the office does when it starts.
func (y *year) staff(ctx context.Context) error { return console.SeedDemo(ctx, y.Office) }

// file lets everybody file, in the order of time.
func (y *year) file(context.Context) (err error) {
	alerts, ok := y.Catalog.ByCode("WTR-ALERT")
	for _, p := range y.people {
		id := ids(3, p.n)
		p.settle(id(y.Now.AddDate(-1, 0, 0)), y.Now.AddDate(-1, 0, -1).UTC())
		if ok {
			y.gate.join(p, alerts, y.Now)
		}
	}
	for _, p := range y.plays {
		w := &scribe{chance: chanceOf(p.n), service: p.service, words: p.story.Words, who: p.who, other: p.other, at: p.filed}
		if p.doc, err = y.gate.file(p.plan, w, p.out); err != nil {
			return err
		}
		y.known[p.doc.ID] = p
	}
	return nil
}

// first is what the office does with each case before anything leaves.
func (y *year) first(ctx context.Context) error {
	return y.each(ctx, y.plays, y.board.receive)
}

// second brings the answers to what was asked back.
func (y *year) second(ctx context.Context) error {
	replies := map[*play]exchange.Addition{}
	var some []*play
	for _, p := range y.plays {
		if p.stage < held || !p.doubt {
			continue
		}
		a, err := y.gate.reply(p.plan, p.doc.ID, p.out)
		if err != nil {
			return err
		}
		replies[p], some = a, append(some, p)
	}
	return y.each(ctx, some, func(ctx context.Context, p *play) error { return p.answered(ctx, replies[p]) })
}

// side is how many cases are worked on at once: the store's writer commits them together.
const side = 64

func (y *year) each(ctx context.Context, all []*play, do func(context.Context, *play) error) error {
	run, ctx := errgroup.WithContext(ctx)
	run.SetLimit(side)
	for _, p := range all {
		run.Go(func() error { return do(ctx, p) })
	}
	return run.Wait()
}

// leave lets out what was written, in order, and tells the people.
func (y *year) leave(ctx context.Context) error {
	due := without(y.plays, func(p *play) bool { return p.leave.IsZero() })
	slices.SortFunc(due, func(a, b *play) int { return a.leave.Compare(b.leave) })
	if err := y.board.depart(ctx, due); err != nil {
		return err
	}
	if y.cursor == 0 {
		if err := y.received(); err != nil {
			return err
		}
	}
	all, cursor, err := y.board.notices(ctx, y.cursor)
	if err != nil {
		return err
	}
	y.cursor = cursor
	slices.SortStableFunc(all, func(a, b exchange.Notice) int { return a.At.Compare(b.At) })
	for _, n := range all {
		if p := y.known[n.Case]; p != nil {
			if err := y.gate.told(p.who, n, p.out); err != nil {
				return err
			}
		}
	}
	return nil
}

// received tells everybody that their case is registered, as the office does at once.
func (y *year) received() error {
	for _, p := range y.plays {
		n := exchange.Notice{Case: p.doc.ID, Reference: p.doc.Reference, State: exchange.Received, Lang: p.doc.Lang, Promise: p.doc.Promise, At: p.filed.Add(5 * time.Second)}
		if err := y.gate.told(p.who, n, p.out); err != nil {
			return err
		}
	}
	return nil
}

// look is a colleague's look at samples, and the mark that all that left was told.
func (y *year) look(ctx context.Context) error {
	staff := console.DemoStaff()
	by := staff[slices.IndexFunc(staff, func(s adapters.Staff) bool { return s.Has(adapters.Approver) })]
	if err := y.board.review(ctx, by, y.plays[0]); err != nil {
		return err
	}
	from, err := y.Office.Cursor(ctx, desk.Name)
	to := strconv.FormatInt(y.cursor, 10)
	if err != nil || from == to {
		return err
	}
	var cases []string
	for id := range y.known {
		cases = append(cases, id)
	}
	return y.Office.Tell(ctx, desk.Name, from, to, nil, cases, nil)
}

// keep stores the people outside, the last one last.
func (y *year) keep(ctx context.Context) error {
	last := len(y.people) - 1
	run, some := errgroup.WithContext(ctx)
	run.SetLimit(side)
	for _, p := range y.people[:last] {
		run.Go(func() error { return y.keepOne(some, p) })
	}
	if err := run.Wait(); err != nil {
		return err
	}
	return y.keepOne(ctx, y.people[last])
}

// keepOne stores a party whole, unless an attempt that was cut short did.
func (y *year) keepOne(ctx context.Context, p *party) error {
	there, err := found(y.Gateway.Tracked(ctx, p.matters[0].Reference))
	if err != nil || there {
		return err
	}
	return y.gate.keep(ctx, y.Gateway, p)
}
