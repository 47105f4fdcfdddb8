#!/bin/sh
# kill -9 at five random moments of a training in ngspice, --resume after each: the same parameters, to the bit, as without.
# Then the same with killed workers, and with one job in place of two.
#     tests/resume.sh ECHOSPICE
set -u
echospice=$1
here=$(cd "$(dirname "$0")" && pwd)
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
values() { # the parameters as numbers that read back to the same bits
    "$echospice" check "$1" --csv "$dir/values.csv" --steps 8 >"$dir/log" || { cat "$dir/log"; exit 1; }
    cut -d, -f1-4 "$dir/values.csv"
}
train() {
    "$echospice" train "$here/small.xml" "$@" >"$dir/log" 2>&1
}
random_wait() { # 0.2 to 0.95 s
    byte=$(od -An -N1 -tu1 /dev/urandom | tr -d ' ')
    sleep "0.$((20 + byte * 75 / 255))"
}

train --epochs 60 --out "$dir/whole.db" || { cat "$dir/log"; exit 1; }
values "$dir/whole.db" >"$dir/whole"

kills=0
resume="--epochs 60"
while [ $kills -lt 5 ]; do
    "$echospice" train "$here/small.xml" --out "$dir/pieces.db" $resume >"$dir/log" 2>&1 &
    pid=$!
    random_wait
    if kill -9 $pid 2>/dev/null; then kills=$((kills + 1)); else break; fi
    wait $pid 2>/dev/null
    [ -s "$dir/pieces.db" ] && resume=--resume || rm -f "$dir"/pieces.db*
done
echo "kill -9 of the training: $kills times"
[ $kills -eq 5 ] || exit 1
train --out "$dir/pieces.db" $resume || { cat "$dir/log"; exit 1; }
values "$dir/pieces.db" >"$dir/pieces"
cmp "$dir/whole" "$dir/pieces" || exit 1

"$echospice" train "$here/small.xml" --epochs 60 --out "$dir/workers.db" >"$dir/log" 2>&1 &
pid=$!
kills=0
while kill -0 $pid 2>/dev/null && [ $kills -lt 5 ]; do
    random_wait
    worker=$(cat /proc/$pid/task/$pid/children 2>/dev/null | cut -d' ' -f1)
    [ -n "$worker" ] && kill -9 "$worker" 2>/dev/null && kills=$((kills + 1))
done
wait $pid || { cat "$dir/log"; exit 1; }
echo "kill -9 of a worker: $kills times"
[ $kills -gt 0 ] || exit 1
values "$dir/workers.db" >"$dir/workers"
cmp "$dir/whole" "$dir/workers" || exit 1

train --epochs 60 --jobs 1 --out "$dir/one.db" || { cat "$dir/log"; exit 1; }
values "$dir/one.db" >"$dir/one"
cmp "$dir/whole" "$dir/one" || exit 1
echo "resume: the same bits"
