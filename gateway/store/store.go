// Package store keeps all that the gateway must not lose, in SQLite or PostgreSQL, sealed at rest: what was heard, who
// said it, what is owed to whom, what waits at the border and what came from inside.
//
// The rule: one Commit is one transaction; what a person wrote or is reached by is sealed before the writer sees it,
// and in clear are only ids, references, states, times and what was consented to.
//
// What is of people ends by itself, once a day, after midnight by the city's clock (Retain; one gateway of those on a store
// at a time, a few hundred rows a transaction, gatehouse_retention_removed counts them by sort):
//
//	what                                               how long                       why
//	a case's time line, documents, receipts, what was  its service's retention after  what the service file says, at least
//	told of it and sent by post                        its end, whole days            the 30 days of REOPEN
//	messages heard, and files that no form and no      90 days                        the privacy page says so
//	case took over; texts sent that are of no case,
//	with their receipts; lines of a web session;
//	letters sent that are of no case
//	a conversation's last lines and its question       90 days after the last word,   an answer may still come
//	                                                   and while a case is open
//	a form that is not sent                            7 days, with notice; 30 where  PAUSE promises the day
//	                                                   its wake failed
//	one-time codes' counts, receipts of nothing known  a day                          they count for that long
//	links that serve once, clerks' sessions            to their end                   they serve no more
//	who answered a broadcast with a bare word          30 days; the number stays      thanked once
//	the ledger of consent, and the contact             while there is a case, a       proof of what was allowed, for as
//	                                                   list, a form or a letter; 4    long as a claim may come
//	                                                   years after the last word on
//	                                                   lists or texts, else 90 days
//	a mark of an address that said STOP                without end, keyed             no list may reach it again
//	marks of message ids, the clerks' chained log,     without end                    no word of a person is in them
//	ids of what crossed, the digests of receipts
//
// What is owed to a person, waits at the border or waits for the post holds its case back. FORGET ends all but the last two
// at once, and the counts of codes: a limit that a word resets is none.
package store

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"gatehouse/channels"
	"gatehouse/configs/database"
	"gatehouse/configs/vault"
	"gatehouse/exchange"
	"gatehouse/exchange/receipt"
	"gatehouse/gateway"
	"gatehouse/gateway/store/postgres"
	"gatehouse/gateway/store/sqlite"
)

// Config says where the store is and how it behaves.
type Config struct {
	// URL is sqlite:PATH or postgres://user@host/database.
	URL string `yaml:"url"`
	// KeyFile wraps every data key. It lies outside the database and is kept as carefully: without it the store is
	// noise. Default for sqlite:PATH is PATH.key; every gateway on one PostgreSQL needs the same file.
	KeyFile string `yaml:"key_file"`
	// Owner names this gateway among those on one store. What it had claimed or leased before it stopped comes back
	// at once when it opens the store under the same name; two running gateways must not share one. Default: a store
	// of its own (SQLite) is "sole", otherwise the name is new at each start, and others' claims run out first.
	Owner string `yaml:"owner"`
	// Queue is how many jobs may wait for the writer before channels are told to come again (default 4096), Batch how
	// many it commits together (default 512), Readers how many reads run at once (default 8).
	Queue   int `yaml:"queue"`
	Batch   int `yaml:"batch"`
	Readers int `yaml:"readers"`

	// Receipts gives the key that signs receipts; nil: a commit that gives one out is an error.
	Receipts receipt.Signer `yaml:"-"`

	Log   *slog.Logger     `yaml:"-"`
	Now   func() time.Time `yaml:"-"`
	NewID func() string    `yaml:"-"`
}

// Validate names what is wrong with c.
func (c Config) Validate() error {
	var errs []error
	if err := database.Check(c.URL); err != nil {
		errs = append(errs, fmt.Errorf("url: %w", err))
	} else if c.KeyFile == "" && !strings.HasPrefix(c.URL, "sqlite:") {
		errs = append(errs, errors.New("key_file: is missing; name a file outside the database, the same for every gateway"))
	}
	for _, n := range []struct {
		key   string
		value int
		max   int
	}{{"queue", c.Queue, 1 << 20}, {"batch", c.Batch, 1 << 14}, {"readers", c.Readers, 256}} {
		if n.value < 0 || n.value > n.max {
			errs = append(errs, fmt.Errorf("%s: is %d; from 1 to %d, or 0 for the default", n.key, n.value, n.max))
		}
	}
	return errors.Join(errs...)
}

