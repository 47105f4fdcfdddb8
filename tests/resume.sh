#!/bin/sh
# kill -9 at random moments of trainings in ngspice, --resume after each: the same run, to the bit, as without. One training is
# plain, one has momentum, clipped gradients and a validation part that ends it early, one compares states of rest, one thermal averages.
# Then the same with killed workers, and with one job in place of two.
#     tests/resume.sh ECHOSPICE
set -u
echospice=$1
here=$(cd "$(dirname "$0")" && pwd)
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cp "$here/small.xml" "$dir/plain.xml"
sed 's/optimiser="adam" schedule="cosine" rate="0.05"/optimiser="momentum" rate="0.02" clip="2" validation="0.2" patience="22"/' \
    "$here/small.xml" >"$dir/guarded.xml"
sed 's/engine name="twin"/engine name="ngspice"/' "$here/../netlists/xor-amplifiers.xml" >"$dir/rest.xml"
cp "$here/../netlists/thermal.xml" "$dir/thermal.xml"

fail() {
    echo "$@"
    cat "$dir/log"
    exit 1
}
milliseconds() {
    echo $(($(date +%s%N) / 1000000))
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

# train EXPERIMENT NAME [OPTION]...: begins the run NAME.db, or takes it up
train() {
    experiment=$dir/$1.xml
    out=$dir/$2.db
    shift 2
    if [ -e "$out" ]; then begin=--resume; else begin="--epochs 40 --seed 5"; fi
    exec "$echospice" train "$experiment" --out "$out" $begin "$@" >"$dir/log" 2>&1
}
# facts NAME: the parameters, and losses and counts of every epoch, as numbers that read back to the same bits
facts() {
    "$echospice" check "$dir/$1.db" --csv "$dir/values.csv" --steps 8 >"$dir/log" || fail "check $1.db"
    "$echospice" train "$dir/$1.db" --resume --json >"$dir/json" 2>"$dir/log" || fail "train $1.db --resume"
    cut -d, -f1-4 "$dir/values.csv"
    grep -v '"run":' "$dir/json"
}
same() { # same EXPERIMENT NAME: NAME.db is the run that was never interrupted
    facts "$2" >"$dir/$2" || exit 1
    cmp "$dir/$1.whole" "$dir/$2" || exit 1
}

# killed EXPERIMENT KILLS: an uninterrupted run, then one that is killed so many times, each time after 0 to 1/9 of the whole
killed() {
    start=$(milliseconds)
    (train "$1" whole_"$1") || fail "train $1"
    took=$(($(milliseconds) - start))
    facts whole_"$1" >"$dir/$1.whole" || exit 1
    kills=0
    while [ $kills -lt "$2" ]; do
        (train "$1" pieces) &
        pid=$!
        pause "$(random_below $((took / 9)))"
        if alive $pid; then
            kill -9 $pid
            wait $pid 2>/dev/null
            kills=$((kills + 1))
        else # done already, on a machine that has become faster meanwhile: once more
            wait $pid || fail "the training ended by itself:"
            same "$1" pieces
            rm "$dir/pieces.db"
        fi
    done
    (train "$1" pieces) || fail "the last --resume"
    same "$1" pieces
    rm "$dir/pieces.db"
    echo "kill -9 of a $1 training: $kills times"
}
killed plain 10
killed guarded 10
killed rest 5
killed thermal 5
grep -q -e '"updates": 120' -e '"clipped": 0' "$dir/guarded.whole" && fail "it was neither clipped nor ended early"

# What a kill in the middle of a change to the file leaves: a journal, here of no pages, that the next one who opens the file has to roll back
# (https://sqlite.org/fileformat2.html#the_rollback_journal).
hot_journal() { # of file $1
    pages=$(($(wc -c <"$1") / 4096))
    {
        printf '\331\325\005\371\040\241\143\327\000\000\000\000\001\002\003\004\000\000\000'
        printf "\\$(printf %o $pages)"
        printf '\000\000\002\000\000\000\020\000'
        head -c 484 /dev/zero
    } >"$1-journal"
}
(train rest hot) || fail "train rest"
for command in 'evaluate' 'train --resume'; do
    hot_journal "$dir/hot.db"
    "$echospice" $command "$dir/hot.db" >"$dir/log" 2>&1 || fail "$command after a kill within a change to the file"
    [ -e "$dir/hot.db-journal" ] && fail "$command: nothing was rolled back"
done
same rest hot

(train plain workers) &
pid=$!
kills=0
while alive $pid && [ $kills -lt 5 ]; do
    pause $((200 + $(random_below 750)))
    worker=$(cat /proc/$pid/task/$pid/children 2>/dev/null | cut -d' ' -f1)
    [ -n "$worker" ] && kill -9 "$worker" 2>/dev/null && kills=$((kills + 1))
done
wait $pid || fail "the training whose workers were killed"
echo "kill -9 of a worker: $kills times"
[ $kills -gt 0 ] || exit 1
same plain workers

(train plain one --jobs 1) || fail "the training with one job"
same plain one
echo "resume: the same bits"
