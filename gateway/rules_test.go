package gateway_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"gatehouse/gateway"
)

// rule is one sentence of the dialogue grammar: what is texted first, and what the last text is answered with.
type rule struct {
	name  string
	said  []string // "@26h" lets time pass
	want  string   // a pattern for the last reply; empty: silence
	draft string   // what the open form holds then, "field=value …"; "-" is none
}

// booked is a pickup form with its place confirmed; dated has its items too.
var (
	booked = []string{"BOOK", "14 quay st", "1"}
	dated  = append(booked[:3:3], "1,3")
)

func after(first []string, more ...string) []string {
	return append(first[:len(first):len(first)], more...)
}

// rules are the dialogue grammar, one sentence a row.
func rules() []rule {
	const notSure, date3 = "^Sorry, I have no sure answer", "place=14 Quay St, PL2 4AB items=furniture items=mattress date=2026-12-03"
	return []rule{
		{"danger before everything", after(booked, "fire in my house, stop"), "^[^.]*112", "place=14 Quay St, PL2 4AB"},
		{"danger even after STOP", []string{"STOP", "there is a gas leak"}, "^[^.]*112", "-"},
		{"a fire permit is no danger", []string{"EN", "how much is the fire permit"}, "^Sorry, I have no sure answer", "-"},
		{"opt-out before help and the form", after(booked, "STOP"), "^No more messages", "place=14 Quay St, PL2 4AB"},
		{"free wording is confirmed", []string{"please stop texting me"}, "1 .*2 ", "-"},
		{"help in a form is the field's", after(booked, "?"), "Send the numbers .*Pickup 3/4", "place=14 Quay St, PL2 4AB"},
		{"HELP names the city and STOP", []string{"HELP"}, "Port Lumen.*STOP", "-"},
		{"commands before the form", after(booked, "PAUSE"), "kept until", "place=14 Quay St, PL2 4AB"},
		{"only a whole message is a command", after(booked, "send me a form"), "Please choose from the list", "place=14 Quay St, PL2 4AB"},
		{"BACK goes one question back", after(booked, "BACK"), "Pickup 1/4", "place=14 Quay St, PL2 4AB"},
		{"GO takes an answer along", after(booked, "PAUSE", "GO 1,3"), "Pickup 4/4", "place=14 Quay St, PL2 4AB items=furniture items=mattress"},
		{"STATUS takes a reference along", []string{"STATUS PL-3QH8-7WRD-11"}, "wrong letter or digit", "-"},
		{"DROP deletes", after(booked, "DROP"), "^", "-"},
		{"SEND before the end asks on", after(booked, "SEND"), "Pickup 3/4", "place=14 Quay St, PL2 4AB"},
		{"0 is a person", after(booked, "0"), "^Your form is kept.*Sent to the Waste team", "place=14 Quay St, PL2 4AB"},
		{"0 answers where a number is asked", []string{"TAX", "2026-10", "0"}, "^Tax return 3/|^.* 3/", "month=2026-10 nights=0"},
		{"a language keeps the answers", after(booked, "FR"), "Enlèvement 3/4", "place=14 Quay St, PL2 4AB"},
		{"menu number before keyword", after(booked, "2"), "Pickup 4/4", "place=14 Quay St, PL2 4AB items=fridge"},
		{"label", after(booked, "Mattress"), "Pickup 4/4", "place=14 Quay St, PL2 4AB items=mattress"},
		{"synonym", after(booked, "an old sofa"), "Pickup 4/4", "place=14 Quay St, PL2 4AB items=furniture"},
		{"10 never picks 1", after(booked, "10"), "10 is not in the list", "place=14 Quay St, PL2 4AB"},
		{"Arabic digit", after(booked, "٣"), "4/4", "place=14 Quay St, PL2 4AB items=mattress"},
		{"3.", after(booked, "3."), "4/4", "place=14 Quay St, PL2 4AB items=mattress"},
		{"three", after(booked, "three"), "4/4", "place=14 Quay St, PL2 4AB items=mattress"},
		{"#3", after(booked, "#3"), "4/4", "place=14 Quay St, PL2 4AB items=mattress"},
		{"full width", after(booked, "３"), "4/4", "place=14 Quay St, PL2 4AB items=mattress"},
		{"keycap", after(booked, "3️⃣"), "4/4", "place=14 Quay St, PL2 4AB items=mattress"},
		{"spaces and emoji", after(booked, "  3  👍 "), "4/4", "place=14 Quay St, PL2 4AB items=mattress"},
		{"several numbers", after(booked, "١ و ٣"), "4/4", "place=14 Quay St, PL2 4AB items=furniture items=mattress"},
		{"3/12", after(dated, "3/12"), "3 Thu 3 Dec", date3},
		{"3 Dec", after(dated, "3 Dec"), "3 Thu 3 Dec", date3},
		{"weekday from the first day offered", after(dated, "thursday"), "3 Thu 3 Dec", date3},
		{"tomorrow is echoed in words", after(dated, "tomorrow"), "Tue 24 Nov has no pickups", "place=14 Quay St, PL2 4AB items=furniture items=mattress"},
		{"Arabic figures in a date", after(dated, "٣/١٢"), "3 Thu 3 Dec", date3},
		{"several answers in order", []string{"BOOK", "14 Quay St, 1 3, 3 Dec"}, "^Check: 1 14 Quay St 2 furniture, mattress 3 Thu 3 Dec", date3},
		{"compact", []string{"BOOK 14 Quay St, 1 3, 3 Dec"}, "^Check: 1 14 Quay St 2 furniture, mattress 3 Thu 3 Dec", date3},
		{"greeting does not reset", after(booked, "hello"), "Pickup 3/4", "place=14 Quay St, PL2 4AB"},
		{"another keyword does not reset", after(booked, "TAX"), "Pickup 3/4", "place=14 Quay St, PL2 4AB"},
		{"digression answered and the question repeated", after(booked, "how do i get rid of an old sofa"), "free pickup.*Pickup 3/4", "place=14 Quay St, PL2 4AB"},
		{"1st error: what was wrong", after(booked, "piano"), "Please choose from the list", "place=14 Quay St, PL2 4AB"},
		{"2nd error: the options", after(booked, "piano", "organ"), "1 Furniture 2 Fridge", "place=14 Quay St, PL2 4AB"},
		{"3rd error: a person", after(booked, "piano", "organ", "harp"), `\b0\b`, "place=14 Quay St, PL2 4AB"},
		{"one line is changed at the summary", []string{"BOOK 14 Quay St, 1 3, 3 Dec", "2", "4"}, "^Check: 1 14 Quay St 2 electronics", "place=14 Quay St, PL2 4AB items=electronics date=2026-12-03"},
		{"idle a day and still there", after(booked, "@26h", "1"), "Pickup 4/4", "place=14 Quay St, PL2 4AB items=furniture"},
		{"kept seven days, then gone", after(booked, "@240h", "hello"), "not sent and is deleted", "-"},
		{"resuming replays the last question", after(booked, "PAUSE", "@30h", "GO"), "^Pickup 3/4", "place=14 Quay St, PL2 4AB"},
		{"the language is asked once in all four", []string{"Zxcv"}, "^1 English 2 Français 3 العربية 4 中文$", "-"},
		{"and never again", []string{"Zxcv", "2", "Zxcv"}, "^[^1]*Désolé|^Je n", "-"},
		{"a number picks the language", []string{"Zxcv", "٤"}, "[一-龥]", "-"},
		{"a question is searched last", []string{"my neighbour parks in the disabled bay is that a fine"}, notSure, "-"},
		{"yes is an answer only where one is asked", after(booked, "yes"), "Please choose from the list", "place=14 Quay St, PL2 4AB"},
		{"oui where right or wrong is asked", []string{"BOOK", "14 quay st", "oui"}, "Pickup 3/4", "place=14 Quay St, PL2 4AB"},
	}
}

