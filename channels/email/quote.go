package email

import "strings"

// strip leaves of a mail's text what its writer wrote now: without the signature, and in an answer without what is
// quoted of the mail answered. When nothing would be left, all stays. A mail that answers none keeps what it quotes:
// somebody forwards it for us to read.
func strip(text string, answer bool) string {
	lines := strings.Split(strings.TrimRight(text, "\n\t "), "\n")
	kept := lines
	if answer {
		kept = unquoted(kept)
	}
	for i, l := range kept {
		if l == "-- " || l == "--" { // RFC 3676 §4.3
			kept = kept[:i]
			break
		}
	}
	if s := paragraphs(kept); s != "" {
		return s
	}
	return paragraphs(lines)
}

// paragraphs joins lines with at most one empty line between two, and none around.
func paragraphs(lines []string) string {
	var out []string
	for _, l := range lines {
		l = strings.TrimRight(l, " \t\u00a0")
		if l == "" && (len(out) == 0 || out[len(out)-1] == "") {
			continue
		}
		out = append(out, l)
	}
	return strings.TrimRight(strings.Join(out, "\n"), "\n")
}

// unquoted drops quoted lines, the line that introduces them, and all that stands under a copied header.
func unquoted(lines []string) []string {
	var out []string
	for i, l := range lines {
		switch {
		case copiedHeader(lines[i:]):
			return unruled(out)
		case strings.HasPrefix(strings.TrimLeft(l, " "), ">"):
			continue
		case introduces(lines[i:]):
			continue
		}
		out = append(out, l)
	}
	return out
}

// unruled drops a ruler at the end.
func unruled(lines []string) []string {
	for n := len(lines); n > 0; n-- {
		l := strings.TrimSpace(lines[n-1])
		if strings.Trim(l, "_-") != "" {
			return lines[:n]
		}
		if l != "" {
			return lines[:n-1]
		}
	}
	return lines
}

// introduces tells whether the first line is one like "On Monday, the city wrote:", with a quotation under it. Some
// programs break it into two lines.
func introduces(lines []string) bool {
	first := strings.TrimSpace(lines[0])
	for n := 1; n <= 2 && n <= len(lines); n++ {
		last := strings.TrimSpace(lines[n-1])
		if (strings.HasSuffix(last, ":") || strings.HasSuffix(last, "：")) && first != "" && quotedNext(lines[n:]) {
			return len(first) <= 250 && (n == 1 || introduction(first))
		}
	}
	return false
}

// introduction tells whether a line begins as those do that announce a quotation.
func introduction(l string) bool {
	for _, word := range [...]string{"On ", "Le ", "Am ", "El ", "في ", "在"} {
		if strings.HasPrefix(l, word) {
			return true
		}
	}
	return false
}

func quotedNext(lines []string) bool {
	for _, l := range lines {
		if l = strings.TrimSpace(l); l != "" {
			return strings.HasPrefix(l, ">")
		}
	}
	return false
}

// copiedHeader tells whether the old mail is copied from here on, as Outlook does: a ruler, or a From line with two
// more header lines close under it.
func copiedHeader(lines []string) bool {
	first := strings.ToLower(strings.Trim(lines[0], " -_*\t"))
	switch first {
	case "original message", "message d'origine", "message d’origine", "الرسالة الأصلية", "原始邮件", "ursprüngliche nachricht":
		return strings.HasPrefix(strings.TrimSpace(lines[0]), "-")
	}
	if !beginsWith(first, "from:", "de :", "de:", "von:", "من:", "发件人:", "发件人：") {
		return false
	}
	found := 0
	for _, l := range lines[1:min(6, len(lines))] {
		l = strings.ToLower(strings.Trim(l, " *\t"))
		if beginsWith(l, "sent:", "date:", "date :", "to:", "subject:", "envoyé", "à :", "à:", "objet", "gesendet:", "an:", "betreff:",
			"تم الإرسال", "إلى:", "الموضوع:", "发送时间", "收件人", "主题", "日期") {
			found++
		}
	}
	return found >= 2
}

func beginsWith(s string, prefixes ...string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(s, p) {
			return true
		}
	}
	return false
}
