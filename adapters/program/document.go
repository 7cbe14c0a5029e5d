package program

import (
	"fmt"

	"gatehouse/adapters/office"
	"gatehouse/configs/paper"
	"gatehouse/configs/texts"
)

// Unprinted gives those of the languages that have no document, because there is no font for the words of one.
func Unprinted(press *paper.Press, words *texts.Catalog, languages []string) (without []string) {
	for _, lang := range languages {
		if press.Can(words.Text(lang, "paper.title", nil), words.Text(lang, "paper.how", nil)) != nil {
			without = append(without, lang)
		}
	}
	return without
}

// papers opens the making of documents, and says at the start in which of the city's languages there will be none.
// nil: there are none at all.
func (h *house) papers() (*office.Papers, error) {
	d := h.cfg.Documents
	if d.Off {
		return nil, nil
	}
	press, err := paper.Open(d.Fonts)
	if err != nil {
		return nil, fmt.Errorf("documents.fonts: %w", err)
	}
	without := Unprinted(press, h.texts, h.catalog.City.Languages)
	if len(without) > 0 {
		h.Log.Warn("decisions in these languages go as text alone: there is no font for them; install fonts-noto-core and fonts-noto-cjk, or name fonts under documents.fonts",
			"languages", without)
	}
	if len(without) == len(h.catalog.City.Languages) {
		return nil, nil
	}
	return &office.Papers{Press: press, Catalog: h.catalog, Texts: h.texts, Name: h.cfg.Name, Letterhead: d.Letterhead, Check: d.Check}, nil
}
