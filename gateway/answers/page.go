// Package answers finds the published page that answers a question, and says how sure it is.
//
// The rule: one analysis for all languages, without a switch, and the same for pages and questions; an Index never
// changes once it is made, so readers need no lock, and what is not in force at Query.Now is never found.
package answers

import "time"

// Page is one published answer in one language.
type Page struct {
	ID    string // the same in every language
	Lang  string // BCP 47
	Title string
	// Asks are questions as people put them; a confirmed question of a citizen is added here.
	Asks []string
	SMS  string // plain text
	Chat string
	Body string // Markdown; each heading begins a section
	URL  string // where the page can be read
	// Service is the code of the service that the page speaks of, or empty.
	Service string
	// Owner is the code of the department that answers for the page, and for questions near it.
	Owner string
	// From and To bound when the page is in force, both included; zero: no bound.
	From, To time.Time
}

// Query is one question.
type Query struct {
	Text string
	// Lang is what the person speaks (BCP 47); pages in it go first. Empty: any.
	Lang string
	// History holds what the person said before, oldest first. A new subject makes it count for nothing.
	History []string
	// Limit bounds the hits: 1 to MaxHits; 0 is 3.
	Limit int
	Now   time.Time
}

// Bounds of a query. What is longer is cut, never refused.
const (
	MaxHits    = 20
	MaxText    = 4000 // bytes of Query.Text that are read
	MaxHistory = 8    // turns that are read, the newest
	maxTerms   = 96   // distinct terms of a query that are looked up, the rarest
)

// Result is what was found.
type Result struct {
	// Confident is true when the first hit may be given as the answer.
	Confident bool
	// Probability that the first hit is right, as measured (see Signals); 0 without hits.
	Probability float64
	Hits        []Hit // best first, each page once, in one language
	// Understood is the question with the spelling that was searched, when that differs; else empty.
	Understood string
	Signals    Signals
}

// Hit is one page found.
type Hit struct {
	ID, Lang, Title, SMS, Chat, URL, Service, Owner string
	// Heading is the path of the section that fits best, empty for the page's beginning; Text is that section.
	Heading, Text string
	Score         float64
	// Explain holds what every term added; the sum is Score.
	Explain []Part
}

// Part is what one term added to a score in one field.
type Part struct {
	Field string // title, asks, body, section; likeness and coverage, of the whole question, have no Term
	Term  string
	Score float64
}
