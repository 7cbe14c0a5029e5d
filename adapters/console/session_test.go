package console

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"gatehouse/adapters"
	"gatehouse/configs/password"
	"gatehouse/exchange"
)

func TestLogin(t *testing.T) {
	h := open(t)
	b := h.browser()
	b.get("/", http.StatusSeeOther)
	b.get("/login", http.StatusOK)
	for range password.MaxWrong {
		b.post("/login", http.StatusUnauthorized, "name", "rosa", "password", "wrong password here")
	}
	b.post("/login", http.StatusTooManyRequests, "name", "rosa", "password", DemoPassword)
	b.post("/login", http.StatusUnauthorized, "name", "nobody", "password", DemoPassword)
	h.pass(password.WrongTime + time.Second)
	b.post("/login", http.StatusSeeOther, "name", " Rosa ", "password", DemoPassword)
	b.get("/", http.StatusOK)
	b.post("/logout", http.StatusForbidden, "token", "of another")
	b.get("/", http.StatusOK)
	b.post("/logout", http.StatusSeeOther)
	b.get("/", http.StatusSeeOther)
}

func TestSessionEndsWithItsPerson(t *testing.T) {
	h := open(t)
	b := h.login("rosa")
	p, err := h.store.Person(t.Context(), "rosa")
	h.must(err)
	p.Disabled = true
	h.must(h.store.Employ(t.Context(), p))
	b.get("/", http.StatusSeeOther)
	fresh := h.browser()
	fresh.get("/login", http.StatusOK)
	fresh.post("/login", http.StatusUnauthorized, "name", "rosa", "password", DemoPassword)
}

func TestSessionRunsOut(t *testing.T) {
	// The library stamps a session by the real clock, so ours starts there; then ours decides what the store still knows.
	h := open(t)
	h.pass(time.Since(h.now()))
	b := h.login("rosa")
	h.pass(DefaultLifetime + 25*time.Hour)
	b.get("/", http.StatusSeeOther)
}

func TestForeignFormIsRefused(t *testing.T) {
	h := open(t)
	id := h.file("WST-BULK", nil)
	b := h.login("rosa")
	b.post("/cases/"+id+"/claim", http.StatusForbidden, "token", "")
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, h.web.URL+"/cases/"+id+"/claim", strings.NewReader("token="+b.token))
	h.must(err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", "https://evil.example")
	req.Header.Set("Sec-Fetch-Site", "cross-site")
	if res, _ := b.do(req); res.StatusCode != http.StatusForbidden {
		t.Errorf("a form of another site: %d", res.StatusCode)
	}
	if r, err := h.store.Record(t.Context(), id); err != nil || r.Assignee != "" {
		t.Errorf("it did something: %+v, %v", r, err)
	}
}

func TestHeaders(t *testing.T) {
	h := open(t)
	res, err := http.Get(h.web.URL + "/login")
	h.must(err)
	res.Body.Close()
	for name, want := range map[string]string{"Content-Security-Policy": "default-src 'none'", "X-Content-Type-Options": "nosniff",
		"X-Frame-Options": "DENY", "Cache-Control": "no-store", "Set-Cookie": "SameSite=Strict"} {
		if got := res.Header.Get(name); !strings.Contains(got, want) {
			t.Errorf("%s: %q", name, got)
		}
	}
	if got := res.Header.Get("Set-Cookie"); !strings.Contains(got, "HttpOnly") {
		t.Errorf("cookie %q", got)
	}
}

