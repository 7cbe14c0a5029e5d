package guard

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"gatehouse/exchange"
	"gatehouse/exchange/guard/media"
	"gatehouse/exchange/guard/sandbox"
)

// How a worker is shut in.
const (
	SandboxNamespaces = "namespaces" // in its own users, mounts, network, processes; the guard refuses to start without
	SandboxNone       = "none"       // by limits and the list of system calls alone
	SandboxAuto       = "auto"       // namespaces where they are permitted; for a demo, whose isolation is none
)

// What ends the notes of a worker that is not shut in by namespaces, however that came, and of one without a program
// that draws PDFs.
const (
	NoNamespaces = "files are decoded in a child with limits and a list of system calls alone"
	NoRenderer   = "PDF files are refused"
)

// WorkerConfig bounds the child in which one foreign file is decoded. A zero is replaced by its default.
type WorkerConfig struct {
	Sandbox  string        `yaml:"sandbox"`  // namespaces (default), none or auto
	Memory   int64         `yaml:"memory"`   // bytes beyond the program itself; 1 GiB
	CPU      time.Duration `yaml:"cpu"`      // 30s
	Timeout  time.Duration `yaml:"timeout"`  // by the clock; 2m
	Pdftoppm string        `yaml:"pdftoppm"` // Debian's poppler-utils; /usr/bin/pdftoppm
}

// WithDefaults fills in what is empty.
func (c WorkerConfig) WithDefaults() WorkerConfig {
	if c.Sandbox == "" {
		c.Sandbox = SandboxNamespaces
	}
	if c.Memory == 0 {
		c.Memory = 1 << 30
	}
	if c.CPU == 0 {
		c.CPU = 30 * time.Second
	}
	if c.Timeout == 0 {
		c.Timeout = 2 * time.Minute
	}
	if c.Pdftoppm == "" {
		c.Pdftoppm = "/usr/bin/pdftoppm"
	}
	return c
}

// Validate gives all faults joined.
func (c WorkerConfig) Validate() error {
	c = c.WithDefaults()
	var errs []error
	if !slices.Contains([]string{SandboxNamespaces, SandboxNone, SandboxAuto}, c.Sandbox) {
		errs = append(errs, fmt.Errorf("sandbox: is %q; write namespaces, none or auto", c.Sandbox))
	}
	if c.Memory < 128<<20 || c.Memory > 16<<30 {
		errs = append(errs, fmt.Errorf("memory: is out of range; %d to %d", 128<<20, 16<<30))
	}
	if c.CPU < time.Second || c.CPU > 10*time.Minute {
		errs = append(errs, errors.New("cpu: is out of range; 1s to 10m"))
	}
	if c.Timeout < time.Second || c.Timeout > 30*time.Minute {
		errs = append(errs, errors.New("timeout: is out of range; 1s to 30m"))
	}
	if c.Pdftoppm[0] != '/' {
		errs = append(errs, fmt.Errorf("pdftoppm: is %q; write a path from the root", c.Pdftoppm))
	}
	return errors.Join(errs...)
}

// Worker decodes each foreign file in a child process of its own: this program again, with the files handed over as
// open descriptors, an empty environment, limits and a sandbox. The child is ended after its file, whatever it says.
//
// The rule: a child is not trusted. Its answer is bounded, and a crash, a time-out or an answer that is none refuses
// the file.
type Worker struct {
	c          WorkerConfig
	namespaces bool
	program    string // what is started; a test starts another
}

// NewWorker makes one; it starts nothing.
func NewWorker(c WorkerConfig) (*Worker, error) {
	if len(os.Args) > 1 && os.Args[1] == workerWord { // or it would start itself again and again
		return nil, errors.New("worker: this program was started as a worker and became none: it must call guard.BecomeWorker first")
	}
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("worker: %w", err)
	}
	c = c.WithDefaults()
	// Not os.Executable: after an upgrade another file may lie there, and a worker must be of this guard's release.
	return &Worker{c: c, namespaces: c.Sandbox != SandboxNone, program: "/proc/self/exe"}, nil
}

// errWorker means that a child did not answer as it must: the file is refused.
var errWorker = errors.New("the worker failed")

// errSandbox means that a child could not be shut in: nothing can be judged.
var errSandbox = errors.New("the worker can't be shut in")

// The acts of a child.
const (
	actJudge    = "judge"    // a file
	actDraw     = "draw"     // a PDF as pixmaps, by pdftoppm
	actAssemble = "assemble" // pixmaps to a PDF
)

// job is what a child is started for.
type job struct {
	Act     string         `json:"act"`
	Task    media.Task     `json:"task"`
	Limits  sandbox.Limits `json:"limits"`
	Program string         `json:"program"`
}

// said is a child's answer.
type said struct {
	Answer media.Answer `json:"answer"`
	Fault  string       `json:"fault"` // why it could not be shut in; the file was not looked at
}

// maxSaid bounds a child's answer, in bytes.
const maxSaid = 4 << 10

