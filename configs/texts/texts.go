// Package texts holds every sentence of the product in every language, by key: what citizens read under "citizen.",
// what staff read under "console.", what the web pages say under "portal.", what stands in documents under "paper.", and the words that a dialogue must know under "words.".
//
// The rule: no sentence stands in code. All languages have the same keys with the same placeholders (a test); a
// service's own words stay in its service file. citizen/<lang>.yaml and console/<lang>.yaml are embedded.
package texts

import (
	"embed"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"gatehouse/configs"
)

//go:embed citizen/*.yaml console/*.yaml paper/*.yaml portal/*.yaml
var files embed.FS

// Args are the values of a text's placeholders, by name.
type Args map[string]any

// Catalog holds the texts. It is read-only and safe for concurrent use.
type Catalog struct {
	langs map[string]*language
}

type language struct {
	texts map[string]message
	words map[string][]string
}

// file is one embedded file: texts by key, without the folder's name, and word lists.
type file struct {
	Texts map[string]string   `yaml:"texts"`
	Words map[string][]string `yaml:"words"`
}

// Load reads the embedded files.
func Load() (*Catalog, error) { return load(files) }

func load(fsys fs.FS) (*Catalog, error) {
	c := &Catalog{langs: map[string]*language{}}
	names, err := fs.Glob(fsys, "*/*.yaml")
	if err != nil {
		return nil, fmt.Errorf("list texts: %w", err)
	}
	for _, name := range names {
		b, err := fs.ReadFile(fsys, name)
		if err != nil {
			return nil, fmt.Errorf("read texts: %w", err)
		}
		if err := c.add(name, b); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func (c *Catalog) add(name string, b []byte) error {
	var f file
	if err := configs.Parse(name, b, &f, func(string) (string, bool) { return "", false }); err != nil {
		return err
	}
	tag := strings.TrimSuffix(path.Base(name), ".yaml")
	l := c.langs[tag]
	if l == nil {
		l = &language{texts: map[string]message{}, words: map[string][]string{}}
		c.langs[tag] = l
	}
	for key, text := range f.Texts {
		m, err := parse(text)
		if err != nil {
			return fmt.Errorf("%s: texts.%s: %w", name, key, err)
		}
		l.texts[path.Dir(name)+"."+key] = m
	}
	maps.Copy(l.words, f.Words)
	return nil
}

// Languages gives the tags of all languages, sorted.
func (c *Catalog) Languages() []string { return slices.Sorted(maps.Keys(c.langs)) }

// Has tells whether lang is one of the catalogue's.
func (c *Catalog) Has(lang string) bool { return c.langs[lang] != nil }

// Text gives the text of key ("citizen.stop.done") in lang with its placeholders filled, else in English. A key that
// is nowhere gives the key, so that a page with a fault can be read; a test keeps that from happening.
func (c *Catalog) Text(lang, key string, args Args) string {
	for _, l := range []string{lang, "en"} {
		if m, ok := c.message(l, key); ok {
			return m.fill(l, args)
		}
	}
	return key
}

func (c *Catalog) message(lang, key string) (message, bool) {
	l := c.langs[lang]
	if l == nil {
		return nil, false
	}
	m, ok := l.texts[key]
	return m, ok
}

// Words gives the word list of key in lang ("stop", "danger", "back"); nil when there is none.
func (c *Catalog) Words(lang, key string) []string {
	l := c.langs[lang]
	if l == nil {
		return nil
	}
	return l.words[key]
}

// Keys gives all keys of lang that begin with prefix, sorted.
func (c *Catalog) Keys(lang, prefix string) []string {
	l := c.langs[lang]
	if l == nil {
		return nil
	}
	keys := slices.Collect(maps.Keys(l.texts))
	keys = slices.DeleteFunc(keys, func(k string) bool { return !strings.HasPrefix(k, prefix) })
	slices.Sort(keys)
	return keys
}

// Placeholders gives the names of a text's placeholders, sorted, each once.
func (c *Catalog) Placeholders(lang, key string) []string {
	m, _ := c.message(lang, key)
	names := map[string]bool{}
	m.names(names)
	return slices.Sorted(maps.Keys(names))
}
