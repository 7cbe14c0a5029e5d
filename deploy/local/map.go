package main

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"gatehouse/exchange"
	guard "gatehouse/exchange/program"
)

// stated are the statements of isolation in the file, by their keys.
func (c *Config) stated() []struct{ key, isolation string } {
	return []struct{ key, isolation string }{
		{"gateway.exchange.isolation", c.Gateway.Exchange.Isolation}, {"up.isolation", c.Up.Isolation}, {"down.isolation", c.Down.Isolation},
		{"office.exchange.isolation", c.Office.Exchange.Isolation},
	}
}

// alone tells which statements of isolation are not true of one process on one machine.
func (c *Config) alone() []error {
	var all []error
	for _, s := range c.stated() {
		if s.isolation != guard.None {
			all = append(all, fmt.Errorf("%s: is %q, but all sides run in this one process; write none", s.key, s.isolation))
		}
	}
	return all
}

// links gives both ends of each stretch, as the sender's and the receiver's configurations have them.
func (c *Config) links() map[exchange.Stretch][2]guard.Link {
	return map[exchange.Stretch][2]guard.Link{
		exchange.LinkA: {c.Gateway.Exchange.Up, c.Up.In}, exchange.LinkB: {c.Up.Out, c.Office.Exchange.Up},
		exchange.LinkC: {c.Office.Exchange.Down, c.Down.In}, exchange.LinkD: {c.Down.Out, c.Gateway.Exchange.Down},
	}
}

// chart draws the zones, the links between them and the guards, and says what isolates them.
func (c *Config) chart(out io.Writer, a map[string]string) {
	fmt.Fprintf(out, `
  The border, as this process runs it

     EXTRANET                      BORDER                    INTRANET
    ┌──────────────────┐  A   ┌──────────────┐  B   ┌──────────────────┐
    │ gateway          │═════▶│ up guard     │═════▶│ office           │
    │ %-16s │      ├──────────────┤      │ %-16s │
    │                  │◀═════│ down guard   │◀═════│                  │
    └──────────────────┘  D   └──────────────┘  C   └──────────────────┘

`, a["listen"], a["office"])
	ends := c.links()
	for _, s := range exchange.Stretches() {
		fmt.Fprintf(out, "    link %s     %-22s %s\n", s, fmt.Sprintf("%s → %s", s.Sender(), s.Receiver()), ends[s][0])
	}
	for _, g := range []guard.Config{c.Up, c.Down} {
		fmt.Fprintf(out, "    %-10s no port; keys in %s, status in %s\n", g.Lane+" guard", g.Keys, g.StatusFile)
	}
	var said []string
	for _, s := range c.stated() {
		said = append(said, strings.TrimSuffix(strings.TrimSuffix(s.key, ".isolation"), ".exchange")+" "+s.isolation)
	}
	fmt.Fprintf(out, `    isolation  %s: whoever has this machine has all of it.
               Three hosts or more, with diodes or a carried medium: configs/gateway.yaml, guard.yaml and office.yaml
`, strings.Join(said, ", "))
}

// sameEnds tells where the two ends of a stretch don't meet.
func (c *Config) sameEnds() []error {
	keys := map[exchange.Stretch][2]string{
		exchange.LinkA: {"gateway.exchange.up", "up.in"}, exchange.LinkB: {"up.out", "office.exchange.up"},
		exchange.LinkC: {"office.exchange.down", "down.in"}, exchange.LinkD: {"down.out", "gateway.exchange.down"},
	}
	var all []error
	ends := c.links()
	for _, s := range exchange.Stretches() {
		if from, to := ends[s][0], ends[s][1]; from.Dir != "" && to.Dir != "" && filepath.Clean(from.Dir) != filepath.Clean(to.Dir) {
			all = append(all, fmt.Errorf("%s: is %s, but link %s ends in %s (%s); write one folder", keys[s][1], to.Dir, s, from.Dir, keys[s][0]))
		}
	}
	return all
}