// workerWord is the first argument of a child.
const workerWord = "guard-worker"

// descriptors of a child: what it reads, writes and answers on.
const (
	childIn = 3 + iota
	childOut
	childSay
)

// BecomeWorker makes this process a worker if it was started as one, and then never returns. Every program that runs a
// guard, and every test of one, calls it first in main with os.Args.
func BecomeWorker(args []string) {
	if len(args) != 3 || args[1] != workerWord {
		return
	}
	unix.Exit(work(args[2])) // nothing is left to flush, and os.Exit waits a second in a build with the race detector
}

func work(text string) int {
	var j job
	if json.Unmarshal([]byte(text), &j) != nil {
		return 2
	}
	in, out, say := os.NewFile(childIn, "in"), os.NewFile(childOut, "out"), os.NewFile(childSay, "say")
	unix.CloseOnExec(childSay)
	var s said
	if j.Act == actDraw {
		s.Fault = draw(j).Error()
	} else if err := sandbox.Enter(j.Limits); err != nil {
		s.Fault = err.Error()
	} else if j.Act == actAssemble {
		s.Answer = media.Assemble(in, j.Task, out)
	} else if size, err := in.Seek(0, io.SeekEnd); err != nil {
		return 2
	} else {
		s.Answer = media.Judge(in, size, j.Task, out)
	}
	if json.NewEncoder(say).Encode(s) != nil {
		return 2
	}
	return 0
}

// draw turns this process into pdftoppm, which reads the PDF from its standard input and writes pixmaps to its output.
func draw(j job) error {
	if err := errors.Join(unix.Dup3(childIn, 0, 0), unix.Dup3(childOut, 1, 0)); err != nil {
		return fmt.Errorf("hand over: %w", err)
	}
	unix.CloseOnExec(childIn)
	unix.CloseOnExec(childOut)
	return sandbox.Become(j.Limits, j.Program, "-q", "-scale-to", fmt.Sprint(media.PageSide), "-l", fmt.Sprint(j.Task.Policy.MaxPages+1), "-")
}

// Judge gives what the worker says of the file in, whose bytes it reads from the beginning. What it rebuilt stands in
// out. errWorker: the file must be refused. Another error: nothing could be judged.
func (w *Worker) Judge(ctx context.Context, in *os.File, t media.Task, out *os.File) (media.Answer, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, w.c.Timeout, errWorker)
	defer cancel()
	a, err := w.run(ctx, w.job(actJudge, t), in, out)
	if err != nil || a.Reason != exchange.ReasonNone || !a.Pages {
		return a, err
	}
	if !w.draws() {
		return media.Answer{Reason: exchange.ReasonFileKind, Check: "pages"}, nil
	}
	return w.pages(ctx, in, t, out)
}

