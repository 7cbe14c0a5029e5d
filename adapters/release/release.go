// Package release decides by which policy something public may leave the inside: by its kind, its service, who wrote
// it, and what the leak rules find in it.
//
// The rule: it decides and nothing else. Who asks holds or lets go; the gate asks again before it signs, and the guard
// knows none of this and stops what may never leave.
package release

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"gatehouse/adapters"
	"gatehouse/exchange"
)

// Config is the `release` block of office.yaml.
type Config struct {
	// Rules name what needs a second person although its author may release; the first that fits counts.
	Rules []Rule `yaml:"rules"`
	// SamplePercent of clean text is looked at again by another person (default 5), within ReviewWithin (default 168h).
	SamplePercent int           `yaml:"sample_percent"`
	ReviewWithin  time.Duration `yaml:"review_within"`
	// LapseAfter is when what nobody released goes back to its author (default 336h).
	LapseAfter time.Duration `yaml:"lapse_after"`
	// OfficerPerDay bounds what one officer lets leave in a day without a second person (default 200); more is held.
	OfficerPerDay int `yaml:"officer_per_day"`
	// TemplatePerDay bounds how often one template leaves in a day (default 200000); more is held.
	TemplatePerDay int                 `yaml:"template_per_day"`
	Leak           exchange.LeakConfig `yaml:"leak"`
}

// Rule is one line of Rules. An empty Service or Decision fits all.
type Rule struct {
	Service  string `yaml:"service"`  // a service's code
	Decision string `yaml:"decision"` // granted, partly, refused, no_action; or reply for what decides nothing
	Policy   string `yaml:"policy"`   // clean or second
}

// Defaults of Config.
const (
	DefaultSamplePercent = 5
	DefaultReviewWithin  = 7 * 24 * time.Hour
	DefaultLapseAfter    = 14 * 24 * time.Hour
	DefaultOfficerPerDay = 200
	// DefaultTemplatePerDay is twice what a busy city files in a day.
	DefaultTemplatePerDay = 200_000
)

// EmergencyWithin is when a person must have looked at what left in an emergency.
const EmergencyWithin = 24 * time.Hour

// replyWord stands in a rule for a notice that decides nothing.
const replyWord = "reply"

// WithDefaults fills in what is zero.
func (c Config) WithDefaults() Config {
	if c.SamplePercent == 0 {
		c.SamplePercent = DefaultSamplePercent
	}
	if c.ReviewWithin == 0 {
		c.ReviewWithin = DefaultReviewWithin
	}
	if c.LapseAfter == 0 {
		c.LapseAfter = DefaultLapseAfter
	}
	if c.OfficerPerDay == 0 {
		c.OfficerPerDay = DefaultOfficerPerDay
	}
	if c.TemplatePerDay == 0 {
		c.TemplatePerDay = DefaultTemplatePerDay
	}
	return c
}

// Validate gives all faults joined.
func (c Config) Validate() error {
	var all []error
	fault := func(format string, a ...any) { all = append(all, fmt.Errorf(format, a...)) }
	if c.SamplePercent < 0 || c.SamplePercent > 100 {
		fault("sample_percent: is %d; from 1 to 100", c.SamplePercent)
	}
	if c.ReviewWithin < 0 || c.ReviewWithin > 90*24*time.Hour {
		fault("review_within: is %s; up to 2160h, such as 168h", c.ReviewWithin)
	}
	if c.LapseAfter < 0 || c.LapseAfter > 365*24*time.Hour {
		fault("lapse_after: is %s; up to 8760h, such as 336h", c.LapseAfter)
	}
	if c.OfficerPerDay < 0 {
		fault("officer_per_day: is %d; 1 or more", c.OfficerPerDay)
	}
	if c.TemplatePerDay < 0 {
		fault("template_per_day: is %d; 1 or more", c.TemplatePerDay)
	}
	decisions := []string{"", replyWord, string(exchange.Granted), string(exchange.Partly), string(exchange.Refused), string(exchange.NoAction)}
	for i, r := range c.Rules {
		if r.Policy != adapters.PolicyClean && r.Policy != adapters.PolicySecond {
			fault("rules.%d: policy is %q; write clean or second", i, r.Policy)
		}
		if !slices.Contains(decisions, r.Decision) {
			fault("rules.%d: decision is %q; write granted, partly, refused, no_action or reply", i, r.Decision)
		}
	}
	if err := c.Leak.Validate(); err != nil {
		for _, line := range strings.Split(err.Error(), "\n") {
			fault("leak.%s", line)
		}
	}
	return errors.Join(all...)
}

