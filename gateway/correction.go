package gateway

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"gatehouse/channels"
	"gatehouse/configs/texts"
	"gatehouse/exchange"
	"gatehouse/exchange/service"
	"gatehouse/gateway/forms"
)

// Correction is a declaration of which rows are still to be put right. It is kept under its case's key, and ends with its
// last row or at Until.
type Correction struct {
	Matter string
	// Until is until when rows can be put right with the filing time kept.
	Until time.Time
	// Files are those of the first mail, as they were stored; File names the one that held the table.
	Files []channels.File
	File  string
	// Workbook is the digest of the one of Files that does not cross, because its rows do; empty: all cross.
	Workbook string
	// Copy is the copy of that file with the open rows alone, as it was sent last; without a digest: there is none.
	Copy channels.File
	// Whole: nothing crosses before all is right; the right rows wait in Answers.
	Whole bool
	// Answers hold the form's own fields.
	Answers map[string][]string
	// In is how many rows were sent; Filed and Kept are the numbers of those that were filed, Kept as they were stated.
	In    int
	Filed []int
	Kept  []int
	Open  []forms.BadRow
	// Salt keys the digests in Seen: for each column of which no value may come twice, those that were filed.
	Salt string
	Seen map[string][]string
	// Sums are those of the filed rows, by column of numbers.
	Sums map[string]string
	// Reminded: the day before the end was named once more.
	Reminded bool
	// Done ends it with the commit.
	Done bool
}

// WakeCorrect is due shortly before the rows of a declaration can't be put right any more, and then at that moment; the
// subject is the case's id.
const WakeCorrect WakeKind = "correct"

// remindCorrect is how long before the end its sender is reminded.
const remindCorrect = 48 * time.Hour

// correction is the open one of a case.
func (t Turn) correction(matter string) (Correction, bool) {
	i := slices.IndexFunc(t.Corrections, func(c Correction) bool { return c.Matter == matter })
	if i < 0 {
		return Correction{}, false
	}
	return t.Corrections[i], true
}

// standing is how its rows stand, for the inside.
func (c Correction) standing() []exchange.Rows {
	r := exchange.Rows{Filed: int64(len(c.Filed)), Open: int64(len(c.Open)), Until: c.Until.UTC()}
	if c.Done {
		r.Open, r.Until = 0, time.Time{}
	}
	return []exchange.Rows{r}
}

// seal gives the digest of a filed value: the value itself is no longer here once its rows have crossed.
func (c Correction) seal(column, value string) string {
	mac := hmac.New(sha256.New, []byte(c.Salt))
	mac.Write([]byte(column + "\x00" + value))
	return hex.EncodeToString(mac.Sum(nil)[:16])
}

// Taken tells whether a value of a unique column was filed before.
func (c Correction) Taken(column, value string) bool {
	return value != "" && slices.Contains(c.Seen[column], c.seal(column, value))
}

// took remembers rows that were filed, as far as later ones are held against them.
func (c *Correction) took(s *service.Service, rows []map[string]string) {
	if c.Seen == nil {
		c.Seen, c.Sums = map[string][]string{}, map[string]string{}
	}
	for _, column := range forms.UniqueColumns(s) {
		for _, cells := range rows {
			if v := cells[column]; v != "" {
				c.Seen[column] = append(c.Seen[column], c.seal(column, v))
			}
		}
	}
	forms.AddSums(s, c.Sums, rows)
}

// openNumbers are the numbers of the open rows.
func (c Correction) openNumbers() []int {
	var all []int
	for _, r := range c.Open {
		all = append(all, r.Number)
	}
	return all
}

// correctWake sets when a correction is next looked at.
func (d *Dispatcher) correctWake(m Matter, c Correction) Wake {
	w := Wake{Contact: m.Contact, Kind: WakeCorrect, Subject: m.ID, At: c.Until}
	if at := d.daytime(c.Until.Add(-remindCorrect)); !c.Reminded && at.Before(c.Until) {
		w.At = at
	}
	if c.Done {
		w.At = time.Time{}
	}
	return w
}

