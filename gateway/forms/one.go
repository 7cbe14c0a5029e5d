package forms

import "gatehouse/exchange/service"

// AskOne words the question of one field by itself, outside of its form, and gives what a number then picks.
func (c *Clerk) AskOne(s *service.Service, f *service.Field, sc Scene) (p Prompt, offered []string) {
	d := service.Draft{Service: s.Code, Channel: sc.Channel}
	list, options := c.choices(s, f, &d, sc)
	return Prompt{Text: join(sc, worded(f, sc), list), Options: options}, d.Offered
}

// ReadOne reads the answer to AskOne by the same checks as in the form. No values: it was not taken, why says what would
// be right, and offered is what a number picks from now on. misses counts the answers not taken before, in a row.
func (c *Clerk) ReadOne(s *service.Service, f *service.Field, said string, offered []string, misses int, sc Scene) (values []string, why Prompt, next []string) {
	values, m := c.read(s, f, offered, said, sc)
	if m == nil {
		m = c.wrongOne(s, f, values, sc)
	}
	if m == nil {
		return values, Prompt{}, nil
	}
	d := service.Draft{Service: s.Code, Channel: sc.Channel, Offered: m.offer, Misses: misses + 1}
	why = c.explain(s, f, &d, *m, said, sc)
	return nil, why, d.Offered
}

// wrongOne tells what the service's checks have against a field's values; nil: nothing.
func (c *Clerk) wrongOne(s *service.Service, f *service.Field, values []string, sc Scene) *miss {
	for _, fault := range s.CheckGiven(map[string][]string{f.Name: values}, sc.Now) {
		if fault.Field == f.Name {
			return &miss{text: s.Message(fault, sc.Lang)}
		}
	}
	return nil
}
