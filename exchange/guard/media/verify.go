package media

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"strings"
)

// Verify tells whether a rebuilt file is of the plain form that the rebuilding writes: it decodes nothing, and was
// written apart from the encoders. The guard runs it on its own side of the sandbox, so that a worker which was taken
// over can't hand out what it likes. ext is the ending of the file's name.
func Verify(b []byte, ext string) error {
	switch k := sniff(b); {
	case !fits(k, ext):
		return fmt.Errorf("verify: a %s is not what the name says", k)
	case k == kindJPEG:
		return verifyJPEG(b)
	case k == kindPNG:
		return verifyPNG(b)
	case k == kindGIF:
		return verifyGIF(b)
	case k == kindPDF:
		return verifyPages(b)
	case k == kindZip:
		return verifyArchive(b)
	default:
		return fmt.Errorf("verify: a %s is never rebuilt", k)
	}
}

var errForm = errors.New("verify: not in the form that is written here")

// verifyJPEG lets a baseline picture pass whose segments are tables, frame and scan: no application data, no comment,
// and nothing behind its end (ITU-T T.81 Annex B).
func verifyJPEG(b []byte) error {
	for at := 2; at+4 <= len(b); {
		n := int(b[at+2])<<8 | int(b[at+3])
		if b[at] != 0xff || strings.IndexByte("\xdb\xc0\xc4\xda", b[at+1]) < 0 || n < 2 || at+2+n > len(b) {
			return errForm
		}
		scan := b[at+1] == 0xda
		if at += 2 + n; scan {
			return verifyScan(b[at:])
		}
	}
	return errForm
}

// verifyScan walks coded data to the one marker in it, the end of the picture and of the file.
func verifyScan(b []byte) error {
	for i := 0; i+1 < len(b); i++ {
		if b[i] != 0xff {
			continue
		}
		if b[i+1] == 0xd9 && i+2 == len(b) {
			return nil
		}
		if b[i+1] != 0 {
			return errForm
		}
		i++
	}
	return errForm
}

// verifyPNG lets a picture pass whose chunks are needed to show it (PNG §5.3), each with its checksum.
func verifyPNG(b []byte) error {
	for at := 8; at+12 <= len(b); {
		n := int64(binary.BigEndian.Uint32(b[at:]))
		if n > int64(len(b)-at-12) {
			return errForm
		}
		name, end := string(b[at+4:at+8]), at+8+int(n)
		if !strings.Contains(" IHDR PLTE tRNS IDAT IEND ", " "+name+" ") || crc32.ChecksumIEEE(b[at+4:end]) != binary.BigEndian.Uint32(b[end:]) {
			return errForm
		}
		if at = end + 4; name == "IEND" {
			if at == len(b) && n == 0 {
				return nil
			}
			return errForm
		}
	}
	return errForm
}

// verifyGIF lets one picture pass with its colours, and which of them is transparent: no comment, no application data
// (GIF89a §§18–27).
func verifyGIF(b []byte) error {
	if len(b) < 13 {
		return errForm
	}
	table := func(flags byte) int {
		if flags&0x80 == 0 {
			return 0
		}
		return 3 << (flags&7 + 1)
	}
	at := 13 + table(b[10])
	if at+8 <= len(b) && b[at] == 0x21 && b[at+1] == 0xf9 && b[at+2] == 4 && b[at+7] == 0 {
		at += 8
	}
	if at+10 > len(b) || b[at] != 0x2c {
		return errForm
	}
	at += 10 + table(b[at+9]) + 1
	for at < len(b) && b[at] != 0 {
		at += 1 + int(b[at])
	}
	if at+2 != len(b) || b[at+1] != 0x3b {
		return errForm
	}
	return nil
}

// verifyPages lets a PDF pass that holds pictures of pages and nothing else.
func verifyPages(b []byte) error {
	pages, err := readPDF(b)
	if err != nil {
		return fmt.Errorf("verify: %w", err)
	}
	for _, p := range pages {
		if p.coder == "DCTDecode" && (sniff(p.data) != kindJPEG || verifyJPEG(p.data) != nil) ||
			p.coder != "DCTDecode" && p.coder != "FlateDecode" || p.space != "DeviceRGB" && p.space != "DeviceGray" {
			return errForm
		}
	}
	return nil
}

// verifyArchive holds an archive's structure to the rules for one that comes.
func verifyArchive(b []byte) error {
	if _, err := readZip(bytes.NewReader(b), int64(len(b)), Policy{}.WithDefaults()); err != nil {
		return fmt.Errorf("verify: %w", err)
	}
	return nil
}
