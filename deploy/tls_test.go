package deploy

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gatehouse/exchange"
	"gatehouse/exchange/tls"
)

// linksOverTLS puts all four links over TLS: the sides listen, the guards dial.
func (w *town) linksOverTLS() {
	w.t.Helper()
	if err := tls.MakeAll(filepath.Join(w.dir, "tls"), exchange.Parties(), time.Now()); err != nil {
		w.t.Fatal(err)
	}
	w.settings["ISOLATION"] = "logical"
	for _, s := range exchange.Stretches() {
		addr := freePort(w.t)
		for end, who := range map[string]exchange.Party{"SEND": s.Sender(), "RECEIVE": s.Receiver()} {
			where := fmt.Sprintf("listen: %q", addr)
			if who == exchange.UpGuard || who == exchange.DownGuard {
				where = fmt.Sprintf("dial: [%q]", addr)
			}
			own := filepath.Join(w.dir, "tls", string(who))
			w.settings[string(s)+"_"+end] = fmt.Sprintf("{tls: {%s, cert: %s/link.crt, key: %s/link.key, ca: %s/authority.crt, dir: %s/link-%s}}",
				where, own, own, own, own, s)
		}
	}
}

// listening counts the TCP sockets of a process that wait for connections, as the kernel tells.
func listening(t *testing.T, pid int) int {
	t.Helper()
	proc := fmt.Sprintf("/proc/%d", pid)
	fds, err := filepath.Glob(proc + "/fd/*")
	if err != nil || len(fds) == 0 {
		t.Fatalf("no open files of process %d: %v", pid, err)
	}
	mine := map[string]bool{}
	for _, fd := range fds {
		if to, err := os.Readlink(fd); err == nil && strings.HasPrefix(to, "socket:[") {
			mine[strings.TrimSuffix(strings.TrimPrefix(to, "socket:["), "]")] = true
		}
	}
	n := 0
	for _, file := range []string{"/net/tcp", "/net/tcp6"} {
		b, err := os.ReadFile(proc + file)
		if err != nil {
			continue // a kernel without IPv6
		}
		for _, line := range strings.Split(string(b), "\n")[1:] {
			if f := strings.Fields(line); len(f) > 9 && f[3] == "0A" && mine[f[9]] {
				n++
			}
		}
	}
	return n
}

// TestWalkOverTLS runs the four programs with all four links over TLS: a question goes up and its answer comes down,
// also after each program was killed; nothing goes by a folder, and no guard has an open port.
func TestWalkOverTLS(t *testing.T) {
	w := newTown(t, townOptions{tls: true})
	w.inquiryBySMS()
	for _, guard := range []string{"up", "down"} {
		if n := listening(t, w.programs[guard].cmd.Process.Pid); n != 0 {
			t.Errorf("guard %s has %d open ports", guard, n)
		}
	}
	if listening(t, w.programs["gateway"].cmd.Process.Pid) < 3 {
		t.Error("the gateway's own ports are not seen: the look is broken")
	}
	for _, name := range []string{"up", "gateway", "down", "office"} {
		w.programs[name].kill()
		w.start(name)
	}
	w.awaitReady("http://" + w.settings["gateway"] + "/readyz")
	w.awaitReady("http://" + w.settings["OFFICE"] + "/readyz")
	const phone = "+447700900602"
	w.dialogue(phone, "my neighbour parks in the disabled bay is that a fine")
	ref := refOf(w.dialogue(phone, "0"))
	if ref == "" {
		t.Fatal("no reference after the restart")
	}
	ana := login(t, w.console(), "ana")
	ana.decide(w.awaitCase(ana, ref), "granted", "Yes, also after a restart.")
	w.awaitText(phone, "also after a restart")
	if found, _ := filepath.Glob(filepath.Join(w.dir, "border", "*")); len(found) != 0 {
		t.Errorf("something went by a folder: %v", found)
	}
	for _, name := range []string{"up", "down", "office", "gateway"} {
		b, err := os.ReadFile(filepath.Join(w.dir, name+".log"))
		if err != nil || !strings.Contains(string(b), "isolation: logical") {
			t.Errorf("%s does not print its isolation: %v", name, err)
		}
	}
}
