package main

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"gatehouse/deploy/past"
)

// TestSeededCity: a person of the year before asks where their case stands and answers what the office asked; the
// answer crosses and is in the case.
func TestSeededCity(t *testing.T) {
	c, err := sample(t, map[string]string{"SEED": "true"})
	if err != nil {
		t.Fatal(err)
	}
	a := running(t, c)
	p := phone{t, "http://" + a["carriers"], strings.ReplaceAll(past.Phone, " ", "")}
	p.say("STATUS")
	ref := regexp.MustCompile(`1 (PL-\w{4}-\w{4}-\d\d)`).FindStringSubmatch(p.await("PL-"))
	if ref == nil {
		t.Fatalf("no list of cases in %q", p.heard())
	}
	p.say("1")
	p.await("wide enough for a lorry?")
	p.say("1")
	p.await("Send what shall be added")
	p.say("It is wide enough, eighteen metres")
	office := "http://" + a["office"]
	desk := staff(t, office, "ana")
	eventually(t, "the answer in the case", func() bool {
		return strings.Contains(page(t, desk, office+"/?q="+ref[1]), "eighteen metres")
	})
	if s := page(t, desk, office+"/?view=closed"); strings.Count(s, "PL-") < 30 {
		t.Errorf("the year is not there:\n%s", s)
	}
	r, err := desk.Get(office + "/?view=closed&skip=240")
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	if r.StatusCode != http.StatusOK {
		t.Errorf("its end can't be read: %s", r.Status)
	}
}
