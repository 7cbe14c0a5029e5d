package gateway

import (
	"slices"
	"strings"

	"gatehouse/channels"
	"gatehouse/channels/text"
	"gatehouse/configs/texts"
	"gatehouse/exchange"
	"gatehouse/exchange/service"
	"gatehouse/gateway/answers"
	"gatehouse/gateway/forms"
)

// nearest is how many topics are named when no answer is sure.
const nearest = 3

// find searches the pages; lang empty: in any language.
func (k *talk) find(q, lang string) answers.Result {
	if k.d.answers == nil {
		return answers.Result{}
	}
	query := answers.Query{Text: q, Lang: lang, Limit: nearest, Now: k.t.Now}
	for _, l := range k.conv.Lines[:max(len(k.conv.Lines)-1, 0)] {
		if l.Who == whoPerson && l.Text != q {
			query.History = append(query.History, l.Text)
		}
	}
	return k.d.answers.Find(query)
}

// inquire answers a question from the published pages, or names the nearest and offers a person.
func (k *talk) inquire(q string) {
	r := k.find(q, k.lang)
	if r.Confident && len(r.Hits) > 0 {
		if r.Understood != "" && k.t.Message.From.Channel != bySMS {
			k.say("answer.read", texts.Args{"text": r.Understood})
		}
		k.answer(r.Hits[0])
		k.ask(k.answered(q, r.Hits[0]))
		return
	}
	k.unsure(q, r.Hits)
}

// inquireQuietly answers only what is surely a question.
func (k *talk) inquireQuietly(q string) {
	if r := k.find(q, k.lang); r.Confident && len(r.Hits) > 0 {
		k.answer(r.Hits[0])
		k.ask(k.answered(q, r.Hits[0]))
	}
}

// answered leaves an inquiry open for 0 once a page was given: its owner answers what the page does not.
func (k *talk) answered(q string, h answers.Hit) Pending {
	return Pending{Kind: askInquiry, Text: q, Department: k.department(h.Owner)}
}

// department gives code where it is one of the city's departments.
func (k *talk) department(code string) string {
	if slices.ContainsFunc(k.d.services.City.Departments, func(d service.Named) bool { return d.Code == code }) {
		return code
	}
	return ""
}

// owner is the department of more than half of the nearest topics; none: the question is put to those who answer what
// belongs to nobody.
func (k *talk) owner(hits []answers.Hit) string {
	count := map[string]int{}
	for _, h := range hits {
		if count[h.Owner]++; 2*count[h.Owner] > len(hits) {
			return k.department(h.Owner)
		}
	}
	return ""
}

func (k *talk) unsure(q string, hits []answers.Hit) {
	days := 1
	if s, ok := k.d.services.ByCode(askCode); ok {
		days, _ = service.WorkingDays(s.Promise)
	}
	hits = hits[:min(len(hits), nearest)]
	p := Pending{Kind: askTopic, Text: q, Department: k.owner(hits)}
	var labels []string
	for _, h := range hits {
		labels = append(labels, clip(h.Title, 60))
		p.Options = append(p.Options, h.Title)
	}
	if len(labels) == 0 {
		k.say("nothing", texts.Args{"days": days})
	} else {
		k.say("topics", texts.Args{"days": days, "list": forms.Numbered(labels, k.t.Message.From.Channel == bySMS)})
	}
	k.buttons(labels)
	if person := k.d.texts.Words(k.lang, "person"); len(person) > 0 {
		k.options = append(k.options, channels.Option{Label: person[0], Value: "0"})
	}
	k.ask(p)
}

// topic gives the page that a number picked.
func (k *talk) topic() bool {
	n, ok := k.d.grammar.Number(k.said)
	if !ok || n < 1 || n > len(k.asked.Options) {
		return false
	}
	title := k.asked.Options[n-1]
	r := k.find(title, k.lang)
	for _, h := range r.Hits {
		if h.Title == title {
			k.answer(h)
			k.ask(k.answered(k.asked.Text, h))
			return true
		}
	}
	k.unsure(k.asked.Text, r.Hits) // the page was taken back meanwhile
	return true
}

