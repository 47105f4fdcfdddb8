#!/bin/sh
# The commands as a user calls them: exit statuses, JSON keys, files, and one clear error for each kind of bad input.
#     tests/cli.sh ECHOSPICE
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
small=$here/small.xml
ring=$root/netlists/ring8.xml

# help and lists
expect 0 'usage' "$echospice" --help
for command in check train evaluate compare sensitivity simulate import modes device list; do
    expect 0 'Example: echospice' "$echospice" $command --help
done
for list in elements coordinates tasks costs rules optimisers schedules settings devices engines schemes; do
    expect 0 '\[' "$echospice" list $list
done
expect 2 'no such list' "$echospice" list nothing
expect 2 'no command' "$echospice" nothing
expect 2 'which FILE' "$echospice" check

# keys KEY...: the JSON object has them
keys() {
    for key in "$@"; do
        expect 0 "\"$key\":" cat "$dir/json"
    done
}

# check
for engine in twin ngspice; do
    expect 0 '"relative_error"' "$echospice" check "$ring" --engine $engine --json --csv "$dir/gradient.csv"
    cp "$dir/out" "$dir/json"
    keys engine scheme rule beta beta_si steps frequency_error exactness retrace_error energy_drift gradient parameters relative_error \
        cosine reference time transient_s total_s
    expect 0 '^17 ' wc -l "$dir/gradient.csv"
done
expect 0 'discrete-adjoint' "$echospice" check "$ring" --engine twin --scheme verlet
expect 0 'falls with order [12][.][09]' "$echospice" check "$root/netlists/rhel6.xml" --continuous
expect 0 'swap-outputs' "$echospice" list reversals
expect 0 'civp-residual .* only ' "$echospice" rules "$ring"
expect 0 'horizon, damping and beta' "$echospice" rules "$ring" --plot "$dir/rules.svg" --csv "$dir/rules.csv"
expect 0 '<svg' cat "$dir/rules.svg"
expect 0 '^damping,1,,rhel,0[.]5' cat "$dir/rules.csv"
expect 2 'expected two files' "$echospice" rules "$ring" --csv "$dir/x" --plot "$dir/x"
expect 2 'cannot be written' "$echospice" rules "$ring" --csv "$dir/none/rules.csv"
expect 0 'not measured: damping, from 0.01: .* verlet cannot step' "$echospice" rules "$root/netlists/xor.xml" --plot "$dir/gap.svg" --csv "$dir/gap.csv"
expect 0 '^beta,.*,,heb-self,' cat "$dir/gap.csv"
expect 0 'solver  ' "$echospice" check "$root/netlists/rhel6.xml" --rule cbvp --beta 1e-6 --tolerance 1e-6 # close to a resonance
expect 0 '"beta_si": null' "$echospice" check "$root/netlists/cbvp.xml" --json
expect 2 'gnuplot' env PATH=/nonexistent "$(realpath "$echospice")" rules "$ring" --plot "$dir/none.svg"
expect 0 '"norm_ratio"' "$echospice" rules "$ring" --engine ngspice --json
cp "$dir/out" "$dir/json"
keys rule admitted boundary passes memory local forward_only relative_error cosine norm_ratio seconds reference
expect 0 'biased: the rule leaves out the residual' "$echospice" check "$ring" --rule civp
expect 0 'retrace  *the rule civp runs no echo' "$echospice" check "$ring" --rule civp
expect 0 'retrace  *the rule cbvp runs no echo' "$echospice" check "$root/netlists/cbvp.xml"
expect 0 '"retrace_error": null' "$echospice" check "$root/netlists/rlc.xml" --json
expect 0 'solver .* iterations' "$echospice" check "$root/netlists/cbvp.xml" --tolerance 1e-6
expect 0 '"iterations"' "$echospice" check "$root/netlists/cbvp.xml" --rule cbvp-periodic-flow --tolerance 1e-6 --json
expect 2 'take engine twin' "$echospice" check "$root/netlists/cbvp.xml" --engine ngspice
expect 2 'take scheme midpoint' "$echospice" check "$root/netlists/cbvp.xml" --scheme verlet
sed 's/rule="gain-flipped"/rule="cbvp" losses="allowed"/' "$root/netlists/damped8.xml" >"$dir/lossy.xml"
expect 2 'conductance "r0" is in no Lagrangian' "$echospice" check "$dir/lossy.xml"
expect 2 'expected rhel, pfvp, civp' "$echospice" check "$ring" --rule nonsense
expect 0 'the gradient changes by' "$echospice" check "$ring" --beta auto
expect 1 'relative error' "$echospice" check "$ring" --beta 0.1 --tolerance 1e-9
expect 0 'biased: adaptive' "$echospice" check "$ring" --engine ngspice --scheme adaptive
expect 2 'expected a number' "$echospice" check "$ring" --beta nan
expect 2 'expected a number' "$echospice" check "$ring" --steps 1
for ring8 in ring8 ring8-gyrator; do # exact where it is promised
    expect 0 'relative error' "$echospice" check "$root/netlists/$ring8.xml" --engine ngspice --beta 1e-4 --tolerance 1e-6
    expect 0 'relative error' "$echospice" check "$root/netlists/$ring8.xml" --engine twin --scheme verlet --beta 1e-4 --tolerance 1e-7
    expect 0 'relative error' "$echospice" check "$root/netlists/$ring8.xml" --engine twin --scheme midpoint --beta 1e-4 --tolerance 1e-7
done
for engine in 'twin --scheme midpoint' 'twin --scheme verlet' ngspice; do # every kind of element and of parameter
    tolerance=$([ "$engine" = ngspice ] && echo 1e-5 || echo 1e-6)
    expect 0 'relative error' "$echospice" check "$root/netlists/nonlinear8.xml" --engine $engine --beta 1e-4 --tolerance $tolerance
    expect 0 'relative error' "$echospice" check "$root/netlists/rhel6.xml" --engine $engine --beta 1e-4 --tolerance $tolerance
done
for engine in twin ngspice; do # linear, with losses
    expect 0 'relative error' "$echospice" check "$root/netlists/rlc.xml" --engine $engine --tolerance 1e-9
    expect 0 'discretised-exact' "$echospice" check "$root/netlists/rlc.xml" --engine $engine
    expect 0 'reciprocal .* 1.0000 ' "$echospice" rules "$root/netlists/rlc.xml" --engine $engine
    expect 0 'rule reciprocal (discretised-exact)' "$echospice" train "$root/netlists/rlc.xml" --engine $engine --epochs 2 --out "$dir/rlc-$engine.db"
    expect 0 'NMSE' "$echospice" evaluate "$dir/rlc-$engine.db" --engine $engine
