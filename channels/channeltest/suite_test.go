package channeltest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gatehouse/channels"

	"go.uber.org/goleak"
)

const tinSecret = "tin-secret-42"

// tin is the smallest whole channel: JSON over HTTP, both ways. defect makes it break the contract in one place.
type tin struct {
	carrier string
	shared  channels.Shared
	defect  string
	client  *http.Client
	made    atomic.Int64
}

type tinFrame struct {
	ID, Text, To string
	Options      []string
	Files        []File
	State        channels.State
}

func (c *tin) Name() string { return "tin" }

func (c *tin) Mount(mux *http.ServeMux, in channels.Inbox) {
	mux.HandleFunc("POST /hooks/tin", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(c.hear(r, in)) })
}

func (c *tin) hear(r *http.Request, in channels.Inbox) int {
	var f tinFrame
	if err := json.NewDecoder(io.LimitReader(r.Body, 4<<20)).Decode(&f); err != nil || f.ID == "" {
		if c.defect == "hostile" {
			_ = in.Accept(r.Context(), channels.Message{ID: "tin:x"})
		}
		return http.StatusBadRequest
	}
	if f.State != "" {
		return c.report(r.Context(), in, f)
	}
	err := in.Accept(r.Context(), c.inbound(f))
	if c.defect == "logs" {
		c.shared.Log.Info("heard", "text", f.Text)
	}
	switch {
	case err == nil, c.defect == "acknowledges":
		return http.StatusOK
	case errors.Is(err, channels.ErrTooLarge) && c.defect != "asks again", errors.Is(err, channels.ErrNotForUs):
		return http.StatusNotFound
	}
	return http.StatusServiceUnavailable
}

func (c *tin) inbound(f tinFrame) channels.Message {
	m := channels.Message{
		ID: "tin:" + f.ID, From: channels.Address{Channel: "tin", Value: "person-1234567"}, At: c.shared.Now(),
		Text: f.Text, Trust: channels.CarrierVerified,
	}
	if c.defect == "new id" {
		m.ID += strconv.FormatInt(c.made.Add(1), 10)
	}
	for _, file := range f.Files {
		m.Files = append(m.Files, channels.File{Name: file.Name, Type: file.Type, Size: -1,
			Open: func(context.Context) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(file.Bytes)), nil }})
	}
	return m
}

func (c *tin) report(ctx context.Context, in channels.Inbox, f tinFrame) int {
	r := channels.Receipt{MessageID: f.ID, Channel: "tin", State: f.State, At: c.shared.Now()}
	if f.State == channels.Failed {
		r.Err = &channels.Error{Kind: channels.Unreachable}
	}
	if err := in.Report(ctx, r); err != nil && c.defect != "loses receipts" {
		return http.StatusServiceUnavailable
	}
	return http.StatusOK
}

func (c *tin) Send(ctx context.Context, m channels.Message) (channels.Receipt, error) {
	f := tinFrame{ID: m.ID, Text: m.Text, To: m.To.Value}
	for _, o := range m.Options {
		f.Options = append(f.Options, o.Label)
	}
	for _, file := range m.Files {
		r, _ := file.Open(ctx)
		b, _ := io.ReadAll(r)
		f.Files = append(f.Files, File{Name: file.Name, Bytes: b})
	}
	var out struct{ Kind string }
	status, wrote, err := c.post(ctx, f, &out)
	switch {
	case err != nil && c.defect == "plain error":
		return channels.Receipt{}, err
	case err != nil && c.defect == "token in error":
		return channels.Receipt{}, &channels.Error{Kind: channels.Temporary, Err: errors.New(tinSecret), Uncertain: wrote}
	case err != nil:
		return channels.Receipt{}, &channels.Error{Kind: channels.Temporary, Uncertain: wrote && c.defect != "certain"}
	case status != http.StatusOK && c.defect == "one kind":
		return channels.Receipt{}, &channels.Error{Kind: channels.Temporary}
	case status != http.StatusOK:
		return channels.Receipt{}, &channels.Error{Kind: channels.Kind(out.Kind), After: time.Second}
	}
	return channels.Receipt{MessageID: m.ID, CarrierID: "c" + m.ID, Channel: "tin", State: channels.Accepted, At: c.shared.Now()}, nil
}

func (c *tin) post(ctx context.Context, f tinFrame, out any) (status int, wrote bool, err error) {
	var written atomic.Bool
	traced := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		WroteRequest: func(i httptrace.WroteRequestInfo) { written.Store(i.Err == nil) }})
	body, _ := json.Marshal(f)
	r, _ := http.NewRequestWithContext(traced, http.MethodPost, c.carrier, bytes.NewReader(body))
	res, err := c.client.Do(r)
	if err != nil {
		return 0, written.Load(), err
	}
	defer res.Body.Close()
	return res.StatusCode, true, json.NewDecoder(res.Body).Decode(out)
}

func (c *tin) Find(ctx context.Context, m channels.Message, _ time.Time) (channels.Receipt, bool, error) {
	var out struct{ Found bool }
	status, _, err := c.post(ctx, tinFrame{ID: m.ID, State: "find"}, &out)
	if err != nil || status != http.StatusOK || !out.Found && c.defect != "finds all" {
		return channels.Receipt{}, false, err
	}
	return channels.Receipt{MessageID: m.ID, CarrierID: "c" + m.ID, Channel: "tin", State: channels.Accepted}, true, nil
}

