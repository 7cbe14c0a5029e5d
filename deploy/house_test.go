package deploy

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "gatehouse/"

// room says what one kind of folder may import. The first room whose pattern fits a folder counts; a pattern that
// ends in /... fits the folder and all below it. The table is HOUSE's own, a row a line.
type room struct {
	folder  string
	house   []string // folders of ours, without "gatehouse/"; "..." as above
	foreign []string // third-party prefixes; "*" for whatever the room is about
}

var (
	contracts = []string{"channels", "channels/text", "exchange", "exchange/service", "exchange/receipt"}
	leaves    = []string{"gateway/dialogue", "gateway/forms", "gateway/answers", "gateway/consent", "gateway/sheet", "gateway/table"}
	everyday  = []string{"configs/look", "configs/texts", "configs/answers", "configs/paper", "configs/password", "configs/secret"}
	border    = []string{"golang.org/x/text/unicode/norm", "golang.org/x/sys"}
)

func rooms() []room {
	with := func(lists ...[]string) []string { return slices.Concat(lists...) }
	return []room{
		{"configs/secret", nil, nil},
		{"configs/...", []string{"configs/..."}, []string{"*"}},

		{"channels", nil, nil},
		{"channels/text", nil, nil},
		{"channels/channeltest", []string{"channels", "channels/text"}, []string{"*"}},
		{"channels/sms/...", []string{"configs/secret", "channels", "channels/text", "channels/sms/..."}, []string{"*"}},
		{"channels/email/...", []string{"configs/secret", "channels", "channels/text", "channels/email/..."}, []string{"*"}},
		{"channels/chat/...", []string{"configs/secret", "channels", "channels/text", "channels/chat/..."}, []string{"*"}},
		{"channels/web/...", []string{"configs/secret", "channels", "channels/text", "channels/web/..."}, []string{"*"}},

		{"exchange/program", []string{"configs", "configs/command", "configs/secret", "exchange/..."}, border},
		{"exchange/cmd/...", []string{"configs", "configs/command", "exchange/..."}, border},
		{"exchange/diode", []string{"configs/secret", "exchange"}, append(border, "github.com/klauspost/reedsolomon")},
		{"exchange/receipt", nil, nil},
		{"exchange/...", []string{"configs/secret", "exchange/..."}, border},

		{"gateway", with([]string{"configs/texts"}, contracts, leaves), nil},
		{"gateway/dialogue", []string{"configs/texts", "channels/text", "exchange/service"}, []string{"*"}},
		{"gateway/forms", []string{"configs/texts", "channels/text", "exchange/service", "gateway/table"}, []string{"*"}},
		{"gateway/answers", []string{"configs/texts", "channels/text", "exchange/service"}, []string{"*"}},
		{"gateway/consent", []string{"configs/texts", "channels/text", "exchange/service"}, []string{"*"}},
		{"gateway/sheet", []string{"configs/texts", "channels/text", "exchange/service"}, []string{"*"}},
		{"gateway/table", []string{"configs/texts", "channels/text", "exchange/service"}, []string{"*"}},
		{"gateway/slip", []string{"configs/texts", "configs/paper", "exchange/service", "exchange/receipt"}, []string{"*"}},
		{"gateway/broadcast", with([]string{"configs/texts", "configs/paper", "gateway"}, contracts, leaves), []string{"*"}},
		{"gateway/declaration", with([]string{"configs/texts", "configs/paper", "gateway"}, contracts, leaves), []string{"*"}},
		{"gateway/store/...", with([]string{"configs/database", "configs/vault", "gateway", "gateway/broadcast", "gateway/store/..."}, everyday, contracts, leaves), []string{"*"}},
		{"gateway/volatile/...", with([]string{"gateway", "gateway/volatile/..."}, everyday, contracts, leaves), []string{"*"}},
		{"gateway/portal/...", with([]string{"gateway", "gateway/broadcast", "gateway/declaration", "gateway/slip"}, everyday, contracts, leaves), []string{"*"}},
		{"gateway/program", []string{"configs/...", "channels/...", "exchange/...", "gateway/..."}, []string{"*"}},
		{"gateway/cmd/...", []string{"gateway/program"}, nil},

		{"adapters/program", []string{"configs/...", "channels/text", "exchange/...", "adapters/..."}, []string{"*"}},
		{"adapters/cmd/...", []string{"adapters/program"}, nil},
		{"adapters/store/...", with([]string{"configs/database", "configs/vault", "channels/text", "exchange", "exchange/service", "exchange/receipt", "adapters/..."}, everyday), []string{"*"}},
		{"adapters/...", with([]string{"channels/text", "exchange", "exchange/service", "exchange/receipt", "adapters/..."}, everyday), []string{"*"}},

		{"deploy/...", []string{"configs/...", "channels/...", "exchange/...", "gateway/...", "adapters/...", "deploy/..."}, []string{"*"}},
	}
}

