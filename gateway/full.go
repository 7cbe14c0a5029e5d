package gateway

// Full answers a message that would file something while no more can be handed on: it says so, and all that was open
// stays open as it was, draft and question, so that the same answer files it later. Nothing is taken in and then lost.
func (d *Dispatcher) Full(t Turn) Outcome {
	k := d.listen(t)
	k.draft = nil // nothing is said of it, and it stays
	k.say("full", nil)
	k.keepQuestion()
	o := k.finish()
	return o
}
