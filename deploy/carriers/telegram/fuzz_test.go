package telegram

import "testing"

// Whatever a bot sends as HTML, the entities lie within the text.
func FuzzReadHTML(f *testing.F) {
	for _, s := range []string{"<b>a</b> &amp; <i>b</i>", " <b> x </b> ", "<a href=x>", "</b>", "<b><i></b></i>", "<!-- x -->\xff", "<b>😀</b>\n "} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		text, entities, p := readHTML(s)
		if p != nil {
			return
		}
		for _, e := range entities {
			if e.Offset < 0 || e.Length <= 0 || e.Offset+e.Length > units(text) {
				t.Errorf("%q: %+v outside of %q", s, e, text)
			}
		}
	})
}

// A keyboard that is taken can be shown: every button has a text, and data within the limit.
func FuzzReadMarkup(f *testing.F) {
	for _, s := range []string{`{"inline_keyboard":[[{"text":"a","callback_data":"b"}]]}`, `{"keyboard":[["a",{"text":"b","request_contact":true}]]}`,
		`{"remove_keyboard":true}`, `{"force_reply":true}`, `{}`, `[]`, `{"keyboard":[[null]]}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		m, p := readMarkup(s)
		if p != nil || m.inline == nil {
			return
		}
		for _, row := range m.inline.Rows {
			for _, b := range row {
				if b.Text == "" || len(b.Data) > maxData {
					t.Errorf("%q: took %+v", s, b)
				}
			}
		}
	})
}
