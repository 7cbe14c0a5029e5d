package exchange

import (
	"fmt"
	"reflect"
)

// entry is one line of the table of all that crosses.
type entry struct {
	zero     Document
	up, down bool
}

// table is the closed list. The guard, the sealer and the decoder read it; nothing else decides what may cross.
func table() []entry {
	return []entry{
		{zero: Case{}, up: true},
		{zero: Addition{}, up: true},
		{zero: Question{}, up: true},
		{zero: Tally{}, up: true},
		{zero: Erasure{}, up: true},
		{zero: Result{}, up: true},
		{zero: Notice{}, down: true},
		{zero: Broadcast{}, down: true},
		{zero: Audience{}, down: true},
		{zero: Control{}, down: true},
		{zero: Send{}, down: true},
		{zero: Forget{}, down: true},
		{zero: Publication{}, down: true},
		{zero: Part{}, up: true, down: true},
		{zero: Ack{}, up: true, down: true},
		{zero: Heartbeat{}, up: true, down: true},
		{zero: History{}, up: true, down: true},
	}
}

// SchemaVersion is the version of every document's schema in this release; it stands in the origin header.
const SchemaVersion = 1

// Kinds gives what may cross in a lane, in the order of the table.
func Kinds(l Lane) []Kind {
	var out []Kind
	for _, e := range table() {
		if e.crosses(l) {
			out = append(out, e.zero.Kind())
		}
	}
	return out
}

// Crosses tells whether a document of kind k may go in lane l.
func Crosses(k Kind, l Lane) bool {
	e, ok := entryOf(k)
	return ok && e.crosses(l)
}

func (e entry) crosses(l Lane) bool { return l == Up && e.up || l == Down && e.down }

func entryOf(k Kind) (entry, bool) {
	for _, e := range table() {
		if e.zero.Kind() == k {
			return e, true
		}
	}
	return entry{}, false
}

// known gives d's plain value if its type is in the table. A type of another package that embeds one of ours is not.
func known(d Document) (reflect.Value, error) {
	v := reflect.ValueOf(d)
	if v.Kind() == reflect.Pointer && !v.IsNil() {
		v = v.Elem()
	}
	if v.IsValid() {
		for _, e := range table() {
			if v.Type() == reflect.TypeOf(e.zero) {
				return v, nil
			}
		}
	}
	return reflect.Value{}, fmt.Errorf("encode: %T is not in the list of what crosses", d)
}

// Files gives the files that a document announces; their Parts follow it.
func Files(d Document) []FileRef {
	switch x := d.(type) {
	case Case:
		return x.Files
	case Addition:
		return x.Files
	case Notice:
		return x.Document
	case Audience:
		return x.Files
	}
	return nil
}