done
expect 2 'use scheme midpoint' "$echospice" check "$root/netlists/rlc.xml" --scheme verlet
expect 2 'use scheme trapezoidal' "$echospice" check "$root/netlists/rlc.xml" --engine ngspice --scheme adaptive
expect 2 '"gs" (0.02 S) is not reversible' "$echospice" check "$root/netlists/rlc.xml" --rule rhel
sed 's/rule="reciprocal"/rule="rhel" losses="allowed"/' "$root/netlists/rlc.xml" >"$dir/trained-loss.xml"
expect 2 'conductance "gs" (0.02 S) cannot be trained' "$echospice" check "$dir/trained-loss.xml"
expect 0 'discretised-exact' "$echospice" check "$root/netlists/damped8.xml" --beta 1e-5 --tolerance 1e-7
expect 0 'biased by O(h^2)' "$echospice" check "$root/netlists/damped8.xml" --engine ngspice --steps 400 --tolerance 1e-4
expect 2 'losses="allowed"' "$echospice" check "$root/netlists/damped8.xml" --rule rhel
sed 's/points="67"/points="2001"/' "$root/netlists/damped8.xml" >"$dir/faded.xml" # gamma T = 32
expect 0 'not here: gain-flipped: .* is 32, .* does not return' "$echospice" rules "$dir/faded.xml" --engine twin
expect 2 'is 32, .* does not return' "$echospice" check "$dir/faded.xml"
expect 0 'expect .* at .*, off by [0-9.e-]*$' "$echospice" check "$root/netlists/damped8.xml"
for file in $(grep -l '<expect ' "$root"/netlists/*.xml); do # a file's own truth
    for engine in 'twin --scheme midpoint' 'twin --scheme verlet' ngspice; do
        case "$file $engine" in */xor-amplifiers.xml* | */rlc.xml*verlet | */damped8.xml*verlet) continue ;; */rlc.xml*) rule=reciprocal ;; */damped8.xml*) rule=gain-flipped ;; *) rule=rhel ;; esac # it has losses
        expect 0 'expect .* at .*, off by [0-9.e-]*$' "$echospice" check "$file" --rule $rule --engine $engine
    done
done
xor=$root/netlists/xor.xml # parameters that are modes
expect 0 'heb-self .* 1.0000 ' "$echospice" rules "$xor" --csv "$dir/xor.csv" --plot "$dir/xor.svg" # verlet cannot be damped
expect 0 '^beta,.*,heb-self,' cat "$dir/xor.csv"
expect 2 'expected <engine name="twin" scheme="verlet"/>' "$echospice" check "$xor" --engine ngspice
expect 2 'the rule heb-self has no pass beside the free one; take --phase free' "$echospice" simulate "$xor" --phase plus
expect 0 'free pass' "$echospice" simulate "$xor" --engine ngspice
expect 1 '[0-3] of 4 right .*: every output has its target' "$echospice" evaluate "$xor" --at-least 1
expect 0 'test_loss' "$echospice" train "$xor" --out "$dir/xor.db" --json
expect 0 '4 of 4 right' "$echospice" evaluate "$dir/xor.db" --at-least 1
expect 0 '4 of 4 right' "$echospice" evaluate "$dir/xor.db" --at-least 1 --engine ngspice --refine 4
expect 0 '"accuracy": 1.0' "$echospice" evaluate "$dir/xor.db" --json
expect 0 '"expect": \[$' "$echospice" check "$ring" --json
cp "$dir/out" "$dir/json"
keys node quantity time expected value error tolerance step_error pass
expect 0 '"expect": \[\]$' "$echospice" check "$ring" --json --seed 5 # other values
sed 's/2.466324182 nWb/2.466325182 nWb/' "$ring" >"$dir/wrong.xml"
expect 1 'n4 flux at 500 ns: 2.466 nWb, expected 2.466 nWb, off by 4e-07; FAILED' "$echospice" check "$dir/wrong.xml"
expect 1 '"pass": false' "$echospice" check "$dir/wrong.xml" --json --engine ngspice
sed 's/time="588 ns"/time="588.1 ns"/' "$ring" >"$dir/late.xml"
expect 2 'line 23: <expect> at 5.881e-07 s' "$echospice" check "$dir/late.xml"
expect 0 'relative error' "$echospice" check "$small" --engine twin --beta 1e-6 --tolerance 1e-6
expect 0 'relative error' "$echospice" check "$small" --engine ngspice --beta 1e-5 --tolerance 1e-5
expect 1 'relative error' "$echospice" check "$ring" --tolerance 0
expect 2 'less than 1' "$echospice" check "$ring" --beta 1
expect 2 'samples 0 to 1' "$echospice" check "$ring" --sample 7
expect 2 'expected twin or ngspice' "$echospice" check "$ring" --engine spice3
expect 2 'it has midpoint, verlet, conformal or newton' "$echospice" check "$ring" --engine twin --scheme euler

# simulate: the deck runs in the user's own ngspice
expect 0 'free pass: ' "$echospice" simulate "$ring" --engine ngspice --deck "$dir/ring.cir" --out "$dir/wave.csv"
expect 0 'plus pass: ' "$echospice" simulate "$ring" --phase plus --deck "$dir/plus.cir" --out "$dir/wave.raw"
expect 0 'No. Points' head -c 400 "$dir/wave.raw"
expect 0 '"phase": "minus"' "$echospice" simulate "$ring" --phase minus --json
expect 0 'plus pass: ' "$echospice" simulate "$root/netlists/rlc.xml" --phase plus --deck "$dir/reciprocal.cir"
expect 0 'free pass: ' "$echospice" simulate "$root/netlists/rlc.xml" --engine ngspice --scheme adaptive
expect 2 'reciprocal has one pass only beside the free one; take --phase plus' "$echospice" simulate "$root/netlists/rlc.xml" --phase minus
expect 2 'expected free, plus or minus' "$echospice" simulate "$ring" --phase sideways
expect 2 'cannot be written' "$echospice" simulate "$ring" --out "$dir/none/wave.raw"
if command -v ngspice >/dev/null; then
    expect 0 'No. of Data Rows' ngspice -b -r "$dir/user.raw" "$dir/ring.cir"
    expect 0 'No. of Data Rows' ngspice -b -r "$dir/user.raw" "$dir/plus.cir"
    expect 0 'No. of Data Rows' ngspice -b -r "$dir/user.raw" "$dir/reciprocal.cir"
fi

