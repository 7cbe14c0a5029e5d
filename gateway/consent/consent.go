// Package consent knows what people allowed: the lines of the ledger, the standing that they add up to, and the lists
// that can be named in words ("STOP alerts", "arrêt alertes", "قف التنبيهات").
//
// The rule: the ledger only grows. Nothing here keeps a state of its own; what holds now is what the last line on the
// same purpose, list and address says.
package consent

import (
	"slices"
	"time"
)

// Purpose is what a message is for. Each stands on a ground of its own, so that leaving one leaves the others.
type Purpose string

// The purposes.
const (
	// List is what a person joined: alerts, news. Nothing is sent without consent.
	List Purpose = "list"
	// Service is word on what a person filed. They asked for it by filing; STOP ends it on that address.
	Service Purpose = "service"
	// Statutory is what the law makes us tell: decisions, questions with a deadline. STOP moves it to another address
	// and never ends it.
	Statutory Purpose = "statutory"
	// Privacy is the privacy notice: the line says that it was shown.
	Privacy Purpose = "privacy"
)

// Source is who made a line.
type Source string

// The sources.
const (
	Person      Source = "person"      // said it here
	Carrier     Source = "carrier"     // the carrier heard STOP or START, or refused to deliver (21610)
	Staff       Source = "staff"       // entered by a member of staff
	Form        Source = "form"        // a page of the portal
	Unsubscribe Source = "unsubscribe" // List-Unsubscribe of a mail (RFC 8058)
	Lapsed      Source = "lapsed"      // time: what was asked for was not confirmed
)

// Act is what a line says.
type Act int

// The acts. Their numbers are stored.
const (
	Withdrawn Act = 0
	Granted   Act = 1
	// Asked: somebody entered the address, and its owner has not confirmed. Nothing is sent meanwhile.
	Asked Act = 2
)

// Everything is the list of a line that speaks of all lists on its address.
const Everything = "*"

// Line is one line of the ledger.
type Line struct {
	Purpose Purpose
	List    string // a list's id with Purpose List; Everything: all on that address
	Address string // channel:value
	Act     Act
	Shown   string // the words shown
	Said    string // the words said
	Source  Source
	At      time.Time
}

// topic is what lines speak of; the last one on it holds.
type topic struct {
	purpose       Purpose
	list, address string
}

// Standing gives what holds now: of all lines on the same purpose, list and address the last, in the order of lines,
// which is oldest first.
func Standing(lines []Line) []Line {
	var out []Line
	at := map[topic]int{}
	for _, l := range lines {
		t := topic{l.Purpose, l.List, l.Address}
		if i, ok := at[t]; ok {
			out[i] = l
			continue
		}
		at[t] = len(out)
		out = append(out, l)
	}
	return out
}

// Lists gives the ids of the lists that stand granted, each once, in order.
func Lists(standing []Line) []string {
	var out []string
	for _, l := range standing {
		if l.Purpose == List && l.Act == Granted && l.List != Everything {
			out = append(out, l.List)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
