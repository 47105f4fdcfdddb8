#!/bin/sh
# The decks of --testbench prove themselves in plain ngspice, without any file beside them; with any one fault in the hardware they do not.
#     tests/testbench.sh ECHOSPICE
set -u
echospice=$1
here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
failures=0
cases=0

# run STATUS NAME DECK: by itself in an empty directory
run() {
    rm -rf "$dir/alone"
    mkdir "$dir/alone"
    cp "$3" "$dir/alone/deck.cir"
    (cd "$dir/alone" && HOME=$dir/alone timeout 30 ngspice -b deck.cir) >"$dir/log" 2>&1 </dev/null
    got=$?
    cases=$((cases + 1))
    if [ $got -ne "$1" ]; then
        echo "FAILED: $2: ngspice's status $got, expected $1"
        tail -8 "$dir/log" | sed 's/^/  | /'
        failures=$((failures + 1))
    fi
}

# deck NAME EXPERIMENT TECHNOLOGY REVERSAL [STEPS]
deck() {
    if ! "$echospice" netlist "$2" --technology "$3" --testbench="$4" --steps "${5:-1000}" >"$dir/$1.cir"; then
        echo "FAILED: no testbench of $2 as $3 by $4"
        failures=$((failures + 1))
    fi
}

# fault NAME DECK SED-SCRIPT: which has to change the deck
fault() {
    sed "$3" "$dir/$2.cir" >"$dir/fault.cir"
    if cmp -s "$dir/$2.cir" "$dir/fault.cir"; then
        echo "FAILED: the fault '$1' is nowhere in the deck"
        failures=$((failures + 1))
    fi
    run 1 "$1" "$dir/fault.cir"
}

deck plates "$root/netlists/ring8.xml" lc-differential flip-voltages
deck polarity "$root/netlists/ring8.xml" gyrator-differential swap-outputs
deck mesh "$root/netlists/ring8.xml" mesh-differential swap-outputs
deck every "$here/testbench.xml" gyrator-differential swap-outputs
deck every-plates "$here/testbench.xml" gyrator-differential flip-voltages
sed 's/points="150"/points="40"/' "$here/small.xml" >"$dir/energies.xml"
deck energies "$dir/energies.xml" gyrator-differential swap-outputs
deck energies-plates "$dir/energies.xml" gyrator-differential flip-voltages
# Names that differ from others, and from the testbench's cells and nodes, by case or by what is added to them; and an element that no signal reaches.
sed 's/name="testbench"/name="Gate"/; s/"drive2"/"gyrator_n0_p"/; s/"signal2"/"SIGNAL_p"/; s/name="drive"/name="Drive"/; s/"signal"/"Signal"/; s/<ring nodes="4" name="n"/<ring nodes="4" name="N"/; s/node="n/node="N/; s/to="n/to="N/' \
    "$here/testbench.xml" >"$dir/names.xml"
deck names "$dir/names.xml" gyrator-differential swap-outputs
sed 's|<input |<node name="alone"/><capacitor name="ca" node="alone" value="1 nF"/><inductor name="la" node="alone" value="1 uH" trainable="yes" min="0.1 uH" max="10 uH"/><input |' \
    "$root/netlists/ring8.xml" >"$dir/alone.xml"
deck alone "$dir/alone.xml" lc-differential flip-voltages
# The product of this input and its flux changes sign: its integral is a two-hundredth of what both make in step.
sed 's|value="1 mS"/>|value="1 mS" trainable="yes" min="0.1 mS" max="10 mS"/>|' "$root/netlists/ring8.xml" >"$dir/product.xml"
deck product "$dir/product.xml" lc-differential flip-voltages
for name in plates polarity mesh every every-plates energies energies-plates names alone product; do
    run 0 "$name" "$dir/$name.cir"
done

