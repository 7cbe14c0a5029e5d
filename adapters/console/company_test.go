package console

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"gatehouse/exchange"
)

// published lists what of the register is on its way out.
func (h *hall) published() (all []string) {
	h.Helper()
	down, err := h.store.Outgoing().Waiting(h.Context(), 100)
	h.must(err)
	for _, p := range down {
		d, err := exchange.Decode(p.Kind, p.Content)
		h.must(err)
		if pub, ok := d.(exchange.Publication); ok && pub.Sort == exchange.SortRegister {
			l, _ := exchange.ReadListing(pub.Body)
			all = append(all, strings.TrimSpace(l.Company+l.Address+" "+pub.Release.By+" "+pub.Release.Second))
		}
	}
	return all
}

// version gives that of the company which a page shows.
func version(t *testing.T, body string) string {
	t.Helper()
	_, rest, ok := strings.Cut(body, `name="version" value="`)
	if !ok {
		t.Fatalf("no version in %s", brief(body))
	}
	v, _, _ := strings.Cut(rest, `"`)
	return v
}

// TestCompanyIsRegistered walks a company and a clerk through the pages, with the second person's yes.
func TestCompanyIsRegistered(t *testing.T) {
	h := open(t)
	mei, vera, otto := h.login("mei"), h.login("vera"), h.login("otto")
	_, body := mei.post("/companies/new", http.StatusUnprocessableEntity, "act", "save", "number", "12-345678-D", "name", "Northdock Goods")
	contains(t, body, "check letter does not fit", "Northdock Goods")
	to, _ := mei.post("/companies/new", http.StatusSeeOther, "act", "save", "number", "12-345678-C", "name", "Northdock Goods", "declares", "DEC-GOODS", "address", "customs@northdock.example")
	contains(t, mei.get(to, http.StatusOK), "Another person must confirm", "customs@northdock.example")
	mei.post(to+"/confirm", http.StatusForbidden)
	contains(t, vera.get("/companies", http.StatusOK), "Change to 1 company")
	vera.get(to, http.StatusOK)
	vera.post(to+"/confirm", http.StatusSeeOther)
	vera.post(to+"/confirm", http.StatusConflict)
	if got := strings.Join(h.published(), "|"); got != "Northdock Goods mei vera|customs@northdock.example mei vera" {
		t.Errorf("crossed: %s", got)
	}
	page := "/companies/12-345678-C"
	for _, q := range []string{"north", "12-345678-C", "customs%40northdock.example"} {
		contains(t, otto.get("/companies?q="+q, http.StatusOK), page)
	}
	otto.post(page, http.StatusForbidden, "act", "suspend")
	body = mei.get(page, http.StatusOK)
	contains(t, body, "customs@northdock.example", "admin: may name clerks")
	_, rest, _ := strings.Cut(body, `name="clerk" value="`)
	clerk, _, _ := strings.Cut(rest, `"`)
	mei.post(page, http.StatusConflict, "act", "left", "clerk", clerk, "version", "0")
	mei.post(page, http.StatusSeeOther, "act", "left", "clerk", clerk, "version", version(t, body))
	if got := h.published(); len(got) != 3 || got[2] != "mei" {
		t.Errorf("a leaver crossed as %v", got)
	}
	contains(t, otto.get("/log", http.StatusOK), "register of companies", "12-345678-C")
	if out := mei.get("/companies.csv", http.StatusOK); !strings.Contains(out, "12-345678-C,Northdock Goods,active,DEC-GOODS/2026-11-24,,,") {
		t.Errorf("exported\n%s", out)
	}
	vera.get("/companies.csv", http.StatusForbidden)
}

// send posts a file as a browser does.
func (b *browser) send(path string, want int, file string) string {
	b.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	b.must(w.WriteField("token", b.token))
	part, err := w.CreateFormFile("file", "companies.csv")
	b.must(err)
	_, err = part.Write([]byte(file))
	b.must(err)
	b.must(w.Close())
	req, err := http.NewRequestWithContext(b.Context(), http.MethodPost, b.web.URL+path, &body)
	b.must(err)
	req.Header.Set("Content-Type", w.FormDataContentType())
	res, page := b.do(req)
	if res.StatusCode != want {
		b.Fatalf("POST %s: %d, want %d: %s", path, res.StatusCode, want, brief(page))
	}
	return page
}

