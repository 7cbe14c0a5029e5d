package office

import (
	"testing"
	"time"

	"gatehouse/adapters"
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

// TestReturnFollowsItsCase: a declaration is known by company and period, and its rows stand as the last document says.
func TestReturnFollowsItsCase(t *testing.T) {
	cat, err := service.Load(city.Services(), func(name string, b []byte, into any) error {
		return configs.Parse(name, b, into, func(string) (string, bool) { return "", false })
	})
	if err != nil {
		t.Fatal(err)
	}
	c := City{Catalog: cat}
	at := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	head := []exchange.Answer{{Field: "company", Value: "12-345678-C"}, {Field: "week", Value: "2026-W47"}}
	r := adapters.Record{Case: exchange.Case{Service: "DEC-GOODS", FiledAt: at, Answers: append(head, exchange.Answer{Field: "goods", Value: "one"}),
		Rows: []exchange.Rows{{Filed: 1, Open: 2, Until: at.Add(time.Hour)}}}}
	r.Return = c.Returned(r, nil)
	if r.Return == nil || r.Return.Company != "12-345678-C" || r.Return.Period != "2026-W47" || r.Return.Rows != 1 || r.Return.Open != 2 {
		t.Fatalf("filed %+v", r.Return)
	}
	r.Return = c.Returned(r, &exchange.Addition{Act: exchange.ActKeep, At: at, Answers: []exchange.Answer{{Field: "goods", Value: "two"}},
		Rows: []exchange.Rows{{Filed: 2, Open: 1}}, Kept: []exchange.KeptRow{{Number: 15, At: 1}}})
	if k := r.Return.Waiting(); r.Return.Rows != 2 || len(k) != 1 || k[0].Row != "two" || k[0].Number != 15 || !k[0].Due.Equal(time.Date(2026, 12, 1, 18, 0, 0, 0, time.UTC)) {
		t.Errorf("kept %+v", r.Return)
	}
	if r.Return = c.Returned(r, &exchange.Addition{Act: exchange.ActReply}); r.Return.Rows != 2 || r.Return.Open != 1 {
		t.Errorf("a reply changes %+v", r.Return)
	}
	r.Return = c.Returned(r, &exchange.Addition{Act: exchange.ActAmend, Answers: append(head, exchange.Answer{Field: "goods", Value: "new"}), Rows: []exchange.Rows{{Filed: 1}}})
	if r.Return.Rows != 1 || r.Return.Open != 0 || len(r.Return.Waiting()) != 0 {
		t.Errorf("amended %+v", r.Return)
	}
	for _, code := range []string{"WST-BULK", "DEC-TOUR", "none"} {
		if got := c.Returned(adapters.Record{Case: exchange.Case{Service: code}}, nil); got != nil {
			t.Errorf("%s is a declaration of companies", code)
		}
	}
}
