package password

import (
	"context"
	"fmt"
	"testing"
	"time"
)

func TestPassword(t *testing.T) {
	hash, again := Hash("correct horse battery"), Hash("correct horse battery")
	if !Verify(hash, "correct horse battery") || Verify(hash, "correct horse batterz") || hash == again {
		t.Error("a password is not told from another")
	}
	for _, bad := range []string{"", "x", "$argon2id$v=19$m=0,t=1,p=1$AA$AA", "$argon2id$v=19$m=99999999,t=1,p=1$AA$AA", "$argon2i$v=19$m=8,t=1,p=1$AA$AA",
		"$argon2id$v=18$m=8,t=1,p=1$AA$AA", "$argon2id$v=19$m=8,t=1,p=1$!$AA", "$argon2id$v=19$m=8,t=1,p=1$AA$"} {
		if Verify(bad, "x") {
			t.Errorf("%q matches", bad)
		}
	}
}

func TestGuardIsBounded(t *testing.T) {
	now := time.Unix(0, 0).Add(time.Hour)
	g := NewGuard(func() time.Time { return now })
	for i := range maxTracked + 10 {
		g.Failed(fmt.Sprint("name", i), "10.0.0.1")
	}
	if len(g.bad) > maxTracked+2 {
		t.Errorf("%d are tracked", len(g.bad))
	}
	for range maxWrongHost {
		g.Failed("another", "10.0.0.2")
	}
	if g.Allows("fresh", "10.0.0.2") || !g.Allows("fresh", "10.0.0.3") {
		t.Error("a host that guesses goes on, or another is shut out")
	}
	now = now.Add(WrongTime + time.Second)
	if !g.Allows("another", "10.0.0.2") {
		t.Error("it does not forget")
	}
}

func TestContextEndsPasswordCheck(t *testing.T) {
	c := NewChecker()
	c.slots <- struct{}{}
	c.slots <- struct{}{}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if c.Check(ctx, Hash("x"), "x") {
		t.Error("checked without a slot")
	}
}
