package program

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"gatehouse/adapters/console"
)

// Password reads a password from in, the first line of it, and writes what stands under password_hash in office.yaml
// to out. It gives the exit code.
func Password(in io.Reader, out, errs io.Writer) int {
	line, err := bufio.NewReader(io.LimitReader(in, 1024)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		fmt.Fprintln(errs, "office password:", err)
		return 1
	}
	line = strings.TrimRight(line, "\r\n")
	if utf8.RuneCountInString(line) < console.MinPassword {
		fmt.Fprintf(errs, "office password: write a password of at least %d characters to its input\n", console.MinPassword)
		return 2
	}
	fmt.Fprintln(out, console.Hash(line))
	return 0
}
