package answers

import (
	"bytes"
	"fmt"

	"go.yaml.in/yaml/v4"
)

// front is the order in which the keys are written.
type front struct {
	ID            string   `yaml:"id"`
	Title         string   `yaml:"title"`
	Kind          string   `yaml:"kind,omitempty"`
	Number        string   `yaml:"number,omitempty"`
	IssuedBy      string   `yaml:"issued_by,omitempty"`
	EffectiveFrom string   `yaml:"effective_from,omitempty"`
	EffectiveTo   string   `yaml:"effective_to,omitempty"`
	Replaces      string   `yaml:"replaces,omitempty"`
	Asks          []string `yaml:"asks,omitempty"`
	Source        string   `yaml:"source,omitempty"`
	Owner         string   `yaml:"owner,omitempty"`
	ReviewBy      string   `yaml:"review_by,omitempty"`
	Audience      string   `yaml:"audience,omitempty"`
	Service       string   `yaml:"service,omitempty"`
}

// Format writes p as a file of the directory. Parse reads the same page back, or refuses what was never a page.
func (p Page) Format() ([]byte, error) {
	f := front{ID: p.ID, Title: p.Title, Number: p.Number, IssuedBy: p.IssuedBy, EffectiveFrom: string(p.EffectiveFrom),
		EffectiveTo: string(p.EffectiveTo), Replaces: p.Replaces, Asks: p.Asks, Source: p.Source, Owner: p.Owner,
		ReviewBy: string(p.ReviewBy), Service: p.Service}
	if p.Kind != Answer {
		f.Kind = string(p.Kind)
	}
	if p.Audience != Public {
		f.Audience = string(p.Audience)
	}
	head, err := yaml.Marshal(f)
	if err != nil {
		return nil, fmt.Errorf("write front matter: %w", err)
	}
	var b bytes.Buffer
	b.WriteString(fence + "\n")
	b.Write(head)
	b.WriteString(fence + "\n")
	for _, s := range []struct{ name, text string }{{"sms", p.SMS}, {"chat", p.Chat}, {"page", p.Page}} {
		if s.text != "" {
			fmt.Fprintf(&b, "\n## %s\n\n%s\n", s.name, s.text)
		}
	}
	return b.Bytes(), nil
}
