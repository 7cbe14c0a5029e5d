// Command office is the intranet side: it takes cases from the border to their connectors, and lets staff work on them.
// `office password` reads a password and prints its hash for the configuration; `office log verify FILE` and
// `office log reconcile FILE FILE …` check the log of what crossed.
package main

import (
	"os"

	"gatehouse/adapters/program"
)

func main() {
	if len(os.Args) == 2 && os.Args[1] == "password" {
		os.Exit(program.Password(os.Stdin, os.Stdout, os.Stderr))
	}
	if len(os.Args) > 1 && os.Args[1] == "log" {
		os.Exit(program.Log(os.Args[2:], os.Stdout, os.Stderr))
	}
	os.Exit(program.Command().Main(os.Args[1:], os.Stdout, os.Stderr))
}
