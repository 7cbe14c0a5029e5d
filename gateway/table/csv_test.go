package table

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
)

func show(v any) string { return fmt.Sprintf("%q", v) }

func TestCSVIsReadAsASpreadsheetShowsIt(t *testing.T) {
	for _, c := range []struct {
		name, text string
		comma      rune
		header     []string
		numbers    []int
		rows       [][]string
	}{
		{"commas", "HS code,Net kg\n847130,12\n010121,7\n", ',', []string{"HS code", "Net kg"}, []int{2, 3}, [][]string{{"847130", "12"}, {"010121", "7"}}},
		{"semicolons and decimal commas", "HS code;Net kg\r\n847130;12,5\r\n010121;7,25", ';', []string{"HS code", "Net kg"}, []int{2, 3}, [][]string{{"847130", "12,5"}, {"010121", "7,25"}}},
		{"tabs", "HS code\tNet kg\n847130\t12\n", '\t', []string{"HS code", "Net kg"}, []int{2}, [][]string{{"847130", "12"}}},
		{"bars, old Macintosh", "HS code|Net kg\r847130|12\r", '|', []string{"HS code", "Net kg"}, []int{2}, [][]string{{"847130", "12"}}},
		{"sep= is no row", "sep=;\nHS code;Net kg\n847130;12\n", ';', []string{"HS code", "Net kg"}, []int{2}, [][]string{{"847130", "12"}}},
		{"quotes", "HS code,Description\n1,\"a, \"\"b\"\"\nc\"\n2,5\" pipe\n3,\"x\"y\n", ',', []string{"HS code", "Description"}, []int{2, 3, 4}, [][]string{{"1", "a, \"b\"\nc"}, {"2", "5\" pipe"}, {"3", "xy"}}},
		{"empty lines count", "\nHS code,Net kg\n\n1,2\n,\n3,4\n\n\n", ',', []string{"HS code", "Net kg"}, []int{4, 6}, [][]string{{"1", "2"}, {"3", "4"}}},
		{"guarded", "HS code,Description\n1,'=A1\n2,'-x\n3,'tis\n", ',', []string{"HS code", "Description"}, []int{2, 3, 4}, [][]string{{"1", "=A1"}, {"2", "-x"}, {"3", "'tis"}}},
		{"marked before", "HS code,Row (row#),Net kg,Ligne (problem#)\n1,7,2,Bad\n3,15,4,\n", ',', []string{"HS code", "Net kg"}, []int{2, 3}, [][]string{{"1", "2"}, {"3", "4"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := read(t, "goods.csv", []byte(c.text))
			same(t, "header", got.Header, c.header)
			same(t, "numbers", numbers(got), c.numbers)
			same(t, "rows", plainRows(got), c.rows)
			same(t, "comma", got.Dialect.Comma, c.comma)
		})
	}
}

func TestCSVRowsOfAMarkedCopyKeepTheirNumbers(t *testing.T) {
	got := read(t, "goods.csv", []byte("HS code,Row (row#)\n1,7\n3,15\n4,\n"))
	same(t, "of", []int{got.Rows[0].Of, got.Rows[1].Of, got.Rows[2].Of}, []int{7, 15, 0})
}

func TestTitleRowsGiveFields(t *testing.T) {
	got := read(t, "goods.csv", []byte("Goods declaration\nPeriod;2026-11\nCompany: North Dock;;Period:;2026-12\nHS code;Net kg\n1;2;over\n"))
	same(t, "fields", got.Fields, []Pair{{"Period", Cell{Text: "2026-11"}, 2}, {"Company", Cell{Text: "North Dock"}, 3}, {"Period", Cell{Text: "2026-12"}, 3}})
	same(t, "header row", got.HeaderRow, 4)
	for about, rows := range map[Topic][]int{TitleRows: {1, 2, 3}, Unnamed: {5}} {
		n, _ := got.Note(about)
		same(t, string(about), n.Rows, rows)
	}
}

func TestEncodings(t *testing.T) {
	french := "Code SH;Désignation\n1;Café moulu, qualité supérieure\n2;Œufs à l'étuvée\n"
	arabicText := "البلد;الوصف\nفرنسا;قهوة مطحونة من الدرجة الأولى\nمصر;قطن خام\n"
	chineseText := "国家;品名\n法国;咖啡豆和茶叶\n中国;棉花和丝绸制品\n"
	for _, c := range []struct {
		name, text string
		enc        encoding.Encoding
		mark       string
		guessed    bool
	}{
		{"utf-8", french, encoding.Nop, "", false},
		{"utf-8", chineseText, encoding.Nop, "\uFEFF", false},
		{"utf-16le", arabicText, unicode.UTF16(unicode.LittleEndian, unicode.UseBOM), "", false},
		{"utf-16be", french, unicode.UTF16(unicode.BigEndian, unicode.UseBOM), "", false},
		{"utf-16le", french, unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM), "", true},
		{"utf-16be", french, unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM), "", true},
		{"windows-1252", french, charmap.Windows1252, "", true},
		{"windows-1256", arabicText, charmap.Windows1256, "", true},
		{"gb18030", chineseText, simplifiedchinese.GB18030, "", true},
	} {
		b, err := c.enc.NewEncoder().String(c.mark + c.text)
		if err != nil {
			t.Fatal(err)
		}
		got := read(t, "x.csv", []byte(b))
		same(t, c.name, got.Dialect.Encoding, c.name)
		if _, guessed := got.Note(Guessed); guessed != c.guessed {
			t.Errorf("%s: guessed %v", c.name, guessed)
		}
		want := read(t, "x.csv", []byte(c.text))
		same(t, c.name, plainRows(got), plainRows(want))
	}
}

