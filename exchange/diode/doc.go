// Package diode is the link by one-way UDP: for a wire that carries light in one direction alone, as a hardware data
// diode does.
//
// The rule: nothing here ever waits for an answer. The receiver's socket can't send and the sender's takes nothing,
// so a program that uses this link works the same whether or not a way back exists.
//
// # What is promised
//
// Send is durable, then the envelope goes: as packets of one fixed size, paced, each with a MAC under a key that both
// ends share. Reed-Solomon parity restores what is lost on the way, several blocks go side by side so that a burst of
// losses spreads over all of them, and everything goes twice, a second apart, so that a short outage does no harm.
// With the defaults (32+16, 16 side by side, two passes) a loss of 20 % of the packets, or of 200 in a row on a full
// wire, loses no envelope. What is lost nevertheless is seen by the numbers of the lane and sent again by its origin
// when no Ack comes (package exchange): this link is quick and cheap, the lane is what is complete.
//
// The receiver makes each envelope durable before it hands it on, keeps it until it was handled, and reads the wire
// meanwhile. Its memory is bounded whatever comes; the MAC is looked at before anything else in a packet. The number of
// a sending tells a second pass, a duplicate or a recording from an envelope that is sent anew, over restarts too.
//
// Several senders may use one receiver, as the gateways of a side do that take turns; a receiver is one process, and a
// half has a folder of its own.
//
// # What is not
//
// The MAC keeps strangers and flipped bits out; it proves nothing about an envelope, whose own seals do. Packets are
// not encrypted, envelopes are. That the wire is one-way is the hardware's doing: see deploy for how to place it and
// how to show it.
//
// # What an operator sees
//
// The sender is heard at least five times in each heartbeat, with idle packets when there is nothing to say; three
// heartbeats without a sound are an alarm at the receiving end (ReceiverStats.Silent, and an error in its log). The
// sender learns nothing, ever: a dead link shows at its far end, and at its own by envelopes without an Ack.
//
//	ReceiverStats   means
//	Foreign         keys differ, somebody else sends, or the wire flips bits
//	Missing         loss on the wire; Recovered tells what it cost, Lost what could not be restored
//	Dropped         this host is too slow, or its receive buffer too small
//	Replayed        somebody plays a recording: an alarm
//	Waiting         the program behind the link stands still
package diode
