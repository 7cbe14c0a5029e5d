package deploy

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	action    = regexp.MustCompile(`\{\{[^}]*\}\}`)
	tag       = regexp.MustCompile(`<(?:"[^"]*"|'[^']*'|[^>"'])*>`)
	spoken    = regexp.MustCompile(`\b(?:aria-label|alt|title|placeholder)="([^"]*)"`)
	letters   = regexp.MustCompile(`\pL{2,}`)
	character = regexp.MustCompile(`&[a-z]+;|XLSX|CSV|PDF|JSON`) // and the names of formats
)

// TestPagesHoldNoWords: what a person reads or hears on a page comes from the catalogues, in their language. The
// stand-ins of the carriers are other companies' pages.
func TestPagesHoldNoWords(t *testing.T) {
	pages := 0
	for _, room := range []string{"../gateway", "../adapters"} {
		err := filepath.WalkDir(room, func(name string, d fs.DirEntry, err error) error {
			if err != nil || filepath.Ext(name) != ".html" {
				return err
			}
			pages++
			b, err := os.ReadFile(name)
			if words := saidIn(string(b)); len(words) > 0 {
				t.Errorf("%s says %q in one language alone", name, words)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if pages < 20 {
		t.Errorf("only %d pages were read", pages)
	}
	if got := saidIn(`<p title="Hello">{{.T "x"}} there</p>`); len(got) != 2 {
		t.Errorf("this test is blind: %q", got)
	}
}

// saidIn gives the words that a template itself holds, in its text and in what is read out, but for names of formats.
func saidIn(page string) []string {
	page = action.ReplaceAllString(page, " ")
	var said strings.Builder
	for _, m := range spoken.FindAllStringSubmatch(page, -1) {
		said.WriteString(m[1] + " ")
	}
	said.WriteString(character.ReplaceAllString(tag.ReplaceAllString(page, " "), " "))
	return letters.FindAllString(said.String(), -1)
}