# train, evaluate
expect 0 'run: ' "$echospice" train "$small" --engine twin --epochs 2 --out "$dir/run.db"
expect 2 'is there already' "$echospice" train "$small" --engine twin --epochs 2 --out "$dir/run.db"
expect 2 'begun with 2' "$echospice" train "$small" --epochs 3 --out "$dir/run.db" --resume
expect 2 'leave out' "$echospice" train "$small" --out "$dir/run.db" --resume --engine ngspice
expect 2 'is not the experiment' "$echospice" train "$ring" --out "$dir/run.db" --resume
expect 2 'go on with it by --resume' "$echospice" train "$dir/run.db"
expect 2 'whole number' "$echospice" train "$small" --epochs 2.5 --out "$dir/x.db"
expect 0 'test: ' "$echospice" train "$dir/run.db" --resume
expect 2 'not a run store' "$echospice" train "$small" --out "$small" --resume
expect 0 '"accuracy"' "$echospice" evaluate "$dir/run.db" --json --answers "$dir/answers.csv"
cp "$dir/out" "$dir/json"
keys accuracy loss samples confusion
expect 0 '^7 ' wc -l "$dir/answers.csv"
expect 1 'right' "$echospice" evaluate "$dir/run.db" --at-least 1
expect 0 'ngspice, scheme trapezoidal' "$echospice" evaluate "$dir/run.db" --engine ngspice --refine 2
expect 2 'folds 0 to 1' "$echospice" evaluate "$dir/run.db" --fold 9
expect 0 'modes' "$echospice" modes "$dir/run.db" --json
expect 0 'MHz' "$echospice" modes "$ring"

# a validation part: both losses of every epoch, the best state kept and used by the other commands, an early end
sed 's/optimiser="adam" schedule="cosine" rate="0.05"/optimiser="momentum" rate="0.2" clip="1" validation="0.3" patience="3"/' "$small" >"$dir/guarded.xml"
expect 0 '^epoch 2: training loss .*, accuracy .*; validation loss .*, accuracy ' "$echospice" train "$dir/guarded.xml" --engine twin --epochs 40 --out "$dir/guarded.db"
cp "$dir/out" "$dir/guarded"
expect 0 'kept that of epoch' cat "$dir/guarded"
expect 0 'gradients were clipped' cat "$dir/guarded"
expect 0 '"train_loss"' "$echospice" train "$dir/guarded.db" --resume --json
cp "$dir/out" "$dir/json"
keys run updates clipped kept_epoch train_loss train_accuracy validation_loss validation_accuracy validation_samples test_loss test_accuracy \
    test_samples test_held_out frequency_error exactness engine epochs
epochs=$(grep -c '"epoch":' "$dir/json")
kept=$(sed -n 's/.*"kept_epoch": \([0-9]*\).*/\1/p' "$dir/json")
expect 0 "^$((kept + 3))\$" echo "$epochs"
test_loss=$(sed -n 's/.*"test_loss": \([^,]*\).*/\1/p' "$dir/json")
expect 0 "\"loss\": $test_loss" "$echospice" evaluate "$dir/guarded.db" --json
sed 's/validation="0.3"/validation="0.99"/' "$dir/guarded.xml" >"$dir/none.xml"
expect 2 'none of the 24 training samples is left' "$echospice" train "$dir/none.xml" --out "$dir/none.db"
rm "$dir/none.xml"

# one writer at a time
"$echospice" train "$small" --epochs 200 --out "$dir/busy.db" >"$dir/busy" 2>&1 &
busy=$!
while [ ! -e "$dir/busy.db" ]; do sleep 0.05; done
sleep 0.2
expect 2 'another process' "$echospice" train "$dir/busy.db" --resume
kill $busy
wait $busy

# signals: a stopped training says how to go on
"$echospice" train "$small" --epochs 200 --out "$dir/stopped.db" >"$dir/out" 2>&1 &
sleep 1
kill -TERM $! 2>/dev/null
wait $!
status=$?
mv "$dir/out" "$dir/stopped"
expect 143 'go on with --resume' sh -c "cat '$dir/stopped'; exit $status"

# bad input: one error that says where, exit status 2, nothing written
bad() { # bad PATTERN SED-EXPRESSION: small.xml with a fault
    sed "$2" "$small" >"$dir/bad.xml"
    expect 2 "$1" "$echospice" train "$dir/bad.xml" --out "$dir/bad.db"
    if [ "$(grep -c "^echospice: error" "$dir/out")" -ne 1 ] || [ -e "$dir/bad.db" ]; then
        echo "FAILED: not one error, or a store left behind, for: $2"
        cat "$dir/out"
        failures=$((failures + 1))
    fi
}
bad 'bad.xml:' 's/<\/ring>//'
bad 'bad.xml:[0-9]*.*zero' 's/<capacitor at="node" value="1 pF"/<capacitor at="node" value="zero"/'
bad 'bad.xml:[0-9]*.*-1 pF' 's/value="1 pF"/value="-1 pF"/'
bad 'bad.xml:[0-9]*.*0 pF' 's/value="1 pF"/value="0 pF"/'
bad 'bad.xml:[0-9]*.*1 nH' 's/value="1 pF"/value="1 nH"/'
bad 'bad.xml:[0-9]*.*nan' 's/value="1 pF"/value="nan"/'
bad 'bad.xml:[0-9]*.*inf' 's/value="1 pF"/value="inf"/'
bad 'bad.xml:[0-9]*.*n77' 's/<\/ring>/<\/ring><capacitor name="c" node="n77" value="1 pF"\/>/'
bad 'alone' 's/<\/ring>/<\/ring><node name="alone"\/>/'
bad 'singular' 's/<\/ring>/<\/ring><node name="bare"\/><inductor name="l" node="bare" value="1 uH"\/>/'
bad 'not reversible' 's/<\/ring>/<\/ring><conductance name="loss" node="n1" value="1 uS"\/>/'
bad 'bad.xml:[0-9]*.*999999999' 's/<ring nodes="6"/<ring nodes="999999999"/'
bad 'bad.xml:[0-9]*.*8-bit' 's/name="n"/name="8-bit"/'
bad 'bad.xml:' 's/<experiment/<!DOCTYPE experiment [<!ENTITY a SYSTEM "file:\/\/\/etc\/passwd">]><experiment/'
bad 'bad.xml:' 's/<experiment/<!DOCTYPE experiment [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "\&a;\&a;\&a;\&a;\&a;">]><experiment/'
bad 'bad.xml:[0-9]*.*epochs' 's/epochs="7"/epochs="0"/'
bad 'bad.xml:[0-9]*.*clip = "-1".*expected 0' 's/batch="8"/batch="8" clip="-1"/'
bad 'bad.xml:[0-9]*.*validation = "1".*below 1' 's/batch="8"/batch="8" validation="1"/'
bad 'bad.xml:[0-9]*.*patience = "5".*expected validation' 's/batch="8"/batch="8" patience="5"/'
bad 'needs more than' 's/interval="100 ns"/interval="1 s"/; s/ substeps="4"//'
bad 'no energy' 's/value="0 S +- 3 uS" trainable="yes" min="-20 uS" max="20 uS"/value="0 S"/; s/at="node" channel/at="random" count="1" channel/'
bad 'scheme midpoint' 's/<engine.*/<engine name="twin" scheme="verlet"\/>/; s/<\/ring>/<\/ring><conductance name="loss" node="n1" value="1 uS"\/>/; s/rule="rhel"/rule="rhel" losses="allowed"/'
bad 'expected.*rhel' 's/rule="rhel"/rule="backprop"/'
bad 'needs a class' 's/ class="iy"//'
expect 2 'none.xml' "$echospice" check "$dir/none.xml"
expect 0 'losses' sh -c "sed 's/<\/ring>/<\/ring><conductance name=\"loss\" node=\"n1\" value=\"1 uS\"\/>/; s/rule=\"rhel\"/rule=\"rhel\" losses=\"allowed\"/' '$small' >'$dir/lossy.xml'; '$echospice' check '$dir/lossy.xml' --engine twin"

