package deploy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"gatehouse/deploy/carriers/relay"
	"gatehouse/exchange/receipt"
	"gatehouse/gateway/store"
)

// stages are where the gateway is killed while a declaration is on its way: a mail that goes in, and the word that it is the
// company's; an upload that goes in, or was stored and has no answer, or has crossed, or was answered. The mails are each
// from another sender and come but once: an address gets five automatic mails an hour.
var stages = []string{"mail", "confirm", "upload", "stored", "crossed", "told"}

// declarer is a clerk who declares a week after the other, by upload and by mail, while the gateway dies.
type declarer struct {
	*town
	front   *passage
	chance  *rand.Rand
	http    *http.Client
	address string
	refs    map[string]string // week → reference
	kills   int
}

// TestKillDeclaration kills the gateway at each stage of a declaration: each week is filed once, has one reference and one
// receipt, and the chain of receipts has no gap.
func TestKillDeclaration(t *testing.T) {
	kills, seed := setting(t, "GATEHOUSE_KILLS", len(stages)), setting(t, "GATEHOUSE_SEED", 1)
	front := &passage{match: func(r *http.Request) bool { return r.Method == http.MethodPost }}
	w := newTown(t, townOptions{front: front})
	d := &declarer{town: w, front: front, chance: rand.New(rand.NewPCG(uint64(seed), 11)), address: "customs@northdock.example", refs: map[string]string{}}
	w.enrol("12-345678-C", d.address)
	d.signsIn()
	for i := range kills {
		week := fmt.Sprintf("2026-W%02d", 1+i%52)
		if i >= 52 {
			week = fmt.Sprintf("2025-W%02d", 1+i%52)
		}
		if i < 2 {
			d.mails(stages[i], week)
		} else {
			d.uploads(stages[2+(i-2)%4], week)
		}
	}
	t.Logf("seed %d, %d kills, %d declarations", seed, d.kills, len(d.refs))
	d.everyWeekOnce()
}

// dies kills the gateway and starts it again.
func (d *declarer) dies(stage string) {
	d.t.Logf("%s: kill the gateway", stage)
	d.programs["gateway"].kill()
	d.kills++
	d.start("gateway")
}

// soon lets a moment pass that the seed picks, so that the kill falls anywhere into what is going on.
func (d *declarer) soon() { <-time.After(time.Duration(d.chance.IntN(8000)) * time.Microsecond) }

// signsIn opens the link that is mailed to the registered address.
func (d *declarer) signsIn() {
	d.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		d.t.Fatal(err)
	}
	d.http = &http.Client{Jar: jar}
	page := d.settings["PUBLIC"] + "/en/declare/dec-goods"
	r, err := d.http.PostForm(page, url.Values{"token": {d.token()}, "act": {"link"}, "clerk": {d.address}})
	if err != nil {
		d.t.Fatal(err)
	}
	r.Body.Close()
	m, err := d.carriers.AwaitMail(context.Background(), d.address, patience, func(m relay.Mail) bool { return !m.Sent && strings.Contains(m.Subject, "Your link to declare") })
	if err != nil {
		d.t.Fatalf("no link: %v", err)
	}
	if r, err = d.http.PostForm(d.settings["PUBLIC"]+passPath.FindString(m.Text), url.Values{"act": {"open"}}); err != nil {
		d.t.Fatal(err)
	}
	defer r.Body.Close()
	if b, _ := io.ReadAll(r.Body); !strings.Contains(string(b), "You declare as") {
		d.t.Fatalf("the link proves nothing: %s", b)
	}
}

// token waits until the page is there, and gives its token.
func (d *declarer) token() (token string) {
	d.t.Helper()
	d.await("the page of the form", func() bool {
		r, err := d.http.Get(d.settings["PUBLIC"] + "/en/declare/dec-goods")
		if err != nil {
			return false
		}
		defer r.Body.Close()
		b, err := io.ReadAll(r.Body)
		found := formToken.FindSubmatch(b)
		if err != nil || found == nil {
			return false
		}
		token = string(found[1])
		return true
	})
	return token
}

var formToken = regexp.MustCompile(`name="token" value="([^"]+)"`)

func rowsOf(week string) string {
	return "company,week,package,hs,country,net,gross,value,currency\n12-345678-C," + week + ",PK-" + week + ",847130,BR,10,12,150.00,EUR\n"
}

// uploads sends one week's file, again and again as a person reloads a page that failed, until there is a reference.
func (d *declarer) uploads(stage, week string) {
	d.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	_ = form.WriteField("token", d.token())
	_ = form.WriteField("act", "file")
	part, err := form.CreateFormFile("file", "goods.csv")
	if err == nil {
		_, err = io.WriteString(part, rowsOf(week))
	}
	if err = errors.Join(err, form.Close()); err != nil {
		d.t.Fatal(err)
	}
	dead := make(chan struct{})
	strike := func() { d.soon(); d.dies(stage); close(dead) }
	switch stage {
	case "upload":
		d.front.set(&d.front.before, func() { go strike() })
	case "stored":
		d.front.set(&d.front.after, func() { strike() })
	case "crossed":
		crossed := make(chan struct{})
		go (&killer{w: d.town}).watch("A", crossed)
		go func() { <-crossed; strike() }()
	}
	send := func() (ref string) {
		r, err := d.http.Post(d.settings["PUBLIC"]+"/en/declare/dec-goods", form.FormDataContentType(), bytes.NewReader(body.Bytes()))
		if err != nil {
			return ""
		}
		defer r.Body.Close()
		b, err := io.ReadAll(r.Body)
		if err != nil || r.StatusCode != http.StatusOK || !strings.Contains(r.Request.URL.Path, "/sent/") {
			return ""
		}
		return refOf(string(b[max(0, bytes.Index(b, []byte(`role="status"`))):]))
	}
	ref := ""
	answered := func() bool { ref = send(); return ref != "" }
	d.await("an answer to "+week, answered)
	if stage == "told" {
		strike()
		first := ref
		if d.await("the answer to "+week+" again", answered); ref != first {
			d.t.Errorf("%s was %s and is %s", week, first, ref)
		}
	}
	select {
	case <-dead:
	case <-time.After(patience):
		d.t.Errorf("the stage %q was never reached", stage)
	}
	d.keep(week, ref)
}

