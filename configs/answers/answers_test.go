package answers

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"gatehouse/configs"
)

const whole = `---
id: bulky
title: "Bulky waste: free pickup"
kind: rule
number: R-12
issued_by: City council
effective_from: 2026-01-01
effective_to: 2026-12-31
replaces: old-bulky
asks:
  - how do i get rid of a sofa
  - fridge
source: https://portlumen.example/en/bulky
owner: Waste
review_by: 2026-06-01
audience: staff
service: WST-BULK
---

## sms
Free pickup,
2 a year.

## chat
Free pickup.

Twice a year.

## page
Text.

## Fees

None.
`

func TestParseReadsEveryKeyAndSection(t *testing.T) {
	got, err := Parse("a.md", "en", []byte(whole))
	if err != nil {
		t.Fatal(err)
	}
	want := Page{Lang: "en", ID: "bulky", Title: "Bulky waste: free pickup", Kind: Rule, Number: "R-12", IssuedBy: "City council",
		EffectiveFrom: "2026-01-01", EffectiveTo: "2026-12-31", Replaces: "old-bulky", Asks: []string{"how do i get rid of a sofa", "fridge"},
		Source: "https://portlumen.example/en/bulky", Owner: "Waste", ReviewBy: "2026-06-01", Audience: Staff, Service: "WST-BULK",
		SMS: "Free pickup, 2 a year.", Chat: "Free pickup.\n\nTwice a year.", Page: "Text.\n\n## Fees\n\nNone."}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("got  %+v\nwant %+v", got, want)
	}
	b, err := got.Format()
	if err != nil {
		t.Fatal(err)
	}
	if again, err := Parse("a.md", "en", b); err != nil || !reflect.DeepEqual(again, got) {
		t.Fatalf("written and read again: %v\n%s", err, b)
	}
}

func TestParseTakesIDAndTitleAlone(t *testing.T) {
	p, err := Parse("a.md", "zh", []byte("\ufeff---\r\nid: a\r\ntitle: 标题\r\n---\r\nbody\r\n"))
	if err != nil || p.Title != "标题" || p.Page != "body" || !p.Public() || p.Kind != Answer {
		t.Fatalf("got %+v, %v", p, err)
	}
}

func TestParseNamesEveryFaultWithItsLine(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"no front", "id: a\n", "a.md:1: must begin with front matter"},
		{"open front", "---\nid: a\n", "a.md:1: has front matter that does not end"},
		{"unknown key", "---\nid: a\ntitle: t\ncolour: red\n---\n", "a.md:4: colour: is not a known key; known here: id, title"},
		{"twice", "---\nid: a\nid: b\ntitle: t\n---\n", "id"},
		{"no title", "---\nid: a\n---\n", "a.md:1: title: is missing"},
		{"bad id", "---\nid: ../a\ntitle: t\n---\n", "a.md:2: id: is \"../a\""},
		{"bad date", "---\nid: a\ntitle: t\nreview_by: soon\n---\n", "a.md:4: review_by: must be a day such as 2026-11-24"},
		{"no such day", "---\nid: a\ntitle: t\nreview_by: 2026-02-30\n---\n", "a.md:4: review_by: must be a day"},
		{"order", "---\nid: a\ntitle: t\neffective_from: 2026-02-02\neffective_to: 2026-02-01\n---\n", "effective_to: is 2026-02-01, before"},
		{"kind", "---\nid: a\ntitle: t\nkind: poem\n---\n", "a.md:4: kind: is \"poem\"; must be one of answer, policy"},
		{"audience", "---\nid: a\ntitle: t\naudience: all\n---\n", "a.md:4: audience: is \"all\"; must be one of public, staff"},
		{"source", "---\nid: a\ntitle: t\nsource: javascript:x\n---\n", "a.md:4: source: is"},
		{"asks", "---\nid: a\ntitle: t\nasks: why\n---\n", "a.md:4: asks: must be a list of questions"},
		{"ask", "---\nid: a\ntitle: t\nasks:\n - {a: b}\n---\n", "a.md:5: asks.0: must be a single value"},
		{"two at once", "---\nid: a\ntitle: [x]\nkind: poem\n---\n", "a.md:4: kind"},
		{"section twice", "---\nid: a\ntitle: t\n---\n## sms\nx\n## sms\ny\n", "a.md:7: sms: is a section that is there twice"},
		{"section", "---\nid: a\ntitle: t\n---\n## sms\nx\n## fax\ny\n", "a.md:7: fax: is not a section"},
		{"long", "---\nid: a\ntitle: " + strings.Repeat("t", MaxLine+1) + "\n---\n", "a.md:3: title: is 501 bytes long"},
		{"utf", "---\nid: \xff\n---\n", "a.md: is not UTF-8"},
		{"yaml", "---\nid: a\ntitle: [\n---\n", "a.md:"},
		{"size", strings.Repeat("x", MaxFile+1), "a.md: is over 262144 bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse("a.md", "en", []byte(c.text))
			var f configs.Fault
			if err == nil || !strings.Contains(err.Error(), c.want) || !errors.As(err, &f) {
				t.Fatalf("got %v\nwant %s", err, c.want)
			}
		})
	}
}

func TestLoadReportsTheFaultsOfAllFiles(t *testing.T) {
	page := func(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }
	_, err := LoadFS(fstest.MapFS{
		"en/a.md":   page("---\nid: a\n---\n"),
		"en/b.md":   page("---\nid: c\ntitle: t\n---\n"),
		"en/c.txt":  page(""),
		"d.md":      page(""),
		"english/x": page(""),
		".git/x":    page(""),
		"README.md": page(""),
	}, "dir")
	for _, want := range []string{"dir/en/a.md:1: title: is missing", "dir/en/b.md: id: is \"c\"; must be the file's name, \"b\"",
		"dir/en/c.txt: is not a page", "dir/d.md: is not in a language's folder", "dir/english: is not a language"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in %v", want, err)
		}
	}
	if _, err := Load("/nowhere/at/all"); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("got %v", err)
	}
}

func TestInForceBothDaysIncluded(t *testing.T) {
	azores := time.FixedZone("", -3600)
	p := Page{EffectiveFrom: "2026-03-01", EffectiveTo: "2026-03-02", ReviewBy: "2026-03-01"}
	for at, want := range map[string]bool{"2026-02-28 23:59": false, "2026-03-01 00:00": true, "2026-03-02 23:59": true, "2026-03-03 00:00": false} {
		now, _ := time.ParseInLocation("2006-01-02 15:04", at, azores)
		from, to := p.Bounds(azores)
		if p.InForce(now) != want || (!now.Before(from) && !now.After(to)) != want {
			t.Errorf("%s: not %v", at, want)
		}
	}
	if !(Page{}).InForce(time.Now()) || !p.Overdue(time.Date(2026, 3, 2, 0, 0, 0, 0, azores)) {
		t.Error("open bounds")
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(whole))
	f.Add([]byte("---\nid: &a x\ntitle: *a\n---\n```\n## sms\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := Parse("a.md", "en", b)
		if err != nil {
			return
		}
		out, err := p.Format()
		if err != nil {
			t.Fatal(err)
		}
		if len(out) > MaxFile {
			return
		}
		again, err := Parse("a.md", "en", out)
		if err == nil && again.Title != p.Title {
			t.Fatalf("title %q came back as %q", p.Title, again.Title)
		}
	})
}
