package deploy

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"gatehouse/channels"
	"gatehouse/configs/database/databasetest"
	"gatehouse/gateway"
	"gatehouse/gateway/consent"
	"gatehouse/gateway/store"
	"gatehouse/gateway/volatile/redis/redistest"
)

// castPeople are on the list. The first of them has a telephone that is out of service, and a mailbox.
const castPeople = 240

// castNumber is the telephone of the i-th person.
func castNumber(i int) string { return fmt.Sprintf("+447700810%03d", i) }

// deadNumber is one of the stand-in's own: its carrier says, after it took a text, that nobody is there.
const (
	deadNumber = "+447700900903"
	deadMail   = "unanswered@magic-free.example"
)

// TestKillBroadcast kills the gateway again and again while a broadcast runs: in the end everybody was told exactly once,
// who could not be reached by telephone has one mail, and the counts inside are exact.
func TestKillBroadcast(t *testing.T) {
	kills, seed := setting(t, "GATEHOUSE_KILLS", 10), setting(t, "GATEHOUSE_SEED", 1)
	t.Run("one gateway", func(t *testing.T) {
		killBroadcast(t, newTown(t, townOptions{}), kills, seed)
	})
	t.Run("two gateways", func(t *testing.T) {
		pg, memory := databasetest.Postgres(t), redistest.Start(t)
		killBroadcast(t, newTown(t, townOptions{gateways: 2, store: pg.Database(t), redis: memory.URL()}), kills, seed)
	})
}

func killBroadcast(t *testing.T, w *town, kills, seed int) {
	w.populate()
	chance := rand.New(rand.NewPCG(uint64(seed), 11))
	const words = "Storm tide tonight in Saltmarsh: stay away from the quay."
	notify(t, w.console(), "alerts-saltmarsh", words)
	told := func() int { return int(w.carriers.SMS.Stats().Taken) }
	for i := range kills {
		// Each kill waits for a few more texts than the last one, so that all fall into the run of the broadcast.
		until := told() + 1 + chance.IntN(max(2*castPeople/kills, 1))
		w.await("more of the broadcast", func() bool { return told() >= min(until, castPeople) })
		name := gatewayName(i % w.gateways)
		w.programs[name].kill()
		w.start(name)
		w.awaitReady("http://" + w.settings[name] + "/readyz")
	}
	w.castEnds(words)
}

// populate puts people on a list, into the store of gateways that stand still meanwhile.
func (w *town) populate() {
	w.t.Helper()
	for i := range w.gateways {
		w.programs[gatewayName(i)].kill()
	}
	s, err := store.Open(context.Background(), store.Config{URL: w.settings["STORE"], KeyFile: filepath.Join(w.dir, "gateway.key")})
	if err != nil {
		w.t.Fatal(err)
	}
	for i := range castPeople {
		all := []channels.Address{{Channel: "sms", Value: castNumber(i)}}
		if i == 0 {
			all = []channels.Address{{Channel: "sms", Value: deadNumber}, {Channel: "email", Value: deadMail}}
		}
		w.member(s, "alerts-saltmarsh", all)
	}
	if err := s.Close(); err != nil {
		w.t.Fatal(err)
	}
	for i := range w.gateways {
		w.start(gatewayName(i))
	}
	for i := range w.gateways {
		w.awaitReady("http://" + w.settings[gatewayName(i)] + "/readyz")
	}
}

// member makes a person with addresses, all on the list; the first is the one heard from last.
func (w *town) member(s *store.Store, list string, all []channels.Address) {
	w.t.Helper()
	ctx, now := context.Background(), time.Now()
	if _, err := s.Accept(ctx, channels.Message{ID: "sms:" + all[0].Value, From: all[0], Text: "hello", At: now}); err != nil {
		w.t.Fatal(err)
	}
	turns, err := s.Claim(ctx, time.Now().Add(time.Second), 1, time.Minute)
	if err != nil || len(turns) != 1 {
		w.t.Fatalf("%d turns: %v", len(turns), err)
	}
	o := gateway.Outcome{Claim: turns[0].Claim, Contact: turns[0].Contact}
	o.Contact.Lang, o.Contact.Reaches = "en", nil
	for i, a := range all {
		o.Contact.Reaches = append(o.Contact.Reaches, gateway.Reach{Address: a, Heard: now.Add(-time.Duration(i) * time.Hour)})
		o.Consents = append(o.Consents, gateway.Consent{Address: a, List: list, Act: consent.Granted, Source: consent.Person, At: now})
	}
	if err := s.Commit(ctx, o); err != nil {
		w.t.Fatal(err)
	}
}

var messagePage = regexp.MustCompile(`href="(/messages/[A-Z0-9]{26})"`)

// castEnds waits for the counts inside, and holds what the carriers were given against them.
func (w *town) castEnds(words string) {
	t := w.t
	author := login(t, w.console(), "paulo")
	last := ""
	w.await("the end of the broadcast", func() bool {
		m := messagePage.FindStringSubmatch(author.get("/messages"))
		if m == nil {
			return false
		}
		last = plain(author.get(m[1]))
		return strings.Contains(last, fmt.Sprintf("%d of %[1]d are done", castPeople))
	})
	if !strings.Contains(last, fmt.Sprintf("%d handed to a carrier", castPeople)) {
		t.Errorf("the counts are %s", last)
	}
	ids := map[string]bool{}
	for _, m := range w.carriers.Mails(deadMail) {
		ids[m.MessageID] = true
	}
	if len(ids) != 1 {
		t.Errorf("who is not reached by telephone has %d mails", len(ids))
	}
	for i := 1; i < castPeople; i++ {
		if n := w.carriers.Creates(castNumber(i), words); n != 1 {
			t.Errorf("%s was told %d times", castNumber(i), n)
		}
	}
}
