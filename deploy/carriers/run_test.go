package carriers_test

import (
	"bytes"
	"context"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"gatehouse/configs"
	"gatehouse/deploy/carriers"
)

func load(t *testing.T, env map[string]string) carriers.Config {
	t.Helper()
	b, err := os.ReadFile("carriers.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var cfg carriers.Config
	err = configs.Parse("carriers.yaml", b, &cfg, func(k string) (string, bool) { v, ok := env[k]; return v, ok })
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// The sample file must show the accounts that the zero Config has.
func TestSampleFile(t *testing.T) {
	cfg := load(t, map[string]string{"CARRIERS_LISTEN": "127.0.0.1:1"})
	zero := carriers.Config{}.WithDefaults()
	if cfg.Listen != "127.0.0.1:1" || cfg.SMS.AccountSID != zero.SMS.AccountSID || !reflect.DeepEqual(cfg.SMS.Numbers, zero.SMS.Numbers) ||
		cfg.SMS.AuthToken != zero.SMS.AuthToken || cfg.Chat.Token != zero.Chat.Token || !reflect.DeepEqual(cfg.Mail.Domains, zero.Mail.Domains) {
		t.Errorf("%+v differs from %+v", cfg, zero)
	}
}

func TestRunTellsAddressesAndEnds(t *testing.T) {
	free := map[string]string{"CARRIERS_LISTEN": "127.0.0.1:0", "MAILBOX_LISTEN": "127.0.0.1:0", "DNS_LISTEN": "127.0.0.1:0"}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var out bytes.Buffer
	told := make(chan map[string]string, 1)
	ended := make(chan error, 1)
	go func() {
		ended <- carriers.Run(ctx, load(t, free), &out, func(a map[string]string) { told <- a })
	}()
	got := <-told
	cancel()
	if err := <-ended; err != nil || !strings.Contains(out.String(), got["carriers"]) || got["mailbox"] == "" || got["dns"] == "" {
		t.Errorf("%v, %q, %v", err, out.String(), got)
	}
}
