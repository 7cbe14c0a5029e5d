package guard

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gatehouse/exchange"
	"gatehouse/exchange/evidence"
	"gatehouse/exchange/exchangetest"
	"gatehouse/exchange/guard/media"
	"gatehouse/exchange/guard/mediatest"
)

var noon = time.Date(2026, 3, 9, 12, 0, 0, 0, time.UTC)

// post is a guard with both neighbours: the origin that seals, and the end that opens.
type post struct {
	*testing.T
	lane   exchange.Lane
	rings  map[exchange.Party]*exchange.Ring
	origin *exchangetest.Chain
	end    *exchange.Ring
	ledger *exchangetest.Incoming
	guard  *Guard
	dir    string
	keys   string // the folders of keys
	now    time.Time
	limits Limits
	media  media.Policy
	scan   ScanConfig
	worker *Worker
	out    [][]byte // what went on, in order
	full   error    // of link B
}

func newPost(t *testing.T, l exchange.Lane, limits Limits) *post {
	t.Helper()
	p := &post{T: t, lane: l, dir: t.TempDir(), now: noon, limits: limits, ledger: exchangetest.NewIncoming()}
	p.rings, p.keys = exchangetest.Rings(t, noon)
	from, to := exchange.Extranet, exchange.Intranet
	if l == exchange.Down {
		from, to = to, from
	}
	p.worker = newWorker(t, WorkerConfig{CPU: 5 * time.Minute, Timeout: 10 * time.Minute})
	p.origin = exchangetest.NewChain(p.rings[from], l, func() time.Time { return p.now })
	p.end = p.rings[to]
	p.open()
	t.Cleanup(func() { p.guard.log.Close() })
	return p
}

func (p *post) open() {
	p.Helper()
	who := exchange.UpGuard
	if p.lane == exchange.Down {
		who = exchange.DownGuard
	}
	g, err := Open(Options{
		Lane: p.lane, Ring: p.rings[who], Out: p, LogFile: filepath.Join(p.dir, "guard.log"), Dir: filepath.Join(p.dir, "journal"),
		Limits: p.limits, Media: p.media, Scan: p.scan, Worker: p.worker, Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return p.now },
	})
	if err != nil {
		p.Fatal(err)
	}
	p.guard = g
}

func (p *post) reopen() {
	p.Helper()
	if err := p.guard.Close(); err != nil {
		p.Fatal(err)
	}
	p.open()
}

// Send implements link B.
func (p *post) Send(_ context.Context, e exchange.Envelope) error {
	if p.full == nil {
		p.out = append(p.out, e.Bytes)
	}
	return p.full
}

// Receive is not used: tests hand envelopes over by hand.
func (p *post) Receive(context.Context, func(context.Context, exchange.Envelope) error) error {
	return nil
}

func (p *post) hand(e exchange.Envelope) error { return p.guard.handle(context.Background(), e) }

func (p *post) parcel(d exchange.Document) exchange.Parcel {
	p.Helper()
	return exchangetest.ParcelOf(p, fmt.Sprintf("p%d", p.origin.Head.Seq+1), d, p.now)
}

// cross seals d, takes it over and gives what arrived.
func (p *post) cross(d exchange.Document) exchange.Arrival {
	p.Helper()
	return p.crossParcel(p.parcel(d))
}

func (p *post) crossParcel(parcel exchange.Parcel) exchange.Arrival {
	p.Helper()
	e := p.origin.Seal(p, parcel)
	if err := p.hand(e); err != nil {
		p.Fatalf("number %d: %v", e.Seq, err)
	}
	a := p.arrived()
	if a.Origin != e.Head() {
		p.Fatalf("the verdict is on %v, not on %v", a.Origin, e.Head())
	}
	return a
}

// arrived opens the last that went on and keeps it.
func (p *post) arrived() exchange.Arrival {
	p.Helper()
	if len(p.out) == 0 {
		p.Fatal("nothing went on")
	}
	return p.keep(p.out[len(p.out)-1])
}

func (p *post) keep(b []byte) exchange.Arrival {
	p.Helper()
	a, _, err := p.end.Open(p.lane, exchange.Envelope{Bytes: b}, p.now)
	if err != nil {
		p.Fatal(err)
	}
	if _, err := p.ledger.Keep(context.Background(), a); err != nil {
		p.Fatal(err)
	}
	return a
}

// crossParts takes Parts over and gives all that arrived.
func (p *post) crossParts(parts ...exchange.Part) []exchange.Arrival {
	p.Helper()
	before := len(p.out)
	for _, part := range parts {
		if err := p.hand(p.origin.Seal(p, p.parcel(part))); err != nil {
			p.Fatal(err)
		}
	}
	var all []exchange.Arrival
	for _, b := range p.out[before:] {
		all = append(all, p.keep(b))
	}
	return all
}

