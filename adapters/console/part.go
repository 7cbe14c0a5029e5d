package console

import (
	"fmt"
	"strings"

	"gatehouse/adapters"
	"gatehouse/exchange"
)

// Parts of pages that templates hand to other templates: the sheet, and what the part needs besides.

type leavingPart struct {
	*sheet
	Held      adapters.Held
	From      string
	MayUndo   bool
	MaySecond bool
}

// Leaving is what waits to leave about the case that is shown.
func (s *sheet) Leaving(h *adapters.Held, from string) leavingPart {
	return leavingPart{sheet: s, Held: *h, From: from, MayUndo: s.Me.ID == h.By || s.Me.ID == h.Second,
		MaySecond: h.State == adapters.AwaitsSecond && s.Me.ID != h.By && s.Me.Has(adapters.Releaser)}
}

// Line is one of the list of what waits.
func (s *sheet) Line(l heldLine, from string) leavingPart {
	return leavingPart{sheet: s, Held: l.Held, From: from, MayUndo: l.MayUndo, MaySecond: l.MaySecond}
}

// Message is a message to a list that waits.
func (s *sheet) Message(b bulletin, from string) leavingPart {
	return leavingPart{sheet: s, Held: b.Held, From: from, MayUndo: b.MayUndo, MaySecond: b.MaySecond}
}

type heldPart struct {
	*sheet
	Held heldLine
}

// HeldLine is one of the list of what waits, or is to be looked at again.
func (s *sheet) HeldLine(l heldLine) heldPart { return heldPart{s, l} }

// maxBegin is how much of a text the list shows.
const maxBegin = 160

// Begin is how something held begins.
func (s *sheet) Begin(h adapters.Held) string {
	switch {
	case h.Message != nil:
		return first(h.Message.Bodies[0].Text, maxBegin)
	case h.Erase != nil:
		return first(h.Erase.Because, maxBegin)
	}
	return first(strings.TrimSpace(h.Notice.Reason+" "+h.Notice.Words+" "+h.Notice.Text), maxBegin)
}

type filesPart struct {
	*sheet
	Case    string
	Files   []exchange.FileRef
	Rebuilt map[string]exchange.Replaced // by the guard
}

// Files are a case's files to be saved; rebuilt tells which of them the guard made anew.
func (s *sheet) Files(caseID string, files []exchange.FileRef, rebuilt map[string]exchange.Replaced) filesPart {
	return filesPart{s, caseID, files, rebuilt}
}

// RebuiltBy says what the guard made of a file; one that a newer guard rebuilt in another way is just rebuilt.
func (p filesPart) RebuiltBy(r exchange.Replaced) string {
	switch r.Filter {
	case "picture", "pages", "entries":
		return p.T("rebuilt." + r.Filter)
	}
	return ""
}

// Bytes is a size as people read it.
func (s *sheet) Bytes(n int64) string {
	switch {
	case n < 1<<10:
		return fmt.Sprintf("%d B", n)
	case n < 1<<20:
		return fmt.Sprintf("%.1f kB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%.1f MB", float64(n)/(1<<20))
}

type boxPart struct {
	*sheet
	Name, Label string
	Form        form
}

// Box is a text box of one of the public forms.
func (s *sheet) Box(name, label string, f form) boxPart { return boxPart{s, name, label, f} }

type tabPart struct {
	Address, Label string
	Current        bool
}

// Tab is one view of the queue; what is sought on the page is sought there too.
func (s *sheet) Tab(view string, p queuePage) tabPart {
	current := view == p.View
	p.View = view
	return tabPart{Address: p.address(0), Label: s.T("queue.view." + view), Current: current}
}

// maxGist bounds the first words of a case in a list, in characters.
const maxGist = 90

// Gist is the first words of a case.
func (s *sheet) Gist(r adapters.Record) string {
	text := r.Case.Text
	if text == "" {
		var parts []string
		for _, l := range s.c.labelled(r.Case.Service, r.Case.Answers, s.Lang) {
			parts = append(parts, l.Value)
		}
		text = strings.Join(parts, " · ")
	}
	return first(exchange.NormalizeLine(text), maxGist)
}

// first gives the first n characters of s.
func first(s string, n int) string {
	if runes := []rune(s); len(runes) > n {
		return string(runes[:n]) + "…"
	}
	return s
}

// HelpKeys are the sections of the help page.
func (s *sheet) HelpKeys() []string {
	return []string{"queue", "claim", "boxes", "undo", "second", "answers", "messages", "internal", "read", "border", "keys"}
}
