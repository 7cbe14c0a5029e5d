// Package dialogue reads what people say: words of danger, opt-out, commands, menu numbers in every script, yes and
// no, and the language they write in.
//
// The rule: reading never decides what is done. The order in which the readings are tried (danger, opt-out, help,
// commands, the running dialogue, keywords, search) is the dispatcher's, and no word of a dialogue is one that a
// carrier acts upon by itself (STOP, END, QUIT, CANCEL, YES, START …).
package dialogue

import (
	"slices"
	"strings"
	"unicode/utf8"

	"gatehouse/configs/texts"
)

// MaxRead bounds what is read of a message for its grammar, in bytes; longer texts are no commands.
const MaxRead = 2000

// Grammar knows the words of all languages. It is read-only and safe for concurrent use.
type Grammar struct {
	langs  []string
	lists  map[string]map[string][]string // list → language → folded words
	exact  map[string]map[string]string   // list → folded word → language
	number map[string]int
}

// New takes the word lists out of the catalogue.
func New(t *texts.Catalog) *Grammar {
	g := &Grammar{
		langs: t.Languages(), lists: map[string]map[string][]string{}, exact: map[string]map[string]string{},
		number: map[string]int{},
	}
	for _, list := range Lists() {
		g.lists[list], g.exact[list] = map[string][]string{}, map[string]string{}
		for _, lang := range g.langs {
			for i, w := range t.Words(lang, list) {
				f := Fold(w)
				g.lists[list][lang] = append(g.lists[list][lang], f)
				if _, taken := g.exact[list][f]; !taken {
					g.exact[list][f] = lang
				}
				if list == "numbers" {
					g.number[f] = i
				}
			}
		}
	}
	return g
}

// Lists names the word lists that every language has in its texts.
func Lists() []string {
	return []string{"danger", "safe", "stop", "stop_carrier", "stop_phrases", "courtesy", "start", "help", "back", "pause",
		"go", "drop", "send", "more", "menu", "status", "skip", "reopen", "privacy", "forget", "mydata", "whom", "join", "language", "greeting", "thanks", "yes", "no",
		"link", "unlink", "page", "numbers", "and", "common", "question", "today", "yesterday", "tomorrow", "after_tomorrow", "next", "date_words", "person",
		"keep", "row", "all", "withdraw", "nil"}
}

// read bounds and folds.
func read(s string) string {
	if len(s) > MaxRead {
		s = s[:MaxRead]
		for !utf8.ValidString(s) && len(s) > MaxRead-utf8.UTFMax {
			s = s[:len(s)-1]
		}
	}
	return Fold(s)
}

// Is tells whether the whole message is a word of the list, in any language.
func (g *Grammar) Is(list, s string) bool {
	_, ok := g.exact[list][read(s)]
	return ok
}

// Begins finds a word of the list at the beginning of s and gives what follows it, folded.
func (g *Grammar) Begins(list, s string) (rest string, ok bool) {
	f := read(s)
	best := -1
	for w := range g.exact[list] {
		if w != "" && len(w) > best && (f == w || strings.HasPrefix(f, w+" ") || isHan(w) && strings.HasPrefix(f, w)) {
			best = len(w)
		}
	}
	if best < 0 {
		return "", false
	}
	return strings.TrimSpace(f[best:]), true
}

// Has tells whether a word of the list stands in s, in any language.
func (g *Grammar) Has(list, s string) bool {
	f := read(s)
	for w := range g.exact[list] {
		if contains(f, w) {
			return true
		}
	}
	return false
}

// Danger tells whether s holds a word of danger (gas, fire, injured …) in any language, once the harmless phrases
// ("fire permit") are taken away.
func (g *Grammar) Danger(s string) bool {
	f := read(s)
	for w := range g.exact["safe"] {
		if !contains(f, w) {
			continue
		}
		if isHan(w) {
			f = strings.ReplaceAll(f, w, " ")
			continue
		}
		f = strings.ReplaceAll(" "+f+" ", " "+w+" ", " ")
	}
	f = strings.Join(strings.Fields(f), " ")
	for w := range g.exact["danger"] {
		if contains(f, w) {
			return true
		}
	}
	return false
}

// Intent is how sure it is that somebody opts out.
type Intent int

// No wish to stop; a wording that has to be confirmed; a plain STOP.
const (
	Stays Intent = iota
	MayStop
	Stops
)

// OptOut reads a wish to stop in any language. carrier adds the words on which carriers act by themselves on SMS
// (END, QUIT, CANCEL …).
func (g *Grammar) OptOut(s string, carrier bool) Intent {
	f := read(s)
	words := strings.Fields(f)
	if len(words) == 0 {
		return Stays
	}
	if g.in("stop", f) || carrier && g.in("stop_carrier", f) {
		return Stops
	}
	if rest, ok := g.Begins("stop", f); ok && len(words) <= 5 {
		if !slices.ContainsFunc(strings.Fields(rest), func(w string) bool { return !g.in("courtesy", w) }) {
			return Stops
		}
		if len(words) <= 3 && !isHan(f) { // 停 begins many words: 停车 is to park
			return MayStop
		}
	}
	for w := range g.exact["stop_phrases"] {
		if contains(f, w) {
			return MayStop
		}
	}
	return Stays
}

// Small tells whether a folded word says nothing of its own beside the name of something: courtesy, articles.
func (g *Grammar) Small(word string) bool {
	return g.in("courtesy", word) || g.in("common", word) || g.in("and", word)
}

func (g *Grammar) in(list, folded string) bool {
	_, ok := g.exact[list][folded]
	return ok
}

// Yes reads a yes or no: the words of any language, or 1 and 2. ok is false for anything else.
func (g *Grammar) Yes(s string) (yes, ok bool) {
	switch n, isNumber := g.Number(s); {
	case isNumber && n == 1, g.Is("yes", s):
		return true, true
	case isNumber && n == 2, g.Is("no", s):
		return false, true
	}
	return false, false
}

// Question tells whether s reads like a question rather than like an answer.
func (g *Grammar) Question(s string) bool {
	if strings.ContainsAny(s, "?？؟") {
		return true
	}
	if _, ok := g.Begins("question", s); ok {
		return true
	}
	return len(strings.Fields(s)) >= 6
}
