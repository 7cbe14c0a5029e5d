// Package corpus is the document of how a gateway treats mail: its tests send every sort that people, machines and forgers
// send, through the real SMTP server of a whole gateway, and state of each what becomes of it.
//
// The rule: a row says all that is to be known of its mail. What no row says is not promised; a mail that went wrong in
// practice becomes a row before the fault is mended.
package corpus
