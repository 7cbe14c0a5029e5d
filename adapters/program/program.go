package program

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"gatehouse/adapters"
	"gatehouse/adapters/console"
	"gatehouse/adapters/desk"
	"gatehouse/adapters/factor"
	"gatehouse/adapters/office"
	"gatehouse/adapters/release"
	"gatehouse/adapters/store"
	"gatehouse/configs"
	"gatehouse/configs/answers"
	"gatehouse/configs/city"
	"gatehouse/configs/command"
	"gatehouse/configs/serve"
	"gatehouse/configs/texts"
	"gatehouse/exchange"
	"gatehouse/exchange/evidence"
	border "gatehouse/exchange/program"
	"gatehouse/exchange/service"
)

// Options is what the caller of Run may set; the zero value is right for a program.
type Options struct {
	Log *slog.Logger
	Now func() time.Time
	// Ready is called once when all listeners are bound, with their real addresses: office, office_private.
	Ready func(addresses map[string]string)
}

func (o Options) withDefaults() Options {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Ready == nil {
		o.Ready = func(map[string]string) {}
	}
	return o
}

// Command is the office as a program of its own.
func Command() command.Program[Config] {
	return command.Program[Config]{
		Name: "office", File: "configs/office.yaml",
		Check: func(c *Config) (string, error) {
			_, s := services(c.ServicesDir)
			_, a := answersDir(c.AnswersDir)
			links := border.CheckSide(exchange.Intranet, c.Exchange.Up, c.Exchange.Down)
			return "isolation: " + c.Exchange.Isolation, errors.Join(s, a, links)
		},
		Run: func(ctx context.Context, c Config, out io.Writer, ready func(map[string]string)) error {
			fmt.Fprintln(out, "isolation:", c.Exchange.Isolation)
			log := slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{Level: c.Level}))
			return Run(ctx, c, Options{Log: log, Ready: ready})
		},
		Acts: map[string]func(context.Context, Config, []string, io.Writer) error{"lane epoch": laneEpoch},
	}
}

// Run runs the office until ctx ends, then stops within 5 s.
func Run(ctx context.Context, c Config, o Options) (err error) {
	o = o.withDefaults()
	h, err := open(ctx, c, o)
	if err != nil {
		return stopped(ctx, o.Log, err)
	}
	defer func() { err = errors.Join(err, h.close()) }()
	return h.run(ctx)
}

// stopped tells whether opening failed by a fault: who was told to stop meanwhile stopped, whatever it was at.
func stopped(ctx context.Context, log *slog.Logger, err error) error {
	if ctx.Err() == nil {
		return err
	}
	log.InfoContext(ctx, "stopped while it opened", "err", err)
	return nil
}

// close closes the links, and the store last.
func (h *house) close() error {
	err := h.links.Close()
	if h.evidence != nil {
		err = errors.Join(err, h.evidence.Close())
	}
	return errors.Join(err, h.store.Close())
}

// house is the open office.
type house struct {
	Options
	cfg      Config
	store    *store.Store
	office   *office.Office
	desk     *desk.Desk
	gate     office.Gate
	policy   *release.Policy
	factor   *factor.Factors
	catalog  *service.Catalog
	texts    *texts.Catalog
	links    border.Side
	keys     *exchange.Keys
	border   *exchange.Port
	evidence *evidence.Side
	public   *serve.Server
	private  *serve.Server
}

func open(ctx context.Context, c Config, o Options) (*house, error) {
	if c.Undo == 0 {
		c.Undo = adapters.Undo
	}
	h := &house{Options: o, cfg: c}
	var err error
	if h.catalog, err = services(c.ServicesDir); err != nil {
		return nil, err
	}
	if h.texts, err = texts.Load(); err != nil {
		return nil, err
	}
	if h.store, err = store.Open(ctx, c.Store, store.Options{Log: o.Log, Now: o.Now, KeyFile: c.KeyFile}); err != nil {
		return nil, err
	}
	for _, step := range []func(context.Context) error{h.seed, h.shelve, h.openBorder, h.listen} {
		if err := step(ctx); err != nil {
			return nil, errors.Join(err, h.close())
		}
	}
	return h, nil
}

func (h *house) newID() string { return exchange.NewID(h.Now()) }

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

func answersDir(dir string) ([]answers.Page, error) {
	if dir == "" {
		return answers.LoadFS(city.Answers(), "configs/city/answers")
	}
	return answers.Load(dir)
}

// seed makes the staff those of the configuration, or puts the demo's in where it asks for the demo.
func (h *house) seed(ctx context.Context) error {
	if h.cfg.Demo {
		return console.SeedDemo(ctx, h.store)
	}
	return console.Enrol(ctx, h.store, h.cfg.Staff)
}

// shelve puts the directory's answers into the store as revision 0.
func (h *house) shelve(ctx context.Context) error {
	dir, err := answersDir(h.cfg.AnswersDir)
	if err != nil {
		return err
	}
	return office.Shelve(ctx, h.store, dir)
}

// words gives a template's text; empty: it has none.
func (h *house) words(template, lang string) string {
	key := "console.template." + template
	if text := h.texts.Text(lang, key, nil); text != key {
		return text
	}
	return ""
}

