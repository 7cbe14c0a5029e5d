package counter

import (
	"net/http"

	"gatehouse/gateway"
)

// doubt marks an address that somebody else has by now, or lifts that mark once the clerk has seen that it is still its
// person's. The log says that it was done, and names no address.
func (c *Counter) doubt(w http.ResponseWriter, r *http.Request, v *view) {
	if !c.genuine(w, r, v, r.PostFormValue("token")) {
		return
	}
	given := clip(r.PostFormValue("address"), 200)
	to, ok := reachable(given)
	whose := r.PostFormValue("whose")
	if !ok || to.IsZero() || whose != "other" && whose != "same" {
		c.front(w, r, http.StatusUnprocessableEntity, v, homeView{Doubt: "doubt.fault", Doubted: given})
		return
	}
	if !c.record(w, r, v.Clerk.ID, gateway.DeedDoubt, "") {
		return
	}
	known, err := c.Store.Doubt(r.Context(), to, whose == "other")
	switch {
	case err != nil:
		c.fail(w, r, "mark an address", err)
	case !known:
		c.front(w, r, http.StatusNotFound, v, homeView{Doubt: "doubt.unknown", Doubted: given})
	default:
		c.front(w, r, http.StatusOK, v, homeView{Done: true})
	}
}
