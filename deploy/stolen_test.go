package deploy

import (
	"bytes"
	"io"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gatehouse/configs/database/databasetest"
	"gatehouse/gateway/volatile/redis/redistest"
)

// TestStolenDisk plants words of a person and reads what the extranet leaves on its disk while a draft is open, after
// a case was filed, after it crossed, and in a backup: no word stands there without the key file, neither in the
// database, its log and temporary files, a dump, the spools and the program's log, nor in Redis.
func TestStolenDisk(t *testing.T) {
	for engine, open := range map[string]func(*testing.T) (store string, dump func(*testing.T) map[string][]byte){
		"sqlite": func(*testing.T) (string, func(*testing.T) map[string][]byte) { return "", nil },
		"postgres": func(t *testing.T) (string, func(*testing.T) map[string][]byte) {
			server := databasetest.Postgres(t)
			url := server.Database(t)
			return url, func(t *testing.T) map[string][]byte {
				all := server.Files(t, url)
				all["pg_dump"] = server.Dump(t, url)
				return all
			}
		},
	} {
		t.Run(engine, func(t *testing.T) {
			memory := redistest.Start(t)
			store, dump := open(t)
			d := &stolen{town: newTown(t, townOptions{store: store, redis: memory.URL()}), memory: memory, dump: dump}
			if dump == nil {
				d.dump = d.sqlite
			}
			d.walk()
		})
	}
}

// stolen is a town whose extranet is copied away.
type stolen struct {
	*town
	memory *redistest.Server
	dump   func(*testing.T) map[string][]byte
}

func (d *stolen) walk() {
	const phone, other, word, street = "+447700900401", "+447700900402", "zanzibarmarker", "quaggamarker lane"
	d.dialogue(other, "BOOK", "14 "+street, "1") // a draft
	d.dialogue(phone, "my lamp "+word+" is broken what shall i do")
	d.programs["up"].kill() // the case waits at the border, sealed and not acknowledged
	ref := refOf(d.dialogue(phone, "0"))
	file := d.declare("clerk@harbourhotel.example", "declare+dec-tour@portlumen.example", word, "month,nights,exempt,lodging\n2026-10,412,30,"+word+"\n")
	words := []string{word, street, phone[3:], other[3:], "clerk@harbourhotel.example", "Harbour Hotel"}
	d.mustNotHold("while it waits", words...)
	d.start("up")
	otto := login(d.t, d.console(), "otto")
	d.awaitCase(otto, ref)
	d.awaitCase(otto, refOf(file.Subject+file.Text))
	d.await("all acknowledged", func() bool { return d.metric(`gatehouse_crossings{state="open"}`) == "0" })
	d.mustNotHold("after crossing", words...)
	if got := d.dialogue(phone, "STATUS"); !strings.Contains(got, ref) {
		d.t.Errorf("the status is %q", got)
	}
	d.killed(word)
}

// killed ends the gateway in the middle of an upload and of a mail, and reads what that leaves.
func (d *stolen) killed(word string) {
	lump := strings.Repeat(word+" ", 600_000) // more than sockets hold: the gateway has read most of it
	defer d.under(d.settings["gateway"], "POST /en/services/STR-LIGHT HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\n"+
		"Content-Length: 12000000\r\n\r\n--b\r\nContent-Disposition: form-data; name=photo; filename=a.jpg\r\n\r\n"+lump)()
	defer d.under(d.settings["gateway.smtp"], "EHLO x\r\nMAIL FROM:<a@mail.example>\r\nRCPT TO:<help@portlumen.example>\r\nDATA\r\n"+
		"Subject: x\r\n\r\n"+strings.ReplaceAll(lump, " ", "\r\n"))()
	d.programs["gateway"].kill()
	d.mustNotHold("after a kill in the middle of an upload", word)
	d.back("gateway")
}

// under sends the beginning of something and leaves it there; the function that it gives ends the connection.
func (w *town) under(addr, beginning string) func() {
	w.t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		w.t.Fatal(err)
	}
	go func() { _, _ = io.Copy(io.Discard, c) }() // the answers to what was pipelined; ends with the connection
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		w.t.Fatal(err)
	}
	if _, err := io.WriteString(c, beginning); err != nil {
		w.t.Fatal(err)
	}
	return func() { c.Close() }
}

// sqlite copies the database away as a backup does, and dumps it as text.
func (d *stolen) sqlite(t *testing.T) map[string][]byte {
	t.Helper()
	databasetest.Need(t, "sqlite3", "/usr/bin/sqlite3")
	backup := filepath.Join(t.TempDir(), "backup.db")
	db := filepath.Join(d.dir, "gateway.db")
	if out, err := exec.Command("/usr/bin/sqlite3", db, ".backup "+backup).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	all := map[string][]byte{}
	for _, ending := range []string{"", "-wal", "-shm", "-journal"} {
		if b, err := os.ReadFile(backup + ending); err == nil {
			all["backup.db"+ending] = b
		}
	}
	dump, err := exec.Command("/usr/bin/sqlite3", backup, ".dump").Output()
	if err != nil {
		t.Fatal(err)
	}
	all["dump"] = dump
	return all
}

// mustNotHold reads every file of the extranet but the keys, a backup, a dump, the temporary files and Redis.
func (d *stolen) mustNotHold(when string, words ...string) {
	d.t.Helper()
	all := d.dump(d.t)
	maps.Copy(all, d.memory.Held(d.t))
	maps.Copy(all, d.files())
	size := 0
	for name, b := range all {
		size += len(b)
		for _, word := range words {
			for _, form := range forms(word) {
				if bytes.Contains(b, []byte(form)) {
					d.t.Errorf("%s: %s holds %q", when, name, form)
				}
			}
		}
	}
	if len(all) < 6 || size < 100_000 {
		d.t.Fatalf("%s: only %d files and %d bytes were read", when, len(all), size)
	}
}

// files reads what the extranet has on its disk, its temporary files too; spool files go on meanwhile.
func (d *stolen) files() map[string][]byte {
	d.t.Helper()
	all := map[string][]byte{}
	err := filepath.Walk(d.dir, func(path string, info os.FileInfo, err error) error {
		if os.IsNotExist(err) {
			return nil
		}
		if err != nil || info.IsDir() || !d.extranets(path) {
			return err
		}
		b, err := os.ReadFile(path)
		if os.IsNotExist(err) {
			return nil
		}
		all["file "+path] = b
		return err
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return all
}

// extranets tells whether a file is the extranet's and no key.
func (d *stolen) extranets(path string) bool {
	name := filepath.Base(path)
	if strings.HasSuffix(name, ".key") || strings.HasSuffix(name, ".yaml") {
		return false
	}
	if name == "office.log" || name == "up.log" || name == "down.log" { // not the extranet's, yet no place for words
		return true
	}
	return strings.HasPrefix(name, "gateway") || strings.Contains(path, "/border/") || strings.HasPrefix(path, filepath.Join(d.dir, "tmp"))
}
