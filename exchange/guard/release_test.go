package guard

import (
	"testing"
	"time"

	"gatehouse/configs/secret"
	"gatehouse/exchange"
)

// TestPolicyThatIsEnough holds every kind that goes down against every policy.
func TestPolicyThatIsEnough(t *testing.T) {
	file := []exchange.FileRef{{ID: "f", Name: "a.pdf", Type: "application/pdf", Size: 1, SHA256: hexSum([]byte("x"))}}
	for name, c := range map[string]struct {
		d    func(r exchange.Released) exchange.Document
		want string // of auto, clean, second, emergency
	}{
		"template": {func(r exchange.Released) exchange.Document {
			return exchange.Notice{ID: "n", Case: "c", State: exchange.Received, Release: r}
		}, "auto clean second emergency"},
		"reply": {func(r exchange.Released) exchange.Document {
			return exchange.Notice{ID: "n", Case: "c", Text: "t", Release: r}
		}, "clean second emergency"},
		"document": {func(r exchange.Released) exchange.Document {
			return exchange.Notice{ID: "n", Case: "c", Document: file, Release: r}
		}, "clean second emergency"},
		"broadcast": {func(r exchange.Released) exchange.Document { return broadcast("statutory", r) }, "second"},
		"warning":   {func(r exchange.Released) exchange.Document { return broadcast("emergency", r) }, "second emergency"},
		"answer": {func(r exchange.Released) exchange.Document {
			return exchange.Publication{ID: "p", Sort: "answer", Name: "pool", Body: "x", Release: r}
		}, "second"},
		"clerk": {func(r exchange.Released) exchange.Document {
			return exchange.Publication{ID: "p", Sort: "register", Name: "12-345678-C/1", Body: exchange.Listing{Address: "a@b.example"}.Body(), Release: r}
		}, "second"},
		"leaver": {func(r exchange.Released) exchange.Document {
			return exchange.Publication{ID: "p", Sort: "register", Name: "12-345678-C/1", Removed: true, Release: r}
		}, "clean second"},
		"erasure": {func(r exchange.Released) exchange.Document {
			return exchange.Forget{ID: "g", Party: "p", Release: r}
		}, "second"},
		"pause": {func(r exchange.Released) exchange.Document {
			return exchange.Control{ID: "k", Broadcast: "b", Act: "pause", Release: r}
		}, "clean second emergency"},
		"send": {func(r exchange.Released) exchange.Document {
			return exchange.Send{ID: "s", Client: "c", Channel: "sms", To: "+1", Text: "t", Release: r}
		}, "auto clean second"},
	} {
		p := newPost(t, exchange.Down, Limits{})
		got := ""
		for _, policy := range []string{exchange.PolicyAuto, exchange.PolicyClean, exchange.PolicySecond, exchange.PolicyEmergency} {
			r := byTwo()
			if r.Policy = policy; policy != exchange.PolicySecond {
				r.Second = ""
			}
			if a := p.cross(p.released(c.d(r))); a.Refused == exchange.ReasonNone {
				got += " " + policy
			} else {
				p.wantReason(name+" "+policy, a, exchange.ReasonUnrelease)
			}
		}
		if got != " "+c.want {
			t.Errorf("%s passes by%s, want %s", name, got, c.want)
		}
		p.wantReason(name+" without a policy", p.cross(p.released(c.d(exchange.Released{Label: exchange.Releasable, By: "u1"}))), exchange.ReasonUnrelease)
	}
}

