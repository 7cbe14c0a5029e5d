package city

import (
	"testing"

	"gatehouse/configs"
	"gatehouse/exchange/service"
)

func TestServicesAreWhole(t *testing.T) {
	c, err := service.Load(Services(), func(name string, b []byte, into any) error {
		return configs.Parse(name, b, into, func(string) (string, bool) { return "", false })
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, code := range []string{"WST-BULK", "STR-LIGHT", "DEC-TOUR", "WTR-ALERT", "ask"} {
		if _, ok := c.ByCode(code); !ok {
			t.Errorf("%s is missing", code)
		}
	}
	if len(c.City.Districts) != 5 || len(c.City.Departments) != 6 || c.City.Location().String() != "Atlantic/Azores" {
		t.Errorf("the city lost its facts: %+v", c.City)
	}
	if p := c.City.Places("14 quay st"); len(p) != 1 || p[0].String() != "14 Quay St, PL2 4AB" {
		t.Errorf("14 quay st is %v", p)
	}
}
