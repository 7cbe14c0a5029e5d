package exchange

import (
	"strings"
	"testing"
	"time"
)

// TestNoticeWordsNeedTheirState: what the guard refuses as well, because it reads by the same check.
func TestNoticeWordsNeedTheirState(t *testing.T) {
	at := time.Date(2026, 12, 4, 18, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		n     Notice
		wrong string
	}{
		"words in work":        {Notice{State: InOA, Words: "crew assigned"}, ""},
		"words alone":          {Notice{Words: "crew assigned"}, "words"},
		"words and a decision": {Notice{State: Decided, Decision: Granted, Reason: "yes", Words: "granted"}, "words"},
		"words of two lines":   {Notice{State: InOA, Words: "crew\nassigned"}, "words"},
		"long words":           {Notice{State: InOA, Words: strings.Repeat("w", 161)}, "words"},
		"rows":                 {Notice{State: WaitingYou, Text: "Row 7", Correct: 2, Promise: at}, ""},
		"rows without a date":  {Notice{State: WaitingYou, Text: "Row 7", Correct: 2}, "promise"},
		"rows not asked for":   {Notice{State: InOA, Correct: 2, Promise: at}, "correct"},
		"too many rows":        {Notice{State: WaitingYou, Text: "Row 7", Correct: MaxCorrect + 1, Promise: at}, "correct"},
		"less than no row":     {Notice{State: WaitingYou, Text: "Row 7", Correct: -1, Promise: at}, "correct"},
	} {
		c.n.ID, c.n.Case, c.n.At, c.n.Release = "n1", "c1", at, Released{Policy: PolicyClean, Label: Releasable, By: "u1", At: at}
		err := c.n.Check()
		if got, _, _ := strings.Cut(errText(err), ":"); got != c.wrong {
			t.Errorf("%s: %v, want a fault of %q", name, err, c.wrong)
		}
	}
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
