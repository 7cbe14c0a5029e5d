package console

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"gatehouse/adapters"
	"gatehouse/adapters/factor"
	"gatehouse/exchange"
)

const aCard = "5500 0055 5555 5559"

// reply sends a reply and gives its id.
func (b *browser) reply(id, text string, more ...string) string {
	b.Helper()
	held := exchange.NewID(b.now())
	b.post("/cases/"+id+"/tell", http.StatusSeeOther, append([]string{"form", "reply", "id", held, "text", text, "releasable", "yes"}, more...)...)
	return held
}

// told runs the undo time out and gives what has left.
func (h *hall) told() []exchange.Notice {
	h.Helper()
	h.pass(time.Minute)
	n, _, err := h.desk.Decisions(h.Context(), "")
	h.must(err)
	return n
}

func TestLeakWaitsForASecondPerson(t *testing.T) {
	h := open(t)
	id := h.file("WST-BULK", func(c *exchange.Case) { c.Text = "from my account GB82 WEST 1234 5698 7654 32" })
	rosa, vera := h.login("rosa"), h.login("vera")
	rosa.reply(id, "We pay back to GB82WEST12345698765432.")
	if got := h.told(); len(got) != 1 || got[0].Release.Policy != adapters.PolicyClean {
		t.Fatalf("the person's own number does not go: %+v", got)
	}
	held := rosa.reply(id, "Bonjour,\nla carte "+aCard+" est refusée.")
	contains(t, rosa.get("/cases/"+id, http.StatusOK), "A leak rule fired", "leak rule")
	if got := h.told(); len(got) != 1 {
		t.Fatalf("it left: %+v", got)
	}
	contains(t, vera.get("/", http.StatusOK), "1 waits for you")
	body := vera.get("/held/"+held, http.StatusOK)
	contains(t, body, "Card number: in “", "line 2", "<mark><span class=\"hidden-text\">Card number: </span>"+aCard+"</mark>", `lang="fr"`, "Release it")
	if i := strings.Index(body, "<h2 id=\"why\">"); i < 0 || strings.Contains(body[i:strings.Index(body, "<h2 id=\"leaves\">")], "5500") {
		t.Error("the reason shows the number itself")
	}
	contains(t, rosa.get("/held/"+held, http.StatusOK), "another person decides")
	vera.post("/held/"+held+"/release", http.StatusSeeOther)
	got := h.told()
	if len(got) != 2 || got[1].Release.Policy != adapters.PolicySecond || got[1].Release.By != "rosa" || got[1].Release.Second != "vera" {
		t.Fatalf("told %+v", got)
	}
}

// TestOnePersonAloneReleasesNothing tries everybody who might: the author with every role, another department, people
// without the right.
func TestOnePersonAloneReleasesNothing(t *testing.T) {
	h := open(t)
	id := h.file("WST-BULK", nil)
	rosa := h.login("rosa")
	p, err := h.store.Person(t.Context(), "rosa")
	h.must(err)
	p.Roles, p.Sees = adapters.Roles(), []string{"*"} // an administrator, if there were one
	h.must(h.store.Employ(t.Context(), p))
	held := rosa.reply(id, aCard)
	if strings.Contains(rosa.get("/held/"+held, http.StatusOK), "/release\"") {
		t.Error("the author is offered to release it")
	}
	for name, want := range map[string]int{"rosa": http.StatusForbidden, "tomas": http.StatusForbidden, "ines": http.StatusNotFound, "paulo": http.StatusForbidden, "otto": http.StatusForbidden} {
		b := rosa
		if name != "rosa" {
			b = h.login(name)
		}
		b.post("/held/"+held+"/release", want)
		b.post("/held/"+held+"/decline", want, "why", "x")
		b.post("/held/"+held+"/review", want, "fine", "yes")
	}
	bulletin := exchange.NewID(h.now())
	rosa.post("/messages/new", http.StatusSeeOther, "id", bulletin, "list", "alerts-quayside", "text-en", "Storm.", "act", "propose")
	rosa.post("/held/"+bulletin+"/release", http.StatusForbidden)
	if got := h.told(); len(got) != 0 {
		t.Fatalf("left: %+v", got)
	}
	if m, err := h.store.Messages(t.Context(), h.now(), 9); err != nil || len(m) != 0 {
		t.Fatalf("sent: %+v, %v", m, err)
	}
}

func TestMarkLeavesForNobody(t *testing.T) {
	h := open(t)
	id := h.file("WST-BULK", nil)
	rosa, vera := h.login("rosa"), h.login("vera")
	held := rosa.reply(id, "This is CONFIDENTIAL.")
	body := vera.get("/held/"+held, http.StatusOK)
	contains(t, body, "released by anybody", "Classification mark")
	if strings.Contains(body, "/release\"") {
		t.Error("it is offered for release")
	}
	_, body = vera.post("/held/"+held+"/release", http.StatusUnprocessableEntity)
	contains(t, body, "classification mark or a planted string")
	_, body = vera.post("/held/"+held+"/decline", http.StatusUnprocessableEntity, "why", " ")
	contains(t, body, "Please write something here", "What must change?")
	vera.post("/held/"+held+"/decline", http.StatusSeeOther, "why", "Without the mark, please.")
	contains(t, rosa.get("/held/"+held, http.StatusOK), "Without the mark, please.", "Returned by")
	if got := h.told(); len(got) != 0 {
		t.Fatalf("left: %+v", got)
	}
}

