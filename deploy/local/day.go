package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"gatehouse/configs"
	"gatehouse/configs/city"
	"gatehouse/deploy/clock"
	"gatehouse/exchange/service"
)

// errAfresh ends a run so that the next begins with nothing kept.
var errAfresh = errors.New("starting afresh")

var errElsewhere = errors.New("a store is kept outside of this demo's folder: end the demo, empty its stores, start it again")

// day is the demo's clock, and the way to begin again.
type day struct {
	*clock.Clock
	can    error // why it can't start afresh
	afresh context.CancelCauseFunc
}

// Afresh implements pages.Clock: it returns before anything is deleted.
func (d day) Afresh() error {
	if d.can == nil {
		d.afresh(errAfresh)
	}
	return d.can
}

// clockFile keeps how far the clock is ahead.
func (c *Config) clockFile() string { return filepath.Join(c.Data, "clock") }

// ownStores tells whether all that is kept lies in the folder of the demo.
func (c *Config) ownStores() error {
	for _, url := range []string{c.Gateway.Store, c.Office.Store} {
		file, ok := strings.CutPrefix(url, "sqlite:")
		in, err := filepath.Rel(c.Data, file)
		if !ok || err != nil || !filepath.IsLocal(in) {
			return errElsewhere
		}
	}
	return nil
}

// empty deletes what is kept, but the keys and the log. No side may be running.
func (c *Config) empty() error {
	all, err := os.ReadDir(c.Data)
	if err != nil {
		return fmt.Errorf("start afresh: %w", err)
	}
	for _, e := range all {
		if e.Name() != "keys" && e.Name() != "gatehouse.log" {
			err = errors.Join(err, os.RemoveAll(filepath.Join(c.Data, e.Name())))
		}
	}
	if err != nil {
		return fmt.Errorf("start afresh: %w", err)
	}
	return nil
}

// services reads the operator's service files, or the demo city's.
func services(dir string) (*service.Catalog, error) {
	files, name := city.Services(), "configs/city/services"
	if dir != "" {
		files, name = os.DirFS(dir), dir
	}
	return service.Load(files, func(file string, b []byte, into any) error {
		return configs.Parse(filepath.Join(name, file), b, into, os.LookupEnv)
	})
}
