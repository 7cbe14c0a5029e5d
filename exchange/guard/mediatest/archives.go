package mediatest

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
)

// entry is one file to be packed.
type entry struct{ name, text string }

// Zip packs pairs of a name and a text.
func Zip(pairs ...string) []byte {
	var all []entry
	for i := 0; i+1 < len(pairs); i += 2 {
		all = append(all, entry{pairs[i], pairs[i+1]})
	}
	return zipOf(all...)
}

func zipOf(all ...entry) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, e := range all {
		h := &zip.FileHeader{Name: e.name, Method: zip.Deflate}
		if e.name == "mimetype" {
			h.Method = zip.Store
		}
		w, err := z.CreateHeader(h)
		must(err)
		_, err = w.Write([]byte(e.text))
		must(err)
	}
	must(z.Close())
	return b.Bytes()
}

// patched changes bytes at an offset from the n-th place of a signature.
func patched(b []byte, signature string, n, offset int, to ...byte) []byte {
	b = bytes.Clone(b)
	at := 0
	for range n {
		at += bytes.Index(b[at:], []byte(signature)) + 1
	}
	copy(b[at-1+offset:], to)
	return b
}

// overlapping is a ZIP whose directory names the same bytes many times.
func overlapping(times int) []byte {
	b := zipOf(entry{"[Content_Types].xml", strings.Repeat("<a/>", 20_000)})
	at := bytes.Index(b, []byte("PK\x01\x02"))
	end := bytes.Index(b, []byte("PK\x05\x06"))
	central := b[at:end]
	out := bytes.Clone(b[:at])
	for range times {
		out = append(out, central...)
	}
	return append(out, endOf(times, len(central)*times, at)...)
}

func endOf(count, size, start int) []byte {
	end := append([]byte("PK\x05\x06"), 0, 0, 0, 0)
	end = binary.LittleEndian.AppendUint16(end, uint16(count))
	end = binary.LittleEndian.AppendUint16(end, uint16(count))
	end = binary.LittleEndian.AppendUint32(end, uint32(size))
	end = binary.LittleEndian.AppendUint32(end, uint32(start))
	return append(end, 0, 0)
}

// likeItself is a ZIP that holds one of its own name and form, as one that unpacks to itself for ever does.
func likeItself() []byte {
	b := zipOf(entry{"r.zip", "PK\x03\x04"})
	for range 5 {
		b = zipOf(entry{"r.zip", string(b)})
	}
	return b
}

// bomb packs n files of a mebibyte of zeros each.
func bomb(n int) []byte {
	var all []entry
	for i := range n {
		all = append(all, entry{fmt.Sprintf("%d.txt", i), strings.Repeat("0", 1<<20)})
	}
	return zipOf(all...)
}

func nested(depth int) []byte {
	b := bomb(1)
	for range depth {
		b = zipOf(entry{"a.zip", string(b)}, entry{"b.zip", string(b)})
	}
	return b
}

func archives() []File {
	plain := Zip("a.txt", "hello", "b.txt", "there")
	many := make([]string, 0, 5000)
	for i := range 2500 {
		many = append(many, fmt.Sprintf("%d.txt", i), "x")
	}
	return []File{
		{"archive", "", plain, packed, false, ""},
		{"archive called sheet", "xlsx", plain, packed, false, ""},
		{"archive with eicar", "zip", Zip("a.txt", string(Eicar())), packed, false, ""},
		{"archive in an archive", "zip", nested(3), packed, false, ""},
		{"archive that holds one like itself", "zip", likeItself(), packed, false, ""},
		{"archive that unpacks to much", "zip", bomb(9), packed, false, ""},
		{"archive whose entries overlap", "zip", overlapping(500), packed, false, ""},
		{"archive with too many entries", "zip", Zip(many...), packed, false, ""},
		{"archive that is encrypted", "zip", patched(plain, "PK\x01\x02", 1, 8, 1), packed, false, ""},
		{"archive encrypted in its headers alone", "zip", patched(plain, "PK\x03\x04", 1, 6, 9), packed, false, ""},
		{"archive with a path upwards", "zip", Zip("../../etc/passwd", "x"), packed, false, ""},
		{"archive with a path from the root", "zip", Zip("/etc/passwd", "x"), packed, false, ""},
		{"archive with a bidi name", "zip", Zip("a\u202etxt.exe", "x"), packed, false, ""},
		{"archive with one name twice", "zip", Zip("a.txt", "x", "A.TXT", "y"), packed, false, ""},
		{"archive with two names for one entry", "zip", patched(plain, "a.txt", 1, 0, 'z'), packed, false, ""},
		{"archive cut", "zip", plain[:len(plain)-30], packed, false, ""},
		{"archive with a comment behind it", "zip", append(bytes.Clone(plain), "tail"...), packed, false, ""},
		{"archive's end alone", "zip", []byte("PK\x03\x04" + strings.Repeat("x", 100) + "PK\x05\x06" + strings.Repeat("\xff", 18)), packed, false, ""},
	}
}
