package counter

import (
	"context"
	"time"

	"gatehouse/gateway"
)

// keeper is the session manager's store: what a clerk's page remembers outlives the gateway. The manager counts time by
// the machine's clock, so this does too.
type keeper struct{ sessions gateway.Sessions }

func (k keeper) FindCtx(ctx context.Context, token string) (b []byte, found bool, err error) {
	return k.sessions.Session(ctx, token, time.Now())
}

func (k keeper) CommitCtx(ctx context.Context, token string, b []byte, expiry time.Time) error {
	return k.sessions.PutSession(ctx, token, b, time.Now(), expiry)
}

func (k keeper) DeleteCtx(ctx context.Context, token string) error {
	return k.sessions.EndSession(ctx, token)
}

// Find, Commit and Delete are for managers that know no context; ours uses the ones above.

func (k keeper) Find(token string) (b []byte, found bool, err error) {
	return k.FindCtx(context.Background(), token)
}

func (k keeper) Commit(token string, b []byte, expiry time.Time) error {
	return k.CommitCtx(context.Background(), token, b, expiry)
}

func (k keeper) Delete(token string) error { return k.DeleteCtx(context.Background(), token) }
