package carriers

import (
	"context"
	"fmt"
	"io"
)

// Run starts the stand-ins, says on out where to click, gives the real addresses to ready and works until ctx ends.
func Run(ctx context.Context, cfg Config, out io.Writer, ready func(map[string]string)) error {
	c, err := Start(ctx, cfg)
	if err != nil {
		return err
	}
	defer c.Close()
	ready(c.Addresses())
	fmt.Fprintf(out, "Phones, chats and mailboxes: %s/\nMail relay: %s   Names: %s\n", c.URL(), c.MailAddr(), c.DNSAddr())
	<-ctx.Done()
	return nil
}
