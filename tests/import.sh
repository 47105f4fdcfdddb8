#!/bin/sh
# echospice import as a user calls it; and export, import, export, which is to change nothing.
#     tests/import.sh ECHOSPICE
set -u
echospice=$1
here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
failures=0
cases=0

# expect STATUS PATTERN COMMAND...: exit status and a pattern (of grep) in what it prints
expect() {
    status=$1
    pattern=$2
    shift 2
    timeout 120 "$@" >"$dir/out" 2>&1 </dev/null
    got=$?
    cases=$((cases + 1))
    if [ $got -ne "$status" ] || ! grep -q -- "$pattern" "$dir/out"; then
        echo "FAILED: $*"
        echo "  status $got, expected $status; pattern '$pattern' in:"
        sed 's/^/  | /' "$dir/out" | head -5
        failures=$((failures + 1))
    fi
}

# what the other commands make of an imported circuit
ladder=$here/import/ladder.cir
expect 0 'Example: echospice import' "$echospice" import --help
expect 0 'line 11: conductance "r_gen"' "$echospice" import "$ladder" --out "$dir/ladder.xml"
expect 0 'node c is c\|element l.x1.l1 is x1_l1 ([^ ]*ladder.cir:5)' "$echospice" import "$ladder"
expect 0 '^rule: reciprocal$' "$echospice" import "$ladder"
for key in nodes elements points interval simulable reversible not_reversible_as lagrangian gamma losses rule notes names; do
    expect 0 "\"$key\":" "$echospice" import "$ladder" --json
done
expect 2 'name it with --data' "$echospice" simulate "$dir/ladder.xml"
expect 0 'free pass: 20001 points' "$echospice" simulate "$dir/ladder.xml" --data "$dir"
expect 0 'relative error [0-9.]*e-\(0[89]\|1\)' "$echospice" check "$dir/ladder.xml" --data "$dir"
expect 0 'MHz' "$echospice" modes "$dir/ladder.xml"
expect 0 'reversible: yes' "$echospice" import "$here/import/coupled.cir" --out "$dir/coupled.xml"
expect 0 'returns within [0-9.]*e-1' "$echospice" check "$dir/coupled.xml"
expect 0 'there is no .tran' "$echospice" import "$here/import/bare.cir" --out "$dir/bare.xml"
expect 0 'returns within [0-9.]*e-1' "$echospice" check "$dir/bare.xml" --tolerance 1e-4
expect 2 'which FILE' "$echospice" import
expect 2 'none.cir: cannot be opened' "$echospice" import none.cir
expect 2 'cannot be written' "$echospice" import "$here/import/bare.cir" --out "$dir/none/bare.xml"
mkdir "$dir/taken.xml"
expect 2 'taken.xml: writing failed' "$echospice" import "$ladder" --out "$dir/taken.xml"
expect 2 "cannot access" ls "$dir/taken.csv" "$dir/taken.csv.part" "$dir/taken.xml.part" # both files or none
printf 'title\n.param a=1\n' >"$dir/empty.cir"
expect 2 'empty.cir: there is no element' "$echospice" import "$dir/empty.cir"
printf '.lib one\nR1 a 0 1k\n.endl\n' >"$dir/parts.lib"
printf 'title\nC1 a 0 1n ic=1\n.lib parts.lib two\n' >"$dir/section.cir"
expect 2 'section.cir:3: "parts.lib" has no section "two"' "$echospice" import "$dir/section.cir"
expect 2 'expected a name of letters' "$echospice" import "$ladder" --out "$dir/a ladder.xml"

# the table of a task
expect 2 'line 1: column 1 is called "v2"' sh -c "sed 's/v1/v2/' '$dir/ladder.csv' >'$dir/t.csv'; mv '$dir/t.csv' '$dir/ladder.csv'; '$echospice' simulate '$dir/ladder.xml' --data '$dir'"
expect 2 '19999 points; expected the 20001' sh -c "sed 's/v2/v1/; 5,6d' '$dir/ladder.csv' >'$dir/t.csv'; mv '$dir/t.csv' '$dir/ladder.csv'; '$echospice' simulate '$dir/ladder.xml' --data '$dir'"

