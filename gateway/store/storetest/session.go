package storetest

import (
	"bytes"
	"time"

	"gatehouse/gateway/store"
)

// sessions outlive their gateway, end by themselves, and leave nothing.
func sessions(b *bench) {
	now := b.clock.now()
	b.must(b.PutSession(b.Context(), "t1", []byte("visit of Jo Quay"), now, now.Add(time.Hour)))
	b.must(b.PutSession(b.Context(), "t1", []byte("visit of Jo Quay, second click"), now, now.Add(time.Hour)))
	b.must(b.PutSession(b.Context(), "t2", []byte("another clerk"), now, now.Add(2*time.Hour)))
	other := b.open(store.Config{Owner: "another"})
	got, found, err := other.Session(b.Context(), "t1", now.Add(time.Hour-time.Second))
	b.must(err)
	b.equal("kept", []any{string(got), found}, []any{"visit of Jo Quay, second click", true})
	for where, raw := range b.place.Raw(b.T) {
		if bytes.Contains(raw, []byte("Jo Quay")) {
			b.Errorf("%s shows what a clerk wrote", where)
		}
	}
	_, found, err = other.Session(b.Context(), "t1", now.Add(time.Hour))
	b.must(err)
	b.equal("ended by itself", found, false)
	b.must(b.EndSession(b.Context(), "t2"))
	_, found, err = b.Session(b.Context(), "t2", now)
	b.must(err)
	b.equal("ended", found, false)
	b.must(b.PutSession(b.Context(), "t3", []byte("later"), now.Add(time.Hour), now.Add(2*time.Hour)))
	_, found, err = b.Session(b.Context(), "t1", now)
	b.must(err)
	b.equal("let go of on the way", found, false)
}
