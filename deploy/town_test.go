package deploy

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"gatehouse/deploy/carriers"
	"gatehouse/deploy/carriers/relay"
	"gatehouse/deploy/carriers/twilio"
	"gatehouse/exchange"
	"gatehouse/exchange/guard"
)

// binaries are the programs as built once for all walks.
var binaries = sync.OnceValues(func() (string, error) {
	if dir := os.Getenv(binariesEnv); dir != "" {
		return dir, nil
	}
	dir, err := os.MkdirTemp("", "gatehouse-walk-")
	if err != nil {
		return "", err
	}
	out, err := exec.Command("go", "build", "-o", dir+"/", "../gateway/cmd/gateway", "../exchange/cmd/guard", "../adapters/cmd/office").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build the programs: %w\n%s", err, out)
	}
	return dir, nil
})

func TestMain(m *testing.M) {
	guard.BecomeWorker(os.Args) // some walks run their guards within the test
	code := m.Run()
	if dir, err := binaries(); err == nil && os.Getenv(binariesEnv) == "" {
		os.RemoveAll(dir)
	}
	os.Exit(code)
}

// town is Gatehouse as its real programs, each a process of its own, with the stand-in carriers around it.
type town struct {
	t        *testing.T
	dir      string
	carriers *carriers.Carriers
	settings map[string]string // what the configurations are written with
	programs map[string]*program
	gateways int
}

// program is one process of the town, which may be killed and started again.
type program struct {
	name, bin, config string
	space             *space // nil: the test's own
	mu                sync.Mutex
	cmd               *exec.Cmd
	log               *os.File
	starts            int
}

// patience bounds every wait of a walk; the machine may be busy.
const patience = 3 * time.Minute

// options change a town before it starts.
type townOptions struct {
	gateways int    // how many gateways stand side by side
	store    string // of the gateways; empty: sqlite
	redis    string
	// diodes has the address of each link's receiving end when the links are one-way UDP; nil: they are folders.
	diodes map[string]string
	tls    bool // all four links over TLS instead
	// spaces has the network namespaces of programs that don't run in the test's own.
	spaces map[string]*space
	desk   string // where the console listens; empty: anywhere
	// front stands before the gateway and back before Twilio's API, where a test wants to see what passes.
	front, back *passage
}

func newTown(t *testing.T, o townOptions) *town {
	t.Helper()
	bin, err := binaries()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	w := &town{t: t, dir: dir, programs: map[string]*program{}, gateways: max(o.gateways, 1)}
	if err := exchange.MakeKeys(filepath.Join(dir, "keys"), exchange.Parties(), time.Now()); err != nil {
		t.Fatal(err)
	}
	w.carriers, err = carriers.Start(context.Background(), standIns())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.carriers.Close)
	w.write(o)
	w.settings["LANE"], w.settings["IN"], w.settings["OUT"] = "up", w.settings["A_RECEIVE"], w.settings["B_SEND"]
	w.programs["up"] = &program{name: "up", bin: filepath.Join(bin, "guard"), config: w.file("up.yaml", guardConfig)}
	w.settings["LANE"], w.settings["IN"], w.settings["OUT"] = "down", w.settings["C_RECEIVE"], w.settings["D_SEND"]
	w.programs["down"] = &program{name: "down", bin: filepath.Join(bin, "guard"), config: w.file("down.yaml", guardConfig)}
	w.programs["office"] = &program{name: "office", bin: filepath.Join(bin, "office"), config: w.file("office.yaml", officeConfig)}
	var hooks []string
	for i := range w.gateways {
		name := gatewayName(i)
		w.settings["NAME"], w.settings["LISTEN"], w.settings["PRIVATE"], w.settings["SMTP"] = name, freePort(t), freePort(t), freePort(t)
		w.settings[name], w.settings[name+".smtp"], w.settings[name+".private"] = w.settings["LISTEN"], w.settings["SMTP"], w.settings["PRIVATE"]
		w.settings["PUBLIC"] = "http://" + w.settings["LISTEN"]
		if o.front != nil {
			w.settings["PUBLIC"] = o.front.open(t, "http://"+w.settings["LISTEN"])
		}
		w.programs[name] = &program{name: name, bin: filepath.Join(bin, "gateway"), config: w.file(name+".yaml", gatewayConfig)}
		hooks = append(hooks, w.settings["PUBLIC"]+"/hooks/sms")
	}
	w.carriers.SMS.SetWebhooks(hooks...)
	w.carriers.Mail.SetGateway(w.settings["gateway.smtp"])
	t.Cleanup(w.stop)
	for name, p := range w.programs {
		p.space = o.spaces[name]
		w.start(name)
	}
	for i := range w.gateways {
		w.awaitReady("http://" + w.settings[gatewayName(i)] + "/readyz")
	}
	w.awaitReady("http://" + w.settings["OFFICE"] + "/readyz")
	return w
}

