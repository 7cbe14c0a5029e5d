package exchange

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"gatehouse/configs/secret"
)

// LeakConfig says what a text that goes down must not hold. The zero value is the defaults.
type LeakConfig struct {
	// Marks are classification marks. One in capitals is found in capitals alone, so that "no secret" is none; others
	// in any case. Left out: DefaultMarks.
	Marks []string `yaml:"marks"`
	// Words are key words of the operator, in any case: names of operations, of systems, of people under protection.
	Words []string `yaml:"words"`
	// Shapes are kinds of numbers besides the built-in ones (card, iban, cn-id, fr-nir, uk-nino). Left out: the company
	// numbers of the demo city.
	Shapes []Shape `yaml:"shapes"`
	// Off names kinds of numbers that are not looked for.
	Off []string `yaml:"off"`
	// Ours are numbers that the office itself publishes, such as its bank account.
	Ours []string `yaml:"ours"`
	// Canaries are the digests of planted strings, as Canary gives them under CanaryKey: the list shows none of them.
	Canaries  []string     `yaml:"canaries"`
	CanaryKey secret.Value `yaml:"canary_key"`
}

// DefaultMarks are the classification marks of several states and languages, as they stand on documents.
func DefaultMarks() []string {
	return []string{
		"TOP SECRET", "SECRET", "CONFIDENTIAL", "OFFICIAL-SENSITIVE", "NOFORN", "EYES ONLY", "FOR OFFICIAL USE ONLY", "INTERNAL USE ONLY",
		"NATO RESTRICTED", "EU RESTRICTED", "RESTREINT UE", "TRÈS SECRET", "CONFIDENTIEL DÉFENSE", "CONFIDENTIEL", "DIFFUSION RESTREINTE",
		"USAGE INTERNE", "NE PAS DIFFUSER", "STRENG GEHEIM", "VS-NfD", "MUITO SECRETO", "RESERVADO",
		"سري للغاية", "سري جدا", "سري وعاجل", "محظور التداول", "للاستخدام الداخلي فقط",
		"绝密★", "机密★", "秘密★", "绝密文件", "机密文件", "内部资料", "内部文件", "不得外传", "仅供内部使用",
	}
}

func defaultShapes() []Shape {
	return []Shape{{Name: "company", Pattern: "##-######-@", Check: "letter97"}}
}

// Rules of leaks besides the kinds of numbers.
const (
	LeakMark   = "mark"
	LeakWord   = "word"
	LeakCanary = "canary"
)

// Leak is one thing found: by which rule and where. It never holds what was found.
type Leak struct {
	Rule  string // LeakMark, LeakWord, LeakCanary, or a kind of number
	Field string // of the document, as in a FieldError
	From  int    // bytes of the field's text
	To    int
}

// Stops tells whether nothing may leave with it, whoever releases it: a mark or a canary. Everything else is for a
// second person to decide.
func (l Leak) Stops() bool { return l.Rule == LeakMark || l.Rule == LeakCanary }

// MaxLeaks bounds what is found in one document.
const MaxLeaks = 50

// canaryLength is how many letters and digits of a canary count, from its beginning.
const canaryLength = 12

// Canary gives the digest by which a planted string is known: HMAC-SHA-256 under key of its first 12 letters and
// digits, folded, cut to 128 bits, in hex. A shorter string is refused, because its digest could be tried out.
func Canary(key, planted string) (string, error) {
	ls := fold(Normalize(planted))
	if len(ls) < canaryLength {
		return "", fmt.Errorf("canary: has %d letters and digits; plant at least %d", len(ls), canaryLength)
	}
	return hex.EncodeToString(canaryDigest(hmac.New(sha256.New, []byte(key)), ls, nil)), nil
}

func canaryDigest(mac hash.Hash, ls []letter, buf []byte) []byte {
	mac.Reset()
	for _, l := range ls[:canaryLength] {
		buf = append(buf, string(l.r)...)
	}
	mac.Write(buf)
	return mac.Sum(nil)[:16]
}

// Leaks are the compiled rules. They are safe for concurrent use.
type Leaks struct {
	phrases  map[rune][]phrase
	numbers  []numberRule
	ours     Own
	canaries map[string]bool
	key      []byte
}

type phrase struct {
	rule    string
	letters []rune
	capital bool
}