// TestWhoMayDoWhat is the table of roles: what each may open, read on the wire.
func TestWhoMayDoWhat(t *testing.T) {
	h := open(t)
	h.shelve()
	mine, other := h.file("WST-BULK", nil), h.file("STR-LIGHT", nil)
	draft := adapters.Draft{ID: exchange.NewID(h.now()), Name: "bulky-waste", By: "paulo", At: h.now(), State: adapters.Proposed}
	h.must(h.store.Propose(t.Context(), draft))
	people := map[string]*browser{}
	for _, name := range []string{"rosa", "tomas", "ana", "paulo", "vera", "otto"} {
		people[name] = h.login(name)
	}
	const ok, no, none, home = http.StatusOK, http.StatusForbidden, http.StatusNotFound, http.StatusSeeOther
	//                                           rosa tomas ana paulo vera otto
	for path, want := range map[string][6]int{
		"/":                         {ok, ok, ok, home, ok, ok},
		"/cases/" + mine:            {ok, ok, ok, no, ok, ok},
		"/cases/" + other:           {none, none, ok, no, ok, ok},
		"/cases/unknown":            {none, none, none, no, none, none},
		"/held":                     {ok, ok, ok, ok, ok, ok},
		"/answers":                  {ok, ok, ok, ok, ok, ok},
		"/answers/bulky-waste":      {ok, ok, ok, ok, ok, ok},
		"/answers/bulky-waste/edit": {no, no, no, ok, no, no},
		"/drafts":                   {no, no, no, ok, ok, ok},
		"/drafts/" + draft.ID:       {no, no, no, ok, ok, ok},
		"/messages":                 {no, no, no, ok, ok, ok},
		"/messages/new":             {no, no, no, ok, no, no},
		"/messages/unknown":         {no, no, no, none, none, none},
		"/internal":                 {ok, ok, ok, ok, no, no},
		"/border":                   {ok, ok, ok, ok, ok, ok},
		"/log":                      {no, no, no, no, no, ok},
		"/help":                     {ok, ok, ok, ok, ok, ok},
	} {
		for i, name := range []string{"rosa", "tomas", "ana", "paulo", "vera", "otto"} {
			t.Run(name+path, func(t *testing.T) {
				b := *people[name]
				b.hall = &hall{T: t, web: h.web}
				b.get(path, want[i])
			})
		}
	}
	for path, want := range map[string][6]int{
		"/cases/" + mine + "/claim":        {home, http.StatusConflict, http.StatusConflict, no, no, no},
		"/cases/" + other + "/claim":       {none, none, home, no, no, no},
		"/cases/" + other + "/note":        {none, none, home, no, home, no},
		"/drafts/" + draft.ID + "/publish": {no, no, no, no, http.StatusUnprocessableEntity, no},
		"/drafts/" + draft.ID + "/reject":  {no, no, no, no, http.StatusUnprocessableEntity, no},
		"/held/unknown/release":            {none, no, none, no, none, no},
		"/answers/bulky-waste/edit":        {no, no, no, http.StatusUnprocessableEntity, no, no},
		"/messages/new":                    {no, no, no, http.StatusUnprocessableEntity, no, no},
		"/measure":                         {no, no, no, ok, no, no},
		"/messages/unknown/steer":          {no, no, no, none, none, no},
	} {
		for i, name := range []string{"rosa", "tomas", "ana", "paulo", "vera", "otto"} {
			t.Run("POST "+name+path, func(t *testing.T) {
				b := *people[name]
				b.hall = &hall{T: t, web: h.web}
				b.post(path, want[i], "note", "for colleagues")
			})
		}
	}
}

func TestWhatIsNoTextIsNotAsked(t *testing.T) {
	h := open(t)
	id := h.file("WST-BULK", nil)
	rosa := h.login("rosa")
	for _, path := range []string{"/cases/%00", "/cases/%ff", "/?q=%00", "/?department=%c3", "/answers/%00", "/answers?q=%ff"} {
		rosa.get(path, http.StatusNotFound)
	}
	rosa.post("/cases/"+id+"/move", http.StatusNotFound, "department", "streets\x00", "why", "x")
}

func TestSeedDemo(t *testing.T) {
	h := open(t)
	p, err := h.store.Person(t.Context(), "rosa")
	h.must(err)
	p.Hash = "changed"
	h.must(h.store.Employ(t.Context(), p))
	h.must(SeedDemo(t.Context(), h.store))
	if p, err = h.store.Person(t.Context(), "rosa"); err != nil || p.Hash != "changed" {
		t.Errorf("seeding again changed who is there: %v, %v", p, err)
	}
	departments := map[string]bool{}
	for _, p := range DemoStaff() {
		departments[p.Department] = true
		if len(p.Roles) == 0 {
			t.Errorf("%s has no role", p.ID)
		}
	}
	if len(DemoStaff()) != 14 || len(departments) != 6 {
		t.Errorf("%d people in %d departments", len(DemoStaff()), len(departments))
	}
}