func gatewayName(i int) string {
	if i == 0 {
		return "gateway"
	}
	return fmt.Sprintf("gateway%d", i+1)
}

// standIns are carriers that keep trying, as a carrier does with a gateway that is down.
func standIns() carriers.Config {
	return carriers.Config{SMS: twilio.Config{RetryFor: 2 * time.Minute}, Mail: relay.Config{RetryFor: 2 * time.Minute}}
}

// freePort gives an address that was free a moment ago: a program that is killed comes back on its own port. It lies
// below those that the kernel gives out by itself (Linux: from 32768), so that no connection takes it in between, and
// no other test of this process got it: the walk through them is a permutation that begins somewhere by chance.
func freePort(t *testing.T) string {
	t.Helper()
	for range 1000 {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 12_000+(firstPort+nextPort.Add(1)*portStride)%ports))
		if err != nil {
			continue
		}
		defer l.Close()
		return l.Addr().String()
	}
	t.Fatal("no port is free")
	return ""
}

// portStride has no divisor in common with ports, so that no port comes twice within that many.
const ports, portStride = 20_000, 7_919

var (
	firstPort = rand.Int64N(ports)
	nextPort  atomic.Int64
)

func (w *town) write(o townOptions) {
	w.settings = map[string]string{
		"DIR": w.dir, "CARRIERS": w.carriers.URL(), "RELAY": w.carriers.MailAddr(), "STORE": o.store, "REDIS": o.redis,
		"OFFICE": cmp.Or(o.desk, freePort(w.t)), "OFFICE_PRIVATE": freePort(w.t),
	}
	w.links(o)
	w.settings["TWILIO"] = w.carriers.URL()
	if o.back != nil {
		w.settings["TWILIO"] = o.back.open(w.t, w.carriers.URL())
	}
	if o.store == "" {
		w.settings["STORE"] = "sqlite:" + filepath.Join(w.dir, "gateway.db")
	}
}

// links writes both ends of the four links: folders that both ends see, or one-way UDP with a folder for each end.
func (w *town) links(o townOptions) {
	w.settings["ISOLATION"] = "none"
	if o.diodes != nil {
		w.settings["ISOLATION"] = "physical"
	}
	for _, l := range []string{"A", "B", "C", "D"} {
		for _, end := range []string{"SEND", "RECEIVE"} {
			w.settings[l+"_"+end] = fmt.Sprintf(`{dir: "%s/border/%s", interval: 20ms}`, w.dir, l)
			if o.diodes != nil {
				w.settings[l+"_"+end] = fmt.Sprintf(`{diode: {address: "%s", key: %s, dir: "%s/border/%s-%s"}}`, o.diodes[l], wireKey, w.dir, l, end)
			}
		}
	}
	if o.tls {
		w.linksOverTLS()
	}
}

