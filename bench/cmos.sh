#!/bin/sh
# Transistor circuits with the generic process: what the cells of models/cells do, in plain `ngspice -b`, and gnucap where it is installed.
# Calibrates the transconductor, writes a resonator and a network of four nodes from wanted values alone (cmos.awk), and prints frequency, growth, retrace,
# the squarer's error and the gradient beside the ideal network's. Exit status 1 if a resonator is 10 % off, grows or decays by 0.4 % per period, an echo
# at 10 mV retraces worse than within 5 %, a gradient's cosine is below 0.95, or gnucap differs by 1e-3 of the amplitude.
#     bench/cmos.sh [DIR]     keeps decks and waveforms in DIR; a few minutes
#     bench/cmos.sh calibrate >models/process/generic-ota.csv     the tables of the transconductor alone, and to stderr the squarer in each corner as generic.xml has it; seconds
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
calibrating=
if [ "${1-}" = calibrate ]; then calibrating=1; shift; fi
if [ $# -gt 0 ]; then dir=$1; mkdir -p "$dir"; else dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; fi
cd "$dir"
models=$here/models
T0=2.5e-6                                       # 400 kHz; a pass is 5 periods of 400 samples, after a preset of 100
pass=2000 first=100 stride=4101
squarer=5e-7                                    # bias of the squarers, integrating into 4 pF
: >missed

run() {                                         # run TAG: ngspice on TAG.cir
    ngspice -b "$1.cir" >"$1.log" 2>"$1.err" || true
    if grep -iE 'aborted|singular|too small|^error' "$1.log" "$1.err" | head -5 | grep .; then echo "ngspice failed on $1.cir" >&2; exit 2; fi
}

deck() {                                        # deck TAG NETWORK NAME=VALUE...
    tag=$1 net=$2; shift 2; settings=
    for setting; do settings="$settings -v $setting"; done
    # shellcheck disable=SC2086
    awk -v models="$models" -v T0=$T0 -v periods=5 -v amplitude=1 -v out="$tag.out" -v cint=4e-12 $settings -f "$here/bench/cmos.awk" "$net" >"$tag.cir"
    run "$tag"
}

# Admittances of the transconductor with its polarity switch at 100 kHz, per bias: "Ib gm tau cin go cout"; of the squarer with its switch k, its error at 50 mV, cin, go and cout.
calibrate() {
    biases=$(awk 'BEGIN {for (e = -9; e < -4.6; e += 0.125) printf " %.6g", 10 ^ e}')
    cat >"ota-$1.cir" <<DECK
* transconductor
.include $models/process/generic-$1.lib
.include $models/cells/es_ota.cir
.include $models/cells/es_chopper.cir
.include $models/cells/es_squarer.cir
vdd vdd 0 3.3
vcm vcm 0 1.65
vcn vcn 0 2.1
vcp vcp 0 1.3
vd d 0 dc 0 ac 1
ia vdd iba 1e-6
ib vdd ibb 1e-6
.options reltol=1e-7 abstol=1e-15 vntol=1e-9
is vdd ibs $squarer
it vdd ibt $squarer
eip ip vcm d 0 0.5
ein in vcm d 0 -0.5
eop op vcm 0 0 0.5
eon on vcm 0 0 -0.5
xa ip in ap an iba vcm vcn vcp vdd 0 vdd 0 es_ota
xac ap an op on vdd 0 0 es_chopper
eqp qp vcm d 0 0.5
eqn qn vcm d 0 -0.5
xb vcm vcm bp bn ibb vcm vcn vcp vdd 0 vdd 0 es_ota
xbc bp bn qp qn vdd 0 0 es_chopper
ejp jp vcm d 0 0.5
ejn jn vcm d 0 -0.5
esp sp vcm 0 0 0.5
esn sn vcm 0 0 -0.5
xs jp jn sp sn ibs vcm vcn vcp vdd 0 vdd 0 es_squarer
etp tp vcm d 0 0.5
etn tn vcm d 0 -0.5
xt vcm vcm qsp qsn ibt vcm vcn vcp vdd 0 vdd 0 es_squarer
xtc qsp qsn tp tn vdd 0 0 es_chopper
.control
dc vd 0.01 0.05 0.01
let square=(i(esp)-i(esn))/2/v(d)^2
print square[0] square[4]
foreach b $biases
  alter ia dc = \$b
  alter ib dc = \$b
  ac lin 1 1e5 1e5
  let y21=(i(eop)-i(eon))/2
  let y11=-(i(eip)-i(ein))/2
  let y22=-(i(eqp)-i(eqn))/2
  let s11=-(i(ejp)-i(ejn))/2
  let s22=-(i(etp)-i(etn))/2
  echo bias \$b
  print real(y21) imag(y21) imag(y11) real(y22) imag(y22) imag(s11) imag(s22) real(s22)
end
.endc
.end
DECK
    run "ota-$1"
    awk -v table="$1.cal" -v ib=$squarer '
        $1 == "bias" {b = $2} $2 == "=" {v[$1] = $3}
        $1 == "real(s22)" {w = 6.283185307e5; gm = v["real(y21)"]
            printf "%s %.6e %.6e %.6e %.6e %.6e\n", b, gm, -v["imag(y21)"] / w / gm, v["imag(y11)"] / w, v["real(y22)"], v["imag(y22)"] / w >table}
        END {printf "%.4e %.4e %.4e %.4e %.4e\n", v["square[0]"], v["square[4]"] / v["square[0]"] - 1, v["imag(s11)"] / w, v["real(s22)"], v["imag(s22)"] / w}' "ota-$1.log" >"$1.square"
    printf '\ntransconductor, %s\n%9s %10s %8s %10s %9s %9s %9s\n' "$1" 'bias A' 'gm S' 'gm/bias' 'delay s' 'cin F' 'cout F' 'gm/go'
    awk 'NR % 4 == 1 {printf "%9.2e %10.3e %8.2f %10.2e %9.2e %9.2e %9.0f\n", $1, $2, $2 / $1, $3, $4, $6, $2 / $5}' "$1.cal"
    awk -v ib=$squarer '{printf "squarer at %g A: k %.3e A/V2, %.2f %% off at 50 mV, cin %.2g F, go %.2g S\n", ib, $1, 100 * $2, $3, $4}' "$1.square"
}

# Frequency, growth of the first oscillator's energy in the free pass, and how far the echo is from the free pass, of the state's largest norm.
retrace() {                                     # retrace LABEL TAG LIMIT: resonator (1) or network (0)
    awk -v label="$1" -v K=$pass -v S=$first -v lone="$3" -v limit="$4" '
        NR == 1 {for (i = 1; i <= NF; i++) if ($i ~ /_[vw]$/) column[++m] = i; next}
        {for (j = 1; j <= m; j++) z[NR - 2, j] = $column[j] + 0}
        END {
            for (i = 0; i <= K; i++) {
                s = e = 0
                for (j = 1; j <= m; j++) {s += z[S + i, j] ^ 2; e += (z[S + i, j] - z[S + 2 * K + 1 - i, j]) ^ 2}
                if (s > most) most = s
                if (e > worst) worst = e
                y = log(s); sx += i; sy += y; sxx += i * i; sxy += i * y
                if (i && z[S + i - 1, 1] * z[S + i, 1] < 0) {x = i - 1 + z[S + i - 1, 1] / (z[S + i - 1, 1] - z[S + i, 1]); if (!n++) x0 = x; x1 = x}
            }
            q = K + 1; growth = 100 * (q * sxy - sx * sy) / (q * sxx - sx * sx) / 2 * 400; back = 100 * sqrt(worst / most); f = ((n - 1) / 2 / (x1 - x0) * 400 - 1) * 100
            printf "%-44s", label
            if (lone) printf " f0 %+6.2f %%  growth %+7.4f %% per period ", f, growth
            printf " retrace %.2f %%\n", back
            if (limit && (back > 5 || (lone && (f ^ 2 > 100 || growth ^ 2 > 0.16)))) print label >>"missed"
        }' "$2.out"
}

# Gradient by gm2 of every inductor, -(C_L/gm1) (1/2 beta) int (w+^2 - w-^2)/2 dt: from the waveforms, and from the squarers' last voltages over k/C ($integrator).
gradient() {                                    # gradient NETWORK START STRIDE PLUS.out [MINUS.out]: stride 0 for two files
    awk -v K=$pass -v S="$2" -v stride="$3" -v integrator="${integrator:-0}" -v dt=$T0 '
        FNR == 1 {file++}
        file == 1 {if ($1 == "inductor") {name[++m] = $2; gm1[$2] = $5; cl[$2] = $7} if ($1 == "output") {reads = $3; g = $4} next}
        FNR == 1 {for (i = 1; i <= NF; i++) column[$i] = i; next}
        {for (e = 0; e < 2; e++) if (stride || e == file - 2) {
            i = FNR - 2 - (S + K + 1 + e * stride)
            if (i >= 0 && i <= K) for (j = 1; j <= m; j++) sum[e, j] += $column[name[j] "_w"] ^ 2 * (i == 0 || i == K ? 0.5 : 1) * dt / 400}
         for (j = 1; j <= m; j++) if ((name[j] "_s") in column) last[j] = $column[name[j] "_s"]}
        END {beta = g * cl[reads] / gm1[reads]
            for (j = 1; j <= m; j++) {f = -cl[name[j]] / gm1[name[j]] / 4 / beta; printf "%s %.6e %.6e\n", name[j], f * (sum[0, j] - sum[1, j]), f * last[j] * integrator}}' "$1" "$4" ${5:+"$5"}
}

loss() {                                        # loss TAG: of a free pass from index 0
    awk -v K=$pass -v reads=l4 -v dt=$T0 'NR == 1 {for (i = 1; i <= NF; i++) column[$i] = i; next}
        {i = NR - 2; d = $column[reads "_w"] - $column["y_t"]; if (i <= K) sum += d * d / 2 * (i == 0 || i == K ? 0.5 : 1)} END {printf "%.12e\n", sum * dt / 400}' "$1.out"
}

compare() {                                     # compare LABEL COLUMN SCALE LIMIT <gradient: cosine and norm against the file reference
    paste -d ' ' - reference | awk -v label="$1" -v c="$2" -v scale="$3" -v limit="$4" '
        {x = $c; y = $NF * scale; xy += x * y; xx += x * x; yy += y * y} END {cosine = xy / sqrt(xx * yy)
        printf "%-60s cosine %.4f  norm ratio %.3f\n", label, cosine, sqrt(xx / yy); if (cosine < limit) print label >>"missed"}'
}

cat >resonator <<'NET'
node n1 2e-12
inductor l1 n1 0 5.026548246e-6 5.026548246e-6 2e-12
start n1 0.01
NET
cat >line4 <<'NET'
node n1 2e-12
node n2 2.2e-12
node n3 1.9e-12
node n4 2.1e-12
inductor l1 n1 0 5e-6 5e-6 2e-12
inductor l2 n2 0 4.6e-6 4.6e-6 2e-12
inductor l3 n3 0 5.3e-6 5.3e-6 2e-12
inductor l4 n4 0 4.8e-6 4.8e-6 2e-12
inductor m12 n1 n2 3e-6 3e-6 2e-12
inductor m23 n2 n3 2.6e-6 2.6e-6 2e-12
inductor m34 n3 n4 2.8e-6 2.8e-6 2e-12
drive n1 5e-6
wave x 0.0012 3.7e5
wave x 0.0008 5.1e5
wave y 0.0008 4.2e5
output n4 l4 2e-7
NET

if [ $calibrating ]; then
    echo '# es_ota with es_chopper at its output, at 100 kHz, differential: i = (i_p - i_n)/2 per v = v_p - v_n; made by bench/cmos.sh calibrate'
    echo corner,bias,gm,delay,cin,go,cout
    for proc in level1 bsim3; do
        calibrate $proc >/dev/null
        sed "s/^/$proc,/; s/ /,/g" $proc.cal
        awk -v proc=$proc -v ib=$squarer '{printf "<squarer corner=\"%s\" bias=\"%g uA\" k=\"%g uA/V2\" cin=\"%g fF\" go=\"%g pS\" cout=\"%g fF\" source=\"bench/cmos.sh calibrate\"/>\n", proc, ib * 1e6, $1 * 1e6, $3 * 1e15, $4 * 1e12, $5 * 1e15}' $proc.square >&2
    done
    exit
fi
for proc in level1 bsim3; do calibrate $proc; done

printf '\nresonator: 2 pF, 400 kHz, 5 periods and back\n'
for proc in level1 bsim3; do
    for tune in 1 0; do
        for amplitude in 1 5; do
            deck resonator-$proc resonator cell=cmos proc=$proc cal=$proc.cal echoes=0 amplitude=$amplitude tune=$tune
            retrace "$proc, $((amplitude * 10)) mV, lead $([ $tune = 1 ] && echo tuned || echo none)" resonator-$proc 1 "$([ $tune$amplitude = 11 ] && echo 1)"
        done
    done
done

printf '\nthe same by its bias: gm over three decades\n'
for gm in 1e-8 1e-7 1e-6 3e-6 1e-5; do
    period=$(awk -v gm=$gm 'BEGIN {printf "%.9g", 6.283185307179586 * 2e-12 / gm}')
    awk -v gm=$gm '$1 == "inductor" {$5 = $6 = gm} {print}' resonator >programmed
    T0=$period
    deck programmed programmed cell=cmos proc=bsim3 cal=bsim3.cal echoes=0
    retrace "bsim3, 10 mV, gm $gm S, $(awk -v t="$period" 'BEGIN {printf "%.4g", 1e-3 / t}') kHz" programmed 1 1
    T0=2.5e-6
done

# Thresholds that differ: every transistor of the two transconductors by its own normal deviate of 5 mV um / sqrt(W L) (models/process/generic.xml).
printf '\nthe same with unequal thresholds, 5 mV um: the offsets turn with the polarity\n'
deck equal resonator cell=cmos proc=bsim3 cal=bsim3.cal echoes=0
for seed in 1 2 3 4 5; do
    awk -v seed=$seed 'BEGIN {srand(seed)}
        FNR == NR {if (/^m/) {for (i = 2; i <= NF; i++) {split($i, f, "="); value[f[1]] = f[2]} name[++n] = $1; sigma[n] = 5e-9 / sqrt(value["w"] * value["l"])} next}
        $1 == "run" {for (x = 1; x <= 2; x++) for (i = 1; i <= n; i++)
            printf "alter @m.xl1.x%d.%s[delvto]=%.6g\n", x, name[i], sigma[i] * sqrt(-2 * log(1 - rand())) * cos(6.283185307 * rand())}
        {sub(/^wrdata equal/, "wrdata unequal"); print}' "$models/cells/es_ota.cir" equal.cir >unequal.cir
    run unequal
    retrace "bsim3, 10 mV, seed $seed" unequal 0 1
done

# The ideal network: gradient by central differences of its loss in ngspice, and by its own echoes.
for l in $(awk '$1 == "inductor" {print $2}' line4); do
    for factor in 1.001 0.999; do deck ideal$factor line4 cell=ideal echoes=0 passes=1 "bump=$l:$factor"; done
    { echo "$l"; awk -v l="$l" '$2 == l {print $6}' line4; loss ideal1.001; loss ideal0.999; } | tr '\n' ' ' | awk '{printf "%s %.9e\n", $1, ($3 - $4) / (0.002 * $2)}'
done >reference
deck plus line4 cell=ideal echoes=1
deck minus line4 cell=ideal echoes=-1
printf '\nfour nodes, 7 gyrators trained, flux tracking at n4, nudge 0.2 uS (beta 8.3e-14 F for a loss in V2s): against finite differences of the ideal network\n'
gradient line4 0 0 plus.out minus.out >ideal.gradient
compare 'ideal sources' 2 1 0.999 <ideal.gradient
for proc in level1 bsim3; do
    for amplitude in 1 5; do
        deck line4-$proc line4 cell=cmos proc=$proc cal=$proc.cal echoes=0 amplitude=$amplitude
        retrace "$proc, $((amplitude * 10)) mV" line4-$proc 0 "$([ $amplitude = 1 ] && echo 1)"
    done
done
deck signed-level1 line4 cell=cmos proc=level1 cal=level1.cal echoes=1:-1 nudge=ideal
gradient line4 $first $stride signed-level1.out >level1.gradient
compare 'level1, 10 mV, nudge a source' 2 1 0.95 <level1.gradient
integrator=$(awk '{print 4e-12 / $1}' bsim3.square)
for amplitude in 1 5; do
    deck signed-bsim3 line4 cell=cmos proc=bsim3 cal=bsim3.cal echoes=1:-1 amplitude=$amplitude squarers=$squarer csquarer="$(cut -d ' ' -f 3 bsim3.square)"
    gradient line4 $first $stride signed-bsim3.out >bsim3.gradient
    scale=$((amplitude * amplitude))
    compare "bsim3, $((amplitude * 10)) mV, nudge from transistors, integrals of w^2" 2 $scale 0.95 <bsim3.gradient
    compare "bsim3, $((amplitude * 10)) mV, the squarers' own integrals" 3 $scale 0.95 <bsim3.gradient
done
awk '$2 == "bias" {printf "bias power of the four nodes with squarers and nudge %s W\n", $4}' signed-bsim3.cir

if command -v gnucap >/dev/null; then
    deck resonator-level1 resonator cell=cmos proc=level1 cal=level1.cal echoes=0
    { awk '/^\.control/ {skip = 1} !skip && !/^\.(options|tran|end)/' resonator-level1.cir
      printf '.options method=trap reltol=1e-7 vntol=1e-9 abstol=1e-14 chgtol=1e-18 trtol=1 numdgt=12\n.print tran v(n1p) v(n1n) v(l1q) v(l1r)\n.tran 6.25e-9 2.5625e-5 0 3.125e-9\n.end\n'; } >gnucap.cir
    gnucap -b gnucap.cir >gnucap.out 2>&1
    printf '\nthe Level 1 resonator, gnucap against ngspice\n'
    awk 'function number(s, u) {u = substr(s, length(s)); return s * (u == "n" ? 1e-9 : u == "u" ? 1e-6 : u == "m" ? 1e-3 : 1)}
        NR == FNR {if (NF == 5 && $1 ~ /^[0-9]/) {i = int(number($1) / 6.25e-9 + 0.5); v[i] = number($2) - number($3); w[i] = number($4) - number($5)} else if ($0 ~ /what|error|skipped|open circuit|zero time/) bad = $0; next}
        FNR > 1 {i = int($1 / 6.25e-9 + 0.5)
            if (i in v) {n++; d = sqrt((v[i] - $2) ^ 2 + (w[i] - $3) ^ 2) / 0.01; if (i > 100 && d > most) most = d
                if (i == 1100 || i == 2100 || i == 3100 || i == 4100) printf "at %9.3f us  v %.7f, %.7f  w %.7f, %.7f\n", $1 * 1e6, v[i], $2, w[i], $3}}
        END {printf "%d points differ by at most %.1e of the amplitude %s\n", n, most, bad; if (n < 4100 || most > 1e-3 || bad != "") print "gnucap" >>"missed"}' gnucap.out resonator-level1.out
fi

if [ -s missed ]; then printf '\nmissed:\n'; cat missed; exit 1; fi
