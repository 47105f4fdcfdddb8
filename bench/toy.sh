#!/bin/sh
# Draws docs/rhel6.svg from netlists/rhel6.xml: how the echo's gradient nears the exact one as beta falls, and the adjoint variables that
# two echoes show beside those of the discrete adjoint.
#     bench/toy.sh TOY OUT.svg      TOY is build/bench/toy; needs gnuplot
set -eu
toy=$1
out=$2
here=$(cd "$(dirname "$0")/.." && pwd)
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"$toy" "$here/netlists/rhel6.xml" "$dir"
one=$(awk -F, '$1 == 0.001 {print $4 / $1}' "$dir/error.csv") # where the dashed lines go through
both=$(awk -F, '$1 == 0.001 {print $2 / ($1 * $1)}' "$dir/error.csv")
cat >"$dir/plot.gp" <<GP
# no background, and colours that stand out from white and from black
blue = '#2f81d8'; orange = '#d9661f'; grey = '#6e7681'
set encoding utf8
set terminal svg size 960,410 font 'Helvetica,Arial,sans-serif,13' dashlength 1.2
set output '$out'
set datafile separator ','
set multiplot
set border 3 lc rgb grey lw 1; set tics nomirror textcolor rgb grey; set grid lc rgb grey lw 0.4 dt 3
set key textcolor rgb grey samplen 1.6 spacing 1.3

set lmargin at screen 0.085; set rmargin at screen 0.435; set tmargin at screen 0.885; set bmargin at screen 0.14
set title 'The gradient of 27 elements: its error falls as β²' textcolor rgb grey offset 0,0.2
set logscale xy
set format x '10^{%T}'; set format y '10^{%T}'
set xlabel 'nudge β' textcolor rgb grey offset 0,0.2; set ylabel 'relative error' textcolor rgb grey offset 0.5,0
set xrange [2.5e-7:0.4]; set yrange [2e-11:10]
set xtics 10; set ytics 100; set mytics 1; set mxtics 1
set key at graph 0.02,0.99 left top Left reverse
set label 1 'slope 1' at 2.2e-5,3.5e-4 right textcolor rgb grey
set label 2 'slope 2' at 2.6e-4,3e-8 left textcolor rgb grey
plot $one*x with lines dt 2 lw 1 lc rgb grey notitle, $both*x*x with lines dt 2 lw 1 lc rgb grey notitle, \\
     '$dir/error.csv' using 1:4 skip 1 with points pt 5 ps 0.75 lc rgb orange title 'echoes at +β and at 0', \\
     '$dir/error.csv' using 1:2 skip 1 with points pt 7 ps 0.85 lc rgb blue title 'echoes at +β and at −β'
unset label 1; unset label 2
unset logscale

set lmargin at screen 0.545; set rmargin at screen 0.98
set xrange [0:0.6]; set yrange [-6:6]
set xtics 0.1; set ytics 3
set title 'The adjoint state λ(t): computed (lines), and seen in two echoes (points)' textcolor rgb grey offset 0,0.2
set label 1 'β = 10^{−3}' at graph 0.995,0.93 right textcolor rgb grey
set tmargin at screen 0.885; set bmargin at screen 0.545
unset xlabel; set format x ''; set format y '%g'
set ylabel '∂C/∂φ  /  10^{−16} Wb s' textcolor rgb grey offset 0.8,0
unset key
plot '$dir/costates.csv' using (1e6*\$1):(1e16*column('phi_adjoint_n0')) with lines lw 1.5 lc rgb orange, \\
     '' using (1e6*\$1):(1e16*column('phi_adjoint_n3')) with lines lw 1.5 lc rgb blue, \\
     '' using (1e6*\$1):(1e16*column('phi_echo_n0')) every 4 with points pt 7 ps 0.55 lc rgb orange, \\
     '' using (1e6*\$1):(1e16*column('phi_echo_n3')) every 4 with points pt 7 ps 0.55 lc rgb blue
unset title; unset label 1
set tmargin at screen 0.48; set bmargin at screen 0.14
set yrange [-14:14]; set ytics 5
set format x '%.1f'; set xlabel 'time / µs' textcolor rgb grey offset 0,0.2
set ylabel '∂C/∂p  /  10^{−15} Wb s Ω' textcolor rgb grey offset 0.8,0
set key at graph 0.995,0.99 right top horizontal samplen 1.6
plot '$dir/costates.csv' using (1e6*\$1):(1e15*column('p_adjoint_n0')) with lines lw 1.5 lc rgb orange title 'n0, driven', \\
     '' using (1e6*\$1):(1e15*column('p_adjoint_n3')) with lines lw 1.5 lc rgb blue title 'n3, read', \\
     '' using (1e6*\$1):(1e15*column('p_echo_n0')) every 4 with points pt 7 ps 0.55 lc rgb orange notitle, \\
     '' using (1e6*\$1):(1e15*column('p_echo_n3')) every 4 with points pt 7 ps 0.55 lc rgb blue notitle
GP
gnuplot "$dir/plot.gp"
