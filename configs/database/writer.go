package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// kind is how the rows of one Group are written; a plain job has a kind of its own.
type kind struct {
	write func(ctx context.Context, tx *Tx, jobs []*job) error
}

type job struct {
	kind *kind
	row  any
	// taken is set once, by the writer that begins the job or by the caller that gives up before.
	taken atomic.Bool
	err   error
	done  chan struct{}
}

func newJob(run func(ctx context.Context, tx *Tx) error) *job {
	k := &kind{write: func(ctx context.Context, tx *Tx, _ []*job) error { return run(ctx, tx) }}
	return &job{kind: k, done: make(chan struct{})}
}

// writer owns the connection that writes. While a commit is under way the next group gathers: the commit is the timer.
type writer struct {
	db       *DB
	batch    int
	patience time.Duration
	link     *link

	mu     sync.RWMutex // held for reading while a job is put into queue, so that stop can close it
	closed bool
	queue  chan *job
	ended  chan struct{}
}

func startWriter(db *DB, o Options) *writer {
	w := &writer{db: db, batch: o.Batch, patience: o.Patience, queue: make(chan *job, o.Queue), ended: make(chan struct{})}
	go w.run()
	return w
}

func (w *writer) submit(ctx context.Context, j *job, wait bool) error {
	if err := w.enqueue(ctx, j, wait); err != nil {
		return err
	}
	select {
	case <-j.done:
		return j.err
	case <-ctx.Done():
	}
	if j.taken.CompareAndSwap(false, true) {
		return ctx.Err()
	}
	<-j.done
	return j.err
}

