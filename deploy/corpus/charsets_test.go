package corpus

import (
	"encoding/base64"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"

	"gatehouse/gateway"
)

// in gives a text in another encoding.
func in(e encoding.Encoding, text string) string {
	s, err := e.NewEncoder().String(text)
	if err != nil {
		panic(err) // the rows are ours
	}
	return s
}

// word is an encoded word of a header field (RFC 2047).
func word(charset, bytes string) string {
	return "=?" + charset + "?B?" + base64.StdEncoding.EncodeToString([]byte(bytes)) + "?="
}

func asksIn(lang string, holds ...string) fate {
	f := asked(holds...)
	f.lang = lang
	return f
}

// charsets are the ways in which letters are written down.
func charsets() []row {
	const zebra = "Un zèbre se tient sur le toit de l’opéra – merci de venir."
	utf16 := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM)
	return []row{
		{"quoted-printable", letter{subject: word("utf-8", "Zèbre"), mime: printable("text/plain; charset=utf-8", zebra)}, asksIn("fr", "Zèbre", zebra)},
		{"base64", letter{subject: "=?utf-8?q?Z=C3=A8bre?=", mime: coded("text/plain; charset=utf-8", []byte(zebra))}, asksIn("fr", "Zèbre", zebra)},
		{"Windows-1252", letter{subject: word("windows-1252", "Z\xe8bre"), mime: coded("text/plain; charset=windows-1252", []byte(in(charmap.Windows1252, zebra)))}, asksIn("fr", "Zèbre", zebra)},
		{"Windows-1252 that says it is UTF-8", letter{subject: "Z", mime: typed("text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit", in(charmap.Windows1252, zebra))}, asksIn("fr", zebra)},
		{"UTF-8 that says nothing", letter{subject: "Zèbre", mime: "\n" + zebra + "\n"}, asksIn("fr", "Zèbre", zebra)},
		{"UTF-8 that says it is ASCII", letter{subject: "Z", mime: typed("text/plain; charset=us-ascii", zebra)}, asksIn("fr", zebra)},
		{"ISO-2022-JP", letter{subject: "=?ISO-2022-JP?B?" + base64.StdEncoding.EncodeToString([]byte(in(japanese.ISO2022JP, "シマウマ"))) + "?=",
			mime: typed("text/plain; charset=ISO-2022-JP\nContent-Transfer-Encoding: 7bit", in(japanese.ISO2022JP, "屋根にシマウマがいます。"))}, asksIn("", "シマウマ", "屋根にシマウマがいます。")},
		{"GB18030", letter{subject: word("gb18030", in(simplifiedchinese.GB18030, "斑马")), mime: coded("text/plain; charset=GB18030", []byte(in(simplifiedchinese.GB18030, "歌剧院的屋顶上有一只斑马，请来看看。")))}, asksIn("zh", "斑马", "歌剧院的屋顶上有一只斑马")},
		{"GB2312 that holds more than GB2312", letter{subject: "x", mime: coded("text/plain; charset=gb2312", []byte(in(simplifiedchinese.GBK, "朱镕基路的屋顶上有一只斑马，请来看看。")))}, asksIn("zh", "朱镕基路")},
		{"Arabic in base64", letter{subject: word("utf-8", "حمار وحشي"), mime: coded("text/plain; charset=utf-8", []byte("يوجد حمار وحشي على سطح دار الأوبرا"))}, asksIn("ar", "حمار وحشي", "دار الأوبرا")},
		{"an unknown charset", letter{subject: "=?x-klingon?q?abc?=", mime: typed("text/plain; charset=x-klingon", "A zebra is on the roof.")}, asked("A zebra is on the roof.")},
		{"UTF-16 in base64", letter{subject: "Z", mime: coded("text/plain; charset=utf-16", []byte(in(utf16, zebra)))}, asksIn("fr", zebra)},
		{"a return in Windows-1252 with semicolons", letter{to: declareTour, subject: "Return", mime: mixed(plain("x"), attached("r.csv", "text/csv; charset=windows-1252", in(charmap.Windows1252, "Mois;Nuitées;Nuitées exonérées\r\n2026-10;412;30\r\n")))}, filedTour()},
		{"a return in UTF-16 with tabs, as Excel's Unicode text", letter{to: declareTour, subject: "Return", mime: mixed(plain("x"), attached("r.txt", "text/plain", in(utf16, "month\tnights\texempt\r\n2026-10\t412\t30\r\n")))}, filedTour()},
		{"a return with a byte order mark", letter{to: declareTour, subject: "Return", mime: mixed(plain("x"), attached("r.csv", "application/octet-stream", "\ufeff"+tour))}, filedTour()},
		{"base64 with foreign characters in it", letter{to: declareTour, subject: "Return", mime: mixed(plain("x"), typed("text/csv; name=r.csv\nContent-Transfer-Encoding: base64",
			"bW9udGgs!bmlnaHRzLGV4ZW1wdAoy\n MDI2LTEwLDQxMiwzMAo"))}, filedTour()},
		{"an unknown transfer encoding", letter{subject: "Z", mime: typed("text/plain; charset=utf-8\nContent-Transfer-Encoding: x-token", "A zebra is on the roof.")}, asked("A zebra is on the roof.")},
	}
}