func (c Config) withDefaults() Config {
	path, embedded := strings.CutPrefix(c.URL, "sqlite:")
	if c.KeyFile == "" && embedded {
		c.KeyFile = path + ".key"
	}
	if c.Owner == "" {
		c.Owner = rand.Text()
		if embedded {
			c.Owner = "sole"
		}
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.NewID == nil {
		now := c.Now
		c.NewID = func() string { return exchange.NewID(now()) }
	}
	return c
}

// Store implements gateway.Store. It is safe for concurrent use.
type Store struct {
	cfg   Config
	db    *database.DB
	vault *vault.Vault

	accepts *database.Group[*acceptance]
	commits *database.Group[*commitment]
	settles *database.Group[*settling]

	known memo[channels.Address, known] // whose addresses are that were heard lately
	keys  memo[string, int64]           // the data keys of contacts
}

var _ gateway.Store = (*Store)(nil)

// Open opens the store, brings its tables up to date and proves the key file. The file is made at the first start,
// with a line in the log; it is an error when it is missing although the store holds something, or is another
// store's.
func Open(ctx context.Context, c Config) (*Store, error) {
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("open gateway store: %w", err)
	}
	c = c.withDefaults()
	tables := postgres.Tables()
	if strings.HasPrefix(c.URL, "sqlite:") {
		tables = sqlite.Tables()
	}
	db, err := database.Open(ctx, c.URL, tables, database.Options{Log: c.Log, Queue: c.Queue, Batch: c.Batch, Readers: c.Readers, Owner: c.Owner})
	if err != nil {
		return nil, fmt.Errorf("open gateway store: %w", err)
	}
	s := &Store{cfg: c, db: db}
	s.accepts = database.NewGroup(db, s.acceptAll)
	s.commits = database.NewGroup(db, s.commitAll)
	s.settles = database.NewGroup(db, s.settleAll)
	if err := s.start(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open gateway store: %w", err), db.Close())
	}
	return s, nil
}

func (s *Store) start(ctx context.Context) error {
	if err := s.unlock(ctx); err != nil {
		return err
	}
	if err := s.reclaim(ctx); err != nil {
		return fmt.Errorf("take back own claims: %w", err)
	}
	if err := s.sweep(ctx); err != nil {
		return fmt.Errorf("sweep half files: %w", err)
	}
	return nil
}

// proofRow and proofText are what the key file must open.
const (
	proofRow  = "1"
	proofText = "the right key file"
)

// unlock opens the vault with the key file and proves it against the store.
func (s *Store) unlock(ctx context.Context) error {
	sealed, err := s.proof(ctx)
	if err != nil {
		return err
	}
	secret, err := vault.Read(s.cfg.KeyFile)
	switch {
	case errors.Is(err, vault.ErrNoFile) && sealed != nil:
		return fmt.Errorf("%w, and the store was sealed with it: bring it back; nothing can be read without it", err)
	case errors.Is(err, vault.ErrNoFile):
		if secret, err = vault.Create(s.cfg.KeyFile); err == nil {
			s.cfg.Log.InfoContext(ctx, "key file made: back it up apart from the store, nothing can be read without it", "key_file", s.cfg.KeyFile)
		}
	}
	if err != nil {
		return err
	}
	s.warnOpenFile(ctx)
	if s.vault, err = vault.New(secret); err != nil {
		return err
	}
	if sealed == nil {
		if sealed, err = s.enrol(ctx); err != nil {
			return err
		}
	}
	if text, err := s.vault.Root().Open("proof", proofRow, sealed); err != nil || string(text) != proofText {
		return fmt.Errorf("key file %s is not the one that sealed this store: name the right one in key_file", s.cfg.KeyFile)
	}
	return nil
}

func (s *Store) warnOpenFile(ctx context.Context) {
	if i, err := os.Stat(s.cfg.KeyFile); err == nil && i.Mode().Perm()&0o077 != 0 {
		s.cfg.Log.WarnContext(ctx, "key file can be read by others: set its mode to 0600", "key_file", s.cfg.KeyFile)
	}
}

