package console

import "net/http"

// erase asks that the person of the case is forgotten.
func (c *Console) erase(w http.ResponseWriter, r *http.Request, v *visit) error {
	id := r.PostFormValue("id")
	if !validID(id) {
		id = c.NewID()
	}
	err := c.Desk.AskErasure(r.Context(), v.Me, r.PathValue("id"), id, r.PostFormValue("because"))
	if err == nil {
		c.Log.Info("erasure asked for", "held_id", id, "staff", v.Me.ID, "case_id", r.PathValue("id"))
	}
	return c.acted(w, r, v, "erase", "console.said.held", err)
}