# recordings that are missing or broken
vowels=$root/netlists/vowels.xml
mkdir "$dir/data"
expect 2 'with --data DIR' "$echospice" train "$vowels" --out "$dir/bad.db"
expect 2 'folds.tsv' "$echospice" train "$vowels" --data "$dir/data" --out "$dir/bad.db"
printf 'file\tclass\tfold_stratified\na.wav\tae\t0\nb.wav\tei\t1\nc.wav\tiy\t1\n' >"$dir/data/folds.tsv"
expect 2 'a.wav' "$echospice" train "$vowels" --data "$dir/data" --out "$dir/bad.db"
printf 'RIFF\044\0\0\0WAVEfmt ' >"$dir/data/a.wav"
expect 2 'a.wav' "$echospice" train "$vowels" --data "$dir/data" --out "$dir/bad.db"
printf 'file\tclass\tfold_stratified\na.wav\t\t0\n' >"$dir/data/folds.tsv"
expect 2 'folds.tsv' "$echospice" train "$vowels" --data "$dir/data" --out "$dir/bad.db"
[ -e "$dir/bad.db" ] && echo "FAILED: a store was left behind" && failures=$((failures + 1))

# series
printf '@classLabel true ae ei iy\n@data\n1,2,3:ae\n3,2,1:ei\n1,1,1:iy\n' >"$dir/data/x_TRAIN.ts"
sed 's/<task.*/<task kind="ts" interval="100 ns" points="3"\/>/' "$small" >"$dir/ts.xml"
expect 2 '0 files end in _TEST.ts' "$echospice" train "$dir/ts.xml" --engine twin --data "$dir/data" --out "$dir/bad.db"
printf '@data\n1,2,3:ae\n3,?,1:ei\n' >"$dir/data/x_TEST.ts"
expect 2 'x_TEST.ts, line 3: .*missing' "$echospice" train "$dir/ts.xml" --engine twin --data "$dir/data" --out "$dir/bad.db"
printf '@data\n1,2,3:ae\n3,2,1:ei\n' >"$dir/data/x_TEST.ts"
expect 0 'of 2 right' "$echospice" train "$dir/ts.xml" --engine twin --data "$dir/data" --epochs 2 --out "$dir/ts.db"
expect 0 'of 3 right' "$echospice" evaluate "$dir/ts.db" --engine twin --fold 1
line=$(grep 'of 3 right' "$dir/out")
printf '@data\n100,2,3:ae\n3,2,-100:ei\n' >"$dir/data/x_TEST.ts" # nothing is fitted to what was tested
expect 0 "$line" "$echospice" evaluate "$dir/ts.db" --engine twin --fold 1

# forecasts: what always tells 0 has the variance as its mean squared error, at T and over the counted time
awk 'BEGIN {for (i = 0; i < 40; i++) print sin(2 * 3.14159265358979 * i / 20)}' >"$dir/data/series.txt"
cat >"$dir/forecast.xml" <<'END'
<experiment name="forecast"><network><node name="a"/><capacitor name="c" node="a" value="1 nF"/>
<inductor name="l" node="a" value="100 uH" trainable="yes" min="1 uH" max="1 mH"/><input name="i" node="a" channel="x" value="0 S"/>
<output name="o" node="a" read="voltage"/></network>
<task kind="forecast" interval="100 ns" points="3" file="series.txt" train="20" target="0.5 V"/>
<learning cost="terminal-voltage" rule="rhel" epochs="1"/><engine substeps="20"/></experiment>
END
sed 's/terminal-voltage/voltage-tracking/' "$dir/forecast.xml" >"$dir/tracking.xml"
for task in forecast tracking; do
    expect 0 'NMSE \(1\|1.00.*\|0.99.*\) over 20 samples' "$echospice" evaluate "$dir/$task.xml" --data "$dir/data"
    expect 0 '"nmse": \(1.00\|0.99\)' "$echospice" evaluate "$dir/$task.xml" --data "$dir/data" --json
done
expect 0 '"nmse": null' "$echospice" evaluate "$dir/ts.db" --json
sed 's/value="0 S"/value="10 mS"/' "$dir/forecast.xml" >"$dir/told.xml"
expect 0 'test, loss .*, NMSE ' "$echospice" train "$dir/told.xml" --data "$dir/data" --out "$dir/told.db"

# states of rest: x = -1 V in the first row; o0 = -1 V 2/4, o1 = 0
cat >"$dir/rest.xml" <<'END'
<experiment name="rest">
  <network>
    <layer name="p" nodes="1"><source at="node" channel="x" value="1"/></layer>
    <layer name="o" nodes="2" from="p"/>
    <conductance name="g0" node="p0" to="o0" value="2 mS" trainable="yes" min="0.1 mS" max="100 mS"/>
    <conductance name="r0" node="o0" value="2 mS" trainable="yes" min="0.1 mS" max="100 mS"/>
    <conductance name="r1" node="o1" value="2 mS"/>
    <output name="y0" node="o0" read="voltage" class="c0"/>
    <output name="y1" node="o1" read="voltage" class="c1"/>
    <expect node="o0" quantity="voltage" time="1 s" value="-0.5 V" tolerance="1e-12"/>
  </network>
  <task kind="csv" train="rest.csv" interval="1 s" points="2" amplitude="1 V"/>
  <learning cost="softmax-voltages" temperature="0.1" rule="ep" beta="1e-4" epochs="20"/>
</experiment>
END
mkdir -p "$dir/rest"
printf '0,1\n1,0\n0,1\n1,0\n' >"$dir/rest/rest.csv"
for engine in twin ngspice; do
    expect 0 'exact at rest' "$echospice" check "$dir/rest.xml" --data "$dir/rest" --engine $engine --tolerance 1e-6
    expect 0 'o0 voltage at 1 s: -500 mV' "$echospice" check "$dir/rest.xml" --data "$dir/rest" --engine $engine
