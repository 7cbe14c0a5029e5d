package serve

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
)

func TestRunFinishesWhatIsUnderWay(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	begun, finish := make(chan struct{}), make(chan struct{})
	s, err := Listen(t.Context(), "127.0.0.1:0", "listen", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(begun)
		<-finish
		io.WriteString(w, "whole")
	}), log)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended, got := make(chan error, 1), make(chan string, 1)
	go func() { ended <- s.Run(ctx) }()
	go func() {
		r, err := http.Get("http://" + s.Addr().String())
		if err != nil {
			got <- err.Error()
			return
		}
		defer r.Body.Close()
		b, _ := io.ReadAll(r.Body)
		got <- string(b)
	}()
	<-begun
	stop()
	close(finish)
	if b := <-got; b != "whole" {
		t.Errorf("a request under way got %q", b)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestTakenPortNamesItsSetting(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	s, err := Listen(t.Context(), "127.0.0.1:0", "listen", http.NotFoundHandler(), log)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	_, err = Listen(t.Context(), s.Addr().String(), "private_listen", http.NotFoundHandler(), log)
	if err == nil || !strings.Contains(err.Error(), "set private_listen to a free port") {
		t.Errorf("got %v", err)
	}
}

func TestHealth(t *testing.T) {
	var down error
	mux := http.NewServeMux()
	Health(mux, func(context.Context) error { return down })
	s, err := Listen(t.Context(), "127.0.0.1:0", "listen", mux, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	defer func() { stop(); <-ended }()
	status := func(path string) int {
		r, err := http.Get("http://" + s.Addr().String() + path)
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close()
		return r.StatusCode
	}
	if status("/healthz") != 200 || status("/readyz") != 200 {
		t.Error("a whole program is not ready")
	}
	down = errors.New("disk full")
	if status("/healthz") != 200 || status("/readyz") != 503 {
		t.Error("a full disk is ready")
	}
}