// correctDue reminds of rows that are open, and ends the correction when its time is over: what is right stands, the
// rest is not filed.
func (d *Dispatcher) correctDue(t Turn) Outcome {
	i := slices.IndexFunc(t.Matters, func(m Matter) bool { return m.ID == t.Claim.Wake.Subject })
	c, ok := t.correction(t.Claim.Wake.Subject)
	if i < 0 || !ok {
		return rest(t, time.Time{})
	}
	m := t.Matters[i]
	k := d.rouse(t, m.Address)
	k.lang, k.reference, k.matter = m.Lang, m.Reference, m.ID
	k.t.Message.Thread = m.Thread
	switch {
	case !m.Open(): // decided meanwhile, or stopped at the border: there is nothing to put right in
		o := rest(t, time.Time{})
		c.Done = true
		o.Corrections = []Correction{c}
		return o
	case t.Now.Before(c.Until) && c.Reminded:
		return rest(t, c.Until)
	case t.Now.Before(c.Until):
		c.Reminded = true
		k.subject = k.text("mail.rows.subject.remind", k.rowArgs(m, c))
		k.say("mail.rows.remind", k.rowArgs(m, c))
		k.tellRows(c.Open)
		k.sayWays(m, &c)
		k.o.Matters = append(k.o.Matters, m) // it says under whose key the correction is
	default:
		k.endCorrection(m, &c)
	}
	k.silent = !k.welcomes()
	k.o.Corrections = append(k.o.Corrections, c)
	k.o.Wakes = append(k.o.Wakes, d.correctWake(m, c))
	o := k.unasked()
	o.Deliveries = append(o.Deliveries, d.alsoTold(t, m, c)...)
	return o
}

// alsoTold says in short where the rows stand, on the address that the clerk used last where that is another than the one
// declared from: the mail has the details.
func (d *Dispatcher) alsoTold(t Turn, m Matter, c Correction) []Delivery {
	to, ok := lastUsed(t.Contact, m.Address, false)
	if !ok || to == m.Address {
		return nil
	}
	filed := len(c.Filed)
	if c.Whole { // then none of the right ones is
		filed = 0
	}
	said := d.texts.Text(m.Lang, "citizen.status.rows.over", texts.Args{"reference": m.Reference, "filed": filed, "in": c.In})
	if !c.Done {
		said = d.texts.Text(m.Lang, "citizen.status.one", texts.Args{"reference": m.Reference, "service": d.called(m, to.Channel, m.Lang), "state": d.stated(m, m.Lang, t.Now)}) +
			" " + d.texts.Text(m.Lang, "citizen.status.inmail", nil)
	}
	m.Owed = nil // they go with the mail
	return d.tellMatter(Tiding{Now: t.Now, NewID: t.NewID, Contact: t.Contact, Matter: m}, m, said, false)
}

// endCorrection files what is right and says which rows are not.
func (k *talk) endCorrection(m Matter, c *Correction) {
	c.Done = true
	args := k.rowArgs(m, *c)
	rows := numbers(c.openNumbers())
	args["rows"] = rows
	k.subject = k.text("mail.rows.subject.over", args)
	m.Correct, m.CorrectBy = 0, time.Time{}
	if c.Whole {
		k.say("mail.rows.over.whole", args)
		k.endHeld(m)
	} else {
		k.say("mail.rows.over", args)
		k.t.Message.Trust = "gateway"
		k.rows = c.standing()
		k.add(m, exchange.ActAmend, k.d.texts.Text(k.d.services.City.Languages[0], "citizen.mail.rows.inside.over", texts.Args{"rows": rows, "filed": len(c.Filed), "in": c.In}))
	}
}

// endHeld ends a declaration of which nothing has crossed.
func (k *talk) endHeld(m Matter) {
	m.State, m.Decision = exchange.Decided, exchange.Withdrawn
	m.Events = append(slices.Clone(m.Events), Event{At: k.t.Now, State: m.State})
	k.o.Matters = append(k.o.Matters, m)
	k.o.Wakes = append(k.o.Wakes, promiseWake(m))
}

// rowArgs are the figures of a correction for texts.
func (k *talk) rowArgs(m Matter, c Correction) texts.Args {
	return texts.Args{
		"reference": m.Reference, "service": m.Name, "filed": len(c.Filed), "in": c.In, "open": len(c.Open),
		"rows": numbers(c.openNumbers()), "when": k.deadline(c.Until), "at": k.filedAt(m.FiledAt),
	}
}

// deadline shows a moment by which something has to be here: day and hour where the city is.
func (k *talk) deadline(t time.Time) string {
	local := t.In(k.d.services.City.Location())
	return service.DayOf(local).In(k.lang) + " " + local.Format("15:04")
}

// rowLines words what is wrong with rows, one line a fault.
func (k *talk) rowLines(bad []forms.BadRow) []string {
	var lines []string
	for _, r := range bad {
		for _, f := range r.Faults {
			lines = append(lines, k.text("mail.rows.line", texts.Args{"row": r.Number, "why": f.Word}))
		}
	}
	return lines
}

// numbers writes row numbers as people do: 7, 15, 20-31.
func numbers(all []int) string {
	all = slices.Clone(all)
	slices.Sort(all)
	var parts []string
	for i := 0; i < len(all); {
		j := i
		for j+1 < len(all) && all[j+1] <= all[j]+1 {
			j++
		}
		switch {
		case j == i:
			parts = append(parts, itoa(all[i]))
		case j == i+1:
			parts = append(parts, itoa(all[i]), itoa(all[j]))
		default:
			parts = append(parts, itoa(all[i])+"-"+itoa(all[j]))
		}
		i = j + 1
	}
	return strings.Join(parts, ", ")
}
