package answers

import (
	"bytes"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"gatehouse/configs"

	"go.yaml.in/yaml/v4"
)

// Bounds of one page.
const (
	MaxLine = 500 // bytes of a title, an ask, a name
	MaxAsks = 1000
)

// Parse reads one page as a file of the directory holds it; the text of a publication is such a file. name stands
// in the faults, which come joined, each a configs.Fault. Empty audience and kind become public and answer.
func Parse(name, lang string, b []byte) (Page, error) {
	p := &parser{name: name, page: Page{Lang: lang, Kind: Answer, Audience: Public}}
	switch {
	case len(b) > MaxFile:
		p.fault(0, "", "is over %d bytes", MaxFile)
	case !utf8.Valid(b):
		p.fault(0, "", "is not UTF-8")
	case !langForm.MatchString(lang):
		p.fault(0, "", "is in no language: %q; give a code such as en", lang)
	default:
		p.parse(b)
	}
	if len(p.faults) > 0 {
		return Page{}, errors.Join(p.faults...)
	}
	return p.page, nil
}

type parser struct {
	name   string
	page   Page
	faults []error
}

func (p *parser) fault(line int, key, format string, a ...any) {
	p.faults = append(p.faults, configs.Fault{File: p.name, Line: line, Key: key, Text: fmt.Sprintf(format, a...)})
}

const fence = "---"

func (p *parser) parse(b []byte) {
	b = bytes.ReplaceAll(bytes.TrimPrefix(b, []byte("\ufeff")), []byte("\r\n"), []byte("\n"))
	lines := strings.Split(string(b), "\n")
	if strings.TrimRight(lines[0], " \t") != fence {
		p.fault(1, "", "must begin with front matter: a line of ---, the keys, and a line of --- again")
		return
	}
	end := slices.IndexFunc(lines[1:], func(s string) bool { return strings.TrimRight(s, " \t") == fence })
	if end < 0 {
		p.fault(1, "", "has front matter that does not end; close it with a line of ---")
		return
	}
	// An empty first line in place of the fence keeps the line numbers.
	p.front("\n" + strings.Join(lines[1:end+1], "\n"))
	p.sections(lines[end+2:], end+3)
}

func (p *parser) front(text string) {
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
		p.syntax(err)
		return
	}
	seen := map[string]bool{}
	if len(doc.Content) > 0 {
		p.keys(doc.Content[0], seen)
	}
	for _, k := range []string{"id", "title"} {
		if !seen[k] {
			p.fault(1, k, "is missing; every page has an id and a title")
		}
	}
	if a, b := p.page.EffectiveFrom, p.page.EffectiveTo; a != "" && b != "" && b < a {
		p.fault(1, "effective_to", "is %s, before effective_from %s", b, a)
	}
}

// syntax takes the line out of the YAML library's message, which has it as "line N: ".
func (p *parser) syntax(err error) {
	line, text := 1, strings.TrimPrefix(err.Error(), "yaml: ")
	if _, rest, ok := strings.Cut(text, "line "); ok {
		digits, _, _ := strings.Cut(rest, ":")
		if n, err := strconv.Atoi(digits); err == nil {
			line = n
		}
	}
	p.fault(line, "", "has front matter that is not YAML: %s", text)
}

func (p *parser) keys(n *yaml.Node, seen map[string]bool) {
	if n.Kind != yaml.MappingNode {
		p.fault(n.Line, "", "has front matter that is not a list of keys such as title: Bulky waste")
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		if seen[k.Value] {
			p.fault(k.Line, k.Value, "is written twice; keep one")
			continue
		}
		seen[k.Value] = true
		p.key(k, v)
	}
}

const known = "id, title, kind, number, issued_by, effective_from, effective_to, replaces, asks, source, owner, review_by, audience, service"

