package email

import (
	"net/smtp"
	"strings"
	"testing"
	"time"

	"gatehouse/channels"
	"gatehouse/channels/email/origin/origintest"
)

// TestTrust sends mails over a real session and looks at what the inbox is told of their origin.
func TestTrust(t *testing.T) {
	n := origintest.Serve(t)
	n.Domain(t, "northdock.example", "ed25519", "p=reject")
	n.Text("elsewhere.example", "v=spf1 ip4:192.0.2.1 -all")
	letter := crlf("From: Clerk <customs@northdock.example>\nTo: help@city.example\nSubject: Week 47\nMessage-ID: <1@northdock.example>\n\ntwenty rows\n")
	signed := n.Sign(t, letter, "northdock.example", time.Time{})
	for name, c := range map[string]struct {
		check, forged, sender, mail string
		trust                       channels.Trust
		refused                     string
	}{
		"not checked":             {CheckOff, "", "x@elsewhere.example", letter, channels.Unverified, ""},
		"signed":                  {CheckSelf, "", "x@elsewhere.example", signed, channels.DomainVerified, ""},
		"from the domain's host":  {CheckSelf, "", "x@northdock.example", letter, channels.DomainVerified, ""},
		"disowned":                {CheckSelf, "", "x@elsewhere.example", letter, "", "5.7.26"},
		"disowned, marked":        {CheckSelf, ForgedMark, "x@elsewhere.example", letter, channels.Unverified, ""},
		"tampered with":           {CheckSelf, "", "x@elsewhere.example", strings.Replace(signed, "twenty", "ninety", 1), "", "5.7.26"},
		"a second From above":     {CheckSelf, "", "x@elsewhere.example", "From: mayor@city.example\r\n" + signed, channels.Unverified, ""},
		"two people in one From":  {CheckSelf, "", "x@northdock.example", strings.Replace(letter, ">\r\nTo", ">, b@northdock.example\r\nTo", 1), channels.Unverified, ""},
		"results that it brought": {CheckSelf, ForgedMark, "x@elsewhere.example", "Authentication-Results: city.example; dmarc=pass header.from=northdock.example\r\n" + letter, channels.Unverified, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := testConfig(t)
			config.Origin = Origin{Check: c.check, Resolver: n.Addr, Forged: c.forged}
			in := &inbox{}
			_, addr, _ := serve(t, config, in)
			err := smtp.SendMail(addr, nil, c.sender, []string{"help@city.example"}, []byte(c.mail))
			if c.refused != "" {
				if err == nil || !strings.Contains(err.Error(), c.refused) || len(in.Messages()) != 0 {
					t.Fatalf("not refused: %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if all := in.Messages(); len(all) != 1 || all[0].Trust != c.trust {
				t.Errorf("%d came, %+v", len(all), all)
			}
		})
	}
}

func TestOriginConfig(t *testing.T) {
	for _, c := range []struct {
		o     Origin
		fault string // a part of it; empty: none
	}{
		{Origin{}, ""},
		{Origin{Check: "self", Resolver: "127.0.0.1:53", Forged: "mark"}, ""},
		{Origin{Check: "upstream", ServerID: "mx.city.example", Hosts: []string{"10.0.0.0/24"}}, ""},
		{Origin{Check: "yes"}, "origin.check"},
		{Origin{Check: "upstream"}, "needs server_id"},
		{Origin{Check: "self", ServerID: "mx"}, "origin.server_id"},
		{Origin{Check: "self", Resolver: "127.0.0.1"}, "origin.resolver"},
		{Origin{Check: "self", Forged: "drop"}, "origin.forged"},
		{Origin{Check: "upstream", ServerID: "mx", Hosts: []string{"10.0.0.1"}}, "origin.hosts[0]"},
	} {
		config := testConfig(t)
		config.Origin = c.o
		err := config.Validate()
		if (err == nil) != (c.fault == "") || err != nil && !strings.Contains(err.Error(), c.fault) {
			t.Errorf("%+v: %v", c.o, err)
		}
	}
}