// names are those of persons and files.
func names() []row {
	file := func(fields string) letter {
		return letter{subject: "Z", mime: mixed(plain("A zebra."), typed(fields, "%PDF-1.4\n%%EOF"))}
	}
	return []row{
		{"a name in RFC 2231", file("application/pdf\nContent-Disposition: attachment; filename*=UTF-8''d%C3%A9cision.pdf"), asked("[décision.pdf application/pdf]")},
		{"a name in RFC 2231, in pieces", file("application/pdf\nContent-Disposition: attachment; filename*0*=UTF-8''d%C3%A9ci; filename*1=\"sion.pdf\""), asked("[décision.pdf application/pdf]")},
		{"a name in RFC 2047, where it must not stand", file(`application/pdf; name="=?utf-8?q?r=C3=A9sum=C3=A9.pdf?="`), asked("[résumé.pdf application/pdf]")},
		{"a name with a path", file(`application/pdf` + "\n" + `Content-Disposition: attachment; filename="..\..\etc/passwd.pdf"`), asked("[passwd.pdf application/pdf]")},
		{"a name that turns its end around", file("application/pdf\nContent-Disposition: attachment; filename*=UTF-8''%E2%80%AEfdp.exe"), fate{trust: gateway.OfDomain, effect: "new ask", says: "mail.case", holds: []string{"fdp.exe"}, lacks: []string{"\u202e"}}},
		{"a file without a name", file("application/pdf\nContent-Disposition: attachment"), asked("[file-1.pdf application/pdf]")},
		{"a sender whose domain has an umlaut", letter{from: "=?utf-8?q?J=C3=B6rg?= <joerg@bücher.example>", answer: "joerg@xn--bcher-kva.example", sender: "joerg@xn--bcher-kva.example", subject: "Z", mime: plain("A zebra.")}, asked("A zebra.")},
		{"a sender whose name has an umlaut, with SMTPUTF8", letter{from: "jörg@bücher.example", answer: "jörg@xn--bcher-kva.example", utf8: true, subject: "Zebra auf dem Dach", mime: utf8Text("A zebra, grüßend.")}, asked("grüßend")},
		{"a display name in quotes with a comma", letter{from: `"Lee, Ann" <ann@lodging.example>`, subject: "Z", mime: plain("A zebra.")}, asked("A zebra.")},
		{"a comment beside the address", letter{from: "bea@lodging.example (Bea at the hotel)", subject: "Z", mime: plain("A zebra.")}, asked("A zebra.")},
	}
}
