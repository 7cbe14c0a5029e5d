package portal

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"gatehouse/channels"
	"gatehouse/exchange"
	"gatehouse/exchange/service"
	"gatehouse/gateway"
	"gatehouse/gateway/portal/upload"
)

const (
	// maxValue bounds one typed value, in bytes; the service's own check is narrower.
	maxValue = 8 << 10
	// replyWait is how long a page waits for the reply before it shows that it is on its way.
	replyWait = 4 * time.Second
	replyPoll = 50 * time.Millisecond
)

// formView is what a form's page shows.
type formView struct {
	Service *service.Service
	Token   string
	Fields  []fieldView
	Faults  []faultView // as the summary lists them
	More    bool        // one more row was asked for
	Address string      // the mail address that was typed, where it is asked
	Proven  string      // the one that this browser has proven; empty: none
	Wrong   string      // what is wrong with the typed one

	// Pass is the token of the link that opened the form; the rest is for such a form alone.
	Pass string
	Was  string // the answers that it is shown with
	Kept int    // files that go with it already
}

// fieldView is one question of a form with what was typed.
type fieldView struct {
	service.Field
	Question string
	Hint     string
	Required bool
	Values   []string
	Fault    string
	Days     []dayView // offered days of a calendar
	Long     int       // letters that a long text may have; 0: one line is enough
	Columns  []columnView
	Rows     [][]string // the cells of each row, in order of the columns
}

// Asks tells whether the form asks for the mail address of who sends it: only who is registered for the company may.
func (v formView) Asks() bool { return v.Pass == "" && forCompany(v.Service) }

// Declares tells whether the form can be uploaded as a file.
func (v formView) Declares() bool { return v.Pass == "" && declares(v.Service) }

// Upload is the code of the page where it is.
func (v formView) Upload() string { return strings.ToLower(v.Service.Code) }

// longText is how many letters stand in one line.
const longText = 200

// dayView is one day that may be chosen.
type dayView struct{ Value, Label string }

// faultView is one line of the summary of faults.
type faultView struct{ Field, Text string }

func (p *Portal) service(w http.ResponseWriter, r *http.Request, lang string) (*service.Service, bool) {
	s, ok := p.Services.ByCode(strings.ToUpper(r.PathValue("code")))
	if !ok || !onPage(s) {
		p.missing(w, r, lang)
		return nil, false
	}
	return s, true
}

func (p *Portal) form(w http.ResponseWriter, r *http.Request, lang string) {
	s, ok := p.service(w, r, lang)
	if !ok {
		return
	}
	token := p.Links.formToken(s.Code, strings.ToLower(p.NewID()), p.Now())
	p.showForm(w, r, http.StatusOK, lang, formView{Service: s, Token: token, Fields: p.fields(s, lang, nil, nil)})
}

func (p *Portal) showForm(w http.ResponseWriter, r *http.Request, status int, lang string, v formView) {
	if v.Asks() {
		v.Proven = p.declarant(r).Value
	}
	p.show(w, r, status, "form", view{Lang: lang, Title: v.Service.Name.In(lang), Data: v})
}

// fields gives the questions in order, with what was typed and what is wrong with it.
func (p *Portal) fields(s *service.Service, lang string, typed map[string][]string, faults map[string]string) []fieldView {
	var all []fieldView
	for _, f := range s.Fields() {
		if f.Kind == service.Computed || !f.On("web") {
			continue
		}
		v := fieldView{Field: f, Question: f.Label.In(lang), Hint: f.Help.In(lang), Required: s.Required(f.Name),
			Values: typed[f.Name], Fault: faults[f.Name]}
		v.Required = v.Required || f.Must && f.When == ""
		if f.Kind == service.Rows {
			v.Columns, v.Rows = columnViews(s, &f, lang), rowViews(&f, typed[f.Name])
		}
		if m := s.Schema.Properties[f.Name].MaxLength; m != nil && *m > longText {
			v.Long = *m
		}
		if picked(f.Kind) {
			v.Question = f.Ask.In(lang)
		}
		if len(f.Options) > 0 {
			v.Hint = "" // it tells how to answer with a number
		}
		if f.Kind == service.Date && f.Calendar != "" {
			for _, d := range s.Days(&f).Next(s.Today(p.Now()), 10) {
				v.Days = append(v.Days, dayView{d.String(), d.In(lang)})
			}
			v.Days = withChosen(v.Days, v.Value(), lang)
		}
		all = append(all, v)
	}
	if s.Kind == service.Subscription {
		all = append(all, p.whereView(lang, typed, faults))
	}
	return all
}

