package console

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"mime/multipart"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"gatehouse/adapters"
	"gatehouse/exchange"
)

func TestCaseFromClaimToDecision(t *testing.T) {
	h := open(t)
	id := h.file("WST-BULK", func(c *exchange.Case) { c.Trust = "unverified" })
	rosa, tomas := h.login("rosa"), h.login("tomas")
	contains(t, rosa.get("/", http.StatusOK), "/cases/"+id)
	contains(t, rosa.get("/cases/"+id, http.StatusOK), "Sender not verified", "Take this case", "Internal note: staff only", "To the person: public")
	rosa.post("/cases/"+id+"/claim", http.StatusSeeOther)
	body := tomas.get("/cases/"+id, http.StatusOK)
	contains(t, body, "Rosa Medeiros holds this case")
	if strings.Contains(body, "public.title") || strings.Contains(body, "Send decision to the person") {
		t.Error("a colleague may answer a locked case")
	}
	form := []string{"form", "decide", "id", exchange.NewID(h.now()), "decision", "partly", "reason", "Un seul canapé par an.", "releasable", "yes"}
	tomas.post("/cases/"+id+"/tell", http.StatusConflict, form...)
	_, body = rosa.post("/cases/"+id+"/tell", http.StatusUnprocessableEntity, "form", "decide", "decision", "partly", "reason", "", "releasable", "yes")
	contains(t, body, "Please write something here")
	_, body = rosa.post("/cases/"+id+"/tell", http.StatusUnprocessableEntity, "form", "decide", "decision", "partly", "reason", "Un seul canapé", "releasable", "no")
	contains(t, body, "tick that it may leave", "Un seul canapé")
	rosa.post("/cases/"+id+"/tell", http.StatusSeeOther, form...)
	rosa.post("/cases/"+id+"/tell", http.StatusConflict, "form", "reply", "id", exchange.NewID(h.now()), "text", "and more", "releasable", "yes")
	h.pass(20 * time.Second)
	contains(t, rosa.get("/cases/"+id, http.StatusOK), `data-until="40"`, "Take it back", "Un seul canapé par an.")
	h.pass(40 * time.Second)
	if _, _, err := h.desk.Decisions(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	body = rosa.get("/cases/"+id, http.StatusOK)
	contains(t, body, "granted in part", "Told the person")
	if strings.Contains(body, "Take it back") {
		t.Error("what has left can be taken back")
	}
}

// TestWhereItStands: an officer's own words for the state, and how many rows of a declaration are to be corrected.
func TestWhereItStands(t *testing.T) {
	h := open(t)
	rosa := h.login("rosa")
	id := h.file("WST-BULK", nil)
	rosa.post("/cases/"+id+"/claim", http.StatusSeeOther)
	rosa.post("/cases/"+id+"/tell", http.StatusUnprocessableEntity, "form", "stand", "words", "", "releasable", "yes")
	rosa.post("/cases/"+id+"/tell", http.StatusUnprocessableEntity, "form", "ask", "text", "Which?", "correct", "1", "promise", "2099-12-04", "releasable", "yes")
	held := exchange.NewID(h.now())
	rosa.post("/cases/"+id+"/tell", http.StatusSeeOther, "form", "stand", "id", held, "words", "équipe désignée.", "releasable", "yes")
	contains(t, rosa.get("/held/"+held, http.StatusOK), "équipe désignée")
	h.pass(time.Minute)
	notices, _, err := h.desk.Decisions(t.Context(), "")
	h.must(err)
	if n := notices[len(notices)-1]; n.State != exchange.InOA || n.Words != "équipe désignée" || n.Text != "" {
		t.Errorf("it left as %+v", n)
	}
	contains(t, rosa.get("/cases/"+id, http.StatusOK), "équipe désignée", "Told the person")
}

func TestUndoOnTheClock(t *testing.T) {
	h := open(t)
	id := h.file("WST-BULK", nil)
	b := h.login("rosa")
	tell := func() string {
		held := exchange.NewID(h.now())
		b.post("/cases/"+id+"/tell", http.StatusSeeOther, "form", "reply", "id", held, "text", "Bonjour", "releasable", "yes")
		return held
	}
	told := func() int {
		n, _, err := h.desk.Decisions(t.Context(), "")
		h.must(err)
		return len(n)
	}
	first := tell()
	h.pass(59*time.Second + 999*time.Millisecond)
	if told() != 0 {
		t.Fatal("it left before its time")
	}
	b.post("/held/"+first+"/undo", http.StatusSeeOther, "from", "case")
	h.pass(50 * time.Minute)
	if told() != 0 {
		t.Fatal("what was taken back has left")
	}
	b.post("/held/"+first+"/undo", http.StatusConflict)
	second := tell()
	h.pass(time.Minute)
	b.post("/held/"+second+"/undo", http.StatusConflict)
	if told() != 1 {
		t.Fatal("it did not leave in time")
	}
	// The same form sent again, after it left: nothing more is said.
	b.post("/cases/"+id+"/tell", http.StatusSeeOther, "form", "reply", "id", second, "text", "Bonjour", "releasable", "yes")
	h.pass(50 * time.Minute)
	if told() != 1 {
		t.Fatal("a form sent twice was said twice")
	}
}

func TestSecondPersonReleases(t *testing.T) {
	h := open(t)
	id := h.file("WST-BULK", nil)
	tomas, rosa, ines := h.login("tomas"), h.login("rosa"), h.login("ines")
	held := exchange.NewID(h.now())
	tomas.post("/cases/"+id+"/tell", http.StatusSeeOther, "form", "ask", "id", held, "text", "Quelle taille ?", "releasable", "yes")
	h.pass(50 * time.Minute)
	if n, _, err := h.desk.Decisions(t.Context(), ""); err != nil || len(n) != 0 {
		t.Fatalf("left without a second person: %v, %v", n, err)
	}
	contains(t, rosa.get("/held", http.StatusOK), "Quelle taille ?", "Read and decide", "/held/"+held)
	contains(t, rosa.get("/held/"+held, http.StatusOK), "Quelle taille ?", "Release it", "may not release it")
	if strings.Contains(ines.get("/held", http.StatusOK), "Quelle taille ?") {
		t.Error("another department reads it")
	}
	tomas.post("/held/"+held+"/release", http.StatusForbidden)
	ines.post("/held/"+held+"/release", http.StatusNotFound)
	rosa.post("/held/"+held+"/release", http.StatusSeeOther)
	h.pass(time.Minute)
	n, _, err := h.desk.Decisions(t.Context(), "")
	h.must(err)
	if len(n) != 1 || n[0].State != exchange.WaitingYou || n[0].Release.Policy != adapters.PolicySecond || n[0].Release.By != "tomas" || n[0].Release.Second != "rosa" {
		t.Fatalf("told %+v", n)
	}
}

func TestDeclinedGoesBackToItsAuthor(t *testing.T) {
	h := open(t)
	id := h.file("WST-BULK", nil)
	tomas, rosa := h.login("tomas"), h.login("rosa")
	held := exchange.NewID(h.now())
	tomas.post("/cases/"+id+"/tell", http.StatusSeeOther, "form", "reply", "id", held, "text", "Non.", "releasable", "yes")
	rosa.post("/held/"+held+"/decline", http.StatusUnprocessableEntity, "why", " ")
	rosa.post("/held/"+held+"/decline", http.StatusSeeOther, "why", "Too curt.", "from", "case")
	contains(t, tomas.get("/cases/"+id, http.StatusOK), "Too curt.")
}

// TestDecisionShowsItsDocument: staff of the department can have what left with a decision, as it left.
func TestDecisionShowsItsDocument(t *testing.T) {
	h := open(t)
	id := h.file("WST-BULK", nil)
	rosa, n := h.login("rosa"), exchange.NewID(h.now())
	rosa.post("/cases/"+id+"/tell", http.StatusSeeOther, "form", "decide", "id", n, "decision", "granted", "reason", "Oui.", "releasable", "yes")
	h.pass(time.Minute)
	told, next, err := h.desk.Decisions(t.Context(), "")
	h.must(err)
	content := []byte("%PDF-1.7 as it left")
	sum := sha256.Sum256(content)
	hex := hex.EncodeToString(sum[:])
	decided := told[len(told)-1]
	decided.Document = []exchange.FileRef{{ID: n + ".pdf", Name: "PL.pdf", Type: "application/pdf", Size: int64(len(content)), SHA256: hex}}
	var parcels []exchange.Parcel
	for pid, d := range map[string]exchange.Document{n: decided, n + ".1": exchange.Part{File: n + ".pdf", Of: n, Number: 1, Count: 1, SHA256: hex, Bytes: content}} {
		b, err := exchange.Encode(d)
		h.must(err)
		parcels = append(parcels, exchange.Parcel{ID: pid, Kind: d.Kind(), Content: b, Created: h.now()})
	}
	h.must(h.store.Tell(t.Context(), "desk", "", next, parcels, []string{id}, nil))
	contains(t, rosa.get("/cases/"+id, http.StatusOK), "/cases/"+id+"/files/"+n+".pdf")
	if got := rosa.get("/cases/"+id+"/files/"+n+".pdf", http.StatusOK); got != string(content) {
		t.Errorf("got %q", got)
	}
	h.login("ines").get("/cases/"+id+"/files/"+n+".pdf", http.StatusNotFound)
	// When the person is forgotten what was acknowledged goes with their key, and the case can still be read.
	rec, err := h.store.Record(t.Context(), id)
	h.must(err)
	out := h.store.Outgoing()
	fence, head, _, err := out.Seize(t.Context(), "test", time.Minute)
	h.must(err)
	for _, p := range parcels {
		next := exchange.Head{Epoch: head.Epoch, Seq: head.Seq + 1}
		h.must(out.Number(t.Context(), fence, head, []exchange.Numbered{{Parcel: p.ID, Head: next, Bytes: []byte("sealed")}}))
		head = next
	}
	h.must(out.Settle(t.Context(), exchange.Ack{Lane: exchange.Down, Epoch: head.Epoch, Contiguous: head.Seq}))
	rosa.get("/cases/"+id+"/files/"+n+".pdf", http.StatusOK)
	h.must(h.store.Forget(t.Context(), 0, exchange.Erasure{ID: "E1", Party: rec.Case.Party, At: h.now()}, h.now()))
	rosa.get("/cases/"+id, http.StatusOK)
	rosa.get("/cases/"+id+"/files/"+n+".pdf", http.StatusNotFound)
}

func TestReadsAreLogged(t *testing.T) {
	h := open(t)
	content := "name;street\nAna;Quay\n"
	f, err := h.store.Keep(t.Context(), exchange.FileRef{ID: "f1", Name: "rows «é».csv", Type: "text/csv"}, strings.NewReader(content))
	h.must(err)
	id := h.file("WST-BULK", func(c *exchange.Case) { c.Files = []exchange.FileRef{f} })
	rosa := h.login("rosa")
	rosa.get("/cases/"+id, http.StatusOK)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, h.web.URL+"/cases/"+id+"/files/f1", nil)
	h.must(err)
	res, body := rosa.do(req)
	if body != content || !strings.HasPrefix(res.Header.Get("Content-Disposition"), "attachment;") || res.Header.Get("X-Content-Type-Options") != "nosniff" ||
		res.Header.Get("Content-Type") != "application/octet-stream" {
		t.Errorf("file %q, headers %v", body, res.Header)
	}
	h.login("ines").get("/cases/"+id+"/files/f1", http.StatusNotFound)
	rosa.get("/cases/"+id+"/files/f2", http.StatusNotFound)
	reads, _, err := h.store.Reads(t.Context(), "", id, 10, 0)
	h.must(err)
	var got []string
	for _, r := range reads {
		got = append(got, r.Staff+" "+r.What)
	}
	if strings.Join(got, ", ") != "rosa file, rosa case" {
		t.Errorf("log: %v", got)
	}
	rosa.get("/?q=Lopes", http.StatusOK)
	contains(t, h.login("otto").get("/log?staff=rosa", http.StatusOK), "Rosa Medeiros", "took a file", "searched for", "Lopes")
}

