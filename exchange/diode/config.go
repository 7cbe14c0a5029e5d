package diode

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"gatehouse/configs/secret"
)

// Defaults of a Config, each with its reason.
const (
	// DefaultRate leaves a gigabit line half empty, and a receiver on two old cores keeps up with it.
	DefaultRate = 50_000_000
	// DefaultBurst is some 40 kB back to back, which every switch and every receive buffer holds.
	DefaultBurst = 32
	// DefaultData with DefaultParity survive 9 % of loss in one pass with one block in a million lost, and 20 % in two.
	DefaultData   = 32
	DefaultParity = 16
	// DefaultInterleave lets a burst of 256 packets (interleave × parity) pass without harm.
	DefaultInterleave = 16
	// DefaultPasses and DefaultGap: what falls into an outage of less than a second is there once more after it.
	DefaultPasses = 2
	DefaultGap    = time.Second
	// DefaultHeartbeat is that of the envelopes too; three missed ones are an alarm.
	DefaultHeartbeat = 5 * time.Second
	// DefaultReceiveBuffer holds 90 ms of a link at full rate. The 208 KiB that Linux gives by itself lose packets at
	// any rate.
	DefaultReceiveBuffer = 4 << 20
	// DefaultMemory bounds what the receiver keeps of envelopes that are not whole yet: some 60 of the largest.
	DefaultMemory = 64 << 20
)

// minKey is the least length of the shared key: 32 characters, so that 16 random bytes fit in hexadecimal.
const minKey = 32

// Config is a diode link in a configuration. Both ends write the same block, each with a folder of its own; a program
// opens the half that it is. Zero takes the default.
type Config struct {
	// Address is the receiving end's IP address and UDP port, such as 10.99.0.2:4701: the sender sends there, the
	// receiver listens there. No name: a border asks no DNS. Over a true diode the sender's host needs the receiver's
	// hardware address written down (ip neigh replace 10.99.0.2 lladdr 02:00:00:00:00:02 dev eth1 nud permanent),
	// because no ARP answer comes back.
	Address string `yaml:"address"`
	// Key is shared by both ends and by nobody else, at least 32 characters; in YAML key_file names a file that holds
	// it. It is carried by hand and keeps strangers' packets out; what an envelope is worth is told by its own seals.
	Key secret.Value `yaml:"key"`
	// Dir is this end's own folder, out of the other's reach: envelopes that are not sent yet, or not handled yet.
	Dir string `yaml:"dir"`

	// Rate is how many bytes a second the sender puts on the wire at most; 50000000.
	Rate int `yaml:"rate"`
	// Burst is how many packets of 1200 bytes go back to back at most; 32.
	Burst int `yaml:"burst"`
	// Data and Parity: a block of so many packets goes with so many more, and any Data of them restore it; 32 and 16.
	// Smaller envelopes take fewer of both and survive the same loss.
	Data   int `yaml:"data"`
	Parity int `yaml:"parity"`
	// Interleave is how many blocks go side by side. A burst of losses up to interleave × parity packets does no
	// harm; 16.
	Interleave int `yaml:"interleave"`
	// Passes is how often an envelope is sent, Gap the time between; 2 and 1s.
	Passes int           `yaml:"passes"`
	Gap    time.Duration `yaml:"gap"`
	// Heartbeat: the sender is heard at least five times in it, and the receiver raises an alarm after three without
	// a sound; 5s. The same at both ends.
	Heartbeat time.Duration `yaml:"heartbeat"`
	// ReceiveBuffer is what the receiver asks of the kernel, in bytes, and does not start without; 4194304.
	ReceiveBuffer int `yaml:"receive_buffer"`
	// Memory bounds what the receiver keeps of envelopes that are not whole yet, in bytes; 67108864.
	Memory int `yaml:"memory"`
}

// WithDefaults fills in what is empty.
func (c Config) WithDefaults() Config {
	for _, f := range []struct {
		at  *int
		def int
	}{
		{&c.Rate, DefaultRate}, {&c.Burst, DefaultBurst}, {&c.Data, DefaultData}, {&c.Parity, DefaultParity},
		{&c.Interleave, DefaultInterleave}, {&c.Passes, DefaultPasses}, {&c.ReceiveBuffer, DefaultReceiveBuffer}, {&c.Memory, DefaultMemory},
	} {
		if *f.at == 0 {
			*f.at = f.def
		}
	}
	if c.Gap == 0 {
		c.Gap = DefaultGap
	}
	if c.Heartbeat == 0 {
		c.Heartbeat = DefaultHeartbeat
	}
	return c
}

// Validate gives all faults joined.
func (c Config) Validate() error {
	var all []error
	fault := func(format string, a ...any) { all = append(all, fmt.Errorf(format, a...)) }
	if a, err := netip.ParseAddrPort(c.Address); err != nil || a.Port() == 0 {
		fault("address: is %q; write the receiving end's IP address and port, such as 10.99.0.2:4701", c.Address)
	}
	switch n := len(c.Key.Reveal()); {
	case n == 0:
		fault("key: is missing; name a file with key_file that holds at least %d characters, the same at both ends (openssl rand -hex 32)", minKey)
	case n < minKey:
		fault("key: has %d characters; at least %d (openssl rand -hex 32)", n, minKey)
	}
	if c.Dir == "" {
		fault("dir: is missing; the path of a folder of this end's own")
	}
	d := c.WithDefaults()
	for _, f := range []struct {
		key             string
		is, least, most int
	}{
		{"rate", d.Rate, 100_000, 1_000_000_000}, {"burst", d.Burst, 1, 1024}, {"data", d.Data, 1, maxData}, {"parity", d.Parity, 1, maxParity},
		{"interleave", d.Interleave, 1, 256}, {"passes", d.Passes, 1, 8}, {"receive_buffer", d.ReceiveBuffer, 256 << 10, 1 << 29},
		{"memory", d.Memory, 4 << 20, 1 << 30},
	} {
		if f.is < f.least || f.is > f.most {
			fault("%s: is %d; %d to %d", f.key, f.is, f.least, f.most)
		}
	}
	if d.Gap < time.Millisecond || d.Gap > time.Minute {
		fault("gap: is out of range; 1ms to 1m")
	}
	if d.Heartbeat < time.Second || d.Heartbeat > time.Minute {
		fault("heartbeat: is out of range; 1s to 1m")
	}
	return errors.Join(all...)
}
