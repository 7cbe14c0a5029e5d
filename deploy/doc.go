// Package deploy puts the sides together: `make run`, the stand-in carriers, the benchmarks, and the tests of the whole.
//
// The rule: it alone sees everything, and nobody imports it.
//
// # A reference network
//
// A site that means its isolation runs six zones. Each box is a host, or several of a kind; nothing but what is listed
// below passes between zones, and every firewall's last rule drops and counts.
//
//	 internet      E1 DMZ           E2 extranet         B border             I intranet          M management
//	┌─────────┐  ┌──────────────┐  ┌─────────────────┐  ┌────────────────┐  ┌────────────────┐  ┌──────────────┐
//	│carriers,│  │ TLS ingress, │  │ gateway 1..n    │A │ up guard       │B │ office         │  │ M-ext: logs, │
//	│citizens │─▶│ MX relay     │─▶│                 │═▶│ (host of its   │═▶│ console        │  │ time, patch, │
//	│         │◀─│              │◀─│ PostgreSQL,     │  │  own)          │  │ PostgreSQL,    │  │ backup of E  │
//	└─────────┘  └──────────────┘  │ Redis           │  ├────────────────┤  │ files          │  ├──────────────┤
//	                               │                 │D │ down guard     │C │                │  │ M-int: the   │
//	                               │                 │◀═│ (host of its   │◀═│ OA systems     │  │ same of B, I │
//	                               │                 │  │  own)          │  │                │  │              │
//	                               └─────────────────┘  └────────────────┘  └────────────────┘  └──────────────┘
//
// Zones E1, E2 and M-ext belong to the extranet's owner; B, I and M-int to the intranet's. M-ext and M-int share no
// cable, account, hypervisor or person on duty.
//
// # Where the diodes stand
//
// Links B and C carry a one-way device each, one whose far side has no transmitter (a fibre diode: the receiving side's
// laser is not there). They are the intranet's only two wires: B lets light in, from the up guard alone, C lets light
// out, to the down guard alone. So whoever took the extranet, and then a guard, still can't hear anything by B nor say
// anything by C. A second pair on A and D is better still: then the extranet can't speak to the down guard's host
// either. Without it A and D are TLS or a plain cable between two hosts. A site without such devices carries removable
// media (`guard export`, `guard import`), or states isolation: logical. Software on a shared machine, TLS or a firewall
// is never physical, whatever its rules say.
//
// A diode's wire has nothing behind it that answers, so its hosts are told what they would ask for: the sender's host
// the receiver's hardware address (`ip neigh replace 10.99.0.2 lladdr … dev eth1 nud permanent`), the receiver's host a
// buffer (`sysctl -w net.core.rmem_max=4194304`; the receiver says so and does not start without). Both hosts switch
// IPv6 off on that wire, and none of them forwards.
//
// How it is shown, with the Linux kernel's packet filter in a namespace of its own in the hardware's place: in
// TestNothingComesBack who is root at the far end sends frames of every kind, and none arrives at the near end; with a
// hole in the diode they do. In TestMainJobAcrossDiodes the four programs do their work over four such wires meanwhile.
// It shows that this software needs no way back, and that a wire which has none is enough; that yours has none only its
// hardware can show.
//
// # Every flow that is allowed
//
//	from → to                       what                                              who opens it
//	internet → E1                   HTTPS 443, SMTP 25 with STARTTLS                  the citizen, a mail server
//	E1 → E2 gateway                 HTTP to `listen`, SMTP to `channels.email.listen` the ingress
//	E2 gateway → E1 egress          HTTPS to the carriers' API names; SMTP to relay   the gateway
//	E2 gateway ↔ PostgreSQL, Redis  5432 with TLS, 6379 with TLS and a password       the gateway
//	E2 gateway → resolver           53 (and DNSSEC validation there)                  the gateway
//	E2 gateway → up guard           link A: our envelopes alone                       see link, below
//	up guard → I office             link B: our envelopes alone, one way              see link, below
//	I office → down guard           link C: our envelopes alone, one way              see link, below
//	down guard → E2 gateway         link D: our envelopes alone                       see link, below
//	I staff → office console        HTTPS 443 at the intranet's ingress               the staff's browser
//	I office → OA systems           each connector's own protocol                     the office
//	I office ↔ PostgreSQL           5432 with TLS                                     the office
//	E2 → M-ext, I → M-int           metrics pulled from `private_listen`, logs pushed M pulls; hosts push logs
//	guards → M-int                  nothing by network: the status file goes by the   –
//	                                host's own collector, or by hand
//
// A link is a directory on a medium, a diode or mutual TLS. A directory opens no connection; a diode's sender sends UDP
// to one address and port, and its receiver never answers; with TLS the guard opens the connection towards both its
// neighbours, so that no data side of a guard listens. There is no flow between the two guards, none from B to E1, and
// none from any host of B to a name server.
//
// # Time
//
// Each side has a time source of its own: E2 asks two or more NTP servers in E1 or M-ext; I, B and M-int have a receiver
// of their own (GNSS, or a national time signal) behind NTP servers in M-int. No time crosses the border. Heartbeats
// carry the sender's clock, and a difference over a minute is an alarm on the receiving side; order and once-only never
// depend on clocks, expiry goes by the guard's.
//
// # Backup
//
// Databases are dumped daily with their write-ahead log shipped (E to M-ext, I to M-int), keys apart from the data they
// open: a dump without the key file holds no application's content, and a key file without the dump opens nothing.
// The guards' logs are copied daily by hand or by the host's collector, with the tip noted elsewhere (`guard log
// verify`). What was restored from a backup begins a new epoch before it sends (`gateway lane epoch`, `office lane
// epoch`; package exchange, "After a restore"): the far end has seen numbers that the backup does not know. A guard
// needs no backup but of its log; its journal is rebuilt by what comes again, and keys are replaced, not restored.
//
// # Patches, rules and signatures
//
// Hosts of E take packages from a mirror in M-ext. Hosts of B and I take theirs from a mirror in M-int that is filled
// from a medium: downloaded outside, checked on a stand-alone machine, carried in. A guard's configuration, rules and
// virus signatures come to it as a bundle signed by its operator and carried by hand; a bundle that is older than
// three days is an alarm. Nothing that a lane carries can change how a guard judges. Guards are patched one lane at a
// time: while one is down its sender keeps, and the far end sees within 15 s that nothing comes.
package deploy
