package console

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"gatehouse/configs/texts"
	"gatehouse/exchange"
)

func TestAnswerIsEditedApprovedAndCrosses(t *testing.T) {
	h := open(t)
	h.shelve()
	paulo, vera, rosa := h.login("paulo"), h.login("vera"), h.login("rosa")
	body := paulo.get("/answers/bulky-waste/edit", http.StatusOK)
	form := fields(t, body)
	form["sms-en"] = "Bulky waste: three free pickups a year. Reply BOOK."
	form["act"] = "check"
	_, body = paulo.post("/answers/bulky-waste/edit", http.StatusOK, flat(form)...)
	contains(t, body, "Checked; nothing is stored yet", "1 text message")
	form["act"] = "propose"
	to, _ := paulo.post("/answers/bulky-waste/edit", http.StatusSeeOther, flat(form)...)
	paulo.post(to+"/publish", http.StatusForbidden, "releasable", "yes")
	contains(t, vera.get(to, http.StatusOK), "three free pickups", "Approve and publish")
	vera.post(to+"/publish", http.StatusUnprocessableEntity)
	vera.post(to+"/publish", http.StatusSeeOther, "releasable", "yes")
	vera.post(to+"/publish", http.StatusConflict, "releasable", "yes")
	contains(t, rosa.get("/answers/bulky-waste?lang=en", http.StatusOK), "three free pickups")
	contains(t, rosa.get("/answers?lang=en&q=three+free", http.StatusOK), "/answers/bulky-waste")
	down, err := h.store.Outgoing().Waiting(t.Context(), 10)
	h.must(err)
	if len(down) != 1 {
		t.Fatalf("crossed %d times", len(down))
	}
	d, err := exchange.Decode(down[0].Kind, down[0].Content)
	h.must(err)
	p, ok := d.(exchange.Publication)
	if !ok || p.Name != "bulky-waste" || p.Lang != "en" || p.Revision != 1 || p.Release.By != "paulo" || p.Release.Second != "vera" || !strings.Contains(p.Body, "three free pickups") {
		t.Fatalf("crossed %+v", d)
	}
}

func TestStaffAnswerNeverCrosses(t *testing.T) {
	h := open(t)
	h.shelve()
	paulo, vera, rosa := h.login("paulo"), h.login("vera"), h.login("rosa")
	form := fields(t, paulo.get("/answers/counter-hints/edit", http.StatusOK))
	form["title-en"], form["page-en"], form["audience"], form["act"] = "Counter hints", "Ask for the XYZZY form.", "staff", "propose"
	to, _ := paulo.post("/answers/counter-hints/edit", http.StatusSeeOther, flat(form)...)
	vera.post(to+"/publish", http.StatusSeeOther, "releasable", "yes")
	contains(t, rosa.get("/answers?lang=en&q=xyzzy", http.StatusOK), "/answers/counter-hints", "staff only")
	if down, err := h.store.Outgoing().Waiting(t.Context(), 10); err != nil || len(down) != 0 {
		t.Fatalf("crossed: %v, %v", down, err)
	}
	// An answer that the public could read becomes one for staff: it is taken off outside.
	form = fields(t, paulo.get("/answers/bulky-waste/edit", http.StatusOK))
	form["audience"], form["act"] = "staff", "propose"
	to, _ = paulo.post("/answers/bulky-waste/edit", http.StatusSeeOther, flat(form)...)
	vera.post(to+"/publish", http.StatusSeeOther, "releasable", "yes")
	down, err := h.store.Outgoing().Waiting(t.Context(), 10)
	h.must(err)
	if len(down) != 4 {
		t.Fatalf("crossed %d times", len(down))
	}
	for _, p := range down {
		d, err := exchange.Decode(p.Kind, p.Content)
		h.must(err)
		if pub, ok := d.(exchange.Publication); !ok || !pub.Removed || pub.Body != "" {
			t.Errorf("crossed %+v", d)
		}
	}
}

