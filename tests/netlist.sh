#!/bin/sh
# Technologies and netlists as a user meets them: the same waveforms from ngspice and gnucap, a training in each technology, values that can be made,
# one clear error for each kind of bad input.
#     tests/netlist.sh ECHOSPICE
set -u
echospice=$(realpath "$1")
root=$(cd "$(dirname "$0")/.." && pwd)
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
failures=0
cases=0
cd "$root" || exit 1

fail() {
    echo "FAILED: $*"
    failures=$((failures + 1))
}

# expect STATUS PATTERN COMMAND...
expect() {
    status=$1
    pattern=$2
    shift 2
    timeout 120 "$@" >"$dir/out" 2>&1 </dev/null
    got=$?
    cases=$((cases + 1))
    if [ $got -ne "$status" ] || ! grep -q -- "$pattern" "$dir/out"; then
        fail "$*"
        echo "  status $got, expected $status; pattern '$pattern' in:"
        sed 's/^/  | /' "$dir/out" | head -5
    fi
}

# said PATTERN: also in what the last command printed
said() {
    cases=$((cases + 1))
    grep -q -- "$1" "$dir/out" || fail "pattern '$1' was not printed"
}

# Prints the largest difference of two tables of t, v, v, ... on stdin's first file's times, over the largest voltage.
apart() {
    awk '
    FNR == NR { if ($1 + 0 == $1) { t[++n] = $1; for (k = 2; k <= NF; k++) v[n, k] = $k; columns = NF }; next }
    $1 + 0 == $1 && NF == columns {
        while (i < n && t[i + 1] <= $1) i++
        if (i < 1 || i >= n) next
        for (k = 2; k <= NF; k++) {
            x = v[i, k] + ($1 - t[i]) / (t[i + 1] - t[i]) * (v[i + 1, k] - v[i, k])
            d = x > $k ? x - $k : $k - x
            if (d > most) most = d
            size = $k > 0 ? $k : -$k
            if (size > largest) largest = size
        }
        points++
    }
    END { printf "%d points, %.2e\n", points, (points > 100 && largest > 0 ? most / largest : 1) }' "$1" "$2"
}

# gnucap prints SI prefixes.
plain() {
    sed -E 's/Meg/e6/g; s/([0-9.])f( |$)/\1e-15\2/g; s/([0-9.])p( |$)/\1e-12\2/g; s/([0-9.])n( |$)/\1e-9\2/g; s/([0-9.])u( |$)/\1e-6\2/g; s/([0-9.])m( |$)/\1e-3\2/g; s/([0-9.])K( |$)/\1e3\2/g; s/\.e/e/g' "$1"
}

# The same netlist in both simulators.
for technology in lc lc-differential gyrator gyrator-differential mesh mesh-differential; do
    for dialect in ngspice gnucap; do
        expect 0 "cells in the dialect $dialect" "$echospice" netlist netlists/ring8.xml --steps 300 --technology $technology --dialect $dialect --out "$dir/$technology"
    done
    (
        cd "$dir/$technology" || exit 1
        gnucap -b ring8.ckt >gnucap.txt 2>&1 </dev/null
        grep -qE "\^|what's this|unknown|not found" gnucap.txt && echo "gnucap complains: $(grep -E "\^|what's|unknown|not found" gnucap.txt | head -1)"
        plain gnucap.txt >gnucap.dat
        {
            sed '/^\.end$/d' ring8.cir
            echo .control
            echo 'set wr_singlescale'
            echo 'set numdgt=12'
            echo run
            sed -n 's/^\.print tran/wrdata ngspice.dat/p' ring8.ckt
            echo .endc
            echo .end
        } >run.cir
        ngspice -b run.cir >ngspice.txt 2>&1 </dev/null
        apart ngspice.dat gnucap.dat
    ) >"$dir/apart"
    cases=$((cases + 1))
    echo "$technology: ngspice and gnucap $(cat "$dir/apart")"
    awk '{ good = NF == 3 && $1 > 1000 && $3 < 1e-3 } END { exit !good }' "$dir/apart" || fail "$technology: $(cat "$dir/apart")"
done

# Every technology trains the same: three updates end in the same values of the file.
for technology in lc gyrator mesh mesh-differential; do
    expect 0 "technology $technology" "$echospice" train tests/small.xml --epochs 3 --engine ngspice --technology $technology --out "$dir/$technology.db"
    expect 0 '"gradient"' "$echospice" check "$dir/$technology.db" --engine ngspice --technology lc --json --csv "$dir/$technology.csv"
