package service

import (
	"testing"
	"time"
)

func TestParseSpan(t *testing.T) {
	for s, want := range map[string]Span{"P2Y": {Years: 2}, "P1Y6M": {Years: 1, Months: 6}, "P6W": {Days: 42}, "P0D": {}, "P1W2D": {Days: 9}, "P10Y": {Years: 10}} {
		if got, err := ParseSpan(s); err != nil || got != want {
			t.Errorf("%s is %+v, %v", s, got, err)
		}
	}
	for _, s := range []string{"", "P", "2Y", "P2", "PT1H", "P-1Y", "P1D2Y", "P1Y1Y", "P1234Y", "p2y", "P 2Y"} {
		if got, err := ParseSpan(s); err == nil {
			t.Errorf("%q is taken as %+v", s, got)
		}
	}
}

func TestUntil(t *testing.T) {
	end := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	c := &Catalog{services: []*Service{{Code: "A", Retention: "P6M"}, {Code: "B"}, {Code: "C", Retention: "P0D"}}}
	for code, want := range map[string]time.Time{"A": end.AddDate(0, 6, 0), "B": end.AddDate(2, 0, 0), "C": end, "gone": end.AddDate(2, 0, 0)} {
		if got := c.Until(code, end); !got.Equal(want) {
			t.Errorf("%s is kept until %v, want %v", code, got, want)
		}
	}
}
