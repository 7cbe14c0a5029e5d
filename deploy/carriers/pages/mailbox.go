package pages

import (
	"net/http"
	netmail "net/mail"
	"slices"
	"strconv"
	"strings"

	"gatehouse/deploy/carriers/relay"
	"gatehouse/deploy/carriers/shelf"
)

// mailboxData is one mailbox.
type mailboxData struct {
	Address string
	Bare    bool
	Mails   []shelf.Item[relay.Mail] // newest first
}

func (p *Pages) mailboxData(r *http.Request) (mailboxData, bool) {
	a := strings.ToLower(r.PathValue("address"))
	if parsed, err := netmail.ParseAddress(a); err != nil || parsed.Address != a {
		return mailboxData{}, false
	}
	mails := p.house.Mail.Mails().Of(a, 0)
	slices.Reverse(mails)
	return mailboxData{a, r.URL.Query().Has("bare"), mails}, true
}

func (p *Pages) mailbox(w http.ResponseWriter, r *http.Request) {
	d, ok := p.mailboxData(r)
	if !ok {
		http.Error(w, "A mailbox is named by a mail address.", http.StatusNotFound)
		return
	}
	self := "/mailbox/" + d.Address
	p.show(w, r, http.StatusOK, "mailbox", view{Title: "Mailbox " + d.Address, Self: self, Poll: self + "/thread", Data: d})
}

func (p *Pages) mailboxThread(w http.ResponseWriter, r *http.Request) {
	d, ok := p.mailboxData(r)
	if !ok {
		http.NotFound(w, r)
		return
	}
	p.thread(w, r, "mailbox", p.house.Mail.Mails().Version(d.Address), func() any { return d })
}

// named is the mail that a path names.
func (p *Pages) named(r *http.Request) (shelf.Item[relay.Mail], bool) {
	seq, err := strconv.ParseUint(r.PathValue("seq"), 10, 64)
	it, ok := p.house.Mail.Mails().Get(seq)
	return it, err == nil && ok && it.Key == strings.ToLower(r.PathValue("address"))
}

// mailData is one mail on a page.
type mailData struct {
	Address string
	Bare    bool
	Seq     uint64
	Mail    relay.Mail
}

func (p *Pages) mail(w http.ResponseWriter, r *http.Request) {
	it, ok := p.named(r)
	if !ok {
		http.NotFound(w, r)
		return
	}
	title := it.Value.Subject
	if title == "" {
		title = "Mail without a subject"
	}
	p.show(w, r, http.StatusOK, "mail", view{Title: title, Self: "/mailbox/" + it.Key,
		Data: mailData{it.Key, r.URL.Query().Has("bare"), it.Seq, it.Value}})
}

// mailHTML shows the HTML of a mail in a frame that can do nothing and load nothing.
func (p *Pages) mailHTML(w http.ResponseWriter, r *http.Request) {
	it, ok := p.named(r)
	if !ok || it.Value.HTML == "" {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; sandbox")
	_, _ = w.Write([]byte(it.Value.HTML)) // a browser that left is not our fault
}

func (p *Pages) mailRaw(w http.ResponseWriter, r *http.Request) {
	it, ok := p.named(r)
	if !ok {
		http.NotFound(w, r)
		return
	}
	serve(w, relay.File{Name: "mail.eml", Type: "message/rfc822", Data: it.Value.Raw})
}

func (p *Pages) mailFile(w http.ResponseWriter, r *http.Request) {
	it, ok := p.named(r)
	n, err := strconv.Atoi(r.PathValue("n"))
	if !ok || err != nil || n < 0 || n >= len(it.Value.Files) {
		http.NotFound(w, r)
		return
	}
	serve(w, it.Value.Files[n])
}

// writeData is a mail being written.
type writeData struct {
	Address, To, Subject, Text string
	Bare                       bool
	Reply                      uint64 // the mail that is answered; 0 for none
	Service                    string
}

func (p *Pages) write(w http.ResponseWriter, r *http.Request) {
	box, ok := p.mailboxData(r)
	if !ok {
		http.NotFound(w, r)
		return
	}
	d := writeData{Address: box.Address, Bare: box.Bare, To: r.URL.Query().Get("to"), Service: p.service()}
	if d.To == "" {
		d.To = d.Service
	}
	if seq, err := strconv.ParseUint(r.URL.Query().Get("reply"), 10, 64); err == nil {
		if it, ok := p.house.Mail.Mails().Get(seq); ok && it.Key == d.Address {
			d.answer(it)
		}
	}
	p.showWrite(w, r, http.StatusOK, d, "")
}

func (p *Pages) service() string {
	if all := p.house.Mail.Domains(); len(all) > 0 {
		return "help@" + all[0]
	}
	return ""
}

// answer fills in what a mail program fills in for a reply.
func (d *writeData) answer(it shelf.Item[relay.Mail]) {
	m := it.Value
	d.Reply, d.To, d.Subject = it.Seq, m.From, m.Subject
	switch {
	case m.Sent:
		d.To = m.To
	case m.ReplyTo != "":
		d.To = m.ReplyTo
	}
	if !strings.HasPrefix(strings.ToLower(d.Subject), "re:") {
		d.Subject = "Re: " + d.Subject
	}
	d.Text = "\n\n> " + strings.ReplaceAll(strings.TrimSpace(m.Text), "\n", "\n> ")
}

func (p *Pages) showWrite(w http.ResponseWriter, r *http.Request, status int, d writeData, fault string) {
	p.show(w, r, status, "write", view{Title: "Write a mail", Self: "/mailbox/" + d.Address, Fault: fault, Data: d})
}

func (p *Pages) send(w http.ResponseWriter, r *http.Request) {
	box, ok := p.mailboxData(r)
	if !ok {
		http.NotFound(w, r)
		return
	}
	err := form(w, r, relay.MaxMessage/4*3)
	d := writeData{Address: box.Address, Bare: box.Bare, To: r.PostFormValue("to"), Subject: r.PostFormValue("subject"),
		Text: r.PostFormValue("text"), Service: p.service()}
	d.Reply, _ = strconv.ParseUint(r.PostFormValue("reply"), 10, 64) // absent: no reply
	if err == nil {
		err = p.sendMail(r, d)
	}
	if err != nil {
		p.showWrite(w, r, http.StatusBadRequest, d, err.Error())
		return
	}
	target := "/mailbox/" + d.Address
	if d.Bare {
		target += "?bare"
	}
	http.Redirect(w, r, target, http.StatusSeeOther)
}

func (p *Pages) sendMail(r *http.Request, d writeData) error {
	files, err := uploads(r, "file", 20)
	if err != nil {
		return err
	}
	m := relay.Draft{From: (&netmail.Address{Name: p.mailName(d.Address), Address: d.Address}).String(), Subject: d.Subject, Text: d.Text, Files: files}
	list, err := netmail.ParseAddressList(d.To)
	if err != nil {
		return sentence("To must hold one or more mail addresses, with commas between them.")
	}
	for _, a := range list {
		m.To = append(m.To, a.String())
	}
	if it, ok := p.house.Mail.Mails().Get(d.Reply); ok && it.Key == d.Address {
		m.InReplyTo, m.References = it.Value.MessageID, it.Value.References
	}
	_, err = p.house.Mail.Send(m)
	return err
}

func (p *Pages) mailName(address string) string {
	if n := p.name(address); n != address {
		return n
	}
	return ""
}
