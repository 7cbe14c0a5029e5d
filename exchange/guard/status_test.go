package guard

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gatehouse/exchange"
)

func TestStatusText(t *testing.T) {
	p := newPost(t, exchange.Up, Limits{})
	p.cross(caseWith("c1"))
	p.cross(caseWith("c2", ref("f", "a.exe", []byte("x"))))
	s := p.guard.Status()
	text := s.Text("none")
	for _, want := range []string{
		`gatehouse_guard_info{lane="up",rules="2026.2",isolation="none"} 1`,
		`gatehouse_guard_passed_total{lane="up"} 1`,
		`gatehouse_guard_refused_total{lane="up",reason="file-kind"} 1`,
		`gatehouse_guard_in_seq{lane="up",epoch="1"} 2`,
		fmt.Sprintf(`gatehouse_guard_log_records{lane="up",head="%x"} 3`, s.Tip.Hash),
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("%s is missing in\n%s", want, text)
		}
	}
	path := filepath.Join(t.TempDir(), "guard.prom")
	if err := WriteStatus(path, text); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != text {
		t.Errorf("%v", err)
	}
}

func TestLimitsConfig(t *testing.T) {
	if err := (Limits{}).Validate(); err != nil {
		t.Error(err)
	}
	bad := Limits{DocumentBytes: 1, FileBytes: 1 << 40, FilesBytes: 1, DocumentsPerHour: -1, BytesPerDay: 1, Pending: -1}
	err := bad.Validate()
	for _, key := range []string{"document_bytes", "file_bytes", "files_bytes", "documents_per_hour", "bytes_per_day", "pending"} {
		if err == nil || !strings.Contains(err.Error(), key+": ") {
			t.Errorf("%s is not named: %v", key, err)
		}
	}
}