done
expect 0 '"frequency_error": null' "$echospice" check "$dir/rest.xml" --data "$dir/rest" --json
expect 0 'ep-one-sided .* at rest  *2 ' "$echospice" rules "$dir/rest.xml" --data "$dir/rest"
expect 0 '4 of 4 right' "$echospice" train "$dir/rest.xml" --data "$dir/rest" --out "$dir/rest.db"
expect 0 '4 of 4 right' "$echospice" evaluate "$dir/rest.db" --engine ngspice
expect 0 '4 of 4 right' "$echospice" evaluate "$dir/rest.db" --engine ngspice --scheme settle
expect 0 'deck: ' "$echospice" simulate "$dir/rest.xml" --data "$dir/rest" --deck "$dir/rest.cir"
expect 0 'n_o0  *-5.00000' ngspice -b "$dir/rest.cir"
sed 's/rule="ep"/rule="ep-one-sided"/' "$dir/rest.xml" >"$dir/one.xml"
expect 2 'has one pass only beside' "$echospice" simulate "$dir/one.xml" --data "$dir/rest" --phase minus
expect 2 'no mode' "$echospice" modes "$dir/rest.xml"
expect 0 'richardson-in-beta *relative error [0-9.]*e-0[678]' "$echospice" check "$dir/one.xml" --data "$dir/rest" --beta 1e-3
expect 0 'has no steps' "$echospice" check "$dir/rest.xml" --data "$dir/rest" --continuous
expect 0 'against beta: ' "$echospice" rules "$dir/rest.xml" --data "$dir/rest" --engine twin --plot "$dir/rest.svg" --csv "$dir/rest.csv"
expect 0 '^beta,.*,ep,' cat "$dir/rest.csv"
expect 2 'follows transients' "$echospice" check "$dir/rest.xml" --data "$dir/rest" --rule rhel
expect 2 'take the scheme newton' "$echospice" check "$ring" --rule ep

# a FitzHugh-Nagumo cell at rest: x = -1 V in the first row, u^3 / 3 - u + v = x - u, v = u: u = -0.8177
sed -e 's/"rest"/"cell"/; s/rule="ep"/rule="skew-ep"/; /<expect/d' -e 's,<conductance name="r0".*,<nagumo name="n0" node="o0" conductance="2 mS" voltage="1 V"/>\
    <node name="v0"/><skew-coupling name="k0" node="o0" to="v0" value="2 mS"/>\
    <conductance name="r0" node="v0" value="2 mS" trainable="yes" min="0.1 mS" max="100 mS"/>\
    <capacitor name="c0" node="o0" value="1 nF"/><capacitor name="c1" node="o1" value="1 nF"/><capacitor name="cv" node="v0" value="0.1 nF"/>\
    <expect node="o0" quantity="voltage" time="1 s" value="-0.8177316738868234 V" tolerance="1e-12"/>,' "$dir/rest.xml" >"$dir/cell.xml"
for scheme in newton op settle; do
    engine=ngspice; [ $scheme = newton ] && engine=twin
    expect 0 'exact at rest' "$echospice" check "$dir/cell.xml" --data "$dir/rest" --engine $engine --scheme $scheme --tolerance 1e-6
    expect 0 'o0 voltage at 1 s: -817.7' "$echospice" check "$dir/cell.xml" --data "$dir/rest" --engine $engine --scheme $scheme
done
expect 0 '4 of 4 right' "$echospice" train "$dir/cell.xml" --data "$dir/rest" --out "$dir/cell.db"
expect 0 '4 of 4 right' "$echospice" evaluate "$dir/cell.db" --engine ngspice --scheme settle
expect 2 'take rule="skew-ep"' "$echospice" check "$dir/cell.xml" --data "$dir/rest" --rule ep
sed 's/value="0.1 nF"/value="10 uF"/; s/name="g0" node="p0" to="o0" value="2 mS"/name="g0" node="p0" to="o0" value="0.2 mS"/' "$dir/cell.xml" >"$dir/wild.xml"
expect 2 'oscillates' "$echospice" check "$dir/wild.xml" --data "$dir/rest"
expect 2 'short at rest' "$echospice" check "$ring" --rule ep --scheme newton

# what a state of rest is called, and the deck that finds it among others: from x = 0.1 V the cell above, its inhibitor weak, has three
expect 0 'free state of rest: y0 -500 mV, y1 0 V' "$echospice" simulate "$dir/rest.xml" --data "$dir/rest"
sed 's/amplitude="1 V"/amplitude="0.1 V"/; s/to="v0" value="2 mS"/to="v0" value="0.2 mS"/; s/to="o0" value="2 mS"/to="o0" value="0.2 mS"/; /<expect/d' "$dir/cell.xml" >"$dir/three.xml"
expect 0 'free state of rest: y0 -1.6' "$echospice" simulate "$dir/three.xml" --data "$dir/rest" --deck "$dir/three.cir"
expect 0 'n_o0  *-1.6' ngspice -b "$dir/three.cir"
expect 2 'may find such a one where settle does not' "$echospice" check "$dir/three.xml" --data "$dir/rest" --engine ngspice

# amplifiers
amplified=$root/netlists/xor-amplifiers.xml
for scheme in newton op settle; do
    engine=ngspice; [ $scheme = newton ] && engine=twin
    expect 0 'o0 voltage at 1 s: 103.2 mV, expected 103.2 mV, off by [0-9.e-]*$' "$echospice" check "$amplified" --engine $engine --scheme $scheme --tolerance 1e-5
    expect 0 'NMSE 0[.]000' "$echospice" train "$amplified" --engine $engine --scheme $scheme --epochs 100 --out "$dir/amplified-$scheme.db"
    expect 2 'no stable equilibrium\|has not settled' "$echospice" check "$amplified" --engine $engine --scheme $scheme --beta 0.99 # a nudge that outweighs its node
done
expect 0 '4 of 4 right' "$echospice" evaluate "$dir/amplified-newton.db" --engine ngspice --at-least 1

# thermal averages
thermal=$root/netlists/thermal.xml
expect 0 '^without the sampler' "$echospice" simulate "$thermal" --deck "$dir/thermal.cir"
expect 1 '^0$' grep -c nan "$dir/thermal.cir"
for engine in twin ngspice; do
    expect 0 'exact but for the noise' "$echospice" check "$thermal" --engine $engine --tolerance 0.05
    expect 0 'runs no echo' "$echospice" check "$thermal" --engine $engine --rule path-integral --tolerance 0.05
done
expect 0 'contrastive .* thermal ' "$echospice" rules "$thermal"
expect 0 'beta 100, loss' "$echospice" check "$thermal" --rule path-integral --beta 100 --tolerance 0.1
expect 2 'another nudge is another loss' "$echospice" check "$thermal" --beta auto
expect 2 'needs less than 1' "$echospice" check "$thermal" --rule ep --scheme newton
expect 0 'relative error' "$echospice" check "$thermal" --rule ep --scheme newton --beta 1e-4 --tolerance 1e-5
for scale in 1e-9 1e-3; do
    sed "s/interval=\"1 us\"/interval=\"$scale s\"/" "$thermal" >"$dir/short.xml"
    expect 2 'to forget its beginning' "$echospice" check "$dir/short.xml"
