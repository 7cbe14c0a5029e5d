package pages

import (
	"errors"
	"net/http"
	"time"
)

// clockForm is how a browser writes a moment, in the city's zone.
const clockForm = "2006-01-02T15:04"

var errClockForm = errors.New("write hours such as 24h, or a day and time")

type clockData struct {
	Now, Machine time.Time
	Ahead        string
	Afresh       bool
}

func (p *Pages) showClock(w http.ResponseWriter, r *http.Request, status int, fault string) {
	c := p.house.Clock
	p.show(w, r, status, "clock", view{Title: "The demo's clock", Self: "/clock", Fault: fault, Data: clockData{
		Now: c.Now().In(p.house.Zone), Machine: time.Now().In(p.house.Zone), Ahead: ahead(c.Ahead())}})
}

// ahead says how far a clock runs ahead, to the minute.
func ahead(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return d.Round(time.Minute).String()
}

// moveClock takes by (a duration), to (a moment in the city's zone) or afresh.
func (p *Pages) moveClock(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 4<<10)
	c := p.house.Clock
	if r.PostFormValue("afresh") != "" {
		if err := c.Afresh(); err != nil {
			p.showClock(w, r, http.StatusBadRequest, err.Error())
			return
		}
		w.Header().Set("Refresh", "8; url=/clock")
		p.show(w, r, http.StatusOK, "clock", view{Title: "The demo's clock", Self: "/clock", Data: clockData{Afresh: true}})
		return
	}
	var err error
	if by := r.PostFormValue("by"); by != "" {
		d, bad := time.ParseDuration(by)
		if err = errClockForm; bad == nil {
			err = c.Forward(d)
		}
	} else {
		to, bad := time.ParseInLocation(clockForm, r.PostFormValue("to"), p.house.Zone)
		if err = errClockForm; bad == nil {
			err = c.Move(to)
		}
	}
	p.done(w, r, err, func(fault string) { p.showClock(w, r, http.StatusBadRequest, fault) })
}
