package guard

import "gatehouse/exchange"

// judgeLeak is the second line behind the inside's own leak rules, and knows nothing of them: whoever released it, no
// classification mark and no planted string leaves. It reads the text that the canonical filter found normal. Numbers
// and words are the inside's to judge, which alone knows what is the recipient's own.
func judgeLeak(it *Item) (exchange.Reason, error) {
	if len(it.Leaks.Stopping(it.Document)) > 0 {
		return exchange.ReasonLeak, nil
	}
	return exchange.ReasonNone, nil
}
