-- +goose Up

-- Broadcasts that staff sent. phase: 0 running, 1 paused, 2 halted, 3 stopped, 4 ended. after: where the audience goes on.
-- insisted: somebody let it go on after it was halted.
CREATE TABLE campaign (
  number BIGINT PRIMARY KEY, id TEXT NOT NULL UNIQUE, phase BIGINT NOT NULL, urgent BIGINT NOT NULL, arrived BIGINT NOT NULL, pages BIGINT NOT NULL,
  after TEXT NOT NULL, expanded BIGINT NOT NULL, told BIGINT NOT NULL, insisted BIGINT NOT NULL, body BYTEA NOT NULL
);
CREATE INDEX campaign_open ON campaign(urgent, number) WHERE phase < 4;
-- The ledger, one row for each recipient. state: 0 queued, 1 sending, 2 accepted, 3 delivered, 4 bounced, 5 failed, 6 skipped
CREATE TABLE recipient (
  campaign BIGINT NOT NULL, contact TEXT NOT NULL, page BIGINT NOT NULL, channel TEXT NOT NULL, state BIGINT NOT NULL, reason TEXT NOT NULL,
  attempt BIGINT NOT NULL, due BIGINT NOT NULL, at BIGINT NOT NULL, PRIMARY KEY (campaign, contact)
);
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
