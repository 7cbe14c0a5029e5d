package adapters

import "gatehouse/exchange"

// Live is what only the running program knows of the border: how its lanes beat, and its keys.
type Live interface {
	// State is how this side stands in both lanes. A process that waits for another to end holds no lane.
	State() exchange.PortState
	// Keys gives all keys of this side's ring, by owner, use and age, without private parts.
	Keys() []exchange.KeyState
	// KeyTroubles are the keys that are missing or end soon; broken: the folder of keys can't be read.
	KeyTroubles() (troubles []exchange.KeyTrouble, broken bool)
	// Days is how the last two weeks stand in the journals of both sides, newest first.
	Days() []exchange.Reconciliation
}
