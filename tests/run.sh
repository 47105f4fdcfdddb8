#!/bin/sh
# Runs every test program and the command-line tests of a build directory, as many at once as there are cores, and prints one closing line.
#     tests/run.sh BUILD
set -u
build=$1
here=$(dirname "$0")
for directory in "${ES_SHARED_DATA:-}" "$here/../../shared/data"; do
    [ -d "$directory" ] && ES_SHARED_DATA=$(cd "$directory" && pwd) && break
done
[ -n "${ES_SHARED_DATA:-}" ] && export ES_SHARED_DATA

meson test -C "$build" --no-rebuild --verbose
failed=$? # their number
echo "$(grep -c '^result: *exit status 0$' "$build/meson-logs/testlog.txt") passed, $failed failed"
[ "$failed" -eq 0 ]
