package counter

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"gatehouse/channels"
	"gatehouse/channels/text"
	"gatehouse/configs/texts"
	"gatehouse/exchange"
	"gatehouse/gateway"
	"gatehouse/gateway/portal/upload"
)

const (
	// maxVisits bounds the people whom one clerk serves side by side: the oldest is let go of.
	maxVisits = 8
	// maxSaid bounds what is remembered of the clerk's side of one visit, in messages.
	maxSaid = 100
	// replyWait is how long a page waits for the reply before it is shown without; replyPoll how often it looks.
	replyWait = 4 * time.Second
	replyPoll = 25 * time.Millisecond
)

// visit is one person at the counter or on the telephone, as the clerk's session knows it. What was answered lies in
// the History.
type visit struct {
	ID    string
	Begun time.Time
	Lang  string
	Name  string
	Tell  channels.Address
	Said  []said
	Last  string // names the message heard last
	// Proven: a code that was sent to Tell was read out.
	Proven bool
}

// said is what the clerk wrote, after which of our lines.
type said struct {
	After uint64
	Text  string
	Files []string
}

// address is where the visit's replies go: nobody but its page reads them.
func (v visit) address() channels.Address { return channels.Address{Channel: Name, Value: v.ID} }

func (c *Counter) visits(ctx context.Context) map[string]visit {
	var all map[string]visit
	if err := json.Unmarshal(c.sessions.GetBytes(ctx, sessionVisits), &all); err != nil {
		return nil
	}
	return all
}

func (c *Counter) putVisits(ctx context.Context, all map[string]visit) {
	b, err := json.Marshal(all)
	if err != nil {
		panic(err) // a visit holds nothing that JSON does not know
	}
	c.sessions.Put(ctx, sessionVisits, b)
}

// keep remembers a visit.
func (c *Counter) keep(ctx context.Context, v visit) {
	all := map[string]visit{v.ID: v}
	for id, other := range c.visits(ctx) {
		if id != v.ID {
			all[id] = other
		}
	}
	for len(all) > maxVisits {
		oldest := slices.MinFunc(ordered(all), func(a, b visit) int { return a.Begun.Compare(b.Begun) })
		delete(all, oldest.ID)
	}
	c.putVisits(ctx, all)
}

// ordered gives visits, the newest first.
func ordered(all map[string]visit) []visit {
	list := make([]visit, 0, len(all))
	for _, v := range all {
		list = append(list, v)
	}
	slices.SortFunc(list, func(a, b visit) int {
		if n := b.Begun.Compare(a.Begun); n != 0 {
			return n
		}
		return strings.Compare(a.ID, b.ID)
	})
	return list
}

type homeView struct {
	Visits  []visit
	Letters int
	Name    string
	Tell    string
	Lang    string
	Fault   string // key of a sentence on the address
	Wrong   string // a reference that is none
	Unsworn bool   // the clerk did not attest who asks
	Unknown string // a reference that nobody has
	Doubt   string // key of a sentence on the address below
	Doubted string // an address that could not be marked
	Done    bool   // an address was marked
}

func (c *Counter) home(w http.ResponseWriter, r *http.Request, v *view) {
	c.front(w, r, http.StatusOK, v, homeView{})
}

func (c *Counter) front(w http.ResponseWriter, r *http.Request, status int, v *view, h homeView) {
	letters, err := c.Store.Letters(r.Context(), maxLetters)
	if err != nil {
		c.fail(w, r, "read letters", err)
		return
	}
	h.Visits, h.Letters = ordered(c.visits(r.Context())), len(letters)
	if h.Lang == "" {
		h.Lang = v.Lang
	}
	c.show(w, r, status, "home", v, h)
}

// begin opens a visit and asks the dialogue for its menu.
func (c *Counter) begin(w http.ResponseWriter, r *http.Request, v *view) {
	if !c.genuine(w, r, v, r.PostFormValue("token")) {
		return
	}
	h := homeView{Lang: r.PostFormValue("lang"), Name: clip(r.PostFormValue("name"), 200), Tell: clip(r.PostFormValue("tell"), 200)}
	if !c.Texts.Has(h.Lang) {
		h.Lang = v.Lang
	}
	tell, ok := reachable(h.Tell)
	if !ok {
		h.Fault = "tell.fault"
		c.front(w, r, http.StatusUnprocessableEntity, v, h)
		return
	}
	one := visit{ID: strings.ToLower(rand.Text()), Begun: c.Now(), Lang: h.Lang, Name: exchange.NormalizeLine(h.Name), Tell: tell}
	if !c.record(w, r, v.Clerk.ID, "visit", "") {
		return
	}
	c.hear(w, r, v, one, "0", v.Word(one.Lang, "menu"), nil)
}

