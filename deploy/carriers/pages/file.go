package pages

import (
	"mime"
	"net/http"
	"strconv"

	"gatehouse/deploy/carriers/relay"
)

// picture tells whether a type is one that is shown; any other is only downloaded.
func picture(kind string) bool {
	switch kind {
	case "image/jpeg", "image/png", "image/gif", "image/webp":
		return true
	}
	return false
}

// serve gives a file that a stranger made: it can't run as a page of ours.
func serve(w http.ResponseWriter, f relay.File) {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	h.Set("Content-Length", strconv.Itoa(len(f.Data)))
	h.Set("Cache-Control", "private, max-age=3600")
	disposition, kind := "attachment", "application/octet-stream"
	if picture(f.Type) {
		disposition, kind = "inline", f.Type
	}
	h.Set("Content-Type", kind)
	if d := mime.FormatMediaType(disposition, map[string]string{"filename": f.Name}); d != "" {
		disposition = d
	}
	h.Set("Content-Disposition", disposition)
	_, _ = w.Write(f.Data) // a browser that left is not our fault
}