func TestWhatIsRefused(t *testing.T) {
	small := Defaults()
	small.Rows, small.Columns, small.Cells, small.Cell, small.Bytes = 2, 3, 8, 10, 200
	for _, c := range []struct {
		text string
		want Reason
		row  int
	}{
		{"", Empty, 0},
		{" \n\n,,\n", Empty, 0},
		{"%PDF-1.7 and so on", NotATable, 0},
		{"GIF89a\x01\x00\x01\x00", NotATable, 0},
		{"\x1F\x8B\x08\x00", NotATable, 0},
		{oleMagic + "\x00\x00" + string(wide("EncryptedPackage")), Password, 0},
		{oleMagic + "\x00\x00" + string(wide("Workbook")), OldFormat, 0},
		{tnefMagic + "\x00\x01", Winmail, 0},
		{"0\x82\x05\x01\x06\x09*\x86H\x86\xF7\x0D\x01\x07\x02\xA0\x82\x04\xF2\x02\x01\x01", NotATable, 0}, // a signature
		{"Hi,\n\"x\n", NoHeader, 0},
		{"a,b\nc,d\n", NoHeader, 1},
		{"HS code,Net kg\n1,\x00", NUL, 2},
		{"\xEF\xBB\xBFa,\xFF", Encoding, 0},
		{"HS code,\x81\x01\xFF", Encoding, 0},
		{"HS code,Net kg\n1,\"2\n3,4\n", OpenQuote, 2},
		{"HS code,Net kg\n1,2\n3,4\n5,6\n", TooManyRows, 0},
		{"HS code,Net kg\n1,2,3,4\n", TooWide, 2},
		{"HS code,Net kg\n1,2,3\n1,2,3\n1,2,3\n", TooManyCells, 4},
		{"HS code,Net kg\n1,12345678901\n", LongCell, 2},
		{strings.Repeat("x", 201), TooBig, 0},
		{"HS code,hs Code\n1,2\n", TwiceNamed, 1},
		{"HS code,Net kg\n#REF!,#N/A\n1,3\n", AllErrors, 0},
	} {
		if tr := refused(t, []byte(c.text), small, c.want); tr.Row != c.row {
			t.Errorf("%q: row %d, want %d", c.text, tr.Row, c.row)
		}
	}
}

func TestAFileThatCannotBeHadNowIsNoTrouble(t *testing.T) {
	gone := errors.New("gone")
	f := File{Open: func(context.Context) (io.ReadCloser, error) { return nil, gone }}
	var tr *Trouble
	if _, err := Read(t.Context(), f, nil, Defaults()); !errors.Is(err, gone) || errors.As(err, &tr) {
		t.Errorf("got %v", err)
	}
}

func TestALatinNameThatLooksLikeAPicture(t *testing.T) {
	if got := read(t, "x.csv", []byte("BM,HS code\n1,2\n")); len(got.Rows) != 1 {
		t.Errorf("got %v", got)
	}
}

func TestSeparator(t *testing.T) {
	for _, c := range []struct {
		column  []string
		decimal rune
		ok      bool
	}{
		{nil, '.', true},
		{[]string{"12", "n/a", "-5"}, '.', true},
		{[]string{"1,240", "1,190"}, 0, false},
		{[]string{"1,240", "1.5"}, '.', true},
		{[]string{"1,240", "0,5"}, ',', true},
		{[]string{"1.234,5"}, ',', true},
		{[]string{"1,234.5", "1.234,5"}, 0, false},
		{[]string{"1,234,567", "1,240"}, '.', true},
		{[]string{"1 234,567"}, ',', true},
		{[]string{"1'234.567"}, '.', true},
		{[]string{"1234,567"}, ',', true},
		{[]string{"0,125"}, ',', true},
		{[]string{"١٬٢٣٤٫٥"}, '٫', true},
		{[]string{"1.5", "2,5"}, 0, false},
	} {
		if d, ok := Separator(c.column); d != c.decimal || ok != c.ok {
			t.Errorf("%q: %q %v", c.column, d, ok)
		}
	}
}

func TestDecimal(t *testing.T) {
	for _, c := range []struct {
		text    string
		decimal rune
		want    string
		ok      bool
	}{
		{"1.234,5", ',', "1234.5", true},
		{"-1,234.50", '.', "-1234.50", true},
		{"+7", '.', "7", true},
		{"12,5", '.', "", false},
		{"1 234 567", '.', "1234567", true},
		{"١٢٫٥", '٫', "12.5", true},
		{"1.2.3", '.', "", false},
		{"12a", '.', "", false},
		{"", '.', "", false},
		{"1,", ',', "", false},
	} {
		if got, ok := Decimal(c.text, c.decimal); got != c.want || ok != c.ok {
			t.Errorf("%q: %q %v", c.text, got, ok)
		}
	}
}