// openBorder opens this side's end of both lanes, and the office over it. It holds the intranet's keys alone.
func (h *house) openBorder(context.Context) error {
	x := h.cfg.Exchange
	keys, err := exchange.OpenKeys(x.Keys, exchange.Intranet, h.Log, x.Suites...)
	if err != nil {
		return fmt.Errorf("exchange.keys: %w", err)
	}
	if h.links, err = border.OpenSide(exchange.Intranet, x.Up, x.Down, x.Poll, h.Log); err != nil {
		return fmt.Errorf("exchange.%w", err)
	}
	if h.evidence, err = border.OpenEvidence(border.Evidence(x.LogFile, h.cfg.Store), exchange.Intranet, h.Now(), h.Log); err != nil {
		return fmt.Errorf("exchange.%w", err)
	}
	h.border = &exchange.Port{Lane: exchange.Down, Ring: keys.Ring, Outgoing: h.store.Outgoing(), Incoming: h.store.Incoming(), Out: h.links.Out, In: h.links.In,
		Owner: h.owner(), Log: h.Log, Now: h.Now, NewID: h.newID, AckEvery: x.AckEvery, AckIdle: x.AckIdle, Resend: x.Resend, BeatEvery: x.BeatEvery,
		Journal: h.evidence}
	keys.Now, h.keys = h.Now, keys
	city := office.City{Catalog: h.catalog}
	if h.policy, err = release.New(h.cfg.Release, rand.IntN); err != nil {
		return fmt.Errorf("release: %w", err)
	}
	h.gate = office.Gate{Person: h.store.Person, Words: h.words, Sign: func(d exchange.Document) (exchange.Document, error) {
		return keys.Ring.Release(d, h.Now())
	}, Second: func(d exchange.Document) (exchange.Document, error) { return keys.Ring.Approve(d, h.Now()) },
		Check: func(ctx context.Context, d exchange.Document) error { return h.policy.Check(ctx, h.store, d) },
		Spend: func(ctx context.Context, template string) (bool, error) {
			return h.store.Spend(ctx, template, h.policy.TemplatePerDay(), h.Now())
		}}
	papers, err := h.papers()
	if err != nil {
		return err
	}
	h.factor = factor.Open(h.store, h.Now)
	h.desk = desk.Open(desk.Shared{Store: h.store, Gate: h.gate, Policy: h.policy, Factor: h.factor, Now: h.Now, NewID: h.newID, UndoTime: h.cfg.Undo, Department: city.DepartmentOf,
		Known: city.Known, Returned: city.Returned, Until: h.catalog.Until, Words: h.words})
	h.office = office.Open(office.Shared{Log: h.Log, Now: h.Now, NewID: h.newID, Store: h.store, Gate: h.gate,
		Connectors: map[string]adapters.Connector{desk.Name: h.desk}, Route: city.Route, Department: city.DepartmentOf,
		Leaks: h.policy.Leaks, LapseAfter: h.policy.LapseAfter(), Papers: papers, Alone: strings.HasPrefix(h.cfg.Store, "sqlite:"), Posted: h.border.Nudge,
		Report: h.reconcile, Sign: keys.Ring.ReceiptKey, Facts: h.facts})
	h.border.Wake = h.office.Wake
	return nil
}

func (h *house) owner() string {
	switch {
	case h.cfg.Owner != "":
		return h.cfg.Owner
	case strings.HasPrefix(h.cfg.Store, "sqlite:"):
		return "sole"
	}
	return h.newID()
}

func (h *house) listen(ctx context.Context) (err error) {
	c, err := console.Open(console.Shared{Config: h.cfg.Console, Log: h.Log, Now: h.Now, NewID: h.newID, Store: h.store, Desk: h.desk,
		Gate: h.gate, Policy: h.policy, Factors: h.factor, Catalog: h.catalog, Texts: h.texts, Isolation: h.cfg.Exchange.Isolation, Live: live{h}, Posted: h.border.Nudge, UndoTime: h.cfg.Undo})
	if err != nil {
		return fmt.Errorf("open console: %w", err)
	}
	mux := http.NewServeMux()
	serve.Health(mux, h.ping)
	mux.Handle("/", c.Handler())
	if h.public, err = serve.Listen(ctx, h.cfg.Listen, "listen", mux, h.Log); err != nil {
		return err
	}
	if h.private, err = serve.Listen(ctx, h.cfg.PrivateListen, "private_listen", serve.Private(metrics(h.store, h.keys, h.links, h.border)), h.Log); err != nil {
		return errors.Join(err, h.public.Close())
	}
	return nil
}

func (h *house) run(ctx context.Context) error {
	run, ctx := errgroup.WithContext(ctx)
	h.Log.InfoContext(ctx, "office started", "listen", h.public.Addr().String(), "isolation", h.cfg.Exchange.Isolation)
	run.Go(func() error { return h.public.Run(ctx) })
	run.Go(func() error { return h.private.Run(ctx) })
	run.Go(func() error { return h.border.Run(ctx) })
	run.Go(func() error { return h.keys.Run(ctx) })
	run.Go(func() error { h.office.Run(ctx); return nil })
	h.Ready(map[string]string{"office": h.public.Addr().String(), "office_private": h.private.Addr().String()})
	err := run.Wait()
	h.Log.Info("office stopped")
	return err
}
