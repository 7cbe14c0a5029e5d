package service

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"
	"unicode"
)

// CityFile is the file of a services directory that describes the city; every other *.yaml is a service.
const CityFile = "city.yaml"

// City is what all services share.
type City struct {
	Name      Words    `yaml:"name"`
	Zone      string   `yaml:"zone"`      // IANA time zone
	Languages []string `yaml:"languages"` // BCP 47, the first is the fallback
	Domain    string   `yaml:"domain"`
	Emergency string   `yaml:"emergency"` // the number to call in danger
	Phone     string   `yaml:"phone"`     // the office's line
	Country   string   `yaml:"country"`   // calling code of a number written with a leading 0: "44"
	Currency  string   `yaml:"currency"`  // ISO 4217

	Districts   []Named             `yaml:"districts"`
	Departments []Named             `yaml:"departments"`
	Calendars   map[string]Calendar `yaml:"calendars"`
	Streets     []Street            `yaml:"streets"`

	location *time.Location
}

// Named is a code and its name.
type Named struct {
	Code string `yaml:"code"`
	Name Words  `yaml:"name"`
}

// Street is one street of the gazetteer with the house numbers From to To.
type Street struct {
	Name     string   `yaml:"name"`
	Also     []string `yaml:"also"` // other names, also in other scripts
	Postcode string   `yaml:"postcode"`
	District string   `yaml:"district"`
	From     int      `yaml:"from"`
	To       int      `yaml:"to"`
}

// Location gives the city's time zone; UTC until Validate has seen it.
func (c *City) Location() *time.Location {
	if c == nil || c.location == nil {
		return time.UTC
	}
	return c.location
}

// Department gives a department's name in lang, or the code when it is not known.
func (c *City) Department(code, lang string) string {
	for _, d := range c.Departments {
		if d.Code == code {
			return d.Name.In(lang)
		}
	}
	return code
}

// Validate names every fault of the city's file.
func (c *City) Validate() error {
	var all []error
	loc, err := time.LoadLocation(c.Zone)
	if err != nil || c.Zone == "" {
		all = append(all, fmt.Errorf("zone: is %q; an IANA name such as Atlantic/Azores", c.Zone))
	}
	c.location = loc
	if len(c.Languages) == 0 {
		all = append(all, errors.New("languages: must name at least one, such as [en, fr]"))
	}
	for _, name := range sortedKeys(c.Calendars) {
		all = append(all, c.Calendars[name].faults("calendars."+name)...)
	}
	for i, s := range c.Streets {
		if s.Name == "" || s.Postcode == "" || s.To < s.From {
			all = append(all, fmt.Errorf("streets.%d: needs name, postcode and from up to to", i))
		}
	}
	return errors.Join(all...)
}

// Catalog holds the services of one city. It is read-only after Load and safe for concurrent use.
type Catalog struct {
	City     *City
	services []*Service
}

// Load reads a services directory with parse, which fills a struct from strict YAML by its yaml tags, calls its
// Validate and reports every fault with its line (configs.Parse does). All faults of all files come joined.
func Load(dir fs.FS, parse func(name string, b []byte, into any) error) (*Catalog, error) {
	c := &Catalog{City: &City{}}
	if err := load(dir, CityFile, c.City, parse); err != nil {
		return nil, err
	}
	names, err := fs.Glob(dir, "*.yaml")
	if err != nil {
		return nil, fmt.Errorf("list services: %w", err)
	}
	var all []error
	for _, name := range names {
		if name == CityFile {
			continue
		}
		s := &Service{city: c.City}
		if err := load(dir, name, s, parse); err != nil {
			all = append(all, err)
			continue
		}
		all = append(all, c.clashes(name, s))
		c.services = append(c.services, s)
	}
	if err := errors.Join(all...); err != nil {
		return nil, err
	}
	slices.SortFunc(c.services, func(a, b *Service) int { return strings.Compare(a.Code, b.Code) })
	return c, nil
}

func load(dir fs.FS, name string, into any, parse func(string, []byte, any) error) error {
	b, err := fs.ReadFile(dir, name)
	if err != nil {
		return fmt.Errorf("read services: %w", err)
	}
	return parse(path.Clean(name), b, into)
}

// clashes names what s shares with a service that is there already: a code, or a keyword of any language.
func (c *Catalog) clashes(file string, s *Service) error {
	var all []error
	for _, o := range c.services {
		if strings.EqualFold(o.Code, s.Code) {
			all = append(all, fmt.Errorf("%s: code: %s is used twice", file, s.Code))
		}
		for lang, words := range s.Keywords {
			for _, w := range words {
				if slices.ContainsFunc(o.Keywords[lang], func(k string) bool { return strings.EqualFold(k, w) }) {
					all = append(all, fmt.Errorf("%s: keywords.%s: %s belongs to %s already", file, lang, w, o.Code))
				}
			}
		}
	}
	return errors.Join(all...)
}

// All gives the services in order of their codes. The slice is the caller's.
func (c *Catalog) All() []*Service { return slices.Clone(c.services) }

// ByCode finds a service by its code, in any case.
func (c *Catalog) ByCode(code string) (*Service, bool) {
	for _, s := range c.services {
		if strings.EqualFold(s.Code, code) {
			return s, true
		}
	}
	return nil, false
}

// ByAlias finds the service meant by the local part after "declare+": its code or an alias, in any case.
func (c *Catalog) ByAlias(name string) (*Service, bool) {
	if s, ok := c.ByCode(name); ok {
		return s, true
	}
	for _, s := range c.services {
		if slices.ContainsFunc(s.Aliases, func(a string) bool { return strings.EqualFold(a, name) }) {
			return s, true
		}
	}
	return nil, false
}

// ByKeyword finds the service whose keyword text begins with, and what follows it. The keywords of lang come first,
// then those of the other languages. A keyword of letters ends at a word's end; Chinese ones may run on. Text after a
// keyword counts only for a Compact service, so that "book club times" stays a question.
func (c *Catalog) ByKeyword(lang, text string) (s *Service, rest string, ok bool) {
	langs := append([]string{lang}, c.City.Languages...)
	for _, l := range langs {
		for _, s := range c.services {
			for _, k := range s.Keywords[l] {
				rest, ok := afterWord(text, k)
				if ok && (rest == "" || s.Compact && strings.ContainsFunc(rest, unicode.IsDigit)) {
					return s, rest, true
				}
			}
		}
	}
	return nil, "", false
}

func afterWord(text, word string) (string, bool) {
	text = strings.TrimSpace(text)
	if len(text) < len(word) || !strings.EqualFold(text[:len(word)], word) {
		return "", false
	}
	rest := text[len(word):]
	if rest != "" && !strings.ContainsAny(rest[:1], " \t\n,:.!") {
		return "", false
	}
	return strings.Trim(rest, " \t\n,:.!"), true
}
