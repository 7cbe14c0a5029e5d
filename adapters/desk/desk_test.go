package desk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gatehouse/adapters"
	"gatehouse/adapters/connectortest"
	"gatehouse/adapters/release"
	"gatehouse/adapters/store"
	"gatehouse/exchange"
)

var (
	lena = adapters.Staff{ID: "lena", Department: "waste", Roles: []adapters.Role{adapters.Officer, adapters.Releaser}}
	rosa = adapters.Staff{ID: "rosa", Department: "waste", Roles: []adapters.Role{adapters.Officer}}
	ines = adapters.Staff{ID: "ines", Department: "streets", Roles: []adapters.Role{adapters.Officer, adapters.Releaser}}
	paul = adapters.Staff{ID: "paul", Department: "desk", Roles: []adapters.Role{adapters.Publisher}}
	vera = adapters.Staff{ID: "vera", Department: "desk", Roles: []adapters.Role{adapters.Approver}}
	otto = adapters.Staff{ID: "otto", Department: "desk", Roles: []adapters.Role{adapters.Auditor}}
)

func open(t *testing.T, undo time.Duration) (*Desk, *store.Store) {
	t.Helper()
	s, err := store.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "office.db"), store.Options{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	policy, err := release.New(release.Config{}, func(int) int { return 99 })
	if err != nil {
		t.Fatal(err)
	}
	return Open(Shared{Store: s, Gate: yes{}, Policy: policy, Factor: onlyCode("123456"), Now: time.Now, Returned: func(r adapters.Record, _ *exchange.Addition) *adapters.Return { return r.Return }, NewID: func() string { return exchange.NewID(time.Now()) }, UndoTime: undo,
		Department: func(exchange.Case) string { return "waste" }, Known: func(d string) bool { return d == "waste" || d == "streets" },
		Until: func(service string, end time.Time) time.Time {
			if service == "SHORT" {
				return end
			}
			return end.AddDate(2, 0, 0)
		},
		Words: func(string, string) string { return "words of the template" }}), s
}

func TestConnector(t *testing.T) {
	connectortest.Run(t, func(t *testing.T) connectortest.Rig {
		d, s := open(t, 0)
		return connectortest.Rig{
			Connector: d,
			Registered: func(t *testing.T, id string) int {
				page, _, err := s.List(t.Context(), adapters.Filter{Departments: []string{"*"}})
				if err != nil {
					t.Fatal(err)
				}
				n := 0
				for _, r := range page {
					if r.ID() == id {
						n++
					}
				}
				return n
			},
			Decide: func(t *testing.T, ref, reason string) {
				p := adapters.Public{ID: exchange.NewID(time.Now()), State: exchange.Decided, Decision: exchange.Refused, Reason: reason, Releasable: true}
				if err := d.Tell(t.Context(), lena, ref, p); err != nil {
					t.Fatal(err)
				}
			},
			Added: func(t *testing.T, ref, id string) int {
				story, err := s.Story(t.Context(), ref)
				if err != nil {
					t.Fatal(err)
				}
				n := 0
				for _, e := range story {
					if e.Add != nil && e.Add.ID == id {
						n++
					}
				}
				return n
			},
			HasFile: func(t *testing.T, ref string, f exchange.FileRef, content string) bool {
				// The desk reads files from the office's store, where the border put them.
				kept, err := s.Keep(t.Context(), exchange.FileRef{ID: f.ID, Name: f.Name}, strings.NewReader(content))
				if err != nil {
					t.Fatal(err)
				}
				r, err := s.Record(t.Context(), ref)
				if err != nil || len(r.Case.Files) != 1 || r.Case.Files[0] != f || kept.SHA256 != f.SHA256 {
					t.Fatalf("record %+v, %v", r, err)
				}
				in, err := s.Open(t.Context(), r.Case.Files[0])
				if err != nil {
					t.Fatal(err)
				}
				b, err := io.ReadAll(in)
				return err == nil && string(b) == content
			},
			Reopen: func(*testing.T) adapters.Connector { return Open(d.Shared) },
		}
	})
}

