package program

import (
	"fmt"
	"log/slog"
	"time"

	"gatehouse/channels"
	"gatehouse/configs/secret"
	"gatehouse/gateway/volatile/local"
	"gatehouse/gateway/volatile/redis"
)

// volatile is what gateways share but may lose.
type volatile struct {
	channels.Lease
	channels.Limiter
	channels.Fanout
	close func() error
}

// openVolatile takes Redis where the configuration names one; several gateways need it. Else this process alone.
func openVolatile(url secret.Value, mark redis.Mark, log *slog.Logger, now func() time.Time) (volatile, error) {
	if url.IsZero() {
		v := local.New(now)
		return volatile{v, v, v, nil}, nil
	}
	v, err := redis.Open(redis.Config{URL: url}, mark, log, now)
	if err != nil {
		return volatile{}, fmt.Errorf("redis: %w", err)
	}
	return volatile{v, v, v, v.Close}, nil
}
