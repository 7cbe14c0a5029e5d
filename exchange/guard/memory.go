package guard

import (
	"time"

	"gatehouse/exchange"
	"gatehouse/exchange/evidence"
)

// memory is what the guard knows of its lane. It is nothing but the sum of its log: apply is called with each record,
// at start from the file, later right after it was appended.
type memory struct {
	in, out exchange.Head
	pending map[string]*pendingDocument // by the document's id
	hour    window
	day     window
	ack     told
	said    map[exchange.Kind]time.Time // when an Ack or a History was last judged, refused or not
	passed  uint64
	refused map[exchange.Reason]uint64
	last    time.Time                 // of the last envelope
	recent  map[exchange.Head]sending // the last of them, by the number that came alone
	order   []exchange.Head           // of recent, oldest first

	due      map[string]bool            // documents with something to judge or to let go
	held     map[exchange.Head][32]byte // digests of what is held, by number
	lastPart *exchange.Head             // the last that went on, if it is a Part
}

// sending is a record and what went on before it.
type sending struct {
	record evidence.Record
	before exchange.Head
}

// maxRecent bounds recent: an hour of Acks, and as many documents as a lane has open when its end stands still.
const maxRecent = 4096

func (m *memory) remember(r evidence.Record) {
	at := exchange.Head{Epoch: r.In.Epoch, Seq: r.In.Seq}
	r.Files = nil
	m.recent[at] = sending{record: r, before: m.out}
	if m.order = append(m.order, at); len(m.order) > maxRecent {
		delete(m.recent, m.order[0])
		m.order = m.order[1:]
	}
}

// pendingDocument is a document whose files are not all in.
type pendingDocument struct {
	id      string
	head    exchange.Head // of the envelope that brought it: names the files on disk, and gives the order
	passed  bool          // it went on; otherwise its Parts are refused with it
	reason  exchange.Reason
	files   map[string]*pendingFile
	order   []*pendingFile
	missing int // Parts that have no verdict yet
}

type pendingFile struct {
	evidence.Announced
	index    int
	next     int              // number of the Part to come
	held     []exchange.Head  // the Parts, in order
	released int              // how many of them have their verdict
	judged   *evidence.Judged // nil: not yet, or refused
	trials   []exchange.Trial
}

// upcoming is the number of the Part to come in the envelope at: the first again when its origin begins a new epoch.
func (f *pendingFile) upcoming(at, last exchange.Head) int {
	if at.Epoch > last.Epoch {
		return 1
	}
	return f.next
}

// whole tells whether all Parts came.
func (f *pendingFile) whole() bool { return f.next > partsOf(f.Size) }

// window counts documents and bytes within one hour or day of the guard's clock.
type window struct {
	start     time.Time
	documents int
	bytes     int64
}

func (w *window) add(at time.Time, length time.Duration, documents, bytes int) {
	if start := at.Truncate(length); !start.Equal(w.start) {
		*w = window{start: start}
	}
	w.documents += documents
	w.bytes += int64(bytes)
}

func newMemory() *memory {
	return &memory{
		in: exchange.Head{Epoch: 1}, out: exchange.Head{Epoch: 1},
		pending: map[string]*pendingDocument{}, refused: map[exchange.Reason]uint64{},
		recent: map[exchange.Head]sending{}, said: map[exchange.Kind]time.Time{}, due: map[string]bool{}, held: map[exchange.Head][32]byte{},
	}
}

// begin takes the epoch of a log's first record; logs of older releases begin with epoch 1.
func (m *memory) begin(r evidence.Record) {
	if r.Epoch > 0 {
		m.out = exchange.Head{Epoch: r.Epoch}
	}
}

func number(h exchange.Head) exchange.Head { return exchange.Head{Epoch: h.Epoch, Seq: h.Seq} }

// after tells whether h comes later in its lane than o.
func after(h, o exchange.Head) bool { return h.Epoch > o.Epoch || h.Epoch == o.Epoch && h.Seq > o.Seq }

// nextDue gives the oldest document with something to do.
func (m *memory) nextDue() (*pendingDocument, bool) {
	var first *pendingDocument
	for id := range m.due {
		d, ok := m.pending[id]
		if !ok {
			delete(m.due, id)
			continue
		}
		if first == nil || after(first.head, d.head) {
			first = d
		}
	}
	return first, first != nil
}

func (m *memory) apply(r evidence.Record) error {
	m.begin(r)
	at, err := time.Parse(time.RFC3339, r.At)
	if err != nil {
		return err
	}
	switch {
	case r.Judged != nil:
		m.judged(r)
	case r.In != nil && r.Event == "held":
		m.arrived(r, at)
		m.partHeld(r)
	case r.In != nil && r.Out != nil:
		m.decided(r, at)
	}
	return nil
}