func (p *post) wantReason(what string, a exchange.Arrival, want exchange.Reason) {
	p.Helper()
	if a.Refused != want {
		p.Errorf("%s: refused for %q, want %q", what, word0(a.Refused), word0(want))
	}
	if (want == exchange.ReasonNone) != (len(a.Parcel.Content) > 0) {
		p.Errorf("%s: arrived with %d bytes", what, len(a.Parcel.Content))
	}
}

func word0(r exchange.Reason) string {
	if r == exchange.ReasonNone {
		return ""
	}
	return word(r)
}

func hexSum(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func ref(id, name string, b []byte) exchange.FileRef {
	return exchange.FileRef{ID: id, Name: name, Type: "application/octet-stream", Size: int64(len(b)), SHA256: hexSum(b)}
}

// partsIn cuts a file into the Parts of a document.
func partsIn(doc, file string, b []byte) []exchange.Part {
	var out []exchange.Part
	n := partsOf(int64(len(b)))
	for i := range n {
		piece := b[i*exchange.PartSize : min((i+1)*exchange.PartSize, len(b))]
		out = append(out, exchange.Part{File: file, Of: doc, Number: i + 1, Count: n, SHA256: hexSum(piece), Bytes: piece})
	}
	return out
}

func caseWith(id string, files ...exchange.FileRef) exchange.Case {
	return exchange.Case{ID: id, Service: "ask", Text: "text", FiledAt: noon, Files: files}
}

func (p *post) released(d exchange.Document) exchange.Document {
	p.Helper()
	ring := p.rings[exchange.Intranet]
	var err error
	if r, _ := exchange.ReleaseOf(d); r.Policy == exchange.PolicySecond {
		if d, err = ring.Approve(d, p.now); err != nil {
			p.Fatal(err)
		}
	}
	signed, err := ring.Release(d, p.now)
	if err != nil {
		p.Fatal(err)
	}
	return signed
}

func release() exchange.Released {
	return exchange.Released{Policy: "clean", Label: exchange.Releasable, By: "u1", At: noon}
}

// byTwo is the release of what needs a second person.
func byTwo() exchange.Released {
	r := release()
	r.Policy, r.Second = exchange.PolicySecond, "u2"
	return r
}

func TestUpPasses(t *testing.T) {
	p := newPost(t, exchange.Up, Limits{})
	for _, d := range []exchange.Document{
		caseWith("c1"),
		exchange.Addition{ID: "a1", Case: "c1", Act: exchange.ActReply, At: noon},
		exchange.Question{ID: "q1", Lang: "en", Count: 3},
		exchange.Tally{ID: "t1", About: "b"},
		exchange.Erasure{ID: "e1", Party: "p"},
		exchange.Result{ID: "r1", About: "s1"},
		exchange.Ack{Lane: exchange.Down, Epoch: 1, Contiguous: 4, At: noon},
		exchange.Ack{Lane: exchange.Down, Epoch: 1, Contiguous: 4, At: noon},
		exchange.History{Lane: exchange.Up, Epoch: 1, At: noon},
	} {
		p.wantReason(string(d.Kind()), p.cross(d), exchange.ReasonNone)
	}
	if s := p.guard.Status(); s.Passed != 9 || s.In.Seq != 9 || s.Out.Seq != 9 {
		t.Errorf("status: %+v", s)
	}
}

func TestUpRefuses(t *testing.T) {
	p := newPost(t, exchange.Up, Limits{DocumentBytes: 8 << 10})
	raw := func(k exchange.Kind, s string) exchange.Parcel {
		return exchange.Parcel{ID: "p", Kind: k, Content: []byte(s), Created: noon}
	}
	good := string(p.parcel(caseWith("c1")).Content)
	swap := func(from, to string) exchange.Parcel {
		if !strings.Contains(good, from) {
			t.Fatalf("%q is not in %s", from, good)
		}
		return raw(exchange.KindCase, strings.Replace(good, from, to, 1))
	}
	p.cross(exchange.Ack{Lane: exchange.Down, Epoch: 1, Contiguous: 4, At: noon})
	for name, c := range map[string]struct {
		parcel exchange.Parcel
		want   exchange.Reason
	}{
		"not JSON":           {raw(exchange.KindCase, "hello"), exchange.ReasonSchema},
		"white space":        {swap(`,"lang"`, `, "lang"`), exchange.ReasonSchema},
		"unknown field":      {swap(`"lang":`, `"x":1,"lang":`), exchange.ReasonSchema},
		"duplicate field":    {swap(`"lang":`, `"service":"ask","lang":`), exchange.ReasonSchema},
		"odd escape":         {swap(`"text"`, `"\u0074ext"`), exchange.ReasonSchema},
		"another kind":       {raw(exchange.KindTally, good), exchange.ReasonSchema},
		"bidi text":          {swap(`"text":"text"`, "\"text\":\"te\u202Ext\""), exchange.ReasonText},
		"text not NFC":       {swap(`"text":"text"`, "\"text\":\"e\u0301\""), exchange.ReasonText},
		"field too long":     {swap(`"service":"ask"`, `"service":"`+strings.Repeat("a", 100)+`"`), exchange.ReasonSize},
		"too large":          {raw(exchange.KindCase, strings.Repeat(" ", 9<<10)), exchange.ReasonSize},
		"no service":         {swap(`"service":"ask"`, `"service":""`), exchange.ReasonSchema},
		"file too large":     {p.parcel(caseWith("c", exchange.FileRef{ID: "f", Name: "n.pdf", Type: "t", Size: 26 << 20, SHA256: hexSum(nil)})), exchange.ReasonSize},
		"file called .exe":   {p.parcel(caseWith("c", ref("f", "a.exe", []byte("x")))), exchange.ReasonFileKind},
		"file called .html":  {p.parcel(caseWith("c", ref("f", "a.HTML", []byte("x")))), exchange.ReasonFileKind},
		"part of nothing":    {p.parcel(partsIn("nobody", "f", []byte("x"))[0]), exchange.ReasonSchema},
		"ack of its own":     {p.parcel(exchange.Ack{Lane: exchange.Up, Epoch: 1, Contiguous: 9}), exchange.ReasonSchema},
		"ack goes back":      {p.parcel(exchange.Ack{Lane: exchange.Down, Epoch: 1, Contiguous: 3}), exchange.ReasonSchema},
		"ack, older epoch":   {p.parcel(exchange.Ack{Lane: exchange.Down, Epoch: 0, Contiguous: 9}), exchange.ReasonSchema},
		"a numbered beat":    {p.parcel(exchange.Heartbeat{Lane: exchange.Up}), exchange.ReasonSchema},
		"another's history":  {p.parcel(exchange.History{Lane: exchange.Down}), exchange.ReasonSchema},
		"clean after all of": {p.parcel(caseWith("c2")), exchange.ReasonNone},
	} {
		p.wantReason(name, p.crossParcel(c.parcel), c.want)
	}
	if _, _, err := evidence.VerifyFile(filepath.Join(p.dir, "guard.log"), evidence.Tip{}); err != nil {
		t.Error(err)
	}
}

func TestDownPassesOnlyWhatIsReleased(t *testing.T) {
	p := newPost(t, exchange.Down, Limits{})
	n := exchange.Notice{ID: "n1", Case: "c1", Text: "yes", At: noon, Release: release()}
	with := func(change func(*exchange.Notice)) exchange.Document {
		x := p.released(n).(exchange.Notice)
		change(&x)
		return x
	}
	label := func(l string) exchange.Document {
		x := n
		x.Release.Label = l
		return p.released(x)
	}
	b := exchange.Broadcast{ID: "b", List: "l", Bodies: []exchange.Body{{Lang: "en", Text: "t"}}, Priority: "routine", Release: byTwo()}
	late := b
	late.Expires = noon.Add(-time.Minute)
	decision := printed(t, "en", "Granted")
	pdf := ref("f", "decision.pdf", decision)
	pdf.Type = "application/pdf"
	notice := func(change func(*exchange.FileRef)) exchange.Document {
		x, f := n, pdf
		x.ID = "with-file"
		change(&f)
		x.Document = []exchange.FileRef{f}
		return p.released(x)
	}
	for _, c := range []struct {
		name string
		d    exchange.Document
		want exchange.Reason
	}{
		{"notice", p.released(n), exchange.ReasonNone},
		{"broadcast", p.released(b), exchange.ReasonNone},
		{"publication", p.released(exchange.Publication{ID: "p", Sort: "answer", Name: "pool", Body: "x", Release: byTwo()}), exchange.ReasonNone},
		{"control", p.released(exchange.Control{ID: "k", Broadcast: "b", Act: "pause", Release: release()}), exchange.ReasonNone},
		{"send", p.released(exchange.Send{ID: "s", Client: "c", Channel: "sms", To: "+1", Text: "t", Release: release()}), exchange.ReasonNone},
		{"ack", exchange.Ack{Lane: exchange.Up, Epoch: 1, Contiguous: 1}, exchange.ReasonNone},
		{"no release", with(func(x *exchange.Notice) { x.Release = exchange.Released{} }), exchange.ReasonUnrelease},
		{"no signature", with(func(x *exchange.Notice) { x.Release.Signature = "" }), exchange.ReasonUnrelease},
		{"changed afterwards", with(func(x *exchange.Notice) { x.Text = "no" }), exchange.ReasonUnrelease},
		{"label internal", label("internal"), exchange.ReasonUnrelease},
		{"no label", label(""), exchange.ReasonUnrelease},
		{"too late", p.released(late), exchange.ReasonExpired},
		{"page as document", notice(func(f *exchange.FileRef) { f.Name = "a.html" }), exchange.ReasonFileKind},
		{"sheet as document", notice(func(f *exchange.FileRef) { f.Name, f.Type = "a.csv", "text/csv" }), exchange.ReasonFileKind},
		{"large document", notice(func(f *exchange.FileRef) { f.Size = 2 << 20 }), exchange.ReasonSize},
		{"audience with a file", p.released(exchange.Audience{ID: "u", Broadcast: "b", Files: []exchange.FileRef{pdf}, Release: byTwo()}), exchange.ReasonFileKind},
		{"notice with a document", notice(func(*exchange.FileRef) {}), exchange.ReasonNone},
		{"its document", partsIn("with-file", "f", decision)[0], exchange.ReasonNone},
		{"part of nothing", partsIn("with-file", "f", decision)[0], exchange.ReasonSchema},
	} {
		p.wantReason(c.name, p.cross(c.d), c.want)
	}
}

func TestDownDocumentIsOursOrNothing(t *testing.T) {
	for file, want := range map[string]exchange.Reason{"plain text": exchange.ReasonFileKind, string(mediatest.PDF("")): exchange.ReasonActive} {
		p := newPost(t, exchange.Down, Limits{})
		f := ref("f", "decision.pdf", []byte(file))
		f.Type = "application/pdf"
		d := p.released(exchange.Notice{ID: "n1", Case: "c1", Text: "yes", Document: []exchange.FileRef{f}, Release: release()})
		p.wantReason("notice", p.cross(d), exchange.ReasonNone)
		a := p.cross(partsIn("n1", "f", []byte(file))[0])
		p.wantReason("part", a, want)
		if a.Of != "n1" {
			t.Errorf("the notice does not fall: %q", a.Of)
		}
	}
}

// TestWrongDirection: a compromised origin with a patched sealer can't send what belongs to the other lane, because
// the guard decides by its own table.
func TestWrongDirection(t *testing.T) {
	for _, k := range exchange.Kinds(exchange.Down) {
		it := &Item{Lane: exchange.Up, Header: exchange.Header{Kind: k, Schema: exchange.SchemaVersion}}
		r, _ := judgeKind(it)
		if want := exchange.Crosses(k, exchange.Up); (r == exchange.ReasonNone) != want {
			t.Errorf("%s: %s", k, word0(r))
		}
	}
	if r, _ := judgeKind(&Item{Lane: exchange.Up, Header: exchange.Header{Kind: exchange.KindCase, Schema: 2}}); r != exchange.ReasonSchema {
		t.Error("a later schema passes")
	}
}

func TestQuotas(t *testing.T) {
	p := newPost(t, exchange.Up, Limits{DocumentsPerHour: 3, BytesPerDay: 3 << 19, Pending: 1})
	for i := range 5 {
		want := exchange.ReasonNone
		if i >= 3 {
			want = exchange.ReasonQuota
		}
		p.wantReason(fmt.Sprint(i), p.cross(caseWith(fmt.Sprint("c", i))), want)
	}
	p.wantReason("an ack", p.cross(exchange.Ack{Lane: exchange.Down, Epoch: 1}), exchange.ReasonNone)
	p.reopen()
	p.wantReason("after a restart", p.cross(caseWith("x")), exchange.ReasonQuota)
	p.now = p.now.Add(time.Hour)
	big := []byte(strings.Repeat("a;b;c\n", 200_000))
	p.wantReason("an hour later", p.cross(caseWith("y", ref("f", "a.csv", big))), exchange.ReasonNone)
	p.wantReason("a second with files", p.cross(caseWith("z", ref("f", "a.csv", big))), exchange.ReasonQuota)
	parts := partsIn("y", "f", big)
	for i, a := range p.crossParts(parts...) { // the third is over a day's bytes, and the two that are held fall with it
		p.wantReason(fmt.Sprint("over a day's bytes, ", i), a, exchange.ReasonQuota)
	}
}
