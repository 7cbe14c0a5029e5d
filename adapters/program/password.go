package program

import (
	"io"

	"gatehouse/configs/password"
)

// Password reads a password from in, the first line of it, and writes what stands under password_hash in office.yaml
// to out. It gives the exit code.
func Password(in io.Reader, out, errs io.Writer) int {
	return password.Command("office", in, out, errs)
}