// Validate gives all faults joined, as "key: what is wrong; what would be right".
func (c LeakConfig) Validate() error {
	var all []error
	fault := func(format string, a ...any) { all = append(all, fmt.Errorf(format, a...)) }
	known := []string{}
	for _, n := range numberRules() {
		known = append(known, n.name)
	}
	for i, s := range c.Shapes {
		if !isShapeName(s.Name) || slices.Contains(append([]string{LeakMark, LeakWord, LeakCanary}, known...), s.Name) {
			fault("shapes.%d: name is %q; small letters, digits and hyphens, and none that is taken", i, s.Name)
		}
		if n := len(fold(strings.NewReplacer("#", "0", "@", "a").Replace(s.Pattern))); n < 5 || n > 40 {
			fault("shapes.%d: pattern has %d digits and letters; 5 to 40, such as ##-######-@", i, n)
		}
		if checks()[s.Check] == nil {
			fault("shapes.%d: check is %q; write luhn, mod97, mod11, letter97 or none", i, s.Check)
		}
		known = append(known, s.Name)
	}
	for _, list := range []struct {
		key   string
		words []string
	}{{"marks", c.Marks}, {"words", c.Words}} {
		for i, w := range list.words {
			if len(fold(Normalize(w))) < 2 {
				fault("%s.%d: has fewer than two letters; it would be found everywhere", list.key, i)
			}
		}
	}
	for i, name := range c.Off {
		if !slices.Contains(known, name) && name != "company" {
			fault("off.%d: is %q; known are %s", i, name, strings.Join(known, ", "))
		}
	}
	for i, d := range c.Canaries {
		if b, err := hex.DecodeString(d); err != nil || len(b) != 16 {
			fault("canaries.%d: is not 32 hex digits; write what `guard canary` prints", i)
		}
	}
	if len(c.Canaries) > 0 && len(c.CanaryKey.Reveal()) < 16 {
		fault("canary_key: is shorter than 16 characters; digests without a secret can be tried out")
	}
	return errors.Join(all...)
}