// numberPattern is E.164 with its "+"; mailPattern is a shape, not a proof.
var (
	numberPattern = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)
	mailPattern   = regexp.MustCompile(`^[^@\s<>",;:]{1,64}@[^@\s<>",;:]+\.[^@\s<>",;:]{2,}$`)
)

// reachable reads a telephone number with its country code or a mail address; nothing is right too.
func reachable(s string) (channels.Address, bool) {
	s = strings.TrimSpace(text.Digits(exchange.NormalizeLine(s)))
	number := strings.NewReplacer(" ", "", "-", "", "(", "", ")", "", ".", "").Replace(s)
	if rest, ok := strings.CutPrefix(number, "00"); ok {
		number = "+" + rest
	}
	switch {
	case s == "":
		return channels.Address{}, true
	case numberPattern.MatchString(number):
		return channels.Address{Channel: "sms", Value: number}, true
	case mailPattern.MatchString(s):
		local, domain, _ := strings.Cut(s, "@")
		return channels.Address{Channel: "email", Value: local + "@" + strings.ToLower(domain)}, true
	}
	return channels.Address{}, false
}

// say passes on what the clerk typed, pressed or attached.
func (c *Counter) say(w http.ResponseWriter, r *http.Request, v *view) {
	one, ok := c.visits(r.Context())[r.PathValue("id")]
	if !ok {
		http.Redirect(w, r, Root+"/", http.StatusSeeOther)
		return
	}
	sent, err := upload.Read(w, r)
	if err != nil {
		sent.Close()
		c.talk(w, r, http.StatusRequestEntityTooLarge, v, one, "too_large")
		return
	}
	defer sent.Close()
	if !c.genuine(w, r, v, sent.Values.Get("token")) {
		return
	}
	if n := clip(sent.Values.Get("n"), 40); n == one.Last { // a second click
		http.Redirect(w, r, Root+"/visits/"+one.ID+"#last", http.StatusSeeOther)
		return
	}
	if sent.Values.Get("prove") != "" && !one.Tell.IsZero() {
		c.prove(w, r, v, one, clip(sent.Values.Get("n"), 40))
		return
	}
	words := strings.TrimSpace(sent.Values.Get("press"))
	if words == "" {
		words = strings.TrimSpace(sent.Values.Get("text"))
	}
	if words == "" && len(sent.Files) == 0 {
		c.talk(w, r, http.StatusUnprocessableEntity, v, one, "empty")
		return
	}
	c.hear(w, r, v, one, clip(sent.Values.Get("n"), 40), clip(words, 4000), sent.Files)
}

// prove has a code sent to where notices shall go; what the person reads out is typed as any other words.
func (c *Counter) prove(w http.ResponseWriter, r *http.Request, v *view, one visit, n string) {
	if !c.record(w, r, v.Clerk.ID, "code", "") {
		return
	}
	c.pass(w, r, v, one, n, c.Texts.Text(v.Lang, "portal.counter.prove", nil), nil, gateway.ProveTell())
}

// hear lets the dialogue have a message and waits a little for its reply. n makes a second click harmless.
func (c *Counter) hear(w http.ResponseWriter, r *http.Request, v *view, one visit, n, words string, files []channels.File) {
	c.pass(w, r, v, one, n, words, files, channels.Address{Channel: Name, Value: Name})
}

// pass is hear for a recipient of its own.
func (c *Counter) pass(w http.ResponseWriter, r *http.Request, v *view, one visit, n, words string, files []channels.File, to channels.Address) {
	seen, typed := uint64(0), words
	if to == gateway.ProveTell() { // a click, and no words of anybody
		typed = ""
	}
	lines, err := c.lines(r.Context(), one)
	if err == nil {
		if len(lines) > 0 {
			seen = lines[len(lines)-1].Seq
		}
		err = c.Inbox.Accept(r.Context(), channels.Message{
			ID: "counter:" + one.ID + ":" + n, From: one.address(), To: to, At: c.Now(),
			Lang: one.Lang, Text: typed, Files: files, Trust: channels.Attended,
			Desk: &channels.Desk{Clerk: v.Clerk.Label, Name: one.Name, Tell: one.Tell},
		})
	}
	if err != nil {
		c.fail(w, r, "take in what a clerk wrote", err)
		return
	}
	if !slices.ContainsFunc(one.Said, func(s said) bool { return s.After == seen }) && n != "0" {
		told := said{After: seen, Text: text.Mask(words)}
		for _, f := range files {
			told.Files = append(told.Files, f.Name)
		}
		one.Said = append(one.Said, told)
		one.Said = one.Said[max(0, len(one.Said)-maxSaid):]
	}
	one.Last = n
	c.await(r.Context(), one, seen)
	one.Proven = one.Proven || c.proven(r.Context(), one, seen)
	c.keep(r.Context(), one)
	http.Redirect(w, r, Root+"/visits/"+one.ID+"#last", http.StatusSeeOther)
}

