// Command guard is the border post of one lane: `guard -config FILE`. It also makes and shows keys and verifies logs.
package main

import (
	"os"

	"gatehouse/exchange/guard"
	"gatehouse/exchange/program"
)

func main() {
	guard.BecomeWorker(os.Args)
	os.Exit(program.Main(os.Args[1:], os.Stdout, os.Stderr))
}