// answer quotes a page for the channel, names its source, and keeps the rest for MORE.
func (k *talk) answer(h answers.Hit) {
	s, apply := k.d.services.ByCode(h.Service)
	apply = apply && h.Service != "" && len(s.Keywords[k.lang]) > 0 && !k.running()
	if k.t.Message.From.Channel == bySMS {
		k.answerSMS(h, s, apply)
		return
	}
	k.source = &channels.Source{Title: h.Title, URL: h.URL}
	k.tell(unmarked(firstOf(h.Chat, h.Text, h.SMS, h.Title)))
	if k.t.Message.From.Channel != byWeb && h.URL != "" {
		k.say("answer.source", texts.Args{"title": h.Title, "url": h.URL})
	}
	k.conv.More = nil
	if h.Text != "" && h.Text != h.Chat && h.Chat != "" {
		k.conv.More = []string{unmarked(h.Text)}
	}
	k.conv.More = append(k.conv.More, k.lastPart(h))
	if apply {
		k.options = append(k.options, channels.Option{Label: s.Name.In(k.lang), Value: s.Keywords[k.lang][0]})
	}
}

// answerSMS aims at two segments with the source in them.
func (k *talk) answerSMS(h answers.Hit, s *service.Service, apply bool) {
	plain := func(s string) string {
		return text.Plain(strings.Join(strings.Fields(unmarked(s)), " "), text.StripAccents)
	}
	body := plain(firstOf(h.SMS, h.Chat, h.Text, h.Title))
	head, rest := text.Cut(body, aimSegments)
	k.conv.More = nil
	if rest != "" {
		k.conv.More = parts(rest)
	} else if full := plain(h.Text); full != "" && full != body {
		k.conv.More = parts(full)
	}
	k.conv.More = append(k.conv.More, k.lastPart(h))
	hint := plain(k.text("answer.hint", nil))
	if apply && !k.d.grammar.Has("more", head) && !strings.Contains(head, s.Keywords[k.lang][0]) {
		hint = plain(k.text("answer.apply", texts.Args{"keyword": s.Keywords[k.lang][0]}))
	}
	url := shortURL(h.URL)
	if k.d.grammar.Has("more", head) { // the page says itself how to go on: MORE ends with its address
		hint, url = "", ""
	}
	for _, try := range [][]string{{head, url, hint}, {head, url}, {head, hint}} {
		said := strings.Join(slices.DeleteFunc(try, func(s string) bool { return s == "" }), " ")
		if text.Measure(said).Segments <= aimSegments {
			k.tell(said)
			return
		}
	}
	k.tell(head)
}

// unmarked takes the marks of Markdown out of a text that is shown plain.
func unmarked(s string) string {
	lines := strings.Split(strings.NewReplacer("**", "", "__", "", "`", "").Replace(s), "\n")
	for i, l := range lines {
		lines[i] = strings.TrimLeft(strings.TrimPrefix(l, "> "), "#")
		if lines[i] != l {
			lines[i] = strings.TrimSpace(lines[i])
		}
	}
	return strings.TrimSpace(strings.Join(lines, "\n"))
}

// parts cuts a longer text into at most maxParts pieces for MORE.
func parts(s string) []string {
	var all []string
	for len(all) < maxParts && s != "" {
		var head string
		if head, s = text.Cut(s, aimSegments); head == "" {
			break
		}
		all = append(all, head)
	}
	return all
}

// maxParts is how often MORE goes on before the link.
const maxParts = 3

func (k *talk) lastPart(h answers.Hit) string {
	url := h.URL
	if k.t.Message.From.Channel == bySMS {
		url = shortURL(url)
	}
	return k.text("answer.page", texts.Args{"url": url, "phone": k.phone()})
}

func firstOf(all ...string) string {
	for _, s := range all {
		if strings.TrimSpace(s) != "" {
			return strings.TrimSpace(s)
		}
	}
	return ""
}

