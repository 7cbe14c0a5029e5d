package guard

import (
	"time"

	"gatehouse/exchange"
)

// judgeQuota bounds documents an hour and bytes a day, by the guard's clock. Parts count as bytes alone; the lane's
// own documents always pass, or the lane would stand still.
func judgeQuota(it *Item) (exchange.Reason, error) {
	m, l := it.memory, it.Limits
	if isLanes(it.Header.Kind) {
		return exchange.ReasonNone, nil
	}
	if m.day.start.Equal(it.Now.Truncate(24*time.Hour)) && m.day.bytes+int64(len(it.Content)) > l.BytesPerDay {
		return exchange.ReasonQuota, nil
	}
	if it.Header.Kind != exchange.KindPart &&
		m.hour.start.Equal(it.Now.Truncate(time.Hour)) && m.hour.documents >= l.DocumentsPerHour {
		return exchange.ReasonQuota, nil
	}
	if len(exchange.Files(it.Document)) > 0 && len(m.pending) >= l.Pending {
		return exchange.ReasonQuota, nil
	}
	return exchange.ReasonNone, nil
}