func TestMessageToAList(t *testing.T) {
	h := open(t)
	paulo, vera := h.login("paulo"), h.login("vera")
	contains(t, paulo.get("/messages/new", http.StatusOK), "alerts-quayside")
	id := exchange.NewID(h.now())
	_, body := paulo.post("/messages/new", http.StatusUnprocessableEntity, "id", id, "list", "alerts-quayside", "text-fr", "Tempête", "act", "propose")
	contains(t, body, "first language", "Tempête")
	paulo.post("/messages/new", http.StatusUnprocessableEntity, "id", id, "list", "everybody", "text-en", "Storm", "act", "propose")
	paulo.post("/messages/new", http.StatusSeeOther, "id", id, "list", "alerts-quayside", "text-en", "Storm tonight.", "text-fr", "Tempête ce soir.", "act", "propose")
	for fault, more := range map[string][]string{
		"in an emergency, or what the law requires": {"audience", "everyone", "basis", "Act"},
		"Name the law":              {"audience", "area", "priority", "statutory"},
		"before it begins":          {"starts", "2099-01-02T10:00", "expires", "2099-01-01T10:00"},
		"An emergency needs an end": {"priority", "emergency"},
		"Please choose a list":      {"audience", "service", "service", "NONE"},
	} {
		_, body := paulo.post("/messages/new", http.StatusUnprocessableEntity, append([]string{"id", exchange.NewID(h.now()), "list", "alerts-quayside", "text-en", "Storm", "act", "propose"}, more...)...)
		contains(t, body, fault)
	}
	law := exchange.NewID(h.now())
	paulo.post("/messages/new", http.StatusSeeOther, "id", law, "list", "alerts-quayside", "text-en", "Boil your water.", "act", "propose", "audience", "area", "basis", "Water Act, s. 4", "priority", "statutory", "starts", "2099-01-02T10:00")
	contains(t, vera.get("/held/"+law, http.StatusOK), "Everybody who named", "Water Act, s. 4", "Required by law", "from ")
	vera.post("/held/"+law+"/decline", http.StatusSeeOther, "why", "not yet")
	paulo.post("/held/"+id+"/release", http.StatusForbidden)
	contains(t, vera.get("/messages", http.StatusOK), "Storm tonight.", "Read and decide")
	contains(t, vera.get("/held/"+id, http.StatusOK), "Storm tonight.", "Tempête ce soir.", "Release it")
	vera.post("/held/"+id+"/release", http.StatusSeeOther, "from", "messages")
	due := func() int {
		m, err := h.store.Messages(t.Context(), h.now(), 10)
		h.must(err)
		return len(m)
	}
	if due() != 0 {
		t.Fatal("left without its undo time")
	}
	h.pass(time.Minute)
	if due() != 1 {
		t.Fatal("does not leave")
	}
	paulo.post("/messages/"+id+"/steer", http.StatusConflict, "id", exchange.NewID(h.now()), "act", "pause")
	h.must(h.store.Sent(t.Context(), id, exchange.Parcel{ID: id, Kind: exchange.KindBroadcast, Content: []byte("{}"), Created: h.now()}))
	contains(t, paulo.get("/messages/"+id, http.StatusOK), "Nothing was counted yet", "Pause")
	h.must(h.store.TakeTally(t.Context(), 1, exchange.Tally{ID: "t1", About: id, At: h.now(), Counts: []exchange.Count{{Name: "recipients", Count: 200}, {Name: "phase/paused", Count: 1},
		{Name: "queued/sms/", Count: 50}, {Name: "accepted/email/", Count: 60}, {Name: "delivered/sms/", Count: 40}, {Name: "bounced//unreachable", Count: 30}, {Name: "skipped//opted_out", Count: 20}}}))
	contains(t, paulo.get("/messages/"+id, http.StatusOK), "150 of 200 are done", `value="75"`, "100 handed to a carrier, 40 of them", "30 could not be reached, 20 were left out",
		"Nobody is at that address: <span class=\"count\">30</span>", "Go on", "still being written down")
	paulo.post("/messages/"+id+"/steer", http.StatusNotFound, "id", exchange.NewID(h.now()), "act", "rehearse")
	word := exchange.NewID(h.now())
	for range 2 { // the same form twice is one word
		vera.post("/messages/"+id+"/steer", http.StatusSeeOther, "id", word, "act", "cancel")
	}
	leaves, err := h.store.Messages(t.Context(), h.now(), 10)
	if h.must(err); len(leaves) != 1 || leaves[0].Steer == nil || leaves[0].Steer.Act != "cancel" || leaves[0].Steer.Broadcast != id {
		t.Fatalf("leaves %+v", leaves)
	}
}

func TestEveryLanguageAndDirection(t *testing.T) {
	h := open(t)
	id := h.file("WST-BULK", nil)
	rosa := h.login("rosa")
	held := exchange.NewID(h.now())
	rosa.post("/cases/"+id+"/tell", http.StatusSeeOther, "form", "reply", "id", held, "text", "4111 1111 1111 1111", "releasable", "yes")
	for lang, dir := range map[string]string{"en": "ltr", "fr": "ltr", "ar": "rtl", "zh": "ltr"} {
		rosa.post("/language", http.StatusSeeOther, "lang", lang)
		for _, path := range []string{"/", "/cases/" + id, "/help", "/border", "/answers", "/held", "/internal", "/held/" + held} {
			contains(t, rosa.get(path, http.StatusOK), fmt.Sprintf(`<html lang="%s" dir="%s">`, lang, dir))
		}
	}
}