fault 'a capacitor 1e-4 off' plates 's/^c_capacitor_n3 \(.*\) 9.849/c_capacitor_n3 \1 9.850/'
fault 'plates that are not swapped' plates 's/^x_swap_capacitor_n3 \(.*\) ck chopper/x_swap_capacitor_n3 \1 vgnd chopper/'
fault 'a nudge of the wrong sign' plates 's/^gn_plus_out4 \(.*\) -/gn_plus_out4 \1 /'
fault 'no nudge' plates '/^gn_/d'
fault 'a clock that stands' plates 's/^v_ck ck 0 .*/v_ck ck 0 0\nv_no no 0 pwl(/'
fault 'an integrator 1e-3 off' plates 's/^rs_inductor_n0_n1 \(.*\) 1000$/rs_inductor_n0_n1 \1 1001/'
fault 'another gradient' plates 's/^let expected = -3.50/let expected = -4.20/'
fault 'a transient that ends early' plates 's/^tran \([^ ]*\) [^ ]*/tran \1 1e-6/'
fault 'a transient that fails' plates 's/^v_ck ck/v_bad ck 0 1\n&/'
fault 'a cell that is missing' plates 's/^.subckt gate/.subckt fence/'
fault 'a drive that is not reversed' polarity 's/^\(x_gi_drive .*\) ck chopper/\1 vgnd chopper/'
fault 'a transconductor that is not reversed' polarity 's/^\(x_g1_inductor_n0 .*\) ck chopper/\1 vgnd chopper/'
fault 'a nudge capacitor that is there from the start' energies 's/^\(x_gate_plus_output_n0 .*\) ck gate/\1 one gate\nv_one one 0 1/'
fault 'an offset' polarity 's/^g1_inductor_n0 .*/&\ni_offset vgnd w_inductor_n0_p 1e-6/'

refuse() { # PATTERN ARGUMENTS...
    pattern=$1
    shift
    "$echospice" netlist "$@" >"$dir/log" 2>&1
    got=$?
    cases=$((cases + 1))
    if [ $got -ne 2 ] || ! grep -q -- "$pattern" "$dir/log"; then
        echo "FAILED: $*: status $got, pattern '$pattern' in: $(head -3 "$dir/log")"
        failures=$((failures + 1))
    fi
}
ring=$root/netlists/ring8.xml
refuse 'take a differential --technology' "$ring" --technology lc --testbench
refuse 'has no transconductors' "$ring" --technology lc-differential --testbench=swap-outputs
refuse 'has no circuit' "$ring" --technology gyrator-differential --testbench=flip-fluxes
refuse 'is run by ngspice' "$ring" --technology lc-differential --testbench --dialect gnucap
sed 's|voltage="0.1 V"/>|voltage="0.1 V"><train quantity="voltage" min="-1 V" max="1 V"/></initial>|' "$ring" >"$dir/start.xml"
refuse 'for which a testbench has no integrator' "$dir/start.xml" --technology lc-differential --testbench
refuse 'a testbench runs two echoes' "$root/netlists/rlc.xml" --technology lc-differential --testbench
sed 's/cost="flux-tracking"/cost="voltage-tracking"/; s/read="flux"/read="voltage"/; s/target="2 nWb"/target="0.1 V"/' "$ring" >"$dir/voltages.xml"
refuse 'reads a voltage that has a target' "$dir/voltages.xml" --testbench
sed 's/<task /<task from="98 ns" /' "$ring" >"$dir/window.xml"
sed 's|<input .*|<node name="alone"/><capacitor name="ca" node="alone" value="1 nF"/><input name="drive" node="alone" channel="signal" value="1 mS"/>|; s/trainable="yes" min="0.2 uH" max="20 uH"//' "$ring" |
    sed 's|<input |<inductor name="la" node="alone" value="1 uH" trainable="yes" min="0.1 uH" max="10 uH"/><input |' >"$dir/nothing.xml"
refuse 'the gradient of this sample is 0' "$dir/nothing.xml" --testbench
refuse 'evenly along the pass' "$dir/window.xml" --testbench
refuse 'the ideal circuit' "$ring" --technology lc-differential --testbench --chip capacitor-mismatch=1e-3

echo "$cases cases, $failures failures"
[ $failures -eq 0 ]
