package clock

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestMovesForwardAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "clock")
		c, err := Open(file)
		if err != nil || c.Ahead() != 0 {
			t.Fatal(c, err)
		}
		for _, step := range []struct {
			move func() error
			err  error
			want time.Duration
		}{
			{func() error { return c.Forward(72 * time.Hour) }, nil, 72 * time.Hour},
			{func() error { return c.Forward(-time.Second) }, ErrBack, 72 * time.Hour},
			{func() error { return c.Move(time.Now()) }, ErrBack, 72 * time.Hour},
			{func() error { return c.Move(c.Now().Add(-time.Minute)) }, ErrBack, 72 * time.Hour},
			{func() error { return c.Move(c.Now().Add(time.Hour)) }, nil, 73 * time.Hour},
			{func() error { return c.Forward(MaxAhead) }, ErrFar, 73 * time.Hour},
			{func() error { return c.Forward(0) }, nil, 73 * time.Hour},
		} {
			if err := step.move(); !errors.Is(err, step.err) || c.Ahead() != step.want || time.Until(c.Now()) != step.want {
				t.Errorf("it is %s ahead, want %s; %v", c.Ahead(), step.want, err)
			}
		}
		again, err := Open(file)
		if err != nil || again.Ahead() != 73*time.Hour {
			t.Errorf("after a restart it is %v ahead, %v", again.Ahead(), err)
		}
	})
}

// TestMovesBetweenWorks: what is under way ends at the time at which it began, and what comes later waits.
func TestMovesBetweenWorks(t *testing.T) {
	c, err := Open(filepath.Join(t.TempDir(), "clock"))
	if err != nil {
		t.Fatal(err)
	}
	first, moved, later := c.Hold(), make(chan error, 1), make(chan time.Duration, 1)
	go func() { moved <- c.Forward(time.Hour) }()
	for c.moves.TryRLock() { // until the move waits
		c.moves.RUnlock()
	}
	go func() {
		defer c.Hold()()
		later <- c.Ahead()
	}()
	if len(moved) > 0 || c.Ahead() != 0 {
		t.Fatal("it moved while a work held it")
	}
	first()
	if err := <-moved; err != nil {
		t.Fatal(err)
	}
	if got := <-later; got != time.Hour {
		t.Errorf("what began later saw %s", got)
	}
}

func TestDamagedFileSaysWhatToDo(t *testing.T) {
	file := filepath.Join(t.TempDir(), "clock")
	for _, s := range []string{"", "tomorrow", "-3h"} {
		if err := os.WriteFile(file, []byte(s), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(file); err == nil || !strings.Contains(err.Error(), "delete the file") {
			t.Errorf("%q: %v", s, err)
		}
	}
	c, err := Open(filepath.Join(t.TempDir(), "missing", "clock"))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Forward(time.Hour); err == nil || c.Ahead() != 0 {
		t.Errorf("a move that can't be kept was made: %v, %v", c.Ahead(), err)
	}
}
