package diode

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gatehouse/exchange"
)

// TestRecordingIsKnown plays everything that crossed once more: at once, after the receiver was started anew, and
// after the sender was. Nothing comes a second time.
func TestRecordingIsKnown(t *testing.T) {
	s := newSim(t, 21)
	s.relay.keep = true
	s.post(s.small(), s.large(300_000), s.small())
	s.pump()
	tape := s.relay.captured
	s.wantOnce(s.received(), 3)
	play := func() {
		for _, b := range tape {
			s.take(bytes.Clone(b))
		}
	}

	play()
	if r := s.receiver.Stats(); r.Envelopes != 3 || r.Duplicates != uint64(len(tape)) {
		t.Errorf("at once: %+v", r)
	}
	s.restartReceiver()
	play()
	if r := s.receiver.Stats(); r.Envelopes != 0 || r.Repeats == 0 {
		t.Errorf("after a restart of the receiver: %+v", r)
	}
	s.restartSender()
	s.post(s.small())
	s.pump()
	play()
	if r := s.receiver.Stats(); r.Replayed != uint64(len(tape)) || r.Envelopes != 1 {
		t.Errorf("after a restart of the sender: %+v", r)
	}
	if got := s.received(); len(got) != 1 || got[4] != 1 {
		t.Errorf("came: %v", got)
	}
}

// TestSenderKilledInTheMiddle: what was under way comes, once, although it is sent from the beginning again.
func TestSenderKilledInTheMiddle(t *testing.T) {
	s := newSim(t, 22)
	s.post(s.small(), s.large(500_000), s.small())
	for range 2 { // the first, and a part of the second
		group, _ := s.sender.group(nil)
		s.sender.sendGroup(t.Context(), group)
	}
	s.restartSender()
	s.pump()
	s.wantOnce(s.received(), 3)
	if st := s.sender.Stats(); st.Queued != 0 {
		t.Errorf("%+v", st)
	}
}

// TestClockSetBack: a sender that was started with an earlier clock is heard once the link was silent.
func TestClockSetBack(t *testing.T) {
	s := newSim(t, 23)
	s.post(s.small())
	s.pump()
	s.now = s.now.Add(-24 * time.Hour)
	s.sender.shelf.close()
	s.openSender()
	s.now = s.now.Add(24*time.Hour + time.Second)
	s.post(s.small())
	s.pump()
	if r := s.receiver.Stats(); r.Envelopes != 1 || r.Replayed == 0 {
		t.Errorf("while the earlier start is fresh: %+v", r)
	}
	s.now = s.now.Add(silent*DefaultHeartbeat + time.Second)
	s.post(s.small())
	s.pump()
	if got := s.received(); got[1] != 1 || got[3] != 1 {
		t.Errorf("came: %v", got)
	}
}

// TestTwoSenders: two gateways of a side, started one after the other, are both heard; each recording is known.
func TestTwoSenders(t *testing.T) {
	s := newSim(t, 27)
	first := s.sender
	s.out.Dir = t.TempDir()
	s.now = s.now.Add(time.Second)
	s.openSender()
	second := s.sender
	t.Cleanup(first.shelf.close)
	for range 3 {
		for _, s.sender = range []*Sender{first, second} {
			s.post(s.small(), s.large(200_000))
			s.pump()
		}
	}
	if r := s.receiver.Stats(); r.Senders != 2 || r.Replayed != 0 || r.Missing != 0 {
		t.Errorf("%+v", r)
	}
	s.wantOnce(s.received(), 12)
	for i := range uint64(2 * maxOrigins) {
		b := make([]byte, PacketSize)
		newTestAuthority(t).seal(b, packet{kind: kindIdle, stream: 1, number: 1, sender: i + 1})
		s.take(b)
	}
	if r := s.receiver.Stats(); r.Senders != maxOrigins {
		t.Errorf("%d senders are remembered", r.Senders)
	}
}

func TestSilenceIsAnAlarm(t *testing.T) {
	s := newSim(t, 24)
	for _, c := range []struct {
		after  time.Duration
		silent bool
	}{{14 * time.Second, false}, {2 * time.Second, true}, {time.Hour, true}} {
		s.now = s.now.Add(c.after)
		s.receiver.look(s.now)
		if r := s.receiver.Stats(); r.Silent != c.silent {
			t.Errorf("after %v more: %+v", c.after, r)
		}
	}
	s.sender.idle(t.Context())
	if r := s.receiver.Stats(); r.Silent || !r.LastHeard.Equal(s.now) || r.Packets != 1 {
		t.Errorf("after a sound: %+v", r)
	}
}

