// Package serve is an HTTP listener with the limits that every listener of the house has.
//
// The rule: no request is waited for without an end, and a port that is taken names the setting that moves it.
package serve

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"syscall"
	"time"
)

const (
	// headerTimeout and bodyTimeout end clients that dribble; a webhook or a form is small.
	headerTimeout = 10 * time.Second
	bodyTimeout   = 60 * time.Second
	idleTimeout   = 2 * time.Minute
	maxHeader     = 16 << 10
	// drain is how long requests under way may take at a stop; a program ends within 5 s, the all-in-one with what it
	// starts besides.
	drain = 2500 * time.Millisecond
	// readyWait bounds the look at the store behind /readyz.
	readyWait = 2 * time.Second
)

// Server is one bound HTTP listener.
type Server struct {
	net.Listener
	http *http.Server
}

// Taken means that another program has the address.
type Taken struct {
	Setting string // the key that moves it
	Addr    string
}

// Error says what is taken and what to do.
func (t *Taken) Error() string {
	return fmt.Sprintf("%s: %s is taken by another program; set %s to a free port", t.Setting, t.Addr, t.Setting)
}

// Listen binds addr; setting names the key that moves it. An address that is taken is a *Taken.
func Listen(ctx context.Context, addr, setting string, h http.Handler, log *slog.Logger) (*Server, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, &Taken{setting, addr}
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", setting, err)
	}
	return &Server{Listener: l, http: &http.Server{
		Handler:           h,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       bodyTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}}, nil
}

// Run serves until ctx ends, then lets requests under way finish for at most 2.5 s.
func (s *Server) Run(ctx context.Context) error {
	done := make(chan error, 1)
	go func() { done <- s.http.Serve(s.Listener) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
	defer cancel()
	if err := s.http.Shutdown(stop); err != nil {
		s.http.Close()
	}
	if err := <-done; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// Health registers /healthz (the program lives) and /readyz (ping says that it can accept).
func Health(mux *http.ServeMux, ping func(context.Context) error) {
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), readyWait)
		defer cancel()
		if err := ping(ctx); err != nil {
			http.Error(w, "the store can't be written", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ready")
	})
}

// Private serves what operators look at, metrics and profiles, and what more is mounted. It never listens where others
// can reach it.
func Private(metrics http.Handler, more ...func(*http.ServeMux)) http.Handler {
	mux := http.NewServeMux()
	for _, mount := range more {
		mount(mux)
	}
	mux.Handle("GET /metrics", metrics)
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	return mux
}
