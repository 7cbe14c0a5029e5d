package deploy

// The configurations that a town is written with; @NAME@ stands for a setting.
const (
	gatewayConfig = `
name: Port Lumen
texts: {hour: 10000000, address: 100000} # walks text faster than people do
listen: @LISTEN@
private_listen: @PRIVATE@
log_level: debug
public_url: @PUBLIC@
store: @STORE@
key_file: @DIR@/gateway.key
owner: @NAME@
link_key: a-key-of-the-walks-alone
redis: "@REDIS@"
channels:
  sms:
    base_url: @TWILIO@
    account_sid: AC00000000000000000000000000000001
    auth_token: DemoAuthTokenOfTheStandIn
    from: "+447700900000"
  email:
    listen: @SMTP@
    domain: portlumen.example
    key: a-key-of-the-walks-alone
    relay: {url: "smtp://@RELAY@", tls: none}
  chat:
    api_url: @CARRIERS@
    token: 700700:DemoTokenOfTheStandIn
    mode: poll
  web: # everybody in a walk is one host
    key: a-key-of-the-walks-alone
    message_burst: 100000
    messages_per_minute: 100000
    host_burst: 100000
    host_per_minute: 100000
exchange:
  isolation: @ISOLATION@
  keys: @DIR@/keys/extranet
  up: @A_SEND@
  down: @D_RECEIVE@
  log_file: @DIR@/@NAME@.crossed
  ack_every: 200ms
  resend: 2s
  poll: 20ms
`
	officeConfig = `
name: Port Lumen
listen: @OFFICE@
private_listen: @OFFICE_PRIVATE@
log_level: debug
store: sqlite:@DIR@/office.db
undo: 100ms
demo: true
exchange:
  isolation: @ISOLATION@
  keys: @DIR@/keys/intranet
  up: @B_RECEIVE@
  down: @C_SEND@
  ack_every: 200ms
  resend: 2s
  poll: 20ms
`
	guardConfig = `
lane: @LANE@
isolation: @ISOLATION@
keys: @DIR@/keys/@LANE@-guard
ack_every: 200ms
log_level: debug
in: @IN@
out: @OUT@
log_file: @DIR@/guard-@LANE@/log
dir: @DIR@/guard-@LANE@
`
)