func TestInternalNoteNeverLeaves(t *testing.T) {
	h := open(t)
	id := h.file("WST-BULK", nil)
	rosa := h.login("rosa")
	rosa.post("/cases/"+id+"/note", http.StatusSeeOther, "note", "KNOWN TROUBLEMAKER")
	contains(t, rosa.get("/cases/"+id, http.StatusOK), "KNOWN TROUBLEMAKER")
	contains(t, rosa.get("/?q=troublemaker", http.StatusOK), "/cases/"+id)
	h.pass(50 * time.Minute)
	if n, _, err := h.desk.Decisions(t.Context(), ""); err != nil || len(n) != 0 {
		t.Fatalf("told %v, %v", n, err)
	}
}

func TestQueueFindsAndLimits(t *testing.T) {
	h := open(t)
	id := h.file("WST-BULK", func(c *exchange.Case) { c.Text = "我家的旧沙发 أريكة قديمة" })
	h.file("STR-LIGHT", func(c *exchange.Case) { c.Text = "lamp dark" })
	rosa := h.login("rosa")
	for _, q := range []string{"沙发", "أريكة", "lopes", "blue gat"} {
		contains(t, rosa.get("/?q="+url.QueryEscape(q), http.StatusOK), "/cases/"+id)
	}
	contains(t, rosa.get("/?q=lamp", http.StatusOK), "No case fits")
	r, err := h.store.Record(t.Context(), id)
	h.must(err)
	rosa.get("/?q="+url.QueryEscape(strings.ToLower(strings.ReplaceAll(r.Case.Reference, "-", " "))), http.StatusSeeOther)
}

