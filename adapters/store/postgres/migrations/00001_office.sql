-- +goose Up
CREATE TABLE lanes (
  name TEXT COLLATE "C" PRIMARY KEY,
  owner TEXT COLLATE "C" NOT NULL DEFAULT '',
  until BIGINT NOT NULL DEFAULT 0,
  fence BIGINT NOT NULL DEFAULT 0,
  ord BIGINT NOT NULL DEFAULT 0,
  epoch BIGINT NOT NULL DEFAULT 0,
  seq BIGINT NOT NULL DEFAULT 0,
  digest BYTEA NOT NULL,
  origin_epoch BIGINT NOT NULL DEFAULT 0,
  origin_seq BIGINT NOT NULL DEFAULT 0,
  acked BIGINT NOT NULL DEFAULT 0
);
INSERT INTO lanes (name, epoch, digest) VALUES ('down', 1, ''::bytea), ('up', 0, ''::bytea);

CREATE TABLE outgoing (
  ord BIGINT PRIMARY KEY,
  id TEXT COLLATE "C" NOT NULL UNIQUE,
  kind TEXT COLLATE "C" NOT NULL,
  content BYTEA NOT NULL,
  created BIGINT NOT NULL,
  epoch BIGINT NOT NULL DEFAULT 0,
  seq BIGINT NOT NULL DEFAULT 0,
  digest BYTEA,
  sealed BYTEA,
  again BIGINT NOT NULL DEFAULT 0,
  done BIGINT NOT NULL DEFAULT 0,
  refused BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX outgoing_waiting ON outgoing (ord) WHERE seq = 0;
CREATE UNIQUE INDEX outgoing_seq ON outgoing (epoch, seq) WHERE seq > 0;
CREATE INDEX outgoing_due ON outgoing (again, epoch, seq) WHERE seq > 0 AND done = 0;
CREATE INDEX outgoing_refused ON outgoing (ord) WHERE refused > 0;

CREATE TABLE incoming (
  epoch BIGINT NOT NULL,
  seq BIGINT NOT NULL,
  digest BYTEA NOT NULL,
  prev BYTEA NOT NULL,
  origin_epoch BIGINT NOT NULL,
  origin_seq BIGINT NOT NULL,
  origin_digest BYTEA NOT NULL,
  parcel TEXT COLLATE "C" NOT NULL,
  kind TEXT COLLATE "C" NOT NULL,
  content BYTEA NOT NULL,
  created BIGINT NOT NULL,
  refused BIGINT NOT NULL,
  falls TEXT COLLATE "C" NOT NULL,
  whole BIGINT NOT NULL DEFAULT 0,
  handled BIGINT NOT NULL DEFAULT 0,
  told BIGINT NOT NULL DEFAULT 0,
  PRIMARY KEY (epoch, seq)
);
CREATE UNIQUE INDEX incoming_origin ON incoming (origin_epoch, origin_seq);
CREATE INDEX incoming_open ON incoming (origin_epoch, origin_seq) WHERE whole = 1 AND handled = 0;
CREATE INDEX incoming_refused ON incoming (origin_epoch, origin_seq) WHERE refused > 0 AND told = 0;

CREATE TABLE errands (
  id TEXT COLLATE "C" PRIMARY KEY,
  ord BIGINT NOT NULL,
  case_id TEXT COLLATE "C" NOT NULL,
  kind TEXT COLLATE "C" NOT NULL,
  connector TEXT COLLATE "C" NOT NULL,
  ref TEXT COLLATE "C" NOT NULL DEFAULT '',
  state TEXT COLLATE "C" NOT NULL,
  attempts BIGINT NOT NULL DEFAULT 0,
  again BIGINT NOT NULL,
  cause TEXT COLLATE "C" NOT NULL DEFAULT '',
  content TEXT COLLATE "C" NOT NULL,
  at BIGINT NOT NULL
);
CREATE INDEX errands_ready ON errands (ord) WHERE state = 'ready';
CREATE INDEX errands_case ON errands (case_id, ord);

CREATE TABLE cursors (connector TEXT COLLATE "C" PRIMARY KEY, cursor TEXT COLLATE "C" NOT NULL);
CREATE TABLE tallies (about TEXT COLLATE "C" PRIMARY KEY, at BIGINT NOT NULL, content TEXT COLLATE "C" NOT NULL);

CREATE TABLE files (
  id TEXT COLLATE "C" PRIMARY KEY,
  doc TEXT COLLATE "C" NOT NULL,
  size BIGINT NOT NULL
);
CREATE INDEX files_doc ON files (doc);
CREATE TABLE parts (
  file TEXT COLLATE "C" NOT NULL,
  number BIGINT NOT NULL,
  of_count BIGINT NOT NULL,
  bytes BYTEA NOT NULL,
  PRIMARY KEY (file, number)
);

CREATE TABLE records (
  id TEXT COLLATE "C" PRIMARY KEY,
  reference TEXT COLLATE "C" NOT NULL,
  department TEXT COLLATE "C" NOT NULL,
  assignee TEXT COLLATE "C" NOT NULL,
  state TEXT COLLATE "C" NOT NULL,
  due BIGINT NOT NULL,
  opened BIGINT NOT NULL,
  content TEXT COLLATE "C" NOT NULL
);
CREATE INDEX records_reference ON records (reference);
CREATE INDEX records_due ON records (due, id) WHERE state <> 'decided';
CREATE INDEX records_department ON records (department, due, id);
CREATE INDEX records_assignee ON records (assignee, due, id);
CREATE INDEX records_opened ON records (opened, id);

CREATE TABLE entries (
  id TEXT COLLATE "C" PRIMARY KEY,
  case_id TEXT COLLATE "C" NOT NULL,
  n BIGINT NOT NULL,
  content TEXT COLLATE "C" NOT NULL
);
CREATE UNIQUE INDEX entries_case ON entries (case_id, n);

CREATE TABLE held (
  id TEXT COLLATE "C" PRIMARY KEY,
  kind TEXT COLLATE "C" NOT NULL,
  case_id TEXT COLLATE "C" NOT NULL,
  state TEXT COLLATE "C" NOT NULL,
  at BIGINT NOT NULL,
  due BIGINT NOT NULL,
  content TEXT COLLATE "C" NOT NULL
);
CREATE INDEX held_pending ON held (state, kind, due) WHERE state IN ('second', 'leaving');
CREATE INDEX held_kind ON held (kind, at);
CREATE TABLE decided (serial BIGINT PRIMARY KEY, id TEXT COLLATE "C" NOT NULL UNIQUE, content TEXT COLLATE "C" NOT NULL);

CREATE TABLE pages (
  name TEXT COLLATE "C" NOT NULL,
  lang TEXT COLLATE "C" NOT NULL,
  revision BIGINT NOT NULL,
  latest BIGINT NOT NULL,
  title TEXT COLLATE "C" NOT NULL,
  content TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (name, lang, revision)
);
CREATE INDEX pages_latest ON pages (lang, name) WHERE latest = 1;
CREATE TABLE drafts (id TEXT COLLATE "C" PRIMARY KEY, state TEXT COLLATE "C" NOT NULL, at BIGINT NOT NULL, content TEXT COLLATE "C" NOT NULL);
CREATE INDEX drafts_at ON drafts (at);

CREATE TABLE words (
  kind TEXT COLLATE "C" NOT NULL,
  word TEXT COLLATE "C" NOT NULL,
  id TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (kind, word, id)
);
CREATE INDEX words_id ON words (kind, id);

CREATE TABLE staff (id TEXT COLLATE "C" PRIMARY KEY, department TEXT COLLATE "C" NOT NULL, name TEXT COLLATE "C" NOT NULL, content TEXT COLLATE "C" NOT NULL);
CREATE TABLE sessions (token TEXT COLLATE "C" PRIMARY KEY, content BYTEA NOT NULL, expires BIGINT NOT NULL);
CREATE INDEX sessions_expires ON sessions (expires);
CREATE TABLE looks (
  n BIGINT PRIMARY KEY,
  at BIGINT NOT NULL,
  staff TEXT COLLATE "C" NOT NULL,
  case_id TEXT COLLATE "C" NOT NULL,
  what TEXT COLLATE "C" NOT NULL,
  about TEXT COLLATE "C" NOT NULL
);
CREATE INDEX looks_staff ON looks (staff, n);
CREATE INDEX looks_case ON looks (case_id, n);

-- +goose Down
DROP TABLE looks;
DROP TABLE sessions;
DROP TABLE staff;
DROP TABLE words;
DROP TABLE drafts;
DROP TABLE pages;
DROP TABLE decided;
DROP TABLE held;
DROP TABLE entries;
DROP TABLE records;
DROP TABLE parts;
DROP TABLE files;
DROP TABLE tallies;
DROP TABLE cursors;
DROP TABLE errands;
DROP TABLE incoming;
DROP TABLE outgoing;
DROP TABLE lanes;
