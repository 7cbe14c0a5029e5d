package media

import (
	"bytes"
	"encoding/binary"
)

// orientation gives the way up that a JPEG's Exif data says, 1 to 8; 1 when it says nothing that can be read.
func orientation(b []byte) int {
	for at := 2; at+4 <= len(b) && b[at] == 0xff; {
		marker, n := b[at+1], int(b[at+2])<<8|int(b[at+3])
		if marker == 0xda || n < 2 || at+2+n > len(b) { // the picture itself begins
			return 1
		}
		if segment := b[at+4 : at+2+n]; marker == 0xe1 && bytes.HasPrefix(segment, []byte("Exif\x00\x00")) {
			return exifWay(segment[6:])
		}
		at += 2 + n
	}
	return 1
}

// exifWay reads tag 0x0112 of the first directory (TIFF 6.0 §2).
func exifWay(b []byte) int {
	if len(b) < 8 {
		return 1
	}
	var order binary.ByteOrder = binary.LittleEndian
	if b[0] == 'M' {
		order = binary.BigEndian
	}
	at := int64(order.Uint32(b[4:]))
	if at+2 > int64(len(b)) {
		return 1
	}
	count := int(order.Uint16(b[at:]))
	for i := range count {
		e := at + 2 + int64(i)*12
		if e+12 > int64(len(b)) {
			return 1
		}
		if order.Uint16(b[e:]) == 0x0112 {
			if way := int(order.Uint16(b[e+8:])); way >= 1 && way <= 8 {
				return way
			}
			return 1
		}
	}
	return 1
}