// TestQueuePagesAndStates turns the pages of a list that is longer than one, and asks for one state.
func TestQueuePagesAndStates(t *testing.T) {
	h := open(t)
	for range pageSize + 2 {
		h.file("WST-BULK", nil)
	}
	rosa := h.login("rosa")
	first := rosa.get("/?view=all", http.StatusOK)
	contains(t, first, "1–30 / 32", "/?skip=30&amp;view=all")
	next := rosa.get("/?view=all&skip=30", http.StatusOK)
	contains(t, next, "31–32 / 32", "/?view=all")
	taken := regexp.MustCompile(`/cases/(\w+)"`).FindStringSubmatch(next)[1]
	rosa.post("/cases/"+taken+"/claim", http.StatusSeeOther)
	contains(t, rosa.get("/?view=all&state=in_oa", http.StatusOK), "1–1 / 1", "/cases/"+taken, "/?state=in_oa&amp;view=mine")
	contains(t, rosa.get("/?view=all&state=received", http.StatusOK), "1–30 / 31")
	contains(t, rosa.get("/?view=closed&state=decided", http.StatusOK), "No case fits")
}

func TestInternalCase(t *testing.T) {
	h := open(t)
	rosa, ines := h.login("rosa"), h.login("ines")
	rosa.get("/internal", http.StatusOK)
	send := func(token string, want int) string {
		var b bytes.Buffer
		w := multipart.NewWriter(&b)
		for _, f := range [][2]string{{"token", token}, {"id", exchange.NewID(h.now())}, {"department", "streets"}, {"subject", "Broken kerb"}, {"text", "Please look at Quay St 4."}, {"due", "2026-12-01"}} {
			h.must(w.WriteField(f[0], f[1]))
		}
		f, err := w.CreateFormFile("files", `..\..\photo.txt`)
		h.must(err)
		_, err = f.Write(bytes.Repeat([]byte("kerb "), 200_000))
		h.must(err)
		h.must(w.Close())
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, h.web.URL+"/internal", &b)
		h.must(err)
		req.Header.Set("Content-Type", w.FormDataContentType())
		res, body := rosa.do(req)
		if res.StatusCode != want {
			t.Fatalf("%d, want %d: %s", res.StatusCode, want, brief(body))
		}
		return res.Header.Get("Location")
	}
	token := rosa.token
	send("forged", http.StatusForbidden)
	send(token, http.StatusSeeOther)
	page, _, err := h.store.List(t.Context(), adapters.Filter{Departments: []string{"streets"}})
	h.must(err)
	if len(page) != 1 || !page[0].Internal || page[0].Case.Files[0].Name != "photo.txt" || page[0].Case.Files[0].Size != 1_000_000 {
		t.Fatalf("registered %+v", page)
	}
	id := page[0].ID()
	body := ines.get("/cases/"+id, http.StatusOK)
	contains(t, body, "Broken kerb", "Settle this internal case")
	if strings.Contains(body, "Send reply to the person") {
		t.Error("an internal case offers to write to a person")
	}
	ines.post("/cases/"+id+"/claim", http.StatusSeeOther)
	ines.post("/cases/"+id+"/tell", http.StatusSeeOther, "form", "decide", "id", exchange.NewID(h.now()), "decision", "granted", "reason", "Done on Friday.")
	h.pass(50 * time.Minute)
	if n, _, err := h.desk.Decisions(t.Context(), ""); err != nil || len(n) != 0 {
		t.Fatalf("told the outside: %v, %v", n, err)
	}
	contains(t, ines.get("/cases/"+id, http.StatusOK), "Done on Friday.", "Settled inside")
}

