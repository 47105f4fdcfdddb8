#!/bin/sh
# The vowel study on real recordings: trains netlists/vowels.xml on every fold from several seeds in the twin, then evaluates
# the network of the last epoch in the twin, in ngspice with the same step, and in ngspice with an 8 times finer step.
#     bench/vowels.sh ECHOSPICE RECORDINGS OUT [SEEDS] [FOLDS-COLUMN]
# RECORDINGS holds folds.tsv and the WAV files; OUT is a directory for runs and answers. Runs that are there already are taken
# up again. About an hour on two cores; NGSPICE=0 leaves the (slower) evaluation in ngspice out.
set -eu
echospice=$1
recordings=$2
out=$3
seeds=${4:-"1 2 3"}
column=${5:-fold_stratified}
here=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "$out"
sed "s/folds=\"[a-z_]*\"/folds=\"$column\"/" "$here/netlists/vowels.xml" >"$out/vowels.xml"

one() { # one SEED FOLD
    run=$out/$column-$1-$2
    if [ -s "$run.db" ]; then
        "$echospice" train "$run.db" --resume --jobs 1 >"$run.log"
    else
        "$echospice" train "$out/vowels.xml" --data "$recordings" --fold "$2" --seed "$1" --jobs 1 --out "$run.db" >"$run.log"
    fi
    "$echospice" evaluate "$run.db" --jobs 1 --json --answers "$run.twin.csv" >"$run.twin.json"
    [ "${NGSPICE:-1}" = 0 ] && return
    "$echospice" evaluate "$run.db" --engine ngspice --jobs 1 --json --answers "$run.same.csv" >"$run.same.json"
    "$echospice" evaluate "$run.db" --engine ngspice --jobs 1 --refine 8 --json --answers "$run.fine.csv" >"$run.fine.json"
}

value() { # value FILE KEY
    sed -n "s/.*\"$2\": \([-0-9.e]*\).*/\1/p" "$1" | head -1
}

for seed in $seeds; do
    for pair in "0 1" "2 3" "4"; do
        for fold in $pair; do
            one "$seed" "$fold" &
        done
        wait
    done
done

printf '%-5s %-5s %-9s %-9s %-9s %s\n' seed fold twin ngspice fine 'same class in ngspice'
for seed in $seeds; do
    for fold in 0 1 2 3 4; do
        run=$out/$column-$seed-$fold
        samples=$(value "$run.twin.json" samples)
        if [ -s "$run.fine.json" ]; then
            same=$(paste -d, "$run.twin.csv" "$run.same.csv" | awk -F, 'NR > 1 && $3 == $6' | wc -l)
            printf '%-5s %-5s %-9.4f %-9.4f %-9.4f %s\n' "$seed" "$fold" "$(value "$run.twin.json" accuracy)" \
                "$(value "$run.same.json" accuracy)" "$(value "$run.fine.json" accuracy)" "$same/$samples"
        else
            printf '%-5s %-5s %-9.4f\n' "$seed" "$fold" "$(value "$run.twin.json" accuracy)"
        fi
    done
done | tee "$out/$column.table" | cat
awk '{n++; a += $3; q += $3 * $3; b += $4; c += $5; split($6, s, "/"); same += s[1]; all += s[2]}
    END {m = a / n; printf "mean  %d runs %.4f (standard deviation %.4f)", n, m, sqrt((q / n - m * m) * n / (n > 1 ? n - 1 : 1));
    if (all) printf ", ngspice %.4f, 8 times finer %.4f, same class %.4f", b / n, c / n, same / all; print ""}' "$out/$column.table"
