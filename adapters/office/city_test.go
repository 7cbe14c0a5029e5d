package office

import (
	"testing"

	"gatehouse/configs"
	"gatehouse/configs/city"
	"gatehouse/exchange"
	"gatehouse/exchange/service"
)

// TestInquiryGoesToTheDepartmentItNames: an inquiry alone, and to a department that there is.
func TestInquiryGoesToTheDepartmentItNames(t *testing.T) {
	cat, err := service.Load(city.Services(), func(name string, b []byte, into any) error {
		return configs.Parse(name, b, into, func(string) (string, bool) { return "", false })
	})
	if err != nil {
		t.Fatal(err)
	}
	c := City{Catalog: cat}
	for _, row := range []struct{ service, put, want string }{
		{"ask", "", "desk"}, {"ask", "parking", "parking"}, {"ask", "nobody", "desk"}, {"WST-BULK", "parking", "waste"}, {"none", "parking", "desk"},
	} {
		filed := exchange.Case{Service: row.service}
		if row.put != "" {
			filed.Answers = []exchange.Answer{{Field: service.PutTo, Value: row.put}}
		}
		if got := c.DepartmentOf(filed); got != row.want {
			t.Errorf("%s put to %q goes to %s, want %s", row.service, row.put, got, row.want)
		}
	}
}
