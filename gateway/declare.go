package gateway

import (
	"slices"
	"strings"
	"time"

	"gatehouse/channels"
	"gatehouse/configs/texts"
	"gatehouse/exchange"
	"gatehouse/exchange/receipt"
	"gatehouse/exchange/service"
	"gatehouse/gateway/forms"
	"gatehouse/gateway/table"
)

// Sheet is the table that a mail brought along, as the filing room read it.
type Sheet struct {
	Table table.Table
	// File is the place of the table's file among those of the message, from 1; 0: there is none, or the table stands in
	// the text.
	File int
	// Trouble is why a file that claims to be a table can't be read as one; nil: it can.
	Trouble *table.Trouble
}

// there tells whether a table was read.
func (s Sheet) there() bool { return len(s.Table.Header) > 0 }

// rows gives the table as lines of words, the header first.
func (s Sheet) rows() forms.Sheet {
	all := forms.Sheet{s.Table.Header}
	for _, r := range s.Table.Rows {
		line := make([]string, len(s.Table.Header))
		for i := range line {
			line[i] = r.Cell(i).Text
		}
		all = append(all, line)
	}
	return all
}

// StepSheet is Step for a mail whose attached table was read.
func (d *Dispatcher) StepSheet(t Turn, s Sheet) (Outcome, error) {
	k := d.listen(t)
	if t.Message.Robot {
		k.robot()
		return k.finish(), nil
	}
	k.sheet = s
	if alias, session, ok := uploaded(t.Message); ok {
		k.fromUpload(alias, session)
	} else {
		k.mail()
	}
	return k.finish(), nil
}

// Declares gives the service that a message declares for: a mail by its recipient, declare+<service>@ or
// test+declare+<service>@, an upload by the page it was made on. Its table should be read for StepSheet.
func Declares(m channels.Message) (alias string, ok bool) {
	if alias, _, ok := uploaded(m); ok {
		return alias, true
	}
	if m.From.Channel != byMail || m.To.Channel == byWeb {
		return "", false
	}
	local, _, _ := strings.Cut(strings.ToLower(m.To.Value), "@")
	alias, ok = strings.CutPrefix(strings.TrimPrefix(local, toTest), toDeclare)
	alias, _, _ = strings.Cut(alias, "+")
	return alias, ok
}

// KnowsColumn tells whether a word heads a column of a service's table, or one of any service; it is how the row of names
// is found in a file.
func (d *Dispatcher) KnowsColumn(alias string) func(header string) bool {
	all := d.services.All()
	if s, ok := d.services.ByAlias(alias); ok {
		all = []*service.Service{s}
	}
	return func(header string) bool {
		return slices.ContainsFunc(all, func(s *service.Service) bool { return d.clerk.Heads(s, header) })
	}
}

func (k *talk) declareTo(alias string, dry bool) {
	alias, k.given = k.preset(alias)
	if s, ok := k.d.services.ByAlias(alias); ok && s.Kind != service.Ask {
		k.declare(s, dry)
		return
	}
	declared := func(s *service.Service) bool { return s.Kind == service.Declaration }
	k.say("mail.unknown", texts.Args{"list": k.mailServices(declared)})
}

// declare reads a form out of the attached table, else out of the mail's lines, and files it when all is right.
func (k *talk) declare(s *service.Service, dry bool) {
	k.ask(Pending{})
	switch {
	case k.session == "" && !s.Offered(byMail):
		k.say("form.elsewhere", texts.Args{"service": s.Name.In(k.lang), "url": k.link("/"), "phone": k.phone()})
		return
	case k.parked(s, k.declarants(s), dry):
		return
	case k.sheet.Trouble != nil:
		k.sayTrouble(k.sheet.Trouble)
		return
	case s.RowsField() != nil && k.sheet.there():
		k.declareRows(s, dry)
	case k.declaresNil(s):
		k.declareNil(s, dry)
	default:
		k.declareForm(s, dry)
		return
	}
	if dry {
		k.say("mail.dry", nil)
	}
}