// draws tells whether the program that draws PDFs is there.
func (w *Worker) draws() bool {
	info, err := os.Stat(w.c.Pdftoppm)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

func (w *Worker) job(act string, t media.Task) job {
	return job{Act: act, Task: t, Program: w.c.Pdftoppm,
		Limits: sandbox.Limits{Memory: w.c.Memory, CPU: w.c.CPU, Output: t.Room, Namespaces: w.namespaces}}
}

// pages lets one child draw the PDF and another put the drawn pages together. Neither trusts the other.
func (w *Worker) pages(ctx context.Context, in *os.File, t media.Task, out *os.File) (media.Answer, error) {
	if _, err := in.Seek(0, io.SeekStart); err != nil {
		return media.Answer{}, fmt.Errorf("worker: %w", err)
	}
	drawn, pen, err := os.Pipe()
	if err != nil {
		return media.Answer{}, fmt.Errorf("worker: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	drew := make(chan struct{ err error }, 1)
	go func() {
		_, err := w.run(ctx, w.job(actDraw, t), in, pen)
		drew <- struct{ err error }{errors.Join(err, pen.Close())}
	}()
	a, err := w.run(ctx, w.job(actAssemble, t), drawn, out)
	drawn.Close()
	if err != nil || a.Reason != exchange.ReasonNone {
		cancel() // what is drawn now has no reader
		<-drew
		return a, err
	}
	return a, (<-drew).err
}

// run starts one child and waits until it is gone.
func (w *Worker) run(ctx context.Context, j job, in, out *os.File) (media.Answer, error) {
	var none media.Answer
	text, err := json.Marshal(j)
	if err != nil {
		return none, fmt.Errorf("worker: %w", err)
	}
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return none, fmt.Errorf("worker: %w", err)
	}
	defer null.Close()
	hear, say, err := os.Pipe()
	if err != nil {
		return none, fmt.Errorf("worker: %w", err)
	}
	defer hear.Close()
	child := w.start([]string{w.program, workerWord, string(text)}, &os.ProcAttr{
		Dir: "/", Env: []string{}, Files: []*os.File{null, null, null, in, out, say}, Sys: sandbox.Attr(w.namespaces),
	})
	p, err := child.process()
	say.Close()
	if err != nil {
		return none, fmt.Errorf("%w: %w", errSandbox, err)
	}
	stop := context.AfterFunc(ctx, func() { _ = p.Kill(); hear.Close() })
	b, read := io.ReadAll(io.LimitReader(hear, maxSaid+1))
	if len(b) > maxSaid {
		_ = p.Kill() // it may have ended by itself
	}
	state := child.wait()
	stop()
	if err := ctx.Err(); err != nil {
		return none, fmt.Errorf("worker ended: %w", context.Cause(ctx))
	}
	return heard(j.Act, state, b, read)
}

// heard holds what a child said against what it may say.
func heard(act string, state *os.ProcessState, b []byte, read error) (media.Answer, error) {
	var s said
	if act == actDraw && len(b) == 0 && read == nil && state != nil && state.Success() {
		return s.Answer, nil // the renderer answers with its pixmaps
	}
	if read != nil || len(b) > maxSaid || json.Unmarshal(b, &s) != nil {
		return s.Answer, fmt.Errorf("%w: no answer, %s", errWorker, state)
	}
	a := s.Answer
	switch {
	case s.Fault != "":
		return media.Answer{}, fmt.Errorf("%w: %s", errSandbox, s.Fault)
	case state == nil || !state.Success(), a.Reason > exchange.LastReason, act == actAssemble && a.Reason == exchange.ReasonNone && !a.Rebuilt:
		return media.Answer{}, fmt.Errorf("%w: a wrong answer, %s", errWorker, state)
	}
	return a, nil
}

// started is a child with the thread that it depends on.
type started struct {
	begun chan begun
	ended chan *os.ProcessState
}

type begun struct {
	p   *os.Process
	err error
}

// starting lets one child of the process become its program before the next begins. Until then a child is a copy that
// holds the pipes of those that begin beside it: two would wait for each other for ever if their guard were killed just
// then, and hold on to its log.
var starting sync.Mutex

// start starts a child from a thread that lives as long as it: its death is the child's.
func (w *Worker) start(args []string, attr *os.ProcAttr) *started {
	s := &started{begun: make(chan begun, 1), ended: make(chan *os.ProcessState, 1)}
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		starting.Lock()
		p, err := os.StartProcess(w.program, args, attr)
		starting.Unlock()
		s.begun <- begun{p, err}
		if err != nil {
			return
		}
		state, _ := p.Wait()
		s.ended <- state
	}()
	return s
}

func (s *started) process() (*os.Process, error) {
	b := <-s.begun
	return b.p, b.err
}

func (s *started) wait() *os.ProcessState { return <-s.ended }

// Probe lets the worker judge a file that is known, and draw a page if p rebuilds PDFs: the program answers as a
// worker, and the sandbox is permitted here. It gives what an operator should know, each a sentence.
func (w *Worker) Probe(ctx context.Context, p media.Policy) (notes []string, err error) {
	err = w.probe(ctx, p)
	if errors.Is(err, errSandbox) && w.c.Sandbox == SandboxAuto {
		w.namespaces = false
		if err = w.probe(ctx, p); err == nil {
			notes = append(notes, "namespaces are not permitted here: "+NoNamespaces)
		}
	} else if w.c.Sandbox == SandboxNone {
		notes = append(notes, "sandbox is none: "+NoNamespaces)
	}
	switch {
	case errors.Is(err, errSandbox) && w.namespaces:
		return nil, fmt.Errorf("sandbox: %w; permit user namespaces to this program, or write sandbox: none and answer for it", err)
	case err != nil:
		return nil, fmt.Errorf("worker: %w; a program that runs a guard must call guard.BecomeWorker first", err)
	}
	if p.PDF == media.Rebuild && !w.draws() {
		notes = append(notes, fmt.Sprintf("%s is missing (Debian: poppler-utils): "+NoRenderer, w.c.Pdftoppm))
	}
	return notes, nil
}

func (w *Worker) probe(ctx context.Context, p media.Policy) error {
	in, err := os.CreateTemp("", "guard-*")
	if err != nil {
		return fmt.Errorf("probe: %w", err)
	}
	defer in.Close()
	os.Remove(in.Name())
	out, err := os.CreateTemp("", "guard-*")
	if err != nil {
		return fmt.Errorf("probe: %w", err)
	}
	defer out.Close()
	os.Remove(out.Name())
	t := media.Task{Ext: "pdf", Room: 1 << 20, Policy: p}
	b := media.Sample()
	if p.PDF != media.Rebuild || !w.draws() {
		t.Ext, b = "txt", []byte("a known file\n")
	}
	if _, err := in.Write(b); err != nil {
		return fmt.Errorf("probe: %w", err)
	}
	a, err := w.Judge(ctx, in, t, out)
	if err == nil && (a.Reason != exchange.ReasonNone || a.Rebuilt != (t.Ext == "pdf")) {
		err = fmt.Errorf("%w: it refuses a file that is known to be good (%d, %s)", errWorker, a.Reason, a.Check)
	}
	return err
}
