package corpus

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/idna"
)

// opinion is what somebody says of a mail's SPF, DKIM and DMARC.
type opinion struct {
	SPF   string      `json:"spf"`
	DKIM  [][2]string `json:"dkim"` // domain and result, sorted
	DMARC string      `json:"dmarc"`
}

func (o opinion) String() string {
	return fmt.Sprintf("dmarc=%s spf=%s dkim=%v", o.DMARC, o.SPF, o.DKIM)
}

// questioned is a mail as the second verifier is told of it.
type questioned struct {
	Raw    string    `json:"raw"`
	IP     string    `json:"ip"`
	Helo   string    `json:"helo"`
	Sender string    `json:"sender"`
	At     time.Time `json:"at"`
}

// differs are the rows about which we and mailauth are of different opinions, and why.
func differs() map[string]string {
	const open = "the domain publishes no policy: mailauth looks no further, and we take what is aligned"
	return map[string]string{
		"the company's address as a display name":            open,
		"a neighbour of the company's name":                  open,
		"a signature of the first bytes alone (l=)":          "what follows the signed bytes is anybody's: such a signature proves nothing here",
		"nine signatures, the right one last":                "we look at eight",
		"a subdomain's signature where the domain is strict": "mailauth 4.8.5 compares organizational domains although the policy asks for the same domain",
	}
}

// secondOpinion holds our verdicts on all mails of the corpus, good and tampered with, against those of mailauth, which shares
// no line with ours and asks the same name server.
func (c *city) secondOpinion(t *testing.T, all map[string]*seen) {
	var names []string
	for name, s := range all {
		if s.verdict != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	var mails []questioned
	for _, name := range names {
		w := all[name].sent
		mails = append(mails, c.questioned(w.raw, w.helo(), w.sender))
	}
	for i, theirs := range c.mailauth(t, mails) {
		ours := ourOpinion(all[names[i]].verdict)
		_, known := differs()[names[i]]
		if same := ours.String() == theirs.String(); same == known {
			t.Errorf("%s: we say %s, mailauth %s", names[i], ours, theirs)
		}
	}
}

// ownSignatures has mailauth verify what the gateway sent.
func (c *city) ownSignatures(t *testing.T, all map[string]*seen) {
	var mails []questioned
	for _, s := range all {
		for _, r := range s.replies {
			mails = append(mails, c.questioned(string(r.Raw), "portlumen.example", r.EnvelopeFrom))
		}
	}
	if len(mails) < 50 {
		t.Fatalf("only %d mails were sent", len(mails))
	}
	want := opinion{SPF: "pass", DKIM: [][2]string{{"portlumen.example", "pass"}}, DMARC: "pass"}
	for i, o := range c.mailauth(t, mails) {
		if o.String() != want.String() {
			t.Errorf("mailauth says %s of %s", o, mails[i].Raw)
		}
	}
}

func (c *city) questioned(raw, helo, sender string) questioned {
	return questioned{Raw: base64.StdEncoding.EncodeToString([]byte(raw)), IP: "127.0.0.1", Helo: helo, Sender: sender, At: monday}
}

// mailauth asks the second verifier, which deploy/tools.sh installs.
func (c *city) mailauth(t *testing.T, mails []questioned) []opinion {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(cache, "gatehouse", "mailauth")
	if _, err := os.Stat(filepath.Join(folder, "node_modules", "mailauth")); err != nil {
		t.Fatalf("mailauth is not there; deploy/tools.sh installs it: %v", err)
	}
	in, err := json.Marshal(mails)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", filepath.Join("mailauth", "verify.mjs"))
	var out, errs bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(in), &out, &errs
	cmd.Env = append(os.Environ(), "MAILAUTH="+folder, "RESOLVER="+c.names.Addr)
	if err := cmd.Run(); err != nil {
		t.Fatalf("mailauth: %v\n%s", err, errs.String())
	}
	var all []opinion
	if err := json.Unmarshal(out.Bytes(), &all); err != nil || len(all) != len(mails) {
		t.Fatalf("mailauth gives %d verdicts for %d mails: %v", len(all), len(mails), err)
	}
	for i := range all {
		for n := range all[i].DKIM {
			all[i].DKIM[n] = [2]string{plainDomain(all[i].DKIM[n][0]), proves(all[i].DKIM[n][1])}
		}
		sortKeys(all[i].DKIM)
	}
	return all
}

// proves makes one word of all results of a signature that prove nothing: verifiers differ on which it is (RFC 8601 §2.7.1).
func proves(result string) string {
	if result != "pass" && result != "temperror" {
		return "fail"
	}
	return result
}

func plainDomain(d string) string {
	if a, err := idna.Lookup.ToASCII(d); err == nil {
		return a
	}
	return d
}

func sortKeys(all [][2]string) {
	slices.SortFunc(all, func(a, b [2]string) int { return strings.Compare(a[0]+a[1], b[0]+b[1]) })
}

// ourOpinion reads a verdict of ours.
func ourOpinion(verdict string) opinion {
	var o opinion
	verdict, _, _ = strings.Cut(verdict, " arc: ")
	fields := strings.Fields(verdict)
	for i, f := range fields {
		key, value, _ := strings.Cut(f, "=")
		switch key {
		case "dmarc":
			o.DMARC = value
		case "spf":
			o.SPF = value
		case "dkim":
			o.DKIM = append(o.DKIM, [2]string{strings.Trim(fields[i+1], "()"), proves(value)})
		}
	}
	sortKeys(o.DKIM)
	return o
}
