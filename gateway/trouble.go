package gateway

import (
	"strings"

	"gatehouse/configs/texts"
	"gatehouse/gateway/table"
)

// sayTrouble says why an attached file gives no table, and what to do about it.
func (k *talk) sayTrouble(t *table.Trouble) {
	k.tell(TroubleWords(k.d.texts, k.lang, k.phone(), t, false))
	k.instead(TroubleWords(k.d.texts, k.lang, k.phone(), t, true))
}

// TroubleWords says why a file gives no table, and what to do about it, to who mailed it or to who uploaded it on a page.
func TroubleWords(c *texts.Catalog, lang, phone string, t *table.Trouble, page bool) string {
	key := troubleKey(t.Reason)
	if other := pageTrouble(t.Reason); page && other != "" {
		key = other
	}
	return c.Text(lang, "citizen."+key, texts.Args{
		"row": t.Row, "count": t.Count, "limit": t.Limit, "megabytes": t.Limit >> 20, "list": strings.Join(t.Names, ", "), "phone": phone,
	})
}

// pageTrouble is the sentence of a page where that of a mail speaks of mails; empty: both say the same.
func pageTrouble(r table.Reason) (key string) {
	switch r {
	case table.NoHeader:
		key = "mail.upload.trouble.header"
	case table.Password:
		key = "mail.upload.trouble.password"
	case table.SeveralFiles, table.ZipInZip:
		key = "mail.upload.trouble.several"
	case table.NotATable, table.Winmail:
		key = "mail.upload.trouble.kind"
	default: // the sentence fits both
	}
	return key
}

// troubleKey is the sentence with the fix for what clerks really send.
func troubleKey(r table.Reason) (key string) {
	switch r {
	case table.Empty:
		key = "mail.trouble.empty"
	case table.NoHeader:
		key = "mail.trouble.header"
	case table.OpenQuote:
		key = "mail.trouble.quote"
	case table.Password:
		key = "mail.trouble.password"
	case table.OldFormat:
		key = "mail.trouble.old"
	case table.Macros:
		key = "mail.trouble.macros"
	case table.Winmail:
		key = "mail.trouble.winmail"
	case table.TooBig:
		key = "mail.trouble.big"
	case table.TooManyRows:
		key = "mail.trouble.rows"
	case table.TooWide, table.TooManyCells, table.LongCell:
		key = "mail.trouble.wide"
	case table.Bomb, table.TooDeep, table.DTD:
		key = "mail.trouble.hostile"
	case table.TwiceNamed:
		key = "mail.trouble.twice"
	case table.SeveralFiles:
		key = "mail.trouble.several"
	case table.ZipInZip:
		key = "mail.trouble.zip"
	case table.AllErrors:
		key = "mail.trouble.errors"
	case table.NotATable:
		key = "mail.trouble.kind"
	default:
		key = "mail.unreadable"
	}
	return key
}
