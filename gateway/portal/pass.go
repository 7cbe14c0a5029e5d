package portal

import (
	"crypto/hmac"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"gatehouse/channels"
	"gatehouse/exchange/service"
	"gatehouse/gateway"
	"gatehouse/gateway/portal/upload"
)

// Passes are the links that serve once, and the forms that they open. The gateway's store is it.
type Passes = gateway.Passes

// passCookie proves that this browser opened a link. It is a MAC of the link's token, sent back to that link alone.
const passCookie = "page"

// passView is what the page of a link shows beside its form.
type passView struct {
	Token string
	Kind  gateway.PassKind
	Say   string // the text's key; empty: the link is to be opened
}

// pass shows the form of a link to the browser that opened it, and to others the button that opens it: what only looks
// at links, as mail and chat programs do, opens none.
func (p *Portal) pass(w http.ResponseWriter, r *http.Request) {
	token := r.PathValue("token")
	got, lang, ok := p.readPass(w, r, token)
	switch {
	case !ok:
	case got.Kind == gateway.ToPhoto:
		p.photoPage(w, r, lang, token, got)
	case got.Kind == gateway.ToCorrect:
		http.Redirect(w, r, "/d/"+token+"?lang="+lang, http.StatusSeeOther)
	case !got.Used:
		p.showPass(w, r, http.StatusOK, lang, passView{Token: token, Kind: got.Kind})
	case got.Kind == gateway.ToProve || got.Kind == gateway.ToConfirm || got.Kind == gateway.ToDeclare || !p.holds(r, token):
		p.showPass(w, r, http.StatusNotFound, lang, passView{Say: "pass.ended", Kind: got.Kind})
	case got.Kind == gateway.ToRead:
		p.dataPage(w, r, lang, token, got)
	default:
		p.passForm(w, r, lang, token, got, nil)
	}
}

// readPass reads a link and its language; ok is false when the answer was given. One that nobody was sent and one that
// has ended are the same page.
func (p *Portal) readPass(w http.ResponseWriter, r *http.Request, token string) (got gateway.Pass, lang string, ok bool) {
	w.Header().Set("Referrer-Policy", "no-referrer")
	got, err := p.Passes.Pass(r.Context(), token)
	lang = firstKnown(p, r.URL.Query().Get("lang"), got.Lang, p.language(r))
	switch {
	case errors.Is(err, gateway.ErrNotFound):
		p.showPass(w, r, http.StatusNotFound, lang, passView{Say: "pass.ended"})
	case err != nil:
		p.Log.ErrorContext(r.Context(), "read pass", "err", err)
		p.trouble(w, r, lang, http.StatusServiceUnavailable, "later")
	}
	return got, lang, err == nil
}

func firstKnown(p *Portal, langs ...string) string {
	for _, l := range langs {
		if p.Texts.Has(l) {
			return l
		}
	}
	return p.langs[0]
}

func (p *Portal) showPass(w http.ResponseWriter, r *http.Request, status int, lang string, v passView) {
	title := "pass.title"
	switch v.Kind {
	case gateway.ToProve:
		title = "pass.prove.title"
	case gateway.ToConfirm:
		title = "pass.confirm.title"
	case gateway.ToDeclare:
		title = "pass.declare.title"
	case gateway.ToRead:
		title = "data.title"
	case gateway.ToFill, gateway.ToPhoto, gateway.ToCorrect:
	}
	if v.Say == "pass.ended" && v.Kind == gateway.ToRead {
		v.Say = "pass.data.ended"
	}
	if v.Say == "pass.ended" || v.Say == "pass.data.ended" || v.Say == "correct.ended" {
		title = "pass.ended.title"
	}
	p.show(w, r, status, "pass", view{Lang: lang, Title: p.text(lang, title), Bare: r.URL.Path + "?", Data: v})
}

func (p *Portal) holds(r *http.Request, token string) bool {
	c, err := r.Cookie(passCookie)
	return err == nil && hmac.Equal([]byte(c.Value), []byte(p.Links.mac("page", token)))
}

