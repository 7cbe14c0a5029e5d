package guard

import (
	"errors"

	"gatehouse/exchange"
)

// judgeCanonical parses the document and holds it against its grammar: the one canonical form, every field within its
// bound, text normal. It fails on the first fault.
func judgeCanonical(it *Item) (exchange.Reason, error) {
	d, err := exchange.Decode(it.Header.Kind, it.Content)
	it.Document = d
	return reasonOf(err), nil
}

// reasonOf gives the class of a fault that Decode found.
func reasonOf(err error) exchange.Reason {
	var field *exchange.FieldError
	switch {
	case err == nil:
		return exchange.ReasonNone
	case errors.As(err, &field):
		return field.Reason
	}
	return exchange.ReasonSchema
}