// TestWhoMay is the table of acts and people, at the desk itself: a console with a fault can't do more.
func TestWhoMay(t *testing.T) {
	forbidden, missing, same := adapters.ErrForbidden, adapters.ErrNotFound, adapters.ErrSamePerson
	none := error(nil)
	d, _ := open(t, time.Minute)
	people := []adapters.Staff{rosa, lena, ines, paul, vera, otto}
	for name, c := range map[string]struct {
		act  func(d *Desk, who adapters.Staff, id string) error
		want [6]error // rosa lena ines paul vera otto
	}{
		"claim": {func(d *Desk, who adapters.Staff, id string) error { return d.Claim(t.Context(), who, id) },
			[6]error{none, none, missing, forbidden, forbidden, forbidden}},
		"note": {func(d *Desk, who adapters.Staff, id string) error { return d.Note(t.Context(), who, id, "n") },
			[6]error{none, none, missing, forbidden, forbidden, forbidden}},
		"move": {func(d *Desk, who adapters.Staff, id string) error {
			return d.Move(t.Context(), who, id, "streets", "w")
		},
			[6]error{none, none, missing, forbidden, forbidden, forbidden}},
		"tell": {func(d *Desk, who adapters.Staff, id string) error {
			return d.Tell(t.Context(), who, id, adapters.Public{ID: "x" + id, Text: "t", Releasable: true})
		}, [6]error{none, none, missing, missing, missing, forbidden}},
		"release what rosa wrote": {func(d *Desk, who adapters.Staff, id string) error {
			if err := d.Tell(t.Context(), rosa, id, adapters.Public{ID: "x" + id, Text: "t", Releasable: true}); err != nil {
				return err
			}
			return d.Release(t.Context(), who, "x"+id)
		}, [6]error{forbidden, none, missing, forbidden, forbidden, forbidden}},
		"undo what rosa wrote": {func(d *Desk, who adapters.Staff, id string) error {
			if err := d.Tell(t.Context(), rosa, id, adapters.Public{ID: "x" + id, Text: "t", Releasable: true}); err != nil {
				return err
			}
			return d.Undo(t.Context(), who, "x"+id)
		}, [6]error{none, forbidden, forbidden, forbidden, forbidden, forbidden}},
		"open": {func(d *Desk, who adapters.Staff, id string) error {
			_, err := d.Open(t.Context(), who, adapters.Inquiry{ID: "i" + id, Department: "streets", Subject: "s", Text: "t"})
			return err
		}, [6]error{none, none, none, none, forbidden, forbidden}},
		"send": {func(d *Desk, who adapters.Staff, id string) error {
			return d.Send(t.Context(), who, message("b"+id), "")
		}, [6]error{forbidden, forbidden, forbidden, none, forbidden, forbidden}},
		"release paul's message": {func(d *Desk, who adapters.Staff, id string) error {
			if err := d.Send(t.Context(), paul, message("b"+id), ""); err != nil {
				return err
			}
			return d.Release(t.Context(), who, "b"+id)
		}, [6]error{forbidden, forbidden, forbidden, forbidden, none, forbidden}},
		"release one's own": {func(d *Desk, who adapters.Staff, id string) error {
			who.Roles = append(who.Roles[:len(who.Roles):len(who.Roles)], adapters.Publisher, adapters.Approver)
			if err := d.Send(t.Context(), who, message("b"+id), ""); err != nil {
				return err
			}
			return d.Release(t.Context(), who, "b"+id)
		}, [6]error{same, same, same, same, same, same}},
	} {
		for i, who := range people {
			t.Run(fmt.Sprint(name, " ", who.ID), func(t *testing.T) {
				id, err := d.Submit(t.Context(), connectortest.NewCase(), nil)
				if err != nil {
					t.Fatal(err)
				}
				if err := c.act(d, who, id); !errors.Is(err, c.want[i]) {
					t.Errorf("%v, want %v", err, c.want[i])
				}
			})
		}
	}
}

func message(id string) exchange.Broadcast {
	return exchange.Broadcast{ID: id, List: "alerts", Priority: "routine", Bodies: []exchange.Body{{Lang: "en", Text: "storm"}}}
}