// more sends the next part. What 0 and a number meant stays.
func (k *talk) more() {
	if len(k.conv.More) == 0 && k.running() {
		k.page()
		return
	}
	if len(k.conv.More) == 0 {
		k.say("answer.nomore", nil)
		k.again()
		return
	}
	next := k.conv.More[0]
	k.conv.More = k.conv.More[1:]
	k.tell(next)
	if len(k.conv.More) > 0 {
		k.say("answer.next", nil)
	}
	k.keepQuestion()
}

// askCode is the service to which inquiries go that a person shall answer.
const askCode = "ask"

// person is 0: what was asked goes to a person with the last lines; without a question it is asked for.
func (k *talk) person() {
	switch {
	case k.asked.Kind == askTopic || k.asked.Kind == askInquiry:
		k.handOver(k.asked.Text, k.asked.Department)
	case k.running():
		q := k.draft.Form.Service + ": " + k.lastSaid()
		owner := k.ownerOf(k.draft.Form.Service)
		k.setAside()
		k.handOver(q, owner)
	default:
		k.say("ask.what", nil)
		p := Pending{Kind: askQuestion}
		if k.asked.Kind == askCase || k.asked.Kind == askDay {
			p.Text = k.asked.Text
		}
		k.ask(p)
	}
}

// ownerOf is the department of a service.
func (k *talk) ownerOf(code string) string {
	if s, ok := k.d.services.ByCode(code); ok {
		return k.department(s.Department)
	}
	return ""
}

// handOver files a case of the service "ask" with the story so far, for the department that owns what it is about;
// empty: for the service's own.
func (k *talk) handOver(q, department string) {
	if k.withheld() {
		return
	}
	s, ok := k.d.services.ByCode(askCode)
	if !ok {
		k.say("unread", nil)
		return
	}
	m := k.file(s, filing{text: q, story: true, files: k.t.Message.Files, department: department})
	k.say("ask.sent", texts.Args{
		"department": k.d.services.City.Department(firstOf(department, s.Department), k.lang), "reference": m.Reference, "when": k.when(m.Promise),
	})
	k.trackLink(m.Reference)
}

// trackLink shows where the case can be followed. A text message has no room for it: STATUS tells the same there.
func (k *talk) trackLink(reference string) {
	if k.t.Message.From.Channel != bySMS {
		k.tell(k.d.track(reference))
	}
}

// filing is what becomes a case.
type filing struct {
	text    string
	answers map[string][]string
	story   bool
	files   []channels.File
	subject string
	// department is whom an inquiry is put to; empty: the service's own.
	department string
	// hold makes the case without handing it on: of its rows some are to be put right first. of is one that was held.
	hold bool
	of   *Matter
	// rows and kept say how a declaration in rows stands, where some are open or kept.
	rows []exchange.Rows
	kept []exchange.KeptRow
}

