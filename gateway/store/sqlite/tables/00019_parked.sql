-- +goose Up

-- Mails that wait for the word of a registered address: which one, and for which company, both as keyed marks.
CREATE TABLE parked (id TEXT PRIMARY KEY, contact TEXT NOT NULL, inbound BLOB NOT NULL, company BLOB NOT NULL, at INTEGER NOT NULL, body BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX parked_contact ON parked(contact);
CREATE INDEX parked_company ON parked(company, at);

-- +goose Down
DROP TABLE parked;
