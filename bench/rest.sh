#!/bin/sh
# The study on states of rest: trains the static networks of netlists/ in the twin, every fold of the small tables, and evaluates them in the
# twin and in ngspice. One row per network and seed: test samples, and the part of them that is right in both engines.
#     bench/rest.sh ECHOSPICE DATA OUT [SEEDS] [TASKS]
# DATA holds static/, optdigits/ and mnist14/; OUT is a directory for runs, which are taken up again where they are there already.
set -eu
echospice=$1
data=$(cd "$2" && pwd)
out=$3
seeds=${4:-"1 2 3"}
tasks=${5:-"iris wine banknote iris-fhn optdigits-ep optdigits-pcn mnist14-pcn"}
here=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "$out"

of_task() { # of_task TASK: directory and folds
    case $1 in
    optdigits*) echo "$data/optdigits 0" ;;
    mnist14*) echo "$data/mnist14 0" ;;
    *) echo "$data/static 0 1 2 3 4" ;;
    esac
}

result() { # result RUN ENGINE: samples and accuracy
    file=$1.$2.json
    [ -s "$file" ] || "$echospice" evaluate "$1.db" --engine "$2" --jobs 1 --json >"$file"
    for key in samples accuracy; do sed -n "s/^  \"$key\": \([0-9.]*\).*/\1 /p" "$file"; done | tr -d '\n'
}

one() { # one TASK DIRECTORY SEED FOLD
    run=$out/$1-$3-$4
    if [ -s "$run.db" ]; then
        "$echospice" train "$run.db" --resume --jobs 1 >"$run.log"
    else
        "$echospice" train "$here/netlists/$1.xml" --data "$2" --fold "$4" --seed "$3" --jobs 1 --out "$run.db" >"$run.log"
    fi
    echo "$(result "$run" twin) $(result "$run" ngspice)"
}

printf '%-14s %-5s %-8s %-8s %s\n' task seed samples twin ngspice
for task in $tasks; do
    directory=$(of_task "$task")
    folds=${directory#* }
    for seed in $seeds; do
        for fold in $folds; do one "$task" "${directory%% *}" "$seed" "$fold"; done |
            awk -v task="$task" -v seed="$seed" '{n += $1; a += $1 * $2; b += $3 * $4} END {printf "%-14s %-5s %-8d %-8.4f %.4f\n", task, seed, n, a / n, b / n}'
    done
done | tee "$out/rest.table"
