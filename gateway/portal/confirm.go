package portal

import (
	"context"
	"errors"
	"net/http"

	"gatehouse/channels"
	"gatehouse/gateway"
)

// confirm says of a mail that waits that it is the company's. It is heard as a word of the mail's sender, whose
// declaration goes on; where it can't be stored the link opens again.
func (p *Portal) confirm(w http.ResponseWriter, r *http.Request, lang, token string, got gateway.Pass) {
	ctx, now := r.Context(), p.Now()
	_, err := p.Passes.UsePass(ctx, token, now, got.Until)
	if errors.Is(err, gateway.ErrNotFound) {
		p.showPass(w, r, http.StatusNotFound, lang, passView{Say: "pass.ended"})
		return
	}
	if err == nil {
		err = p.Inbox.Accept(ctx, channels.Message{ID: "web:confirm:" + got.Subject, From: got.Address, To: gateway.ConfirmTo(got.Subject), At: now,
			Trust: channels.CarrierVerified})
		if err != nil {
			err = errors.Join(err, p.Passes.ReturnPass(context.WithoutCancel(ctx), token, got.Until))
		}
	}
	if err != nil {
		p.refused(w, r, lang, err)
		return
	}
	p.showPass(w, r, http.StatusOK, lang, passView{Say: "pass.confirmed", Kind: gateway.ToConfirm})
}