func TestSampleIsReviewed(t *testing.T) {
	h := open(t)
	h.chance = 0
	id := h.file("WST-BULK", nil)
	rosa, vera, otto := h.login("rosa"), h.login("vera"), h.login("otto")
	held := rosa.reply(id, "Bonjour")
	if strings.Contains(vera.get("/held", http.StatusOK), "To look at again") {
		t.Error("it is for review before it left")
	}
	h.told()
	contains(t, vera.get("/held", http.StatusOK), "To look at again", "sample", "/held/"+held)
	contains(t, otto.get("/held", http.StatusOK), "To look at again")
	if strings.Contains(rosa.get("/held", http.StatusOK), "To look at again") {
		t.Error("the author sees what is sampled")
	}
	rosa.post("/held/"+held+"/review", http.StatusForbidden, "fine", "yes")
	vera.post("/held/"+held+"/review", http.StatusUnprocessableEntity, "fine", "no")
	vera.post("/held/"+held+"/review", http.StatusSeeOther, "fine", "no", "note", "Too curt for a first answer.")
	vera.post("/held/"+held+"/review", http.StatusConflict, "fine", "yes")
	contains(t, vera.get("/held/"+held, http.StatusOK), "It was not fine.", "Too curt")
	contains(t, rosa.get("/cases/"+id, http.StatusOK), "Read again after it left", "Too curt")
}

// enrolled gives a person a second factor and what their phone shows at a time.
func (b *browser) enrolled(id string) func() string {
	b.Helper()
	b.get("/factor", http.StatusOK)
	f, err := b.store.Factor(b.Context(), id)
	b.must(err)
	_, body := b.post("/factor", http.StatusUnprocessableEntity, "code", "abc")
	contains(b.T, body, "That code is not right")
	b.post("/factor", http.StatusSeeOther, "code", factor.Code(f.Secret, b.now()))
	contains(b.T, b.get("/factor", http.StatusOK), "is set up")
	return func() string { return factor.Code(f.Secret, b.now()) }
}

func TestEmergencyNeedsTheRightAndTheFactor(t *testing.T) {
	h := open(t)
	id := h.file("STR-LIGHT", nil)
	ana, ines, vera := h.login("ana"), h.login("ines"), h.login("vera")
	if strings.Contains(ines.get("/cases/"+id, http.StatusOK), `name="emergency"`) {
		t.Error("it is offered to somebody without the right")
	}
	ines.post("/cases/"+id+"/tell", http.StatusForbidden, "form", "reply", "id", exchange.NewID(h.now()), "text", "x", "releasable", "yes", "emergency", "yes", "code", "123456")
	ines.get("/factor", http.StatusForbidden)
	form := func(text, code string) []string {
		return []string{"form", "reply", "id", exchange.NewID(h.now()), "text", text, "releasable", "yes", "emergency", "yes", "code", code}
	}
	_, body := ana.post("/cases/"+id+"/tell", http.StatusUnprocessableEntity, form("Leave the house now.", "123456")...)
	contains(t, body, "You have no second factor yet", "Leave the house now.")
	code := ana.enrolled("ana")
	ana.post("/cases/"+id+"/tell", http.StatusUnprocessableEntity, form("Leave the house now.", code())...) // used when it was set up
	h.pass(time.Minute)
	ana.post("/cases/"+id+"/tell", http.StatusUnprocessableEntity, form("TOP SECRET: leave.", code())...)
	sent := form("Leave the house now. Card "+aCard, code())
	ana.post("/cases/"+id+"/tell", http.StatusSeeOther, sent...)
	n, _, err := h.desk.Decisions(t.Context(), "")
	h.must(err)
	if len(n) != 1 || n[0].Release.Policy != adapters.PolicyEmergency || n[0].Release.By != "ana" {
		t.Fatalf("it did not leave at once: %+v", n)
	}
	ana.post("/cases/"+id+"/tell", http.StatusSeeOther, sent...) // the same form again says nothing twice
	ana.post("/cases/"+id+"/tell", http.StatusUnprocessableEntity, form("Once more.", code())...)
	contains(t, vera.get("/held", http.StatusOK), "To look at again", "emergency", "Leave the house now.")
	h.pass(25 * time.Hour)
	if c, err := h.store.Counts(t.Context()); err != nil || c.Overdue != 1 {
		t.Errorf("not overdue after a day: %+v, %v", c, err)
	}
	h.login("ana").post("/held/"+sent[3]+"/review", http.StatusForbidden, "fine", "yes")
	fresh := h.login("vera")
	fresh.post("/held/"+sent[3]+"/review", http.StatusSeeOther, "fine", "yes")
}

func TestCopiesAreForTheAuditor(t *testing.T) {
	h := open(t)
	id := h.file("WST-BULK", nil)
	n := exchange.Notice{ID: exchange.NewID(h.now()), Case: id, Text: "Bonjour", At: h.now(), Release: exchange.Released{Policy: "clean", Label: exchange.Releasable, By: "rosa"}}
	b, err := exchange.Encode(n)
	h.must(err)
	h.must(h.store.Tell(t.Context(), "desk", "", "1", []exchange.Parcel{{ID: n.ID, Kind: n.Kind(), Content: b, Created: h.now()}}, nil, nil))
	path := "/cases/" + id + "/copies/" + n.ID
	h.login("rosa").get(path, http.StatusForbidden)
	otto := h.login("otto")
	contains(t, otto.get("/cases/"+id, http.StatusOK), path)
	if got := otto.get(path, http.StatusOK); got != string(b) {
		t.Errorf("copy %q", got)
	}
	otto.get("/cases/"+id+"/copies/other", http.StatusNotFound)
	otto.get("/cases/"+h.file("STR-LIGHT", nil)+"/copies/"+n.ID, http.StatusNotFound)
	reads, _, err := h.store.Reads(t.Context(), "otto", id, 9, 0)
	h.must(err)
	if len(reads) != 2 || reads[0].What != "copy" {
		t.Errorf("log %+v", reads)
	}
}
