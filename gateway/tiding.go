package gateway

import (
	"time"

	"gatehouse/channels"
)

// Tiding is everything that may be known when word comes from inside or from the border: to whom, about which case.
type Tiding struct {
	Now     time.Time
	NewID   func() string
	Contact Contact
	Matter  Matter // zero for a broadcast
	// Paper is the document that came with a notice, whole and of the stated digest; nil: none did.
	Paper *channels.File
	// Registered is the signed receipt that a notice brings, verified (Dispatcher.Registration); nil: none.
	Registered []byte
}
