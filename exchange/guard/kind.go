package guard

import "gatehouse/exchange"

// judgeKind lets a document pass only in its own direction and in the version of its schema that this guard knows.
func judgeKind(it *Item) (exchange.Reason, error) {
	if !exchange.Crosses(it.Header.Kind, it.Lane) || it.Header.Schema != exchange.SchemaVersion {
		return exchange.ReasonSchema, nil
	}
	return exchange.ReasonNone, nil
}