// withChosen adds the day that was chosen before to those on offer.
func withChosen(days []dayView, chosen, lang string) []dayView {
	d, ok := service.ParseDay(chosen)
	if !ok || slices.ContainsFunc(days, func(v dayView) bool { return v.Value == chosen }) {
		return days
	}
	return append(days, dayView{chosen, d.In(lang)})
}

// picked tells whether a field is answered by ticking what is listed.
func picked(k service.FieldKind) bool {
	return k == service.Choice || k == service.Choices || k == service.Consent
}

// Described names what a screen reader adds to the question: the hint and the fault, where there are any.
func (f fieldView) Described() string {
	var ids []string
	if f.Hint != "" {
		ids = append(ids, "h-"+f.Name)
	}
	if f.Fault != "" {
		ids = append(ids, "e-"+f.Name)
	}
	return strings.Join(ids, " ")
}

// Has tells whether value is among what was typed.
func (f fieldView) Has(value string) bool { return slices.Contains(f.Values, value) }

// Value is what was typed into a single box.
func (f fieldView) Value() string {
	if len(f.Values) == 0 {
		return ""
	}
	return f.Values[0]
}

// file checks a sent form; a right one goes the way of every message, and the person is led to its reply.
func (p *Portal) file(w http.ResponseWriter, r *http.Request, lang string) {
	s, ok := p.service(w, r, lang)
	if !ok {
		return
	}
	sent, err := upload.Read(w, r)
	if err != nil {
		sent.Close()
		p.unreadable(w, r, lang, s, err)
		return
	}
	defer sent.Close()
	token := sent.Values.Get("token")
	id, ok := p.Links.formID(s.Code, token)
	typed := p.typed(s, sent.Values)
	if sent.Values.Get("more") != "" && ok {
		p.showForm(w, r, http.StatusOK, lang, formView{Service: s, Token: token, Fields: p.fields(s, lang, typed, nil), More: true})
		return
	}
	if !ok {
		p.expired(w, r, lang, s, typed)
		return
	}
	if f, ok := s.FileField(); ok {
		for range sent.Files {
			typed[f.Name] = append(typed[f.Name], "enclosed")
		}
	}
	faults := append(s.CheckGiven(typed, p.Now()), unknownPlaces(s, typed)...)
	faults = append(faults, p.open(s, typed, faults)...)
	to, trust, faults := p.addressee(r, s, typed, sent.Values, faults)
	if len(faults) > 0 {
		p.faulty(w, r, lang, s, token, typed, faults)
		return
	}
	m := p.message(s, lang, typed, sent.Files)
	m.From = to
	version, err := fingerprint(r.Context(), m)
	m.ID = "web:form:" + id + "." + version
	switch {
	case to.IsZero():
		m.From = session(id, version)
	case forCompany(s):
		m.Trust, m.To = trust, gateway.FormTo(s, session(id, version).Value)
	default:
		m.Trust = trust
	}
	if err == nil {
		err = p.Inbox.Accept(r.Context(), m)
	}
	if err != nil {
		p.refused(w, r, lang, err)
		return
	}
	http.Redirect(w, r, "/"+lang+"/sent/"+token+"?of="+s.Code+"&n="+version, http.StatusSeeOther)
}

// expired gives a fresh form that keeps what was typed, when its own can no longer be sent.
func (p *Portal) expired(w http.ResponseWriter, r *http.Request, lang string, s *service.Service, typed map[string][]string) {
	token := p.Links.formToken(s.Code, strings.ToLower(p.NewID()), p.Now())
	p.showForm(w, r, http.StatusUnprocessableEntity, lang, formView{Service: s, Token: token,
		Fields: p.fields(s, lang, typed, nil), Faults: []faultView{{"", p.text(lang, "form.expired")}}})
}

