package gateway_test

import (
	"testing"
	"time"

	"gatehouse/gateway"
)

// twoForms links an address with a half-filled permit to a phone with a half-filled pickup.
func twoForms(t *testing.T) *town {
	t.Helper()
	other := newWorld(t)
	other.ids = 500
	other.text("PERMIT")
	if other.draft == nil {
		t.Fatal("no second form")
	}
	c := newTown(t)
	c.sms("BOOK 14 Quay St, 1 3")
	c.drafted = other.draft
	c.sms("LINK jane@northdock.example")
	has(t, c.sms("481 920"), "is linked", "Two forms are open: 1 Pickup 2 Permit")
	if len(c.last.Joins) != 1 || c.draft == nil || len(c.shelf) != 1 {
		t.Fatalf("joins %v, form %v, %d wait", c.last.Joins, c.draft, len(c.shelf))
	}
	return c
}

// TestLinkKeepsBothForms: the one that was picked goes on, the other waits, and is offered when that one was sent.
func TestLinkKeepsBothForms(t *testing.T) {
	c := twoForms(t)
	pickup, permit := c.draft.ID, c.shelf[0].ID
	has(t, c.sms("2"), "Permit 1/")
	if c.draft.ID != permit || len(c.shelf) != 1 || c.shelf[0].ID != pickup || len(c.shelf[0].Form.Answers["items"]) != 2 {
		t.Fatalf("form %s, waits %+v", c.draft.ID, c.shelf)
	}
	has(t, c.sms("DROP"), "Deleted", "Your other form is next: pickup. GO goes on")
	if c.draft == nil || c.draft.ID != pickup || len(c.shelf) != 0 {
		t.Fatalf("form %+v, %d wait", c.draft, len(c.shelf))
	}
	has(t, c.sms("GO 3 Dec"), "Check: 1 14 Quay St 2 furniture, mattress 3 Thu 3 Dec")
	lacks(t, c.sms("SEND"), "other form")
}

// TestSentFormGivesWay: without an answer to the question the own form goes on, and the other comes after it.
func TestSentFormGivesWay(t *testing.T) {
	c := twoForms(t)
	permit := c.shelf[0].ID
	has(t, c.sms("1"), "Pickup 4/4")
	c.sms("3 Dec")
	has(t, c.sms("SEND"), "Sent. Reference", "Your other form is next: permit")
	if c.draft == nil || c.draft.ID != permit || len(c.shelf) != 0 {
		t.Fatalf("form %+v, %d wait", c.draft, len(c.shelf))
	}
	has(t, c.sms("GO"), "Permit 1/")
}

// TestShelfOutlivesAForgottenForm: a form that was kept to its end makes room for the one that waits, which is kept as
// long again.
func TestShelfOutlivesAForgottenForm(t *testing.T) {
	c := twoForms(t)
	pickup, permit := c.draft.ID, c.shelf[0].ID
	c.now = c.now.Add(9 * 24 * time.Hour)
	o := c.d.Wake(gateway.Turn{Now: c.now, NewID: c.newID, Claim: gateway.Claim{Wake: gateway.Wake{Kind: gateway.WakeEnd, Subject: pickup}, Contact: "c1"},
		Contact: c.contact, Draft: c.draft, Shelf: c.shelf}, gateway.Wake{Kind: gateway.WakeEnd, Subject: pickup})
	if o.DropDraft || o.Draft == nil || o.Draft.ID != permit || !o.Draft.Touched.Equal(c.now) {
		t.Fatalf("what goes on is %+v", o.Draft)
	}
	has(t, o.Deliveries[0].Message.Text, "was not sent and is deleted", "Your other form is next: permit")
	if len(o.Wakes) != 4 || o.Wakes[3].Subject != permit || o.Wakes[3].At.IsZero() {
		t.Errorf("wakes %+v", o.Wakes)
	}
}
