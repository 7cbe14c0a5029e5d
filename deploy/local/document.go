package main

import (
	"strings"

	office "gatehouse/adapters/program"
	"gatehouse/configs/paper"
	"gatehouse/configs/texts"
)

// documents says in which languages decisions come with their document: a machine without fonts runs all the same.
func (c *Config) documents() string {
	words, err := texts.Load()
	if err != nil {
		return err.Error()
	}
	press, err := paper.Open(c.Office.Documents.Fonts)
	if err != nil {
		return err.Error()
	}
	return documents(words.Languages(), office.Unprinted(press, words, words.Languages()), c.Office.Documents.Off)
}

func documents(all, without []string, off bool) string {
	switch {
	case off:
		return "are switched off: decisions go as text alone"
	case len(without) == 0:
		return "come with the decisions on applications and declarations"
	}
	const install = "install fonts-noto-core and fonts-noto-cjk"
	if len(without) == len(all) {
		return "are not made, there is no font: decisions go as text alone; " + install
	}
	return "are not made in " + strings.Join(without, ", ") + ", for which there is no font; " + install
}