func (w *writer) enqueue(ctx context.Context, j *job, wait bool) error {
	w.mu.RLock()
	defer w.mu.RUnlock()
	if w.closed {
		return ErrClosed
	}
	select {
	case w.queue <- j:
		return nil
	default:
	}
	if !wait {
		return ErrBusy
	}
	select {
	case w.queue <- j:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (w *writer) stop() {
	w.mu.Lock()
	w.closed = true
	close(w.queue)
	w.mu.Unlock()
	<-w.ended
}

func (w *writer) run() {
	defer close(w.ended)
	defer w.drop()
	for j := range w.queue {
		if batch := w.gather(j); len(batch) > 0 {
			w.commit(batch)
		}
	}
}

// gather takes what waits already, without those whose callers gave up.
func (w *writer) gather(first *job) []*job {
	batch := make([]*job, 0, min(w.batch, len(w.queue)+1))
	for j, ok := first, true; ok; {
		if j.taken.CompareAndSwap(false, true) {
			batch = append(batch, j)
		}
		if len(batch) == w.batch {
			break
		}
		select {
		case j, ok = <-w.queue:
		default:
			ok = false
		}
	}
	return batch
}

// commit writes a batch together, and when anything in it failed, once more with each job in a savepoint of its own:
// that costs nothing as long as all is well.
func (w *writer) commit(batch []*job) {
	ctx, cancel := context.WithTimeout(context.Background(), w.patience)
	defer cancel()
	err := w.transact(ctx, func(l *link) ([]statement, error) { return together(ctx, l, batch) })
	if errors.Is(err, errApart) {
		err = w.transact(ctx, func(l *link) ([]statement, error) { return nil, apart(ctx, l, batch) })
	}
	for _, j := range batch {
		if err != nil {
			j.err = fmt.Errorf("commit: %w", err)
		}
		close(j.done)
	}
}

// errApart asks for the batch to be run job by job.
var errApart = errors.New("a job of the group failed")

// transact runs f between BEGIN and COMMIT. When it is sure that a failed COMMIT stored nothing, the batch may be tried
// apart; a connection that broke meanwhile leaves that open, and all are told.
func (w *writer) transact(ctx context.Context, f func(*link) ([]statement, error)) error {
	l, err := w.begin(ctx)
	if err != nil {
		return err
	}
	later, err := f(l)
	if err == nil && l.engine == Postgres && aborted(l.conn) {
		err = errApart
	}
	if err != nil {
		w.rollback(l)
		return err
	}
	if err := l.commit(ctx, later); err != nil {
		undone := l.undone(err)
		w.rollback(l)
		if undone {
			return fmt.Errorf("%w: %w", errApart, err)
		}
		return err
	}
	return nil
}

// begin starts a transaction; a connection that died while it was idle is replaced once.
func (w *writer) begin(ctx context.Context) (*link, error) {
	var err error
	for range 2 {
		if err = w.connect(ctx); err != nil {
			return nil, err
		}
		begin := "BEGIN IMMEDIATE"
		if w.link.engine == Postgres {
			begin = fmt.Sprintf("BEGIN; SELECT pg_advisory_xact_lock(%d)", int64(writeLock))
		}
		if _, err = w.link.conn.ExecContext(ctx, begin); err == nil {
			return w.link, nil
		}
		w.drop()
		if ctx.Err() != nil {
			break
		}
	}
	return nil, fmt.Errorf("begin: %w", err)
}

func (w *writer) connect(ctx context.Context) error {
	if w.link != nil {
		return nil
	}
	c, err := w.db.write.Conn(ctx)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	w.link = &link{engine: w.db.engine, conn: c, stmts: map[string]*sql.Stmt{}}
	return nil
}

// rollback has its own deadline: the transaction's may be what ended.
func (w *writer) rollback(l *link) {
	ctx, cancel := context.WithTimeout(context.Background(), w.patience)
	defer cancel()
	if _, err := l.conn.ExecContext(ctx, "ROLLBACK"); err != nil {
		w.drop()
	}
}

func (w *writer) drop() {
	if w.link == nil {
		return
	}
	w.link.close()
	w.link = nil
}

// together runs the jobs in the transaction itself, those of one kind in one call, and gives what is left to be sent
// with the COMMIT. An error of a job that changed nothing is that job's own.
func together(ctx context.Context, l *link, batch []*job) (later []statement, err error) {
	tx := &Tx{link: l}
	for _, jobs := range byKind(batch) {
		tx.dirty = false
		err := guarded(ctx, tx, jobs)
		if err != nil && (tx.dirty || tx.broken != nil || l.engine == Postgres && aborted(l.conn)) {
			return nil, errApart
		}
		for _, j := range jobs {
			j.err = err
		}
	}
	return tx.later, nil
}

func byKind(batch []*job) [][]*job {
	var units [][]*job
	at := make(map[*kind]int, len(batch))
	for _, j := range batch {
		i, ok := at[j.kind]
		if !ok {
			i = len(units)
			at[j.kind] = i
			units = append(units, nil)
		}
		units[i] = append(units[i], j)
	}
	return units
}

// apart runs each job in a savepoint, and gives each its own error.
func apart(ctx context.Context, l *link, batch []*job) error {
	for _, j := range batch {
		if _, err := l.conn.ExecContext(ctx, "SAVEPOINT job"); err != nil {
			return fmt.Errorf("set savepoint: %w", err)
		}
		tx := &Tx{link: l}
		j.err = guarded(ctx, tx, []*job{j})
		if j.err == nil {
			j.err = tx.flush(ctx)
		}
		end := "RELEASE SAVEPOINT job"
		if j.err != nil || l.engine == Postgres && aborted(l.conn) {
			end = "ROLLBACK TO SAVEPOINT job; RELEASE SAVEPOINT job"
			j.err = cause(j.err)
		}
		if _, err := l.conn.ExecContext(ctx, end); err != nil {
			return fmt.Errorf("end savepoint: %w", err)
		}
	}
	return nil
}

// cause names a failure that a job kept to itself.
func cause(err error) error {
	if err == nil {
		return errors.New("a statement of the job failed")
	}
	return err
}

// guarded turns a panic of a job into its error: the writer serves all.
func guarded(ctx context.Context, tx *Tx, jobs []*job) (err error) {
	defer func() {
		if p := recover(); p != nil {
			tx.dirty = true
			err = fmt.Errorf("job panicked: %v", p)
		}
		if tx.broken != nil {
			err = tx.broken
		}
	}()
	return jobs[0].kind.write(ctx, tx, jobs)
}
