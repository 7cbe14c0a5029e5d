package gateway

import (
	"bytes"
	"encoding/json"
	"slices"
	"time"

	"gatehouse/exchange"
	"gatehouse/exchange/service"
	"gatehouse/gateway/consent"
)

// DisclosureFormat names the shape of a Disclosure. A field may be added under the same name; none is taken away.
const DisclosureFormat = "gatehouse-my-data-1"

// Disclosure is what is held of one person as it is handed to them, on a page or as a JSON file (GDPR Art. 15 and 20).
// Times are RFC 3339 in UTC. What was filed is held by the office and not here, so a case has no answers. Lists are
// newest first; LeftOut counts what is older than what stands here.
type Disclosure struct {
	Format string    `json:"format"` // DisclosureFormat
	City   string    `json:"city"`
	Made   time.Time `json:"made"`
	// Person is their language (BCP 47), since when they are known, and whether lists go to them by day alone.
	Person struct {
		Language string    `json:"language,omitempty"`
		Since    time.Time `json:"since"`
		ByDay    bool      `json:"lists_by_day_only"`
	} `json:"person"`
	// Helps names the persons whose cases this one does for them. What is theirs is not this person's and stands not here.
	Helps         []string      `json:"helps,omitempty"`
	Addresses     []HeldAddress `json:"addresses"`
	Lists         []HeldList    `json:"lists"`
	Consents      []HeldConsent `json:"consents"`
	Cases         []HeldCase    `json:"cases"`
	Form          *HeldForm     `json:"form,omitempty"`
	Waiting       []HeldForm    `json:"waiting_forms,omitempty"` // until Form is sent or deleted
	Messages      []HeldMessage `json:"messages"`
	Conversations []HeldTalk    `json:"conversations"`
	LeftOut       More          `json:"left_out"`
	// Private counts the cases, messages and conversations whose content is not shown, because it was asked for where such
	// content is never told: by mail it is all there.
	Private int `json:"private"`
	// Cut: texts were shortened or left out, because all together they were too long.
	Cut bool `json:"cut"`
}

// HeldAddress is one address and what is known of it. Unreachable is what a carrier said.
type HeldAddress struct {
	Channel     string    `json:"channel"`
	Address     string    `json:"address"`
	Heard       time.Time `json:"heard,omitzero"`
	Stopped     bool      `json:"stopped"`
	Blocked     bool      `json:"blocked"`
	Unreachable bool      `json:"unreachable"`
}

// HeldList is a list that the person is on.
type HeldList struct {
	List    string    `json:"list"`
	Channel string    `json:"channel"`
	Address string    `json:"address"`
	Since   time.Time `json:"since"`
}

// HeldConsent is one line of the ledger. Act is granted, withdrawn or asked (not confirmed). An empty address is one
// that is the person's no longer.
type HeldConsent struct {
	At      time.Time       `json:"at"`
	Purpose consent.Purpose `json:"purpose"`
	List    string          `json:"list,omitempty"`
	Channel string          `json:"channel,omitempty"`
	Address string          `json:"address,omitempty"`
	Act     string          `json:"act"`
	Shown   string          `json:"shown,omitempty"`
	Said    string          `json:"said,omitempty"`
	Source  consent.Source  `json:"source"`
}

// HeldCase is a case with its time line. KeptUntil is the last day on which it is kept (see the function KeptUntil), were it
// to end today if it is open; Retention is the rule as the service has it, an ISO 8601 duration from the end.
type HeldCase struct {
	Reference string            `json:"reference"`
	Service   string            `json:"service"`
	Name      string            `json:"name"`
	State     exchange.State    `json:"state"`
	Decision  exchange.Decision `json:"decision,omitempty"`
	Filed     time.Time         `json:"filed"`
	Promised  time.Time         `json:"promised,omitzero"`
	KeptUntil string            `json:"kept_until"`
	Retention string            `json:"retention"`
	Events    []HeldEvent       `json:"events"`
}

// HeldEvent is one line of a case's time line, oldest first. Document is the name of a document that came with it.
type HeldEvent struct {
	At       time.Time      `json:"at"`
	State    exchange.State `json:"state,omitempty"`
	Text     string         `json:"text,omitempty"`
	Document string         `json:"document,omitempty"`
}