func broadcast(priority string, r exchange.Released) exchange.Document {
	b := exchange.Broadcast{ID: "b", List: "l", Priority: priority, Bodies: []exchange.Body{{Lang: "en", Text: "rain"}}, Release: r}
	if priority == exchange.PriorityEmergency {
		b.Expires = time.Date(2199, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	return b
}

// TestSecondPersonIsBehindIt: whoever can sign releases but has no approval of a second person sends nothing to all.
func TestSecondPersonIsBehindIt(t *testing.T) {
	p := newPost(t, exchange.Down, Limits{})
	ring := p.rings[exchange.Intranet]
	sign := func(change func(*exchange.Broadcast)) exchange.Document {
		d, err := ring.Approve(broadcast("routine", byTwo()), p.now)
		if err != nil {
			t.Fatal(err)
		}
		b := d.(exchange.Broadcast)
		change(&b)
		if d, err = ring.Release(b, p.now); err != nil {
			t.Fatal(err)
		}
		return d
	}
	for name, c := range map[string]struct {
		change func(*exchange.Broadcast)
		want   exchange.Reason
	}{
		"as approved":           {func(*exchange.Broadcast) {}, exchange.ReasonNone},
		"leaves later":          {func(b *exchange.Broadcast) { b.At = noon }, exchange.ReasonNone},
		"no approval":           {func(b *exchange.Broadcast) { b.Release.Approval = "" }, exchange.ReasonUnrelease},
		"release as approval":   {func(b *exchange.Broadcast) { b.Release.Approval = ring.Keys()[0].ID.String() + ".AAAA" }, exchange.ReasonUnrelease},
		"text after approval":   {func(b *exchange.Broadcast) { b.Bodies[0].Text = "fire" }, exchange.ReasonUnrelease},
		"list after approval":   {func(b *exchange.Broadcast) { b.List = "all" }, exchange.ReasonUnrelease},
		"another second":        {func(b *exchange.Broadcast) { b.Release.Second = "u3" }, exchange.ReasonUnrelease},
		"one person twice":      {func(b *exchange.Broadcast) { b.Release.Second = b.Release.By }, exchange.ReasonUnrelease},
		"nobody first":          {func(b *exchange.Broadcast) { b.Release.By = "" }, exchange.ReasonUnrelease},
		"approved for a notice": {func(b *exchange.Broadcast) { b.Priority = "statutory" }, exchange.ReasonUnrelease},
	} {
		p.wantReason(name, p.cross(sign(c.change)), c.want)
	}
}

func TestGuardStopsMarksAndCanaries(t *testing.T) {
	digest, err := exchange.Canary("a key of the test, long enough", "quill-heron-9921")
	if err != nil {
		t.Fatal(err)
	}
	leaks, err := exchange.NewLeaks(exchange.LeakConfig{Canaries: []string{digest}, CanaryKey: secret.New("a key of the test, long enough")})
	if err != nil {
		t.Fatal(err)
	}
	p := newPost(t, exchange.Down, Limits{})
	p.guard.o.Leaks = leaks
	two := byTwo()
	for text, want := range map[string]exchange.Reason{
		"Your request is granted.":         exchange.ReasonNone,
		"card 4111 1111 1111 1111":         exchange.ReasonNone, // the inside knows whose it is
		"UK TOP SECRET":                    exchange.ReasonLeak,
		"机密★十年":                            exchange.ReasonLeak,
		"ask for Ｑuill Heron 99 21 please": exchange.ReasonLeak,
	} {
		for _, r := range []exchange.Released{release(), two, {Policy: exchange.PolicyEmergency, Label: exchange.Releasable, By: "u1", At: noon}} {
			p.wantReason(text+" by "+r.Policy, p.cross(p.released(exchange.Notice{ID: "n", Case: "c", Text: text, Release: r})), want)
		}
	}
	reason := exchange.Notice{ID: "n", Case: "c", State: exchange.Decided, Decision: exchange.Refused, Reason: "SECRET", Release: two}
	p.wantReason("in the reason", p.cross(p.released(reason)), exchange.ReasonLeak)
	page := exchange.Publication{ID: "p", Sort: "answer", Name: "pool", Body: "# Pool\nNATO RESTRICTED", Release: two}
	p.wantReason("in an answer", p.cross(p.released(page)), exchange.ReasonLeak)
}
