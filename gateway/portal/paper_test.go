package portal

import (
	"context"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"gatehouse/gateway"
)

const aPaper = "%PDF-1.7\nthe decision"

// File gives the one document there is.
func (d *desk) File(_ context.Context, sha string) (io.ReadCloser, error) {
	if sha != "d1" {
		return nil, gateway.ErrNotFound
	}
	return io.NopCloser(strings.NewReader(aPaper)), nil
}

// TestPaperNeedsItsProof: the tracking page and the link of a notice bring the document; nothing else does, and what
// does not tells nothing.
func TestPaperNeedsItsProof(t *testing.T) {
	b := open(t)
	_, page, _ := b.get(t, strings.TrimPrefix(b.links.Track(b.ref), "http://gate"))
	found := regexp.MustCompile(`href="http://gate(/documents/[^"]+)"`).FindStringSubmatch(page)
	if found == nil {
		t.Fatalf("the tracking page has no document: %s", page)
	}
	link, until := b.links.Paper(b.ref, 1)
	for _, path := range []string{strings.ReplaceAll(found[1], "&amp;", "&"), strings.TrimPrefix(link, "http://gate")} {
		status, body, head := b.get(t, path)
		if status != http.StatusOK || body != aPaper || head.Get("Content-Type") != "application/pdf" || head.Get("Cache-Control") != "private, no-store" ||
			head.Get("Content-Disposition") != `attachment; filename="`+b.ref+`.pdf"` {
			t.Errorf("%s: %d %q %v", path, status, body, head)
		}
	}
	token := strings.SplitN(link, "t=", 2)[1]
	if _, mac, _ := strings.Cut(token, "."); len(mac) < 12 { // of base 32: five bits each
		t.Errorf("the token has %d letters", len(mac))
	}
	track := strings.SplitN(b.links.Track(b.ref), "t=", 2)[1]
	for _, path := range []string{"/documents/" + b.ref + "/1", "/documents/" + b.ref + "/1?t=x", "/documents/" + b.ref + "/1?t=" + track, "/documents/" + b.ref + "/2?t=" + token,
		"/documents/" + b.ref + "/x?t=" + token, "/documents/PL-0000-0000-00/1?t=" + token} {
		if status, body, _ := b.get(t, path); status != http.StatusNotFound || strings.Contains(body, "the decision") || strings.Contains(body, "crew") {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	second, _ := b.links.Paper(b.ref, 2)
	if status, _, _ := b.get(t, strings.TrimPrefix(second, "http://gate")); status != http.StatusNotFound {
		t.Errorf("a document that is not there: %d", status)
	}
	late := b.links
	late.Now = func() time.Time { return until.Add(48 * time.Hour) }
	if late.proves("document", paperSubject(b.ref, 1), token) {
		t.Error("a link lives for ever")
	}
}
