package look

import (
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

func TestServes(t *testing.T) {
	l, err := Open("")
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(l.Handler("/look"))
	defer srv.Close()
	for path, want := range map[string]int{
		l.Sheet("/look"): 200, "/look/logo.svg": 200, "/look/icons/lock.svg": 200, "/look/": 404, "/look/look.go": 404,
		"/look/../look.go": 404,
	} {
		res, err := http.Get(srv.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != want {
			t.Errorf("%s: %d, want %d", path, res.StatusCode, want)
		}
	}
	res, err := http.Get(srv.URL + l.Sheet("/look"))
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if got := res.Header.Get("Content-Type"); !strings.HasPrefix(got, "text/css") {
		t.Errorf("type %q", got)
	}
	if got := res.Header.Get("Cache-Control"); !strings.Contains(got, "immutable") {
		t.Errorf("cache %q", got)
	}
}

func TestIcon(t *testing.T) {
	l, _ := Open("")
	if got := string(l.Icon("lock")); !strings.Contains(got, `aria-hidden="true"`) || !strings.HasPrefix(got, "<svg") {
		t.Errorf("icon %q", got)
	}
	if got := l.Icon("../logo"); got != "" {
		t.Errorf("an icon outside its folder: %q", got)
	}
	if !strings.Contains(string(l.Icon("arrow")), "turns") {
		t.Error("an arrow must turn with the text")
	}
}

func TestOverride(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "look.css"), []byte("a{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	own, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	plain, _ := Open("")
	if own.Sheet("") == plain.Sheet("") {
		t.Error("an overridden sheet has the address of the built-in one")
	}
	if own.Icon("lock") == "" {
		t.Error("icons are lost under an override")
	}
	if _, err := Open(filepath.Join(dir, "missing")); err == nil {
		t.Error("a missing directory was taken")
	}
}

// TestContrast checks WCAG 2.2 §1.4.3 (4.5 to 1 for text) and §1.4.11 (3 to 1 for the edges of controls).
func TestContrast(t *testing.T) {
	sheet, err := built.ReadFile("look.css")
	if err != nil {
		t.Fatal(err)
	}
	light, dark, found := strings.Cut(string(sheet), "@media (prefers-color-scheme: dark)")
	if !found {
		t.Fatal("no dark theme")
	}
	dark, _, _ = strings.Cut(dark, "*, *::before")
	text := [][2]string{
		{"ink", "paper"}, {"ink", "surface"}, {"ink", "sunken"}, {"soft", "paper"}, {"soft", "surface"},
		{"link", "paper"}, {"link", "surface"}, {"on-brand", "brand"}, {"on-brand", "brand-deep"},
		{"on-accent", "accent"}, {"good", "good-back"}, {"warn", "warn-back"}, {"bad", "bad-back"},
		{"bad", "surface"}, {"info", "info-back"}, {"inside", "inside-back"}, {"outside", "outside-back"},
		{"ink", "inside-back"}, {"ink", "outside-back"}, {"soft", "inside-back"}, {"soft", "outside-back"},
		{"link", "outside-back"}, {"on-strong", "inside"}, {"on-strong", "outside"},
	}
	edges := [][2]string{{"edge", "surface"}, {"edge", "paper"}, {"focus", "paper"}, {"focus", "surface"}, {"accent", "brand"}}
	for theme, css := range map[string]string{"light": light, "dark": dark} {
		colour := tokens(css)
		check := func(pairs [][2]string, want float64) {
			for _, p := range pairs {
				a, okA := colour[p[0]]
				b, okB := colour[p[1]]
				if !okA || !okB {
					t.Errorf("%s: no token %v", theme, p)
				} else if got := contrast(a, b); got < want {
					t.Errorf("%s: %s on %s is %.2f to 1, want %.1f", theme, p[0], p[1], got, want)
				}
			}
		}
		check(text, 4.5)
		check(edges, 3)
	}
}

// TestStrongGroundsKeepTheirInk: a rule that darkens the ground sets the colour of the text too, or lies in the page's
// head, which does: a link in the text would be dark on dark.
func TestStrongGroundsKeepTheirInk(t *testing.T) {
	sheet, _ := built.ReadFile("look.css")
	found := 0
	for _, rule := range regexp.MustCompile(`(?m)^([^{}\n]+){([^}]*background: var\(--brand(?:-deep)?\)[^}]*)}`).FindAllStringSubmatch(string(sheet), -1) {
		found++
		if !strings.Contains(rule[2], " color:") && !strings.HasPrefix(rule[1], ".top ") && !strings.Contains(rule[1], "primary:hover") {
			t.Errorf("%q sets a strong ground and no colour", rule[1])
		}
	}
	if found < 5 {
		t.Errorf("only %d rules were read", found)
	}
}

func TestNoPhysicalSides(t *testing.T) {
	sheet, _ := built.ReadFile("look.css")
	physical := regexp.MustCompile(`(margin|padding|border)-(left|right)|text-align:\s*(left|right)|[{;]\s*(left|right):`)
	if m := physical.FindString(string(sheet)); m != "" {
		t.Errorf("%q does not turn with the text", m)
	}
}

func tokens(css string) map[string]uint64 {
	out := map[string]uint64{}
	for _, m := range regexp.MustCompile(`--([a-z-]+): #([0-9a-f]{6});`).FindAllStringSubmatch(css, -1) {
		out[m[1]], _ = strconv.ParseUint(m[2], 16, 32)
	}
	return out
}

func contrast(a, b uint64) float64 {
	la, lb := luminance(a), luminance(b)
	if la < lb {
		la, lb = lb, la
	}
	return (la + 0.05) / (lb + 0.05)
}

func luminance(c uint64) float64 {
	channel := func(v uint64) float64 {
		f := float64(v&255) / 255
		if f <= 0.04045 {
			return f / 12.92
		}
		return math.Pow((f+0.055)/1.055, 2.4)
	}
	return 0.2126*channel(c>>16) + 0.7152*channel(c>>8) + 0.0722*channel(c)
}
