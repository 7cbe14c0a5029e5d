package program

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"gatehouse/channels"
	"gatehouse/configs"
	"gatehouse/configs/city"
	"gatehouse/configs/paper"
	"gatehouse/configs/serve"
	"gatehouse/configs/texts"
	"gatehouse/exchange"
	"gatehouse/exchange/evidence"
	border "gatehouse/exchange/program"
	"gatehouse/exchange/receipt"
	"gatehouse/exchange/service"
	"gatehouse/gateway"
	"gatehouse/gateway/broadcast"
	"gatehouse/gateway/declaration"
	"gatehouse/gateway/portal"
	"gatehouse/gateway/portal/counter"
	"gatehouse/gateway/slip"
	"gatehouse/gateway/store"
)

// Options is what the caller of Run may set; the zero value is right for a program.
type Options struct {
	Log *slog.Logger
	Now func() time.Time
	// Hold keeps a clock that can be moved from moving until release is called, so that no lease runs out because of it;
	// nil: Now is a clock that nobody moves.
	Hold func() (release func())
	// Ready is called once when all listeners are bound, with their real addresses by name: listen, private_listen,
	// smtp.
	Ready func(addresses map[string]string)
}

func (o Options) withDefaults() Options {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Hold == nil {
		o.Hold = func() func() { return func() {} }
	}
	if o.Ready == nil {
		o.Ready = func(map[string]string) {}
	}
	return o
}

// Run runs the gateway until ctx ends, then stops within 5 s: it stops listening, finishes what is under way, and
// closes the store.
func Run(ctx context.Context, c Config, o Options) (err error) {
	o = o.withDefaults()
	g, err := open(ctx, c, o)
	if err != nil {
		return stopped(ctx, o.Log, err)
	}
	defer func() { err = errors.Join(err, g.close()) }()
	return g.run(ctx)
}

// house is the open gateway.
type house struct {
	Options
	cfg      Config
	store    *store.Store
	volatile volatile
	channels map[string]channels.Channel
	inbox    *inbox
	worker   *worker
	intake   *intake
	sender   *sender
	tender   *tender
	arrivals *arrivals
	caster   *caster
	pages    *pages
	links    border.Side
	keys     *exchange.Keys
	border   *exchange.Port
	evidence *evidence.Side
	portal   *portal.Portal
	desk     []func(*http.ServeMux) // the counter, where there are clerks
	public   *serve.Server
	private  *serve.Server
}

// open builds the house from the ground up; what was opened is closed again when a later part fails.
func open(ctx context.Context, c Config, o Options) (g *house, err error) {
	g = &house{Options: o, cfg: c}
	defer func() {
		if err != nil {
			err = errors.Join(err, g.close())
			g = nil
		}
	}()
	mux := http.NewServeMux()
	if g.public, err = serve.Listen(ctx, c.Listen, "listen", mux, o.Log); err != nil {
		return g, err
	}
	g.cfg.PublicURL = realURL(c.PublicURL, g.public.Addr())
	for _, step := range []func(context.Context) error{g.openKeys, g.openStore, g.openChannels, g.openHeart, g.openBorder} {
		if err := step(ctx); err != nil {
			return g, err
		}
	}
	g.mount(mux)
	alarms := &alarms{}
	g.sender.alarm = alarms.set
	private := serve.Private(metrics(g.store, alarms, g.keys, g.links, g.border, g.intake, g.sender.budget, g.tender), g.desk...)
	g.private, err = serve.Listen(ctx, c.PrivateListen, "private_listen", private, o.Log)
	return g, err
}

// stopped tells whether opening failed by a fault: who was told to stop meanwhile stopped, whatever it was at.
func stopped(ctx context.Context, log *slog.Logger, err error) error {
	if ctx.Err() == nil {
		return err
	}
	log.InfoContext(ctx, "stopped while it opened", "err", err)
	return nil
}

// realURL puts the real port into a public URL that names port 0.
func realURL(public string, addr net.Addr) string {
	u, err := url.Parse(public)
	if err != nil || u.Port() != "0" {
		return strings.TrimSuffix(public, "/")
	}
	_, port, err := net.SplitHostPort(addr.String())
	if err != nil {
		return public
	}
	u.Host = net.JoinHostPort(u.Hostname(), port)
	return strings.TrimSuffix(u.String(), "/")
}

func (g *house) openStore(ctx context.Context) (err error) {
	g.store, err = store.Open(ctx, store.Config{URL: g.cfg.Store, KeyFile: g.cfg.KeyFile, Owner: g.cfg.Owner, Log: g.Log, Now: g.Now, Receipts: g.keys.Ring.ReceiptKey})
	if err != nil {
		return err
	}
	g.volatile, err = openVolatile(g.cfg.Redis, g.store.Mark, g.Log, g.Now)
	return err
}

