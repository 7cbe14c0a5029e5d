package office

import (
	"context"
	"fmt"
	"slices"

	"gatehouse/adapters"
	"gatehouse/exchange"
)

// Gate is the last look inside: it checks that the people named in a release may let the document leave, and signs.
type Gate struct {
	// Person gives a member of staff (adapters.People).
	Person func(ctx context.Context, id string) (adapters.Staff, error)
	// Sign fills in key and signature over the canonical form of d with an empty signature.
	Sign func(d exchange.Document) (exchange.Document, error)
	// Second fills in the approval of the second person who is named in d's release (exchange.Ring.Approve).
	Second func(d exchange.Document) (exchange.Document, error)
	// Check holds d against the leak rules once more (release.Policy.Check).
	Check func(ctx context.Context, d exchange.Document) error
	// Spend counts a template that leaves, and tells whether that is within its share of the day.
	Spend func(ctx context.Context, template string) (bool, error)
	// Words gives the text of a template in a language; empty: it has none.
	Words func(template, lang string) string
}

var _ adapters.Gate = Gate{}

// Release checks the policy, signs, and gives the parcel.
func (g Gate) Release(ctx context.Context, d exchange.Document) (exchange.Parcel, error) {
	if err := g.allowed(ctx, d); err != nil {
		return exchange.Parcel{}, err
	}
	if err := g.Check(ctx, d); err != nil {
		return exchange.Parcel{}, err
	}
	if err := g.within(ctx, d); err != nil {
		return exchange.Parcel{}, err
	}
	signed, err := g.Sign(d)
	if err != nil {
		return exchange.Parcel{}, fmt.Errorf("sign: %w", err)
	}
	b, err := exchange.Encode(signed)
	if err != nil {
		return exchange.Parcel{}, err
	}
	r, _ := exchange.ReleaseOf(signed)
	return exchange.Parcel{ID: idOf(signed), Kind: signed.Kind(), Content: b, Created: r.At}, nil
}

// within counts a template. Free text is counted when it is held, by its author.
func (g Gate) within(ctx context.Context, d exchange.Document) error {
	r, _ := exchange.ReleaseOf(d)
	if r.Policy != adapters.PolicyAuto {
		return nil
	}
	ok, err := g.Spend(ctx, r.By)
	if err == nil && !ok {
		err = fmt.Errorf("template %s: %w", r.By, adapters.ErrQuota)
	}
	return err
}

// Approve signs the second person's word. Whether they may give it is checked first, and again when d leaves.
func (g Gate) Approve(ctx context.Context, d exchange.Document) (exchange.Document, error) {
	r, _ := exchange.ReleaseOf(d)
	if r.Policy != adapters.PolicySecond {
		return nil, fmt.Errorf("approval under policy %q: %w", r.Policy, adapters.ErrForbidden)
	}
	if err := g.allowed(ctx, d); err != nil {
		return nil, err
	}
	if err := g.Check(ctx, d); err != nil {
		return nil, err
	}
	approved, err := g.Second(d)
	if err != nil {
		return nil, fmt.Errorf("approve: %w", err)
	}
	return approved, nil
}

func idOf(d exchange.Document) string {
	switch x := d.(type) {
	case exchange.Notice:
		return x.ID
	case exchange.Broadcast:
		return x.ID
	case exchange.Publication:
		return x.ID
	case exchange.Forget:
		return x.ID
	case exchange.Control:
		return x.ID
	}
	return ""
}

// allowed holds a document against its policy: a notice is a template (auto), free text of somebody with the right
// (clean), or free text released by another (second); all else always has a second person: for an erasure, which is about a
// case as a notice is, a releaser. Who is taken out of the register goes on an officer's word, and what steers a message that
// two persons let go on the word of one who may write or release them. In an emergency a notice or
// an urgent message needs one person with that right, whose second factor the desk has seen.
func (g Gate) allowed(ctx context.Context, d exchange.Document) error {
	r, ok := exchange.ReleaseOf(d)
	if !ok || idOf(d) == "" {
		return fmt.Errorf("%s: %w", d.Kind(), adapters.ErrForbidden)
	}
	if r.Label != exchange.Releasable {
		return fmt.Errorf("label %q: %w", r.Label, adapters.ErrForbidden)
	}
	n, isNotice := d.(exchange.Notice)
	if len(n.Document) > 0 && n.State != exchange.Decided {
		return fmt.Errorf("document without a decision: %w", adapters.ErrForbidden)
	}
	b, isBroadcast := d.(exchange.Broadcast)
	_, isForget := d.(exchange.Forget)
	_, isControl := d.(exchange.Control)
	p, _ := d.(exchange.Publication)
	leaver := p.Sort == exchange.SortRegister && p.Removed
	urgent := isNotice || isBroadcast && b.Priority == "emergency"
	switch {
	case isControl && r.Policy == adapters.PolicyClean:
		return g.may(ctx, r.By, adapters.Publisher, adapters.Approver)
	case urgent && r.Policy == adapters.PolicyEmergency:
		return g.may(ctx, r.By, adapters.Emergency)
	case isNotice && r.Policy == adapters.PolicyAuto:
		return g.template(n)
	case leaver && r.Policy == adapters.PolicyClean:
		return g.may(ctx, r.By, adapters.Officer)
	case isNotice && r.Policy == adapters.PolicyClean:
		return g.may(ctx, r.By, adapters.Releaser)
	case (isNotice || isForget) && r.Policy == adapters.PolicySecond:
		return g.second(ctx, r, adapters.Releaser)
	case r.Policy == adapters.PolicySecond:
		return g.second(ctx, r, adapters.Approver)
	}
	return fmt.Errorf("policy %q for %s: %w", r.Policy, d.Kind(), adapters.ErrForbidden)
}

// template holds a notice without free text against the list of templates.
func (g Gate) template(n exchange.Notice) error {
	known := []string{adapters.TemplateReceived, adapters.TemplateInOA, adapters.TemplateWithdrawn, adapters.TemplateReopened}
	if !slices.Contains(known, n.Release.By) || n.Text != "" || len(n.Document) > 0 || n.Reason != g.Words(n.Release.By, n.Lang) {
		return fmt.Errorf("not the template %q: %w", n.Release.By, adapters.ErrForbidden)
	}
	return nil
}

func (g Gate) may(ctx context.Context, id string, roles ...adapters.Role) error {
	p, err := g.Person(ctx, id)
	if err != nil {
		return fmt.Errorf("staff %s: %w", id, err)
	}
	if p.Disabled || !p.Has(roles...) {
		return fmt.Errorf("staff %s as %v: %w", id, roles, adapters.ErrForbidden)
	}
	return nil
}

func (g Gate) second(ctx context.Context, r exchange.Released, role adapters.Role) error {
	if r.By == "" || r.By == r.Second {
		return adapters.ErrSamePerson
	}
	return g.may(ctx, r.Second, role)
}
