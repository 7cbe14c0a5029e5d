package program

import (
	"bytes"
	"strings"
	"testing"

	"gatehouse/channels/email"
)

// TestMailRecords prints lines that a zone file takes.
func TestMailRecords(t *testing.T) {
	var out bytes.Buffer
	var c Config
	if err := mailRecords(t.Context(), c, nil, &out); err == nil {
		t.Error("without mail it says nothing")
	}
	c.Channels.Email = &email.Config{Domain: "city.example", Hostname: "mx.city.example", STS: email.STS{Mode: email.STSTesting}}
	if err := mailRecords(t.Context(), c, []string{"x"}, &out); err == nil {
		t.Error("a word that means nothing is taken")
	}
	if err := mailRecords(t.Context(), c, nil, &out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"city.example. MX 10 mx.city.example.\n", `city.example. TXT "v=spf1 mx -all"`, `_mta-sts.city.example. TXT "v=STSv1; id=`} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in\n%s", want, out.String())
		}
	}
}
