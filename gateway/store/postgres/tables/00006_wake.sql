-- +goose Up
-- What is to be done for a contact at a time without a message. at is when it was to be, due when it may be claimed.
CREATE TABLE wake (
  contact TEXT NOT NULL, kind TEXT NOT NULL, subject TEXT NOT NULL, at BIGINT NOT NULL, due BIGINT NOT NULL, owner TEXT NOT NULL,
  fence BIGINT NOT NULL, attempt BIGINT NOT NULL, failed BIGINT NOT NULL, aside BIGINT NOT NULL, PRIMARY KEY (contact, kind, subject)
);
CREATE INDEX wake_due ON wake(due) WHERE aside = 0;
CREATE INDEX wake_held ON wake(contact) WHERE owner <> '';

-- +goose Down
DROP TABLE wake;
