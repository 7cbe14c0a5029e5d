package consent

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestStandingIsTheLastWord draws ledgers and holds what stands against a search from the end.
func TestStandingIsTheLastWord(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lines := rapid.SliceOf(rapid.Custom(func(t *rapid.T) Line {
			return Line{
				Purpose: rapid.SampledFrom([]Purpose{List, Service}).Draw(t, "purpose"),
				List:    rapid.SampledFrom([]string{"a", "b", Everything}).Draw(t, "list"),
				Address: rapid.SampledFrom([]string{"sms:1", "email:x"}).Draw(t, "address"),
				Act:     Act(rapid.IntRange(0, 2).Draw(t, "act")), At: time.Unix(rapid.Int64Range(0, 9).Draw(t, "at"), 0),
			}
		})).Draw(t, "lines")
		standing := Standing(lines)
		seen := map[topic]bool{}
		for _, l := range standing {
			k := topic{l.Purpose, l.List, l.Address}
			if seen[k] {
				t.Fatalf("%v stands twice", k)
			}
			seen[k] = true
			for i := len(lines) - 1; ; i-- {
				if o := lines[i]; (topic{o.Purpose, o.List, o.Address}) == k {
					if o != l {
						t.Fatalf("%v stands, the last word is %v", l, o)
					}
					break
				}
			}
		}
		for _, l := range lines {
			if !seen[topic{l.Purpose, l.List, l.Address}] {
				t.Fatalf("%v is lost", l)
			}
		}
	})
}

func TestListsAreThoseGranted(t *testing.T) {
	got := Lists([]Line{{Purpose: List, List: "b", Act: Granted}, {Purpose: List, List: "a", Act: Granted}, {Purpose: List, List: "b", Act: Granted, Address: "x"},
		{Purpose: List, List: "c", Act: Asked}, {Purpose: List, List: "d"}, {Purpose: List, List: Everything, Act: Granted}, {Purpose: Service, List: "e", Act: Granted}})
	if len(got) != 2 || got[0] != "a" || got[1] != "b" {
		t.Errorf("lists are %v", got)
	}
}
