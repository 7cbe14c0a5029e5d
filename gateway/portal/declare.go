package portal

import (
	"errors"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"

	"gatehouse/channels"
	"gatehouse/exchange"
	"gatehouse/exchange/service"
	"gatehouse/gateway"
	"gatehouse/gateway/portal/upload"
	"gatehouse/gateway/table"
)

// What the page of a declaration does.
const (
	actFile     = "file"
	actCheck    = "check"
	actNil      = "nil"
	actWithdraw = "withdraw"
	actLink     = "link"
	actLeave    = "leave"
)

// declareView is what the page of a declaration shows.
type declareView struct {
	Service *service.Service
	Token   string
	Proven  string // the address that this browser has proven; empty: none
	Address string // the one that was typed
	Company bool   // only who is registered for the company may file
	Fields  []fieldView
	Ref     string // the reference that was typed
	Faults  []faultView
	Wrong   map[string]string // by field, what is wrong
	Checked *checkView        // nil: nothing was checked
	Asked   bool              // a link was asked for
}

// Megabytes, Rows and Kinds bound a file; they are those of a mail.
func (declareView) Megabytes() int64 { return table.Defaults().Bytes >> 20 }
func (declareView) Rows() int        { return table.Defaults().Rows }
func (declareView) Kinds() string {
	return ".xlsx,.ods,.csv,.tsv,.xml,.json,.zip,text/csv,application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
}

// Code is the service's in an address.
func (v declareView) Code() string { return strings.ToLower(v.Service.Code) }

// Nil tells whether a period without anything to declare is declared too.
func (v declareView) Nil() bool { return v.Service.Declare.Nil }

// Amends tells whether rows of what was filed can be replaced here.
func (v declareView) Amends() bool { return v.Service.RowsField() != nil }

func (v *declareView) fault(field, text string) {
	if v.Wrong == nil {
		v.Wrong = map[string]string{}
	}
	v.Wrong[field] = text
	v.Faults = append(v.Faults, faultView{field, text})
}

// declares tells whether a service's form can be sent here as a file.
func declares(s *service.Service) bool {
	return s.Kind == service.Declaration && s.Offered("web") && s.Offered("email") && len(s.Fields()) > 0
}

func (p *Portal) declaration(w http.ResponseWriter, r *http.Request, lang string) (declareView, bool) {
	s, ok := p.Services.ByCode(strings.ToUpper(r.PathValue("code")))
	if !ok || !declares(s) {
		p.missing(w, r, lang)
		return declareView{}, false
	}
	v := declareView{Service: s, Company: forCompany(s), Fields: p.ownFields(s, lang, nil)}
	if a := p.declarant(r); v.Company {
		v.Proven = a.Value
	}
	return v, true
}

// ownFields are the fields beside the rows: they may stand in the file, or here.
func (p *Portal) ownFields(s *service.Service, lang string, typed map[string][]string) []fieldView {
	var all []fieldView
	if s.RowsField() == nil { // then the file is the form
		return nil
	}
	for _, f := range p.fields(s, lang, typed, nil) {
		if f.Kind != service.Rows && f.Kind != service.File {
			all = append(all, f)
		}
	}
	return all
}

func (p *Portal) declarePage(w http.ResponseWriter, r *http.Request, lang string) {
	if v, ok := p.declaration(w, r, lang); ok {
		p.showDeclare(w, r, http.StatusOK, lang, v)
	}
}

func (p *Portal) showDeclare(w http.ResponseWriter, r *http.Request, status int, lang string, v declareView) {
	if v.Token == "" {
		v.Token = p.Links.formToken(v.Service.Code, strings.ToLower(p.NewID()), p.Now())
	}
	p.show(w, r, status, "declare", view{Lang: lang, Title: v.Service.Name.In(lang), Path: "/declare/" + v.Code(), Uploads: true, Data: v})
}

// uploadRate holds each host to some files a minute: one may be ten megabytes and is read whole. An office of clerks
// behind one address has thirty at once.
var uploadRate = channels.Rate{Burst: 30, Per: 0.5}

// hurries tells whether a host has sent too many files lately; then it was answered.
func (p *Portal) hurries(w http.ResponseWriter, r *http.Request, lang string) bool {
	wait, err := p.Limiter.Take(r.Context(), "portal:upload:"+host(r), uploadRate, 1)
	if err != nil || wait <= 0 {
		return false
	}
	w.Header().Set("Retry-After", fmt.Sprint(int(wait.Seconds())+1))
	p.trouble(w, r, lang, http.StatusTooManyRequests, "rate")
	return true
}

