package deploy

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gatehouse/deploy/carriers/relay"
	"gatehouse/deploy/carriers/telegram"
)

// kept is the document of a case as the inside keeps it.
func (c *clerk) kept(link string) []byte {
	c.t.Helper()
	file := regexp.MustCompile(link + `/files/[^"]+\.pdf`).FindString(c.get(link))
	if file == "" {
		c.t.Fatalf("the case shows no document: %s", plain(c.get(link)))
	}
	return []byte(c.get(file))
}

// wordsOf gives the words of a document, as another program reads them.
func wordsOf(t *testing.T, document []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "d.pdf")
	if err := os.WriteFile(file, document, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "pdftotext", file, "-").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return string(out)
}

// TestWalkDecisionDocument: an application is decided, and its document comes with the decision: attached to the mail,
// as a document in the chat, behind a link in a text. Each time it is, byte for byte, what the inside keeps.
func TestWalkDecisionDocument(t *testing.T) {
	w := newTown(t, townOptions{})
	for name, by := range map[string]struct {
		staff string
		file  func() string                 // files an application and gives its reference
		fetch func(reference string) []byte // gives the document that came
	}{"text": {"rosa", w.byText, w.fromText}, "chat": {"rosa", w.byChat, w.fromChat}, "mail": {"mei", w.byMail, w.fromMail}} {
		ref := by.file()
		if ref == "" {
			t.Fatalf("%s: filed without a reference", name)
		}
		officer := login(t, w.console(), by.staff)
		link := w.awaitCase(officer, ref)
		officer.decide(link, "partly", "We take two of the three items.")
		got := by.fetch(ref)
		if inside := officer.kept(link); !bytes.Equal(got, inside) || len(got) == 0 {
			t.Errorf("%s: %d bytes came, %d are kept inside", name, len(got), len(inside))
		}
		if words := wordsOf(t, got); !strings.Contains(words, ref) || !strings.Contains(words, "We take two of the three items.") || !strings.Contains(words, "Granted in part") {
			t.Errorf("%s: the document says %s", name, words)
		}
	}
}

func (w *town) byText() string {
	return refOf(w.dialogue("+447700900801", "BOOK", "14 quay st", "1", "1,3", "1", "SEND"))
}

// fromText follows the link of the text, as a phone without an account does.
func (w *town) fromText(ref string) []byte {
	text := w.awaitText("+447700900801", "/documents/")
	link := regexp.MustCompile(`\S+/documents/` + ref + `/1\?t=\S+`).FindString(text)
	if link == "" || !strings.Contains(text, "on paper") {
		w.t.Fatalf("the text is %q", text)
	}
	b := w.fetched("http://" + link)
	if status := w.status("http://" + link + "x"); status != http.StatusNotFound {
		w.t.Errorf("another token brings it: %d", status)
	}
	return b
}

func (w *town) fetched(url string) []byte {
	w.t.Helper()
	r, err := http.Get(url)
	if err != nil {
		w.t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != http.StatusOK || r.Header.Get("Content-Type") != "application/pdf" {
		w.t.Fatalf("%d %s, %v", r.StatusCode, r.Header.Get("Content-Type"), err)
	}
	return b
}

func (w *town) status(url string) int {
	w.t.Helper()
	r, err := http.Get(url)
	if err != nil {
		w.t.Fatal(err)
	}
	defer r.Body.Close()
	return r.StatusCode
}

func (w *town) byChat() string {
	last := ""
	for _, line := range []string{"/start", "BOOK", "14 quay st", "1", "1,3", "1", "SEND"} {
		before := len(w.fromBot(4402))
		if _, err := w.carriers.Say(4402, line); err != nil {
			w.t.Fatal(err)
		}
		w.await("an answer to "+line, func() bool { return len(w.fromBot(4402)) > before })
		all := w.fromBot(4402)
		last = all[len(all)-1].Message.Text
	}
	return refOf(last)
}

func (w *town) fromChat(ref string) []byte {
	e, err := w.carriers.AwaitSaid(context.Background(), 4402, patience, func(e telegram.Entry) bool { return e.FromBot && e.Message.Document != nil })
	if err != nil {
		w.t.Fatal(err)
	}
	if e.Message.Document.Name != ref+".pdf" || !strings.Contains(e.Message.Caption, "We take two of the three items.") {
		w.t.Errorf("%s with %q", e.Message.Document.Name, e.Message.Caption)
	}
	f, ok := w.carriers.Chat.File(e.Message.Document.FileID)
	if !ok {
		w.t.Fatal("the chat does not have the file")
	}
	return f.Data
}

const resident = "jo@northdock.example"

// byMail files a return, which the revenue office decides.
func (w *town) byMail() string {
	m := w.declare(resident, "declare+dec-tour@portlumen.example", "October", taxSheet)
	return refOf(m.Subject + m.Text)
}

// document is the place of a case's document among the files of a mail; -1: it brings none.
func document(m relay.Mail, ref string) int {
	return slices.IndexFunc(m.Files, func(f relay.File) bool { return f.Name == ref+".pdf" })
}

func (w *town) fromMail(ref string) []byte {
	m, err := w.carriers.AwaitMail(context.Background(), resident, patience, func(m relay.Mail) bool { return !m.Sent && document(m, ref) >= 0 })
	if err != nil {
		w.t.Fatal(err)
	}
	f := m.Files[document(m, ref)]
	if f.Type != "application/pdf" || !strings.Contains(m.Text, "attached") {
		w.t.Errorf("%s of %s with %q", f.Name, f.Type, m.Text)
	}
	return f.Data
}
