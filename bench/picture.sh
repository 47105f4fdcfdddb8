#!/bin/sh
# Draws the README's picture from netlists/ring8.xml in ngspice: the free pass and its echo, and the gradient of every inductor.
#     bench/picture.sh ECHOSPICE OUT.svg      needs gnuplot
set -eu
echospice=$1
out=$2
here=$(cd "$(dirname "$0")/.." && pwd)
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
ring=$here/netlists/ring8.xml
"$echospice" simulate "$ring" --engine ngspice --steps 80 --out "$dir/free.csv" >/dev/null
"$echospice" simulate "$ring" --engine ngspice --steps 80 --phase plus --beta 1e-6 --out "$dir/echo.csv" >/dev/null
"$echospice" check "$ring" --engine ngspice --csv "$dir/gradient.csv" >/dev/null
cat >"$dir/plot.gp" <<GP
set terminal svg size 960,340 font 'sans,12' background 'white'
set output '$out'
set datafile separator ','
set multiplot layout 1,2
set border 3; set tics nomirror; set grid ytics lc rgb '#dddddd'
T = 0.588
set title 'Run forward, flip every voltage, run again: the ring returns to its start'
set xlabel 'time / us'; set ylabel 'voltage of node n4 / mV'
set key above horizontal center
set xrange [0:2*T]
set arrow from T, graph 0 to T, graph 1 nohead dt 3 lc rgb '#888888'
plot '$dir/free.csv' using (\$1*1e6):(1e3*column('v_n4')) with lines lw 2 lc rgb '#1f5fa8' title 'free pass', \\
     '$dir/echo.csv' using (\$1*1e6+T):(-1e3*column('v_n4')) with lines lw 2 lc rgb '#c8501e' title 'echo (sign flipped back)', \\
     '$dir/free.csv' using (2*T-\$1*1e6):(1e3*column('v_n4')) with lines lw 1 dt 2 lc rgb '#000000' title 'free pass, mirrored'
unset arrow
set title 'The echo''s gradient is the exact one, in ngspice'
set xlabel 'trained inductor'; set ylabel 'dC/dL, relative to the largest'
stats '$dir/gradient.csv' using 6 skip 1 nooutput
big = abs(STATS_max) > abs(STATS_min) ? abs(STATS_max) : abs(STATS_min)
set xrange [-0.7:15.7]; set boxwidth 0.8
plot '$dir/gradient.csv' using 0:(\$6/big) skip 1 with boxes fs solid 0.35 lc rgb '#7a7a7a' title 'finite differences', \\
     '$dir/gradient.csv' using 0:(\$5/big) skip 1 with points pt 7 ps 0.8 lc rgb '#c8501e' title 'echo'
GP
gnuplot "$dir/plot.gp"
