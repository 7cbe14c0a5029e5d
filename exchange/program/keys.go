package program

import (
	"flag"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"gatehouse/exchange"
)

// parties is a flag that may be given several times.
type parties []exchange.Party

func (p *parties) String() string { return fmt.Sprint(*p) }

func (p *parties) Set(s string) error {
	if !slices.Contains(exchange.Parties(), exchange.Party(s)) {
		return fmt.Errorf("write one of %v", exchange.Parties())
	}
	*p = append(*p, exchange.Party(s))
	return nil
}

// keyArgs are the flags of all keys commands; each takes those that it needs.
type keyArgs struct {
	dir   string
	who   parties
	use   string
	key   string
	suite int
	after time.Duration
	life  time.Duration
}

// carryTime is how long after a rotation the new keys are used first: the time to carry their public parts.
const carryTime = 7 * 24 * time.Hour

func keyFlags(args []string, take ...string) (a keyArgs, err error) {
	f := flag.NewFlagSet("keys", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.StringVar(&a.dir, "dir", "", "")
	for _, name := range take {
		switch name {
		case "party":
			f.Var(&a.who, name, "")
		case "use":
			f.StringVar(&a.use, name, "", "")
		case "key":
			f.StringVar(&a.key, name, "", "")
		case "suite":
			f.IntVar(&a.suite, name, 0, "")
		case "after":
			f.DurationVar(&a.after, name, carryTime, "")
		case "life":
			f.DurationVar(&a.life, name, exchange.KeyLife, "")
		}
	}
	if err := f.Parse(args); err != nil {
		return a, fmt.Errorf("%w: %w", errUsage, err)
	}
	return a, a.check(take, f.NArg())
}

func (a keyArgs) check(take []string, left int) error {
	switch {
	case slices.Contains(take, "party") && (a.dir == "" || len(a.who) == 0):
		return fmt.Errorf("%w: -dir and -party are needed", errUsage)
	case slices.Contains(take, "key") && (a.dir == "" || a.key == ""):
		return fmt.Errorf("%w: -dir and -key are needed", errUsage)
	case left > 0:
		return fmt.Errorf("%w: more than flags is written", errUsage)
	case a.suite < 0 || a.suite > 255 || a.suite != 0 && exchange.CheckSuites([]exchange.Suite{exchange.Suite(a.suite)}) != nil:
		return fmt.Errorf("%w: -suite: write one of %v", errUsage, exchange.Suites())
	case a.after < 0 || a.after > exchange.KeyLife:
		return fmt.Errorf("%w: -after: write 0s to %s", errUsage, exchange.KeyLife)
	case slices.Contains(take, "life") && (a.life < 24*time.Hour || a.life > 10*exchange.KeyLife):
		return fmt.Errorf("%w: -life: write 24h to %s", errUsage, 10*exchange.KeyLife)
	}
	return nil
}

func keysMake(args []string, out io.Writer) error {
	a, err := keyFlags(args, "party", "suite")
	if err != nil {
		return err
	}
	suite := exchange.Suite(max(a.suite, int(exchange.Suite1)))
	if err := exchange.MakeKeysOf(suite, a.dir, a.who, time.Now()); err != nil {
		return err
	}
	for _, p := range a.who {
		fmt.Fprintf(out, "%s/%s: carry its .pub files to its neighbours; compare by voice with: guard keys show\n", strings.TrimSuffix(a.dir, "/"), p)
	}
	return nil
}

func keysShow(args []string, out io.Writer) error {
	a, err := keyFlags(args, "party")
	if err != nil {
		return err
	}
	now := time.Now()
	for _, p := range a.who {
		ring, err := exchange.LoadRing(a.dir, p)
		if err != nil {
			return err
		}
		for _, s := range ring.States(now) {
			fmt.Fprintln(out, keyLine(s))
		}
		for _, t := range ring.Troubles(now) {
			fmt.Fprintln(out, "look:", t)
		}
		if err := ring.Ready(now); err != nil {
			return err
		}
		fmt.Fprintf(out, "%s has all it needs\n", p)
	}
	return nil
}

// keyLine is a key as it is read aloud, and how it stands.
func keyLine(s exchange.KeyState) string {
	suite := ""
	if s.Suite != 0 {
		suite = fmt.Sprintf(" (suite %d)", s.Suite)
	}
	return fmt.Sprintf("%s%s  valid %s to %s  %s, %d days old, %d left", s.Fingerprint(), suite, s.From.Format(time.DateOnly), s.Until.Format(time.DateOnly),
		s.State, days(s.Age), days(s.Left))
}

func days(d time.Duration) int { return int(d.Hours() / 24) }

func keysRotate(args []string, out io.Writer) error {
	a, err := keyFlags(args, "party", "use", "suite", "after", "life")
	if err != nil {
		return err
	}
	now := time.Now()
	uses := exchange.Uses()
	if a.use != "" {
		if !slices.Contains(uses, exchange.Use(a.use)) {
			return fmt.Errorf("%w: -use: write one of %v", errUsage, uses)
		}
		uses = []exchange.Use{exchange.Use(a.use)}
	}
	for _, p := range a.who {
		for _, u := range uses {
			if a.use == "" && !exchange.Owns(p, u) {
				continue
			}
			o := exchange.Rotation{Party: p, Use: u, Suite: exchange.Suite(a.suite), From: now.Add(a.after), Life: a.life}
			k, err := exchange.RotateKey(a.dir, o, now)
			if err != nil {
				return err
			}
			sayNext(out, a.dir, k)
		}
	}
	return nil
}

func sayNext(out io.Writer, dir string, k exchange.Key) {
	name := fmt.Sprintf("%s.%s.%s.pub", k.Party, k.Use, k.ID)
	fmt.Fprintf(out, "%s\n  carry %s to %s before %s, when it is used first, and compare by voice\n  the key before is accepted until %s\n",
		k.Fingerprint(), filepath.Join(dir, name), all(exchange.Holders(k.Party, k.Use)), k.From.Format("2006-01-02 15:04 MST"),
		k.From.Add(exchange.KeyOverlap+exchange.KeyGrace).Format(time.DateOnly))
}

func all(who []exchange.Party) string {
	names := make([]string, len(who))
	for i, p := range who {
		names[i] = string(p)
	}
	return strings.Join(names, " and ")
}

// keysRevoke refuses a key of the folder, whoever it belongs to: its owner says so by voice when it is lost there.
func keysRevoke(args []string, out io.Writer) error {
	a, err := keyFlags(args, "key")
	if err != nil {
		return err
	}
	k, err := exchange.FindKey(a.dir, strings.ToLower(strings.ReplaceAll(a.key, "-", "")))
	if err != nil {
		return err
	}
	if err := exchange.WriteRevocation(a.dir, exchange.Revocation{Party: k.Party, Use: k.Use, ID: k.ID, At: time.Now()}); err != nil {
		return err
	}
	name := fmt.Sprintf("%s.%s.%s.rev", k.Party, k.Use, k.ID)
	holders := append([]exchange.Party{k.Party}, exchange.Holders(k.Party, k.Use)...)
	fmt.Fprintf(out, "%s is refused here from now on\n  carry %s to every folder that holds the key: those of %s\n", k.Fingerprint(), filepath.Join(a.dir, name), all(holders))
	fmt.Fprintln(out, "  what was sealed with it and is not acknowledged stays: its sender begins a new epoch (gateway lane epoch, office lane epoch)")
	return nil
}
