package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"gatehouse/configs/database/databasetest"
)

// running starts everything on free ports and gives the addresses.
func running(t *testing.T, c Config) map[string]string {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	ready, done := make(chan map[string]string, 1), make(chan error, 1)
	go func() {
		done <- Run(ctx, c, io.Discard, slog.New(slog.DiscardHandler), func(a map[string]string) { ready <- a })
	}()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	select {
	case a := <-ready:
		return a
	case err := <-done:
		done <- err
		t.Fatal(err)
	}
	return nil
}

// browser starts Chromium and reports what goes wrong in scripts.
func browser(t *testing.T) context.Context {
	t.Helper()
	databasetest.Need(t, "chromium", "/usr/bin/chromium")
	opts := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]), chromedp.ExecPath("/usr/bin/chromium"),
		chromedp.Flag("no-sandbox", true), chromedp.Flag("disable-gpu", true), chromedp.Flag("disable-quic", true))
	ctx, stop1 := chromedp.NewExecAllocator(context.Background(), opts...)
	ctx, stop2 := chromedp.NewContext(ctx)
	ctx, stop3 := context.WithTimeout(ctx, 2*time.Minute)
	t.Cleanup(func() { stop3(); stop2(); stop1() })
	err := chromedp.Listen(ctx, func(e any) {
		if x, ok := e.(*runtime.EventExceptionThrown); ok {
			t.Errorf("the script failed: %v", x.ExceptionDetails.Text)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return ctx
}

// TestWebChatSendsAgainWhatWasTooFast: a page keeps what the gateway puts off, and says it again in order.
func TestWebChatSendsAgainWhatWasTooFast(t *testing.T) {
	c, err := sample(t, nil)
	if err != nil {
		t.Fatal(err)
	}
	c.Gateway.Channels.Web.MessageBurst, c.Gateway.Channels.Web.MessagesPerMinute = 2, 600
	a, ctx := running(t, c), browser(t)
	const count = `document.querySelectorAll("#log .bubble:not(.mine)").length`
	var said strings.Builder
	for _, s := range []string{"BOOK", "14 Quay St", "1", "1", "BACK", "2"} {
		fmt.Fprintf(&said, `text.value = %q; text.form.requestSubmit();`, s)
	}
	err = chromedp.Do(ctx, chromedp.Navigate(a["public_url"]+"/en/chat"), chromedp.WaitVisible(chromedp.CSS("#text")))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`{const text = document.querySelector("#text"); `+said.String()+` true}`)); err != nil {
		t.Fatal(err)
	}
	for n := 0; n < 6; {
		if n, err = chromedp.Run(ctx, chromedp.Evaluate[int](count)); err != nil {
			t.Fatalf("%d of 6 messages are answered: %v", n, err)
		}
	}
	last, err := chromedp.Run(ctx, chromedp.Evaluate[string](`[...document.querySelectorAll("#log .bubble:not(.mine)")].at(-1).textContent`))
	if err != nil || !strings.Contains(last, "Pickup 4/4.") {
		t.Errorf("the last answer is %q, %v", last, err)
	}
	state, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.querySelector("#state").textContent`))
	if err != nil || state != "" {
		t.Errorf("the page still says %q, %v", state, err)
	}
}
