#!/usr/bin/env bash
# Runs every fuzz target of the tree for the time given, and the properties on new draws; ends with 1 when one found
# something.
set -uo pipefail
time=${1:-10s}
failed=0
echo "== properties"
properties=$(grep -rl 'pgregory.net/rapid' --include='*_test.go' . | xargs -n1 dirname | sort -u)
# shellcheck disable=SC2086 # a list of folders
RAPID_CHECKS=1000 RAPID_NOFAILFILE=1 go test -count=1 $properties || failed=1
# Inputs that only reach new code are made smaller for a second, not for the minute that go gives: slow targets would do little else.
while read -r file; do
  for target in $(grep -oE '^func Fuzz[A-Za-z0-9_]*' "$file" | cut -d' ' -f2); do
    echo "== $(dirname "$file") $target"
    out=$(go test -run '^$' -fuzz "^$target\$" -fuzztime "$time" -fuzzminimizetime 1s "./$(dirname "$file")" 2>&1) && continue
    # The go command reports the end of its own time as a failure now and then (go.dev/issue/75804, mended in Go 1.27); a finding
    # always names the input that it kept.
    if grep -q 'context deadline exceeded' <<<"$out" && ! grep -q 'Failing input' <<<"$out"; then continue; fi
    echo "$out"
    failed=1
  done
done < <(grep -rlE '^func Fuzz' --include='*_test.go' . | sort)
exit $failed