done
for technology in gyrator mesh mesh-differential; do
    cases=$((cases + 1))
    awk -F, 'FNR == NR { v[$1] = $4; next } FNR > 1 && ($4 / v[$1] - 1) ^ 2 > 1e-12 { bad = 1; print $1, $4, v[$1] } END { exit bad }' "$dir/lc.csv" "$dir/$technology.csv" ||
        fail "$technology trained to other values than lc"
done

# Values that can be made.
expect 0 'half of them by less than' "$echospice" netlist netlists/ring8.xml --technology gyrator --quantise 8 --evaluate --out "$dir/made"
said 'as rounded: loss'
expect 0 'um2 of capacitors and resistors' "$echospice" netlist netlists/demo.xml --technology mesh --process models/process/sky130.xml --out "$dir/made"
expect 0 '^capacitor_n0,capacitance,F,.*,capacitor,2.21' cat "$dir/made/demo.csv"
expect 0 '"lacking": "the process has no inductor' "$echospice" netlist netlists/ring8.xml --process models/process/sky130.xml --json
expect 0 'sky130_fd_pr__cap_mim_m3_1 W=' "$echospice" netlist netlists/demo.xml --technology mesh --process models/process/sky130.xml
expect 0 'C_c_capacitor_n0\|Cc_capacitor_n0 n_n0 gnd' "$echospice" netlist netlists/demo.xml --technology mesh --process models/process/generic.xml
expect 0 'Xx_c_\|Xc_capacitor_n0 n_n0 gnd sky130' "$echospice" netlist netlists/demo.xml --technology mesh --process models/process/sky130.xml --flavour lvs --dialect cdl
said '^\*.BUSDELIMITER \['
said 'es_cccs gain='
expect 0 'lang=spectre' "$echospice" netlist netlists/ring8.xml --dialect spectre
expect 0 'timeint method=trap' "$echospice" netlist netlists/nonlinear8.xml --dialect xyce

# A process by its name, from any folder, is that of its file.
for process in generic gf180mcu ihp-sg13g2 sky130; do
    expect 0 'ends ring8' "$echospice" netlist netlists/ring8.xml --technology mesh --process "$root/models/process/$process.xml"
    cp "$dir/out" "$dir/by-file"
    expect 0 'ends ring8' env --chdir=/ "$echospice" netlist "$root/netlists/ring8.xml" --technology mesh --process $process
    cmp -s "$dir/out" "$dir/by-file" || fail "--process $process is not models/process/$process.xml"
done

# Refusals.
expect 2 'expected a file, MAP.xml, or one that ships: generic, gf180mcu, ihp-sg13g2, sky130$' "$echospice" netlist netlists/ring8.xml --process copper
expect 2 'copper.xml' "$echospice" netlist netlists/ring8.xml --process copper.xml
expect 2 'expected lc, ' "$echospice" check netlists/ring8.xml --technology copper
expect 2 'expected ngspice, ' "$echospice" netlist netlists/ring8.xml --dialect latin
expect 2 'behavioural source, which gnucap has not' "$echospice" netlist netlists/nonlinear8.xml --dialect gnucap
expect 2 'add --flavour lvs' "$echospice" netlist netlists/ring8.xml --dialect cdl
expect 2 'conductances are' "$echospice" check netlists/nonlinear8.xml --technology mesh
expect 2 'states of rest' "$echospice" check netlists/xor-amplifiers.xml --technology lc-differential
expect 2 'nothing is rounded' "$echospice" netlist netlists/ring8.xml --evaluate
expect 2 'no corner "xx"' "$echospice" netlist netlists/ring8.xml --technology mesh --process models/process/sky130.xml --corner xx
expect 2 'cannot stand in a netlist' "$echospice" netlist netlists/ring8.xml --technology mesh --process models/process/sky130.xml --pdk 'a"b'
expect 2 'leave out' "$echospice" train tests/small.xml --resume --out "$dir/lc.db" --technology mesh
expect 2 'what a layout could have\|no form that a layout' "$echospice" netlist netlists/nonlinear8.xml --flavour lvs
expect 2 '--out' "$echospice" netlist netlists/ring8.xml --out /proc/nowhere

echo "netlist: $cases cases, $failures failed"
[ $failures -eq 0 ]
