#!/bin/sh
# Runs every test program and the command-line tests of a build directory and prints one closing line.
#     tests/run.sh BUILD
set -u
build=$1
here=$(dirname "$0")
passed=0
failed=0
for directory in "${ES_SHARED_DATA:-}" "$here/../../shared/data"; do
    [ -d "$directory" ] && ES_SHARED_DATA=$(cd "$directory" && pwd) && break
done
[ -n "${ES_SHARED_DATA:-}" ] && export ES_SHARED_DATA

for program in network engine gradient continuous cbvp gain_flipped reciprocal heb data xml train static fhn finite_nudge; do
    if "$build/tests/test_$program"; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
done
if sh "$here/layers.sh" "$build"; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
for script in cli resume; do
    if sh "$here/$script.sh" "$build/src/echospice"; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