func (p *Portal) unreadable(w http.ResponseWriter, r *http.Request, lang string, s *service.Service, err error) {
	key, status := "form.unreadable", http.StatusBadRequest
	var big *http.MaxBytesError
	if errors.As(err, &big) || errors.Is(err, multipart.ErrMessageTooLarge) {
		key, status = "form.too_large", http.StatusRequestEntityTooLarge
	}
	token := p.Links.formToken(s.Code, strings.ToLower(p.NewID()), p.Now())
	p.showForm(w, r, status, lang, formView{Service: s, Token: token, Fields: p.fields(s, lang, nil, nil),
		Faults: []faultView{{"", p.text(lang, key)}}})
}

// refused says that the form could not be stored; nothing was filed.
func (p *Portal) refused(w http.ResponseWriter, r *http.Request, lang string, err error) {
	status := http.StatusServiceUnavailable
	if errors.Is(err, channels.ErrTooLarge) {
		status = http.StatusRequestEntityTooLarge
	}
	p.Log.WarnContext(r.Context(), "form not accepted", "err", err)
	w.Header().Set("Retry-After", "30")
	p.trouble(w, r, lang, status, "busy")
}

// typed reads the values in canonical form where that is certain: an address that the city knows, digits of all
// scripts, a decimal comma.
func (p *Portal) typed(s *service.Service, values url.Values) map[string][]string {
	all := map[string][]string{}
	for _, f := range s.Fields() {
		if f.Kind == service.File || !f.On("web") {
			continue
		}
		if f.Kind == service.Rows {
			all[f.Name] = typedRows(s, &f, values)
			continue
		}
		for _, v := range values[f.Name] {
			v = strings.TrimSpace(exchange.Normalize(strings.ToValidUTF8(v[:min(len(v), maxValue)], "")))
			if v == "" {
				continue
			}
			all[f.Name] = append(all[f.Name], canonical(s, &f, v))
		}
	}
	return all
}

// unknownPlaces gives a fault for each address that the city does not know for sure, as the dialogue would ask again.
func unknownPlaces(s *service.Service, typed map[string][]string) []service.Fault {
	var all []service.Fault
	for _, f := range s.Fields() {
		if f.Kind != service.Place || len(typed[f.Name]) == 0 {
			continue
		}
		found := s.City().Places(typed[f.Name][0])
		if len(found) != 1 || f.House && found[0].House == 0 {
			all = append(all, service.Fault{Field: f.Name, ID: "place"})
		}
	}
	return all
}

// open gives a fault for each field that must be answered and is not. What is computed is nobody's to answer.
func (p *Portal) open(s *service.Service, typed map[string][]string, known []service.Fault) []service.Fault {
	var all []service.Fault
	for _, f := range s.CheckOn("web", typed, p.Now()) {
		field, _ := s.Field(f.Field)
		if field.Kind != service.Computed && !slices.ContainsFunc(known, func(k service.Fault) bool { return k.Field == f.Field }) {
			all = append(all, f)
		}
	}
	return all
}

func (p *Portal) faulty(w http.ResponseWriter, r *http.Request, lang string, s *service.Service, token string, typed map[string][]string, faults []service.Fault) {
	v := formView{Service: s, Token: token}
	texts, list := p.faultTexts(s, lang, faults)
	v.Faults, v.Fields = list, p.fields(s, lang, typed, texts)
	v.Wrong = texts[clerkField]
	for _, said := range typed[clerkField] {
		v.Address = said
	}
	p.showForm(w, r, http.StatusUnprocessableEntity, lang, v)
}

// faultTexts words the faults of each field, and lists them as the summary does.
func (p *Portal) faultTexts(s *service.Service, lang string, faults []service.Fault) (map[string]string, []faultView) {
	texts := map[string]string{}
	var list []faultView
	for _, f := range faults {
		if _, twice := texts[f.Field]; twice && f.Row == 0 {
			continue
		}
		text := p.worded(s, f, lang)
		switch f.Field {
		case whereField:
			text = p.text(lang, "join.fault")
		case clerkField:
			text = p.text(lang, "declare.clerk.fault")
		}
		if field, ok := s.Field(f.Field); ok && picked(field.Kind) {
			text = p.text(lang, "form.choose", "question", field.Ask.In(lang))
		}
		texts[f.Field] = strings.TrimSpace(texts[f.Field] + " " + text)
		list = append(list, faultView{f.Field, text})
	}
	return texts, list
}

