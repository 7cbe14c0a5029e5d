package store

import (
	"time"

	"gatehouse/channels"
	"gatehouse/exchange"
	"gatehouse/exchange/service"
	"gatehouse/gateway"
)

// The forms below are how the house's words lie sealed in their rows: short names, nothing empty, no functions.

type letter struct {
	ID        string             `json:"i"`
	From      channels.Address   `json:"f"`
	To        channels.Address   `json:"t"`
	At        int64              `json:"a,omitempty"`
	Lang      string             `json:"l,omitempty"`
	Subject   string             `json:"s,omitempty"`
	Text      string             `json:"x,omitempty"`
	Files     []paper            `json:"p,omitempty"`
	Options   []channels.Option  `json:"o,omitempty"`
	Request   channels.Request   `json:"q,omitempty"`
	Source    *channels.Source   `json:"so,omitempty"`
	Reference string             `json:"r,omitempty"`
	Thread    *channels.Thread   `json:"th,omitempty"`
	Trust     channels.Trust     `json:"tr,omitempty"`
	Robot     bool               `json:"ro,omitempty"`
	OptOut    channels.OptOut    `json:"oo,omitempty"`
	Phone     *channels.Phone    `json:"ph,omitempty"`
	Location  *channels.Location `json:"lo,omitempty"`
	Queue     channels.Queue     `json:"qu,omitempty"`
	LeftOut   int                `json:"lf,omitempty"`
	Desk      *channels.Desk     `json:"dk,omitempty"`
	Hidden    string             `json:"hd,omitempty"`
	Urgent    bool               `json:"ur,omitempty"`
	Watched   bool               `json:"wt,omitempty"`
	Proof     string             `json:"pf,omitempty"`
	Receipts  []string           `json:"rc,omitempty"` // of a delivery
	Expires   int64              `json:"ex,omitempty"`
	Once      bool               `json:"on,omitempty"` // of a delivery
}

type paper struct {
	Name   string `json:"n,omitempty"`
	Type   string `json:"t,omitempty"`
	Size   int64  `json:"s"`
	SHA256 string `json:"h,omitempty"`
}

func toLetter(m channels.Message) letter {
	l := letter{ID: m.ID, From: m.From, To: m.To, At: micros(m.At), Lang: m.Lang, Subject: m.Subject, Text: m.Text, Files: toPapers(m.Files),
		Options: m.Options, Request: m.Request, Source: m.Source, Reference: m.Reference, Trust: m.Trust, Robot: m.Robot, OptOut: m.OptOut,
		Phone: m.Phone, Location: m.Location, Queue: m.Queue, LeftOut: m.LeftOut, Desk: m.Desk, Hidden: m.Hidden, Urgent: m.Urgent, Watched: m.Watched, Proof: m.Proof, Expires: micros(m.Expires)}
	if m.Thread.MessageID != "" || m.Thread.InReplyTo != "" || len(m.Thread.References) > 0 {
		l.Thread = &m.Thread
	}
	return l
}

func (s *Store) message(l letter) channels.Message {
	m := channels.Message{ID: l.ID, From: l.From, To: l.To, At: moment(l.At), Lang: l.Lang, Subject: l.Subject, Text: l.Text, Files: s.files(l.Files),
		Options: l.Options, Request: l.Request, Source: l.Source, Reference: l.Reference, Trust: l.Trust, Robot: l.Robot, OptOut: l.OptOut,
		Phone: l.Phone, Location: l.Location, Queue: l.Queue, LeftOut: l.LeftOut, Desk: l.Desk, Hidden: l.Hidden, Urgent: l.Urgent, Watched: l.Watched, Proof: l.Proof, Expires: moment(l.Expires)}
	if l.Thread != nil {
		m.Thread = *l.Thread
	}
	return m
}

func toPapers(files []channels.File) []paper {
	var out []paper
	for _, f := range files {
		out = append(out, paper{f.Name, f.Type, f.Size, f.SHA256})
	}
	return out
}