// file writes a configuration with the settings of the moment and gives its path.
func (w *town) file(name, text string) string {
	w.t.Helper()
	for k, v := range w.settings {
		text = strings.ReplaceAll(text, "@"+k+"@", v)
	}
	path := filepath.Join(w.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
	return path
}

// start starts a program that is not running.
func (w *town) start(name string) {
	w.t.Helper()
	if err := w.programs[name].start(w.dir); err != nil {
		w.t.Fatal(err)
	}
}

func (p *program) start(dir string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	f, err := os.OpenFile(filepath.Join(dir, p.name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	tmp := filepath.Join(dir, "tmp", p.name) // of its own, so that a test can look into it
	if err := os.MkdirAll(tmp, 0o700); err != nil {
		return err
	}
	p.cmd = exec.Command(p.bin, "-config", p.config)
	p.cmd.Env = append(os.Environ(), "TMPDIR="+tmp)
	p.cmd.Stdout, p.cmd.Stderr, p.cmd.Dir = f, f, dir
	p.log = f
	p.starts++
	if p.space != nil {
		return p.space.within(p.cmd.Start)
	}
	return p.cmd.Start()
}

// kill ends a program as a power cut does, and waits until it is gone.
func (p *program) kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == nil {
		return
	}
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
	p.log.Close()
	p.cmd = nil
}

// end stops a program as an operator does, and gives its exit code and how it went.
func (p *program) end(limit time.Duration) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == nil {
		return nil
	}
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	done := make(chan error, 1)
	go func() { done <- p.cmd.Wait() }()
	select {
	case err := <-done:
		p.cmd = nil
		p.log.Close()
		return err
	case <-time.After(limit):
		_ = p.cmd.Process.Kill()
		<-done
		p.cmd = nil
		return errors.New(p.name + " did not stop in time")
	}
}

// stop ends everything and shows the logs of a walk that failed.
func (w *town) stop() {
	for _, p := range w.programs {
		if err := p.end(patience); err != nil {
			w.t.Errorf("%s: %v", p.name, err)
		}
	}
	w.wantQuietLogs()
	if !w.t.Failed() {
		return
	}
	for name := range w.programs {
		b, _ := os.ReadFile(filepath.Join(w.dir, name+".log"))
		w.t.Logf("── %s ──\n%s", name, tail(b, 6000))
	}
}

// personal is a person's number or mail address, however it is written; the city's own mailboxes are none.
var personal = regexp.MustCompile(`(?:\+|%2B|00)?44 ?7700 ?900 ?\d{3}|[\w.+-]+(?:@|%40)(?:[a-z0-9-]+\.)+example`)

// wantQuietLogs: a log holds digests and ids, never who wrote.
func (w *town) wantQuietLogs() {
	for name := range w.programs {
		b, err := os.ReadFile(filepath.Join(w.dir, name+".log"))
		if err != nil {
			w.t.Error(err)
		}
		for _, found := range personal.FindAll(b, -1) {
			if !bytes.HasSuffix(found, []byte("@portlumen.example")) {
				w.t.Errorf("the log of %s names %s", name, found)
			}
		}
	}
}

func tail(b []byte, n int) []byte { return b[max(len(b)-n, 0):] }

func (w *town) awaitReady(url string) {
	w.t.Helper()
	w.await("ready: "+url, func() bool { return ready(url) })
}

func ready(url string) bool {
	r, err := http.Get(url)
	if err != nil {
		return false
	}
	r.Body.Close()
	return r.StatusCode == http.StatusOK
}

// await polls a condition until it holds.
func (w *town) await(what string, holds func() bool) {
	w.t.Helper()
	eventually(w.t, what, holds)
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(30 * time.Millisecond)
	defer tick.Stop()
	end := time.After(patience)
	for !holds() {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

// awaitText waits until a phone got a text that holds part, and gives it.
func (w *town) awaitText(number, part string) string {
	w.t.Helper()
	m, err := w.carriers.AwaitText(context.Background(), number, patience, func(m twilio.Message) bool { return strings.Contains(m.Body, part) })
	if err != nil {
		w.t.Fatalf("no text with %q: %v", part, err)
	}
	return m.Body
}

func (w *town) text(number, body string) {
	w.t.Helper()
	if _, err := w.carriers.Text(number, body); err != nil {
		w.t.Fatal(err)
	}
}