func (g *house) newID() string { return exchange.NewID(g.Now()) }

// openHeart reads services and answers and ties the loops together.
func (g *house) openHeart(ctx context.Context) error {
	cat, err := services(g.cfg.ServicesDir)
	if err != nil {
		return err
	}
	words, err := texts.Load()
	if err != nil {
		return err
	}
	dir, err := answersDir(g.cfg.AnswersDir)
	if err != nil {
		return err
	}
	g.pages = newPages(dir, g.store, g.cfg.PublicURL, cat.City.Location(), g.Now, g.Log)
	if err := g.pages.refresh(ctx); err != nil {
		return fmt.Errorf("read publications: %w", err)
	}
	links := portal.Links{PublicURL: g.cfg.PublicURL, Key: g.cfg.LinkKey, Now: g.Now}
	heart := gateway.NewDispatcher(gateway.Rules{Texts: words, Services: cat, Answers: g.pages, PublicURL: g.cfg.PublicURL, Track: links.Track, Paper: links.Paper,
		CodeKey: codeKey(g.cfg.LinkKey)})
	filing := &declaration.Filing{Services: cat, Files: g.store, Heart: heart}
	g.tender = &tender{store: g.store, services: cat, now: g.Now, log: g.Log}
	g.sender = newSender(g.store, g.channels, g.Now, g.Log)
	g.sender.hold = g.Hold
	g.sender.budget = &budget{texts: g.cfg.Texts.with(cat.City.Country), limiter: g.volatile.Limiter, log: g.Log, over: map[string]bool{}, held: map[string]int64{}}
	g.sender.pacer = &pacer{rates: g.cfg.Rates, limiter: g.volatile.Limiter}
	slips, keys := g.slips(cat, words), func() receipt.Keys { return g.keys.Ring.ReceiptKeys(cat.City.Domain) }
	g.sender.attach = &attacher{store: g.store, print: slips, log: g.Log}
	g.caster = g.newCaster(cat, heart)
	g.arrivals = &arrivals{store: g.store, ledger: g.store, lane: g.store.Incoming(), tell: heart, now: g.Now, ids: g.newID, bell: newBell(),
		done: g.sender.bell.ring, pages: g.pages.bell.ring, cast: g.caster.bell.ring, keys: keys, log: g.Log}
	g.intake = &intake{lane: g.store.Outgoing(), limit: g.cfg.Exchange.OutboxLimit, now: g.Now, log: g.Log}
	if g.intake.limit == 0 {
		g.intake.limit = defaultOutbox
	}
	g.worker = &worker{store: g.store, step: bounded(g.intake, heart.Full, answer(filing, heart)), now: g.Now, ids: g.newID, refs: exchange.NewReference, codes: newCode, wants: heart.Wants, registry: g.store, bell: newBell(),
		done: g.committed, log: g.Log}
	g.inbox = &inbox{store: g.store, hide: gateway.NewSecrets().Hide, wake: g.worker.bell.ring, log: g.Log}
	g.portal, err = portal.Open(portal.Options{City: g.cfg.Name, Links: links, Library: g.pages, Matters: g.store, Files: g.store, Passes: g.store, Inbox: g.inbox,
		Receipts: g.store, ReceiptKeys: keys, Slips: slips,
		History: g.store, Services: cat, Texts: words, Limiter: g.volatile.Limiter, Log: g.Log, Now: g.Now, NewID: g.newID})
	if err != nil || len(g.cfg.Counter.Clerks) == 0 {
		return err
	}
	desk, err := counter.Open(counter.Options{Config: g.cfg.Counter, City: g.cfg.Name, Store: g.store, Inbox: g.inbox, Services: cat, Texts: words,
		Limiter: g.volatile.Limiter, Track: links.Track, Log: g.Log, Now: g.Now})
	if err == nil {
		g.desk = append(g.desk, desk.Mount)
	}
	return err
}

// newCaster opens the carrying out of broadcasts, on every channel that reaches people who are not looking.
func (g *house) newCaster(cat *service.Catalog, heart *gateway.Dispatcher) *caster {
	open := slices.DeleteFunc(slices.Sorted(maps.Keys(g.channels)), func(name string) bool { return name == "web" })
	return &caster{ledger: g.store, lease: g.volatile, owner: g.newID(), now: g.Now, ids: g.newID, bell: newBell(), open: open,
		plan: broadcast.Planner{Languages: cat.City.Languages, Daytime: heart.Daytime, Carries: func(name string) bool { return slices.Contains(open, name) }},
		owed: g.sender.bell.ring, crossed: func() { g.border.Nudge() }, log: g.Log, told: map[string]told{}, warned: map[string]bool{}}
}