// proven tells whether one of the lines after seen says that the address of the visit was proven.
func (c *Counter) proven(ctx context.Context, one visit, seen uint64) bool {
	if one.Tell.IsZero() {
		return false
	}
	sentence := c.Texts.Text(one.Lang, "citizen.counter.proven", texts.Args{"address": one.Tell.Masked()})
	lines, err := c.Store.After(ctx, one.address(), seen, 1)
	return err == nil && len(lines) == 1 && strings.Contains(lines[0].Message.Text, sentence)
}

// await returns when there is a newer line, or after a while.
func (c *Counter) await(ctx context.Context, one visit, seen uint64) {
	ctx, cancel := context.WithTimeout(ctx, replyWait)
	defer cancel()
	tick := time.NewTicker(replyPoll)
	defer tick.Stop()
	for {
		if l, err := c.Store.After(ctx, one.address(), seen, 1); err != nil || len(l) > 0 {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// maxLines bounds a visit's conversation, in our messages.
const maxLines = 300

func (c *Counter) lines(ctx context.Context, one visit) ([]channels.Line, error) {
	return c.Store.After(ctx, one.address(), 0, maxLines)
}

// end lets go of a visit: what was filed stays, what was not sent is dropped by the dialogue in its time.
func (c *Counter) end(w http.ResponseWriter, r *http.Request, v *view) {
	if !c.genuine(w, r, v, r.PostFormValue("token")) {
		return
	}
	all := map[string]visit{}
	for id, one := range c.visits(r.Context()) {
		if id != r.PathValue("id") {
			all[id] = one
		}
	}
	c.putVisits(r.Context(), all)
	http.Redirect(w, r, Root+"/", http.StatusSeeOther)
}

// turnView is one message of a conversation; Ours: the gateway said it.
type turnView struct {
	Ours      bool
	Text      string
	Files     []string
	Reference string
}

type visitView struct {
	Visit   visit
	Turns   []turnView
	Options []channels.Option
	N       string // names the next message, so that it is heard once
	Fault   string // key of a sentence
	Waiting bool   // the reply is on its way
	Tell    string // where notices go, masked
	Filed   []string
}

// Commands are the lists of words that have a button each.
func (visitView) Commands() []string {
	return []string{"send", "back", "skip", "more", "menu", "status"}
}

func (c *Counter) visit(w http.ResponseWriter, r *http.Request, v *view) {
	one, ok := c.visits(r.Context())[r.PathValue("id")]
	if !ok {
		http.Redirect(w, r, Root+"/", http.StatusSeeOther)
		return
	}
	c.talk(w, r, http.StatusOK, v, one, "")
}

func (c *Counter) talk(w http.ResponseWriter, r *http.Request, status int, v *view, one visit, fault string) {
	lines, err := c.lines(r.Context(), one)
	if err != nil {
		c.fail(w, r, "read a conversation", err)
		return
	}
	data := visitView{Visit: one, N: rand.Text(), Fault: fault, Filed: filed(lines)}
	if !one.Tell.IsZero() {
		data.Tell = one.Tell.Masked()
	}
	data.Turns = interleave(lines, one.Said)
	if n := len(lines); n > 0 {
		data.Options = lines[n-1].Message.Options
	}
	if n := len(data.Turns); n == 0 || !data.Turns[n-1].Ours {
		data.Waiting = true
		w.Header().Set("Refresh", "2")
	}
	c.show(w, r, status, "visit", v, data)
}

// interleave puts what the clerk wrote between our lines.
func interleave(lines []channels.Line, wrote []said) []turnView {
	var all []turnView
	for _, l := range append([]channels.Line{{}}, lines...) {
		if l.Seq > 0 {
			all = append(all, turnView{Ours: true, Text: l.Message.Text, Reference: l.Message.Reference})
		}
		for _, s := range wrote {
			if s.After == l.Seq {
				all = append(all, turnView{Text: s.Text, Files: s.Files})
			}
		}
	}
	return all
}

// filed are the references that a visit's replies gave, the newest first.
func filed(lines []channels.Line) []string {
	var all []string
	for _, l := range slices.Backward(lines) {
		if ref := l.Message.Reference; ref != "" && !slices.Contains(all, ref) {
			all = append(all, ref)
		}
	}
	return all
}

func clip(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n])
	}
	return s
}
