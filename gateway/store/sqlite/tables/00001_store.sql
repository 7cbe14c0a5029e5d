-- +goose Up

-- One row: what proves that the key file is the right one.
CREATE TABLE proof (id INTEGER PRIMARY KEY CHECK (id = 1), sealed BLOB NOT NULL) STRICT;

-- Numbers given out in the order of commits, for whatever is kept in that order.
CREATE TABLE counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
-- 'merge' counts the times that an address changed hands.
INSERT INTO counter(name, value) VALUES ('number', 0), ('merge', 0);

-- Data keys, wrapped by the key file. Deleting one deletes all that it sealed.
CREATE TABLE key (id INTEGER PRIMARY KEY, owner TEXT NOT NULL, wrapped BLOB NOT NULL) STRICT;
CREATE INDEX key_owner ON key(owner);

CREATE TABLE contact (id TEXT PRIMARY KEY, key INTEGER NOT NULL, version INTEGER NOT NULL, body BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE reach (
  address BLOB PRIMARY KEY, contact TEXT NOT NULL, heard INTEGER NOT NULL, stopped INTEGER NOT NULL, blocked INTEGER NOT NULL,
  dead INTEGER NOT NULL, introduced INTEGER NOT NULL, body BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX reach_contact ON reach(contact);
CREATE TABLE conversation (address BLOB PRIMARY KEY, contact TEXT NOT NULL, body BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX conversation_contact ON conversation(contact);
CREATE TABLE draft (contact TEXT PRIMARY KEY, id TEXT NOT NULL, touched INTEGER NOT NULL, body BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE matter (
  id TEXT PRIMARY KEY, reference TEXT NOT NULL UNIQUE, contact TEXT NOT NULL, state TEXT NOT NULL, filed INTEGER NOT NULL, body BLOB NOT NULL
) STRICT;
CREATE INDEX matter_contact ON matter(contact, filed);

-- Every message that was ever heard, by its mark: a small table with the one random key.
CREATE TABLE heard (mark BLOB PRIMARY KEY) STRICT, WITHOUT ROWID;
-- state: 0 open, 1 answered, 2 set aside
CREATE TABLE inbound (
  number INTEGER PRIMARY KEY, mark BLOB NOT NULL, contact TEXT NOT NULL, at INTEGER NOT NULL, state INTEGER NOT NULL, body BLOB NOT NULL
) STRICT;
CREATE INDEX inbound_open ON inbound(contact, number) WHERE state = 0;
CREATE INDEX inbound_aside ON inbound(number) WHERE state = 2;
-- One row for each contact with an open message: its oldest, and when it may be claimed.
CREATE TABLE turn (
  contact TEXT PRIMARY KEY, number INTEGER, due INTEGER NOT NULL, owner TEXT NOT NULL, fence INTEGER NOT NULL,
  attempt INTEGER NOT NULL, failed INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX turn_due ON turn(due, number);

-- state: 0 owed, 1 accepted, 2 delivered, 3 failed
CREATE TABLE delivery (
  number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, queue TEXT NOT NULL, address BLOB NOT NULL, contact TEXT NOT NULL,
  matter TEXT NOT NULL, must INTEGER NOT NULL, due INTEGER NOT NULL, state INTEGER NOT NULL, line INTEGER NOT NULL,
  origin TEXT NOT NULL, carrier BLOB, cause TEXT NOT NULL, body BLOB NOT NULL
) STRICT;
CREATE INDEX delivery_owed ON delivery(queue, address, number) WHERE state = 0;
CREATE UNIQUE INDEX delivery_line ON delivery(address, line) WHERE line > 0;
CREATE INDEX delivery_carrier ON delivery(carrier) WHERE carrier IS NOT NULL;
CREATE INDEX delivery_origin ON delivery(origin) WHERE origin <> '';
CREATE INDEX delivery_contact ON delivery(contact);
CREATE INDEX delivery_state ON delivery(state);
-- One row for each address with something owed in a queue: the oldest, and when it may be leased.
CREATE TABLE owed (
  queue TEXT NOT NULL, address BLOB NOT NULL, number INTEGER, due INTEGER NOT NULL, owner TEXT NOT NULL, fence INTEGER NOT NULL,
  attempt INTEGER NOT NULL, since INTEGER NOT NULL, PRIMARY KEY (queue, address)
) STRICT, WITHOUT ROWID;
CREATE INDEX owed_due ON owed(queue, due, number);
-- Carriers' words that came before the record of the sending.
CREATE TABLE receipt (mark BLOB PRIMARY KEY, at INTEGER NOT NULL, body BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX receipt_at ON receipt(at);

CREATE TABLE consent (
  number INTEGER PRIMARY KEY, contact TEXT NOT NULL, address BLOB NOT NULL, list TEXT NOT NULL, granted INTEGER NOT NULL,
  source TEXT NOT NULL, at INTEGER NOT NULL, body BLOB NOT NULL
) STRICT;
CREATE INDEX consent_contact ON consent(contact);
-- Who is on a list now: what the ledger adds up to.
CREATE TABLE member (list TEXT NOT NULL, contact TEXT NOT NULL, address BLOB NOT NULL, PRIMARY KEY (list, contact, address)) STRICT, WITHOUT ROWID;
CREATE INDEX member_contact ON member(contact);

-- Files: stored once, held by whoever has the file's key wrapped under its own.
CREATE TABLE file (id TEXT PRIMARY KEY, mark BLOB NOT NULL, size INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX file_mark ON file(mark);
CREATE TABLE holder (owner TEXT NOT NULL, file TEXT NOT NULL, sealed BLOB NOT NULL, PRIMARY KEY (owner, file)) STRICT, WITHOUT ROWID;
CREATE INDEX holder_file ON holder(file);
CREATE TABLE chunk (file TEXT NOT NULL, part INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY (file, part)) STRICT;
-- Files that are still coming in; what a crash left behind is swept by this table.
CREATE TABLE ingest (file TEXT PRIMARY KEY, at INTEGER NOT NULL) STRICT, WITHOUT ROWID;

-- The up lane. state: 0 waiting, 1 numbered, 2 taken, 3 refused, 4 dropped because what it belongs to was refused
CREATE TABLE parcel (
  number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, root TEXT NOT NULL, matter TEXT NOT NULL,
  file TEXT NOT NULL, ref TEXT NOT NULL, part INTEGER NOT NULL, parts INTEGER NOT NULL, state INTEGER NOT NULL,
  epoch INTEGER NOT NULL, seq INTEGER NOT NULL, reason INTEGER NOT NULL, told INTEGER NOT NULL, at INTEGER NOT NULL, body BLOB
) STRICT;
CREATE INDEX parcel_waiting ON parcel(number) WHERE state = 0;
CREATE INDEX parcel_refused ON parcel(number) WHERE state = 3 AND told = 0;
CREATE INDEX parcel_root ON parcel(root);
CREATE INDEX parcel_seq ON parcel(epoch, seq) WHERE seq > 0;
CREATE TABLE envelope (
  epoch INTEGER NOT NULL, seq INTEGER NOT NULL, parcel TEXT NOT NULL, digest BLOB NOT NULL, due INTEGER NOT NULL, body BLOB NOT NULL,
  PRIMARY KEY (epoch, seq)
) STRICT;
CREATE INDEX envelope_due ON envelope(due);

-- Both lanes' ends. up: who seals, and the head; whole is what was acknowledged. down: the head is the end of what came
-- without a gap on this hop, whole the same in the origin's numbers.
CREATE TABLE lane (
  name TEXT PRIMARY KEY, owner TEXT NOT NULL, until INTEGER NOT NULL, fence INTEGER NOT NULL, epoch INTEGER NOT NULL, seq INTEGER NOT NULL,
  digest BLOB NOT NULL, whole_epoch INTEGER NOT NULL, whole_seq INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The down lane. state: 0 beyond a gap, 1 to be handled, 2 handled
CREATE TABLE arrival (
  epoch INTEGER NOT NULL, seq INTEGER NOT NULL, digest BLOB NOT NULL, prev BLOB NOT NULL, origin_epoch INTEGER NOT NULL,
  origin_seq INTEGER NOT NULL, origin_digest BLOB NOT NULL, id TEXT NOT NULL, kind TEXT NOT NULL, reason INTEGER NOT NULL,
  falls TEXT NOT NULL, told INTEGER NOT NULL, at INTEGER NOT NULL, state INTEGER NOT NULL, body BLOB, PRIMARY KEY (epoch, seq)
) STRICT;
CREATE UNIQUE INDEX arrival_origin ON arrival(origin_epoch, origin_seq);
CREATE INDEX arrival_open ON arrival(origin_epoch, origin_seq) WHERE state = 1;
CREATE INDEX arrival_untold ON arrival(origin_epoch, origin_seq) WHERE reason > 0 AND told = 0;

CREATE TABLE publication (
  sort TEXT NOT NULL, name TEXT NOT NULL, lang TEXT NOT NULL, revision INTEGER NOT NULL, number INTEGER NOT NULL, body BLOB NOT NULL,
  PRIMARY KEY (sort, name, lang)
) STRICT, WITHOUT ROWID;
CREATE INDEX publication_number ON publication(sort, number);
