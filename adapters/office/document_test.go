package office

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gatehouse/adapters"
	"gatehouse/configs"
	"gatehouse/configs/city"
	"gatehouse/configs/paper"
	"gatehouse/configs/texts"
	"gatehouse/exchange"
	"gatehouse/exchange/service"
)

func papers(t *testing.T) *Papers {
	t.Helper()
	press, err := paper.Open(paper.Config{})
	if err != nil {
		t.Fatal(err)
	}
	catalog, err := service.Load(city.Services(), func(name string, b []byte, into any) error {
		return configs.Parse(name, b, into, func(string) (string, bool) { return "", false })
	})
	if err != nil {
		t.Fatal(err)
	}
	words, err := texts.Load()
	if err != nil {
		t.Fatal(err)
	}
	return &Papers{Press: press, Catalog: catalog, Texts: words, Name: "Port Lumen", Letterhead: []string{"Town Hall Sq 1"}, Check: "https://portlumen.example/track/{reference}"}
}

// decide brings a case to the desk, decides it and lets the decision leave; it gives what the down lane then holds of it.
func (in *inside) decide(c exchange.Case, d exchange.Decision, reason string) (exchange.Notice, []exchange.Part) {
	in.Helper()
	in.arrive(c)
	in.round()
	in.must(in.desk.Claim(in.Context(), releaser, c.ID))
	in.must(in.desk.Tell(in.Context(), releaser, c.ID, adapters.Public{ID: exchange.NewID(in.now), State: exchange.Decided, Decision: d, Reason: reason, Releasable: true}))
	in.now = in.now.Add(time.Minute)
	in.round()
	parcels, err := in.store.Outgoing().Waiting(in.Context(), 1000)
	in.must(err)
	var notice exchange.Notice
	var parts []exchange.Part
	for _, p := range parcels {
		x, err := exchange.Decode(p.Kind, p.Content)
		in.must(err)
		switch x := x.(type) {
		case exchange.Notice:
			if x.Decision != "" {
				notice = x
			}
		case exchange.Part:
			if notice.ID == "" {
				in.Error("a part goes before its notice")
			}
			parts = append(parts, x)
		}
	}
	return notice, parts
}

// TestDecisionDocument: a decision leaves with its document, which says what the case says, in the person's language,
// and names no officer; the store keeps the bytes as they left.
func TestDecisionDocument(t *testing.T) {
	for lang, want := range map[string][]string{
		"en": {"Granted in part", "Bulky waste", "If you do not agree", "24 November 2026", "Waste team", "Town Hall Sq 1"},
		"fr": {"Accordé en partie", "24 novembre 2026", "Service des déchets"},
		"ar": {"مقبول جزئيا", "القرار", "+44 7700 900100"},
		"zh": {"部分批准", "2026年11月24日", "废物处"},
	} {
		t.Run(lang, func(t *testing.T) {
			in := open(t)
			in.office.Papers = papers(t)
			c := in.newCase()
			c.Lang = lang
			n, parts := in.decide(c, exchange.Partly, "Two of three (2/3): PL.")
			if len(n.Document) != 1 || len(parts) != 1 || parts[0].Of != n.ID || parts[0].File != n.Document[0].ID || n.Document[0].Name != c.Reference+".pdf" {
				t.Fatalf("%+v and %d parts", n, len(parts))
			}
			f, kept, err := in.store.Document(t.Context(), n.ID)
			if err != nil || f != n.Document[0] || !bytes.Equal(kept, parts[0].Bytes) || int64(len(kept)) != f.Size {
				t.Fatalf("kept %+v, %v", f, err)
			}
			got := read(t, kept)
			for _, w := range append(want, c.Reference, "Ana", "Two of three (2/3): PL.", "https://portlumen.example/track/"+c.Reference) {
				if !strings.Contains(got, w) {
					t.Errorf("no %q in\n%s", w, got)
				}
			}
			if strings.Contains(strings.ToLower(got), "lena") {
				t.Error("it names the officer")
			}
		})
	}
}

// read gives the text of a document by another program.
func read(t *testing.T, b []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "x.pdf")
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "pdftotext", file, "-").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Map(func(r rune) rune {
		if r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			return -1
		}
		return r
	}, string(out))
}

// TestTextAlone: what has no document leaves all the same.
func TestTextAlone(t *testing.T) {
	report, ask := "STR-LIGHT", "ask"
	for name, c := range map[string]struct {
		service  string
		decision exchange.Decision
		reason   string
		off      bool
	}{
		"a letter without a font": {"WST-BULK", exchange.Granted, "Yes \U0001F44D", false},
		"a report":                {report, exchange.Granted, "Repaired.", false},
		"an inquiry":              {ask, exchange.Granted, "At eight.", false},
		"no action":               {"WST-BULK", exchange.NoAction, "It is gone.", false},
		"switched off":            {"WST-BULK", exchange.Granted, "Yes.", true},
		"a service of nobody":     {"OLD-1", exchange.Granted, "Yes.", false},
	} {
		t.Run(name, func(t *testing.T) {
			in := open(t)
			if !c.off {
				in.office.Papers = papers(t)
			}
			x := in.newCase()
			x.Service = c.service
			n, parts := in.decide(x, c.decision, c.reason)
			if n.Reason != c.reason || len(n.Document) != 0 || len(parts) != 0 {
				t.Errorf("%+v and %d parts", n, len(parts))
			}
			if _, _, err := in.store.Document(t.Context(), n.ID); err == nil {
				t.Error("a document is kept")
			}
		})
	}
}

// TestServiceSaysItself: a service's file may ask for documents, or forbid them.
func TestServiceSaysItself(t *testing.T) {
	p := papers(t)
	n := exchange.Notice{State: exchange.Decided, Decision: exchange.Refused}
	s, _ := p.Catalog.ByCode("STR-LIGHT")
	s.Document = "always"
	if !p.Owed(exchange.Case{Service: "STR-LIGHT"}, n) {
		t.Error("always is not")
	}
	s, _ = p.Catalog.ByCode("WST-BULK")
	s.Document = "never"
	if p.Owed(exchange.Case{Service: "WST-BULK"}, n) {
		t.Error("never is")
	}
}
