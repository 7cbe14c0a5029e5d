package service

import (
	"errors"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// maxRule bounds a rule's length and maxNesting its depth.
const (
	maxRule    = 500
	maxNesting = 20
)

// Rule is a small expression over a form's answers:
//
//	exempt <= nights && abs(total - round((nights - exempt) * lookup(rate, month), 2)) <= 0.01
//
// It has numbers, 'text', field names, today, this_month and last_month; || && ! == != < <= > >= + - * / ( );
// and the functions abs(x), round(x, digits), size(field), has(field), lookup(table, key), days(from, to), and over the
// rows of a field sum(rows.column) and unique(rows.column). Numbers are exact.
type Rule struct{ root node }

// Scope is what a rule may look at.
type Scope struct {
	Answers map[string][]string
	Tables  map[string][]Row
	Today   Day
	// Cells gives the values of "field.column" over all rows; nil: no field has rows.
	Cells func(name string) (values []string, known bool)
}

// errOpen means that a rule looked at a field without an answer: the rule has no result yet.
var errOpen = errors.New("a field has no answer yet")

// node gives a *big.Rat, a string or a bool.
type node func(Scope) (any, error)

// ParseRule reads an expression.
func ParseRule(s string) (Rule, error) {
	if len(s) > maxRule {
		return Rule{}, fmt.Errorf("is longer than %d bytes", maxRule)
	}
	p := &ruleParser{toks: lexRule(s)}
	n, err := p.or()
	if err == nil && p.peek() != "" {
		err = fmt.Errorf("does not end at %q", p.peek())
	}
	return Rule{n}, err
}

// Holds tells whether the rule is true; ok is false while a field that it looks at has no answer.
func (r Rule) Holds(sc Scope) (holds, ok bool) {
	v, err := r.root(sc)
	b, is := v.(bool)
	return b && is, err == nil
}

// Value gives the rule's result as text; a number with the given decimals.
func (r Rule) Value(sc Scope, decimals int) (string, bool) {
	v, err := r.root(sc)
	if err != nil {
		return "", false
	}
	switch x := v.(type) {
	case *big.Rat:
		return x.FloatString(decimals), true
	case string:
		return x, true
	}
	return "", false
}

func lexRule(s string) []string {
	var toks []string
	for s = strings.TrimSpace(s); s != ""; s = strings.TrimSpace(s) {
		n := tokenLen(s)
		toks = append(toks, s[:n])
		s = s[n:]
	}
	return toks
}

func tokenLen(s string) int {
	for _, op := range []string{"||", "&&", "==", "!=", "<=", ">="} {
		if strings.HasPrefix(s, op) {
			return 2
		}
	}
	if s[0] == '\'' {
		if i := strings.IndexByte(s[1:], '\''); i >= 0 {
			return i + 2
		}
		return len(s)
	}
	word := func(r rune) bool { return r == '_' || r == '.' || unicode.IsLetter(r) || unicode.IsDigit(r) }
	if n := strings.IndexFunc(s, func(r rune) bool { return !word(r) }); n > 0 {
		return n
	} else if n < 0 {
		return len(s)
	}
	_, n := utf8.DecodeRuneInString(s)
	return n
}

type ruleParser struct {
	toks  []string
	depth int
}

func (p *ruleParser) peek() string {
	if len(p.toks) == 0 {
		return ""
	}
	return p.toks[0]
}

func (p *ruleParser) take(ops ...string) (string, bool) {
	for _, op := range ops {
		if p.peek() == op {
			p.toks = p.toks[1:]
			return op, true
		}
	}
	return "", false
}

func (p *ruleParser) or() (node, error) {
	return p.chain(p.and, func(_ string, a, b node) node { return logic(a, b, true) }, "||")
}

func (p *ruleParser) and() (node, error) {
	return p.chain(p.comparison, func(_ string, a, b node) node { return logic(a, b, false) }, "&&")
}

func (p *ruleParser) comparison() (node, error) {
	return p.chain(p.sum, compare, "==", "!=", "<=", ">=", "<", ">")
}

func (p *ruleParser) sum() (node, error) { return p.chain(p.product, arithmetic, "+", "-") }

func (p *ruleParser) product() (node, error) { return p.chain(p.unary, arithmetic, "*", "/") }

func (p *ruleParser) chain(next func() (node, error), join func(op string, a, b node) node, ops ...string) (node, error) {
	a, err := next()
	for err == nil {
		op, ok := p.take(ops...)
		if !ok {
			return a, nil
		}
		var b node
		if b, err = next(); err == nil {
			a = join(op, a, b)
		}
	}
	return nil, err
}

func (p *ruleParser) unary() (node, error) {
	if p.depth++; p.depth > maxNesting {
		return nil, errors.New("nests too deep")
	}
	defer func() { p.depth-- }()
	if _, ok := p.take("!"); ok {
		n, err := p.unary()
		return func(sc Scope) (any, error) {
			v, err := n(sc)
			b, _ := v.(bool)
			return !b, err
		}, err
	}
	if _, ok := p.take("-"); ok {
		n, err := p.unary()
		zero := func(Scope) (any, error) { return new(big.Rat), nil }
		return arithmetic("-", zero, n), err
	}
	if _, ok := p.take("("); ok {
		n, err := p.or()
		if err != nil {
			return nil, err
		}
		if _, ok := p.take(")"); !ok {
			return nil, errors.New("lacks a )")
		}
		return n, nil
	}
	return p.atom()
}

func (p *ruleParser) atom() (node, error) {
	t := p.peek()
	if t == "" {
		return nil, errors.New("ends too early")
	}
	p.toks = p.toks[1:]
	if _, ok := p.take("("); ok {
		return p.call(t)
	}
	switch c := rune(t[0]); {
	case c == '\'' && len(t) > 1 && t[len(t)-1] == '\'':
		return func(Scope) (any, error) { return strings.Trim(t, "'"), nil }, nil
	case unicode.IsDigit(c):
		r, ok := new(big.Rat).SetString(t)
		if !ok {
			return nil, fmt.Errorf("has %q, which is no number", t)
		}
		return func(Scope) (any, error) { return r, nil }, nil
	case c == '_' || unicode.IsLetter(c):
		return func(sc Scope) (any, error) { return sc.name(t) }, nil
	}
	return nil, fmt.Errorf("has %q where a value should stand", t)
}

func (p *ruleParser) call(name string) (node, error) {
	var args []node
	var words []string
	for {
		words = append(words, p.peek())
		n, err := p.or()
		if err != nil {
			return nil, err
		}
		args = append(args, n)
		if _, ok := p.take(","); ok {
			continue
		}
		if _, ok := p.take(")"); ok {
			break
		}
		return nil, errors.New("lacks a )")
	}
	return function(name, args, words)
}

// name gives a field's answer, as a number where it is one, or a day.
func (sc Scope) name(n string) (any, error) {
	first := time.Date(sc.Today.Year, sc.Today.Month, 1, 12, 0, 0, 0, time.UTC)
	switch n {
	case "today":
		return sc.Today.String(), nil
	case "this_month":
		return first.Format("2006-01"), nil
	case "last_month":
		return first.AddDate(0, -1, 0).Format("2006-01"), nil
	}
	v := sc.Answers[n]
	if len(v) == 0 {
		return nil, errOpen
	}
	if r, ok := rat(number(v[0])); ok {
		return r, nil
	}
	return v[0], nil
}

func function(name string, args []node, words []string) (node, error) {
	want := map[string]int{"abs": 1, "round": 2, "size": 1, "has": 1, "lookup": 2, "days": 2, "sum": 1, "unique": 1}[name]
	if want == 0 {
		return nil, fmt.Errorf("has no function %q; abs, round, size, has, lookup, days, sum or unique", name)
	}
	if len(args) != want {
		return nil, fmt.Errorf("%s takes %d values", name, want)
	}
	switch name {
	case "has":
		return func(sc Scope) (any, error) { return len(sc.Answers[words[0]]) > 0, nil }, nil
	case "size":
		return func(sc Scope) (any, error) { return big.NewRat(int64(len(sc.Answers[words[0]])), 1), nil }, nil
	case "lookup":
		return func(sc Scope) (any, error) { return lookup(sc, words[0], args[1]) }, nil
	case "days":
		return func(sc Scope) (any, error) { return days(sc, args[0], args[1]) }, nil
	case "sum":
		return func(sc Scope) (any, error) { return sum(sc, words[0]) }, nil
	case "unique":
		return func(sc Scope) (any, error) { return unique(sc, words[0]) }, nil
	case "abs":
		return func(sc Scope) (any, error) {
			r, err := numberOf(sc, args[0])
			if err != nil {
				return nil, err
			}
			return new(big.Rat).Abs(r), nil
		}, nil
	}
	digits, err := strconv.Atoi(words[1])
	if err != nil || digits > 9 {
		return nil, errors.New("round takes a number of digits up to 9")
	}
	return func(sc Scope) (any, error) {
		r, err := numberOf(sc, args[0])
		if err != nil {
			return nil, err
		}
		out, _ := new(big.Rat).SetString(r.FloatString(digits))
		return out, nil
	}, nil
}

func lookup(sc Scope, table string, key node) (any, error) {
	v, err := key(sc)
	if err != nil {
		return nil, err
	}
	found := ""
	for _, row := range sc.Tables[table] {
		if row.From <= fmt.Sprint(v) {
			found = row.Value
		}
	}
	r, ok := rat(number(found))
	if !ok {
		return nil, errOpen
	}
	return r, nil
}

func numberOf(sc Scope, n node) (*big.Rat, error) {
	v, err := n(sc)
	if err != nil {
		return nil, err
	}
	r, ok := v.(*big.Rat)
	if !ok {
		return nil, errOpen
	}
	return r, nil
}

func logic(a, b node, or bool) node {
	return func(sc Scope) (any, error) {
		v, err := a(sc)
		if x, _ := v.(bool); err != nil || x == or {
			return x, err
		}
		v, err = b(sc)
		y, _ := v.(bool)
		return y, err
	}
}

func arithmetic(op string, a, b node) node {
	return func(sc Scope) (any, error) {
		x, err := numberOf(sc, a)
		if err != nil {
			return nil, err
		}
		y, err := numberOf(sc, b)
		if err != nil {
			return nil, err
		}
		switch {
		case op == "+":
			return new(big.Rat).Add(x, y), nil
		case op == "-":
			return new(big.Rat).Sub(x, y), nil
		case op == "*":
			return new(big.Rat).Mul(x, y), nil
		case y.Sign() == 0:
			return nil, errOpen
		}
		return new(big.Rat).Quo(x, y), nil
	}
}

func compare(op string, a, b node) node {
	return func(sc Scope) (any, error) {
		x, err := a(sc)
		if err != nil {
			return nil, err
		}
		y, err := b(sc)
		if err != nil {
			return nil, err
		}
		c := strings.Compare(plain(x), plain(y))
		if r, ok := x.(*big.Rat); ok {
			if q, ok := y.(*big.Rat); ok {
				c = r.Cmp(q)
			}
		}
		return map[string]bool{"==": c == 0, "!=": c != 0, "<": c < 0, "<=": c <= 0, ">": c > 0, ">=": c >= 0}[op], nil
	}
}

func plain(v any) string {
	if r, ok := v.(*big.Rat); ok {
		return r.RatString()
	}
	return fmt.Sprint(v)
}
