package exchange

import (
	"reflect"
	"time"
)

// SortRegister is the sort of a Publication that lists a company, or one of its clerks, for the gateway. A company's
// name there is its number, a clerk's is that number, "/" and the clerk's id. One clerk a publication: who is added
// needs two persons as all that is published does, and who leaves crosses as removed, which holds no address, takes a
// right away, and so needs one person alone.
const SortRegister = "register"

// Listing is the Body of a Publication of sort register, in canonical form. A company has a name; a clerk has an
// address, which crosses as it is: the gateway matches it against the From line of a mail, and both sides' keyed
// marks differ on purpose. The gateway seals it.
type Listing struct {
	Company string `json:"company" is:"line?,200"` // its name; of a company alone
	Address string `json:"address" is:"line?,254"` // of a clerk alone (RFC 5321 §4.5.3.1.3)
	Admin   bool   `json:"admin"`                  // the clerk may say who else is one
	// Duties are the declarations that a company owes, of a company alone.
	Duties []Duty `json:"duties" max:"20" late:"true"`
}

// Duty is a declaration that a company owes for each period (service.Due) that overlaps the days From to Until
// (service.Days reads them).
type Duty struct {
	Service string `json:"service" is:"id,20"`
	From    string `json:"from" is:"id?,10"`  // "2026-11-16"; empty: since ever
	Until   string `json:"until" is:"id?,10"` // the last day; empty: no end is known
}

// Ordered tells whether the bounds of d are days, in the right order; an empty one is none.
func (d Duty) Ordered() bool {
	for _, day := range []string{d.From, d.Until} {
		if _, err := time.Parse(time.DateOnly, day); err != nil && day != "" {
			return false
		}
	}
	return d.Until == "" || d.From <= d.Until // this form sorts as its days do
}

// Body is l as a Publication carries it.
func (l Listing) Body() string { return string(marshal(l)) }

// ReadListing reads a Body. ErrNotCanonical, or the *FieldError of what is wrong.
func ReadListing(body string) (Listing, error) {
	v := reflect.New(reflect.TypeFor[Listing]()).Elem()
	if err := unmarshal([]byte(body), v); err != nil {
		return Listing{}, err
	}
	l := v.Interface().(Listing)
	if err := checkFields(v, "body"); err != nil {
		return Listing{}, err
	}
	if (l.Company == "") == (l.Address == "") || l.Admin && l.Address == "" || len(l.Duties) > 0 && l.Company == "" {
		return Listing{}, wrong("body", ReasonSchema, "is neither a company nor a clerk")
	}
	for _, d := range l.Duties {
		if !d.Ordered() {
			return Listing{}, wrong("body.duties", ReasonSchema, "has days that can't be")
		}
	}
	return l, nil
}

// checkListing holds a Publication of sort register against what it must be.
func checkListing(p Publication) error {
	if p.Sort != SortRegister || p.Removed {
		return nil
	}
	l, err := ReadListing(p.Body)
	if err != nil {
		return wrong("body", ReasonSchema, "is not a listing")
	}
	if _, clerk := SplitListing(p.Name); (clerk == "") != (l.Address == "") || p.Lang != "" {
		return wrong("name", ReasonSchema, "is not that of the listing")
	}
	return nil
}

// SplitListing parts the name of a Publication of sort register: the company's number, and the clerk's id or nothing.
func SplitListing(name string) (company, clerk string) {
	for i := range len(name) {
		if name[i] == '/' {
			return name[:i], name[i+1:]
		}
	}
	return name, ""
}