done
sed 's/chains="32"/chains="1"/' "$thermal" >"$dir/single.xml"
expect 0 'exact but for the noise' "$echospice" check "$dir/single.xml" --tolerance 0.2
expect 2 'compares chains with each other' "$echospice" check "$dir/single.xml" --rule path-integral
expect 0 '"samplers"' "$echospice" list samplers --json
expect 2 'no sampler' "$echospice" check "$root/netlists/rlc.xml" --rule contrastive
sed 's/kT="1 uW"/kT="0 W"/' "$thermal" >"$dir/cold.xml"
expect 2 'kT = "0 W"' "$echospice" check "$dir/cold.xml"
sed 's/kT="1 uW"/kT="1 uJ"/' "$thermal" >"$dir/cold.xml"
expect 2 'a number in W (watt)' "$echospice" check "$dir/cold.xml"
sed 's/ sampler="co-content"//' "$thermal" >"$dir/cold.xml"
expect 2 'expected sampler' "$echospice" check "$dir/cold.xml"
sed 's/sampler="co-content" kT="1 uW"/sampler="stored-energy" kT="1 pJ"/' "$thermal" >"$dir/cold.xml"
expect 2 'no thermal equilibrium' "$echospice" check "$dir/cold.xml"

# memory devices
for card in "$root"/models/*.xml; do
    expect 0 '"w_max"' "$echospice" device "$card" --devices 10 --pulses 30 --json
done
expect 0 'after 1 year' "$echospice" device "$root/models/pcm.xml" --plot "$dir/pcm.svg" --csv "$dir/pcm.csv"
expect 0 '</svg>' cat "$dir/pcm.svg"
expect 0 '^64 ' wc -l "$dir/pcm.csv" # 62 pulses lead across its window
sed '/<conductance/d; /<programming/d' "$root/models/pcm.xml" >"$dir/relative.xml"
expect 0 'conductance in g_max' "$echospice" device "$dir/relative.xml" --plot "$dir/relative.svg"
expect 2 'nothing to draw' "$echospice" device "$root/models/ideal.xml" --plot "$dir/ideal.svg"
expect 2 'which CARD' "$echospice" device
expect 2 'expected <device>' "$echospice" device "$small"
expect 2 'check the path' "$echospice" device "$dir/missing.xml"
sed 's/source="[^"]*"//' "$root/models/ecram-li.xml" >"$dir/bare.xml"
expect 2 'bare.xml:7: <update>: attribute "source" is missing' "$echospice" device "$dir/bare.xml"
device="$root/models/reram-sb.xml --device-use accumulate --pair --refresh 3"
expect 0 'a pair of devices reram-sb' "$echospice" train "$small" --engine twin --out "$dir/held.db" --device $device
expect 2 'leave out' "$echospice" train "$dir/held.db" --resume --device "$root/models/pcm.xml"
expect 0 '"pulses": [1-9]' "$echospice" train "$dir/held.db" --resume --json
expect 0 '"accuracy"' "$echospice" evaluate "$dir/held.db" --device "$root/models/pcm.xml" --after 86400 --json
expect 0 'pcm.xml, read 86400 s after' "$echospice" evaluate "$dir/held.db" --device "$root/models/pcm.xml" --after 86400
expect 2 'says nothing of time' "$echospice" evaluate "$dir/held.db" --device "$root/models/capacitor.xml" --after 86400
expect 2 'name a card' "$echospice" evaluate "$dir/held.db" --after 86400
expect 2 'add --pair' "$echospice" train "$small" --engine twin --out "$dir/none.db" --device "$root/models/reram-sb.xml" --refresh 3
expect 2 'name a card' "$echospice" train "$small" --engine twin --out "$dir/none.db" --pair
expect 2 'expected pulses or accumulate' "$echospice" train "$small" --device "$root/models/pcm.xml" --device-use slowly
expect 2 'none.db' ls "$dir/none.db"
# the circuit as made
gyrators=$root/netlists/ring8-gyrator.xml
expect 0 'q-parallel .* ideal inf' "$echospice" list nonidealities
expect 0 '"ideal": null' "$echospice" list nonidealities --json
expect 0 'biased: the network has losses' "$echospice" check "$gyrators" --chip q-parallel=100
expect 0 'chip .* w0 = .*rad/s' "$echospice" check "$gyrators" --chip q-parallel=100
expect 0 'discretised-exact' "$echospice" check "$gyrators" --chip capacitor-mismatch=0.05 --tolerance 1e-6
expect 0 'biased: flip-gain and integral-bits' "$echospice" check "$gyrators" --chip integral-bits=12,flip-gain=1e-3
sed 's/<learning /<learning reversal="swap-outputs" /' "$gyrators" >"$dir/swap.xml"
expect 0 "biased: of a trained transconductor's offset" "$echospice" check "$dir/swap.xml" --chip offset=5mV
expect 1 'biased' "$echospice" check "$gyrators" --chip flip-gain=0.01 --tolerance 1e-3 --engine ngspice
expect 0 '"rhel"' "$echospice" rules "$gyrators" --engine twin --chip flip-jitter=1ns --json
expect 0 'deck' "$echospice" simulate "$gyrators" --chip q-parallel=100,output-bits=8,flip-gain=0.01 --phase plus --deck "$dir/chip.cir"
expect 0 '^r_parallel' cat "$dir/chip.cir"
expect 0 '^[*] chip: output-bits = 8 bit, in no deck' cat "$dir/chip.cir"
expect 0 'test: ' "$echospice" train "$small" --epochs 1 --chip capacitor-mismatch=0.02,flip-gain=0.01 --out "$dir/chip.db"
expect 0 'biased: flip-gain' "$echospice" evaluate "$dir/chip.db" # the store knows its chip
expect 0 'accuracy\|loss' "$echospice" evaluate "$dir/chip.db" --chip ''
expect 2 'leave out' "$echospice" train "$small" --out "$dir/chip.db" --resume --chip flip-gain=0.02
expect 2 'q-paralell=3: there is no such nonideality; expected capacitor-mismatch' "$echospice" check "$gyrators" --chip q-paralell=3
expect 2 'expected KEY=VALUE' "$echospice" check "$gyrators" --chip q-parallel
expect 2 'flip-jitter: a flip would be' "$echospice" check "$gyrators" --chip flip-jitter=1
expect 2 'offset=2 kg: .*expected a number in V' "$echospice" check "$gyrators" --chip 'offset=2 kg'
expect 2 'q-parallel=-3: expected 0.001 to 1e+15, or inf' "$echospice" check "$gyrators" --chip q-parallel=-3
expect 2 'flip-gain=inf' "$echospice" check "$gyrators" --chip flip-gain=inf
expect 2 'is there twice' "$echospice" check "$gyrators" --chip flip-gain=0.1,flip-gain=0.2
expect 2 'saturation: network .* has no linear gyrator' "$echospice" check "$ring" --chip saturation=1
expect 2 'compensation: .* has no loss' "$echospice" check "$gyrators" --chip compensation=0.5
expect 2 'noise-temperature: .* has no conductance' "$echospice" check "$gyrators" --chip noise-temperature=300
expect 2 'flip-gain would be left out' "$echospice" rules "$gyrators" --chip flip-gain=0.01 --csv "$dir/x.csv"
expect 2 'compares states of rest' "$echospice" check "$root/netlists/iris.xml" --chip capacitor-mismatch=0.1
expect 2 'runs no passes, on which flip-gain' "$echospice" check "$root/netlists/cbvp.xml" --chip flip-gain=0.1
expect 2 'follow\|leave one' "$echospice" check "$gyrators" --chip saturation=1,excess-phase=0.01

# sensitivity
few="--engine twin --samples 30 --gradient-samples 1 --chips 2"
expect 0 'accuracy -2 SE' "$echospice" sensitivity "$small" $few --only q-parallel,flip-gain,noise-temperature,output-bits,offset --jobs 1 --csv "$dir/s1.csv"
cp "$dir/out" "$dir/s1"
expect 0 'noise-temperature left out: ' "$echospice" sensitivity "$small" $few --only q-parallel,flip-gain,noise-temperature,output-bits,offset --jobs 2 --csv "$dir/s2.csv"
cp "$dir/out" "$dir/s2"
expect 0 'same' sh -c "cmp '$dir/s1' '$dir/s2' && cmp '$dir/s1.csv' '$dir/s2.csv' && echo same"
expect 0 '^q-parallel,,inf,cosine_0.99,training,found,' cat "$dir/s1.csv"
expect 0 '^flip-gain,,0,loss_10_percent,use,none,,,no,no' cat "$dir/s1.csv"
expect 0 '^21 ' wc -l "$dir/s1.csv" # a line of titles, and 5 nonidealities with 4 limits
expect 0 '"samples": 30' "$echospice" sensitivity "$small" $few --only noise-temperature --chip q-series=50 --json
cp "$dir/out" "$dir/json"
keys network trained engine scheme rule acting epochs chips seed samples gradient_samples cosine loss loss_unit accuracy standard_error tolerance nonidealities \
    nonideality unit ideal why reach magnitude spread fails returns cosine_0.99 cosine_0.9 loss_10_percent accuracy_2_errors
expect 0 'output-bits  *min .* bit' cat "$dir/s1"
expect 0 'page' sh -c "! grep -E '.{81}' '$dir/s1' && echo page" # of 80 columns
expect 0 'of 2 training samples' "$echospice" sensitivity "$ring" --engine twin --only q-parallel # it has no more
expect 0 'capacitor-area  *min .* um2' "$echospice" sensitivity "$small" $few --only capacitor-area
expect 0 '30 test samples, fewer than 1000' "$echospice" sensitivity "$small" $few --only flip-gain
expect 0 'flip-gain .* training .*\|both' "$echospice" sensitivity "$small" $few --only flip-gain --acting both --epochs 1
expect 0 'in use\|used on' "$echospice" list acting
expect 0 'noise-temperature left out: .*the rule contrastive' "$echospice" sensitivity "$root/netlists/thermal.xml" --engine twin --gradient-samples 1 --only noise-temperature
expect 0 ' nV!  .* nV!  .* nV!' "$echospice" sensitivity "$root/netlists/cbvp.xml" --engine twin --gradient-samples 1 --chips 1 --only offset
expect 2 'expected use, training or both' "$echospice" sensitivity "$small" --acting never
expect 2 'nothing is trained with --acting use' "$echospice" sensitivity "$small" --epochs 3
expect 2 '"colour" is no nonideality' "$echospice" sensitivity "$small" --only offset,colour
expect 2 'chips=0' "$echospice" sensitivity "$small" --chips 0
expect 2 'samples=0' "$echospice" sensitivity "$small" --samples 0
expect 2 'compares states of rest' "$echospice" sensitivity "$dir/rest.xml" --data "$dir/rest"
expect 2 'expected a number\|not a number' "$echospice" sensitivity "$small" --chip q-series=high
expect 2 'cannot be written' "$echospice" sensitivity "$small" --csv "$dir/nowhere/s.csv"
expect 143 'stopped' timeout --foreground --preserve-status -s TERM 2 "$echospice" sensitivity "$small" --engine twin --samples 30 # one signal: a second one ends it at once

# compare
cards=$root/models
few="--engine twin --seeds 2 --epochs 2"
expect 0 'accuracy' "$echospice" compare "$small" $few --device "none,$cards/ecram-li.xml" --sweep beta=1e-3:1e-2:2log
expect 0 '"ended": 8' "$echospice" compare "$small" $few --device "none,$cards/ecram-li.xml" --sweep beta=1e-3:1e-2:2log --json --csv "$dir/c.csv" \
    --plot "$dir/c" --out "$dir/c.db"
cp "$dir/out" "$dir/json"
keys conditions device key value unit trials measures mean deviation count each test_loss test_accuracy start_cosine end_cosine start_norm_ratio \
    retrace pulses update_energy inference_energy training_loss failed seeds folds gradient_samples reference
for picture in conditions curves beta; do
    expect 0 '<svg' cat "$dir/c-$picture.svg"
done
expect 0 '^9 ' wc -l "$dir/c.csv" # a line of titles, and 4 conditions with 2 seeds
expect 0 '"ended": 12' "$echospice" compare "$small" $few --device "none,$cards/ecram-li.xml" --sweep beta=1e-3:1e-2:2log --cross --json
expect 0 'ecram-li+accumulate+pair ' "$echospice" compare "$small" $few --device "$cards/ecram-li.xml+accumulate+pair"
grep '^"[^"]*ecram' "$dir/c.csv" >"$dir/first" # whatever else is compared
"$echospice" compare "$small" $few --device "$cards/reram-es.xml,$cards/ecram-li.xml" --csv "$dir/c.csv" >"$dir/out" 2>&1
grep '^"[^"]*ecram' "$dir/c.csv" >"$dir/second"
expect 0 '' diff -s "$dir/first" "$dir/second"
pulses=$("$echospice" train "$small" --engine twin --epochs 2 --seed 2 --device "$cards/ecram-li.xml" --json --out "$dir/c2.db" | sed -n 's/^  "pulses": \([0-9]*\).*/\1/p')
expect 0 ",,,2,0,.*,$pulses,,,\"\"" cat "$dir/first"
chip=q-parallel=100,flip-gain=0.01,capacitor-mismatch=0.05
expect 0 'per inference' "$echospice" compare "$small" $few --chip $chip --sweep q-parallel=100:10:2log --sweep offset=1mV:10mV:2 --csv "$dir/c.csv"
base=$(sed -n '3s/^"none",,,,//p' "$dir/c.csv")
expect 0 ",100,,$base" grep '"none",q-parallel,100,,2' "$dir/c.csv" # what is swept takes the place of what the base has
loss=$("$echospice" train "$small" --engine twin --epochs 2 --seed 2 --chip $chip --json --out "$dir/c3.db" | sed -n 's/^  "test_loss": \([^,]*\).*/\1/p')
expect 0 "^2,0,$(printf '%.10s' "$loss")" echo "$base" # printed by two libraries, with one digit more or less at the end
expect 0 'failed: noise-temperature = 300 K, seed 2: .* has no conductance' "$echospice" compare "$small" $few --sweep noise-temperature=300:300:1
expect 2 'no training succeeded' "$echospice" compare "$small" $few --chip noise-temperature=300 --csv "$dir/c4.csv" --plot "$dir/c4"
expect 0 '^3 ' wc -l "$dir/c4.csv"
expect 2 'compensation: .* has no loss' "$echospice" compare "$small" --sweep compensation=0.5:0.5:1
expect 2 '^echospice: error: --sweep q-parallel=-1:2:3: .*q-parallel=-1: expected 0.001' "$echospice" compare "$small" --sweep q-parallel=-1:2:3
expect 2 'q-paralell=3: there is no such nonideality' "$echospice" compare "$small" --chip q-paralell=3
expect 2 'was begun with --seeds "2", not "3"' "$echospice" compare "$small" --engine twin --seeds 3 --epochs 2 --device "none,$cards/ecram-li.xml" \
    --sweep beta=1e-3:1e-2:2log --out "$dir/c.db"
