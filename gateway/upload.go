package gateway

import (
	"strings"
	"time"

	"gatehouse/channels"
	"gatehouse/configs/texts"
	"gatehouse/exchange"
	"gatehouse/exchange/service"
)

// uploadPrefix marks the recipient of what was sent from the page of a declaration: upload+<service>+<session>.
const uploadPrefix = "upload+"

// UploadTo is the recipient of what is sent from the page of a declaration; session is the web address at which that page
// waits for the answer. Such a message says what a mail would: the file, the form's own fields as lines of its text, and
// in its subject "ref=…; action=…". It comes from the mail address that the visitor named, with channels.Proven where a
// link that was mailed there was opened, and channels.Unverified else; or, where a service asks for no company, from the
// session itself.
func UploadTo(s *service.Service, session string) channels.Address {
	return channels.Address{Channel: byWeb, Value: uploadPrefix + strings.ToLower(s.Code) + "+" + session}
}

// uploaded tells whether a message was sent from the page of a declaration.
func uploaded(m channels.Message) (alias, session string, ok bool) {
	rest, ok := strings.CutPrefix(m.To.Value, uploadPrefix)
	alias, session, _ = strings.Cut(rest, "+")
	return alias, session, ok && m.To.Channel == byWeb
}

// FormTo is the recipient of a form that was filled in on a page; session is where that page waits for the answer, and is
// empty where it does so at the address which the form comes from.
func FormTo(s *service.Service, session string) channels.Address {
	to := channels.Address{Channel: byWeb, Value: formPrefix + strings.ToLower(s.Code)}
	if session != "" {
		to.Value += "+" + session
	}
	return to
}

// pageOf is the web address at which a page waits for the answer to a message; empty: none does.
func pageOf(m channels.Message) string {
	if _, session, ok := uploaded(m); ok {
		return session
	}
	if rest, ok := strings.CutPrefix(m.To.Value, formPrefix); ok && m.To.Channel == byWeb {
		_, session, _ := strings.Cut(rest, "+")
		if session == "" && m.From.Channel == byWeb {
			session = m.From.Value
		}
		return session
	}
	return ""
}

// fromUpload takes what was sent from a page as it would a mail to the address of the form.
func (k *talk) fromUpload(alias, session string) {
	came := k.t.Message.To
	k.keepQuestion()
	k.said = clipBytes(exchange.Normalize(k.t.Message.Text), maxSaid)
	s, ok := k.d.services.ByAlias(alias)
	if !ok || !s.Offered(byWeb) {
		k.silent = true
		k.tellPage(session, k.text("form.none", nil))
		return
	}
	k.waitedFor(s, session)
	ref := k.tag("ref")
	switch {
	case k.aboutRows():
	case ref != "" && k.t.parked == nil && k.t.Message.Trust != channels.Proven:
		k.say("mail.upload.prove", texts.Args{"reference": strings.ToUpper(ref)})
	case ref != "":
		k.say("mail.upload.ref.none", texts.Args{"reference": strings.ToUpper(ref), "address": mask(k.t.Message.From)})
	default:
		k.declareTo(alias, false)
	}
	k.answerPage()
	if k.o.Park != nil {
		k.o.Park.Message.To = came
	}
}

// waitedFor makes the answer one to a page, in its language, and to the mail address that it names.
func (k *talk) waitedFor(s *service.Service, session string) {
	if lang := baseTag(k.t.Message.Lang); k.d.texts.Has(lang) {
		k.lang, k.known = lang, true
	}
	k.session, k.onPage = session, map[int]string{}
	k.t.Message.To = channels.Address{Channel: k.t.Message.From.Channel}
	if k.t.Message.From.Channel == byMail {
		k.from, k.subject = k.declareAddress(s), s.Name.In(k.lang)
	}
}

// instead tells the page something else than the mail in place of the last part; empty: nothing.
func (k *talk) instead(said string) {
	if k.session != "" && len(k.parts) > 0 {
		k.onPage[len(k.parts)-1] = said
	}
}

// answerPage gives the answer to the page that waits for it. An address that nobody proved gets no mail.
func (k *talk) answerPage() {
	var said []string
	for i, part := range k.parts {
		if other, ok := k.onPage[i]; ok {
			part = other
		}
		if part != "" {
			said = append(said, part)
		}
	}
	if all := strings.Join(said, ""); k.reference != "" && k.subject != "" && !strings.Contains(all, k.reference) {
		said = append([]string{k.subject}, said...) // it names the case and the day, and a page has no other place for them
	}
	if k.t.Message.From.Channel == byWeb {
		k.parts = said
		return
	}
	k.silent = k.t.parked == nil && k.t.Message.Trust != channels.Proven
	if !k.silent {
		said = append(said, k.text("mail.upload.mailed", texts.Args{"address": mask(k.t.Message.From)}))
	}
	k.tellPage(k.session, strings.Join(said, "\n\n"))
}

// declarePage is the page on which a service's file is uploaded.
func (k *talk) declarePage(s *service.Service) string {
	return k.link("/declare/" + strings.ToLower(s.Code))
}

// signinPrefix marks the recipient of a request for the link that proves a clerk's address: signin+<service>.
const signinPrefix = "signin+"

// SigninTo is the recipient of what a page says to have a link mailed to an address that is registered for a company.
func SigninTo(s *service.Service) channels.Address {
	return channels.Address{Channel: byWeb, Value: signinPrefix + strings.ToLower(s.Code)}
}

// signsIn gives the service on whose page a link was asked for.
func (d *Dispatcher) signsIn(m channels.Message) (*service.Service, bool) {
	code, ok := strings.CutPrefix(m.To.Value, signinPrefix)
	if !ok || m.To.Channel != byWeb || m.From.Channel != byMail {
		return nil, false
	}
	return d.services.ByAlias(code)
}

// signinLife is how long the link can be opened that proves a clerk's address.
const signinLife = codeLife * 3

// signin mails the link to an address that is registered for a company, within the budget of one-time codes. Any other
// hears nothing, and the page is told the same whichever it is.
func (d *Dispatcher) signin(t Turn, s *service.Service) Outcome {
	said := t.Message
	k := d.rouse(t, said.From)
	r := t.Record
	if len(t.Register) == 0 || t.NewToken == nil || !k.welcomes() || r == nil || r.Codes.Spent(byMail) {
		return rest(t, time.Time{})
	}
	if lang := baseTag(said.Lang); d.texts.Has(lang) {
		k.lang = lang
	}
	k.o.Codes = append(k.o.Codes, CodeSent{To: said.From, By: said.From, At: t.Now})
	p := Pass{Token: t.NewToken(), Kind: ToDeclare, Contact: k.contact.ID, Address: said.From, Subject: s.Code, Lang: k.lang, Until: t.Now.Add(signinLife)}
	k.o.Passes = append(k.o.Passes, p)
	k.queue = channels.Reply
	k.subject = k.text("mail.upload.signin.subject", nil)
	k.say("mail.upload.signin", texts.Args{"city": k.city(), "service": s.Name.In(k.lang), "url": k.d.public + "/p/" + p.Token, "minutes": int(signinLife.Minutes())})
	return k.unasked()
}
