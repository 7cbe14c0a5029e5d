package console

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"gatehouse/adapters"
	"gatehouse/configs/texts"
	"gatehouse/exchange"
)

// view is one text as its recipient reads it.
type view struct {
	Lang   string
	Pieces []piece
}

// piece is a run of a view; Rule names the leak rule that fires on it.
type piece struct {
	Text string
	Rule string
}

// views gives exactly what would leave, as its recipients read it: for a case in the words that the gateway puts
// around it, to a list in each language.
func (c *Console) views(h adapters.Held, r *adapters.Record) []view {
	if h.Erase != nil || h.Steer != nil {
		return nil
	}
	if h.Message == nil {
		return []view{c.noticeView(*h.Notice, h.Leaks, r)}
	}
	var out []view
	for i, b := range h.Message.Bodies {
		at := func(field string) string { return "bodies[" + strconv.Itoa(i) + "]." + field }
		v := view{Lang: b.Lang}
		if b.Subject != "" {
			v.Pieces = append(marked(b.Subject, at("subject"), h.Leaks), piece{Text: "\n\n"})
		}
		v.Pieces = append(v.Pieces, marked(b.Text, at("text"), h.Leaks)...)
		out = append(out, v)
	}
	return out
}

// hole stands for a text that is put into a sentence afterwards, so that its places are still known.
const hole = "\x00"

func (c *Console) noticeView(n exchange.Notice, leaks []exchange.Leak, r *adapters.Record) view {
	lang := n.Lang
	if !c.Texts.Has(lang) {
		lang = "en"
	}
	args := texts.Args{"reference": n.Reference, "service": "", "reason": hole, "text": hole, "state": hole}
	if r != nil {
		args["service"] = c.serviceName(r.Case.Service, lang)
	}
	key, field, body := "reply", "text", n.Text
	switch {
	case n.Decision != exchange.Undecided:
		args["decision"] = c.Texts.Text(lang, "citizen.decision."+string(n.Decision), nil)
		key, field, body = "decided", "reason", n.Reason
	case n.Words != "":
		key, field, body = "state", "words", n.Words
	case n.State == exchange.WaitingYou:
		key = "question"
	}
	before, after, _ := strings.Cut(c.Texts.Text(lang, "citizen.notice."+key, args), hole)
	v := view{Lang: lang, Pieces: []piece{{Text: before}}}
	v.Pieces = append(append(v.Pieces, marked(body, field, leaks)...), piece{Text: after})
	if field == "reason" && n.Text != "" {
		v.Pieces = append(append(v.Pieces, piece{Text: " "}), marked(n.Text, "text", leaks)...)
	}
	if n.Decision != exchange.Undecided && n.Decision != exchange.Granted {
		v.Pieces = append(v.Pieces, piece{Text: " " + c.Texts.Text(lang, "citizen.notice.appeal", nil)})
	}
	return v
}

func (c *Console) serviceName(code, lang string) string {
	if sv, ok := c.Catalog.ByCode(code); ok {
		return sv.Name.In(lang)
	}
	return code
}

// marked cuts a text at the places where leak rules fire.
func marked(s, field string, leaks []exchange.Leak) []piece {
	leaks = slices.DeleteFunc(slices.Clone(leaks), func(k exchange.Leak) bool { return k.Field != field })
	slices.SortFunc(leaks, func(a, b exchange.Leak) int { return cmp.Compare(a.From, b.From) })
	var out []piece
	at := 0
	for _, k := range leaks {
		if k.From < at || k.To > len(s) || k.To <= k.From {
			continue
		}
		out = append(out, piece{Text: s[at:k.From]}, piece{Text: s[k.From:k.To], Rule: k.Rule})
		at = k.To
	}
	return append(out, piece{Text: s[at:]})
}

// Finding is where a leak rule fires, in words: rule, field and line, never what was found.
func (s *sheet) Finding(h adapters.Held, k exchange.Leak) string {
	var field, text string
	switch {
	case h.Notice != nil && k.Field == "reason":
		field, text = s.T("public.reason"), h.Notice.Reason
	case h.Notice != nil && k.Field == "words":
		field, text = s.T("public.stand"), h.Notice.Words
	case h.Notice != nil:
		field, text = s.T("public.reply"), h.Notice.Text
	default:
		field, text = s.bodyField(h.Message.Bodies, k.Field)
	}
	line := 1
	if k.From <= len(text) {
		line += strings.Count(text[:k.From], "\n")
	}
	return s.T("held.leak_at", "rule", s.Rule(k.Rule), "field", field, "line", line)
}

func (s *sheet) bodyField(bodies []exchange.Body, field string) (name, text string) {
	for i, b := range bodies {
		switch field {
		case "bodies[" + strconv.Itoa(i) + "].subject":
			return s.T("messages.subject") + " · " + languageName(b.Lang), b.Subject
		case "bodies[" + strconv.Itoa(i) + "].text":
			return s.T("messages.text") + " · " + languageName(b.Lang), b.Text
		}
	}
	return field, ""
}

// Rule is what people call a leak rule; an operator's own kind of number has its name.
func (s *sheet) Rule(rule string) string {
	key := "console.leak." + rule
	if text := s.c.Texts.Text(s.Lang, key, nil); text != key {
		return text
	}
	return rule
}

// Rules lists where rules fire in the languages of a draft.
func (s *sheet) Rules(leaks []exchange.Leak) string {
	var all []string
	for _, k := range leaks {
		all = append(all, s.Rule(k.Rule)+" ("+languageName(k.Field)+")")
	}
	return strings.Join(slices.Compact(all), ", ")
}
