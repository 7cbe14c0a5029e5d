package exchange

import (
	"slices"
	"strings"
	"time"
)

// A numberRule finds one kind of number. It looks at letters from the beginning of a word on, and gives how many of
// them are the number; 0: they are not.
type numberRule struct {
	name string
	find func(ls []letter) int
}

// numberRules are the built-in kinds.
func numberRules() []numberRule {
	return []numberRule{{"card", card}, {"iban", iban}, {"cn-id", residentID}, {"fr-nir", nir}, {"uk-nino", nino}}
}

// head gives the first n letters as one word, if they are written together or in groups of one of the shapes. A shape
// is the lengths of the groups; even is any group length that repeats, but for a shorter last group.
func head(ls []letter, n int, even bool, shapes ...[]int) (string, bool) {
	if len(ls) < n || len(ls) > n && !ls[n].cut {
		return "", false
	}
	var b strings.Builder
	groups := []int{0}
	for i, l := range ls[:n] {
		if i > 0 && l.gap > 0 {
			if !l.join {
				return "", false
			}
			groups = append(groups, 0)
		}
		groups[len(groups)-1]++
		b.WriteRune(l.r)
	}
	ok := len(groups) == 1 || even && regular(groups) || slices.ContainsFunc(shapes, func(s []int) bool { return slices.Equal(s, groups) })
	return b.String(), ok
}

func regular(groups []int) bool {
	last := groups[len(groups)-1]
	for _, g := range groups[:len(groups)-1] {
		if g != groups[0] {
			return false
		}
	}
	return groups[0] <= 4 && last <= groups[0]
}

func allDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// card finds a payment card: 13 to 19 digits of a known brand with the Luhn digit (ISO/IEC 7812-1).
func card(ls []letter) int {
	if !isDigit(ls[0].r) {
		return 0
	}
	for n := 19; n >= 13; n-- {
		s, ok := head(ls, n, true, []int{4, 6, 5}, []int{4, 6, 4}, []int{6, 13})
		if ok && allDigits(s) && brand(s) && luhn(s) {
			return n
		}
	}
	return 0
}

// brand tells whether a card of that first digits and length is given out.
func brand(s string) bool {
	n := len(s)
	first := func(k int) int { return atoi(s[:k]) }
	within := func(v, lo, hi int) bool { return lo <= v && v <= hi }
	switch {
	case s[0] == '4':
		return n == 13 || n == 16 || n == 19
	case within(first(2), 51, 55), within(first(4), 2221, 2720):
		return n == 16
	case first(2) == 34, first(2) == 37:
		return n == 15
	case first(4) == 6011, first(2) == 65, within(first(3), 644, 649), first(2) == 62, first(2) == 81:
		return n >= 16
	case within(first(4), 3528, 3589), within(first(4), 2200, 2204):
		return n >= 16
	case within(first(3), 300, 305), first(2) == 36, first(2) == 38, first(2) == 39:
		return n == 14
	case first(2) == 50, within(first(2), 56, 58), within(first(2), 60, 69):
		return n >= 15
	}
	return false
}

func atoi(s string) int {
	n := 0
	for _, c := range s {
		n = n*10 + int(c-'0')
	}
	return n
}

