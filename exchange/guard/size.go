package guard

import "gatehouse/exchange"

// judgeSize bounds a document before it is parsed. A Part has its own bound.
func judgeSize(it *Item) (exchange.Reason, error) {
	most := it.Limits.DocumentBytes
	if it.Header.Kind == exchange.KindPart {
		most = exchange.MaxContent
	}
	if len(it.Content) > most {
		return exchange.ReasonSize, nil
	}
	return exchange.ReasonNone, nil
}
