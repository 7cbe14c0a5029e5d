// Package exchange is all that may cross the border between the extranet and the intranet: a closed list of documents,
// the envelope they travel in, the links that carry it, and the loops at both ends.
//
// The rule: what is not in the list can't be sealed. This package uses the standard library, x/text/unicode/norm and
// x/sys alone, so that an auditor can read everything that touches the border.
//
// # What is claimed
//
// The lane up runs extranet → link A → up guard → link B → intranet, the lane down intranet → link C → down guard →
// link D → extranet. On each of them, whatever the link is and whoever can write to it:
//
//   - Only the listed documents cross, each in its direction (kinds.go), in one canonical form. Decode is strict: it
//     refuses every byte that Encode would not write, so no field, order, escape or space can carry anything unseen.
//     Text is normal: no control, bidi or zero-width character. Every field and list has its bound beside it.
//   - Only the origin can say it. Its Ed25519 signature covers lane, origin, recipient, number, the digest of the
//     envelope before, kind, and the digest of the content; it travels through the guard and is verified again at the
//     end. So a guard can refuse and delay, but not invent; it may rebuild a file, and must say so in its verdict.
//   - Only the guard can let it through. The end accepts nothing without the guard's verdict and its signature over it.
//     Writing into a link past the guard achieves nothing.
//   - Only the recipient can read it. Each hop is sealed by HPKE (RFC 9180) to the next party's key; lane, hop and both
//     keys are bound into the key schedule, the outer header as additional data. Base mode proves no sender, which is
//     why the signature is inside, with the recipient under it.
//   - Nothing is lost, doubled or reordered. Each lane is numbered without a gap and chained by digests. The sender
//     keeps an envelope until an Ack covers it and sends the same bytes again; a number that comes with another digest
//     is a replay, put aside with an alarm. A forgery never uses up a number: the true envelope is still awaited.
//   - What does not arrive is noticed. Every 5 s each end says on its hop where it stands, in an envelope outside of the
//     numbering that leaves nothing behind (beat.go). A receiver that stands elsewhere at two of them has a gap, also
//     when nothing that follows comes; three that did not come are an alarm. A heartbeat lets nothing pass.
//   - Nothing leaves without a release. Going down, a document needs its label, a policy that is enough for its kind,
//     and the release key's signature over the document as it is; what everybody reads also needs the approval of a
//     second person, signed when they gave it. A file is one PDF with a notice, read by the grammar of our own writer
//     alone, or refused. A text with a classification mark or a planted string (leak.go) leaves under no policy, nor
//     does a file that says one.
//   - A length says little. Bodies are padded to few sizes; an Ack, a Heartbeat, a refusal and a short document are of
//     one size. Acks come at a fixed cadence and hold numbers and fixed codes alone. A refusal carries on nothing of
//     what was refused.
//   - A receipt says little. Going down it is held against the one before it, has neither name nor moment, and one leaves
//     each 10 s: some 1,300 bits at most that a compromised inside can choose (guard/ack.go, with the test that writes in
//     them). Nothing else of the lane up is told.
//   - What was decided can be shown. The logs of the guards and of both sides are chains of hashes (evidence), written and
//     synced before anything goes on or is acknowledged; each verdict carries the guard's head out of its reach. The
//     office compares the days of both sides by itself, an auditor copies of all logs; where a log can't be written,
//     nothing crosses.
//
// # Why a crash changes nothing
//
// Every step is durable before the next, and every step may be repeated. The side commits a document with what it
// reports; seals and numbers it under a fencing token; sends. The guard keeps the bytes that it will send, then logs
// the number, then sends, and only then does the link forget the envelope: whatever moment it dies at, the envelope
// comes again, and goes on as the same bytes or, if nothing was logged, is judged for the first time. The end keeps,
// then lets the link forget; a second arrival is known by its number and digest.
//
// A filter that can't judge, a full disk, a log that can't be written: nothing passes, the envelope waits.
//
// # Who holds which keys
//
//	            own private keys      public keys of others
//	extranet    sign, seal, receipt   up guard: seal; down guard: sign; intranet: sign, receipt
//	up guard    sign, seal            extranet: sign; intranet: seal
//	down guard  sign, seal            intranet: sign, release; extranet: seal
//	intranet    sign, seal, release,  down guard: seal; up guard: sign; extranet: sign, receipt
//	            receipt
//
// A ring with another party's private key is refused, so no component holds those of both guards.
//
// # What a stolen key gains
//
// Each line is what the thief of one private part can do who also reads and writes every link, and what still stands
// in the way.
//
//	extranet sign     file false cases, within the grammar, the filters and the quota; not read, not let anything out
//	extranet seal     read what comes down; not say anything to citizens: that needs the down guard's signature
//	up guard seal     read what goes up, on its first hop; not change it: the origin's signature covers it
//	up guard sign     refuse, delay, drop; let pass what the extranet signed and the filters would refuse; call a file
//	                  rebuilt that it exchanged. Not invent a case: that needs the extranet's signature as well
//	down guard seal   read what goes down, on its first hop
//	down guard sign   as the up guard's, downwards. Not invent a notice: that needs the intranet's signatures
//	intranet sign     send Acks and, down to the guard, documents; none passes without a release
//	intranet seal     read what goes up, on its second hop
//	intranet release  release; not send: that needs the intranet's signing key
//
// So a false case needs one stolen key and passes as what a false citizen could write; a false notice needs two, both
// from inside; reading a lane needs one sealing key at its end or its guard. What was recorded before a sealing key was
// stolen is read with it: rotate them, and destroy the private parts that are over.
//
// # The ceremony of keys
//
// Four operators, one for each party, each at their own machine; none ever holds a private part of another.
//
//   - Make. Each runs `guard keys make -dir ./keys -party PARTY -suite 2` on the machine where the keys will be used.
//     Private parts (.key, mode 0600) never leave it, not for a backup either: a lost key is replaced, not restored.
//   - Carry. The .pub files go to the neighbours of the table above on a medium that is carried by hand, and into
//     their folder of keys. A public part needs no secrecy, but it must be the right one.
//   - Compare. `guard keys show` prints for each key its party, use and 32 digits. The owner reads them aloud by
//     telephone to whoever took the file, who knows the voice and compares; both write date and names down. A key that
//     nobody read aloud is deleted. The show ends with an error while something is missing.
//   - Rotate, each year and when people leave. `guard keys rotate` makes the next key, which its owner uses after 7
//     days (-after), and says what is carried where; carry and compare as before. Running programs read their folder
//     again within seconds. The old key is accepted for 30 days beside the new, then 7 days more for what is in
//     flight. Under 30 days before the end of a key without a next one, metrics and status raise an alarm.
//   - Revoke, when a key may be in other hands. `guard keys revoke -key ID` writes a .rev file: its holder places it by
//     hand in its own folder, and carries it like a .pub file to all that hold the key; by telephone first, each can
//     write it alone. It bears no signature, because the key that would sign may be the stolen one, and whoever can
//     write into the folder could delete the key as well. From then on what bears the key is put aside with an alarm,
//     though its number fits. Rotate first where there is time: without another key the lane stands still. Envelopes
//     under the key that are not acknowledged are sealed anew in a new epoch: `gateway lane epoch` or `office lane
//     epoch` on the side that sent them. A guard seals anew by itself what it had kept.
//   - Lose. A private part that is gone, and in nobody's hands, is the same: rotate with -after 0s, carry, new epoch.
//   - Change of suite. A sender follows the suite of its recipient's key, so rotate sealing keys with -suite 2, party
//     by party, in any order; when all are over, write suites: [2] in each configuration, and what is weaker is refused.
//
// # After a restore
//
// A store that was put back to an older copy has given out numbers that it does not know of. A number never has two
// contents: each end refuses the second with an alarm. So after a restore, before anything is started:
//
//   - the gateway's store: `gateway lane epoch`, and `office lane epoch MOMENT` with the moment of the copy, so that
//     what the gateway was told since comes again out of the office's sealed copies;
//   - the office's store: `office lane epoch` and `gateway lane epoch`. What crossed since the copy and was
//     acknowledged is nowhere else: the extranet destroys the key of what is inside. Keep the office's store on a
//     database that loses nothing (streaming replication), and file what was lost again from the receipts.
//
// A guard whose log alone was put back does not start: the anchor tells. If its disk is gone or was put back, its log
// and folder are put away and it begins a new log, with an epoch of its own for what it gives out; the side before it
// begins an epoch too. The log that was put away is kept for the reconciliation.
//
// The number of an epoch is the second at which it began, so that two restores of one copy have two. What is not
// acknowledged goes again, whole documents in their order; what the far end has it knows by its id. Who forgets the act
// is not lost: a sender whose lane was idle for over a minute listens for three Acks before it gives out a number, and
// begins an epoch by itself, with an alarm, when they tell of more than it knows.
//
// # What is not claimed
//
// One-way flow: software on both sides of a directory, a socket or a disk is not a diode. It holds only by one-way
// hardware or a medium carried by hand; every program states isolation as physical, logical or none.
//
// Truth: a compromised origin can sign false documents within the grammar, and hide some bits in the words and moments
// it chooses. The guard bounds their number and form, not their meaning. A compromised guard reads its lane, and may
// withhold, or change a file that it calls rebuilt.
//
// Secrecy for ever: suite 1 does not resist a quantum computer; suite 2 holds as long as ML-KEM-768 or X25519 does.
// Signatures are Ed25519 alone: a quantum computer of the future could forge, not read what was recorded. The suite is
// a field of the header, so that others can be added without a new envelope.
//
// # Clause, mechanism, test
//
// NIST SP 800-53 Rev. 5, AC-4 (information flow enforcement) and the enhancements that speak of a guard between two
// domains. What is not listed is the site's own: roles of its people, accreditation, the diode itself.
//
//	clause                                    mechanism                                          test
//	AC-4     flow by approved authorisation    closed list of kinds by lane (kinds.go)            TestLanes, TestOnlyTheListCanBeEncoded
//	AC-4(2)  processing domains                four parties, each with its own keys and host      TestWhoHoldsWhat, TestRingRefusesAnothersPrivatePart
//	AC-4(3)  dynamic flow control              revoked keys, halted lane, quotas                  TestRevokedKeyIsRefused, TestQuotas
//	AC-4(4)  encrypted information             each hop opened and judged; nothing passes sealed  TestUpRefuses, TestCanonicalFormRoundTrips
//	AC-4(5)  embedded data types               files judged by content, archives and active       TestCorpusInTheWorker
//	                                           content refused
//	AC-4(6)  metadata                          origin header: kind, label, recipient, expiry      TestForgedEnvelopesAreRefusedByTheGuard
//	AC-4(7)  one-way flow                      diode link, namespaces as its stand-in in tests    TestNothingComesBack, TestMainJobAcrossDiodes
//	AC-4(8)  filters, block on failure         explicit list of filters, errors hold the lane     TestFilterThatFails, TestClamdStopped
//	AC-4(9)  human review                      held inside until a second person releases         TestSecondPersonIsBehindIt
//	AC-4(12) data type identifiers             magic numbers and structure, never the name        TestCorpusInTheWorker
//	AC-4(13) decomposition                     document and Parts apart, each sealed alone        TestFileInManyParts
//	AC-4(14) fully enumerated formats          grammar with a bound on every field, strict        TestGrammarIsClosed, TestDecodeRefusesOtherForms
//	                                           decoder
//	AC-4(15) unsanctioned information          marks, numbers with checksums, canaries            TestLeaksFindAndSpare, TestGuardStopsMarksAndCanaries
//	AC-4(17) domain authentication             Ed25519 of the origin, verdict of the guard        TestForgedVerdictsAreRefusedAtTheEnd
//	AC-4(19) validation of metadata            header and content bound by one signature          TestDamage, TestDamageUnderTheDigest
//	AC-4(21) separation of flows               two lanes, two guards, no common key or process    TestWrongLane, TestWrongDirection
//	AC-4(23) modify non-releasable             held, returned to its author, never silently cut   TestDownPassesOnlyWhatIsReleased
//	AC-4(24) internal normalised format        parsed, encoded anew, byte-equal or refused        TestCanonicalFormRoundTrips
//	AC-4(25) data sanitisation                 images decoded and drawn anew, metadata gone       TestPhotoIsRebuilt
//	AC-4(26) audit of filtering                hash-chained log with each filter's result         TestTamperingIsFound, TestEachByteCounts
//	AC-4(27) redundant, independent filters    signature, grammar, kind, release, leak rules;     TestGuardStopsMarksAndCanaries
//	                                           leak rules inside and again in the guard
//	AC-4(28) linear pipeline                   one list, first refusal ends it                    TestUpPasses, TestFilterThatFails
//	AC-4(29) orchestration                     kept, logged, sent; each durable before the next   TestKilledBetweenAnyTwoSteps, TestKilledAtSystemCalls
//	AC-4(30) filters in several processes      foreign files in a child with limits, killed after TestWorkerThatHangsIsEnded, TestWorkerThatCantBeShutIn
//	AC-4(31) failed content transfer           refused content never goes on, its digest is kept  TestRefusalTravelsWithoutContent
//	AC-4(32) process requirements              acks and retries known by number and digest        TestReplayIsPutAside, TestRepeatGoesOnAsTheSameBytes
//
// GB/T 20279 (network and terminal separation products) knows three classes: terminal separation, network separation and
// one-way transfer. Gatehouse with diodes on B and C is two one-way transfers that together make a network separation; it
// is no terminal separation. It holds no certificate of this standard. By the groups of requirements of the 2015 edition,
// which that of 2024 replaced:
//
//	group                     mechanism                                                  test
//	access control            closed list, default deny, releases, quotas                TestLanes, TestDownPassesOnlyWhatIsReleased
//	one-way transfer          diode link without a way back, its receive side silent     TestNothingComesBack, TestHalvesWorkOneWay
//	protocol separation       our envelopes alone; no TCP, HTTP or SMTP passes           TestImports
//	content filtering         grammar, file kinds, active content, virus scan            TestCorpusInTheWorker, TestClamdJudges
//	resistance to attack      bounds before parsing, forgeries put aside, replay known   TestForgeriesAreAlarmsAndNeverRetries, TestMemoryIsBounded
//	identity and management   roles, two persons, keys by hand, no rule over a lane      TestReleaseCoversTheWholeDocument, TestRotateTellsWhatToCarry
//	audit                     hash-chained logs, verified at start and by hand           TestTamperingIsFound, TestLogGoesOnAfterReopening
//	fault tolerance           waits and goes on by itself; nothing lost at a kill        TestFullDisk, TestFailingDisk, TestBadWires
//	data integrity            digests, chain, signatures on every hop                    TestDamage, TestDamageIsForeign
//	cryptographic support     suites named in the header; room for national algorithms   TestOnlyAllowedSuites, TestSuiteDowngrade
package exchange