// passForm shows the form as it is now; sent is what the page held last, with its faults, and nil at first.
func (p *Portal) passForm(w http.ResponseWriter, r *http.Request, lang, token string, got gateway.Pass, sent *sentPage) {
	d, s, ok := p.passDraft(w, r, lang, got)
	if !ok {
		return
	}
	v := formView{Service: s, Token: p.Links.formToken(s.Code, strings.ToLower(p.NewID()), p.Now()), Pass: token, Kept: len(d.Files),
		Was: wasText(d.Form.Answers)}
	answers, faults := d.Form.Answers, map[string]string(nil)
	status := http.StatusOK
	if sent != nil {
		answers, v.More, v.Was = sent.over(d.Form.Answers), sent.more, wasText(sent.right().over(d.Form.Answers))
		faults, v.Faults = p.faultTexts(s, lang, sent.faults)
		if len(faults) > 0 {
			status = http.StatusUnprocessableEntity
		}
	}
	v.Fields = p.fields(s, lang, answers, faults)
	p.show(w, r, status, "form", view{Lang: lang, Title: s.Name.In(lang), Bare: "/p/" + token + "?", Keeps: true, Data: v})
}

// passDraft reads the form that a link opened, as it is now; ok is false when the answer was given.
func (p *Portal) passDraft(w http.ResponseWriter, r *http.Request, lang string, got gateway.Pass) (gateway.Draft, *service.Service, bool) {
	d, err := p.Passes.Drafted(r.Context(), got)
	s, known := p.Services.ByCode(d.Form.Service)
	switch {
	case errors.Is(err, gateway.ErrNotFound), err == nil && (!known || !s.Offered("web")):
		p.showPass(w, r, http.StatusNotFound, lang, passView{Say: "pass.gone"})
		return d, nil, false
	case err != nil:
		p.Log.ErrorContext(r.Context(), "read form of a pass", "err", err)
		p.trouble(w, r, lang, http.StatusServiceUnavailable, "later")
		return d, nil, false
	}
	return d, s, true
}

// sentPage is what a page sent: the answers that were changed on it, and what it held.
type sentPage struct {
	changed map[string][]string
	files   []channels.File
	id      string
	turn    string // counts what one page keeps, so that an answer which is changed back is kept too
	more    bool
	faults  []service.Fault
}

// right leaves out what a check refused, and the files.
func (s *sentPage) right() *sentPage {
	r := *s
	r.files, r.changed = nil, maps.Clone(s.changed)
	for _, f := range s.faults {
		delete(r.changed, f.Field)
	}
	return &r
}

// over lays the changed answers over those that are kept now: what was answered elsewhere meanwhile stays.
func (s *sentPage) over(kept map[string][]string) map[string][]string {
	all := maps.Clone(kept)
	if all == nil {
		all = map[string][]string{}
	}
	for name, values := range s.changed {
		all[name] = values
		if len(values) == 0 {
			delete(all, name)
		}
	}
	return all
}

// usePass does what a page asks: opens the link, keeps answers, goes back to where the form was begun, or sends it.
func (p *Portal) usePass(w http.ResponseWriter, r *http.Request) {
	token := r.PathValue("token")
	got, lang, ok := p.readPass(w, r, token)
	if ok && got.Kind == gateway.ToPhoto {
		p.takePhotos(w, r, lang, token, got)
		return
	}
	if ok && got.Kind == gateway.ToCorrect { // it has a page of its own
		p.showPass(w, r, http.StatusNotFound, lang, passView{Say: "pass.ended"})
		return
	}
	if !ok {
		return
	}
	f, err := upload.Read(w, r)
	if err != nil {
		f.Close()
		p.Log.WarnContext(r.Context(), "page of a form not read", "err", err)
		p.trouble(w, r, lang, http.StatusBadRequest, "busy")
		return
	}
	defer f.Close()
	switch act := f.Values.Get("act"); {
	case act == "open" && got.Kind == gateway.ToProve:
		p.prove(w, r, lang, token)
	case act == "open" && got.Kind == gateway.ToConfirm:
		p.confirm(w, r, lang, token, got)
	case act == "open" && got.Kind == gateway.ToDeclare:
		p.signin(w, r, lang, token)
	case act == "open":
		p.openPass(w, r, lang, token)
	case !got.Used || got.Kind != gateway.ToFill || !p.holds(r, token):
		p.showPass(w, r, http.StatusNotFound, lang, passView{Say: "pass.ended"})
	default:
		p.keepPage(w, r, lang, token, got, act, f)
	}
}

