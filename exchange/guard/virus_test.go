package guard

import (
	"bytes"
	"crypto/md5" //nolint:gosec // the form of a signature of clamd, not a protection
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"gatehouse/exchange"
	"gatehouse/exchange/guard/media"
	"gatehouse/exchange/guard/mediatest"
)

// clamd is the real scanner with two signatures of its own: EICAR as a whole file, and in any file.
type clamd struct {
	cmd     *exec.Cmd
	address string
}

// startClamd runs Debian's clamd in the foreground on a socket of its own; limits are lines of its configuration.
func startClamd(t *testing.T, limits ...string) *clamd {
	t.Helper()
	dir, err := os.MkdirTemp("", "clamd-") // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	db := filepath.Join(dir, "db")
	if err := os.Mkdir(db, 0o755); err != nil {
		t.Fatal(err)
	}
	eicar := mediatest.Eicar()
	at := "0" // of a file, as the official signatures are
	if len(limits) == 0 {
		at = "*"
		limits = []string{"StreamMaxLength 4M", "MaxScanSize 8M", "MaxFileSize 4M", "AlertExceedsMax yes"}
	}
	write := func(path, text string) {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write(filepath.Join(db, "private.hdb"), fmt.Sprintf("%x:%d:Eicar-Test-Signature\n", md5.Sum(eicar), len(eicar))) //nolint:gosec // as above
	write(filepath.Join(db, "private.ndb"), fmt.Sprintf("Eicar-Body:0:%s:%x\n", at, eicar))
	socket := filepath.Join(dir, "clamd.ctl")
	conf := filepath.Join(dir, "clamd.conf")
	write(conf, fmt.Sprintf("Foreground yes\nDatabaseDirectory %s\nLocalSocket %s\nTemporaryDirectory %s\nSelfCheck 0\n%s\n", db, socket, dir, strings.Join(limits, "\n")))
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	c := &clamd{cmd: exec.Command("/usr/sbin/clamd", "--config-file="+conf), address: "unix:" + socket}
	var said bytes.Buffer
	c.cmd.Stdout, c.cmd.Stderr = &said, &said
	if err := c.cmd.Start(); err != nil {
		t.Fatalf("start clamd (Debian: clamav-daemon): %v", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- c.cmd.Wait() }()
	t.Cleanup(func() {
		c.cmd.Process.Signal(syscall.SIGCONT)
		c.cmd.Process.Kill()
		<-ended
	})
	wait(t, "clamd answers", func() bool {
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("clamd ended: %v\n%s", err, &said)
		default:
		}
		_, err := instream(t.Context(), ScanConfig{Address: c.address}.WithDefaults(), strings.NewReader("x"))
		return err == nil
	})
	return c
}

// wait polls until done.
func wait(t *testing.T, what string, done func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	timeout := time.After(2 * time.Minute)
	for !done() {
		select {
		case <-tick.C:
		case <-timeout:
			t.Fatalf("not within 2 min: %s", what)
		}
	}
}

func TestClamdJudges(t *testing.T) {
	c := startClamd(t)
	p := newPost(t, exchange.Up, Limits{})
	p.guard.o.Scan, p.guard.o.Media.MaxUnpacked = ScanConfig{Address: c.address, MaxBytes: 3 << 20}.WithDefaults(), 4<<20
	eicar := mediatest.Eicar()
	long := bytes.Repeat([]byte("a;b;c\n"), 100_000)
	for i, f := range []struct {
		name  string
		bytes []byte
		want  exchange.Reason
	}{
		{"clean.csv", []byte("a;b\n1;2\n"), exchange.ReasonNone},
		{"eicar.txt", eicar, exchange.ReasonVirus},
		{"behind.csv", append(bytes.Clone(long), eicar...), exchange.ReasonVirus},
		{"photo.jpg", append(mediatest.JPEG(32, 24), eicar...), exchange.ReasonVirus}, // it would be gone from the rebuilt one
		{"long.csv", long, exchange.ReasonNone},
		{"beyond.csv", append(bytes.Repeat(long, 6), eicar...), exchange.ReasonSize}, // past max_bytes
	} {
		doc := fmt.Sprint("c", i)
		p.cross(caseWith(doc, ref("f", f.name, f.bytes)))
		all := p.crossParts(partsIn(doc, "f", f.bytes)...)
		if len(all) == 0 {
			t.Fatalf("%s: no verdict", f.name)
		}
		for _, a := range all {
			p.wantReason(f.name, a, f.want)
		}
	}
	// Not proved past clamd's own limits, and there it says so: no verdict, and the lane waits.
	p.guard.o.Scan.MaxBytes = 5 << 20
	e := p.origin.Seal(t, p.parcel(caseWith("c9", ref("f", "a.txt", []byte("x")))))
	p.mustHand(e)
	p.arrived()
	n := len(p.out)
	if err := p.hand(p.origin.Seal(t, p.parcel(partsIn("c9", "f", []byte("x"))[0]))); !errors.Is(err, ErrBlind) || len(p.out) != n {
		t.Errorf("a blind scanner: %v", err)
	}
	if _, err := instream(t.Context(), p.guard.o.Scan, bytes.NewReader(bytes.Repeat(long, 8))); !errors.Is(err, errStream) {
		t.Errorf("past the scanner's limits: %v", err)
	}
}

// fake is a scanner that answers each connection by answer.
func fake(t *testing.T, answer func(net.Conn)) ScanConfig {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				answer(c)
			}()
		}
	}()
	return ScanConfig{Address: "tcp://" + l.Addr().String(), Timeout: time.Minute}.WithDefaults()
}

