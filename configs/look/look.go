// Package look is how every page of the house looks: one style sheet, a set of icons and the logo, embedded.
//
// The rule: a page names no colour and no side of its own; it uses the tokens and classes of look.css, so that dark
// mode, right-to-left text, contrast and focus rings are right everywhere or nowhere.
package look

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"os"
	"path"
	"strings"
	"time"
)

//go:embed look.css logo.svg icons/*.svg
var built embed.FS

// Look serves the sheet, icons and logo. Its methods are safe for concurrent use.
type Look struct {
	files   fs.FS
	version string
}

// Open takes the embedded look. override names a directory whose files, where there are any, replace the built-in
// ones of the same name (look.css, logo.svg, icons/…); empty: none.
func Open(override string) (*Look, error) {
	l := &Look{files: built}
	if override != "" {
		if info, err := os.Stat(override); err != nil || !info.IsDir() {
			return nil, fmt.Errorf("look: %q is not a directory; give one that holds look.css, logo.svg or icons", override)
		}
		l.files = layered{os.DirFS(override), built}
	}
	sum := sha256.New()
	for _, name := range []string{"look.css", "logo.svg"} {
		b, err := fs.ReadFile(l.files, name)
		if err != nil {
			return nil, fmt.Errorf("read look: %w", err)
		}
		sum.Write(b)
	}
	l.version = hex.EncodeToString(sum.Sum(nil))[:12]
	return l, nil
}

// layered looks into each file system in turn.
type layered []fs.FS

// Open opens name in the first layer that has it.
func (l layered) Open(name string) (f fs.File, err error) {
	for _, layer := range l {
		if f, err = layer.Open(name); err == nil {
			return f, nil
		}
	}
	return nil, err
}

// Sheet is the address of the style sheet below prefix ("/look"). It changes with the content, so that a browser may
// keep the sheet for a year.
func (l *Look) Sheet(prefix string) string { return prefix + "/look.css?v=" + l.version }

// Icon gives an icon as inline SVG for a template: decoration, hidden from screen readers, in the colour of the text
// around it. An unknown name gives nothing.
func (l *Look) Icon(name string) template.HTML {
	b, err := fs.ReadFile(l.files, path.Join("icons", path.Base(name)+".svg"))
	if err != nil {
		return ""
	}
	class := "icon"
	if turns(name) {
		class += " turns"
	}
	return template.HTML(strings.Replace(strings.TrimSpace(string(b)), "<svg ",
		`<svg class="`+class+`" aria-hidden="true" focusable="false" `, 1))
}

// turns tells which icons point along the line of text and so are mirrored when it runs from right to left.
func turns(name string) bool {
	return name == "arrow" || name == "send" || name == "undo" || name == "out"
}

// Logo gives the logo as inline SVG.
func (l *Look) Logo() template.HTML {
	b, err := fs.ReadFile(l.files, "logo.svg")
	if err != nil {
		return ""
	}
	return template.HTML(bytes.TrimSpace(b))
}

// Handler serves the files below prefix: GET {prefix}/look.css, {prefix}/logo.svg. Mount it at prefix + "/".
func (l *Look) Handler(prefix string) http.Handler {
	return http.StripPrefix(prefix+"/", http.HandlerFunc(l.serve))
}

func (l *Look) serve(w http.ResponseWriter, r *http.Request) {
	b, err := fs.ReadFile(l.files, path.Clean(r.URL.Path))
	if err != nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "public, max-age=300")
	if r.URL.Query().Get("v") == l.version {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	http.ServeContent(w, r, path.Base(r.URL.Path), time.Time{}, bytes.NewReader(b))
}
