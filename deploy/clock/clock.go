// Package clock is the demo's day: one clock for all sides, the border and the carriers, that a person can move forward.
//
// The rule: it never goes back. Numbers of heartbeats, due times and reports of days rest on that; whoever wants the
// real day again starts afresh, with nothing kept. It moves only between two works that hold it, so that nothing leased
// to be sent is leased a second time because the day changed. Deadlines of the network stay on the machine's clock.
package clock

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// MaxAhead bounds how far the clock runs ahead of the machine's: the border's keys are made at the first start and are
// used for a year.
const MaxAhead = 300 * 24 * time.Hour

// Errors of Move.
var (
	ErrBack = errors.New("the demo's clock does not go back, because what happened stays; start afresh for today")
	ErrFar  = errors.New("the demo's clock goes 300 days ahead at most")
)

// Clock is the machine's clock and an offset. It is safe for use by several goroutines.
type Clock struct {
	file  string
	ahead atomic.Int64
	moves sync.RWMutex // held for reading by works that a move must not fall into
}

// Open reads how far ahead the clock was; file is written at each move. A file that is not there is a clock that was
// never moved.
func Open(file string) (*Clock, error) {
	c := &Clock{file: file}
	b, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return nil, fmt.Errorf("open clock: %w", err)
	}
	d, err := time.ParseDuration(strings.TrimSpace(string(b)))
	if err != nil || d < 0 {
		return nil, fmt.Errorf("open clock: %s is no duration such as 72h; delete the file for today's time", file)
	}
	c.ahead.Store(int64(d))
	return c, nil
}

// Now is the demo's time.
func (c *Clock) Now() time.Time { return time.Now().Add(c.Ahead()) }

// Ahead is how far it is before the machine's.
func (c *Clock) Ahead() time.Duration { return time.Duration(c.ahead.Load()) }

// Hold keeps the clock from being moved until release is called, once. A move that waits lets no later Hold pass.
func (c *Clock) Hold() (release func()) {
	c.moves.RLock()
	return c.moves.RUnlock
}

// Move sets the clock to a moment, once no work holds it: some 30 s at the longest, while a carrier does not answer.
// The new offset is on the disk when it returns. ErrBack, ErrFar.
func (c *Clock) Move(to time.Time) error {
	return c.move(func() time.Duration { return time.Until(to) })
}

// Forward moves the clock by d. ErrBack, ErrFar.
func (c *Clock) Forward(d time.Duration) error {
	return c.move(func() time.Duration { return c.Ahead() + d })
}

func (c *Clock) move(ahead func() time.Duration) error {
	c.moves.Lock()
	defer c.moves.Unlock()
	next := ahead()
	switch {
	case next < c.Ahead():
		return ErrBack
	case next > MaxAhead:
		return ErrFar
	}
	if err := c.keep(next); err != nil {
		return fmt.Errorf("move clock: %w", err)
	}
	c.ahead.Store(int64(next))
	return nil
}

// keep replaces the file as a whole.
func (c *Clock) keep(d time.Duration) error {
	f, err := os.CreateTemp(filepath.Dir(c.file), ".clock-*")
	if err != nil {
		return err
	}
	_, err = f.WriteString(d.String() + "\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), c.file)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}