// TestCompaniesFromAFile: with a fault nothing is taken; what is right is shown first and waits for the second person.
func TestCompaniesFromAFile(t *testing.T) {
	h := open(t)
	mei, vera := h.login("mei"), h.login("vera")
	const head = "number,name,status,declares,address,role,clerk\n"
	mei.get("/companies/import", http.StatusOK)
	contains(t, mei.send("/companies/import", http.StatusUnprocessableEntity, head+"12-345678-D,N,,,,,\n12-345678-C,M,,,a@b,,\n"),
		"2 faults", "check letter does not fit", "not a mail address")
	good := head + "12-345678-C,Northdock Goods,active,DEC-GOODS,customs@northdock.example,admin,active\n"
	contains(t, mei.send("/companies/import", http.StatusOK, good), "of these new: 1", "customs@northdock.example")
	if n, err := h.store.Enrolments(t.Context(), 9); err != nil || len(n) > 0 {
		t.Fatalf("a look takes something: %v %v", n, err)
	}
	to, _ := mei.post("/companies/import/take", http.StatusSeeOther, "csv", good)
	vera.get(to, http.StatusOK)
	vera.post(to+"/decline", http.StatusUnprocessableEntity)
	vera.post(to+"/confirm", http.StatusSeeOther)
	contains(t, mei.get("/companies/12-345678-C", http.StatusOK), "customs@northdock.example")
	mei.post("/companies/import/take", http.StatusUnprocessableEntity, "csv", good)
}

// TestCaseShowsItsCompany: the page says what was proven, and whether the company is registered; the list finds its cases.
func TestCaseShowsItsCompany(t *testing.T) {
	h := open(t)
	mei, vera := h.login("mei"), h.login("vera")
	id := h.file("DEC-GOODS", func(c *exchange.Case) {
		c.Channel, c.Trust, c.Answers = "email", "company", []exchange.Answer{{Field: "company", Value: "12-345678-C"}, {Field: "week", Value: "2026-W47"}}
	})
	h.file("DEC-GOODS", nil)
	contains(t, mei.get("/cases/"+id, http.StatusOK), "not in the register", "From an address registered for the company")
	to, _ := mei.post("/companies/new", http.StatusSeeOther, "act", "save", "number", "12-345678-C", "name", "Northdock Goods")
	vera.get(to, http.StatusOK)
	vera.post(to+"/confirm", http.StatusSeeOther)
	contains(t, mei.get("/cases/"+id, http.StatusOK), "Northdock Goods", "/companies/12-345678-C")
	if list := mei.get("/?view=all&company=12-345678-c", http.StatusOK); strings.Count(list, `"/cases/`) != 1 || !strings.Contains(list, id) {
		t.Errorf("of the company: %s", brief(list))
	}
}

// TestAdminsFormChangesTheRegister: a leaver is out at the officer's word, a new clerk waits for the second person.
func TestAdminsFormChangesTheRegister(t *testing.T) {
	h := open(t)
	mei, vera := h.login("mei"), h.login("vera")
	to, _ := mei.post("/companies/new", http.StatusSeeOther, "act", "save", "number", "12-345678-C", "name", "Northdock Goods", "address", "customs@northdock.example")
	vera.get(to, http.StatusOK)
	vera.post(to+"/confirm", http.StatusSeeOther)
	ask := func(change, address string) string {
		return h.file("CLERKS", func(c *exchange.Case) {
			c.Channel, c.Trust = "email", "company"
			c.Answers = []exchange.Answer{{Field: "company", Value: "12-345678-C"}, {Field: "change", Value: change}, {Field: "address", Value: address}}
		})
	}
	id := ask("add", "second@northdock.example")
	contains(t, mei.get("/cases/"+id, http.StatusOK), "Make this change", "second@northdock.example")
	to, _ = mei.post("/cases/"+id+"/register", http.StatusSeeOther)
	contains(t, mei.get(to, http.StatusOK), "Another person must confirm", "second@northdock.example")
	vera.get(to, http.StatusOK)
	vera.post(to+"/confirm", http.StatusSeeOther)
	id = ask("leave", "second@northdock.example")
	mei.get("/cases/"+id, http.StatusOK)
	if to, _ = mei.post("/cases/"+id+"/register", http.StatusSeeOther); to != "/cases/"+id {
		t.Errorf("to leave leads to %s", to)
	}
	if got := h.published(); len(got) != 4 || got[3] != "mei" {
		t.Errorf("a leaver crossed as %v", got)
	}
	_, body := mei.post("/cases/"+id+"/register", http.StatusUnprocessableEntity)
	contains(t, body, "No clerk of the company has this address")
	h.login("otto").post("/cases/"+id+"/register", http.StatusForbidden)
	other := h.file("WST-BULK", nil)
	mei.post("/cases/"+other+"/register", http.StatusNotFound)
}