// slips opens the printing of receipts, and says at the start in which of the city's languages there will be none. nil: in
// none of them.
func (g *house) slips(cat *service.Catalog, words *texts.Catalog) *slip.Printer {
	press, err := paper.Open(paper.Config{})
	if err != nil {
		g.Log.Warn("receipts go without a page", "err", err)
		return nil
	}
	var without []string
	for _, lang := range cat.City.Languages {
		if press.Can(words.Text(lang, "paper.receipt.title", nil), words.Text(lang, "paper.receipt.how", nil)) != nil {
			without = append(without, lang)
		}
	}
	if len(without) > 0 {
		g.Log.Warn("receipts in these languages go without a page: there is no font for them; install fonts-noto-core and fonts-noto-cjk", "languages", without)
	}
	return &slip.Printer{Press: press, Texts: words, Services: cat, Name: g.cfg.Name, Public: g.cfg.PublicURL}
}

// answer offers a message first to the filing of declarations, which reads files, and else to the pure heart.
func answer(filing *declaration.Filing, heart *gateway.Dispatcher) func(context.Context, gateway.Turn) (gateway.Outcome, error) {
	return func(ctx context.Context, t gateway.Turn) (gateway.Outcome, error) {
		if t.Claim.Wake.Kind != "" {
			return heart.Wake(t, t.Claim.Wake), nil
		}
		o, mine, err := filing.Offer(ctx, t)
		if mine || err != nil {
			return o, err
		}
		return heart.Step(t)
	}
}

// committed rings whoever acts on what a worker committed.
func (g *house) committed() {
	g.sender.bell.ring()
	g.border.Nudge()
}

// services reads the operator's service files, or the demo city's.
func services(dir string) (*service.Catalog, error) {
	if dir == "" {
		return service.Load(city.Services(), func(name string, b []byte, into any) error {
			return configs.Parse("configs/city/services/"+name, b, into, os.LookupEnv)
		})
	}
	return service.Load(os.DirFS(dir), func(name string, b []byte, into any) error {
		return configs.Parse(filepath.Join(dir, name), b, into, os.LookupEnv)
	})
}

// run starts every loop and waits for all of them.
func (g *house) run(ctx context.Context) error {
	run, ctx := errgroup.WithContext(ctx)
	g.Log.InfoContext(ctx, "gateway started", "listen", g.public.Addr().String(), "isolation", g.cfg.Exchange.Isolation, "channels", len(g.channels))
	run.Go(func() error { return g.public.Run(ctx) })
	run.Go(func() error { return g.private.Run(ctx) })
	for _, loop := range []func(context.Context) error{g.worker.run, g.worker.rise, g.tender.run, g.sender.run, g.arrivals.run, g.caster.run, g.pages.run, g.border.Run, g.keys.Run} {
		run.Go(func() error { return loop(ctx) })
	}
	for name, ch := range g.channels {
		if l, ok := ch.(channels.Listener); ok {
			run.Go(func() error {
				if err := l.Listen(ctx, g.inbox); err != nil {
					return fmt.Errorf("channels.%s: %w", name, err)
				}
				return nil
			})
		}
	}
	run.Go(func() error { return g.ready(ctx) })
	err := run.Wait()
	g.Log.Info("gateway stopped")
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// ready tells the real addresses once every listener has one.
func (g *house) ready(ctx context.Context) error {
	all := map[string]string{"listen": g.public.Addr().String(), "private_listen": g.private.Addr().String(), "public_url": g.cfg.PublicURL}
	for _, ch := range g.channels {
		a, ok := ch.(channels.Addresser)
		if !ok {
			continue
		}
		for ctx.Err() == nil {
			found := a.Addresses()
			maps.Copy(all, found)
			if len(found) > 0 {
				break
			}
			newBell().wait(ctx, readyPoll)
		}
	}
	if ctx.Err() == nil {
		g.Ready(all)
	}
	return nil
}

// readyPoll is how often a listener that is binding is asked for its address.
const readyPoll = 5 * time.Millisecond

// close closes what is open, the store last.
func (g *house) close() error {
	var all []error
	for _, s := range []*serve.Server{g.public, g.private} {
		if s != nil {
			s.Close()
		}
	}
	for _, c := range g.channels {
		if c, ok := c.(io.Closer); ok {
			all = append(all, c.Close())
		}
	}
	all = append(all, g.links.Close())
	if g.volatile.close != nil {
		all = append(all, g.volatile.close())
	}
	if g.evidence != nil {
		all = append(all, g.evidence.Close())
	}
	if g.store != nil {
		all = append(all, g.store.Close())
	}
	return errors.Join(all...)
}