func (s *Store) proof(ctx context.Context) (sealed []byte, err error) {
	err = each(s.db.Read().Query(ctx, "SELECT sealed FROM proof"))(func(scan scanner) error { return scan(&sealed) })
	if err != nil {
		return nil, fmt.Errorf("read proof of key: %w", err)
	}
	return sealed, nil
}

// enrol stores the proof; when another gateway was first, its proof counts.
func (s *Store) enrol(ctx context.Context) ([]byte, error) {
	mine := s.vault.Root().Seal("proof", proofRow, []byte(proofText))
	err := s.db.WriteWait(ctx, func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.Exec(ctx, "INSERT INTO proof(id, sealed) VALUES (1, $1) ON CONFLICT DO NOTHING", mine)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("store proof of key: %w", err)
	}
	return s.proof(ctx)
}

// reclaim brings back at once what this gateway held when it stopped.
func (s *Store) reclaim(ctx context.Context) error {
	return s.db.WriteWait(ctx, func(ctx context.Context, tx *database.Tx) error {
		for _, table := range []string{"turn", "owed"} {
			_, err := tx.Exec(ctx, "UPDATE "+table+" SET due = 0, owner = '', fence = fence + 1 WHERE owner = $1", s.cfg.Owner)
			if err != nil {
				return err
			}
		}
		_, err := tx.Exec(ctx, "UPDATE wake SET due = at, owner = '', fence = fence + 1 WHERE owner = $1", s.cfg.Owner)
		return err
	})
}

// Ping tells whether the store can be written: it writes.
func (s *Store) Ping(ctx context.Context) error {
	err := s.db.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
		return tx.Send(ctx, "INSERT INTO counter(name, value) VALUES ('ping', $1) ON CONFLICT (name) DO UPDATE SET value = excluded.value", micros(s.cfg.Now()))
	})
	if err != nil {
		return fmt.Errorf("ping store: %w", busy(err))
	}
	return nil
}

// Close finishes what is queued and closes the store. It may be called more than once.
func (s *Store) Close() error { return s.db.Close() }

// busy gives channels the error that they know.
func busy(err error) error {
	if errors.Is(err, database.ErrBusy) {
		return fmt.Errorf("%w: %w", channels.ErrBusy, err)
	}
	return err
}

// Counts adds up what the tables hold.
func (s *Store) Counts(ctx context.Context) (gateway.Counts, error) {
	var c gateway.Counts
	const query = `SELECT
		(SELECT count(*) FROM heard), (SELECT count(*) FROM inbound WHERE state = 0), (SELECT count(*) FROM inbound WHERE state = 2),
		(SELECT count(*) FROM delivery WHERE state = 0), (SELECT count(*) FROM delivery WHERE state = 1),
		(SELECT count(*) FROM delivery WHERE state = 2), (SELECT count(*) FROM delivery WHERE state = 3),
		(SELECT count(*) FROM parcel WHERE state < 2 AND root <> ''), (SELECT count(*) FROM parcel WHERE state = 2 AND root <> ''),
		(SELECT count(*) FROM parcel WHERE state = 3),
		(SELECT count(*) FROM wake WHERE aside = 0), (SELECT count(*) FROM wake WHERE aside <> 0),
		(SELECT value FROM counter WHERE name = 'forgotten'), (SELECT value FROM counter WHERE name = 'orphan'),
		(SELECT CAST(coalesce(sum(said), 0) AS BIGINT) FROM nod) + (SELECT value FROM counter WHERE name = 'nod'),
		(SELECT count(*) FROM parked), (SELECT count(*) FROM clerk), (SELECT count(*) FROM automatic WHERE state = 1)`
	err := s.db.Read().QueryRow(ctx, query).Scan(&c.Inbound, &c.InboundOpen, &c.InboundAside, &c.Owed, &c.Accepted, &c.Delivered, &c.Failed,
		&c.CrossingsOpen, &c.CrossingsDone, &c.Blocked, &c.WakesSet, &c.WakesAside, &c.Forgotten, &c.Orphaned, &c.Nods, &c.Parked, &c.Clerks, &c.MailsHeld)
	if err != nil {
		return gateway.Counts{}, fmt.Errorf("count: %w", err)
	}
	return c, nil
}
