package answers

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"regexp"
	"strings"

	"gatehouse/configs"
)

// Bounds of a directory.
const (
	MaxFile  = 256 << 10 // bytes of one page
	MaxPages = 200_000
	// MaxFaults bounds how many faults are reported; a folder of another form has one in every file.
	MaxFaults = 100
)

var (
	langForm = regexp.MustCompile(`^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$`)
	idForm   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$`)
)

// Load reads the directory at dir. All faults come joined; each is a configs.Fault.
func Load(dir string) ([]Page, error) {
	return LoadFS(os.DirFS(dir), dir)
}

// LoadFS reads the directory that fsys holds at its root; name stands before each path in faults. Pages come ordered by
// language and id. Files and folders whose name begins with a dot are passed over, and so is README.md.
func LoadFS(fsys fs.FS, name string) ([]Page, error) {
	r := &reader{fsys: fsys, name: name}
	langs, err := fs.ReadDir(fsys, ".")
	if err != nil {
		return nil, configs.Fault{File: name, Text: "can't be read: " + cause(err)}
	}
	for _, d := range langs {
		r.entry(d)
	}
	if len(r.faults) > 0 {
		return nil, errors.Join(r.faults...)
	}
	return r.pages, nil
}

type reader struct {
	fsys   fs.FS
	name   string
	pages  []Page
	faults []error
}

func (r *reader) fault(file, format string, a ...any) {
	r.add(configs.Fault{File: path.Join(r.name, file), Text: fmt.Sprintf(format, a...)})
}

func (r *reader) add(err error) {
	if len(r.faults) < MaxFaults {
		r.faults = append(r.faults, err)
	}
}

func (r *reader) entry(d fs.DirEntry) {
	lang := d.Name()
	switch {
	case lang[0] == '.' || lang == "README.md":
		return
	case !d.IsDir():
		r.fault(lang, "is not in a language's folder; move it to one, such as en/%s", lang)
		return
	case !langForm.MatchString(lang):
		r.fault(lang, "is not a language; name the folder by its code, such as en or zh-Hant")
		return
	}
	files, err := fs.ReadDir(r.fsys, lang)
	if err != nil {
		r.fault(lang, "can't be read: %s", cause(err))
		return
	}
	for _, f := range files {
		r.file(lang, f)
	}
}

func (r *reader) file(lang string, d fs.DirEntry) {
	file := path.Join(lang, d.Name())
	id, md := strings.CutSuffix(d.Name(), ".md")
	switch {
	case d.Name()[0] == '.':
		return
	case d.IsDir() || !md:
		r.fault(file, "is not a page; only files named <id>.md belong here")
		return
	case len(r.pages) >= MaxPages:
		r.fault(file, "is one page too many; at most %d", MaxPages)
		return
	}
	b, err := r.read(file)
	if err != nil {
		r.fault(file, "can't be read: %s", cause(err))
		return
	}
	p, err := Parse(path.Join(r.name, file), lang, b)
	if err == nil && p.ID != id {
		err = configs.Fault{File: path.Join(r.name, file), Key: "id", Text: fmt.Sprintf("is %q; must be the file's name, %q", p.ID, id)}
	}
	if err != nil {
		r.add(err)
		return
	}
	r.pages = append(r.pages, p)
}

func (r *reader) read(file string) ([]byte, error) {
	f, err := r.fsys.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, MaxFile+1))
}

func cause(err error) string {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err.Error()
	}
	return err.Error()
}
