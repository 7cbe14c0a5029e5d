package carriers

import (
	"errors"
	"net/http"
	"time"
)

// controlClock shows and moves the demo's clock.
func (c *Carriers) controlClock(r *http.Request) (any, error) {
	clock := c.cfg.Clock
	if clock == nil {
		return nil, errors.New("clock: is this machine's and can't be moved here")
	}
	if r.Method == http.MethodPost {
		in, err := body[struct {
			By     string
			To     time.Time
			Afresh bool
		}](r)
		if err != nil {
			return nil, err
		}
		switch {
		case in.Afresh:
			err = clock.Afresh()
		case in.By != "":
			var d time.Duration
			if d, err = time.ParseDuration(in.By); err == nil {
				err = clock.Forward(d)
			}
		case !in.To.IsZero():
			err = clock.Move(in.To)
		default:
			err = errors.New("clock: says neither by, to nor afresh")
		}
		if err != nil {
			return nil, err
		}
	}
	return map[string]any{"now": clock.Now().In(c.cfg.Zone).Format(time.RFC3339), "ahead": clock.Ahead().String()}, nil
}