expect 2 'was begun with --sweep' "$echospice" compare "$small" $few --device "none,$cards/ecram-li.xml" --sweep beta=1e-3:1e-2:3log --out "$dir/c.db"
sed 's/0.3 uS/0.31 uS/' "$small" >"$dir/other.xml"
expect 2 'another text of experiment' "$echospice" compare "$dir/other.xml" $few --device "none,$cards/ecram-li.xml" --sweep beta=1e-3:1e-2:2log --out "$dir/c.db"
expect 2 'another command' "$echospice" evaluate "$dir/c.db"
expect 2 'not the store of a comparison' "$echospice" compare --out "$small"
expect 2 'no such file' "$echospice" compare --out "$dir/nothing.db"
expect 2 'nowhere/c.db: cannot be written: No such file' "$echospice" compare "$small" $few --out "$dir/nowhere/c.db"
cp "$dir/c2.db" "$dir/c2.copy"
expect 2 'another command' "$echospice" compare "$small" $few --out "$dir/c2.db"
expect 0 'identical' diff -s "$dir/c2.db" "$dir/c2.copy"
for option in "--seeds 3" "--seed 3" "--engine ngspice" "--jobs 2" --cross "--gradient-samples 2" "--chip offset=1mV"; do
    expect 2 'give FILE to go on' "$echospice" compare --out "$dir/c.db" $option