func (p *parser) key(k, v *yaml.Node) {
	g := &p.page
	plain := map[string]*string{"id": &g.ID, "title": &g.Title, "number": &g.Number, "issued_by": &g.IssuedBy,
		"replaces": &g.Replaces, "source": &g.Source, "owner": &g.Owner, "service": &g.Service}
	dates := map[string]*Date{"effective_from": &g.EffectiveFrom, "effective_to": &g.EffectiveTo, "review_by": &g.ReviewBy}
	switch k.Value {
	case "asks":
		p.asks(v)
		return
	case "kind":
		p.choice(k.Value, v, (*string)(&g.Kind), string(Answer), string(Policy), string(Regulation), string(Rule), string(Procedure))
		return
	case "audience":
		p.choice(k.Value, v, (*string)(&g.Audience), string(Public), string(Staff))
		return
	}
	if to, ok := plain[k.Value]; ok {
		*to = p.line(k.Value, v)
		p.check(k.Value, v)
	} else if to, ok := dates[k.Value]; ok {
		p.date(k.Value, v, to)
	} else {
		p.fault(k.Line, k.Value, "is not a known key; known here: %s", known)
	}
}

// line gives a value that is one line of text.
func (p *parser) line(key string, v *yaml.Node) string {
	if v.Kind != yaml.ScalarNode {
		p.fault(v.Line, key, "must be a single value")
		return ""
	}
	if v.Tag == "!!null" {
		return ""
	}
	s := strings.Join(strings.Fields(v.Value), " ")
	if len(s) > MaxLine {
		p.fault(v.Line, key, "is %d bytes long; at most %d", len(s), MaxLine)
	}
	return s
}

func (p *parser) check(key string, v *yaml.Node) {
	switch key {
	case "id":
		if !idForm.MatchString(p.page.ID) {
			p.fault(v.Line, key, "is %q; must be letters, digits, dots, hyphens and underscores, at most 128", p.page.ID)
		}
	case "title":
		if p.page.Title == "" {
			p.fault(v.Line, key, "is empty; every page has a title")
		}
	case "source":
		u, err := url.Parse(p.page.Source)
		if p.page.Source != "" && (err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http") {
			p.fault(v.Line, key, "is %q; must be a whole address that begins with https://", p.page.Source)
		}
	}
}

func (p *parser) date(key string, v *yaml.Node, to *Date) {
	s := p.line(key, v)
	if s == "" {
		return
	}
	d, err := ParseDate(s)
	if err != nil {
		p.fault(v.Line, key, "%v", err)
	}
	*to = d
}

func (p *parser) choice(key string, v *yaml.Node, to *string, allowed ...string) {
	s := p.line(key, v)
	if s == "" {
		return
	}
	if !slices.Contains(allowed, s) {
		p.fault(v.Line, key, "is %q; must be one of %s", s, strings.Join(allowed, ", "))
	}
	*to = s
}

func (p *parser) asks(v *yaml.Node) {
	if v.Tag == "!!null" {
		return
	}
	if v.Kind != yaml.SequenceNode {
		p.fault(v.Line, "asks", "must be a list of questions")
		return
	}
	if len(v.Content) > MaxAsks {
		p.fault(v.Line, "asks", "has %d questions; at most %d", len(v.Content), MaxAsks)
		return
	}
	for i, n := range v.Content {
		if s := p.line(fmt.Sprintf("asks.%d", i), n); s != "" {
			p.page.Asks = append(p.page.Asks, s)
		}
	}
}

// sections cuts the body at ## sms, ## chat and ## page. Text before the first of them belongs to the page, and so
// do the page's own headings; the other two are plain and have none.
func (p *parser) sections(lines []string, at int) {
	parts := map[string]*strings.Builder{"sms": {}, "chat": {}, "page": {}}
	begun := map[string]bool{}
	name, code := "page", false
	for i, line := range lines {
		if strings.HasPrefix(line, "```") {
			code = !code
		}
		title, heading := strings.CutPrefix(strings.TrimRight(line, " \t"), "## ")
		if part := parts[title]; heading && !code && part != nil {
			if begun[title] {
				p.fault(at+i, title, "is a section that is there twice; keep one")
			}
			name, begun[title] = title, true
			continue
		}
		if heading && !code && name != "page" {
			p.fault(at+i, title, "is not a section; known: sms, chat, page (the page's own headings come after ## page)")
		}
		parts[name].WriteString(line + "\n")
	}
	p.page.SMS = strings.Join(strings.Fields(parts["sms"].String()), " ")
	p.page.Chat = strings.TrimSpace(parts["chat"].String())
	p.page.Page = strings.TrimSpace(parts["page"].String())
}
