package register

import (
	"errors"
	"testing"

	"gatehouse/adapters"
	"gatehouse/exchange"
)

// TestFormOfAnAdmin: who leaves loses the right on one officer's word, who follows gets it by two.
func TestFormOfAnAdmin(t *testing.T) {
	b := open(t)
	b.enter(northdock())
	b.published()
	const number, second = "12-345678-C", "second@northdock.example"
	do := func(change, address, successor, want string) string {
		t.Helper()
		a, ok := AskedBy(exchange.Case{Service: Form, Answers: []exchange.Answer{{Field: "company", Value: number}, {Field: "change", Value: change},
			{Field: "address", Value: address}, {Field: "successor", Value: successor}, {Field: "admin", Value: "yes"}}})
		waits, err := b.Fulfil(t.Context(), mei, a)
		b.must(err)
		if got := b.published(); got != want || !ok {
			t.Errorf("%s %s: %s, want %s", change, address, got, want)
		}
		return waits
	}
	if w := do(formSuspend, "Second@northdock.example", "", number+"/ r2  clean"); w != "" {
		t.Error("to suspend waits")
	}
	id := do(formResume, second, "", "")
	b.must(b.Confirm(t.Context(), vera, id))
	if got := b.published(); got != number+"/ r3 "+second+" second" {
		t.Errorf("resumed: %s", got)
	}
	id = do(formReplace, second, "third@northdock.example", number+"/ r4  clean")
	b.must(b.Confirm(t.Context(), vera, id))
	if got := b.published(); got != number+"/ r1 third@northdock.example second" {
		t.Errorf("replaced: %s", got)
	}
	for _, a := range []Asked{{Company: "10-000001-Y", Change: formAdd, Address: second}, {Company: number, Change: formLeave, Address: "nobody@northdock.example"},
		{Company: number, Change: formAdd, Address: "customs@northdock.example"}, {Company: number, Change: "", Address: "customs@northdock.example"}} {
		var f adapters.Fault
		if _, err := b.Fulfil(t.Context(), mei, a); !errors.As(err, &f) {
			t.Errorf("%+v: %v", a, err)
		}
	}
	if _, err := b.Fulfil(t.Context(), vera, Asked{Company: number, Change: formLeave, Address: "customs@northdock.example"}); !errors.Is(err, adapters.ErrForbidden) {
		t.Errorf("who is no officer: %v", err)
	}
	if _, ok := AskedBy(exchange.Case{Service: "ask"}); ok {
		t.Error("another form asks for clerks")
	}
}