// Policy is the compiled configuration. It is safe for concurrent use.
type Policy struct {
	cfg    Config
	leaks  *exchange.Leaks
	chance func(n int) int
}

var _ adapters.Policy = (*Policy)(nil)

// New compiles the configuration; chance gives a number from 0 to n-1 that nobody can foresee.
func New(c Config, chance func(n int) int) (*Policy, error) {
	c = c.WithDefaults()
	leaks, err := exchange.NewLeaks(c.Leak)
	if err != nil {
		return nil, err
	}
	return &Policy{cfg: c, leaks: leaks, chance: chance}, nil
}

// LapseAfter is when what nobody released goes back.
func (p *Policy) LapseAfter() time.Duration { return p.cfg.LapseAfter }

// TemplatePerDay is how often one template may leave in a day.
func (p *Policy) TemplatePerDay() int { return p.cfg.TemplatePerDay }

// Leaks gives where a rule fires in d, with nothing known to be anybody's own.
func (p *Policy) Leaks(d exchange.Document) []exchange.Leak { return p.leaks.In(d, exchange.Own{}) }

// Judge decides how o may leave.
func (p *Policy) Judge(o adapters.Outward, now time.Time) adapters.Verdict {
	v := adapters.Verdict{Policy: adapters.PolicySecond, Leaks: p.leaks.In(o.Doc, own(o.Record, o.Story))}
	n, isNotice := o.Doc.(exchange.Notice)
	if o.Emergency {
		v.Policy = adapters.PolicyEmergency
		v.Review = &adapters.Review{Kind: adapters.OfEmergency, Due: now.Add(EmergencyWithin)}
		return v
	}
	if isNotice && !o.Who.Has(adapters.Releaser) {
		v.Why = append(v.Why, adapters.WhyRight)
	}
	if !isNotice || p.rule(o.Record, n) == adapters.PolicySecond {
		v.Why = append(v.Why, adapters.WhyRule)
	}
	if len(v.Leaks) > 0 {
		v.Why = append(v.Why, adapters.WhyLeak)
	}
	if len(v.Why) > 0 {
		return v
	}
	v.Policy, v.Quota = adapters.PolicyClean, p.cfg.OfficerPerDay
	if p.chance(100) < p.cfg.SamplePercent {
		v.Review = &adapters.Review{Kind: adapters.Sampled, Due: now.Add(p.cfg.ReviewWithin)}
	}
	return v
}

// rule is the policy of the first rule that fits; clean where none does.
func (p *Policy) rule(r *adapters.Record, n exchange.Notice) string {
	decision := string(n.Decision)
	if decision == "" {
		decision = replyWord
	}
	for _, rule := range p.cfg.Rules {
		service := rule.Service == "" || r != nil && rule.Service == r.Case.Service
		if service && (rule.Decision == "" || rule.Decision == decision) {
			return rule.Policy
		}
	}
	return adapters.PolicyClean
}

func own(r *adapters.Record, story []adapters.Entry) exchange.Own {
	if r == nil {
		return exchange.Own{}
	}
	return exchange.OwnOf(adapters.OwnTexts(*r, story)...)
}

// Check is the last look of the gate: nothing leaves with a mark or a canary, and nothing as clean on which a rule
// fires. ErrLeak.
func (p *Policy) Check(ctx context.Context, records adapters.Records, d exchange.Document) error {
	if len(p.leaks.Stopping(d)) > 0 {
		return fmt.Errorf("%s holds a mark or a canary: %w", d.Kind(), adapters.ErrLeak)
	}
	n, ok := d.(exchange.Notice)
	if !ok || n.Release.Policy != adapters.PolicyClean {
		return nil
	}
	r, err := records.Record(ctx, n.Case)
	if errors.Is(err, adapters.ErrNotFound) { // another system's case: nothing is known to be the person's own
		return p.fires(n, exchange.Own{})
	}
	if err != nil {
		return err
	}
	story, err := records.Story(ctx, n.Case)
	if err != nil {
		return err
	}
	return p.fires(n, own(&r, story))
}

func (p *Policy) fires(n exchange.Notice, o exchange.Own) error {
	if len(p.leaks.In(n, o)) > 0 {
		return fmt.Errorf("clean notice: %w", adapters.ErrLeak)
	}
	return nil
}
