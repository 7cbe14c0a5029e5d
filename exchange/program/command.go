package program

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"

	"gatehouse/configs/command"
)

// usageText is what a wrong command line is answered with.
const usageText = `guard -config FILE [-check]                  guard a lane, or validate the configuration and end
guard keys make -dir DIR -party PARTY …      make the keys of one or more parties, each in DIR/PARTY
                [-suite 1|2]
guard keys show -dir DIR -party PARTY        show the keys in DIR that PARTY uses, what is missing and what ends soon
guard keys rotate -dir DIR -party PARTY      make the next keys of PARTY in DIR; they are used first after 7 days
                [-use sign|seal|release|receipt] [-suite 1|2] [-after 168h] [-life 8784h]
guard keys revoke -dir DIR -key ID           refuse a key of DIR from now on, whoever it belongs to
guard canary -key_file FILE STRING           print the digest by which a planted string is known
guard log verify FILE [-tip N:HASH]          verify a log, also against a tip noted elsewhere
guard log reconcile FILE FILE …              compare copies of the logs of both sides and of the guards
`

// Main is the guard as a program: it gives the exit code, 0 when all is well, 2 for a wrong command line or
// configuration, 1 for everything else.
func Main(args []string, out, errs io.Writer) int {
	if len(args) > 0 && slices.Contains([]string{"keys", "log", "canary", "export", "import", "bundle"}, args[0]) {
		return subcommand(args, out, errs)
	}
	p := command.Program[Config]{
		Name: "guard", File: "configs/guard.yaml", Check: Check,
		Run: func(ctx context.Context, c Config, out io.Writer, ready func(map[string]string)) error {
			fmt.Fprintln(out, "isolation:", c.Isolation)
			ready(map[string]string{})
			return Run(ctx, c, slog.New(slog.NewTextHandler(errs, &slog.HandlerOptions{Level: c.Level})))
		},
	}
	return p.Main(args, out, errs)
}

// errUsage is a wrong command line.
var errUsage = errors.New("wrong command line")

func subcommand(args []string, out, errs io.Writer) int {
	err := errUsage
	name, rest := args[0], args[1:]
	if (name == "keys" || name == "log") && len(args) > 1 {
		name, rest = name+" "+args[1], args[2:]
	}
	switch name {
	case "canary":
		err = canary(rest, out)
	case "bundle":
		err = bundleCommand(rest, out)
	case "export":
		err = exportMedium(rest, out)
	case "import":
		err = importMedium(rest, out)
	case "keys make":
		err = keysMake(rest, out)
	case "keys show":
		err = keysShow(rest, out)
	case "keys rotate":
		err = keysRotate(rest, out)
	case "keys revoke":
		err = keysRevoke(rest, out)
	case "keys tls":
		err = keysTLS(rest, out)
	case "log verify":
		err = logVerify(rest, out)
	case "log reconcile":
		err = logReconcile(rest, out)
	}
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errUsage):
		fmt.Fprintf(errs, "%v\n%s%s%s%s", err, usageText, tlsUsage, mediumUsage, bundleUsage)
		return 2
	}
	fmt.Fprintln(errs, "guard:", err)
	return 1
}