func isShapeName(s string) bool {
	return s != "" && len(s) <= 31 && 'a' <= s[0] && s[0] <= 'z' && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

// NewLeaks compiles the rules; the error is Validate's.
func NewLeaks(c LeakConfig) (*Leaks, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if c.Marks == nil {
		c.Marks = DefaultMarks()
	}
	if c.Shapes == nil {
		c.Shapes = defaultShapes()
	}
	l := &Leaks{phrases: map[rune][]phrase{}, ours: OwnOf(c.Ours...), canaries: map[string]bool{}, key: []byte(c.CanaryKey.Reveal())}
	for _, m := range c.Marks {
		l.add(LeakMark, m, capital(m))
	}
	for _, w := range c.Words {
		l.add(LeakWord, w, false)
	}
	l.numbers = numberRules()
	for _, s := range c.Shapes {
		l.numbers = append(l.numbers, s.rule())
	}
	l.numbers = slices.DeleteFunc(l.numbers, func(n numberRule) bool { return slices.Contains(c.Off, n.name) })
	for _, d := range c.Canaries {
		l.canaries[strings.ToLower(d)] = true
	}
	return l, nil
}

func (l *Leaks) add(rule, s string, capital bool) {
	p := phrase{rule: rule, capital: capital}
	for _, x := range fold(Normalize(s)) {
		p.letters = append(p.letters, x.r)
	}
	l.phrases[p.letters[0]] = append(l.phrases[p.letters[0]], p)
}

// capital tells whether s has letters of two cases and all are upper case.
func capital(s string) bool {
	return s == strings.ToUpper(s) && strings.IndexFunc(s, unicode.IsUpper) >= 0
}

// Own is what the recipient said: a number that stands in it may be said to them.
type Own struct{ letters string }

// OwnOf gives the numbers of those texts.
func OwnOf(texts ...string) Own {
	var b strings.Builder
	for _, s := range texts {
		for _, l := range fold(Normalize(s)) {
			b.WriteRune(l.r)
		}
		b.WriteByte('\n')
	}
	return Own{b.String()}
}

func (o Own) has(number string) bool { return strings.Contains(o.letters, number) }

// In gives what is found in the texts of d, in order; at most MaxLeaks. A number of own is not found.
func (l *Leaks) In(d Document, own Own) []Leak {
	var out []Leak
	v, err := known(d)
	if err != nil {
		return nil
	}
	eachText(v, "", func(field, s string) {
		for _, k := range l.Find(s, own) {
			k.Field = field
			out = append(out, k)
		}
	})
	return out[:min(len(out), MaxLeaks)]
}

// Stopping gives the leaks of d that stop it, for who has no second person to ask: marks and canaries.
func (l *Leaks) Stopping(d Document) []Leak {
	return slices.DeleteFunc(l.In(d, Own{}), func(k Leak) bool { return !k.Stops() })
}

// eachText calls f for every field of text, not for ids, words of a set and releases.
func eachText(v reflect.Value, at string, f func(field, s string)) {
	t := v.Type()
	for i := range t.NumField() {
		field, name := v.Field(i), join(at, wireName(t.Field(i)))
		switch x := field.Interface().(type) {
		case Released:
			continue
		case string:
			if r := ruleOf(t.Field(i)); r.name == "line" || r.name == "text" {
				f(name, x)
			}
			continue
		case []string:
			for j, s := range x {
				f(name+"["+strconv.Itoa(j)+"]", s)
			}
			continue
		}
		if field.Kind() == reflect.Slice && field.Type().Elem().Kind() == reflect.Struct {
			for j := range field.Len() {
				eachText(field.Index(j), name+"["+strconv.Itoa(j)+"]", f)
			}
		}
	}
}

// Find gives what is found in one normal text, in order.
func (l *Leaks) Find(s string, own Own) []Leak {
	ls := fold(s)
	var out []Leak
	found := func(rule string, i, n int) {
		out = append(out, Leak{Rule: rule, From: ls[i].from, To: ls[i+n-1].to})
	}
	told := 0 // letters up to here are in a phrase that was found
	for i := 0; i < len(ls) && len(out) < MaxLeaks; i++ {
		if !ls[i].cut {
			continue
		}
		if p, ok := l.longest(ls[i:]); ok && i+len(p.letters) > told {
			found(p.rule, i, len(p.letters))
			told = i + len(p.letters)
		}
		if rule, n := l.number(ls[i:], own); n > 0 {
			found(rule, i, n)
			i += n - 1
		}
	}
	out = append(out, l.planted(ls)...)
	slices.SortStableFunc(out, func(a, b Leak) int { return cmp.Compare(a.From, b.From) })
	return out[:min(len(out), MaxLeaks)]
}

// longest gives the longest phrase that begins the letters.
func (l *Leaks) longest(ls []letter) (best phrase, ok bool) {
	for _, p := range l.phrases[ls[0].r] {
		if len(p.letters) > len(best.letters) && p.at(ls) {
			best, ok = p, true
		}
	}
	return best, ok
}

// at tells whether the letters begin with the phrase as words of their own, whatever separates the letters.
func (p phrase) at(ls []letter) bool {
	n := len(p.letters)
	if len(ls) < n || len(ls) > n && !ls[n].cut {
		return false
	}
	for i, r := range p.letters {
		l := ls[i]
		if l.r != r || i > 0 && l.gap > maxGap || p.capital && unicode.IsLower(r) && !l.upper {
			return false
		}
	}
	return true
}

// number gives the first kind of number that begins the letters, unless it is the office's or the recipient's own.
func (l *Leaks) number(ls []letter, own Own) (rule string, n int) {
	for _, k := range l.numbers {
		n := k.find(ls)
		if n == 0 {
			continue
		}
		var b strings.Builder
		for _, x := range ls[:n] {
			b.WriteRune(x.r)
		}
		if !own.has(b.String()) && !l.ours.has(b.String()) {
			return k.name, n
		}
	}
	return "", 0
}

// planted finds canaries, at any letter and whatever separates the next ones.
func (l *Leaks) planted(ls []letter) (out []Leak) {
	if len(l.canaries) == 0 {
		return nil
	}
	mac, buf := hmac.New(sha256.New, l.key), make([]byte, 0, 4*canaryLength)
	for i := 0; i+canaryLength <= len(ls) && len(out) < MaxLeaks; i++ {
		if l.canaries[hex.EncodeToString(canaryDigest(mac, ls[i:], buf))] {
			out = append(out, Leak{Rule: LeakCanary, From: ls[i].from, To: ls[i+canaryLength-1].to})
			i += canaryLength - 1
		}
	}
	return out
}
