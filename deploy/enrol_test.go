package deploy

import (
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"gatehouse/exchange"
	"gatehouse/gateway/store"
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

// list puts a company and an address into the store of a gateway that has no inside, as a publication of it does.
func (w *town) list(number, address string) {
	w.t.Helper()
	s, err := store.Open(w.t.Context(), store.Config{URL: w.settings["STORE"], KeyFile: filepath.Join(w.dir, "gateway.key"), Owner: "inside", Now: time.Now})
	if err != nil {
		w.t.Fatal(err)
	}
	defer s.Close()
	for name, l := range map[string]exchange.Listing{number: {Company: "Northdock Goods"}, number + "/1": {Address: address, Admin: true}} {
		p := exchange.Publication{ID: name, Sort: exchange.SortRegister, Name: name, Revision: 1, Body: l.Body(), At: time.Now()}
		if err := s.Publish(w.t.Context(), p, 0); err != nil {
			w.t.Fatal(err)
		}
	}
}
