package portal

import (
	"strings"

	"gatehouse/channels/text"
	"gatehouse/exchange/service"
	"gatehouse/gateway/forms"
)

// canonical writes a typed value as the service's checks want it, where that is certain; else it stays as typed and
// the check says what is wrong.
func canonical(s *service.Service, f *service.Field, v string) string {
	switch f.Kind {
	case service.Number, service.Money:
		v = strings.ReplaceAll(text.Digits(v), " ", "")
		if strings.Count(v, ",") == 1 && !strings.Contains(v, ".") {
			v = strings.Replace(v, ",", ".", 1)
		}
		if f.Kind == service.Money && !strings.Contains(v, ".") {
			v += ".00"
		}
	case service.Place:
		if found := s.City().Places(v); len(found) == 1 {
			return found[0].String()
		}
	case service.Code:
		if code, ok := f.ReadCode(text.Digits(v)); ok {
			return code
		}
		return strings.ToUpper(text.Digits(v))
	case service.Time:
		if t, ok := forms.ParseTime(v); ok {
			return t
		}
	case service.Company, service.Date, service.Month:
		return strings.ToUpper(text.Digits(v))
	case service.Phone:
		return strings.NewReplacer(" ", "", "-", "", "(", "", ")", "").Replace(text.Digits(v))
	}
	return v
}
