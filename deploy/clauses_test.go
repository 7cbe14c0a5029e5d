package deploy

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestClausesNameTests: each test that the security argument names is there.
func TestClausesNameTests(t *testing.T) {
	page, err := os.ReadFile("../exchange/doc.go")
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile(`\bTest[A-Z]\w+`).FindAllString(string(page), -1)
	if len(named) < 40 {
		t.Fatalf("only %d tests are named: the page was read wrongly", len(named))
	}
	have := map[string]bool{}
	declared := regexp.MustCompile(`(?m)^func (Test[A-Z]\w+)\(`)
	err = filepath.WalkDir("..", func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(file, "_test.go") {
			return err
		}
		b, err := os.ReadFile(file)
		for _, m := range declared.FindAllStringSubmatch(string(b), -1) {
			have[m[1]] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range named {
		if !have[name] {
			t.Errorf("exchange's page names %s, and there is no such test", name)
		}
	}
}