func (s *Store) files(papers []paper) []channels.File {
	var out []channels.File
	for _, p := range papers {
		out = append(out, channels.File{Name: p.Name, Type: p.Type, Size: p.Size, SHA256: p.SHA256, Open: s.opener(p.SHA256)})
	}
	return out
}

type person struct {
	Lang    string    `json:"l,omitempty"`
	Created time.Time `json:"c"`
	Quiet   bool      `json:"q,omitempty"`

	Persons []gateway.Person `json:"o,omitempty"`
}

func toPerson(c gateway.Contact) person {
	return person{Lang: c.Lang, Created: c.Created.UTC(), Quiet: c.Quiet, Persons: c.Persons}
}

type talk struct {
	Lang    string          `json:"l,omitempty"`
	Pending gateway.Pending `json:"p"`
	Lines   []exchange.Said `json:"s,omitempty"`
	More    []string        `json:"m,omitempty"`
	Heard   time.Time       `json:"h"`

	Challenge *gateway.Challenge `json:"c,omitempty"`
	Grants    []gateway.Grant    `json:"g,omitempty"`
	Lookups   gateway.Lookups    `json:"k,omitzero"`
	Joining   *gateway.Joining   `json:"j,omitempty"`
}

type sheet struct {
	Address channels.Address `json:"a"`
	Form    service.Draft    `json:"f"`
	Files   []paper          `json:"p,omitempty"`
	Paused  bool             `json:"z,omitempty"`
	For     gateway.Person   `json:"w,omitzero"`
	Whom    gateway.Whom     `json:"q,omitempty"`
}

func (s *Store) draft(id string, touched int64, d sheet) *gateway.Draft {
	return &gateway.Draft{ID: id, Address: d.Address, Form: d.Form, Files: s.files(d.Files), Paused: d.Paused, For: d.For, Whom: d.Whom, Touched: moment(touched)}
}

// affair is what a Matter holds beyond its columns.
type affair struct {
	Service  string            `json:"s"`
	Name     string            `json:"n,omitempty"`
	Lang     string            `json:"l,omitempty"`
	Address  channels.Address  `json:"a"`
	Thread   channels.Thread   `json:"t"`
	Subject  string            `json:"u,omitempty"`
	Decision exchange.Decision `json:"d,omitempty"`
	Promise  time.Time         `json:"p"`
	Events   []gateway.Event   `json:"e,omitempty"`
	Tell     *gateway.Tell     `json:"w,omitempty"`
	Booked   string            `json:"b,omitempty"`
	Words    string            `json:"o,omitempty"`
	Rows     int               `json:"r,omitempty"`
	Correct  int               `json:"c,omitempty"`
	By       time.Time         `json:"y,omitzero"`
	Period   string            `json:"q,omitempty"`
	Digest   string            `json:"h,omitempty"`
	Owed     []string          `json:"rc,omitempty"`
}

func toAffair(m gateway.Matter) affair {
	a := affair{m.Service, m.Name, m.Lang, m.Address, m.Thread, m.Subject, m.Decision, m.Promise.UTC(), m.Events, nil, m.Booked, m.Words, m.Rows, m.Correct, m.CorrectBy.UTC(), m.Period, m.Digest, m.Owed}
	if m.Tell != (gateway.Tell{}) {
		a.Tell = &m.Tell
	}
	return a
}

// words are what was shown and said when somebody consented.
type words struct {
	Shown string `json:"w,omitempty"`
	Said  string `json:"s,omitempty"`
}

type advice struct {
	State    channels.State `json:"s"`
	Carrier  string         `json:"c,omitempty"`
	Kind     channels.Kind  `json:"k,omitempty"`
	Code     string         `json:"o,omitempty"`
	At       int64          `json:"a,omitempty"`
	Segments int            `json:"n,omitempty"`
}
