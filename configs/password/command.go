package password

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Command reads a password from in, the first line of it, and writes its hash for a configuration to out. program is
// whose command it is, for the errors. It gives the exit code: 2 for a password that is too short.
func Command(program string, in io.Reader, out, errs io.Writer) int {
	line, err := bufio.NewReader(io.LimitReader(in, 1024)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		fmt.Fprintln(errs, program, "password:", err)
		return 1
	}
	line = strings.TrimRight(line, "\r\n")
	if utf8.RuneCountInString(line) < Min {
		fmt.Fprintf(errs, "%s password: write a password of at least %d characters to its input\n", program, Min)
		return 2
	}
	fmt.Fprintln(out, Hash(line))
	return 0
}
