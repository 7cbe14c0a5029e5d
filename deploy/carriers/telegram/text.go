package telegram

import (
	"errors"
	"io"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/net/html"
)

// readText gives the text without its mark-up, and what the mark-up said. Of the parse modes only HTML is known; the
// Markdown ones are refused with Telegram's own words for an unknown mode.
func readText(s, mode string) (string, []TextEntity, *problem) {
	switch strings.ToLower(mode) {
	case "", "none":
		text := strings.TrimSpace(s)
		return text, command(text), nil
	case "html":
		return readHTML(s)
	}
	return "", nil, bad("unsupported parse_mode")
}

// command marks a leading /word, as Telegram does in both directions.
func command(text string) []TextEntity {
	word, _, _ := strings.Cut(text, " ")
	word, _, _ = strings.Cut(word, "\n")
	if len(word) < 2 || word[0] != '/' {
		return nil
	}
	return []TextEntity{{Type: "bot_command", Length: units(word)}}
}

func entityType(tag string) string {
	switch tag {
	case "b", "strong":
		return "bold"
	case "i", "em":
		return "italic"
	case "u", "ins":
		return "underline"
	case "s", "strike", "del":
		return "strikethrough"
	case "code", "pre", "blockquote":
		return tag
	case "a":
		return "text_link"
	case "tg-spoiler":
		return "spoiler"
	}
	return ""
}

// readHTML knows the tags of https://core.telegram.org/bots/api#html-style; any other is an error.
func readHTML(s string) (string, []TextEntity, *problem) {
	var text strings.Builder
	var open []TextEntity
	var tags []string
	var done []TextEntity
	length := 0
	z := html.NewTokenizer(strings.NewReader(s))
	for {
		switch z.Next() {
		case html.ErrorToken:
			if !errors.Is(z.Err(), io.EOF) || len(tags) > 0 {
				return "", nil, bad("can't parse entities: can't find end tag")
			}
			slices.SortStableFunc(done, func(a, b TextEntity) int { return a.Offset - b.Offset })
			trimmed, done := trim(text.String(), done)
			return trimmed, done, nil
		case html.TextToken:
			t := z.Token().Data
			text.WriteString(t)
			length += units(t)
		case html.StartTagToken:
			t := z.Token()
			kind := entityType(t.Data)
			if kind == "" {
				return "", nil, bad("can't parse entities: unsupported start tag \"" + t.Data + "\"")
			}
			e := TextEntity{Type: kind, Offset: length}
			for _, a := range t.Attr {
				if a.Key == "href" {
					e.URL = a.Val
				}
			}
			open, tags = append(open, e), append(tags, t.Data)
		case html.EndTagToken:
			t, n := z.Token(), len(tags)-1
			if n < 0 || tags[n] != t.Data {
				return "", nil, bad("can't parse entities: unexpected end tag")
			}
			e := open[n]
			open, tags = open[:n], tags[:n]
			if e.Length = length - e.Offset; e.Length > 0 {
				done = append(done, e)
			}
		}
	}
}

// trim takes the blanks off both ends of a text, and moves and cuts its entities accordingly.
func trim(text string, entities []TextEntity) (string, []TextEntity) {
	begun := strings.TrimLeftFunc(text, unicode.IsSpace)
	lead := units(text) - units(begun)
	text = strings.TrimSpace(begun)
	length := units(text)
	var kept []TextEntity
	for _, e := range entities {
		end := min(e.Offset+e.Length-lead, length)
		e.Offset = max(e.Offset-lead, 0)
		if e.Length = end - e.Offset; e.Length > 0 {
			kept = append(kept, e)
		}
	}
	return text, kept
}