// TestGrammarRuleByRule: each sentence of the grammar does what it says, by text message.
func TestGrammarRuleByRule(t *testing.T) {
	for _, r := range rules() {
		t.Run(r.name, func(t *testing.T) {
			w := newWorld(t)
			got := ""
			for _, s := range r.said {
				if d, err := time.ParseDuration(strings.TrimPrefix(s, "@")); err == nil && s[0] == '@' {
					w.now = w.now.Add(d)
					continue
				}
				got = w.text(s)
			}
			if !regexp.MustCompile(r.want).MatchString(got) {
				t.Errorf("%q is answered %q, want %q", r.said[len(r.said)-1], got, r.want)
			}
			if held := holding(w.draft); held != r.draft {
				t.Errorf("the form holds %q, want %q", held, r.draft)
			}
		})
	}
}

// holding writes what a form holds, in the order of its fields; "-" is no form.
func holding(d *gateway.Draft) string {
	if d == nil {
		return "-"
	}
	var all []string
	for _, name := range []string{"place", "items", "date", "month", "nights"} {
		for _, v := range d.Form.Answers[name] {
			all = append(all, name+"="+v)
		}
	}
	return strings.Join(all, " ")
}

// TestMoreThreePartsThenTheLink: MORE goes on three times at most and ends with the page's address and a phone number.
func TestMoreThreePartsThenTheLink(t *testing.T) {
	for _, q := range publishedAsks(t) {
		if q.lang != "en" {
			continue
		}
		w := newWorld(t)
		got, parts := w.text(q.text), 0
		if !strings.Contains(got, "MORE") {
			continue
		}
		for !strings.Contains(got, "portlumen.example/en/answers/") || strings.Contains(got, "MORE") {
			if got = w.text("MORE"); parts > 4 {
				break
			}
			parts++
		}
		if parts > 4 || !strings.Contains(got, "+44 7700 900100") {
			t.Errorf("%q: after %d parts: %s", q.text, parts, got)
		}
	}
}

// TestLabelsAreNoCommands: no label or synonym of any service is a word that works in every state, in any language.
func TestLabelsAreNoCommands(t *testing.T) {
	services, words := mustServices(t), mustTexts(t)
	taken := map[string]string{}
	for _, lang := range words.Languages() {
		for _, list := range []string{"stop", "stop_carrier", "start", "help", "back", "pause", "go", "drop", "send", "more", "menu", "status", "skip", "reopen", "privacy", "forget", "mydata", "link", "person"} {
			for _, w := range words.Words(lang, list) {
				taken[strings.ToLower(w)] = list
			}
		}
	}
	for _, s := range services.All() {
		for _, f := range s.Fields() {
			for _, o := range f.Options {
				names := []string{o.Value}
				for _, l := range o.Label {
					names = append(names, l)
				}
				for _, list := range o.Synonyms {
					names = append(names, list...)
				}
				for _, n := range names {
					if list := taken[strings.ToLower(n)]; list != "" {
						t.Errorf("%s %s: %q is a word of %s", s.Code, f.Name, n, list)
					}
				}
			}
		}
	}
}

// TestDangerIsUrgent: no budget of texts holds a warning of danger back, and nothing else is urgent.
func TestDangerIsUrgent(t *testing.T) {
	w := newWorld(t)
	for said, want := range map[string]bool{"there is a gas leak": true, "hello": false} {
		w.text(said)
		if got := w.sent[len(w.sent)-1].Message.Urgent; got != want {
			t.Errorf("%q is answered urgently: %v", said, got)
		}
	}
}