// Listen has nothing to hear; it stands for channels that do.
func (c *tin) Listen(ctx context.Context, _ channels.Inbox) error {
	<-ctx.Done()
	if c.defect == "bad end" {
		return ctx.Err()
	}
	if c.defect == "leak" {
		go func() { select {} }()
	}
	return nil
}

// tinCarrier is the far side.
type tinCarrier struct {
	mu     sync.Mutex
	frames []tinFrame
	fault  Fault
	hook   string
	client *http.Client
}

func (k *tinCarrier) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var f tinFrame
	_ = json.NewDecoder(r.Body).Decode(&f)
	k.mu.Lock()
	fault := k.fault
	found := false
	for _, have := range k.frames {
		found = found || have.ID == f.ID
	}
	if f.State != "find" {
		k.fault = ""
		if fault == "" || fault == Lost || fault == Silent {
			k.frames = append(k.frames, f)
		}
	}
	k.mu.Unlock()
	switch {
	case f.State == "find":
		fmt.Fprintf(w, `{"found":%v}`, found)
	case fault == Lost:
		panic(http.ErrAbortHandler)
	case fault == Silent:
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	case fault != "":
		w.WriteHeader(http.StatusTeapot)
		fmt.Fprintf(w, `{"kind":%q}`, fault)
	default:
		fmt.Fprint(w, `{}`)
	}
}

func (k *tinCarrier) post(ctx context.Context, body []byte) Answer {
	r, _ := http.NewRequestWithContext(ctx, http.MethodPost, k.hook, bytes.NewReader(body))
	res, err := k.client.Do(r)
	if err != nil {
		return Again
	}
	res.Body.Close()
	switch res.StatusCode {
	case http.StatusOK:
		return Taken
	case http.StatusServiceUnavailable:
		return Again
	}
	return Refused
}

func tinHarness(defect string) Harness {
	open := func(t *testing.T, e Env) Rig {
		k := &tinCarrier{hook: e.PublicURL + "/hooks/tin", client: &http.Client{Transport: &http.Transport{}}}
		server := httptest.NewServer(k)
		t.Cleanup(server.Close)
		c := &tin{carrier: server.URL, shared: e.Shared, defect: defect, client: &http.Client{Transport: &http.Transport{}}}
		return Rig{Channel: c, Carrier: k.carrier(), Own: channels.Address{Channel: "tin", Value: "city"},
			Person: func(*testing.T) channels.Address { return channels.Address{Channel: "tin", Value: "person-1234567"} }}
	}
	return Harness{Open: open, Secrets: []string{tinSecret}, Can: Abilities{FilesIn: true, FilesOut: true,
		Options: true, Receipts: true, Find: true, Faults: AllFaults()}}
}

func (k *tinCarrier) carrier() Carrier {
	return Carrier{
		Deliver: func(ctx context.Context, s Said) Answer {
			body, _ := json.Marshal(tinFrame{ID: s.ID, Text: s.Text, Files: s.Files})
			return k.post(ctx, body)
		},
		Sent: func() (out []Sent) {
			k.mu.Lock()
			defer k.mu.Unlock()
			for _, f := range k.frames {
				out = append(out, Sent{To: f.To, Text: f.Text, Options: f.Options, Files: f.Files})
			}
			return out
		},
		Fail: func(f Fault) {
			k.mu.Lock()
			defer k.mu.Unlock()
			k.fault = f
		},
		Tell: func(ctx context.Context, r channels.Receipt, s channels.State) Answer {
			body, _ := json.Marshal(tinFrame{ID: r.MessageID, State: s})
			return k.post(ctx, body)
		},
		Hostile: map[string]func(context.Context){
			"not json": func(ctx context.Context) { k.post(ctx, []byte("{{{{")) },
		},
	}
}

func TestRun(t *testing.T) { Run(t, tinHarness(os.Getenv("TIN_DEFECT"))) }

// Each defect must be found: the suite runs again as a process of its own, because it has to fail there.
func TestRunFindsDefects(t *testing.T) {
	if os.Getenv("TIN_DEFECT") != "" {
		return // inside the process started below
	}
	for defect, test := range map[string]string{
		"hostile": "survives_hostile_input", "logs": "hears_text", "acknowledges": "acknowledges_only_what_is_stored",
		"asks again": "does_not_ask_again", "new id": "repeats_are_the_same", "loses receipts": "reports_again_until_stored",
		"plain error": "is_uncertain", "token in error": "is_uncertain", "certain": "obeys_a_deadline", "one kind": "names_each_kind",
		"finds all": "finds_what_was_sent", "bad end": "stops_cleanly", "leak": "stops_cleanly",
	} {
		t.Run(defect, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestRun$/"+test)
			cmd.Env = append(os.Environ(), "TIN_DEFECT="+defect)
			out, err := cmd.CombinedOutput()
			var failed *exec.ExitError
			if !errors.As(err, &failed) || !strings.Contains(string(out), "--- FAIL: TestRun/"+test) {
				t.Errorf("the suite does not find the defect: %v\n%s", err, out)
			}
		})
	}
}

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
