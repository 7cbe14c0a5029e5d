package gateway

import (
	"strings"

	"gatehouse/configs/texts"
	"gatehouse/gateway/table"
)

// sayTrouble says why an attached file gives no table, and what to do about it.
func (k *talk) sayTrouble(t *table.Trouble) {
	k.tell(k.text(troubleKey(t.Reason), texts.Args{
		"row": t.Row, "count": t.Count, "limit": t.Limit, "megabytes": t.Limit >> 20, "list": strings.Join(t.Names, ", "), "phone": k.phone(),
	}))
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
