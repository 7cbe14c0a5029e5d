-- +goose Up

-- Broadcasts that staff sent. phase: 0 running, 1 paused, 2 halted, 3 stopped, 4 ended. after: where the audience goes on.
-- insisted: somebody let it go on after it was halted.
CREATE TABLE campaign (
  number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, phase INTEGER NOT NULL, urgent INTEGER NOT NULL, arrived INTEGER NOT NULL, pages INTEGER NOT NULL,
  after TEXT NOT NULL, expanded INTEGER NOT NULL, told INTEGER NOT NULL, insisted INTEGER NOT NULL, body BLOB NOT NULL
) STRICT;
CREATE INDEX campaign_open ON campaign(urgent, number) WHERE phase < 4;
-- The ledger, one row for each recipient. state: 0 queued, 1 sending, 2 accepted, 3 delivered, 4 bounced, 5 failed, 6 skipped
CREATE TABLE recipient (
  campaign INTEGER NOT NULL, contact TEXT NOT NULL, page INTEGER NOT NULL, channel TEXT NOT NULL, state INTEGER NOT NULL, reason TEXT NOT NULL,
  attempt INTEGER NOT NULL, due INTEGER NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (campaign, contact)
) STRICT, WITHOUT ROWID;
-- What is due on a channel; with the reason, all sums are read from it alone.
CREATE INDEX recipient_state ON recipient(campaign, state, channel, due, reason);
CREATE INDEX recipient_contact ON recipient(contact);
-- What of a broadcast is owed now.
CREATE INDEX delivery_broadcast ON delivery(broadcast) WHERE state = 0 AND broadcast <> '';
-- Who ever named a list.
CREATE INDEX consent_list ON consent(list, contact);

-- +goose Down
DROP INDEX consent_list;
DROP INDEX delivery_broadcast;
DROP TABLE recipient;
DROP TABLE campaign;
