package storetest

import (
	"bytes"
	"io"
	"strings"
	"time"

	"gatehouse/adapters"
	"gatehouse/exchange"
)

func (t *suite) pages() {
	page := func(rev uint64, body string) adapters.Page {
		return adapters.Page{Name: "bulky", Lang: "en", Revision: rev, Title: "Bulky", Body: body}
	}
	body := func() string {
		p, err := t.s.Page(t.Context(), "bulky", "en")
		t.must(err)
		return p.Body
	}
	found := func(q string) int {
		p, err := t.s.Shelf(t.Context(), "en", q, 10)
		t.must(err)
		return len(p)
	}
	for range 2 {
		t.must(t.s.Shelve(t.Context(), []adapters.Page{page(9, "sofa"), {Name: "bulky", Lang: "fr", Body: "canapé"}}))
	}
	t.must(t.s.Shelve(t.Context(), []adapters.Page{page(0, "couch")}))
	if body() != "couch" || found("couch") != 1 || found("sofa") != 0 || found("") != 1 {
		t.Errorf("the directory's newer file is not the page: %q", body())
	}
	d := adapters.Draft{ID: t.id(), Name: "bulky", By: "paulo", At: t.now, State: adapters.Proposed}
	t.must(t.s.Propose(t.Context(), d))
	t.is("a revision too far", t.s.Publish(t.Context(), d.ID, "vera", []adapters.Page{page(2, "divan")}, []exchange.Parcel{parcel("p")}), adapters.ErrMoved)
	t.must(t.s.Publish(t.Context(), d.ID, "vera", []adapters.Page{page(1, "divan")}, []exchange.Parcel{parcel("p")}))
	t.must(t.s.Shelve(t.Context(), []adapters.Page{page(0, "settee")}))
	if body() != "divan" || found("divan") != 1 || found("couch")+found("settee") != 0 || t.waiting() != 1 {
		t.Errorf("the publication is not the page: %q, told %d times", body(), t.waiting())
	}
	_, err := t.s.Page(t.Context(), "bulky", "zh")
	t.is("a language that is not there", err, adapters.ErrNotFound)
}

func (t *suite) drafts() {
	d := adapters.Draft{ID: t.id(), Name: "a", By: "paulo", At: t.now, State: adapters.Proposed, Pages: []adapters.Change{{Lang: "en", Body: "b"}}}
	t.must(t.s.Propose(t.Context(), d))
	t.is("by its author", t.s.Publish(t.Context(), d.ID, "paulo", nil, nil), adapters.ErrSamePerson)
	t.must(t.s.Reject(t.Context(), d.ID, "vera", "too long"))
	t.is("after it was rejected", t.s.Publish(t.Context(), d.ID, "vera", nil, nil), adapters.ErrGone)
	open, err := t.s.Drafts(t.Context(), true, 10)
	t.must(err)
	all, err := t.s.Drafts(t.Context(), false, 10)
	t.must(err)
	if len(open) != 0 || len(all) != 1 || all[0].State != adapters.Rejected || all[0].Why != "too long" || len(all[0].Pages) != 1 {
		t.Errorf("drafts %+v", all)
	}
}

func (t *suite) kept() {
	content := bytes.Repeat([]byte("gate"), exchange.PartSize/2)
	f, err := t.s.Keep(t.Context(), exchange.FileRef{ID: "k1", Name: "n"}, bytes.NewReader(content))
	t.must(err)
	r, err := t.s.Open(t.Context(), f)
	t.must(err)
	b, err := io.ReadAll(r)
	t.must(err)
	t.must(r.Close())
	if !bytes.Equal(b, content) || f.Size != int64(len(content)) {
		t.Errorf("%d bytes came back of %d", len(b), f.Size)
	}
	f.SHA256 = strings.Repeat("0", 64)
	r, err = t.s.Open(t.Context(), f)
	t.must(err)
	if _, err := io.ReadAll(r); err == nil {
		t.Error("a wrong sum was not noticed")
	}
}

func (t *suite) sessions() {
	t.must(t.s.SaveSession(t.Context(), "tok", []byte{0, 1, 255}, t.now.Add(time.Hour)))
	b, found, err := t.s.FindSession(t.Context(), "tok", t.now)
	t.must(err)
	_, late, err := t.s.FindSession(t.Context(), "tok", t.now.Add(time.Hour))
	t.must(err)
	t.must(t.s.EndSession(t.Context(), "tok"))
	_, ended, err := t.s.FindSession(t.Context(), "tok", t.now)
	t.must(err)
	if !found || !bytes.Equal(b, []byte{0, 1, 255}) || late || ended {
		t.Errorf("found %v %v, late %v, ended %v", found, b, late, ended)
	}
}

func (t *suite) reads() {
	for i, who := range []string{"a", "b", "a"} {
		t.must(t.s.Looked(t.Context(), adapters.Read{At: t.now.Add(time.Duration(i)), Staff: who, Case: "c1", What: "case", About: "x"}))
	}
	all, more, err := t.s.Reads(t.Context(), "", "c1", 2, 0)
	t.must(err)
	of, _, err := t.s.Reads(t.Context(), "b", "", 10, 0)
	t.must(err)
	none, _, err := t.s.Reads(t.Context(), "", "c2", 10, 0)
	t.must(err)
	if len(all) != 2 || !more || all[0].Staff != "a" || all[1].Staff != "b" || len(of) != 1 || len(none) != 0 {
		t.Errorf("reads %+v, of b %+v, of c2 %+v", all, of, none)
	}
}
