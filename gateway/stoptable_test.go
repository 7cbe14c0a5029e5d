package gateway_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"gatehouse/gateway"
)

// moment is a point of a scripted dialogue: what was texted until then, "@…" for the clock.
type moment struct {
	script string
	said   []string
}

// moments are all points of all scripts, the beginning too: every question of every form there, in every language.
func moments(t *testing.T) []moment {
	t.Helper()
	files, err := filepath.Glob("testdata/scripts/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	var all []moment
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		m := moment{script: strings.TrimSuffix(filepath.Base(file), ".txt")}
		for line := range strings.Lines(string(b)) {
			kind, said, _ := strings.Cut(strings.TrimRight(line, "\n"), " ")
			switch kind {
			case "@":
				m.said = append(m.said[:len(m.said):len(m.said)], "@"+said)
			case "C":
				m.said = append(m.said[:len(m.said):len(m.said)], said)
				all = append(all, m)
			}
		}
	}
	return append(all, moment{script: "nothing said"})
}

// at brings a new person to that point.
func (m moment) at(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	for _, s := range m.said {
		if at, ok := strings.CutPrefix(s, "@"); ok {
			now, err := time.Parse(time.DateTime, at)
			if err != nil {
				t.Fatal(err)
			}
			w.now = now.UTC()
			continue
		}
		w.text(s)
	}
	return w
}

// kept are the answers of the open form.
func kept(w *world) map[string][]string {
	if w.draft == nil {
		return nil
	}
	return w.draft.Form.Answers
}

// TestStopTable: at every point of every dialogue a keyword stops at once, and free wording at once or after one
// question, whatever language the person writes; the other answer changes nothing. No answer of a form is lost by it.
func TestStopTable(t *testing.T) {
	c := mustTexts(t)
	all := moments(t)
	if len(all) < 100 {
		t.Fatalf("only %d points", len(all))
	}
	langs := []string{"en", "fr", "ar", "zh"}
	for i, m := range all { // each word comes up at one point or another, in the language of the dialogue and not
		keywords, phrases := c.Words(langs[i%4], "stop"), c.Words(langs[(i+1)%4], "stop_phrases")
		m.stops(t, keywords[i/4%len(keywords)])
		m.asks(t, phrases[i/4%len(phrases)])
	}
}

func (m moment) stops(t *testing.T, keyword string) {
	t.Helper()
	w := m.at(t)
	before, stopped := kept(w), reached(w).Stopped
	got := w.text(keyword)
	if !reached(w).Stopped || w.lists["*"] || (got == "") != stopped {
		t.Errorf("%s %q: %s is answered %q and leaves %+v", m.script, m.said, keyword, got, reached(w))
	}
	if !reflect.DeepEqual(kept(w), before) || w.draft != nil && !w.draft.Paused {
		t.Errorf("%s %q: after %s the form holds %v, not %v", m.script, m.said, keyword, kept(w), before)
	}
}

func (m moment) asks(t *testing.T, phrase string) {
	t.Helper()
	for _, yes := range []bool{true, false} {
		w := m.at(t)
		before, stopped := kept(w), reached(w).Stopped
		if got := w.text(phrase); got == "" && !stopped {
			t.Errorf("%s %q: %q is not answered", m.script, m.said, phrase)
		}
		atOnce := reached(w).Stopped // it begins with a keyword
		if yes {
			w.text("1")
		} else if !atOnce {
			w.text("2")
		}
		if reached(w).Stopped != (yes || atOnce) {
			t.Errorf("%s %q: %q, then %v, leaves %+v", m.script, m.said, phrase, yes, reached(w))
		}
		if !reflect.DeepEqual(kept(w), before) {
			t.Errorf("%s %q: after %q the form holds %v, not %v", m.script, m.said, phrase, kept(w), before)
		}
	}
}

// reached is what is known of the telephone.
func reached(w *world) gateway.Reach {
	if len(w.contact.Reaches) == 0 {
		return gateway.Reach{}
	}
	return w.contact.Reaches[0]
}
