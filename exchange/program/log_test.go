package program

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gatehouse/exchange"
	"gatehouse/exchange/evidence"
)

// TestLogCommand is an auditor with copies of the logs, at each of the three programs.
func TestLogCommand(t *testing.T) {
	dir := t.TempDir()
	sent := func(name string, p exchange.Party, n int) string {
		path := filepath.Join(dir, name)
		s, _, err := evidence.OpenSide(path, p, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		for i := range n {
			h := exchange.Head{Epoch: 1, Seq: uint64(i + 1), Digest: [32]byte{byte(i + 1)}}
			if p == exchange.Extranet {
				err = s.Sent(time.Now(), []exchange.Numbered{{Parcel: "p", Head: h}})
			} else {
				err = s.Received(time.Now(), []exchange.Arrival{{Head: h, Origin: h}})
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		return path
	}
	ext, in := sent("ext.log", exchange.Extranet, 3), sent("in.log", exchange.Intranet, 3)
	less := filepath.Join(dir, "less.log")
	b, err := os.ReadFile(in)
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.SplitAfter(b, []byte("\n"))
	if err := os.WriteFile(less, bytes.Join(append(lines[:2:2], lines[3:]...), nil), 0o600); err != nil {
		t.Fatal(err)
	}
	other := sent("other.log", exchange.Extranet, 2)
	for name, c := range map[string]struct {
		args []string
		code int
		says string
	}{
		"whole":         {[]string{"verify", ext}, 0, "whole: 4 records; note this tip elsewhere: 4:"},
		"one taken out": {[]string{"verify", less}, 1, "line 3: record 4 stands where record 3 belongs"},
		"no file":       {[]string{"verify", filepath.Join(dir, "none")}, 1, "no such file"},
		"a wrong tip":   {[]string{"verify", ext, "-tip", "x"}, 2, "a tip is <number>"},
		"equal":         {[]string{"reconcile", ext, in}, 0, "equal"},
		"on their way":  {[]string{"reconcile", in, ext}, 0, "no log of its guard"},
		"differ":        {[]string{"reconcile", other, in}, 1, "up: number 3 of epoch 1 is in the log of its end, not in that of its origin"},
		"not whole":     {[]string{"reconcile", ext, less}, 1, less + ": the log is not whole: line 3"},
		"one alone":     {[]string{"reconcile", ext}, 2, "two files or more"},
		"nothing":       {nil, 2, "gateway log verify FILE"},
	} {
		var out bytes.Buffer
		if code := Log("gateway", c.args, &out, &out); code != c.code || !strings.Contains(out.String(), c.says) {
			t.Errorf("%s: %d: %s", name, code, &out)
		}
	}
	var out bytes.Buffer
	if code := Main([]string{"log", "reconcile", ext, in}, &out, &out); code != 0 {
		t.Errorf("guard: %d: %s", code, &out)
	}
}

func TestWhereASideKeepsItsLog(t *testing.T) {
	for _, c := range []struct{ file, store, want string }{
		{"x.log", "sqlite:./data/gateway.db", "x.log"},
		{"", "sqlite:./data/gateway.db", "./data/gateway.db.log"},
		{"", "sqlite:./data/gateway.db?x=1", "./data/gateway.db.log"},
		{"", "postgres://host/db", ""},
		{"x.log", "postgres://host/db", "x.log"},
	} {
		if got := Evidence(c.file, c.store); got != c.want {
			t.Errorf("%q, %q: %q", c.file, c.store, got)
		}
		if err := CheckEvidence(c.file, c.store); (err == nil) != (c.want != "") {
			t.Errorf("%q, %q: %v", c.file, c.store, err)
		}
	}
}