// declareForm takes in a form with one value a field.
func (k *talk) declareForm(s *service.Service, dry bool) {
	entries, ok := k.entries(s)
	if !ok {
		return
	}
	k.keepOut()
	name := s.Name.In(k.lang)
	if len(entries) == 0 {
		k.tell(name)
		k.say("mail.template", texts.Args{"list": k.d.clerk.Template(s, k.lang)})
		return
	}
	if f, ok := s.FileField(); ok && !k.sheet.there() {
		for _, file := range usable(k.t.Message.Files) {
			entries = append(entries, forms.Entry{Name: f.Name, Value: file.SHA256})
		}
	}
	given, faults := k.d.clerk.FromEntries(s, entries, k.scene())
	switch {
	case len(faults) > 0:
		k.refuse(name, faults, nil)
	case dry:
		k.say("mail.dry.good", texts.Args{"service": name, "list": k.d.clerk.List(s, given, k.lang)})
	case s.Kind == service.Subscription:
		k.join(s, given)
	default:
		k.declared(s, given)
	}
	if dry {
		k.say("mail.dry", nil)
	}
}

// entries gives what the table or the text says; false: it can't be used, and the reply says why.
func (k *talk) entries(s *service.Service) ([]forms.Entry, bool) {
	lines := append(k.subjectTags(), k.d.clerk.Lines(s, k.said)...)
	if !k.sheet.there() {
		return lines, true
	}
	entries, ok := k.d.clerk.SheetEntries(k.sheet.rows())
	if !ok {
		k.say("mail.rows", texts.Args{"count": len(k.sheet.Table.Rows)})
	}
	return append(lines, entries...), ok
}

// subjectTags gives what the address says that a mail came to, and reads "company=12-345678-C; week=2026-W47" in a subject, as tools that file by themselves write it. Tags
// that name no field are left aside by who asks for them.
func (k *talk) subjectTags() []forms.Entry {
	all := slices.Clone(k.given)
	for _, part := range strings.Split(exchange.NormalizeLine(k.t.Message.Subject), ";") {
		name, value, ok := strings.Cut(part, "=")
		name = strings.ToLower(strings.TrimSpace(name))
		if ok && !slices.Contains([]string{"service", "ref", "action"}, name) && strings.TrimSpace(value) != "" {
			all = append(all, forms.Entry{Name: name, Value: strings.TrimSpace(value)})
		}
	}
	return all
}

// mostFaults is how many faults one mail names.
const mostFaults = 100

// refuse says why nothing was filed.
func (k *talk) refuse(name string, faults []forms.MailFault, bad []forms.BadRow) {
	var lines []string
	for _, f := range faults {
		lines = append(lines, k.d.clerk.Word(f, k.scene()))
	}
	lines = append(lines, k.rowLines(bad)...)
	k.subject = k.text("mail.subject.faults", texts.Args{"service": name})
	k.say("mail.faults", texts.Args{"service": name, "count": len(lines), "list": strings.Join(lines[:min(len(lines), mostFaults)], "\n")})
	k.instead(k.text("mail.upload.faults", texts.Args{"service": name, "count": len(lines), "list": strings.Join(lines[:min(len(lines), mostFaults)], "\n")}))
}

func (k *talk) declared(s *service.Service, given map[string][]string) Matter {
	name := s.Name.In(k.lang)
	m := k.file(s, filing{answers: given, files: k.t.Message.Files})
	k.subject = k.text("notice.subject", texts.Args{"reference": m.Reference, "title": name})
	k.say("mail.filed", texts.Args{
		"service": name, "reference": m.Reference, "at": k.filedAt(m.FiledAt),
		"list": k.d.clerk.List(s, given, k.lang), "sent": k.sent(s, given, m.Promise),
	})
	k.receipt(m, Tallied{Rows: receipt.Rows{In: m.Rows, Filed: m.Rows}, Files: k.sentFiles(),
		Period: firstOf(given[s.Declare.Period]...), Party: firstOf(given[s.Declare.Company]...)})
	k.trackLink(m.Reference)
	return m
}

// filedAt shows the filing time where the city is and in UTC: it is what a deadline counts by.
func (k *talk) filedAt(t time.Time) string {
	local := t.In(k.d.services.City.Location())
	return service.DayOf(local).In(k.lang) + " " + local.Format("15:04:05") + " (" + t.UTC().Format("15:04:05") + " UTC)"
}
