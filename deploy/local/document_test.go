package main

import "testing"

func TestDocumentsAreAnnounced(t *testing.T) {
	all := []string{"ar", "en", "zh"}
	for want, c := range map[string]struct {
		without []string
		off     bool
	}{
		"come with the decisions on applications and declarations":                                               {nil, false},
		"are switched off: decisions go as text alone":                                                           {nil, true},
		"are not made, there is no font: decisions go as text alone; install fonts-noto-core and fonts-noto-cjk": {all, false},
		"are not made in ar, zh, for which there is no font; install fonts-noto-core and fonts-noto-cjk":         {[]string{"ar", "zh"}, false},
	} {
		if got := documents(all, c.without, c.off); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if got := new(Config).documents(); got != "come with the decisions on applications and declarations" {
		t.Errorf("with all fonts: %q", got)
	}
}
