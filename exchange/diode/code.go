package diode

import (
	"fmt"
	"math"

	"github.com/klauspost/reedsolomon"
)

// aim is how rarely a block may be lost at the loss that a full block's parity is made for.
const aim = 1e-6

// lost is the probability that more than m of n packets are lost, each with probability p independently.
func lost(n, m int, p float64) float64 {
	sum := 0.0
	for i := m + 1; i <= n; i++ {
		lg := func(x int) float64 { v, _ := math.Lgamma(float64(x) + 1); return v }
		sum += math.Exp(lg(n) - lg(i) - lg(n-i) + float64(i)*math.Log(p) + float64(n-i)*math.Log1p(-p))
	}
	return sum
}

// survives is the highest loss at which a block of k+m is lost once in a million.
func survives(k, m int) float64 {
	low, high := 0.0, 1.0
	for range 50 {
		if p := (low + high) / 2; lost(k+m, m, p) <= aim {
			low = p
		} else {
			high = p
		}
	}
	return low
}

// parityFor is the least parity with which a block of k survives a loss of p.
func parityFor(k int, p float64) int {
	m := 1
	for m < maxParity && lost(k+m, m, p) > aim {
		m++
	}
	return m
}

// parities gives the parity for each number of data shards up to data: what survives as much as a full block.
func parities(data, parity int) []int {
	p := survives(data, parity)
	all := make([]int, data+1)
	for k := 1; k <= data; k++ {
		all[k] = min(parityFor(k, p), parity)
	}
	return all
}

// codes are the Reed-Solomon codes in use. They are used by one goroutine at a time.
type codes map[[2]int]reedsolomon.Encoder

// maxCodes bounds them: a sender uses as many as its blocks have sizes.
const maxCodes = maxData

func (c codes) get(k, m int) (reedsolomon.Encoder, error) {
	if e := c[[2]int{k, m}]; e != nil {
		return e, nil
	}
	if len(c) >= maxCodes {
		clear(c)
	}
	// The cache of inverted matrices would grow with every new pattern of losses.
	e, err := reedsolomon.New(k, m, reedsolomon.WithInversionCache(false), reedsolomon.WithMaxGoroutines(1))
	if err != nil {
		return nil, fmt.Errorf("code %d+%d: %w", k, m, err)
	}
	c[[2]int{k, m}] = e
	return e, nil
}