// declare does what the page of a declaration asks: checks a file, files it, a period without anything, or a withdrawal, or
// has a link mailed.
func (p *Portal) declare(w http.ResponseWriter, r *http.Request, lang string) {
	v, ok := p.declaration(w, r, lang)
	if !ok || p.hurries(w, r, lang) {
		return
	}
	sent, err := upload.Read(w, r)
	defer func() { sent.Close() }() // there is a form with every error too
	if err != nil {
		p.unread(w, r, lang, v, err)
		return
	}
	act, token := sent.Values.Get("act"), sent.Values.Get("token")
	id, ok := p.Links.formID(v.Service.Code, token)
	if !ok {
		v.fault("", p.text(lang, "declare.expired"))
		p.showDeclare(w, r, http.StatusUnprocessableEntity, lang, v)
		return
	}
	v.Token = token
	typed := p.typed(v.Service, sent.Values)
	v.Fields = p.ownFields(v.Service, lang, typed)
	v.Ref = clip(exchange.NormalizeLine(strings.ToValidUTF8(sent.Values.Get("ref"), "")), 40)
	switch act {
	case actLeave:
		p.setDeclarant(w, channels.Address{})
		http.Redirect(w, r, "/"+lang+"/declare/"+v.Code(), http.StatusSeeOther)
	case actLink:
		p.askLink(w, r, lang, v, id, sent.Values)
	case actCheck:
		p.checkFile(w, r, lang, v, sent, typed)
	default:
		p.fileDeclaration(w, r, lang, v, id, act, sent, typed)
	}
}

func (p *Portal) unread(w http.ResponseWriter, r *http.Request, lang string, v declareView, err error) {
	var big *http.MaxBytesError
	if errors.As(err, &big) || errors.Is(err, multipart.ErrMessageTooLarge) {
		v.fault("file", p.text(lang, "declare.large", "megabytes", v.Megabytes()))
		p.showDeclare(w, r, http.StatusRequestEntityTooLarge, lang, v)
		return
	}
	p.Log.WarnContext(r.Context(), "upload not read", "err", err)
	v.fault("file", p.text(lang, "declare.torn"))
	p.showDeclare(w, r, http.StatusBadRequest, lang, v)
}

// chosen gives the one file that was sent; a fault says that there is none, or more.
func (p *Portal) chosen(v *declareView, lang string, sent *upload.Form) (channels.File, bool) {
	if len(sent.Files) == 1 {
		return sent.Files[0], true
	}
	key := "declare.none"
	if len(sent.Files) > 1 {
		key = "declare.many"
	}
	v.fault("file", p.text(lang, key))
	return channels.File{}, false
}

// fileDeclaration hands on what was sent, as a mail would say it. The same page sent twice is one message.
func (p *Portal) fileDeclaration(w http.ResponseWriter, r *http.Request, lang string, v declareView, id, act string, sent *upload.Form, typed map[string][]string) {
	m := p.message(v.Service, lang, typed, nil)
	ref, known := exchange.ParseReference(v.Ref)
	if v.Ref != "" && !known || act == actWithdraw && v.Ref == "" {
		v.fault("ref", p.text(lang, "declare.ref.fault"))
	}
	switch act {
	case actNil:
		m.Text = "NIL\n" + m.Text
	case actWithdraw:
		m.Text = ""
	default:
		if file, ok := p.chosen(&v, lang, sent); ok {
			m.Files = []channels.File{file}
		}
	}
	if known && act != actNil {
		m.Subject = "ref=" + ref
		if act == actWithdraw {
			m.Subject += "; action=withdraw"
		}
	}
	if v.Company {
		v.Address = sent.Values.Get(clerkField)
		var ok bool
		if m.From, m.Trust, ok = p.sender(r, sent.Values); !ok {
			v.fault(clerkField, p.text(lang, "declare.clerk.fault"))
		}
	}
	if len(v.Faults) > 0 {
		p.showDeclare(w, r, http.StatusUnprocessableEntity, lang, v)
		return
	}
	version, err := fingerprint(r.Context(), m)
	m.ID = "web:upload:" + id + "." + act + "." + version
	if v.Company {
		m.To = gateway.UploadTo(v.Service, session(id, version).Value)
	} else {
		m.From = session(id, version)
		m.To = gateway.UploadTo(v.Service, "")
	}
	if err == nil {
		err = p.Inbox.Accept(r.Context(), m)
	}
	if err != nil {
		p.refused(w, r, lang, err)
		return
	}
	http.Redirect(w, r, fmt.Sprintf("/%s/declare/%s/sent/%s?%s", lang, v.Code(), v.Token, url.Values{"n": {version}}.Encode()), http.StatusSeeOther)
}
