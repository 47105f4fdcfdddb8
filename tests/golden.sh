#!/bin/sh
# Netlists in dialects that are not executed here: the files in tests/golden, which were reviewed line by line (tests/golden/README.md), are what echospice
# writes; and each, read back by tests/golden/read.awk, is the circuit that it writes for ngspice, part by part, in these and in larger networks.
#     tests/golden.sh ECHOSPICE [write]   `write` makes the files anew: review what has changed
set -u
echospice=$(realpath "$1")
cd "$(dirname "$0")/golden" || exit 1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
failures=0
cases=0
LC_ALL=C
export LC_ALL

fail() {
    echo "FAILED: $*"
    failures=$((failures + 1))
}

# netlist OUTPUT EXPERIMENT ARGUMENTS...
netlist() {
    output=$1
    shift
    cases=$((cases + 1))
    "$echospice" netlist "$@" >"$output" 2>"$dir/error" || fail "$*: $(cat "$dir/error")"
}

# read_back NETLIST DIALECT [-v NAME=VALUE]...: into NETLIST.parts and NETLIST.shows
read_back() {
    file=$1
    dialect=$2
    shift 2
    cases=$((cases + 1))
    awk -v dialect="$dialect" -v shows="$file.shows" "$@" -f read.awk "$file" >"$file.unsorted" 2>"$dir/error" || fail "$file: $(head -5 "$dir/error")"
    sort "$file.unsorted" >"$file.parts"
}

# equal A B WHAT
equal() {
    cases=$((cases + 1))
    if [ ! -s "$1" ] || ! cmp -s "$1" "$2"; then
        fail "$3 differ:"
        diff "$1" "$2" | head -6 | sed 's/^/  | /'
    fi
}

# compare EXPERIMENT ARGUMENTS...: one circuit in the three dialects that simulate
compare() {
    for d in ngspice xyce spectre; do
        netlist "$dir/$d" "$@" --dialect $d
        read_back "$dir/$d" $d
        equal "$dir/ngspice.parts" "$dir/$d.parts" "$*: ngspice and $d"
    done
    equal "$dir/xyce.shows" "$dir/spectre.shows" "$*: what xyce and spectre show"
}

# made PROCESS EXPERIMENT ARGUMENTS...: devices, in Xyce one by one, and in CDL those of the simulation
made() {
    process=$1
    shift
    netlist "$dir/ngspice" "$@" --process "$process"
    netlist "$dir/xyce" "$@" --process "$process" --dialect xyce
    netlist "$dir/cdl" "$@" --process "$process" --flavour lvs --dialect cdl
    read_back "$dir/ngspice" ngspice -v as=xyce
    cp "$dir/ngspice.parts" "$dir/single.parts"
    read_back "$dir/ngspice" ngspice -v as=lvs
    read_back "$dir/xyce" xyce
    read_back "$dir/cdl" cdl -v as=lvs
    equal "$dir/single.parts" "$dir/xyce.parts" "$process, $*: ngspice and xyce"
    equal "$dir/ngspice.parts" "$dir/cdl.parts" "$process, $*: the simulation and CDL"
}

# golden FILE EXPERIMENT ARGUMENTS...
golden() {
    file=$1
    shift
    [ "$write" ] && netlist "$file" "$@"
    netlist "$dir/golden" "$@"
    equal "$file" "$dir/golden" "$file and what echospice writes"
}
write=${2:-}

for d in xyce spectre; do
    golden linear.$d linear.xml --dialect $d
    golden coupled.$d coupled.xml --technology lc-differential --dialect $d
    golden mesh.$d made.xml --technology mesh --dialect $d
    golden curves.$d curves.xml --dialect $d
    golden rest.$d rest.xml --dialect $d
done
golden gyrator.spectre made.xml --technology gyrator-differential --dialect spectre
for process in sky130 gf180mcu ihp-sg13g2; do
    golden $process.xyce made.xml --technology mesh --process $process --dialect xyce
    golden $process.cdl made.xml --technology mesh --process $process --flavour lvs --dialect cdl
done

compare linear.xml
compare coupled.xml --technology lc-differential
compare curves.xml
compare rest.xml
for technology in lc lc-differential gyrator gyrator-differential mesh mesh-differential; do
    compare ../../netlists/ring8.xml --technology $technology
done
compare ../../netlists/demo.xml --technology lc-differential
grep -q '^+ n_' "$dir/xyce" && grep -q '^\*.PININFO n_.*\|^+ v(' "$dir/xyce" && grep -q '^+ n_' "$dir/spectre" || fail "no line of demo.xml is continued"
compare ../../netlists/nonlinear8.xml
compare ../../netlists/xor-amplifiers.xml
for process in sky130 gf180mcu ihp-sg13g2 generic; do
    made $process made.xml --technology mesh
    made $process ../../netlists/ring8.xml --technology mesh-differential
done

# What a dialect cannot express is refused.
refuse() { # PATTERN ARGUMENTS...
    pattern=$1
    shift
    cases=$((cases + 1))
    "$echospice" netlist "$@" >"$dir/out" 2>&1
    [ $? -eq 2 ] && grep -q -- "$pattern" "$dir/out" || fail "$*: expected status 2 and '$pattern', and not: $(head -2 "$dir/out")"
}
refuse 'take --dialect ngspice or cdl' made.xml --technology mesh --flavour lvs --dialect xyce
refuse 'take --dialect ngspice or cdl' made.xml --technology mesh --flavour lvs --dialect gnucap
refuse 'for layouts take --dialect cdl' made.xml --technology mesh --flavour lvs --dialect spectre
refuse 'for SPICE alone' made.xml --technology mesh --process sky130 --dialect spectre
refuse 'n_a begins at 0.01 V.*no .ic' made.xml --technology mesh --process sky130 --dialect gnucap
sed 's/name="made"/name="library"/' made.xml >"$dir/library.xml"
refuse "library, which is a word of Spectre's" "$dir/library.xml" --dialect spectre

echo "golden: $cases cases, $failures failed"
[ $failures -eq 0 ]
