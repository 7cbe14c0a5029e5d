package service

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// Formats are the ways to write a Code:
//
//	plate     a number plate after its country, "GB AB12CDE", as the field's Patterns say
//	luhn      figures, the last one by ISO/IEC 7812-1 annex B
//	mod97     figures, the last two 98 - (the rest · 100 mod 97), as ISO/IEC 7064 MOD 97-10
//	iban      ISO 13616, without spaces, check figures right
//	ewc       the European list of waste, "20 01 21*", the star for hazardous waste
//	un        dangerous goods, "UN1203"
//	hs        the Harmonized System, 6, 8 or 10 figures
//	country   ISO 3166-1 alpha-2
//	currency  ISO 4217
func Formats() []string {
	return []string{"plate", "luhn", "mod97", "iban", "ewc", "un", "hs", "country", "currency"}
}

// ReadCode writes what a person said in the canonical form of the field's format; ok is false for what is none, or
// whose check figure is wrong. Figures must be Western ones.
func (f *Field) ReadCode(said string) (code string, ok bool) {
	s := strings.ToUpper(strings.TrimSpace(said))
	bare := strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return -1
	}, s)
	switch f.Format {
	case "plate":
		bare = f.plate(bare)
	case "ewc":
		bare = ewc(s, bare)
	case "un":
		if figures(bare) {
			bare = "UN" + bare
		}
	}
	return bare, bare != "" && f.coded(bare)
}

// coded tells whether v is a right code in canonical form.
func (f *Field) coded(v string) bool {
	switch f.Format {
	case "plate":
		country, plate, _ := strings.Cut(v, " ")
		return slices.ContainsFunc(f.Patterns, func(p Plate) bool { return p.Country == country && p.fits(plate) })
	case "luhn":
		return Luhn(v)
	case "mod97":
		return Mod97(v)
	case "iban":
		return IBAN(v)
	case "ewc":
		return len(v) <= 9 && ewc(v, strings.NewReplacer(" ", "", "*", "").Replace(v)) == v && v != ""
	case "un":
		return len(v) == 6 && v[:2] == "UN" && figures(v[2:])
	case "hs":
		return figures(v) && slices.Contains([]int{6, 8, 10}, len(v))
	case "country":
		return len(v) == 2 && listed(countries, v)
	case "currency":
		return len(v) == 3 && listed(currencies, v)
	}
	return v == strings.ToUpper(v)
}

func (p Plate) fits(plate string) bool {
	re, err := regexp.Compile(p.Pattern)
	return err == nil && re.MatchString(plate)
}

// plate puts the country before a plate: the one that was said, else the first whose pattern fits.
func (f *Field) plate(bare string) string {
	for _, p := range f.Patterns {
		if rest, said := strings.CutPrefix(bare, p.Country); said && p.fits(rest) {
			return p.Country + " " + rest
		}
	}
	for _, p := range f.Patterns {
		if p.fits(bare) {
			return p.Country + " " + bare
		}
	}
	return ""
}

func ewc(said, bare string) string {
	if len(bare) != 6 || !figures(bare) {
		return ""
	}
	code := bare[:2] + " " + bare[2:4] + " " + bare[4:]
	if strings.HasSuffix(said, "*") {
		code += "*"
	}
	return code
}

func figures(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r < '0' || r > '9' })
}

// Luhn tells whether s is figures whose last one checks the others (ISO/IEC 7812-1 annex B).
func Luhn(s string) bool {
	if !figures(s) || len(s) < 2 {
		return false
	}
	sum := 0
	for i := range len(s) {
		n := int(s[len(s)-1-i] - '0')
		if i%2 == 1 {
			n *= 2
		}
		sum += n/10 + n%10
	}
	return sum%10 == 0
}

// Mod97 tells whether s is figures whose last two check the others: the whole leaves 1 when divided by 97
// (ISO/IEC 7064 MOD 97-10).
func Mod97(s string) bool { return figures(s) && len(s) > 2 && remainder97(s) == 1 }

func remainder97(s string) int {
	n := 0
	for _, c := range s {
		n = (n*10 + int(c-'0')) % 97
	}
	return n
}

// IBAN tells whether s is an account number after ISO 13616, in capitals and without spaces.
func IBAN(s string) bool {
	if len(s) < 15 || len(s) > 34 || !listed(countries, s[:2]) && s[:2] != "XK" || !figures(s[2:4]) {
		return false
	}
	var b strings.Builder
	for _, c := range s[4:] + s[:4] {
		switch {
		case c >= '0' && c <= '9':
			b.WriteRune(c)
		case c >= 'A' && c <= 'Z':
			b.WriteString(strconv.Itoa(int(c-'A') + 10))
		default:
			return false
		}
	}
	return remainder97(b.String()) == 1
}

// IsTime tells whether s is a time of day, "14:30".
func IsTime(s string) bool {
	if len(s) != 5 || s[2] != ':' || !figures(s[:2]) || !figures(s[3:]) {
		return false
	}
	return s[:2] < "24" && s[3:] < "60"
}

func listed(list, code string) bool { return slices.Contains(strings.Fields(list), code) }

func (f *Field) codeFaults(key string) []error {
	var all []error
	if f.Format != "" && (f.Kind != Code || !slices.Contains(Formats(), f.Format)) {
		all = append(all, fmt.Errorf("%s.format: is %q; for a code, one of %v", key, f.Format, Formats()))
	}
	if (f.Format == "plate") != (len(f.Patterns) > 0) {
		all = append(all, fmt.Errorf("%s.patterns: the format plate has them, and no other", key))
	}
	for i, p := range f.Patterns {
		if _, err := regexp.Compile(p.Pattern); err != nil || p.Country == "" {
			all = append(all, fmt.Errorf("%s.patterns.%d: needs country, and a pattern of RE2", key, i))
		}
	}
	return all
}

// countries are the alpha-2 codes of ISO 3166-1.
const countries = `AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT
BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM
FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO
JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT
MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA
SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US
UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW`

// currencies are the codes of ISO 4217 that money is counted in.
const currencies = `AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD
CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG
HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK
MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD
SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VED VES VND VUV
WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG`
