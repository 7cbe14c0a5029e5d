package paper

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode"

	"github.com/go-text/typesetting/font"
	"github.com/go-text/typesetting/font/opentype"
	"github.com/go-text/typesetting/shaping"
)

// Config names the operator's own fonts. Each is the path of a TrueType or OpenType file; of a collection, "#2" behind
// it takes the third face. They are asked for a letter in this order, and Debian's Noto packages after them.
type Config struct {
	Regular []string `yaml:"regular"`
	Bold    []string `yaml:"bold"`
}

// Validate gives all faults joined: a file that is named must be there.
func (c *Config) Validate() error {
	var all []error
	for key, list := range map[string][]string{"regular": c.Regular, "bold": c.Bold} {
		for i, name := range list {
			path, _, err := split(name)
			if err == nil {
				_, err = os.Stat(path)
			}
			if err != nil {
				all = append(all, fmt.Errorf("%s.%d: %w; name a font file", key, i, err))
			}
		}
	}
	return errors.Join(all...)
}

// maxFont bounds a font file, in bytes: Debian's largest is 27 MB.
const maxFont = 64 << 20

type weight int

const (
	regular weight = iota
	bold
)

// Press holds the fonts. A font file is read when a letter first needs it.
type Press struct {
	own   [2][]string // by weight
	noto  string      // the folder above truetype/noto and opentype/noto
	mu    sync.Mutex
	faces map[string]*font.Face // by name of the file; nil: not there, or no font
	shape shaping.HarfbuzzShaper
	wrap  shaping.LineWrapper
	parts shaping.Segmenter
}

// debian is where the packages fonts-noto-core and fonts-noto-cjk put their files.
const debian = "/usr/share/fonts"

// Open checks that the named files are fonts. What Debian's packages would bring is looked for when it is needed.
func Open(c Config) (*Press, error) {
	p := &Press{own: [2][]string{c.Regular, c.Bold}, noto: debian, faces: map[string]*font.Face{}}
	for _, list := range p.own {
		for _, name := range list {
			f, err := load(name)
			if err != nil {
				return nil, fmt.Errorf("open font %s: %w", name, err)
			}
			p.faces[name] = f
		}
	}
	return p, nil
}

// split parts a name into the path and the number of the face.
func split(name string) (path string, face int, err error) {
	path, number, ok := strings.Cut(name, "#")
	if !ok {
		return path, 0, nil
	}
	face, err = strconv.Atoi(number)
	if err != nil || face < 0 || face > 99 {
		return path, 0, fmt.Errorf("the face %q is no number from 0 to 99", number)
	}
	return path, face, nil
}

func load(name string) (*font.Face, error) {
	path, n, err := split(name)
	if err != nil {
		return nil, err
	}
	if s, err := os.Stat(path); err != nil {
		return nil, err
	} else if s.Size() > maxFont {
		return nil, fmt.Errorf("is over %d bytes", maxFont)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	all, err := opentype.NewLoaders(bytes.NewReader(b))
	if err != nil {
		return nil, fmt.Errorf("is no font: %w", err)
	}
	if n >= len(all) {
		return nil, fmt.Errorf("has %d faces", len(all))
	}
	f, err := font.NewFont(all[n])
	if err != nil {
		return nil, fmt.Errorf("is no font: %w", err)
	}
	return font.NewFace(f), nil
}

// named gives the font of that name, or nil where there is none.
func (p *Press) named(name string) *font.Face {
	f, known := p.faces[name]
	if !known {
		f, _ = load(name) // that a package is not installed is no fault
		p.faces[name] = f
	}
	return f
}

// face gives the font for a letter: the operator's first that has it, else Noto's of its script; nil: there is none.
func (p *Press) face(w weight, r rune) *font.Face {
	r = visible(r)
	for _, name := range slices.Concat(p.own[w], p.debian(w, r)) {
		if f := p.named(name); f != nil && has(f, r) {
			return f
		}
	}
	if w == bold { // a script without a bold font is set in its regular one
		return p.face(regular, r)
	}
	return nil
}

// visible is the letter that has to be there for r: a break or a tab is set as a space.
func visible(r rune) rune {
	if r == '\n' || r == '\t' {
		return ' '
	}
	return r
}

func has(f *font.Face, r rune) bool {
	g, ok := f.NominalGlyph(r)
	return ok && g != 0
}

// debian lists the Noto fonts for the script of r.
func (p *Press) debian(w weight, r rune) []string {
	style := [2]string{"Regular", "Bold"}[w]
	truetype := func(family string) string {
		return filepath.Join(p.noto, "truetype/noto", family+"-"+style+".ttf")
	}
	// The third face of the collection is the one for simplified Chinese; all five have the letters of the others.
	cjk := filepath.Join(p.noto, "opentype/noto", "NotoSansCJK-"+style+".ttc") + "#2"
	switch s := scriptOf(r); s {
	case "Common", "Inherited":
		return []string{truetype("NotoSans"), truetype("NotoNaskhArabic"), cjk, truetype("NotoSansSymbols"), truetype("NotoSansMath")}
	case "Latin", "Greek", "Cyrillic":
		return []string{truetype("NotoSans")}
	case "Arabic":
		return []string{truetype("NotoNaskhArabic"), truetype("NotoSansArabic")}
	case "Han", "Hiragana", "Katakana", "Bopomofo", "Hangul":
		return []string{cjk}
	default:
		return []string{truetype("NotoSans" + strings.ReplaceAll(s, "_", ""))}
	}
}

func scriptOf(r rune) string {
	for _, s := range []string{"Latin", "Common", "Arabic", "Han"} { // nearly all
		if unicode.Is(unicode.Scripts[s], r) {
			return s
		}
	}
	for name, table := range unicode.Scripts { // the tables are disjoint: the order does not matter
		if unicode.Is(table, r) {
			return name
		}
	}
	return "Unknown"
}

func noFont(r rune) error { return fmt.Errorf("%w: %s", ErrNoFont, scriptOf(r)) }
