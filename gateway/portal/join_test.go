package portal

import (
	"net/http"
	"strings"
	"testing"

	"gatehouse/channels"
)

// TestAPageAsksForAnAddress: the request goes to the address that is typed in, and the page tells nothing of it.
func TestAPageAsksForAnAddress(t *testing.T) {
	b := open(t)
	_, page, _ := b.get(t, "/en/services/WTR-ALERT")
	values := map[string][]string{"token": {token(t, page)}, "districts": {"quayside"}, "language": {"en"}, "hours": {"any"}}
	for _, wrong := range []string{"", "someone", "+1 212 555 0100", strings.Repeat("x", 300) + "@a.example"} {
		values["where"] = []string{wrong}
		status, body := b.post(t, "/en/services/WTR-ALERT", values)
		if status != http.StatusUnprocessableEntity || !strings.Contains(body, `href="#f-where"`) || len(b.desk.got) != 0 {
			t.Errorf("%q: %d %s", wrong, status, body)
		}
	}
	for _, said := range []string{"07700 900123", "+44 7700 900123", "jo@Northdock.example"} {
		values["where"] = []string{said}
		status, at := b.post(t, "/en/services/WTR-ALERT", values)
		if status != http.StatusSeeOther {
			t.Fatalf("%q: %d %s", said, status, at)
		}
		if _, body, _ := b.get(t, at); !strings.Contains(body, "Please confirm") || strings.Contains(body, "900123") {
			t.Errorf("the page says %s", body)
		}
	}
	to := map[channels.Address]bool{}
	for _, m := range b.desk.got {
		to[m.From] = true
		if m.Trust != channels.Unverified || m.To.Value != "form+wtr-alert" {
			t.Errorf("the message is %+v", m)
		}
	}
	if len(to) != 2 || len(b.desk.got) != 2 || !to[channels.Address{Channel: "sms", Value: "+447700900123"}] || !to[channels.Address{Channel: "email", Value: "jo@northdock.example"}] {
		t.Errorf("asked were %v", to)
	}
}