// fingerprint tells what a form holds. A second click sends the same and files nothing more; who goes back, changes an
// answer and sends again files anew.
func fingerprint(ctx context.Context, m channels.Message) (string, error) {
	h := sha256.New()
	fmt.Fprintf(h, "%q%s", m.Text, m.From)
	for _, f := range m.Files {
		fmt.Fprintf(h, "%q %d", f.Name, f.Size)
		r, err := f.Open(ctx)
		if err != nil {
			return "", fmt.Errorf("read an upload: %w", err)
		}
		_, err = io.Copy(h, r)
		if r.Close(); err != nil {
			return "", fmt.Errorf("read an upload: %w", err)
		}
	}
	return hex.EncodeToString(h.Sum(nil))[:versionChars], nil
}

// versionChars is how much of a fingerprint tells two versions of one form apart.
const versionChars = 16

// message is the form as the dispatcher takes it: one line a value.
func (p *Portal) message(s *service.Service, lang string, typed map[string][]string, files []channels.File) channels.Message {
	var b strings.Builder
	for _, f := range s.Fields() {
		if f.Kind == service.File { // the files themselves go along
			continue
		}
		for _, v := range typed[f.Name] {
			fmt.Fprintf(&b, "%s: %s\n", f.Name, strings.ReplaceAll(v, "\n", " "))
		}
	}
	return channels.Message{
		To: channels.Address{Channel: "web", Value: "form+" + strings.ToLower(s.Code)}, At: p.Now(),
		Lang: lang, Text: b.String(), Files: files, Trust: channels.CarrierVerified,
	}
}

// session is the web address that the reply to one version of a form goes to.
func session(id, version string) channels.Address {
	return channels.Address{Channel: "web", Value: "form-" + id + "-" + version}
}

// sentView is what the page after a form shows.
type sentView struct {
	Lines []string // the reply; empty while it is on its way
}

// sent shows the reply to a form. Whoever holds the form's token may read it; it reloads while there is none.
func (p *Portal) sent(w http.ResponseWriter, r *http.Request, lang string) {
	id, ok := p.Links.formID(r.URL.Query().Get("of"), r.PathValue("token"))
	version := r.URL.Query().Get("n")
	if !ok || len(version) != versionChars {
		p.missing(w, r, lang)
		return
	}
	if s, ok := p.Services.ByCode(strings.ToUpper(r.URL.Query().Get("of"))); ok && s.Kind == service.Subscription {
		p.show(w, r, http.StatusOK, "asked", view{Lang: lang, Title: p.text(lang, "join.title"), Path: "/"})
		return
	}
	p.showReply(w, r, lang, session(id, version))
}

// showReply shows the first words to a web address; the page reloads while there are none.
func (p *Portal) showReply(w http.ResponseWriter, r *http.Request, lang string, to channels.Address) {
	lines, err := p.reply(r.Context(), to)
	if err != nil {
		p.Log.ErrorContext(r.Context(), "read reply", "err", err)
	}
	if len(lines) == 0 {
		w.Header().Set("Refresh", "2")
	}
	p.show(w, r, http.StatusOK, "sent", view{Lang: lang, Title: p.text(lang, "sent.title"), Path: "/", Data: sentView{lines}})
}

// reply waits a little for the first words to an address.
func (p *Portal) reply(ctx context.Context, to channels.Address) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, replyWait)
	defer cancel()
	for {
		lines, err := p.History.After(ctx, to, 0, 20)
		if len(lines) > 0 || err != nil {
			var all []string
			for _, l := range lines {
				all = append(all, l.Message.Text)
			}
			return all, err
		}
		select {
		case <-ctx.Done():
			return nil, nil
		case <-time.After(replyPoll):
		}
	}
}