// HeldForm is a form that is not sent yet; Answers are its canonical values by the service's field names.
type HeldForm struct {
	Service   string              `json:"service"`
	Channel   string              `json:"channel"`
	Touched   time.Time           `json:"touched"`
	KeptUntil string              `json:"kept_until"`
	Answers   map[string][]string `json:"answers,omitempty"`
	Files     int                 `json:"files"`
}

// HeldMessage is one message that went to the person. State is owed, accepted (by the carrier), delivered or failed.
type HeldMessage struct {
	At        time.Time `json:"at"`
	Channel   string    `json:"channel"`
	Address   string    `json:"address"`
	Kind      string    `json:"kind"` // reply, notice, broadcast
	Reference string    `json:"reference,omitempty"`
	State     string    `json:"state"`
	Text      string    `json:"text,omitempty"`
}

// HeldTalk is the end of the conversation on one address, oldest first.
type HeldTalk struct {
	Channel string          `json:"channel"`
	Address string          `json:"address"`
	Lines   []exchange.Said `json:"lines"`
}

// Bounds of the texts in a Disclosure, in bytes: of one, and of all together.
const (
	maxHeldText  = 4000
	maxHeldTexts = 512 << 10
)

// discloser fills a Disclosure within its bounds.
type discloser struct {
	*Dispatcher
	Dossier
	proven string // the channel of the address that proved whose this is
	left   int
	out    Disclosure
}

// Disclose makes the Disclosure of what is held. proven is the channel by which the person showed who they are: content
// that is never told by text or chat stands in it only when that was another.
func Disclose(services *service.Catalog, d Dossier, proven string, now time.Time) Disclosure {
	d = own(d)
	x := &discloser{Dispatcher: &Dispatcher{services: services}, Dossier: d, proven: proven, left: maxHeldTexts}
	o := &x.out
	o.Format, o.City, o.Made = DisclosureFormat, services.City.Name.In(firstOf(d.Contact.Lang, services.City.Languages[0])), now.UTC()
	o.Person.Language, o.Person.Since, o.Person.ByDay = d.Contact.Lang, d.Contact.Created.UTC(), d.Contact.Quiet
	o.LeftOut = d.More
	o.Addresses, o.Lists, o.Cases, o.Consents = []HeldAddress{}, []HeldList{}, []HeldCase{}, []HeldConsent{}
	o.Messages, o.Conversations = []HeldMessage{}, []HeldTalk{}
	for _, r := range d.Contact.Reaches {
		o.Addresses = append(o.Addresses, HeldAddress{Channel: r.Address.Channel, Address: r.Address.Value, Heard: r.Heard.UTC(), Stopped: r.Stopped,
			Blocked: r.Blocked, Unreachable: r.Dead})
	}
	for _, p := range d.Contact.Persons {
		o.Helps = append(o.Helps, p.Name)
	}
	x.cases(now)
	x.consents()
	x.forms()
	x.messages()
	x.talks()
	return x.out
}

// own leaves out what belongs to those whom the person helps.
func own(d Dossier) Dossier {
	theirs := map[string]bool{}
	for _, m := range d.Matters {
		theirs[m.ID] = m.For != ""
	}
	d.Matters = slices.DeleteFunc(slices.Clone(d.Matters), func(m Matter) bool { return m.For != "" })
	d.Sent = slices.DeleteFunc(slices.Clone(d.Sent), func(t Sent) bool { return theirs[t.Matter] })
	if d.Draft != nil && d.Draft.For.ID != "" {
		d.Draft = nil
	}
	d.Shelf = slices.DeleteFunc(slices.Clone(d.Shelf), func(w Draft) bool { return w.For.ID != "" })
	return d
}

// JSON writes the Disclosure as the file that is handed out.
func (d Disclosure) JSON() []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if err := e.Encode(d); err != nil { // never: strings, numbers and times of this century
		return []byte("{}\n")
	}
	return b.Bytes()
}

// text takes a text into the budget of all.
func (x *discloser) text(s string) string {
	cut := clipBytes(s, min(maxHeldText, x.left))
	x.left -= len(cut)
	if len(cut) < len(s) {
		x.out.Cut = true
	}
	return cut
}

func (x *discloser) lastDay(t time.Time) string {
	return t.In(x.services.City.Location()).Format(time.DateOnly)
}

