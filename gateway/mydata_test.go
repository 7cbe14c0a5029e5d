package gateway_test

import (
	"strings"
	"testing"

	"gatehouse/channels/text"
)

func TestMyDataCountsAndNamesLists(t *testing.T) {
	for said, want := range map[string]string{"MY DATA": "STATUS", "mes données": "", "بياناتي": "", "我的数据": ""} {
		w := joined(t)
		for _, s := range []string{"TAX 0", "SEND", "BOOK", "PAUSE"} {
			w.text(s)
		}
		got := w.text(said)
		for _, part := range []string{want, "2026-11-23", "2036-11-23"} {
			if !strings.Contains(got, part) {
				t.Errorf("%q says %q, without %q", said, got, part)
			}
		}
		if n := text.Measure(got).Segments; n > 3 {
			t.Errorf("%q: %d segments", said, n)
		}
	}
}
