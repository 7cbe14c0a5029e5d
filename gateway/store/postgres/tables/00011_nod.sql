-- +goose Up

-- Which broadcast a delivery is of; empty: none.
ALTER TABLE delivery ADD COLUMN broadcast TEXT NOT NULL DEFAULT '';
-- Who answered a broadcast with a bare word, and how often.
CREATE TABLE nod (
  broadcast TEXT NOT NULL, contact TEXT NOT NULL, said BIGINT NOT NULL, at BIGINT NOT NULL, PRIMARY KEY (broadcast, contact)
);
CREATE INDEX nod_contact ON nod(contact);

-- +goose Down
DROP TABLE nod;
ALTER TABLE delivery DROP COLUMN broadcast;