func TestMoveTakesItOutOfSight(t *testing.T) {
	h := open(t)
	id := h.file("WST-BULK", nil)
	rosa, ines := h.login("rosa"), h.login("ines")
	rosa.post("/cases/"+id+"/claim", http.StatusSeeOther)
	rosa.post("/cases/"+id+"/move", http.StatusUnprocessableEntity, "department", "moon", "why", "theirs")
	rosa.post("/cases/"+id+"/move", http.StatusSeeOther, "department", "streets", "why", "It is on the kerb.")
	rosa.get("/cases/"+id, http.StatusNotFound)
	contains(t, ines.get("/cases/"+id, http.StatusOK), "It is on the kerb.")
}

func TestHostileTextIsShownAsText(t *testing.T) {
	h := open(t)
	id := h.file("WST-BULK", func(c *exchange.Case) {
		c.Name, c.Text = `<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`
		c.Answers = []exchange.Answer{{Field: "<b>", Value: "</dd><script>"}}
	})
	rosa := h.login("rosa")
	for _, path := range []string{"/", "/cases/" + id} {
		if body := rosa.get(path, http.StatusOK); strings.Contains(body, "<script>alert") || strings.Contains(body, "<img src=x") || strings.Contains(body, "</dd><script>") {
			t.Errorf("%s runs what a citizen wrote", path)
		}
	}
}