// openPass opens a link once. The page that follows stays open to this browser for gateway.PageLife.
func (p *Portal) openPass(w http.ResponseWriter, r *http.Request, lang, token string) {
	now := p.Now()
	_, err := p.Passes.UsePass(r.Context(), token, now, now.Add(gateway.PageLife))
	switch {
	case errors.Is(err, gateway.ErrNotFound):
		if !p.holds(r, token) {
			p.showPass(w, r, http.StatusNotFound, lang, passView{Say: "pass.ended"})
			return
		}
	case err != nil:
		p.Log.ErrorContext(r.Context(), "use pass", "err", err)
		p.trouble(w, r, lang, http.StatusServiceUnavailable, "later")
		return
	}
	http.SetCookie(w, &http.Cookie{Name: passCookie, Value: p.Links.mac("page", token), Path: "/p/" + token, MaxAge: int(gateway.PageLife.Seconds()),
		HttpOnly: true, Secure: strings.HasPrefix(p.Links.PublicURL, "https:"), SameSite: http.SameSiteLaxMode})
	http.Redirect(w, r, "/p/"+token+"?lang="+lang, http.StatusSeeOther)
}

// prove opens a link that proves the address it was mailed to, for the chat that asked. Where the proof can't be stored
// the code in the same mail still serves.
func (p *Portal) prove(w http.ResponseWriter, r *http.Request, lang, token string) {
	now := p.Now()
	got, err := p.Passes.UsePass(r.Context(), token, now, now.Add(time.Minute))
	if errors.Is(err, gateway.ErrNotFound) {
		p.showPass(w, r, http.StatusNotFound, lang, passView{Say: "pass.ended"})
		return
	}
	if err == nil {
		err = p.Inbox.Accept(r.Context(), channels.Message{ID: "web:proof:" + got.Subject, From: got.Address, To: gateway.ProofTo(got.Subject), At: now,
			Trust: channels.CarrierVerified})
	}
	if err != nil {
		p.refused(w, r, lang, err)
		return
	}
	p.showPass(w, r, http.StatusOK, lang, passView{Say: "pass.proved", Kind: gateway.ToProve})
}

// keepPage hands what was changed to whom the form belongs. What a check refuses is shown again and not handed on.
func (p *Portal) keepPage(w http.ResponseWriter, r *http.Request, lang, token string, got gateway.Pass, act string, f *upload.Form) {
	d, s, ok := p.passDraft(w, r, lang, got)
	if !ok {
		return
	}
	sent := &sentPage{changed: p.changed(s, f), files: f.Files, turn: clip(f.Values.Get("turn"), 8), more: f.Values.Get("more") != ""}
	if sent.id, ok = p.Links.formID(s.Code, f.Values.Get("token")); !ok { // it was shown too long ago
		sent.id = strings.ToLower(p.NewID())
	}
	sent.faults = p.pageFaults(s, sent.over(d.Form.Answers), act, sent)
	if whole := len(sent.faults) == 0; whole && (act == gateway.PageSend || act == gateway.PageBack) {
		p.handOn(w, r, lang, token, got, act, s, sent)
		return
	}
	if right := sent.right(); len(right.changed) > 0 {
		if _, err := p.accept(r, lang, got, gateway.PageSave, s, right); err != nil {
			p.refused(w, r, lang, err)
			return
		}
	}
	if act == gateway.PageSave {
		writeJSON(w, http.StatusOK, map[string]string{"was": wasText(sent.right().over(d.Form.Answers))})
		return
	}
	p.passForm(w, r, lang, token, got, sent)
}