// file freezes a case, opens its matter and lets it cross.
func (k *talk) file(s *service.Service, f filing) Matter {
	loc := k.d.services.City.Location()
	c := exchange.Case{
		ID: k.t.NewID(), Reference: k.t.NewReference(), Service: s.Code, Lang: k.lang, Channel: k.t.Message.From.Channel,
		FiledAt: k.t.filedAt(), Promise: s.Due(k.t.Now, loc), Trust: string(k.t.level(companyOf(s, f.answers))), Party: k.contact.ID,
		Text: clipBytes(text.Mask(exchange.Normalize(f.text)), 90000), Answers: crossing(s, f.answers), Name: personName(s, f.answers),
		Rows: f.rows, Kept: f.kept,
	}
	if f.story {
		c.Story = append(c.Story, k.conv.Lines...)
	}
	if proof := exchange.NormalizeLine(k.t.Message.Proof); proof != "" {
		c.Story = append(c.Story, exchange.Said{At: k.t.Now, Who: "gateway", Text: clipBytes(proof, 1000)})
	}
	if f.department != "" {
		c.Answers = append(c.Answers, exchange.Answer{Field: service.PutTo, Value: f.department})
	}
	if k.session != "" {
		c.Channel = byWeb
	}
	k.attend(&c)
	k.filedFor(k.helped, &c)
	crossing := Crossing{Matter: c.ID}
	for _, file := range usable(f.files) {
		ref := k.refer(file)
		c.Files = append(c.Files, ref)
		crossing.Files, crossing.FileIDs = append(crossing.Files, file), append(crossing.FileIDs, ref.ID)
	}
	if f.of != nil {
		c.ID, c.Reference, c.FiledAt, c.Promise = f.of.ID, f.of.Reference, f.of.FiledAt, later(c.Promise, f.of.Promise)
		crossing.Matter = c.ID
	}
	crossing.Document = c
	m := Matter{
		ID: c.ID, Reference: c.Reference, Contact: k.contact.ID, Service: s.Code, Name: s.Name.In(k.lang), Lang: k.lang,
		Address: k.t.Message.From, Thread: k.t.Message.Thread, Subject: firstOf(f.subject, exchange.NormalizeLine(k.t.Message.Subject)),
		For: k.helped.ID, State: exchange.Queued, Promise: c.Promise, FiledAt: c.FiledAt, Tell: k.tellAt(),
		Events: []Event{{At: k.t.Now, State: exchange.Queued}},
	}
	if day, ok := s.Booked(f.answers); ok {
		m.Booked = day.String()
	}
	m.Rows = s.RowCount(f.answers)
	if s.Declare.Company != "" {
		m.Period = period(s, f.answers)
	}
	if f.of != nil {
		f.of.State, f.of.Promise = m.State, m.Promise
		f.of.Events = append(slices.Clone(f.of.Events), Event{At: k.t.Now, State: m.State})
		m = *f.of
	}
	k.o.Matters = append(k.o.Matters, m)
	if f.hold {
		k.holdFiles(m, f.files)
	} else {
		k.o.Wakes = append(k.o.Wakes, promiseWake(m))
		k.o.Crossings = append(k.o.Crossings, crossing)
	}
	k.reference, k.matter = m.Reference, m.ID
	return m
}

// holdFiles keeps files with a case that does not cross yet.
func (k *talk) holdFiles(m Matter, files []channels.File) {
	for _, file := range usable(files) {
		file.Open = nil // it is stored
		k.o.Papers = append(k.o.Papers, Kept{Matter: m.ID, File: file})
	}
}

// crossing writes the answers in the order of the fields. A phone or mail address that was given crosses only where
// the service file says so.
func crossing(s *service.Service, given map[string][]string) []exchange.Answer {
	var all []exchange.Answer
	for _, f := range s.Fields() {
		if (f.Kind == service.Phone || f.Kind == service.Mail) && !f.Crosses {
			continue
		}
		for _, v := range given[f.Name] {
			all = append(all, exchange.Answer{Field: f.Name, Value: exchange.Normalize(v)})
		}
	}
	return all
}

func personName(s *service.Service, given map[string][]string) string {
	for _, f := range s.Fields() {
		if f.Kind == service.Person && len(given[f.Name]) > 0 {
			return clipBytes(exchange.NormalizeLine(given[f.Name][0]), 200)
		}
	}
	return ""
}

// maxFiles bounds the files of one message or form.
const maxFiles = 10

// usable drops empty files and those that were not stored, and what comes twice.
func usable(files []channels.File) []channels.File {
	var all []channels.File
	seen := map[string]bool{}
	for _, f := range files {
		if f.Size > 0 && f.SHA256 != "" && !seen[f.SHA256] && len(all) < maxFiles {
			seen[f.SHA256] = true
			all = append(all, f)
		}
	}
	return all
}

// refer names a file in a document: one line for the name, a bare media type.
func (k *talk) refer(f channels.File) exchange.FileRef {
	name := clipBytes(exchange.NormalizeLine(f.Name), 255)
	if name == "" {
		name = "file"
	}
	typ, _, _ := strings.Cut(f.Type, ";")
	typ = strings.ToLower(strings.TrimSpace(typ))
	if typ == "" || len(typ) > 100 || strings.ContainsFunc(typ, func(r rune) bool { return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyz0123456789./+-_", r) }) {
		typ = "application/octet-stream"
	}
	return exchange.FileRef{ID: k.t.NewID(), Name: name, Type: typ, Size: f.Size, SHA256: f.SHA256}
}