func (d *declarer) keep(week, ref string) {
	d.t.Helper()
	for other, r := range d.refs {
		if r == ref {
			d.t.Errorf("%s and %s have the same reference", week, other)
		}
	}
	d.refs[week] = ref
}

// mails sends one week's file by mail: its sender is proven by nothing here, so that the company is asked and confirms.
func (d *declarer) mails(stage, week string) {
	d.t.Helper()
	written, from := make(chan error, 1), "desk-"+strings.ToLower(week)+"@northdock.example"
	go func() {
		_, err := d.carriers.Write(relay.Draft{From: from, To: []string{"declare+goods@portlumen.example"}, Subject: "Goods " + week,
			Files: []relay.File{{Name: "goods.csv", Type: "text/csv", Data: []byte(rowsOf(week))}}})
		written <- err
	}()
	if stage == "mail" {
		d.soon()
		d.dies(stage)
	}
	if err := <-written; err != nil {
		d.t.Fatal(err)
	}
	var asked []string
	d.await("the company is asked about "+week, func() bool {
		asked = d.asked()
		return len(asked) > 0
	})
	dead := make(chan struct{})
	if stage == "confirm" {
		d.front.set(&d.front.before, func() {
			go func() { d.soon(); d.dies(stage); close(dead) }()
		})
	} else {
		close(dead)
	}
	for _, link := range asked {
		d.await("the word that it is ours", func() bool {
			r, err := http.PostForm(d.settings["PUBLIC"]+link, url.Values{"act": {"open"}})
			if err != nil {
				return false
			}
			r.Body.Close()
			return r.StatusCode == http.StatusOK || r.StatusCode == http.StatusNotFound
		})
	}
	<-dead
	m, err := d.carriers.AwaitMail(context.Background(), from, patience, func(m relay.Mail) bool {
		return !m.Sent && strings.Contains(m.Text, "received and checked") && strings.Contains(m.Text, week)
	})
	if err != nil {
		d.t.Fatalf("%s is not filed: %v", week, err)
	}
	d.keep(week, refOf(m.Subject+m.Text))
}

// asked are the links of the mails to the company that nobody opened yet.
func (d *declarer) asked() (links []string) {
	for _, m := range d.carriers.Mails(d.address) {
		if m.Sent || !strings.Contains(m.Text, "If the declaration is yours") {
			continue
		}
		link := passPath.FindString(m.Text)
		if r, err := http.Get(d.settings["PUBLIC"] + link); err == nil {
			r.Body.Close()
			if r.StatusCode == http.StatusOK && !slices.Contains(links, link) {
				links = append(links, link)
			}
		}
	}
	return links
}

// everyWeekOnce compares what the clerk holds with the desk inside and with the chain of receipts.
func (d *declarer) everyWeekOnce() {
	d.t.Helper()
	otto := login(d.t, d.console(), "otto")
	var desk map[string]int
	d.await("every declaration on the desk", func() bool {
		desk = otto.queue()
		return len(desk) >= len(d.refs)
	})
	for week, ref := range d.refs {
		if desk[ref] != 1 {
			d.t.Errorf("%s, %s, is on the desk %d times", week, ref, desk[ref])
		}
	}
	if len(desk) != len(d.refs) {
		d.t.Errorf("%d cases for %d weeks: %v", len(desk), len(d.refs), desk)
	}
	filed := map[string]int{}
	for _, ref := range d.chain() {
		filed[ref]++
	}
	for week, ref := range d.refs {
		if filed[ref] != 1 {
			d.t.Errorf("%s, %s, has %d receipts", week, ref, filed[ref])
		}
	}
	if len(filed) != len(d.refs) {
		d.t.Errorf("receipts are for %v", filed)
	}
}

// chain follows the chain of receipts from its beginning, and gives the case of each of the gateway's.
func (d *declarer) chain() (cases []string) {
	d.t.Helper()
	s, err := store.Open(d.t.Context(), store.Config{URL: d.settings["STORE"], KeyFile: filepath.Join(d.dir, "gateway.key"), Owner: "reader", Now: time.Now})
	if err != nil {
		d.t.Fatal(err)
	}
	defer s.Close()
	all, err := s.Chain(d.t.Context(), 0, 1000)
	if err != nil {
		d.t.Fatal(err)
	}
	var head receipt.Head
	for i, got := range all {
		if head, err = head.Follow(got.Link); err != nil || got.Number != uint64(i+1) {
			d.t.Fatalf("receipt %d of the chain has number %d: %v", i+1, got.Number, err)
		}
		r, err := receipt.Parse(got.Body)
		if err != nil {
			d.t.Fatal(err)
		}
		if r.Kind == receipt.Received {
			cases = append(cases, r.Case)
		}
	}
	return cases
}
