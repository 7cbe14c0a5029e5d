package factor

import (
	"context"
	"encoding/base32"
	"errors"
	"testing"
	"time"

	"gatehouse/adapters"
)

// TestVectors are those of RFC 6238 Appendix B, of which a code here is the last six digits.
func TestVectors(t *testing.T) {
	secret := []byte("12345678901234567890")
	for at, want := range map[int64]string{
		59: "94287082", 1111111109: "07081804", 1111111111: "14050471", 1234567890: "89005924", 2000000000: "69279037", 20000000000: "65353130",
	} {
		if got := Code(secret, time.Unix(at, 0)); got != want[2:] {
			t.Errorf("at %d: %s, want %s", at, got, want[2:])
		}
	}
}

// kept is a store of one person's factor.
type kept struct{ all map[string]adapters.Factor }

func (k kept) Factor(_ context.Context, id string) (adapters.Factor, error) {
	f, ok := k.all[id]
	if !ok {
		return f, adapters.ErrNotFound
	}
	return f, nil
}

func (k kept) SaveFactor(_ context.Context, id string, f adapters.Factor) error {
	k.all[id] = f
	return nil
}

func (k kept) UseFactor(_ context.Context, id string, at int64) error {
	f := k.all[id]
	if at <= f.Last {
		return adapters.ErrGone
	}
	f.Last = at
	k.all[id] = f
	return nil
}

func TestCodeCountsOnceAndInItsTime(t *testing.T) {
	now := time.Unix(1_790_000_000, 0)
	store := kept{map[string]adapters.Factor{}}
	f := Open(store, func() time.Time { return now })
	ana := adapters.Staff{ID: "ana"}
	says := func(what string, err error, want string) {
		t.Helper()
		var fault adapters.Fault
		if want == "" && err != nil || want != "" && (!errors.As(err, &fault) || fault.Field != "code" || fault.Key != "console.fault."+want) {
			t.Errorf("%s: %v, want %q", what, err, want)
		}
	}
	says("before enrolment", f.Check(t.Context(), ana, "123456"), "no_factor")
	text, err := f.Begin(t.Context(), ana)
	if err != nil {
		t.Fatal(err)
	}
	again, err := f.Begin(t.Context(), ana)
	if err != nil || again != text {
		t.Errorf("a second look at the page gives another secret: %v", err)
	}
	secret, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(text)
	if err != nil || len(secret) != secretSize {
		t.Fatalf("secret of %d bytes, %v", len(secret), err)
	}
	says("not confirmed", f.Check(t.Context(), ana, Code(secret, now)), "no_factor")
	says("wrong", f.Confirm(t.Context(), ana, "000000"), "code")
	says("right", f.Confirm(t.Context(), ana, Code(secret, now)), "")
	says("the one of the enrolment", f.Check(t.Context(), ana, Code(secret, now)), "code")
	if _, err := f.Begin(t.Context(), ana); !errors.Is(err, adapters.ErrGone) {
		t.Errorf("a second factor is replaced: %v", err)
	}
	now = now.Add(2 * step)
	says("a step early, with blanks", f.Check(t.Context(), ana, " "+Code(secret, now.Add(-step))[:3]+" "+Code(secret, now.Add(-step))[3:]), "")
	says("now", f.Check(t.Context(), ana, Code(secret, now)), "")
	says("twice", f.Check(t.Context(), ana, Code(secret, now)), "code")
	says("too old", f.Check(t.Context(), ana, Code(secret, now.Add(-2*step))), "code")
	now = now.Add(wrongTime + step)
	for range maxWrong {
		says("guessed", f.Check(t.Context(), ana, "12345"), "code")
	}
	says("right after guessing", f.Check(t.Context(), ana, Code(secret, now)), "code_wait")
	now = now.Add(wrongTime + time.Second)
	says("later", f.Check(t.Context(), ana, Code(secret, now)), "")
}
