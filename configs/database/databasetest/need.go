package databasetest

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// Need makes sure that a file matching pattern is there and installs Debian's package otherwise. Not to be had: the
// test fails with one sentence.
func Need(t testing.TB, pkg, pattern string) {
	t.Helper()
	if found, _ := filepath.Glob(pattern); len(found) > 0 {
		return
	}
	if out, err := install(pkg); err != nil {
		t.Fatalf("this test needs %s, which can't be installed (%v): install Debian's package %s\n%s", pattern, err, pkg, out)
	}
	if found, _ := filepath.Glob(pattern); len(found) == 0 {
		t.Fatalf("this test needs %s: Debian's package %s was installed and has none", pattern, pkg)
	}
}

// install keeps the downloads in a folder of its own: an `apt-get update` beside it empties the shared one.
func install(pkg string) ([]byte, error) {
	dir, err := os.MkdirTemp("", "gatehouse-apt-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if err := os.Mkdir(filepath.Join(dir, "partial"), 0o755); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Minute)
	defer cancel()
	options := []string{"apt-get", "-q", "-o", "Dir::Cache::archives=" + dir, "-o", "APT::Sandbox::User=root", "-o", "DPkg::Lock::Timeout=600"}
	if out, err := privileged(ctx, append(options, "install", "-y", "--no-install-recommends", pkg)); err == nil {
		return out, nil
	}
	if out, err := privileged(ctx, append(options, "update")); err != nil {
		return out, err
	}
	return privileged(ctx, append(options, "install", "-y", "--no-install-recommends", pkg))
}

func privileged(ctx context.Context, args []string) ([]byte, error) {
	if os.Geteuid() != 0 {
		args = append([]string{"sudo", "-n"}, args...)
	}
	c := exec.CommandContext(ctx, args[0], args[1:]...)
	c.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	return c.CombinedOutput()
}
