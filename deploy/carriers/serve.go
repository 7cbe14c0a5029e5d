package carriers

import (
	"net/http"

	"gatehouse/deploy/carriers/telegram"
)

// handler leads a request to its carrier, to the control API or to the pages. Requests of pages of another origin are
// refused where they would change something: a browser that visits a strange page must not text for its owner.
func (c *Carriers) handler() http.Handler {
	mux := http.NewServeMux()
	c.SMS.Mount(mux)
	guard := http.NewCrossOriginProtection()
	mux.Handle("/control/", guard.Handler(c.control()))
	own := http.NewServeMux()
	c.pages.Mount(own)
	mux.Handle("/", guard.Handler(own))
	bot := c.Chat.Handler()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if telegram.Owns(r.URL.Path) {
			bot.ServeHTTP(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
}