// TestImports reads every file that is not a test and holds its imports against the table.
func TestImports(t *testing.T) {
	table, seen := rooms(), 0
	err := filepath.WalkDir("..", func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == ".git" || d.Name() == "data" || d.Name() == "bin" || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return nil
		}
		seen++
		folder := filepath.ToSlash(filepath.Dir(strings.TrimPrefix(file, "../")))
		r, ok := find(table, folder)
		if !ok {
			t.Errorf("%s: the table has no row for this folder", folder)
			return nil
		}
		for _, imp := range imports(t, file) {
			if !r.may(imp) && !forTests(folder) {
				t.Errorf("%s may not import %s", folder, imp)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen < 10 {
		t.Fatalf("read only %d files: the walk is broken", seen)
	}
}

// forTests tells a folder of helpers that only tests import (storetest, connectortest, databasetest).
func forTests(folder string) bool {
	base := path.Base(folder)
	return strings.HasSuffix(base, "test") && base != "test"
}

func imports(t *testing.T, file string) []string {
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, i := range f.Imports {
		p, _ := strconv.Unquote(i.Path.Value)
		all = append(all, p)
	}
	return all
}

func find(table []room, folder string) (room, bool) {
	for _, r := range table {
		if fits(r.folder, folder) {
			return r, true
		}
	}
	return room{}, false
}

func fits(pattern, folder string) bool {
	root, below := strings.CutSuffix(pattern, "/...")
	return folder == root || below && strings.HasPrefix(folder, root+"/")
}

func (r room) may(imp string) bool {
	if ours, ok := strings.CutPrefix(imp, module); ok {
		return fits(r.folder, ours) || slices.ContainsFunc(r.house, func(p string) bool { return fits(p, ours) })
	}
	if !strings.Contains(strings.Split(imp, "/")[0], ".") {
		return true // the standard library
	}
	return slices.Contains(r.foreign, "*") || slices.ContainsFunc(r.foreign, func(p string) bool { return fits(p+"/...", imp) })
}

// TestImportsCanFail shows that the table refuses what it has to.
func TestImportsCanFail(t *testing.T) {
	for _, c := range []struct{ folder, imp string }{
		{"channels", "github.com/gorilla/websocket"},
		{"channels/sms", "gatehouse/channels/email"},
		{"channels/sms", "gatehouse/gateway"},
		{"gateway", "gatehouse/gateway/store"},
		{"gateway/dialogue", "gatehouse/gateway"},
		{"gateway/portal", "gatehouse/adapters"},
		{"gateway/portal", "gatehouse/configs/database"},
		{"adapters/console", "gatehouse/configs/vault"},
		{"adapters/office", "gatehouse/gateway"},
		{"adapters/desk", "gatehouse/channels"},
		{"exchange/guard", "gatehouse/channels"},
		{"exchange", "go.yaml.in/yaml/v4"},
	} {
		r, ok := find(rooms(), c.folder)
		if !ok || r.may(c.imp) {
			t.Errorf("the table lets %s import %s", c.folder, c.imp)
		}
	}
}

// TestNobodyImportsDeploy keeps the sum out of the parts.
func TestNobodyImportsDeploy(t *testing.T) {
	for _, r := range rooms() {
		if !strings.HasPrefix(r.folder, "deploy") && r.may(module+"deploy/local") {
			t.Errorf("the table lets %s import deploy", r.folder)
		}
	}
}

// TestTopLevel holds the folders to the ones the house has.
func TestTopLevel(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "git", "-C", "..", "ls-files").Output()
	if err != nil {
		t.Fatalf("list the files: %v", err)
	}
	allowed := []string{"gateway", "channels", "adapters", "exchange", "configs", "deploy", "go.mod", "go.sum", "README.md", "LICENSE", "Makefile"}
	for _, f := range strings.Fields(string(out)) {
		top, _, _ := strings.Cut(f, "/")
		if !strings.HasPrefix(top, ".") && !slices.Contains(allowed, top) {
			t.Errorf("%s does not belong at the top", f)
		}
	}
}
