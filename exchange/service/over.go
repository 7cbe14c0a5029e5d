package service

import (
	"fmt"
	"math/big"
)

// days counts the days between two dates, below 0 when the second comes first.
func days(sc Scope, from, to node) (any, error) {
	var ends [2]Day
	for i, n := range []node{from, to} {
		v, err := n(sc)
		if err != nil {
			return nil, err
		}
		d, ok := ParseDay(fmt.Sprint(v))
		if !ok {
			return nil, errOpen
		}
		ends[i] = d
	}
	return big.NewRat(int64(ends[0].Until(ends[1])), 1), nil
}

// sum adds a column up. A cell that is no number leaves the rule without a result.
func sum(sc Scope, name string) (any, error) {
	total := new(big.Rat)
	for _, v := range sc.cells(name) {
		r, ok := rat(number(v))
		if !ok {
			return nil, errOpen
		}
		total.Add(total, r)
	}
	return total, nil
}

// unique tells whether no value of a column is there twice.
func unique(sc Scope, name string) (any, error) {
	seen := map[string]bool{}
	for _, v := range sc.cells(name) {
		if seen[v] {
			return false, nil
		}
		seen[v] = true
	}
	return true, nil
}

func (sc Scope) cells(name string) []string {
	if sc.Cells == nil {
		return nil
	}
	values, _ := sc.Cells(name)
	return values
}
