package email

import (
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// fromHTML puts a page into words: paragraphs as lines, cells apart by tabs, quotations marked with ">". Scripts and
// styles are dropped. It never fails: what is no HTML comes out as it is.
func fromHTML(page string) string {
	var w wordsOf
	z := html.NewTokenizer(strings.NewReader(page))
	for {
		switch z.Next() {
		case html.ErrorToken:
			return strings.TrimSpace(w.out.String()) + "\n"
		case html.TextToken:
			if w.hidden == 0 {
				w.text(string(z.Text()))
			}
		case html.StartTagToken, html.SelfClosingTagToken:
			name, _ := z.TagName()
			w.open(atom.Lookup(name))
		case html.EndTagToken:
			name, _ := z.TagName()
			w.shut(atom.Lookup(name))
		}
	}
}

// wordsOf gathers the words of a page.
type wordsOf struct {
	out    strings.Builder
	hidden int // within script, style …
	quote  int // within blockquote
	lines  int // line ends written since the last word
	space  bool
	begun  bool
}

func (w *wordsOf) open(a atom.Atom) {
	switch a {
	case atom.Script, atom.Style, atom.Head, atom.Title, atom.Template:
		w.hidden++
	case atom.Body:
		w.hidden = 0
	case atom.Br, atom.Hr:
		w.end(w.lines + 1)
	case atom.Blockquote:
		w.end(1)
		w.quote = min(w.quote+1, 5)
	case atom.P, atom.Table, atom.H1, atom.H2, atom.H3, atom.H4, atom.Ul, atom.Ol, atom.Pre:
		w.end(2)
	case atom.Div, atom.Section, atom.Article, atom.Tr:
		w.end(1)
	case atom.Li:
		w.end(1)
		w.text("- ")
	}
}

func (w *wordsOf) shut(a atom.Atom) {
	switch a {
	case atom.Script, atom.Style, atom.Head, atom.Title, atom.Template:
		w.hidden = max(w.hidden-1, 0)
	case atom.Blockquote:
		w.end(1)
		w.quote = max(w.quote-1, 0)
	case atom.Td, atom.Th:
		if w.lines == 0 {
			w.out.WriteByte('\t')
			w.space = false
		}
	case atom.P, atom.Table, atom.H1, atom.H2, atom.H3, atom.H4, atom.Ul, atom.Ol, atom.Pre:
		w.end(2)
	case atom.Div, atom.Section, atom.Article, atom.Tr, atom.Li:
		w.end(1)
	}
}

// end makes sure that n line ends, at most two, stand after the last word.
func (w *wordsOf) end(n int) {
	for w.begun && w.lines < min(n, 2) {
		w.out.WriteByte('\n')
		w.lines++
	}
	w.space = false
}

// text writes words with single spaces between them.
func (w *wordsOf) text(s string) {
	for i, f := range strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(" \t\r\n\f\u00a0", r) }) {
		if (i > 0 || w.space || startsBlank(s)) && w.lines == 0 && w.begun && !strings.HasSuffix(w.tail(), "\t") {
			w.out.WriteByte(' ')
		}
		if (w.lines > 0 || !w.begun) && w.quote > 0 {
			w.out.WriteString(strings.Repeat("> ", w.quote))
		}
		w.out.WriteString(f)
		w.begun, w.lines, w.space = true, 0, false
	}
	w.space = w.space || endsBlank(s)
}

func (w *wordsOf) tail() string {
	s := w.out.String()
	return s[max(0, len(s)-1):]
}

func startsBlank(s string) bool {
	return s != "" && strings.ContainsRune(" \t\r\n\f\u00a0", []rune(s)[0])
}

func endsBlank(s string) bool {
	return s != "" && (strings.ContainsRune(" \t\r\n\f", rune(s[len(s)-1])) || strings.HasSuffix(s, "\u00a0"))
}
