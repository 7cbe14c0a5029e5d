// Package factor is staff's second factor: time-based one-time codes (RFC 6238) from an app on their phone.
//
// The rule: a code counts once, few may be wrong, and the secret leaves this package only to be shown to its owner
// while they enrol.
package factor

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // what RFC 6238 names and every authenticator app speaks; HMAC needs no collision resistance
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"gatehouse/adapters"
)

const (
	// step is how long a code lasts (RFC 6238 §4.1).
	step = 30 * time.Second
	// skew is how many steps before and after now are taken too (§5.2): phones' clocks differ.
	skew = 1
	// secretSize is the length of HMAC-SHA-1, as RFC 4226 §4 recommends.
	secretSize = 20
	// maxWrong codes of one person may be wrong within wrongTime: of a million codes three count at a time.
	maxWrong  = 5
	wrongTime = 15 * time.Minute
)

// Factors checks codes. It is safe for concurrent use.
type Factors struct {
	store adapters.Factors
	now   func() time.Time

	mu    sync.Mutex
	wrong map[string][]time.Time
}

var _ adapters.SecondFactor = (*Factors)(nil)

// Open makes Factors.
func Open(store adapters.Factors, now func() time.Time) *Factors {
	return &Factors{store: store, now: now, wrong: map[string][]time.Time{}}
}

// code is the six digits of a time step (RFC 4226 §5.3).
func code(secret []byte, at int64) string {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(at))
	h := hmac.New(sha1.New, secret)
	h.Write(b[:])
	sum := h.Sum(nil)
	o := sum[len(sum)-1] & 15
	return fmt.Sprintf("%06d", binary.BigEndian.Uint32(sum[o:o+4])&0x7fffffff%1_000_000)
}

// Code gives what a phone with that secret shows at t. It is for tests, and for nobody else.
func Code(secret []byte, t time.Time) string { return code(secret, t.Unix()/int64(step/time.Second)) }

// Enrolled tells whether who has a second factor.
func (f *Factors) Enrolled(ctx context.Context, who adapters.Staff) (bool, error) {
	s, err := f.store.Factor(ctx, who.ID)
	if errors.Is(err, adapters.ErrNotFound) {
		return false, nil
	}
	return s.Confirmed, err
}

// Begin gives who a new secret as they type it into an app (base 32, RFC 4648 §6), to be shown to them, and kept as theirs once Confirm has seen a code of it. ErrGone
// when they have one: an operator takes it away first, so that a stolen session can't replace it.
func (f *Factors) Begin(ctx context.Context, who adapters.Staff) (secret string, err error) {
	s, err := f.store.Factor(ctx, who.ID)
	switch {
	case err == nil && s.Confirmed:
		return "", adapters.ErrGone
	case errors.Is(err, adapters.ErrNotFound):
		s.Secret = make([]byte, secretSize)
		rand.Read(s.Secret)
		err = f.store.SaveFactor(ctx, who.ID, s)
	}
	if err != nil {
		return "", err
	}
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(s.Secret), nil
}

// Confirm makes the secret of Begin who's second factor, if they show a code of it.
func (f *Factors) Confirm(ctx context.Context, who adapters.Staff, code string) error {
	s, err := f.store.Factor(ctx, who.ID)
	if err != nil {
		return err
	}
	if s.Confirmed {
		return adapters.ErrGone
	}
	at, err := f.match(who, s, code)
	if err != nil {
		return err
	}
	s.Confirmed, s.Last = true, at
	return f.store.SaveFactor(ctx, who.ID, s)
}

// Check takes a code of who once.
func (f *Factors) Check(ctx context.Context, who adapters.Staff, code string) error {
	s, err := f.store.Factor(ctx, who.ID)
	if errors.Is(err, adapters.ErrNotFound) || err == nil && !s.Confirmed {
		return adapters.Fault{Field: "code", Key: "console.fault.no_factor"}
	}
	if err != nil {
		return err
	}
	at, err := f.match(who, s, code)
	if err != nil {
		return err
	}
	err = f.store.UseFactor(ctx, who.ID, at)
	if errors.Is(err, adapters.ErrGone) {
		return adapters.Fault{Field: "code", Key: "console.fault.code"}
	}
	return err
}

// match gives the step of a code that is right and was not used.
func (f *Factors) match(who adapters.Staff, s adapters.Factor, said string) (int64, error) {
	if !f.allows(who.ID) {
		return 0, adapters.Fault{Field: "code", Key: "console.fault.code_wait"}
	}
	said = strings.ReplaceAll(strings.TrimSpace(said), " ", "")
	now, found := f.now().Unix()/int64(step/time.Second), int64(0)
	for at := now - skew; at <= now+skew; at++ {
		if subtle.ConstantTimeCompare([]byte(code(s.Secret, at)), []byte(said)) == 1 && at > s.Last {
			found = at
		}
	}
	if found == 0 {
		f.failed(who.ID)
		return 0, adapters.Fault{Field: "code", Key: "console.fault.code"}
	}
	return found, nil
}

func (f *Factors) allows(id string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	since, recent := f.now().Add(-wrongTime), 0
	for _, t := range f.wrong[id] {
		if t.After(since) {
			recent++
		}
	}
	return recent < maxWrong
}

// failed remembers a wrong code; the ids are those of staff who are logged in, so there are few.
func (f *Factors) failed(id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := append(f.wrong[id], f.now())
	f.wrong[id] = all[max(0, len(all)-maxWrong):]
}
