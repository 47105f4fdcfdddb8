#!/bin/sh
# Comparisons: the same bits for one job and two, after kill -9 of the whole and of its workers at random moments, and as `train` gives them.
#     tests/compare.sh ECHOSPICE
set -u
echospice=$1
here=$(cd "$(dirname "$0")" && pwd)
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
small=$here/small.xml

fail() {
    echo "$@"
    cat "$dir/log"
    exit 1
}
random_below() { # 0 to $1 - 1
    echo $(($(od -An -N4 -tu4 /dev/urandom | tr -d ' ') % $1))
}
pause() { # of $1 milliseconds
    sleep "$(printf '%d.%03d' $(($1 / 1000)) $(($1 % 1000)))"
}
alive() { # not even a zombie
    state=$(sed -n 's/^State:[[:space:]]*\(.\).*/\1/p' "/proc/$1/status" 2>/dev/null)
    [ -n "$state" ] && [ "$state" != Z ]
}
workers() { # processes of $1 whose parent it is
    cat "/proc/$1/task/$1/children" 2>/dev/null
}

# compare NAME [OPTION]...: the comparison of the test, in the store NAME.db
compare() {
    name=$1
    shift
    exec "$echospice" compare "$small" --sweep beta=1e-3:1e-1:2log --seeds 2 --epochs 4 --out "$dir/$name.db" "$@" \
        >"$dir/table" 2>"$dir/log"
}
# same NAME: its table, JSON and CSV are those of `whole`
same() {
    for form in "" --json; do
        "$echospice" compare --out "$dir/$1.db" $form --csv "$dir/$1.csv" >"$dir/$1.text" 2>"$dir/log" || fail "compare --out $1.db"
        "$echospice" compare --out "$dir/whole.db" $form >"$dir/whole.text" 2>"$dir/log" || fail "compare --out whole.db"
        cmp "$dir/whole.text" "$dir/$1.text" || exit 1
    done
    cmp "$dir/whole.csv" "$dir/$1.csv" || exit 1
}

start=$(date +%s%N)
(compare whole --jobs 2 --csv "$dir/whole.csv") || fail "compare"
took=$((($(date +%s%N) - start) / 1000000))
(compare one --jobs 1) || fail "compare --jobs 1"
same one
echo "compare: one job and two give the same bits"

kills=0
while [ $kills -lt 10 ]; do
    (compare pieces --jobs 2) &
    pid=$!
    pause "$(random_below $((took / 4)))"
    if alive $pid; then
        orphans=$(workers $pid)
        kill -9 $pid
        wait $pid 2>/dev/null
        kills=$((kills + 1))
        pause 100
        for orphan in $orphans; do
            alive "$orphan" && fail "a worker outlived its parent"
        done
    else # done already
        wait $pid || fail "the comparison ended by itself:"
        same pieces
        rm "$dir/pieces.db"
    fi
done
(compare pieces) || fail "the last piece"
same pieces
echo "kill -9 of a comparison: $kills times"

kills=0
while [ $kills -lt 5 ]; do
    rm -f "$dir/workers.db"
    (compare workers --jobs 2) &
    pid=$!
    pause "$(random_below $((took * 2 / 3)))"
    worker=$(workers $pid | cut -d' ' -f1)
    [ -n "$worker" ] && kill -9 "$worker" 2>/dev/null && killed=yes || killed=no
    wait $pid
    status=$?
    [ $killed = no ] && continue
    if [ $status -ne 0 ]; then # it may have been done with all its work
        kills=$((kills + 1))
        [ $status -eq 2 ] || fail "status $status after a worker was killed"
        grep -q '\(no device (base)\|beta = [^,]*\), seed [12]: its process died of signal 9' "$dir/log" || fail "no word of the killed worker"
        grep -q '5 of 6 trainings have ended' "$dir/table" || fail "the others did not go on: $(cat "$dir/table")"
        (compare workers) || fail "the same command after a worker was killed"
    fi
    same workers
done
echo "kill -9 of a worker: $kills times"

(compare stopped --jobs 2) &
pid=$!
pause $((took / 3))
kill -TERM $pid
wait $pid
status=$?
[ $status -eq 143 ] || fail "status $status of a comparison that was stopped"
grep -q 'stopped with [0-9]* of 6 trainings; the same command goes on' "$dir/log" || fail "no word of the stop"
(compare stopped) || fail "the same command after a stop"
same stopped

# what `train` and `evaluate` say of the same training
"$echospice" train "$small" --seed 2 --epochs 4 --out "$dir/train.db" --json >"$dir/train.json" 2>"$dir/log" || fail "train"
loss=$(sed -n 's/^  "test_loss": \(.*\),/\1/p' "$dir/train.json")
mine=$(sed -n '3s/^"none",,,,2,0,\([^,]*\),.*/\1/p' "$dir/whole.csv")
[ -n "$loss" ] && awk -v a="$loss" -v b="$mine" 'BEGIN {exit !(a + 0 == b + 0 && a > 0)}' || fail "train has test loss $loss, compare $mine"
echo "compare: the trainings are those of train"