// pageFaults names what is wrong with what was changed, and before sending with all.
func (p *Portal) pageFaults(s *service.Service, all map[string][]string, act string, sent *sentPage) []service.Fault {
	if field, ok := s.FileField(); ok && act == gateway.PageSend {
		for range sent.files {
			all[field.Name] = append(slices.Clone(all[field.Name]), "enclosed")
		}
	}
	faults := append(s.CheckGiven(all, p.Now()), unknownPlaces(s, all)...)
	if act == gateway.PageSend {
		return append(faults, p.open(s, all, faults)...)
	}
	return slices.DeleteFunc(faults, func(f service.Fault) bool {
		_, changed := sent.changed[f.Field]
		return !changed
	})
}

// changed gives the answers that differ from those which the page was shown with; an emptied one has no values.
func (p *Portal) changed(s *service.Service, f *upload.Form) map[string][]string {
	was := map[string][]string{}
	if b, err := base64.StdEncoding.DecodeString(f.Values.Get("was")); err == nil {
		_ = json.Unmarshal(b, &was) // what can't be read was nothing: then every answer counts as new
	}
	typed := p.typed(s, f.Values)
	out := map[string][]string{}
	for _, field := range s.Fields() {
		if field.Kind == service.File || field.Kind == service.Computed || !field.On("web") {
			continue
		}
		now, before := typed[field.Name], was[field.Name]
		if field.Kind == service.Rows && len(before) > mostRows { // the page shows no more
			now = append(slices.Clone(now), before[mostRows:]...)
		}
		if !slices.Equal(now, before) {
			out[field.Name] = now
		}
	}
	return out
}

// wasText is what a page was shown with, for changed.
func wasText(answers map[string][]string) string {
	b, err := json.Marshal(answers)
	if err != nil { // never: strings alone
		return ""
	}
	return base64.StdEncoding.EncodeToString(b)
}

// handOn hands a right page on and leads to what follows.
func (p *Portal) handOn(w http.ResponseWriter, r *http.Request, lang, token string, got gateway.Pass, act string, s *service.Service, sent *sentPage) {
	version, err := p.accept(r, lang, got, act, s, sent)
	if err != nil {
		p.refused(w, r, lang, err)
		return
	}
	if act == gateway.PageBack {
		p.showPass(w, r, http.StatusOK, lang, passView{Say: "pass.saved"})
		return
	}
	http.Redirect(w, r, "/p/"+token+"/sent?"+url.Values{"i": {sent.id}, "n": {version}, "lang": {lang}}.Encode(), http.StatusSeeOther)
}

// accept gives the inbox what was changed on a page, as a message from where the link was asked for. The same page sent
// twice is one message.
func (p *Portal) accept(r *http.Request, lang string, got gateway.Pass, act string, s *service.Service, sent *sentPage) (version string, err error) {
	m := p.message(s, lang, sent.changed, sent.files)
	for name, values := range sent.changed {
		if len(values) == 0 {
			m.Text += name + ":\n"
		}
	}
	if version, err = fingerprint(r.Context(), m); err != nil {
		return "", err
	}
	m.ID, m.From, m.Lang = "web:page:"+sent.id+"."+sent.turn+"."+act+"."+version, got.Address, ""
	m.To = gateway.PageTo(got.Subject, act, session(sent.id, version).Value)
	return version, p.Inbox.Accept(r.Context(), m)
}

// passSent shows the reply to a form that was sent from the page of a link.
func (p *Portal) passSent(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	lang := firstKnown(p, q.Get("lang"), p.language(r))
	w.Header().Set("Referrer-Policy", "no-referrer")
	if !p.holds(r, r.PathValue("token")) || len(q.Get("n")) != versionChars {
		p.showPass(w, r, http.StatusNotFound, lang, passView{Say: "pass.ended"})
		return
	}
	p.showReply(w, r, lang, session(q.Get("i"), q.Get("n")))
}