func TestFormsNameWhatIsWrong(t *testing.T) {
	d, _ := open(t, time.Minute)
	id, err := d.Submit(t.Context(), connectortest.NewCase(), nil)
	if err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("x", maxText+1)
	for name, c := range map[string]struct {
		err   error
		field string
	}{
		"no reason":       {d.Tell(t.Context(), lena, id, adapters.Public{State: exchange.Decided, Decision: exchange.Refused, Releasable: true}), "reason"},
		"blank reason":    {d.Tell(t.Context(), lena, id, adapters.Public{State: exchange.Decided, Decision: exchange.Refused, Reason: " \u200b\n", Releasable: true}), "reason"},
		"no decision":     {d.Tell(t.Context(), lena, id, adapters.Public{State: exchange.Decided, Reason: "r", Releasable: true}), "decision"},
		"withdrawn by us": {d.Tell(t.Context(), lena, id, adapters.Public{State: exchange.Decided, Decision: exchange.Withdrawn, Reason: "r", Releasable: true}), "decision"},
		"odd state":       {d.Tell(t.Context(), lena, id, adapters.Public{State: exchange.Received, Text: "t", Releasable: true}), "state"},
		"no text":         {d.Tell(t.Context(), lena, id, adapters.Public{Releasable: true}), "text"},
		"long text":       {d.Tell(t.Context(), lena, id, adapters.Public{Text: long, Releasable: true}), "text"},
		"no words":        {d.Tell(t.Context(), lena, id, adapters.Public{State: exchange.InOA, Words: " .", Releasable: true}), "words"},
		"long words":      {d.Tell(t.Context(), lena, id, adapters.Public{State: exchange.InOA, Words: long[:adapters.MaxWords+1], Releasable: true}), "words"},
		"rows, no date":   {d.Tell(t.Context(), lena, id, adapters.Public{State: exchange.WaitingYou, Text: "t", Correct: 2, Releasable: true}), "promise"},
		"no rows":         {d.Tell(t.Context(), lena, id, adapters.Public{State: exchange.WaitingYou, Text: "t", Correct: -1, Releasable: true}), "correct"},
		"no label":        {d.Tell(t.Context(), lena, id, adapters.Public{Text: "t"}), "releasable"},
		"no note":         {d.Note(t.Context(), lena, id, ""), "note"},
		"no department":   {d.Move(t.Context(), lena, id, "moon", "w"), "department"},
	} {
		var f adapters.Fault
		if !errors.As(c.err, &f) || f.Field != c.field {
			t.Errorf("%s: %v, want a fault of %s", name, c.err, c.field)
		}
	}
	r, err := d.Store.Record(t.Context(), id)
	if err != nil || r.Held != "" {
		t.Errorf("a wrong form did something: %+v, %v", r, err)
	}
}

func TestLockHoldsOthersOff(t *testing.T) {
	now := time.Now()
	d, _ := open(t, time.Minute)
	d.Now = func() time.Time { return now }
	id, err := d.Submit(t.Context(), connectortest.NewCase(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		after time.Duration
		err   error
		want  error
	}{
		{0, d.Claim(t.Context(), rosa, id), nil},
		{0, d.Claim(t.Context(), lena, id), adapters.ErrLocked},
		{0, d.Return(t.Context(), lena, id), adapters.ErrLocked},
		{0, d.Note(t.Context(), lena, id, "a colleague may note"), nil},
	} {
		if !errors.Is(step.err, step.want) {
			t.Errorf("%v, want %v", step.err, step.want)
		}
	}
	now = now.Add(adapters.LockTime)
	if err := d.Claim(t.Context(), lena, id); err != nil {
		t.Errorf("a lock that ran out: %v", err)
	}
	if err := d.Return(t.Context(), lena, id); err != nil {
		t.Error(err)
	}
	if r, err := d.Store.Record(t.Context(), id); err != nil || r.Assignee != "" || r.Lock.By != "" {
		t.Errorf("given back, but %+v, %v", r, err)
	}
}

// yes is a gate that lets everything through: what the desk itself refuses is tested here.
type yes struct{ adapters.Gate }

func (yes) Approve(_ context.Context, d exchange.Document) (exchange.Document, error) { return d, nil }

// onlyCode is a second factor with one code.
type onlyCode string

func (o onlyCode) Check(_ context.Context, _ adapters.Staff, code string) error {
	if code != string(o) {
		return adapters.Fault{Field: "code", Key: "console.fault.code"}
	}
	return nil
}
