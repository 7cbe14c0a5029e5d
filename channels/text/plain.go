package text

import "strings"

// Accents is what Plain does with letters that GSM-7 does not have.
type Accents string

// Accents are kept where a name or a legal text needs them, stripped where one segment matters more.
const (
	KeepAccents  Accents = "keep"
	StripAccents Accents = "strip"
)

// Plain replaces typographic signs (quotes, dashes, no-break spaces, an ellipsis) by those of GSM-7, so that one of
// them does not more than halve what a segment holds. With StripAccents ê becomes e; é and the other letters that
// GSM-7 has stay. When something else keeps the text out of GSM-7, s comes back as it was: plainer signs would save
// nothing then.
func Plain(s string, a Accents) string {
	if Measure(s).Encoding == GSM7 && !strings.Contains(s, "\r\n") {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	for _, r := range strings.ReplaceAll(compose(s), "\r\n", "\n") {
		plain, ok := plainRune(r, a)
		if !ok {
			return s
		}
		b.WriteString(plain)
	}
	return b.String()
}

func plainRune(r rune, a Accents) (string, bool) {
	if gsmWidth(r) > 0 {
		return string(r), true
	}
	if p, ok := typography(r); ok {
		return p, true
	}
	if a != StripAccents {
		return "", false
	}
	if isMark(r) {
		return "", true
	}
	p, ok := bare(r)
	return p, ok
}

// typography is the GSM-7 spelling of a sign that typesetters prefer.
func typography(r rune) (string, bool) {
	switch r {
	case '‘', '’', '‚', '‛', '′', '´', '`', 'ʼ', '‹', '›':
		return "'", true
	case '“', '”', '„', '‟', '″', '«', '»':
		return `"`, true
	case '‐', '‑', '‒', '–', '—', '―', '−', '•', '·':
		return "-", true
	case '…':
		return "...", true
	case '×':
		return "x", true
	case '\t', '\u00A0', '\u202F', '\u205F', '\u3000':
		return " ", true
	case '\u00AD', '\u200B', '\u2060', '\uFEFF':
		return "", true
	}
	if r >= '\u2000' && r <= '\u200A' {
		return " ", true
	}
	return "", false
}

// bare is a letter of Latin-1, Latin Extended-A, Romanian or Vietnamese without its accent, a ligature as two
// letters.
func bare(r rune) (string, bool) {
	switch r {
	case 'à', 'á', 'â', 'ã', 'ä', 'å', 'ā', 'ă', 'ą', 'ả', 'ạ',
		'ấ', 'ầ', 'ẩ', 'ẫ', 'ậ', 'ắ', 'ằ', 'ẳ', 'ẵ', 'ặ', 'ǎ':
		return "a", true
	case 'À', 'Á', 'Â', 'Ã', 'Ä', 'Å', 'Ā', 'Ă', 'Ą', 'Ả', 'Ạ',
		'Ấ', 'Ầ', 'Ẩ', 'Ẫ', 'Ậ', 'Ắ', 'Ằ', 'Ẳ', 'Ẵ', 'Ặ', 'Ǎ':
		return "A", true
	case 'ç', 'ć', 'ĉ', 'ċ', 'č':
		return "c", true
	case 'Ç', 'Ć', 'Ĉ', 'Ċ', 'Č':
		return "C", true
	case 'ď', 'đ', 'ð':
		return "d", true
	case 'Ď', 'Đ', 'Ð':
		return "D", true
	case 'è', 'é', 'ê', 'ë', 'ē', 'ĕ', 'ė', 'ę', 'ě', 'ẻ', 'ẽ', 'ẹ', 'ế', 'ề', 'ể', 'ễ', 'ệ':
		return "e", true
	case 'È', 'É', 'Ê', 'Ë', 'Ē', 'Ĕ', 'Ė', 'Ę', 'Ě', 'Ẻ', 'Ẽ', 'Ẹ', 'Ế', 'Ề', 'Ể', 'Ễ', 'Ệ':
		return "E", true
	case 'ĝ', 'ğ', 'ġ', 'ģ':
		return "g", true
	case 'Ĝ', 'Ğ', 'Ġ', 'Ģ':
		return "G", true
	case 'ĥ', 'ħ':
		return "h", true
	case 'Ĥ', 'Ħ':
		return "H", true
	case 'ì', 'í', 'î', 'ï', 'ĩ', 'ī', 'ĭ', 'į', 'ı', 'ỉ', 'ị', 'ǐ':
		return "i", true
	case 'Ì', 'Í', 'Î', 'Ï', 'Ĩ', 'Ī', 'Ĭ', 'Į', 'İ', 'Ỉ', 'Ị', 'Ǐ':
		return "I", true
	case 'ĵ':
		return "j", true
	case 'Ĵ':
		return "J", true
	case 'ķ', 'ĸ':
		return "k", true
	case 'Ķ':
		return "K", true
	case 'ĺ', 'ļ', 'ľ', 'ŀ', 'ł':
		return "l", true
	case 'Ĺ', 'Ļ', 'Ľ', 'Ŀ', 'Ł':
		return "L", true
	case 'ñ', 'ń', 'ņ', 'ň', 'ŉ', 'ŋ':
		return "n", true
	case 'Ñ', 'Ń', 'Ņ', 'Ň', 'Ŋ':
		return "N", true
	case 'ò', 'ó', 'ô', 'õ', 'ö', 'ø', 'ō', 'ŏ', 'ő', 'ỏ', 'ọ',
		'ố', 'ồ', 'ổ', 'ỗ', 'ộ', 'ơ', 'ớ', 'ờ', 'ở', 'ỡ', 'ợ', 'ǒ':
		return "o", true
	case 'Ò', 'Ó', 'Ô', 'Õ', 'Ö', 'Ø', 'Ō', 'Ŏ', 'Ő', 'Ỏ', 'Ọ',
		'Ố', 'Ồ', 'Ổ', 'Ỗ', 'Ộ', 'Ơ', 'Ớ', 'Ờ', 'Ở', 'Ỡ', 'Ợ', 'Ǒ':
		return "O", true
	case 'ŕ', 'ŗ', 'ř':
		return "r", true
	case 'Ŕ', 'Ŗ', 'Ř':
		return "R", true
	case 'ś', 'ŝ', 'ş', 'š', 'ș':
		return "s", true
	case 'Ś', 'Ŝ', 'Ş', 'Š', 'Ș':
		return "S", true
	case 'ţ', 'ť', 'ŧ', 'ț':
		return "t", true
	case 'Ţ', 'Ť', 'Ŧ', 'Ț':
		return "T", true
	case 'ù', 'ú', 'û', 'ü', 'ũ', 'ū', 'ŭ', 'ů', 'ű', 'ų', 'ủ', 'ụ', 'ư', 'ứ', 'ừ', 'ử', 'ữ', 'ự', 'ǔ':
		return "u", true
	case 'Ù', 'Ú', 'Û', 'Ü', 'Ũ', 'Ū', 'Ŭ', 'Ů', 'Ű', 'Ų', 'Ủ', 'Ụ', 'Ư', 'Ứ', 'Ừ', 'Ử', 'Ữ', 'Ự', 'Ǔ':
		return "U", true
	case 'ŵ':
		return "w", true
	case 'Ŵ':
		return "W", true
	case 'ý', 'ÿ', 'ŷ', 'ỳ', 'ỷ', 'ỹ', 'ỵ':
		return "y", true
	case 'Ý', 'Ÿ', 'Ŷ', 'Ỳ', 'Ỷ', 'Ỹ', 'Ỵ':
		return "Y", true
	case 'ź', 'ż', 'ž':
		return "z", true
	case 'Ź', 'Ż', 'Ž':
		return "Z", true
	case 'æ':
		return "ae", true
	case 'Æ':
		return "AE", true
	case 'œ':
		return "oe", true
	case 'Œ':
		return "OE", true
	case 'ß':
		return "ss", true
	case 'þ':
		return "th", true
	case 'Þ':
		return "Th", true
	}
	return "", false
}

// compose joins a letter and the combining accent after it where GSM-7 has the pair as one letter (é, ñ, Å …): mail
// clients and file systems of one vendor send them apart.
func compose(s string) string {
	if !strings.ContainsFunc(s, isMark) {
		return s
	}
	return strings.NewReplacer(
		"a\u0300", "à", "e\u0300", "è", "i\u0300", "ì", "o\u0300", "ò", "u\u0300", "ù", "e\u0301", "é", "E\u0301", "É",
		"a\u0308", "ä", "o\u0308", "ö", "u\u0308", "ü", "A\u0308", "Ä", "O\u0308", "Ö", "U\u0308", "Ü",
		"n\u0303", "ñ", "N\u0303", "Ñ", "a\u030A", "å", "A\u030A", "Å", "C\u0327", "Ç",
	).Replace(s)
}

// isMark tells the combining diacritical marks that accents are written with (U+0300 to U+036F).
func isMark(r rune) bool { return r >= 0x0300 && r <= 0x036F }