// TestEverySentenceIsThere looks for keys that templates and code name and no language has.
func TestEverySentenceIsThere(t *testing.T) {
	catalog, err := texts.Load()
	if err != nil {
		t.Fatal(err)
	}
	names := regexp.MustCompile(`\.T "([a-z0-9_.]+)"|"console\.([a-z0-9_.]+[a-z0-9])"|T\("([a-z0-9_.]+[a-z0-9])"`)
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	more, err := filepath.Glob("templates/*.html")
	if err != nil {
		t.Fatal(err)
	}
	desks, err := filepath.Glob("../desk/*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append(append(files, more...), desks...) {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range names.FindAllStringSubmatch(string(b), -1) {
			key := "console." + m[1] + m[2] + m[3]
			if catalog.Text("en", key, nil) == key {
				t.Errorf("%s: %s is in no language", name, key)
			}
		}
	}
	for prefix, values := range map[string][]string{
		"role.": {"officer", "publisher", "releaser", "approver", "emergency", "auditor"}, "state.": {"received", "in_oa", "waiting_you", "decided", "reopened"},
		"decision.": {"granted", "partly", "refused", "no_action", "withdrawn", "duplicate_of"}, "channel.": {"sms", "email", "chat", "web", "console"},
		"entry.": {"filed", "added", "reported", "claimed", "returned", "moved", "noted", "drafted", "undone", "told", "settled", "lapsed", "reviewed", "forgot"}, "erasure.": {"title", "due", "done", "kept", "byhand"},
		"act.": {"reply", "withdraw", "amend", "reopen", "rate", "post", "blocked", "raise"}, "rebuilt.": {"picture", "pages", "entries"}, "look.": {"case", "file", "held", "search", "copy"}, "draft.": {"proposed", "published", "rejected"},
		"why.":  {"right", "rule", "leak", "quota", "gate", "right.short", "rule.short", "leak.short", "quota.short", "gate.short"},
		"leak.": {"mark", "word", "canary", "card", "iban", "cn-id", "fr-nir", "uk-nino", "company"}, "policy.": {"auto", "clean", "second", "emergency", "part"},
		"who.":        {"person", "office", "gateway"},
		"review.":     {"sample", "emergency", "sample_help", "emergency_help"},
		"held.state.": {"left", "undone", "declined", "lapsed"}, "isolation.": {"none", "logical", "physical", "none_help", "logical_help", "physical_help"},
		"queue.view.": {"department", "mine", "all", "closed"}, "queue.caption.": {"department", "mine", "all", "closed"},
		"cast.phase.": {"running", "paused", "halted", "stopped", "ended"}, "messages.": {"routine", "statutory", "emergency"}, "cast.whom.": {"area", "everyone", "service", "reached"},
		"cast.reason.": {"opted_out", "no_consent", "no_address", "no_text", "expired", "cancelled", "merged", "gone", "uncertain",
			"unreachable", "stopped", "rejected", "temporary", "throttled", "misconfigured"},
		"answer.": {"title", "sms", "chat", "page", "asks", "review_by", "audience"}, "template.": {"withdrawn"},
	} {
		for _, v := range values {
			if key := "console." + prefix + v; catalog.Text("en", key, nil) == key {
				t.Errorf("%s is in no language", key)
			}
		}
	}
	for _, k := range (&sheet{}).HelpKeys() {
		for _, part := range []string{".title", ".text"} {
			if key := "console.help." + k + part; catalog.Text("en", key, nil) == key {
				t.Errorf("%s is in no language", key)
			}
		}
	}
}

var (
	inputForm  = regexp.MustCompile(`<input[^>]* name="([^"]+)"[^>]*>`)
	valueForm  = regexp.MustCompile(` value="([^"]*)"`)
	areaForm   = regexp.MustCompile(`(?s)<textarea[^>]* name="([^"]+)"[^>]*>(.*?)</textarea>`)
	selectForm = regexp.MustCompile(`(?s)<select[^>]* name="([^"]+)"[^>]*>(.*?)</select>`)
	chosenForm = regexp.MustCompile(`<option value="([^"]*)" selected`)
)

// fields reads a page's form as a browser would send it.
func fields(t *testing.T, body string) map[string]string {
	t.Helper()
	unescape := strings.NewReplacer("&#34;", `"`, "&#39;", "'", "&lt;", "<", "&gt;", ">", "&#43;", "+", "&amp;", "&").Replace
	out := map[string]string{}
	for _, m := range inputForm.FindAllStringSubmatch(body, -1) {
		radio := strings.Contains(m[0], `type="radio"`) || strings.Contains(m[0], `type="checkbox"`)
		if v := valueForm.FindStringSubmatch(m[0]); v != nil && (!radio || strings.Contains(m[0], "checked")) {
			out[m[1]] = unescape(v[1])
		}
	}
	for _, m := range areaForm.FindAllStringSubmatch(body, -1) {
		out[m[1]] = unescape(m[2])
	}
	for _, m := range selectForm.FindAllStringSubmatch(body, -1) {
		if v := chosenForm.FindStringSubmatch(m[2]); v != nil && m[1] != "lang" {
			out[m[1]] = v[1]
		}
	}
	delete(out, "token")
	return out
}

func flat(form map[string]string) []string {
	var out []string
	for k, v := range form {
		out = append(out, k, v)
	}
	return out
}