# text of a deck without titles and comments, in lower case, for a comparison
plain() {
    grep -v '^\*\|^echospice' "$1" | tr 'A-Z.' 'a-z_'
}

# near OLD NEW: the same words, and numbers within 1e-9; the levels of waveforms, which are of the order of 1, absolutely
near() {
    awk 'function number(x) { sub(/^ic=/, "", x); return x }
         FNR == NR { line[FNR] = $0; lines = FNR; next }
         { n = split(line[FNR], old)
           bad += n != NF
           for (i = 1; i <= NF; i++) {
               a = number($i); b = number(old[i])
               size = $1 == "+" && i == 3 ? 1 : b < 0 ? -b : b
               bad += $i != old[i] && (a !~ /^-?[0-9]/ || a - b > 1e-9 * size || b - a > 1e-9 * size)
           } }
         END { exit bad > 0 || FNR != lines }' "$1" "$2"
}

# holds COMMAND...: it succeeds
holds() {
    cases=$((cases + 1))
    "$@" >"$dir/out" 2>&1 && return
    echo "FAILED: $*"
    sed 's/^/  | /' "$dir/out" | head -5
    failures=$((failures + 1))
}

# stable NAME FILE [OPTION...]: once read and written, decks are the same to the byte
stable() {
    name=$1
    shift
    expect 0 'deck: ' "$echospice" simulate "$@" --deck "$dir/$name-1.cir"
    for i in 1 2; do
        expect 0 'experiment: ' "$echospice" import "$dir/$name-$i.cir" --out "$dir/$name-$i.xml"
        expect 0 'deck: ' "$echospice" simulate "$dir/$name-$i.xml" --data "$dir" --deck "$dir/$name-$((i + 1)).cir"
    done
    for i in 1 2 3; do
        plain "$dir/$name-$i.cir" >"$dir/$name-$i"
    done
    holds cmp "$dir/$name-2" "$dir/$name-3"
}

# of a network whose task has targets, the first deck holds all that the others do
whole() {
    stable "$@"
    holds near "$dir/$1-1" "$dir/$1-2"
}
for name in ring8 ring8-gyrator rlc rhel6 cbvp; do
    whole $name "$root/netlists/$name.xml"
done
# the same with cells
for technology in lc gyrator; do
    for name in ring8 rlc rhel6 cbvp; do
        for i in 1 2 3; do
            mkdir -p "$dir/$technology/$i"
        done
        expect 0 'cells' "$echospice" netlist "$root/netlists/$name.xml" --technology $technology --out "$dir/$technology/1"
        for i in 1 2; do
            expect 0 'experiment: ' "$echospice" import "$dir/$technology/$i/$name.cir" --out "$dir/$technology/$i/$name.xml"
            expect 0 'cells' "$echospice" netlist "$dir/$technology/$i/$name.xml" --data "$dir/$technology/$i" --technology $technology --out "$dir/$technology/$((i + 1))"
        done
        for i in 1 2 3; do
            plain "$dir/$technology/$i/$name.cir" >"$dir/$name-$i"
        done
        holds near "$dir/$name-1" "$dir/$name-2"
        holds cmp "$dir/$name-2" "$dir/$name-3"
    done
done
stable demo "$root/netlists/demo.xml"
stable thermal "$root/netlists/thermal.xml"
stable small "$here/small.xml"
stable losses "$root/netlists/ring8.xml" --chip q-parallel=50,q-series=30,inductor-mismatch=0.1
stable offsets "$root/netlists/ring8-gyrator.xml" --chip offset=1e-3,gain=100,transconductor-mismatch=0.05
stable coupled "$dir/coupled.xml"

echo "import: $cases cases, $failures failed"
[ $failures -eq 0 ]
