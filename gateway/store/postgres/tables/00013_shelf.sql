-- +goose Up

-- Forms that wait until their contact's draft is sent or deleted, sealed as drafts are.
CREATE TABLE shelf (id TEXT PRIMARY KEY, contact TEXT NOT NULL, touched BIGINT NOT NULL, body BYTEA NOT NULL);
CREATE INDEX shelf_contact ON shelf(contact);

-- +goose Down
DROP TABLE shelf;