func (x *discloser) cases(now time.Time) {
	for _, m := range x.Matters {
		c := HeldCase{Reference: m.Reference, Service: m.Service, Name: m.Name, State: m.State, Decision: m.Decision, Filed: m.FiledAt.UTC(),
			Promised: m.Promise.UTC(), Retention: service.DefaultRetention, KeptUntil: x.lastDay(KeptUntil(x.services, m, now).Add(-time.Second)), Events: []HeldEvent{}}
		if s, ok := x.services.ByCode(m.Service); ok && s.Retention != "" {
			c.Retention = s.Retention
		}
		told := x.tellable(m.Service, x.proven)
		if !told {
			x.out.Private++
		}
		for _, e := range m.Events {
			h := HeldEvent{At: e.At.UTC(), State: e.State}
			if told {
				h.Text = x.text(e.Text)
				if e.Paper != nil {
					h.Document = e.Paper.Name
				}
			}
			c.Events = append(c.Events, h)
		}
		x.out.Cases = append(x.out.Cases, c)
	}
}

func (x *discloser) consents() {
	acts := map[consent.Act]string{consent.Granted: "granted", consent.Withdrawn: "withdrawn", consent.Asked: "asked"}
	for _, c := range x.Ledger {
		l := c.line()
		x.out.Consents = append(x.out.Consents, HeldConsent{At: c.At.UTC(), Purpose: l.Purpose, List: c.List, Channel: c.Address.Channel,
			Address: c.Address.Value, Act: acts[c.Act], Shown: x.text(c.Shown), Said: x.text(c.Said), Source: c.Source})
	}
	oldest := slices.Clone(x.Ledger)
	slices.Reverse(oldest)
	lines := make([]consent.Line, len(oldest))
	for i, c := range oldest {
		lines[i] = c.line()
		lines[i].Address = c.Address.Channel + "\x00" + c.Address.Value
	}
	for _, l := range consent.Standing(lines) {
		if l.Purpose != consent.List || l.Act != consent.Granted || l.List == consent.Everything {
			continue
		}
		i := slices.Index(lines, l)
		x.out.Lists = append(x.out.Lists, HeldList{List: l.List, Channel: oldest[i].Address.Channel, Address: oldest[i].Address.Value, Since: l.At.UTC()})
	}
}

// forms shows the form that is open and those that wait for it: of these the day is named on which they end if their turn
// does not come.
func (x *discloser) forms() {
	if x.Draft != nil {
		f := x.form(*x.Draft, x.keptUntil(x.Draft.Touched).AddDate(0, 0, -1))
		x.out.Form = &f
	}
	for _, w := range x.Shelf {
		x.out.Waiting = append(x.out.Waiting, x.form(w, w.Touched.Add(FormKept)))
	}
}

func (x *discloser) form(d Draft, last time.Time) HeldForm {
	f := HeldForm{Service: d.Form.Service, Channel: d.Address.Channel, Touched: d.Touched.UTC(), Files: len(d.Files), KeptUntil: x.lastDay(last)}
	if !x.tellable(f.Service, x.proven) {
		return f
	}
	f.Answers = map[string][]string{}
	for name, values := range d.Form.Answers {
		for _, v := range values {
			f.Answers[name] = append(f.Answers[name], x.text(v))
		}
	}
	return f
}

func (x *discloser) messages() {
	of := map[string]Matter{}
	for _, m := range x.Matters {
		of[m.ID] = m
	}
	for _, t := range x.Sent {
		m, about := of[t.Matter]
		h := HeldMessage{At: t.At.UTC(), Channel: t.To.Channel, Address: t.To.Value, Kind: string(t.Queue), Reference: m.Reference, State: firstOf(string(t.State), "owed")}
		if x.shown(t.To.Channel) || about && x.tellable(m.Service, x.proven) {
			h.Text = x.text(t.Text)
		} else {
			x.out.Private++
		}
		x.out.Messages = append(x.out.Messages, h)
	}
}

// shown tells whether what was said on a channel may be shown: what was told by text and chat was never private.
func (x *discloser) shown(channel string) bool {
	private := func(c string) bool { return c != bySMS && c != byChat }
	return private(x.proven) || !private(channel)
}

func (x *discloser) talks() {
	for _, t := range x.Talks {
		if len(t.Lines) == 0 {
			continue
		}
		if !x.shown(t.Address.Channel) {
			x.out.Private++
			continue
		}
		h := HeldTalk{Channel: t.Address.Channel, Address: t.Address.Value}
		for _, l := range t.Lines {
			l.Text, l.At = x.text(l.Text), l.At.UTC()
			h.Lines = append(h.Lines, l)
		}
		x.out.Conversations = append(x.out.Conversations, h)
	}
}
