package adapters

import (
	"testing"
	"time"

	"gatehouse/exchange"
)

func TestWhoSeesWhichDepartment(t *testing.T) {
	for name, c := range map[string]struct {
		who             Staff
		own, other      bool
		works, worksOut bool
	}{
		"officer":           {Staff{Department: "waste", Roles: []Role{Officer}}, true, false, true, false},
		"officer of two":    {Staff{Department: "waste", Sees: []string{"streets"}, Roles: []Role{Officer}}, true, true, true, true},
		"officer of all":    {Staff{Department: "desk", Sees: []string{"*"}, Roles: []Role{Officer}}, true, true, true, true},
		"releaser":          {Staff{Department: "waste", Roles: []Role{Releaser}}, true, false, false, false},
		"auditor":           {Staff{Department: "desk", Roles: []Role{Auditor}}, true, true, false, false},
		"publisher":         {Staff{Department: "waste", Roles: []Role{Publisher}}, false, false, false, false},
		"publisher of all":  {Staff{Department: "waste", Sees: []string{"*"}, Roles: []Role{Publisher}}, false, false, false, false},
		"approver":          {Staff{Department: "waste", Roles: []Role{Approver}}, false, false, false, false},
		"nobody in no role": {Staff{Department: "waste"}, false, false, false, false},
	} {
		if got := [4]bool{c.who.MaySee("waste"), c.who.MaySee("streets"), c.who.MayWork("waste"), c.who.MayWork("streets")}; got != [4]bool{c.own, c.other, c.works, c.worksOut} {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestRecordFollowsItsNotices(t *testing.T) {
	now := time.Now()
	r := Record{State: exchange.InOA, Due: now}
	r.Follow(exchange.Notice{Text: "a reply", At: now.Add(1)})
	if r.State != exchange.InOA || !r.Due.Equal(now) || !r.Changed.Equal(now.Add(1)) {
		t.Errorf("a plain reply changed it: %+v", r)
	}
	r.Follow(exchange.Notice{State: exchange.Decided, Decision: exchange.Granted, At: now.Add(2)})
	if !r.Closed() || r.Decision != exchange.Granted || r.Late(now.Add(time.Hour)) {
		t.Errorf("decided: %+v", r)
	}
	r.Follow(exchange.Notice{State: exchange.Reopened, Promise: now.Add(time.Minute), At: now.Add(3)})
	if r.Closed() || r.Decision != exchange.Undecided || !r.Late(now.Add(time.Hour)) || r.Late(now) {
		t.Errorf("reopened: %+v", r)
	}
}

func TestLockHolds(t *testing.T) {
	now := time.Now()
	l := Lock{By: "rosa", Until: now.Add(time.Minute)}
	if l.Holds("rosa", now) || !l.Holds("lena", now) || l.Holds("lena", now.Add(time.Minute)) || (Lock{}).Holds("lena", now) {
		t.Error("a lock holds the wrong people off")
	}
}
