#!/bin/sh
# What losses do to the gradients: netlists/ring8.xml with a conductance gamma C beside every capacitor C, gamma T from 0.01 to 3; cosine and
# norm ratio of the plain echo, the gain-flipped echo and the reciprocal run against finite differences, in both engines at the same step. Exit
# status 1 if the engines differ by more than 0.005.
#     bench/losses.sh ECHOSPICE OUT.svg [STEPS]      needs gnuplot; STEPS per period of the fastest mode, 100
set -eu
echospice=$1
out=$2
steps=${3:-100}
here=$(cd "$(dirname "$0")/.." && pwd)
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
for engine in twin ngspice; do
    "$echospice" rules "$here/netlists/ring8.xml" --engine $engine --steps "$steps" --csv "$dir/$engine.csv" >/dev/null
    for rule in rhel gain-flipped reciprocal; do
        awk -F, -v rule=$rule '$1 == "damping" && $4 == rule {print $2, $6, $7}' "$dir/$engine.csv" >"$dir/$engine-$rule"
    done
done
printf '%-13s %9s  %-23s  %-23s\n' rule 'gamma T' 'cosine twin, ngspice' 'norm ratio twin, ngspice'
for rule in rhel gain-flipped reciprocal; do
    paste -d ' ' "$dir/twin-$rule" "$dir/ngspice-$rule" | awk -v rule=$rule -v all="$dir/differences" '
        {printf "%-13s %9g  %.8f  %.8f   %.8f  %.8f\n", rule, $1, $2, $5, $3, $6; print $2 - $5, $3 - $6 >>all}'
done
cat >"$dir/plot.gp" <<GP
set terminal svg size 960,340 font 'sans,12' background 'white'
set output '$out'
set multiplot layout 1,2
set border 3; set tics nomirror; set grid ytics lc rgb '#dddddd'
set logscale x; set xlabel 'damping x length of the pass'; set key bottom left
do for [c=2:3] {
    set title (c == 2 ? 'Losses turn the gradient of the plain echo ...' : '... and shrink it; two rules are exact with them')
    set ylabel (c == 2 ? 'cosine with the exact gradient' : 'norm over that of the exact gradient')
    plot '$dir/twin-rhel' using 1:c with lines lw 2 lc rgb '#7a7a7a' title 'plain echo', '$dir/ngspice-rhel' using 1:c with points pt 7 lc rgb '#7a7a7a' title 'in ngspice', \\
         '$dir/twin-gain-flipped' using 1:c with lines lw 4 lc rgb '#c8501e' title 'gain-flipped echo', '$dir/ngspice-gain-flipped' using 1:c with points pt 7 lc rgb '#c8501e' title 'in ngspice', \\
         '$dir/twin-reciprocal' using 1:c with lines lw 2 lc rgb '#1f5fa8' title 'reciprocal run', '$dir/ngspice-reciprocal' using 1:c with points pt 6 lc rgb '#1f5fa8' title 'in ngspice'
}
GP
gnuplot "$dir/plot.gp"
awk '{for (i = 1; i <= 2; i++) {d = $i < 0 ? -$i : $i; most = d > most ? d : most}} END {printf "the engines differ by at most %.1e\n", most; exit !(NR && most <= 0.005)}' "$dir/differences"
