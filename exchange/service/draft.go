package service

// Draft is a form while it is filled. It is data alone: what may be asked and answered is decided by its Service.
type Draft struct {
	Service string `json:"service"`
	// Answers holds the canonical values of each field, in the order given; a single value is a list of one.
	Answers map[string][]string `json:"answers"`
	// At is the index of the field that is asked; len(fields) is the summary.
	At int `json:"at"`
	// Changing: one line is being changed from the summary, and the next answer returns there.
	Changing bool `json:"changing"`
	// Offered are the values last offered for a proposal or a calendar, which a number picks.
	Offered []string `json:"offered"`
	// Row holds the cells of a row that is being given; nil: none is.
	Row map[string]string `json:"row"`
	// Misses counts wrong answers to this question in a row.
	Misses int    `json:"misses"`
	Lang   string `json:"lang"`
	// Channel is where it was last filled: some fields are asked on some channels alone.
	Channel string `json:"channel"`
}