// heardAll reads a whole INSTREAM request and gives the file.
func heardAll(c net.Conn) []byte {
	var all []byte
	command := make([]byte, len("zINSTREAM\x00"))
	if _, err := io.ReadFull(c, command); err != nil {
		return nil
	}
	for {
		var n uint32
		if binary.Read(c, binary.BigEndian, &n) != nil || n == 0 {
			return all
		}
		b := make([]byte, n)
		if _, err := io.ReadFull(c, b); err != nil {
			return nil
		}
		all = append(all, b...)
	}
}

func TestScannerThatIsNotToBeBelieved(t *testing.T) {
	file := bytes.Repeat([]byte("0123456789"), 100_000)
	says := func(s string) func(net.Conn) {
		return func(c net.Conn) {
			if !bytes.Equal(heardAll(c), file) {
				s = "the file came otherwise"
			}
			io.WriteString(c, s)
		}
	}
	for name, c := range map[string]struct {
		answer func(net.Conn)
		found  bool
		want   error // nil: a verdict
		ok     bool
	}{
		"ok":                      {says("stream: OK\x00"), false, nil, true},
		"found":                   {says("stream: Eicar FOUND\x00"), true, nil, true},
		"limits":                  {says("stream: Heuristics.Limits.Exceeded.MaxFileSize FOUND\x00"), false, errBeyond, false},
		"too large":               {says("INSTREAM size limit exceeded. ERROR\x00"), false, errStream, false},
		"nothing":                 {says(""), false, nil, false},
		"half an answer":          {says("stream: O"), false, nil, false},
		"without its end":         {says("stream: OK"), false, nil, false},
		"another word":            {says("stream: FINE\x00"), false, nil, false},
		"error":                   {says("stream: Can't allocate memory ERROR\x00"), false, nil, false},
		"two answers":             {says("stream: OK\x00stream: Eicar FOUND\x00"), false, nil, false},
		"found, then ok":          {says("stream: Eicar FOUND\nstream: OK\x00"), false, nil, false},
		"another file":            {says("other: OK\x00"), false, nil, false},
		"an unnamed find":         {says("stream:  FOUND\x00"), false, nil, false},
		"endless":                 {says(strings.Repeat("stream: OK", 1000)), false, nil, false},
		"closes at once":          {func(net.Conn) {}, false, nil, false},
		"ok before it had a byte": {func(c net.Conn) { io.WriteString(c, "stream: OK\x00"); c.(*net.TCPConn).SetLinger(0) }, false, nil, false},
	} {
		found, err := instream(t.Context(), fake(t, c.answer), bytes.NewReader(file))
		if found != c.found || (err == nil) != c.ok || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: found %v, %v", name, found, err)
		}
	}
}

func TestScannerThatIsSlow(t *testing.T) {
	hang := make(chan struct{})
	t.Cleanup(func() { close(hang) })
	for name, answer := range map[string]func(net.Conn){
		"never reads":   func(net.Conn) { <-hang },
		"never answers": func(c net.Conn) { heardAll(c); <-hang },
		"never ends":    func(c net.Conn) { heardAll(c); io.WriteString(c, "stream: "); <-hang },
	} {
		c := fake(t, answer)
		c.Timeout = 30 * time.Millisecond
		if _, err := instream(t.Context(), c, bytes.NewReader(make([]byte, 32<<20))); err == nil {
			t.Errorf("%s: a verdict", name)
		}
	}
	gone := ScanConfig{Address: "unix:" + filepath.Join(t.TempDir(), "none")}.WithDefaults()
	if _, err := instream(t.Context(), gone, strings.NewReader("x")); err == nil {
		t.Error("a scanner that is not there gave a verdict")
	}
	if err := gone.Prove(t.Context(), media.Policy{}); err == nil || errors.Is(err, ErrBlind) {
		t.Errorf("a scanner that is not there is proved: %v", err)
	}
}

func TestScanConfigFaults(t *testing.T) {
	for _, good := range []string{"", "unix:/run/clamav/clamd.ctl", "unix:///run/clamav/clamd.ctl", "tcp://127.0.0.1:3310", "tcp://[::1]:3310"} {
		if err := (ScanConfig{Address: good}).Validate(); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	for _, bad := range []string{"127.0.0.1:3310", "tcp://host", "unix:clamd.ctl", "http://127.0.0.1:3310", "tcp://h:1/x"} {
		if err := (ScanConfig{Address: bad}).Validate(); err == nil || !strings.HasPrefix(err.Error(), "address: ") {
			t.Errorf("%q: %v", bad, err)
		}
	}
	err := ScanConfig{Timeout: -1, MaxBytes: -1}.Validate()
	for _, key := range []string{"timeout", "max_bytes"} {
		if err == nil || !strings.Contains(err.Error(), key+": ") {
			t.Errorf("%s is not named: %v", key, err)
		}
	}
}

// FuzzReply: an answer of a scanner that was taken over is no OK unless it is the one word.
func FuzzReply(f *testing.F) {
	for _, s := range []string{"stream: OK\x00", "stream: X FOUND\x00", "INSTREAM size limit exceeded. ERROR\x00", "stream: OK\x00x"} {
		f.Add([]byte(s), true)
	}
	f.Fuzz(func(t *testing.T, b []byte, whole bool) {
		found, err := reply(b, whole)
		if err == nil && !found && (!whole || string(b) != "stream: OK\x00") {
			t.Errorf("clean: %q", b)
		}
	})
}

// FuzzHeard: an answer of a worker that was taken over never has a reason that is none of ours.
func FuzzHeard(f *testing.F) {
	f.Add([]byte(`{"answer":{"reason":4,"check":"kind"}}`))
	f.Add([]byte(`{"fault":"x"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := heard(actJudge, nil, b, nil)
		if err == nil {
			t.Errorf("a child without an end is believed: %+v", a)
		}
	})
}