// arrived moves the number of the last that came. A Part that was held came before its verdict.
func (m *memory) arrived(r evidence.Record, at time.Time) {
	h := r.In.Head()
	if !after(h, m.in) {
		return
	}
	if h.Epoch > m.in.Epoch {
		m.restart() // its origin began anew
	}
	m.in, m.last = h, at
	documents := 1
	if r.Kind == exchange.KindPart || isLanes(r.Kind) {
		documents = 0
	}
	m.hour.add(at, time.Hour, documents, r.Size)
	m.day.add(at, 24*time.Hour, documents, r.Size)
}

// done is how far the lane has its verdicts: what is held has none yet, and its end must not take it for lost.
func (m *memory) done() exchange.Head {
	h := m.in
	for at := range m.held {
		if after(h, at) || h.Seq == at.Seq {
			h = exchange.Head{Epoch: at.Epoch, Seq: at.Seq - 1}
		}
	}
	return h
}

// restart lets the files of documents that are not whole come again from their first Part: an origin that begins a new
// epoch sends anew what has no Ack, and what is held of the old one has none.
func (m *memory) restart() {
	m.due, m.held = map[string]bool{}, map[exchange.Head][32]byte{}
	for _, d := range m.pending {
		d.missing = 0
		for _, f := range d.order {
			f.next, f.held, f.released, f.judged, f.trials = 1, nil, 0, nil, nil
			d.missing += partsOf(f.Size)
		}
	}
}

// decided takes in a verdict that goes on.
func (m *memory) decided(r evidence.Record, at time.Time) {
	m.remember(r)
	m.arrived(r, at)
	m.out, m.lastPart = r.Out.Head(), nil
	if isLanes(r.Kind) {
		m.said[r.Kind] = at
	}
	if r.Reason == exchange.ReasonNone {
		m.passed++
	} else {
		m.refused[r.Reason]++
	}
	switch {
	case r.Part != nil:
		h := r.In.Head()
		m.lastPart = &h
		m.partDone(r)
	case len(r.Files) > 0:
		m.announce(r)
	case r.Ack != nil && r.Reason == exchange.ReasonNone:
		m.ack = m.ack.after(*r.Ack, at)
	}
}

// isLanes tells whether a kind serves the lane itself and counts towards no quota.
func isLanes(k exchange.Kind) bool {
	return k == exchange.KindAck || k == exchange.KindHeartbeat || k == exchange.KindHistory
}

// maxRefused bounds the refused documents whose Parts are waited for, so that memory can't be filled with them.
const maxRefused = 10_000

func (m *memory) announce(r evidence.Record) {
	if r.Reason != exchange.ReasonNone && len(m.pending) >= maxRefused {
		return
	}
	d := &pendingDocument{id: r.Document, head: r.In.Head(), passed: r.Reason == exchange.ReasonNone, reason: r.Reason, files: map[string]*pendingFile{}}
	for i, a := range r.Files {
		f := &pendingFile{Announced: a, index: i, next: 1}
		d.files[a.ID], d.order = f, append(d.order, f)
		d.missing += partsOf(a.Size)
	}
	m.pending[r.Document] = d
}

// find gives the file that a Part belongs to.
func (m *memory) find(p *evidence.Piece) (*pendingDocument, *pendingFile, bool) {
	d, ok := m.pending[p.Of]
	if !ok {
		return nil, nil, false
	}
	f, ok := d.files[p.File]
	return d, f, ok
}

func (m *memory) partHeld(r evidence.Record) {
	d, f, ok := m.find(r.Part)
	if !ok {
		return
	}
	h := r.In.Head()
	f.held, f.next = append(f.held, h), r.Part.Number+1
	m.held[number(h)] = h.Digest
	if f.whole() {
		m.due[d.id] = true
	}
}

// judged takes in the decision on a file. One that is refused takes its document with it.
func (m *memory) judged(r evidence.Record) {
	d, f, ok := m.find(&evidence.Piece{Of: r.Judged.Of, File: r.Judged.File})
	if !ok {
		return
	}
	f.trials = r.Filters
	if r.Reason != exchange.ReasonNone {
		d.reason = r.Reason
	} else {
		f.judged = r.Judged
	}
	m.due[d.id] = true
}

// partDone takes in the verdict on a Part, held before or not.
func (m *memory) partDone(r evidence.Record) {
	at := number(r.In.Head())
	_, held := m.held[at]
	delete(m.held, at)
	d, ok := m.pending[r.Part.Of]
	if !ok {
		return
	}
	if r.Reason != exchange.ReasonNone && d.reason == exchange.ReasonNone {
		d.reason = r.Reason
		m.due[d.id] = true
	}
	if f, ok := d.files[r.Part.File]; ok {
		if held {
			f.released++
		} else {
			f.next = r.Part.Number + 1
		}
	}
	if d.missing--; d.missing <= 0 {
		delete(m.pending, r.Part.Of)
		delete(m.due, r.Part.Of)
	}
}

// partsOf is how many Parts a file of that size has.
func partsOf(size int64) int { return int((size + exchange.PartSize - 1) / exchange.PartSize) }
