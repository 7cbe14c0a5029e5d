// Command gateway is the extranet side: it hears citizens on every channel, answers them, and hands cases to the border.
// `gateway password` reads a password and prints its hash for a clerk at a counter; `gateway log verify FILE` and `gateway log reconcile FILE FILE …` check the log of what crossed;
// `gateway receipt verify FILE … -keys KEYS` checks receipts of declarations, `gateway receipt chain -config FILE` all of a store.
package main

import (
	"os"

	"gatehouse/gateway/program"
)

func main() {
	if len(os.Args) == 2 && os.Args[1] == "password" {
		os.Exit(program.Password(os.Stdin, os.Stdout, os.Stderr))
	}
	if len(os.Args) > 1 && os.Args[1] == "log" {
		os.Exit(program.Log(os.Args[2:], os.Stdout, os.Stderr))
	}
	if len(os.Args) > 2 && os.Args[1] == "receipt" && os.Args[2] == "verify" {
		os.Exit(program.Receipt(os.Args[3:], os.Stdout, os.Stderr))
	}
	os.Exit(program.Command().Main(os.Args[1:], os.Stdout, os.Stderr))
}
