package service

import (
	"slices"
	"strings"
	"testing"
)

func TestBookingNamesItsFaults(t *testing.T) {
	right := func() *Service {
		return &Service{
			Short: Words{"en": "Pickup"}, Booking: Booking{Field: "date", From: "07:00", To: "15:00"}, Choices: []Act{ActChange, ActWithdraw},
			Dialogue: Dialogue{Fields: []Field{{Name: "date", Kind: Date, Calendar: "pickup"}, {Name: "note", Kind: Text}, {Name: "goods", Kind: Rows}}},
		}
	}
	for name, c := range map[string]struct {
		change func(*Service)
		want   string
	}{
		"right":           {func(*Service) {}, ""},
		"long short name": {func(s *Service) { s.Short["en"] = strings.Repeat("x", maxShort+1) }, "short.en"},
		"no date":         {func(s *Service) { s.Booking.Field = "note" }, "booking.field"},
		"no field":        {func(s *Service) { s.Booking.Field = "when" }, "booking.field"},
		"odd hours":       {func(s *Service) { s.Booking.To = "06:00" }, "booking"},
		"half the hours":  {func(s *Service) { s.Booking.To = "" }, "booking"},
		"no such act":     {func(s *Service) { s.Choices[0] = "sing" }, "choices.0"},
		"an act twice":    {func(s *Service) { s.Choices[1] = ActChange }, "choices.1"},
		"no day":          {func(s *Service) { s.Booking = Booking{} }, "choices.0"},
	} {
		s := right()
		c.change(s)
		got := ""
		for _, err := range s.bookingFaults() {
			got, _, _ = strings.Cut(err.Error(), ":")
		}
		if got != c.want {
			t.Errorf("%s: faults of %q, want %q", name, got, c.want)
		}
	}
	s := right()
	if day, ok := s.Booked(map[string][]string{"date": {"2026-12-03"}}); !ok || day.String() != "2026-12-03" || s.Hours() != "7:00-15:00" {
		t.Errorf("booked %v %v, %s", day, ok, s.Hours())
	}
	if n := s.RowCount(map[string][]string{"goods": {"a", "b"}, "note": {"c"}}); n != 2 {
		t.Errorf("%d rows", n)
	}
	if s.Choices = nil; !slices.Equal(s.Acts(), []Act{ActAdd, ActWithdraw, ActPerson}) {
		t.Errorf("acts %v", s.Acts())
	}
}