done
expect 2 'expected at most 10000000 epochs' "$echospice" compare "$small" --epochs 1e5 --seeds 1e4
expect 2 'a name is missing' "$echospice" compare "$small" --device none,
expect 2 'cannot be written' "$echospice" compare "$small" --plot "$dir/nowhere/c" --epochs 1e5 --engine ngspice # before it trains
expect 0 'per inference' "$echospice" compare "$small" $few --device "none,$cards/ideal.xml,$cards/ecram-li.xml" --sweep transconductor-mismatch=0.1:0.1:1 --cross \
    --chip q-parallel=100 --csv "$dir/c.csv"
cp "$dir/out" "$dir/table"
expect 0 '^fits$' awk '/^condition/ {on = 1} on && length > most {most = length} END {if (most > 70 && most <= 80) print "fits"}' "$dir/table"
expect 0 '^4 4 4 4 $' awk -F, '/ideal/ {printf $15 == "" ? 4 : 0; printf " "}' "$dir/c.csv" # what takes any value needs no pulses
expect 2 'expected an experiment' "$echospice" compare "$dir/c.db"
expect 2 'cannot be swept; expected' "$echospice" compare "$small" --sweep colour=1:2:2
for sweep in beta beta=1e-3 beta=1e-3:1e-2 beta=1e-3:1e-2:0 beta=1e-3:1e-2:-1 beta=1e-3:1e-2:2.5 beta=1e-3:1e-2:2lin beta=1e-3:1e-3:2 beta=1e-3:1e-2:1; do
    expect 2 'e.g. --sweep' "$echospice" compare "$small" --sweep $sweep
done
expect 2 'values > 0 for equal factors' "$echospice" compare "$small" --sweep beta=-1e-3:1e-2:2log
expect 2 'between 0 and 1' "$echospice" compare "$small" --sweep beta=0:0.5:2
expect 2 'not a number' "$echospice" compare "$small" --sweep beta=small:0.5:2
expect 2 'swept already' "$echospice" compare "$small" --sweep beta=1e-3:1e-2:2 --sweep beta=0.1:0.2:2
expect 2 'seeds=0' "$echospice" compare "$small" --seeds 0
expect 2 'epochs=0' "$echospice" compare "$small" --epochs 0
expect 2 'nothing.xml' "$echospice" compare "$small" --device none,nothing.xml
expect 2 'is there twice' "$echospice" compare "$small" --device none,none
expect 2 'expected accumulate, pair or refresh' "$echospice" compare "$small" --device "$cards/ecram-li.xml+often"
expect 2 'expected accumulate, pair or refresh' "$echospice" compare "$small" --device "$cards/pcm.xml+refresh=0"
expect 2 'has no test part' "$echospice" compare "$ring"
expect 2 'cannot be written' "$echospice" compare "$small" --csv "$dir/nowhere/c.csv"

if [ -n "${ES_SHARED_DATA:-}" ]; then
    italy=$ES_SHARED_DATA/ItalyPowerDemand
    expect 0 'of 1029 right' "$echospice" train "$root/netlists/italy.xml" --data "$italy" --epochs 20 --out "$dir/italy.db"
    expect 0 'of 1029 right' "$echospice" evaluate "$dir/italy.db" --at-least 0.9
    sed 's/<grid rows/<input name="second" node="n0" channel="other" value="1 mS"\/><grid rows/; s/<\/grid>/<\/grid><input name="other" node="n0" channel="other" value="1 mS"\/>/' "$vowels" >"$dir/two.xml"
    expect 2 '2 input channels' "$echospice" evaluate "$dir/two.xml" --data "$ES_SHARED_DATA/vowels_ae_ei_iy/m01ae.wav"
    expect 0 'm01ae.wav: ' "$echospice" evaluate "$vowels" --data "$ES_SHARED_DATA/vowels_ae_ei_iy/m01ae.wav"
else
    echo "SKIP: real recordings (ES_SHARED_DATA is not set)"
fi

echo "command line: $cases cases, $failures failed"
[ $failures -eq 0 ]
