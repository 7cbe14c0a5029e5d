package guard

import (
	"encoding/hex"
	"strings"
	"unicode/utf16"

	"gatehouse/exchange"
)

// The words of a document are read as any reader would get them: what each glyph that is shown says of itself. So the
// leak rules hold for a document as for the notice that it came with. That a glyph looks like what it says is not
// checked; whoever draws something else than it says deceives a reader's eye, but no search.

// wordsOf gives what a document says, twice: with a break after each line, and with none, for what a line breaks in
// two. Both begin with its title and with what it says in the order of reading. errPaper when a glyph says nothing.
func wordsOf(all []object) (words [2]string, err error) {
	var lines []string
	for _, o := range all {
		if o.value.dict["Type"].name != "Page" {
			continue
		}
		shown, err := shownOn(all, o.value)
		if err != nil {
			return words, err
		}
		lines = append(lines, shown...)
	}
	var told []string
	for _, o := range all {
		for _, key := range []string{"Title", "Author", "ActualText"} {
			if t, ok := o.value.dict[key]; ok {
				told = append(told, utf16Text(t.text))
			}
		}
	}
	head := strings.Join(told, "\n") + "\n"
	return [2]string{exchange.Normalize(head + strings.Join(lines, "\n")), exchange.Normalize(head + strings.Join(lines, ""))}, nil
}

// shownOn gives the lines of a page.
func shownOn(all []object, page value) (lines []string, err error) {
	fonts := map[string]map[string]string{}
	for name, ref := range page.dict["Resources"].dict["Font"].dict {
		if fonts["/"+name], err = lettersOf(at(all, at(all, ref).value.dict["ToUnicode"]).plain); err != nil {
			return nil, err
		}
	}
	var line strings.Builder
	var font map[string]string
	err = pieces(at(all, page.dict["Contents"]).plain, func(piece string) error {
		switch {
		case fonts[piece] != nil:
			font = fonts[piece]
		case piece == "ET":
			lines = append(lines, line.String())
			line.Reset()
		case hexString(piece):
			for g := strings.Trim(piece, "<>"); g != ""; g = g[4:] {
				if len(g) < 4 || font[g[:4]] == "" {
					return notPaper("a glyph that says nothing is shown")
				}
				line.WriteString(font[g[:4]])
			}
		}
		return nil
	})
	if err == nil && line.Len() > 0 {
		err = notPaper("a page ends within a text")
	}
	return lines, err
}

// at gives the object that ref names; one that names none was refused before.
func at(all []object, ref value) object {
	if ref.ref == 0 {
		return object{}
	}
	return all[ref.ref-1]
}

// lettersOf reads which letters a font's glyphs say: pairs of strings between beginbfchar and endbfchar.
func lettersOf(b []byte) (letters map[string]string, err error) {
	letters = map[string]string{}
	within, glyph := false, ""
	err = pieces(b, func(piece string) error {
		switch {
		case piece == "beginbfchar" || piece == "endbfchar":
			within, glyph = piece == "beginbfchar", ""
		case !within:
		case glyph == "":
			glyph = strings.Trim(piece, "<>")
		default:
			raw, err := hex.DecodeString(strings.Trim(piece, "<>"))
			if err != nil || len(raw) == 0 || len(glyph) != 4 {
				return notPaper("a glyph has no letters")
			}
			letters[glyph], glyph = utf16Text(raw), ""
		}
		return nil
	})
	return letters, err
}

// utf16Text reads UTF-16 with the high byte first, behind its mark if it has one.
func utf16Text(b []byte) string {
	var units []uint16
	for ; len(b) >= 2; b = b[2:] {
		units = append(units, uint16(b[0])<<8|uint16(b[1]))
	}
	return strings.TrimPrefix(string(utf16.Decode(units)), "\ufeff")
}
