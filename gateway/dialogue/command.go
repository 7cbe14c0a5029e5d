package dialogue

import (
	"strings"

	"gatehouse/channels/text"
)

// Act is a command: something that works in every state.
type Act string

// The commands. Person is "0".
const (
	None     Act = ""
	Back     Act = "back"
	Pause    Act = "pause"
	Go       Act = "go"
	Drop     Act = "drop"
	Send     Act = "send"
	More     Act = "more"
	Menu     Act = "menu"
	Status   Act = "status"
	Skip     Act = "skip"
	Privacy  Act = "privacy"
	Help     Act = "help"
	Person   Act = "person"
	Link     Act = "link"
	Language Act = "language"
	Reopen   Act = "reopen"
	Forget   Act = "forget"
	MyData   Act = "mydata"
	Page     Act = "page"
	Unlink   Act = "unlink"
	Whom     Act = "whom"
)

// Command is a command with its argument: what follows GO, STATUS, REOPEN, LINK or UNLINK, or the language that was chosen.
type Command struct {
	Act Act
	Arg string
}

// Command reads a whole message as a command. Only GO, STATUS, REOPEN, LINK and UNLINK may be followed by something.
func (g *Grammar) Command(s string) (Command, bool) {
	s = strings.TrimSpace(s)
	switch strings.Trim(text.Digits(s), " .!#") {
	case "?", "？", "؟", "??":
		return Command{Act: Help}, true
	case "0":
		return Command{Act: Person}, true
	}
	s = strings.TrimPrefix(s, "/")
	f := read(s)
	for _, a := range []Act{Back, Pause, Go, Drop, Send, More, Menu, Status, Skip, Privacy, Help, Person, Reopen, Forget, MyData, Link, Page, Unlink, Whom} {
		if g.in(string(a), f) {
			return Command{Act: a}, true
		}
	}
	if lang, ok := g.exact["language"][f]; ok {
		return Command{Act: Language, Arg: lang}, true
	}
	for _, a := range []Act{Go, Status, Reopen, Link, Unlink} {
		if arg, ok := g.argument(string(a), s); ok {
			return Command{Act: a, Arg: arg}, true
		}
	}
	return Command{}, false
}

// Reopens tells whether a mail begins with the word that opens a case again, and gives what follows it.
func (g *Grammar) Reopens(s string) (rest string, ok bool) {
	s = strings.TrimSpace(s)
	first := s
	if i := strings.IndexAny(s, " \n:.,"); i >= 0 {
		first, rest = s[:i], strings.TrimLeft(s[i:], " \n:.,")
	}
	return strings.TrimSpace(rest), g.in("reopen", read(first))
}

// argument gives what follows a word of the list as it was written. The word must stand alone, so that "go on
// holiday" asks nothing of a form: an argument has a digit in it, or is a mail address.
func (g *Grammar) argument(list, s string) (string, bool) {
	first, rest, ok := strings.Cut(s, " ")
	if !ok || !g.in(list, read(first)) || !strings.ContainsAny(text.Digits(rest), "0123456789@") {
		return "", false
	}
	return strings.TrimSpace(rest), true
}