// luhn verifies the last digit (ISO/IEC 7812-1 Annex B).
func luhn(s string) bool {
	sum := 0
	for i := range len(s) {
		d := int(s[len(s)-1-i] - '0')
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0 && strings.Trim(s, s[:1]) != ""
}

// ibanLengths is country and length of each IBAN, from the registry of ISO 13616.
const ibanLengths = "AD24AE23AL28AT20AZ28BA20BE16BG22BH22BI27BR29BY28CH21CR22CY28CZ24DE22DJ27DK18DO28EE20EG29ES24FI18FK18FO18" +
	"FR27GB22GE22GI23GL18GR27GT28HN28HR21HU28IE22IL23IQ23IS26IT27JO30KW30KZ20LB28LC32LI21LT20LU20LV21LY25MC27MD24ME22" +
	"MK19MN20MR27MT31MU30NI28NL18NO15OM23PK24PL28PS29PT25QA29RO24RS22RU33SA24SC31SD18SE24SI19SK24SM27SO23ST25SV28TL23" +
	"TN24TR26UA29VA22VG24XK20YE30"

// iban finds an account number of a known country and its length, with remainder 1 (ISO 13616-1, ISO 7064 MOD 97-10).
func iban(ls []letter) int {
	if len(ls) < 4 || !isDigit(ls[2].r) || !isDigit(ls[3].r) {
		return 0
	}
	country := strings.ToUpper(string([]rune{ls[0].r, ls[1].r}))
	for i := 0; i < len(ibanLengths); i += 4 {
		if ibanLengths[i:i+2] != country {
			continue
		}
		n := atoi(ibanLengths[i+2 : i+4])
		if s, ok := head(ls, n, true); ok && mod97(s[4:]+s[:4]) == 1 {
			return n
		}
	}
	return 0
}

// mod97 gives the remainder of a number in which a letter is 10 to 35; -1 where another character stands.
func mod97(s string) int {
	rem := 0
	for _, c := range s {
		switch {
		case isDigit(c):
			rem = (rem*10 + int(c-'0')) % 97
		case 'a' <= c && c <= 'z':
			rem = (rem*100 + int(c-'a') + 10) % 97
		default:
			return -1
		}
	}
	return rem
}

// residentID finds a Chinese resident identity number: region, a day of birth that exists, and the check character of
// ISO 7064 MOD 11-2 (GB 11643-1999).
func residentID(ls []letter) int {
	const n = 18
	if !isDigit(ls[0].r) {
		return 0
	}
	s, ok := head(ls, n, false, []int{6, 8, 4}, []int{6, 4, 4, 4}, []int{6, 4, 2, 2, 4}, []int{3, 3, 4, 4, 4}, []int{6, 6, 6})
	if !ok || !allDigits(s[:n-1]) || s[0] == '0' || s[0] == '9' {
		return 0
	}
	born, err := time.Parse("20060102", s[6:14])
	if err != nil || born.Year() < 1880 || born.Year() > 2100 || !mod11(s) {
		return 0
	}
	return n
}

// mod11 verifies the check character of ISO 7064 MOD 11-2; x stands for ten.
func mod11(s string) bool {
	sum := 0
	for i, c := range s {
		d := int(c - '0')
		switch {
		case c == 'x' && i == len(s)-1:
			d = 10
		case !isDigit(c):
			return false
		}
		sum = (sum*2 + d) % 11
	}
	return sum == 1
}

// nir finds a French social security number: sex, year, month, department, town, order, and the key 97 minus the
// remainder; Corsica's 2A and 2B count as 19 and 18 (décret 82-103, INSEE).
func nir(ls []letter) int {
	const n = 15
	if !isDigit(ls[0].r) {
		return 0
	}
	s, ok := head(ls, n, false, []int{13, 2}, []int{1, 2, 2, 2, 3, 3, 2}, []int{1, 2, 2, 5, 3, 2})
	if !ok || strings.IndexByte("123478", s[0]) < 0 {
		return 0
	}
	plain := s
	for corsica, stands := range map[string]string{"2a": "19", "2b": "18"} {
		if s[5:7] == corsica {
			plain = s[:5] + stands + s[7:]
		}
	}
	if !allDigits(plain) || s[5:7] == "00" || s[7:10] == "000" || s[10:13] == "000" {
		return 0
	}
	month := atoi(plain[3:5])
	if month == 0 || 12 < month && month < 20 || 42 < month && month < 50 {
		return 0
	}
	if atoi(plain[13:]) != 97-mod97(plain[:13]) {
		return 0
	}
	return n
}

// nino finds a British national insurance number as it is given out: it has no check digit, so letters and groups must
// be right and the letters upper case (HMRC, NIM39110).
func nino(ls []letter) int {
	const n = 9
	s, ok := head(ls, n, false, []int{2, 2, 2, 2, 1}, []int{2, 6, 1}, []int{2, 7}, []int{8, 1}, []int{2, 2, 2, 3})
	if !ok || !allDigits(s[2:8]) || !ls[0].upper || !ls[1].upper || !ls[8].upper {
		return 0
	}
	prefix := s[:2]
	if strings.ContainsAny(prefix, "dfiquv") || prefix[1] == 'o' || strings.Contains(" bg gb nk kn tn nt zz ", " "+prefix+" ") || strings.IndexByte("abcd", s[8]) < 0 {
		return 0
	}
	if strings.Trim(prefix, "abcdefghijklmnopqrstuvwxyz") != "" {
		return 0
	}
	return n
}

// Shape is a kind of number that the operator adds.
type Shape struct {
	// Name is what staff read; small letters, digits and hyphens.
	Name string `yaml:"name"`
	// Pattern is how it is written: # a digit, @ a letter, everything else itself. It is found with its own separators,
	// with others in their places, or with none.
	Pattern string `yaml:"pattern"`
	// Check is what must hold besides: luhn, mod97 (remainder 1), mod11 (ISO 7064 MOD 11-2), letter97 (the digits
	// before the last letter mod 97 mod 26, 1 = A), or none.
	Check string `yaml:"check"`
}

func checks() map[string]func(string) bool {
	return map[string]func(string) bool{
		"luhn":     func(s string) bool { return allDigits(s) && luhn(s) },
		"mod97":    func(s string) bool { return mod97(s) == 1 },
		"mod11":    mod11,
		"letter97": letter97,
		"none":     func(string) bool { return true },
	}
}

// letter97 verifies the last letter: the digits before it mod 97 mod 26, where 1 is A and 0 is Z.
func letter97(s string) bool {
	n := len(s) - 1
	return n > 0 && allDigits(s[:n]) && s[n] == byte('a'+(mod97(s[:n])+25)%26)
}

// rule makes a shape a rule.
func (s Shape) rule() numberRule {
	var template []rune
	groups := []int{0}
	for _, r := range strings.ToLower(s.Pattern) {
		if separates(r) {
			groups = append(groups, 0)
			continue
		}
		template = append(template, r)
		groups[len(groups)-1]++
	}
	check := checks()[s.Check]
	return numberRule{s.Name, func(ls []letter) int {
		word, ok := head(ls, len(template), false, groups)
		if !ok {
			return 0
		}
		for i, r := range []rune(word) {
			t := template[i]
			if t == '#' && !isDigit(r) || t == '@' && (r < 'a' || r > 'z') || t != '#' && t != '@' && t != r {
				return 0
			}
		}
		if !check(word) {
			return 0
		}
		return len(template)
	}}
}
