package portal

import (
	"errors"
	"net/http"

	"gatehouse/channels"
	"gatehouse/gateway"
)

// confirm says of a mail that waits that it is the company's. It is heard as a word of the mail's sender, whose
// declaration goes on. The word is stored first and is one however often it is said; then the link opens no more. A
// program that dies between the two leaves a link that still serves.
func (p *Portal) confirm(w http.ResponseWriter, r *http.Request, lang, token string, got gateway.Pass) {
	ctx, now := r.Context(), p.Now()
	if got.Used {
		p.showPass(w, r, http.StatusNotFound, lang, passView{Say: "pass.ended"})
		return
	}
	err := p.Inbox.Accept(ctx, channels.Message{ID: "web:confirm:" + got.Subject, From: got.Address, To: gateway.ConfirmTo(got.Subject), At: now,
		Trust: channels.CarrierVerified})
	if err != nil {
		p.refused(w, r, lang, err)
		return
	}
	if _, err := p.Passes.UsePass(ctx, token, now, got.Until); err != nil && !errors.Is(err, gateway.ErrNotFound) {
		p.Log.ErrorContext(ctx, "use pass", "err", err)
	}
	p.showPass(w, r, http.StatusOK, lang, passView{Say: "pass.confirmed", Kind: gateway.ToConfirm})
}
