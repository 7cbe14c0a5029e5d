package program

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	published "gatehouse/configs/answers"
	"gatehouse/configs/city"
	"gatehouse/exchange"
	"gatehouse/gateway"
	"gatehouse/gateway/answers"
)

// pages keeps the index of answers in step with what the inside publishes.
type pages struct {
	store  gateway.Pages
	live   *answers.Live
	shelf  atomic.Pointer[map[string]published.Page] // by lang/id; replaced as a whole, never changed
	now    func() time.Time
	public string // the portal's URL
	zone   *time.Location
	mark   uint64
	bell   bell
	log    *slog.Logger
}

// answersDir reads the operator's directory, or the demo city's.
func answersDir(dir string) ([]published.Page, error) {
	if dir == "" {
		return published.LoadFS(city.Answers(), "configs/city/answers")
	}
	return published.Load(dir)
}

func newPages(dir []published.Page, store gateway.Pages, public string, zone *time.Location, now func() time.Time, log *slog.Logger) *pages {
	p := &pages{store: store, live: &answers.Live{}, public: public, zone: zone, now: now, bell: newBell(), log: log}
	base := map[string]published.Page{}
	for _, page := range dir {
		base[page.Lang+"/"+page.ID] = page
	}
	p.swap(base)
	return p
}

func (p *pages) run(ctx context.Context) error {
	for ctx.Err() == nil {
		if err := p.refresh(ctx); err != nil && ctx.Err() == nil {
			p.log.ErrorContext(ctx, "read publications", "err", err)
		}
		p.bell.wait(ctx, 2*time.Second)
	}
	return nil
}

// refresh reads what is newer than the mark, and makes a new index when there is something.
func (p *pages) refresh(ctx context.Context) error {
	news, mark, err := p.store.Published(ctx, "answer", p.mark)
	if err != nil || mark == p.mark {
		return err
	}
	base := maps.Clone(*p.shelf.Load())
	for _, n := range news {
		p.apply(ctx, base, n)
	}
	p.mark = mark
	p.swap(base)
	p.log.InfoContext(ctx, "answers published", "pages", len(news), "mark", mark)
	return nil
}

func (p *pages) apply(ctx context.Context, base map[string]published.Page, n exchange.Publication) {
	key := n.Lang + "/" + n.Name
	if n.Removed {
		delete(base, key)
		return
	}
	page, err := published.Parse(key, n.Lang, []byte(n.Body))
	if err != nil {
		p.log.ErrorContext(ctx, "publication is not a page", "name", n.Name, "lang", n.Lang, "err", err)
		return
	}
	base[key] = page
}

// swap puts an index of all public pages in place.
func (p *pages) swap(base map[string]published.Page) {
	var all []answers.Page
	for _, page := range base {
		if page.Public() {
			all = append(all, p.page(page))
		}
	}
	p.shelf.Store(&base)
	p.live.Swap(answers.New(all))
}

// Find searches the index in use.
func (p *pages) Find(q answers.Query) answers.Result { return p.live.Find(q) }

// Page gives a public page in force.
func (p *pages) Page(lang, id string) (published.Page, bool) {
	a, ok := (*p.shelf.Load())[lang+"/"+id]
	return a, ok && a.Public() && a.InForce(p.now().In(p.zone))
}

// Pages gives all public pages in force in lang, ordered by title.
func (p *pages) Pages(lang string) []published.Page {
	var all []published.Page
	for _, a := range *p.shelf.Load() {
		if a.Lang == lang && a.Public() && a.InForce(p.now().In(p.zone)) {
			all = append(all, a)
		}
	}
	slices.SortFunc(all, func(a, b published.Page) int { return strings.Compare(a.Title, b.Title) })
	return all
}

func (p *pages) page(a published.Page) answers.Page {
	from, to := a.Bounds(p.zone)
	return answers.Page{
		ID: a.ID, Lang: a.Lang, Title: a.Title, Asks: a.Asks, SMS: a.SMS, Chat: a.Chat, Body: a.Page,
		URL: fmt.Sprintf("%s/%s/answers/%s", p.public, a.Lang, url.PathEscape(a.ID)), Service: a.Service, Owner: a.Owner, From: from, To: to,
	}
}
