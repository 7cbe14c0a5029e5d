package past

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"gatehouse/exchange/service"
)

// scribe fills in the forms of one story.
type scribe struct {
	chance  *rand.Rand
	service *service.Service
	words   []service.Words
	who     *party
	other   *party
	at      time.Time // when it is filed
}

var blank = regexp.MustCompile(`\{([a-z0-9]+)(?: ([^}]*))?\}`)

// form writes the answers as a page of the portal hands them over: one line a value, in the order of the fields.
func (w *scribe) form(form map[string]string) string {
	var lines []string
	for _, f := range w.service.Fields() {
		template, ok := form[f.Name]
		if !ok {
			continue
		}
		for _, v := range strings.Split(w.fill(template), "\n") {
			lines = append(lines, f.Name+": "+v)
		}
	}
	return strings.Join(lines, "\n")
}

// fill writes a template; several values stand on lines of their own.
func (w *scribe) fill(template string) string {
	return blank.ReplaceAllStringFunc(template, func(s string) string {
		m := blank.FindStringSubmatch(s)
		return w.blank(m[1], m[2])
	})
}

func (w *scribe) blank(name, rest string) string {
	c := w.service.City()
	switch name {
	case "home":
		return w.who.home
	case "street":
		place, _ := house(c, w.chance)
		return place
	case "name":
		return w.who.name
	case "company":
		return w.who.number
	case "mail":
		return w.who.domain
	case "other":
		if w.service.Kind == service.Declaration {
			return w.other.number
		}
		return w.other.name
	case "words":
		return w.words[w.chance.IntN(len(w.words))].In(w.who.lang)
	case "plate":
		return fmt.Sprintf("PTL %c%c%04d", 'A'+w.chance.IntN(26), 'A'+w.chance.IntN(26), w.chance.IntN(10000))
	}
	return w.drawn(name, rest)
}

// drawn are the blanks with words or bounds of their own.
func (w *scribe) drawn(name, rest string) string {
	sep := " "
	if strings.Contains(rest, "|") {
		sep = "|"
	}
	words := strings.Split(rest, sep)
	switch name {
	case "any":
		return words[w.chance.IntN(len(words))]
	case "few":
		w.chance.Shuffle(len(words), func(i, j int) { words[i], words[j] = words[j], words[i] })
		return strings.Join(words[:1+w.chance.IntN(2)], "\n")
	case "number":
		return strconv.Itoa(w.between(words))
	case "digits":
		return w.digits(number(rest))
	case "luhn", "mod97":
		return w.checked(number(rest), map[string]func(string) bool{"luhn": service.Luhn, "mod97": service.Mod97}[name])
	}
	return w.day(name, words)
}

// day are the blanks that hang on the day of filing.
func (w *scribe) day(name string, words []string) string {
	local := w.at.In(w.service.City().Location())
	today := service.DayOf(local)
	switch name {
	case "past":
		return today.Add(-w.between(words)).String()
	case "ahead":
		return today.Add(w.between(words)).String()
	case "month":
		return local.AddDate(0, 0, -local.Day()).Format("2006-01")
	case "week":
		year, week := local.AddDate(0, 0, -7).ISOWeek()
		return fmt.Sprintf("%d-W%02d", year, week)
	case "free":
		fields := w.service.Fields()
		i := slices.IndexFunc(fields, func(f service.Field) bool { return f.Calendar != "" })
		days := w.service.Days(&fields[i]).Next(today, 6)
		return days[w.chance.IntN(len(days))].String()
	}
	panic("configs/city/past.yaml: there is no {" + name + "}") // a fault of the file that is built in
}

func (w *scribe) between(bounds []string) int {
	from, to := number(bounds[0]), number(bounds[1])
	return from + w.chance.IntN(to-from+1)
}

func (w *scribe) digits(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte('0' + w.chance.IntN(10))
	}
	return string(b)
}

// checked draws figures until their check is right.
func (w *scribe) checked(n int, right func(string) bool) string {
	for {
		if s := w.digits(n); right(s) {
			return s
		}
	}
}

// number reads what the file that is built in holds.
func number(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}
