package deploy

import (
	"context"
	"fmt"
	"net/smtp"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gatehouse/deploy/carriers"
	"gatehouse/exchange"
)

// mailGateway is a gateway of its own mail domain, whose relay is another gateway.
func mailGateway(t *testing.T, domain, listen, relay string) *town {
	t.Helper()
	bin, err := binaries()
	if err != nil {
		t.Fatal(err)
	}
	w := &town{t: t, dir: t.TempDir(), programs: map[string]*program{}, gateways: 1}
	if err := exchange.MakeKeys(filepath.Join(w.dir, "keys"), exchange.Parties(), time.Now()); err != nil {
		t.Fatal(err)
	}
	if w.carriers, err = carriers.Start(context.Background(), standIns()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.carriers.Close)
	w.write(townOptions{})
	w.settings["NAME"], w.settings["LISTEN"], w.settings["PRIVATE"] = "gateway", freePort(t), freePort(t)
	w.settings["SMTP"], w.settings["RELAY"] = listen, relay
	w.settings["gateway"], w.settings["gateway.private"], w.settings["PUBLIC"] = w.settings["LISTEN"], w.settings["PRIVATE"], "http://"+w.settings["LISTEN"]
	config := strings.Replace(gatewayConfig, "domain: portlumen.example", "domain: "+domain, 1)
	w.programs["gateway"] = &program{name: "gateway", bin: filepath.Join(bin, "gateway"), config: w.file("gateway.yaml", config)}
	t.Cleanup(w.stop)
	w.start("gateway")
	w.awaitReady("http://" + w.settings["gateway"] + "/readyz")
	return w
}

// TestTwoGatewaysThatMailEachOtherStop: each answers the mail that seems to come from the other, once; the other takes the
// answer in and stays silent.
func TestTwoGatewaysThatMailEachOtherStop(t *testing.T) {
	listens := map[string]string{"a.example": freePort(t), "b.example": freePort(t)}
	all := map[string]*town{
		"a.example": mailGateway(t, "a.example", listens["a.example"], listens["b.example"]),
		"b.example": mailGateway(t, "b.example", listens["b.example"], listens["a.example"]),
	}
	for domain, from := range map[string]string{"a.example": "b.example", "b.example": "a.example"} {
		mail := fmt.Sprintf("From: help@%s\r\nTo: help@%s\r\nSubject: a heron\r\nMessage-ID: <1@%s>\r\n\r\nMay a heron nest in my bathtub?\r\n", from, domain, from)
		if err := smtp.SendMail(listens[domain], nil, "help@"+from, []string{"help@" + domain}, []byte(mail)); err != nil {
			t.Fatal(err)
		}
	}
	count := func(w *town, name, state string) string { return w.metric(name + `{state="` + state + `"}`) }
	for domain, w := range all {
		w.await("the mail and the other's answer at "+domain, func() bool {
			return count(w, "gatehouse_inbound_messages", "all") == "2" && count(w, "gatehouse_inbound_messages", "open") == "0" &&
				count(w, "gatehouse_outbound_messages", "owed") == "0"
		})
	}
	// Both have answered all that they heard, and owe nothing: no mail is left that could cause another.
	for domain, w := range all {
		if sent := count(w, "gatehouse_outbound_messages", "accepted"); sent != "1" {
			t.Errorf("%s sent %s mails, want its one answer", domain, sent)
		}
		if heard := count(w, "gatehouse_inbound_messages", "all"); heard != "2" {
			t.Errorf("%s heard %s mails", domain, heard)
		}
	}
}
