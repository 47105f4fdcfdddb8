#!/bin/sh
# The study on real tasks: trains the networks of netlists/ on their data from several seeds in the twin, then evaluates them in
# the twin and in ngspice on the whole test part, and prints a table: accuracy, or NMSE where a series is forecast.
# italy-rlc, whose file says so, is trained in ngspice itself.
#     bench/tasks.sh ECHOSPICE DATA OUT [SEEDS] [TASKS]
# DATA holds the directories of the tasks below; OUT is a directory for runs and answers. Runs that are there already are taken
# up again. About half an hour on one core; NGSPICE=0 leaves the evaluation in ngspice out.
set -eu
echospice=$1
data=$(cd "$2" && pwd)
out=$3
seeds=${4:-"1 2 3"}
tasks=${5:-"italy italy-rlc japanese-vowels scp1 laser mackey-glass optdigits mnist14 digits"}
here=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "$out"

# The recordings of fsdd_idx00-09 with the table that the task wav-folder reads.
digits() { # digits FROM TO
    mkdir -p "$2"
    for file in "$1"/*.wav; do ln -sf "$file" "$2/"; done
    awk -F '\t' -v OFS='\t' 'NR == 1 {print "file", "class", "fold"} NR > 1 {print $1, $2, $5 == "test" ? 0 : 1}' "$1/split.tsv" >"$2/folds.tsv"
}

directory() { # directory TASK
    case $1 in
    italy | italy-rlc) echo "$data/ItalyPowerDemand" ;;
    japanese-vowels) echo "$data/JapaneseVowels" ;;
    scp1) echo "$data/SCP1ch1" ;;
    laser) echo "$data/forecast" ;;
    mackey-glass) echo "$data/generated" ;;
    digits) echo "$out/digits.wav" ;;
    *) echo "$data/$1" ;;
    esac
}

seconds() { # seconds FILE COMMAND...: runs it, and writes the processor time that it took
    file=$1
    shift
    sh -c '"$@" && times >&3' sh "$@" 3>"$file.times"
    tail -1 "$file.times" | sed 's/[ms]/ /g' | awk '{printf "%.3g\n", 60 * $1 + $2 + 60 * $3 + $4}' >"$file"
    rm "$file.times"
}

one() { # one TASK SEED
    run=$out/$1-$2
    if [ ! -s "$run.db" ]; then
        seconds "$run.seconds" "$echospice" train "$here/netlists/$1.xml" --data "$(directory "$1")" --fold 0 --seed "$2" --jobs 1 --out "$run.db" >"$run.log"
    else
        "$echospice" train "$run.db" --resume --jobs 1 >"$run.log"
    fi
    [ -s "$run.twin.json" ] || "$echospice" evaluate "$run.db" --engine twin --jobs 1 --json >"$run.twin.json"
    if [ "${NGSPICE:-1}" != 0 ] && [ ! -s "$run.ngspice.json" ]; then
        "$echospice" evaluate "$run.db" --engine ngspice --jobs 1 --json >"$run.ngspice.json"
    fi
}

value() { # value FILE KEY: nan without the file
    if [ -s "$1" ]; then sed -n "s/.*\"$2\": \([-0-9.e]*\).*/\1/p" "$1" | head -1; else echo nan; fi
}

row() { # row TASK SEED: task, seed, measure, in the twin, in ngspice, loss in the twin, in ngspice, seconds
    run=$out/$1-$2
    measure=accuracy
    if grep -q '"accuracy": null' "$run.twin.json"; then measure=nmse; fi
    printf '%-16s %-5s %-9s %-9.4f %-9.4f %-9.4g %-9.4g %s\n' "$1" "$2" $measure "$(value "$run.twin.json" $measure)" \
        "$(value "$run.ngspice.json" $measure)" "$(value "$run.twin.json" loss)" "$(value "$run.ngspice.json" loss)" "$(cat "$run.seconds" 2>/dev/null || echo '-')"
}

printf '%-16s %-5s %-9s %-9s %-9s %-9s %-9s %s\n' task seed measure twin ngspice loss ngspice 'training [processor s]'
for task in $tasks; do
    if [ "$task" = digits ] && [ ! -s "$out/digits.wav/folds.tsv" ]; then digits "$data/fsdd_idx00-09" "$out/digits.wav"; fi
    for seed in $seeds; do
        one "$task" "$seed"
        row "$task" "$seed"
    done
done | tee "$out/tasks.table"
awk '!n[$1]++ {name[++tasks] = $1} {a[$1] += $4; b[$1] += $5; m[$1] = $3}
    END {for (i = 1; i <= tasks; i++) {t = name[i]; printf "%-16s mean  %-9s %-9.4f %-9.4f\n", t, m[t], a[t] / n[t], b[t] / n[t]}}' "$out/tasks.table"
