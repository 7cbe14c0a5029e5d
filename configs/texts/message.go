package texts

import (
	"errors"
	"fmt"
	"strings"
)

// message is a parsed text: words, {name}, and {n, plural, =0 {} one {# row} other {# rows}} as ICU's MessageFormat has it.
type message []piece

type piece struct {
	text   string             // words, when name is empty
	name   string             // a placeholder
	plural map[string]message // by category; nil for a plain placeholder
}

const maxDepth = 4

func parse(s string) (message, error) {
	m, rest, err := parseUntil(s, 0)
	if err == nil && rest != "" {
		err = errors.New("has a } without its {")
	}
	return m, err
}

func parseUntil(s string, depth int) (message, string, error) {
	if depth > maxDepth {
		return nil, "", errors.New("nests too deep")
	}
	var m message
	for s != "" && s[0] != '}' {
		i := strings.IndexAny(s, "{}")
		switch {
		case i < 0:
			return append(m, piece{text: s}), "", nil
		case i > 0:
			m = append(m, piece{text: s[:i]})
			s = s[i:]
			continue
		}
		p, rest, err := parsePlaceholder(s[1:], depth)
		if err != nil {
			return nil, "", err
		}
		m, s = append(m, p), rest
	}
	return m, s, nil
}

func parsePlaceholder(s string, depth int) (piece, string, error) {
	i := strings.IndexAny(s, ",}{")
	if i < 0 || s[i] == '{' {
		return piece{}, "", errors.New("has a { that is not closed")
	}
	p := piece{name: strings.TrimSpace(s[:i])}
	if p.name == "" || strings.ContainsAny(p.name, " \t") {
		return piece{}, "", fmt.Errorf("has a placeholder named %q", p.name)
	}
	if s[i] == '}' {
		return p, s[i+1:], nil
	}
	s, ok := strings.CutPrefix(strings.TrimLeft(s[i+1:], " "), "plural,")
	if !ok {
		return piece{}, "", errors.New("knows {name} and {name, plural, …} alone")
	}
	return parsePlural(p, s, depth)
}

func parsePlural(p piece, s string, depth int) (piece, string, error) {
	p.plural = map[string]message{}
	for {
		s = strings.TrimLeft(s, " ")
		if rest, ok := strings.CutPrefix(s, "}"); ok {
			if p.plural["other"] == nil {
				return p, "", errors.New("has a plural without other")
			}
			return p, rest, nil
		}
		category, rest, ok := strings.Cut(s, "{")
		if !ok {
			return p, "", errors.New("has a plural that is not closed")
		}
		m, rest, err := parseUntil(rest, depth+1)
		if err != nil {
			return p, "", err
		}
		if s, ok = strings.CutPrefix(rest, "}"); !ok {
			return p, "", errors.New("has a plural that is not closed")
		}
		p.plural[strings.TrimSpace(category)] = m
	}
}

func (m message) fill(lang string, args Args) string {
	var b strings.Builder
	for _, p := range m {
		switch {
		case p.name == "":
			b.WriteString(p.text)
		case p.plural == nil:
			b.WriteString(value(args, p.name))
		default:
			n, _ := args[p.name].(int)
			form, ok := p.plural[fmt.Sprintf("=%d", n)]
			if !ok {
				form, ok = p.plural[Plural(lang, n)]
			}
			if !ok {
				form = p.plural["other"]
			}
			b.WriteString(strings.ReplaceAll(form.fill(lang, args), "#", fmt.Sprint(n)))
		}
	}
	return b.String()
}

// value writes a placeholder that has no value as {name}: better seen than silently gone.
func value(args Args, name string) string {
	v, ok := args[name]
	if !ok {
		return "{" + name + "}"
	}
	return fmt.Sprint(v)
}

func (m message) names(into map[string]bool) {
	for _, p := range m {
		if p.name != "" {
			into[p.name] = true
		}
		for _, form := range p.plural {
			form.names(into)
		}
	}
}

// Plural gives the category of a count in lang (Unicode CLDR, plural rules for cardinal integers): one and other in
// English; one for 0 and 1 in French; six forms in Arabic; other alone in Chinese and in languages not known here.
func Plural(lang string, n int) string {
	switch lang {
	case "en":
		if n == 1 {
			return "one"
		}
	case "fr":
		if n == 0 || n == 1 {
			return "one"
		}
	case "ar":
		return arabicPlural(n)
	}
	return "other"
}

func arabicPlural(n int) string {
	switch {
	case n == 0:
		return "zero"
	case n == 1:
		return "one"
	case n == 2:
		return "two"
	case n%100 >= 3 && n%100 <= 10:
		return "few"
	case n%100 >= 11:
		return "many"
	}
	return "other"
}
