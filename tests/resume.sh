#!/bin/sh
# kill -9 at random moments of a training in ngspice, --resume after each: the same parameters, to the bit, as without.
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
random_hundredths() { # 20 to 95
    byte=$(od -An -N1 -tu1 /dev/urandom | tr -d ' ')
    echo $((20 + byte * 75 / 255))
}

train --epochs 60 --seed 5 --out "$dir/whole.db" || { cat "$dir/log"; exit 1; }
values "$dir/whole.db" >"$dir/whole"

alive() { # not even a zombie
    state=$(sed -n 's/^State:[[:space:]]*\(.\).*/\1/p' "/proc/$1/status" 2>/dev/null)
    [ -n "$state" ] && [ "$state" != Z ]
}

# go WAIT: begins or takes up the run, and kills it after WAIT seconds
kills=0
go() {
    if [ -e "$dir/pieces.db" ]; then begin=--resume; else begin="--epochs 60 --seed 5"; fi
    "$echospice" train "$here/small.xml" --out "$dir/pieces.db" $begin >"$dir/log" 2>&1 &
    pid=$!
    sleep "$1"
    alive $pid || { echo "the training ended by itself:"; cat "$dir/log"; exit 1; }
    kill -9 $pid
    wait $pid 2>/dev/null
    kills=$((kills + 1))
}
for early in 0.01 0.03 0.05 0.08; do # while it sets itself up
    go $early
done
while [ $kills -lt 9 ]; do
    go "0.$(random_hundredths)"
done
echo "kill -9 of the training: $kills times"
train --out "$dir/pieces.db" --resume || { cat "$dir/log"; exit 1; }
values "$dir/pieces.db" >"$dir/pieces"
cmp "$dir/whole" "$dir/pieces" || exit 1

"$echospice" train "$here/small.xml" --epochs 60 --seed 5 --out "$dir/workers.db" >"$dir/log" 2>&1 &
pid=$!
kills=0
while alive $pid && [ $kills -lt 5 ]; do
    sleep "0.$(random_hundredths)"
    worker=$(cat /proc/$pid/task/$pid/children 2>/dev/null | cut -d' ' -f1)
    [ -n "$worker" ] && kill -9 "$worker" 2>/dev/null && kills=$((kills + 1))
done
wait $pid || { cat "$dir/log"; exit 1; }
echo "kill -9 of a worker: $kills times"
[ $kills -gt 0 ] || exit 1
values "$dir/workers.db" >"$dir/workers"
cmp "$dir/whole" "$dir/workers" || exit 1

train --epochs 60 --seed 5 --jobs 1 --out "$dir/one.db" || { cat "$dir/log"; exit 1; }
values "$dir/one.db" >"$dir/one"
cmp "$dir/whole" "$dir/one" || exit 1
echo "resume: the same bits"
