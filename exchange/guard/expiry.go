package guard

import "gatehouse/exchange"

// judgeExpiry refuses what is too late to be of use, by the guard's own clock.
func judgeExpiry(it *Item) (exchange.Reason, error) {
	if !it.Header.Expires.IsZero() && it.Now.After(it.Header.Expires) {
		return exchange.ReasonExpired, nil
	}
	return exchange.ReasonNone, nil
}
