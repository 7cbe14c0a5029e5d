package diode

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestParityTable is the table of the design: the least parity with which a block is lost once in a million.
func TestParityTable(t *testing.T) {
	// One shard at 1 % with two more is lost exactly once in a million; the design rounds up.
	for k, row := range map[int][4]int{1: {2, 4, 6, 8}, 2: {3, 5, 6, 9}, 8: {4, 7, 9, 15}, 32: {6, 11, 17, 28}, 128: {10, 23, 37, 67}} {
		for i, p := range []float64{0.01, 0.05, 0.10, 0.20} {
			if got := parityFor(k, p); got != row[i] {
				t.Errorf("k=%d at %v: %d, want %d", k, p, got, row[i])
			}
		}
	}
}

func TestSmallBlocksSurviveAsMuch(t *testing.T) {
	p, plan := survives(32, 16), parities(32, 16)
	if p < 0.08 || p > 0.10 {
		t.Errorf("32+16 survives %v", p)
	}
	if !slices.IsSorted(plan[1:]) || plan[32] != 16 {
		t.Errorf("the plan is %v", plan)
	}
	for k := 1; k <= 32; k++ {
		if l := lost(k+plan[k], plan[k], p); l > 1.01*aim {
			t.Errorf("%d+%d is lost with %v", k, plan[k], l)
		}
	}
	if n := 2 + plan[2]; n > 8 {
		t.Errorf("an envelope of 2 kB costs %d packets a pass", n)
	}
}

// TestSharesMakeTheWhole deals shards to blocks for every size of an envelope.
func TestSharesMakeTheWhole(t *testing.T) {
	for n := 1; n <= maxShards; n++ {
		blocks := (n + 31) / 32
		sum := 0
		for b := range blocks {
			k := share(n, blocks, b)
			if k < 1 || k > 32 || before(n, blocks, b) != sum {
				t.Fatalf("%d shards: block %d of %d has %d after %d", n, b, blocks, k, sum)
			}
			sum += k
		}
		if sum != n {
			t.Fatalf("%d shards: the blocks have %d", n, sum)
		}
	}
}

// TestAnyKRestore takes away as many shards as there is parity, at random, for every size of a block.
func TestAnyKRestore(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	plan, c := parities(32, 16), codes{}
	for k := 1; k <= 32; k++ {
		m := plan[k]
		want := make([][]byte, k+m)
		for i := range want {
			want[i] = make([]byte, shardSize)
			for j := range want[i] {
				want[i][j] = byte(rng.Uint32())
			}
		}
		e, err := c.get(k, m)
		if err != nil {
			t.Fatal(err)
		}
		if err := e.Encode(want); err != nil {
			t.Fatal(err)
		}
		got := slices.Clone(want)
		for _, i := range rng.Perm(k + m)[:m] {
			got[i] = nil
		}
		if err := e.ReconstructData(got); err != nil {
			t.Fatal(err)
		}
		for i := range k {
			if !bytes.Equal(got[i], want[i]) {
				t.Errorf("%d+%d: shard %d is another", k, m, i)
			}
		}
	}
	if len(c) > maxCodes {
		t.Errorf("%d codes are kept", len(c))
	}
}
