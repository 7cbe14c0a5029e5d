package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	inside "gatehouse/adapters/store"
	"gatehouse/configs/texts"
	"gatehouse/deploy/past"
	"gatehouse/exchange"
	"gatehouse/exchange/service"
	outside "gatehouse/gateway/store"
)

// seed fills the stores of a new demo with the year before it, once, while no side runs.
func (c *Config) seed(ctx context.Context, town *service.Catalog, now func() time.Time, log *slog.Logger) (err error) {
	done := filepath.Join(c.Data, "seeded")
	if _, err := os.Stat(done); err == nil || !c.Seed || !c.Office.Demo {
		return nil
	}
	to := past.Town{Catalog: town, Release: c.Office.Release, Now: now()}
	if to.Texts, err = texts.Load(); err != nil {
		return err
	}
	keys, err := exchange.OpenKeys(c.Office.Exchange.Keys, exchange.Intranet, log, c.Office.Exchange.Suites...)
	if err != nil {
		return err
	}
	to.Keys = keys.Ring
	out, err := outside.Open(ctx, outside.Config{URL: c.Gateway.Store, KeyFile: c.Gateway.KeyFile, Owner: c.Gateway.Owner, Log: log, Now: now})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	in, err := inside.Open(ctx, c.Office.Store, inside.Options{Log: log, Now: now, KeyFile: c.Office.KeyFile})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	to.Gateway, to.Office = out, in
	began := time.Now()
	if err := past.Fill(ctx, to); err != nil {
		return err
	}
	log.InfoContext(ctx, "the city's past is told", "took", time.Since(began).Round(time.Millisecond))
	return os.WriteFile(done, nil, 0o600)
}

// holds says what the demo city begins with.
func (c *Config) holds() string {
	if !c.Seed || !c.Office.Demo {
		return "begins empty (SEED is false)"
	}
	return fmt.Sprintf("had a year before today: %s; write STATUS from %s", past.Holds(), past.Phone)
}
