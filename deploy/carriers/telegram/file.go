package telegram

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"path"
	"regexp"
	"strconv"
	"strings"
)

// maxDownload is the largest file that a bot may fetch (https://core.telegram.org/bots/api#getfile).
const maxDownload = 20 << 20

// A file's id holds the number of its message and its place in it.
var fileIDForm = regexp.MustCompile(`^([0-9]+)\.([0-9]+)$`)

func fileID(seq uint64, i int) string {
	return "AgAC" + base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%d.%d", seq, i))
}

// File returns what a file_id names, as long as its message is kept.
func (b *Bot) File(id string) (File, bool) {
	enc, ok := strings.CutPrefix(id, "AgAC")
	raw, err := base64.RawURLEncoding.DecodeString(enc)
	m := fileIDForm.FindSubmatch(raw)
	if !ok || err != nil || m == nil {
		return File{}, false
	}
	seq, err1 := strconv.ParseUint(string(m[1]), 10, 64)
	i, err2 := strconv.Atoi(string(m[2]))
	it, ok := b.entries.Get(seq)
	if err1 != nil || err2 != nil || !ok || i >= len(it.Value.Files) {
		return File{}, false
	}
	return it.Value.Files[i], true
}

// nameFiles gives the files of a message their ids, once the message has its number.
func (e *Entry) nameFiles(seq uint64) {
	for i := range e.Files {
		f := &e.Files[i]
		f.ID = fileID(seq, i)
		sum := sha256.Sum256(f.Data)
		unique := hex.EncodeToString(sum[:8])
		if d := e.Message.Document; d != nil {
			f.Path = fmt.Sprintf("documents/file_%d%s", seq, path.Ext(f.Name))
			d.FileID, d.UniqueID = f.ID, unique
			continue
		}
		f.Path = fmt.Sprintf("photos/file_%d_%d.jpg", seq, i)
		e.Message.Photo[i].FileID, e.Message.Photo[i].UniqueID = f.ID, unique
	}
}

func (e *Entry) setDocument(name, kind string, data []byte) {
	name = path.Base(strings.ReplaceAll(name, `\`, "/"))
	if kind == "" || kind == "application/octet-stream" {
		kind = http.DetectContentType(data)
	}
	e.Message.Document = &Document{Name: name, Type: kind, Size: len(data)}
	e.Files = []File{{Name: name, Type: kind, Data: data}}
}

func (b *Bot) getFile(c *call) (answer, *problem) {
	f, ok := b.File(c.params["file_id"])
	switch {
	case !ok:
		return answer{}, bad("invalid file_id")
	case len(f.Data) > maxDownload:
		return answer{}, bad("file is too big")
	}
	sum := sha256.Sum256(f.Data)
	return answer{result: map[string]any{
		"file_id": f.ID, "file_unique_id": hex.EncodeToString(sum[:8]), "file_size": len(f.Data), "file_path": f.Path,
	}}, nil
}

// filePath is what getFile gives: folder, then file_<message>[_<place>] and an extension.
var filePath = regexp.MustCompile(`^(?:documents|photos)/file_([0-9]+)(?:_([0-9]+))?(?:\.[^/]*)?$`)

func (b *Bot) download(w http.ResponseWriter, r *http.Request) {
	if p := b.authorized(r.PathValue("bot")); p != nil {
		p.write(w)
		return
	}
	var f File
	ok := false
	if m := filePath.FindStringSubmatch(r.PathValue("path")); m != nil {
		seq, _ := strconv.ParseUint(m[1], 10, 64)
		i, _ := strconv.Atoi(m[2])
		f, ok = b.File(fileID(seq, i))
	}
	if !ok || f.Path != r.PathValue("path") {
		(&problem{code: http.StatusNotFound, description: "Not Found"}).write(w)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Length", strconv.Itoa(len(f.Data)))
	_, _ = w.Write(f.Data) // a client that left is not our fault
}