// TestDiskFails: what can't be written is lost on the way and comes with the next pass; nothing is handed on that is
// not durable.
func TestDiskFails(t *testing.T) {
	s := newSim(t, 25)
	broken := errors.New("input/output error")
	failed := 0
	s.receiver.shelf.fsync = func(*os.File) error {
		if failed++; failed <= 3 {
			return broken
		}
		return nil
	}
	s.out.Passes = 4
	s.restartSender()
	s.post(s.small())
	s.pump()
	s.wantOnce(s.received(), 1)
	if failed < 3 {
		t.Errorf("the disk failed %d times", failed)
	}
}

func TestHostileFilesArePutAside(t *testing.T) {
	p := openPair(t)
	dir := p.in.Dir
	p.close()
	s := newSim(t, 26)
	e, other := s.small(), s.small()
	put := func(name string, b []byte) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put("up-1"+suffix, []byte("hello"))
	put("up-2"+suffix, bytes.Repeat([]byte("x"), exchange.MaxEnvelope+1))
	put(nameOf(e), other.Bytes)
	put(nameOf(other), other.Bytes)
	put("README", []byte("not ours"))
	if err := os.Symlink("/etc/passwd", filepath.Join(dir, "up-3"+suffix)); err != nil {
		t.Fatal(err)
	}
	p.open()
	var got []uint64
	last := ""
	for p.receiver.drain(context.Background(), func(_ context.Context, e exchange.Envelope) error {
		got = append(got, e.Seq)
		return nil
	}, &last) {
		t.Fatal(last)
	}
	if len(got) != 1 || got[0] != other.Seq {
		t.Errorf("came: %v", got)
	}
	aside, _ := filepath.Glob(filepath.Join(dir, "refused", "*"+suffix))
	reasons, _ := filepath.Glob(filepath.Join(dir, "refused", "*.reason"))
	if len(aside) != 4 || len(reasons) != 4 {
		t.Errorf("put aside: %v, %v", aside, reasons)
	}
	if _, err := os.Stat(filepath.Join(dir, "README")); err != nil {
		t.Error("another's file was touched")
	}
}

func TestFolderIsOfOneProcess(t *testing.T) {
	p := openPair(t)
	if _, err := OpenReceiver(p.in, quiet()); err == nil || !strings.Contains(err.Error(), "dir: ") || !strings.Contains(err.Error(), "in use") {
		t.Errorf("got %v", err)
	}
	in := p.in
	in.Dir = t.TempDir()
	if _, err := OpenReceiver(in, quiet()); err == nil || !strings.Contains(err.Error(), "address: ") || !strings.Contains(err.Error(), "taken") {
		t.Errorf("got %v", err)
	}
	if _, err := OpenReceiver(in, quiet()); err == nil || !strings.Contains(err.Error(), "address: ") {
		t.Errorf("a failed opening kept the folder: %v", err)
	}
}

func TestSeenIsBoundedAndKept(t *testing.T) {
	dir := t.TempDir()
	open := func() *seen {
		t.Helper()
		s, err := openSeen(dir)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := open()
	const n = 3*generation + 10
	for i := range uint64(n) {
		if err := s.add(i + 1); err != nil {
			t.Fatal(err)
		}
	}
	s.close()
	f, err := os.OpenFile(filepath.Join(dir, "seen"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	f.Write([]byte{1, 2, 3}) // as a power cut leaves it
	f.Close()
	s = open()
	if !s.has(n) || !s.has(n-generation) || s.has(1) || len(s.old)+len(s.new) > 2*generation {
		t.Errorf("%d and %d are remembered", len(s.old), len(s.new))
	}
	if err := s.add(n + 1); err != nil {
		t.Fatal(err)
	}
	s.close()
	if s = open(); !s.has(n) || !s.has(n+1) || len(s.new) != 11 {
		t.Errorf("after half a number: %d", len(s.new))
	}
	s.close()
}
