package twilio

import (
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// problem is an error of the API (https://www.twilio.com/docs/usage/twilios-response#exceptions).
type problem struct {
	status  int
	code    int
	message string
	after   time.Duration // Retry-After
}

func (p *problem) write(w http.ResponseWriter) {
	if p.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Basic realm="Twilio API"`)
	}
	if p.after > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int((p.after+time.Second-1)/time.Second)))
	}
	respond(w, p.status, map[string]any{
		"code": p.code, "message": p.message, "status": p.status,
		"more_info": fmt.Sprintf("https://www.twilio.com/docs/errors/%d", p.code),
	})
}

func respond(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(encode(v)) // a client that left is not our fault
}

func bad(code int, format string, a ...any) *problem {
	return &problem{status: http.StatusBadRequest, code: code, message: fmt.Sprintf(format, a...)}
}

func notFound(path string) *problem {
	return &problem{status: http.StatusNotFound, code: 20404,
		message: fmt.Sprintf("The requested resource %s was not found", path)}
}

func unauthorized() *problem {
	return &problem{status: http.StatusUnauthorized, code: 20003, message: "Authenticate"}
}

// receiptErrors are the codes that a receipt may carry (https://www.twilio.com/docs/api/errors).
func receiptErrors() map[int]string {
	return map[int]string{
		30003: "Unreachable destination handset",
		30007: "Message filtered",
	}
}
