package deploy

import (
	"net/url"
	"strings"
)

// enrol registers a company and an address that may declare for it, by two persons in the console, and waits until the
// gateway knows.
func (w *town) enrol(number, address string) {
	w.t.Helper()
	const known = `gatehouse_people{state="clerks"}`
	before := ""
	w.await("the gateway's metrics", func() bool { before = w.metric(known); return before != "" })
	officer, second := login(w.t, w.console(), "mei"), login(w.t, w.console(), "vera")
	page := officer.get("/companies/new")
	officer.post("/companies/new", url.Values{"token": {hidden(page, "token")}, "act": {"save"}, "number": {number}, "name": {"Northdock Goods"}, "address": {address}})
	if !strings.HasPrefix(officer.at, "/enrolments/") {
		w.t.Fatalf("the company is not entered: %s", officer.at)
	}
	page = second.get(officer.at)
	second.post(officer.at+"/confirm", url.Values{"token": {hidden(page, "token")}})
	w.await("the register outside", func() bool { now := w.metric(known); return now != "" && now != before })
}
