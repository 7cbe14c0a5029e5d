-- +goose Up

-- Mails that wait for the word of a registered address: which one, and for which company, both as keyed marks.
CREATE TABLE parked (id TEXT PRIMARY KEY, contact TEXT NOT NULL, inbound BYTEA NOT NULL, company BYTEA NOT NULL, at BIGINT NOT NULL, body BYTEA NOT NULL);
CREATE INDEX parked_contact ON parked(contact);
CREATE INDEX parked_company ON parked(company, at);

-- +goose Down
DROP TABLE parked;
