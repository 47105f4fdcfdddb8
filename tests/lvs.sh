#!/bin/sh
# Netlists compared by netgen-lvs, as a layout's would be: the function `lvs`, its tests on small netlists in the form of each process, and then what
# `echospice netlist --flavour lvs` writes.
#     tests/lvs.sh ECHOSPICE   exit status 77 where netgen-lvs is not installed
#
# What netgen 1.5 does that a caller has to know (its exit status is always 0, and with -blackbox it may never end):
# - it reads files of other names than *.spice and *.spc as nothing, and a file against itself as nothing;
# - "Circuits match uniquely." stands there with wrong sizes ("Property errors were found."), with exchanged ports and with missing devices ("**Mismatch**");
# - lines that start with A B F G H J K N O P S U W Y Z are ignored: what is ideal has to be an instance of a cell;
# - instances of a cell that is defined and holds nothing vanish where the other side has none: all ideal elements gone is a match. So it must not be defined;
# - where all devices are of different kinds and all nets have different numbers of pins, connections are hardly compared: of 350 small circuits with two
#   pins exchanged at random 21 were taken for a match. Two equal cells on one net, which nothing tells apart, make it look: 0 of 350;
# - a plain resistor of three nodes is read as one of two whose model is the third: resistors with a body have to be instances (X).
set -u
echospice=$1
if ! command -v netgen-lvs >/dev/null; then
    echo "lvs: netgen-lvs is not installed, nothing tested"
    exit 77
fi
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
failures=0
cases=0

# Which pins may be exchanged, and how far sizes may differ; nothing is merged, as both sides have the same devices.
cat >"$dir/setup.tcl" <<'END'
permute default
property default
property parallel none
foreach circuit {1 2} {
    set cells [cells list -all -circuit$circuit]
    foreach device {sky130_fd_pr__nfet_01v8 sky130_fd_pr__pfet_01v8 nfet_03v3 pfet_03v3 sg13_lv_nmos sg13_lv_pmos es_nfet es_pfet sky130_fd_pr__nfet_g5v0d10v5 sky130_fd_pr__pfet_g5v0d10v5
        sg13_hv_nmos sg13_hv_pmos} {
        if {[lsearch $cells $device] < 0} { continue }
        permute "-circuit$circuit $device" 1 3
        property "-circuit$circuit $device" tolerance {w 0.001} {l 0.001}
    }
    foreach device {sky130_fd_pr__res_high_po_0p35 sky130_fd_pr__res_xhigh_po_0p35 ppolyf_u ppolyf_u_1k rppd rhigh} {
        if {[lsearch $cells $device] < 0} { continue }
        permute "-circuit$circuit $device" 1 2
        property "-circuit$circuit $device" tolerance {w 0.001} {l 0.001} {r_width 0.001} {r_length 0.001}
    }
    foreach device {sky130_fd_pr__cap_mim_m3_1 cap_mim_2f0fF cap_cmim} {
        if {[lsearch $cells $device] < 0} { continue }
        property "-circuit$circuit $device" tolerance {w 0.001} {l 0.001} {c_width 0.001} {c_length 0.001}
    }
    foreach device {c r l} {
        if {[lsearch $cells $device] >= 0} { property "-circuit$circuit $device" tolerance {value 0.001} }
    }
}
END

# ports FILE CELL: in their order
ports() {
    awk -v cell="$2" '
        /^\+/ { if (open) list = list " " substr($0, 2); next }
        { open = tolower($1) == ".subckt" && $2 == cell; if (open) list = $0 }
        END { $0 = list; $1 = $2 = ""; $1 = $1; print }' "$1"
}

# mark FILE TOP: the netlist with a marker on each port of its top cell, so that no port is like another, and two equal cells on a net of their own; without
# the definitions of cells that hold nothing
mark() {
    awk -v top="$2" -v ports="$(ports "$1" "$2")" '
        tolower($1) == ".subckt" { inside = $2 == top; held = $0; next }
        held != "" && /^[+*]/ { held = held "\n" $0; next }
        held != "" && tolower($1) == ".ends" { held = ""; next }
        held != "" { print held; held = "" }
        tolower($1) == ".ends" && inside {
            n = split(ports, port)
            for (i = 1; i <= n; i++) print "Xmarker_" port[i], port[i], "marker_" port[i]
            for (i = 1; i <= 2; i++) print "Xprobe_" i, "probes", "probe"
        }
        { print }' "$1"
}

# lvs A TOP B TOP: 0 if they are the same circuit, with the same ports in the same order; $dir/log and $dir/comp.out say why not
lvs() {
    mark "$1" "$2" >"$dir/a.spice"
    mark "$3" "$4" >"$dir/b.spice"
    rm -f "$dir/comp.out"
    (cd "$dir" && timeout 60 netgen-lvs -batch lvs "a.spice $2" "b.spice $4" setup.tcl comp.out) >"$dir/log" 2>&1 </dev/null
    [ -f "$dir/comp.out" ] && [ "$(ports "$1" "$2")" = "$(ports "$3" "$4")" ] && grep -q "^Result: Circuits match uniquely\.$" "$dir/log" &&
        ! cat "$dir/log" "$dir/comp.out" | grep -q -e "Property errors were found" -e "\*\*Mismatch\*\*" -e "Ignoring line starting with token"
}

# flatten FILE TOP: one cell of devices only; what the file does not define, or defines as holding nothing, is a device
flatten() {
    awk -v top="$2" '
        function expand(cell, prefix, map,     i, k, n, word, line, inner, pins, name) {
            for (i = 1; i <= lines[cell]; i++) {
                n = split(body[cell, i], word)
                name = ""
                for (k = n; k > 1 && name == ""; k--) if (word[k] !~ /=/) name = word[k]
                if (toupper(substr(word[1], 1, 1)) == "X" && lines[name] > 0) {
                    pins = split(port[name], inner)
                    line = ""
                    for (k = 1; k <= pins; k++) line = line " " inner[k] "=" net(word[k + 1], prefix, map)
                    expand(name, prefix substr(word[1], 2) "_", line " ")
                } else {
                    line = substr(word[1], 1, 1) prefix substr(word[1], 2)
                    for (k = 2; k <= n; k++) line = line " " (k <= 1 + nodes(word, n) ? net(word[k], prefix, map) : word[k])
                    print line
                }
            }
        }
        function nodes(word, n,     k) { # how many of the words are nodes: those before the model or the value
            if (toupper(substr(word[1], 1, 1)) ~ /[CR]/) return 2
            for (k = n; k > 1; k--) if (word[k] !~ /=/) return k - 2
        }
        function net(name, prefix, map,     at, rest) {
            at = index(map, " " name "=")
            if (at == 0) return prefix name
            rest = substr(map, at + length(name) + 2)
            return substr(rest, 1, index(rest " ", " ") - 1)
        }
        /^\*/ || /^$/ { next }
        /^\+/ { all[count] = all[count] substr($0, 2); next }
        { all[++count] = $0 }
        END {
            for (j = 1; j <= count; j++) {
                n = split(all[j], word)
                if (tolower(word[1]) == ".subckt") {
                    cell = word[2]
                    lines[cell] = 0
                    for (k = 3; k <= n; k++) port[cell] = port[cell] word[k] " "
                } else if (tolower(word[1]) == ".ends") cell = ""
                else if (cell != "") body[cell, ++lines[cell]] = all[j]
            }
            print ".subckt " top " " port[top]
            n = split(port[top], word)
            for (k = 1; k <= n; k++) same = same " " word[k] "=" word[k]
            expand(top, "", same " ")
            print ".ends"
        }' "$1"
}

expect() { # expect 0|1 WHAT A TOP B TOP
    lvs "$3" "$4" "$5" "$6"
    got=$?
    cases=$((cases + 1))
    [ $got -eq "$1" ] && return
    echo "FAILED: $2: $([ "$1" -eq 0 ] && echo "no match" || echo "taken for a match")"
    grep -h -e "match" -e "Property errors" -e "Ignoring" "$dir/log" | sed 's/^/  | /'
    failures=$((failures + 1))
}

# fault WHAT SED: planted in the flat netlist of the hierarchical one $dir/h.spice
fault() {
    sed "$2" "$dir/f.spice" >"$dir/x.spice"
    if cmp -s "$dir/f.spice" "$dir/x.spice"; then
        echo "FAILED: $process, $1: the fault does not fit"
        failures=$((failures + 1))
        return
    fi
    expect 1 "$process, $1" "$dir/h.spice" top "$dir/x.spice" top
}

# Lines by hand, in the form that each process's flow has for layouts; sizes in um.
transistor() { # transistor n|p NAME D G S B W L M
    case $process in
    sky130) echo "X$2 $3 $4 $5 $6 sky130_fd_pr__$1fet_01v8 L=$8 W=$7 nf=1 m=$9" ;;
    gf180mcu) echo "M$2 $3 $4 $5 $6 $1fet_03v3 L=$8e-06 W=$7e-06 nf=1 m=$9" ;;
    ihp-sg13g2) echo "M$2 $3 $4 $5 $6 sg13_lv_$1mos w=$7e-06 l=$8e-06 ng=1 m=$9" ;;
    generic) echo "M$2 $3 $4 $5 $6 es_$1fet w=$7e-06 l=$8e-06 m=$9" ;;
    esac
}

capacitor() { # capacitor NAME P N W L
    case $process in
    sky130) echo "X$1 $2 $3 sky130_fd_pr__cap_mim_m3_1 W=$4 L=$5 MF=1 m=1" ;;
    gf180mcu) echo "X$1 $2 $3 cap_mim_2f0fF c_width=$4e-06 c_length=$5e-06 m=1" ;;
    ihp-sg13g2) echo "C$1 $2 $3 cap_cmim w=$4e-06 l=$5e-06 m=1" ;;
    generic) echo "C$1 $2 $3 $(echo "$4 $5" | awk '{printf "%.17g", 2e-15 * $1 * $2}')" ;;
    esac
}

resistor() { # resistor NAME P N B L
    case $process in
    sky130) echo "X$1 $2 $3 $4 sky130_fd_pr__res_high_po_0p35 L=$5 m=1" ;;
    gf180mcu) echo "X$1 $2 $3 $4 ppolyf_u_1k r_width=1e-06 r_length=$5e-06 m=1" ;;
    ihp-sg13g2) echo "X$1 $2 $3 $4 rppd w=5e-07 l=$5e-06 b=0 m=1" ;;
    generic) echo "R$1 $2 $3 $(echo "$5" | awk '{printf "%.17g", 300 * $1}')" ;;
    esac
}

# Two stages of a transconductor of five transistors, its bias, a capacitor, an ideal transconductor; resistors between them.
netlist() {
    echo "* $process"
    echo ".subckt ota inp inn out ib vdd vss"
    echo "*.PININFO inp:I inn:I out:O ib:I vdd:B vss:B"
    transistor n 1 x inp t vss 1 2 1
    transistor n 2 out inn t vss 1 2 1
    transistor p 3 x x vdd vdd 2 2 1
    transistor p 4 out x vdd vdd 2 2 1
    transistor n 5 t ib vss vss 4 2 2
    transistor n 6 ib ib vss vss 4 2 1
    echo ".ends"
    echo ".subckt stage inp inn out ib"
    echo "+ vdd vss"
    echo "Xota inp inn out ib vdd vss ota"
    capacitor c out vss 22 22
    echo "Xg out vss inp inn es_vccs gain=1e-05"
    echo ".ends"
    echo ".subckt top a b c ib vdd vss"
    echo "Xs1 a b d ib vdd vss stage"
    echo "Xs2 d b c ib vdd vss stage"
    resistor r1 a d vss 10
    resistor r2 d c vss 20
    echo ".ends"
}

for process in sky130 gf180mcu ihp-sg13g2 generic; do
    netlist >"$dir/h.spice"
    flatten "$dir/h.spice" top >"$dir/f.spice"
    expect 0 "$process, hierarchical against flat" "$dir/h.spice" top "$dir/f.spice" top
    sed '1d; $d' "$dir/f.spice" | sort >"$dir/sorted"
    (sed -n 1p "$dir/f.spice" && cat "$dir/sorted" && echo .ends) >"$dir/x.spice"
    expect 0 "$process, other order" "$dir/h.spice" top "$dir/x.spice" top
    sed '/^.s1_ota_1 /s/ \([^ ]*\) \([^ ]*\) \([^ ]*\)/ \3 \2 \1/' "$dir/f.spice" >"$dir/x.spice"
    expect 0 "$process, source and drain" "$dir/h.spice" top "$dir/x.spice" top
    sed '/^.r1 /s/ \([^ ]*\) \([^ ]*\)/ \2 \1/' "$dir/f.spice" >"$dir/x.spice"
    expect 0 "$process, ends of a resistor" "$dir/h.spice" top "$dir/x.spice" top

    fault "inputs of an OTA" '/^.s1_ota_[12] /{s/ a / # /; s/ b / a /; s/ # / b /}'
    fault "order of the ports" '1s/ a b / b a /'
    fault "wrong W" '/^.s2_ota_5 /{s/[Ww]=4/&.05/}'
    fault "wrong L" '/^.s2_ota_2 /{s/[Ll]=2/&.05/}'
    fault "wrong m" '/^.s2_ota_5 /s/m=2/m=1/'
    fault "n for p" '/^.s1_ota_1 /{s/nfet/pfet/; s/nmos/pmos/}'
    fault "a transistor is missing" '/^.s1_ota_6 /d'
    fault "a transistor too many" '/^.s1_ota_6 /{p; s/_6 /_7 /}'
    fault "body of a transistor" '/^.s1_ota_3 /s/ vdd vdd / vdd vss /'
    fault "a capacitor is missing" '/^.s1_c /d'
    fault "an ideal element is missing" '/^Xs2_g /d'
    fault "an ideal element reversed" '/^Xs1_g /s/ a b es/ b a es/'
    fault "value of an ideal element" '/^Xs1_g /s/gain=1e-05/gain=1.01e-05/'
    fault "a resistor is missing" '/^.r1 /d'
    case $process in
    generic)
        fault "value of a capacitor" '/^Cs1_c /s/ 9/ 8/'
        fault "value of a resistor" '/^Rr1 /s/ 3000/ 3010/'
        ;;
    *)
        fault "size of a capacitor" '/^.s1_c /s/=22/=22.05/'
        fault "length of a resistor" '/^.r1 /s/=10/=10.05/'
        fault "kind of a resistor" '/^.r1 /{s/res_high/res_xhigh/; s/ppolyf_u_1k/ppolyf_u/; s/rppd/rhigh/}'
        fault "body of a resistor" '/^.r1 /s/ vss / vdd /'
        ;;
    esac
done

# An ideal element as a line of its own is ignored, and a whole circuit of them would match any other.
process=ideal
printf '%s\n' '.subckt top a b' 'Ra a b 1000' 'G1 a b a b 1e-05' .ends >"$dir/h.spice"
cp "$dir/h.spice" "$dir/f.spice"
expect 1 "ideal elements that are no instances" "$dir/h.spice" top "$dir/f.spice" top

# Devices all of different kinds: without the probes two exchanged pins are taken for a match.
printf '%s\n' '.subckt top a b c' 'X1 a b foo' 'X2 b c bar' 'X3 a b c baz' 'X4 a a a qux' .ends >"$dir/h.spice"
cp "$dir/h.spice" "$dir/f.spice"
process=different
expect 0 "devices all of different kinds" "$dir/h.spice" top "$dir/f.spice" top
fault "exchanged pins of one" 's/^X3 a b c/X3 a c b/'
fault "exchanged pins of another" 's/^X1 a b/X1 b a/'

# Exchanged inputs are another circuit, and not only other names of ports in comp.out, as they are without the markers.
process=ota
printf '%s\n' '.subckt ota p n o' 'X1 x p t foo' 'X2 o n t foo' 'X3 x x o bar' .ends '.subckt top a b c' 'X1 a b c ota' .ends >"$dir/h.spice"
sed 's/^X1 a b c/X1 b a c/' "$dir/h.spice" >"$dir/x.spice"
expect 1 "exchanged inputs" "$dir/h.spice" top "$dir/x.spice" top
grep -q "Netlists do not match" "$dir/log" || { echo "FAILED: exchanged inputs: taken for other names"; failures=$((failures + 1)); }

# Instances of a cell that holds nothing do not vanish, be it defined or not.
process=empty
printf '%s\n' '.subckt top a b w' 'Xg1 w z a b es_vccs gain=1e-05' 'Xg2 a b w z es_vccs gain=2e-05' 'C1 w z 1e-12' 'Ra a b 1000' .ends >"$dir/f.spice"
(printf '%s\n' '.subckt es_vccs p n c d' '*.PININFO p:B n:B c:B d:B' .ends && cat "$dir/f.spice") >"$dir/h.spice"
expect 0 "an empty cell" "$dir/h.spice" top "$dir/f.spice" top
fault "an instance of an empty cell is missing" '/^Xg2/d'
fault "all instances of an empty cell are missing" '/^Xg/d'

# A top cell of another name, which netgen would have empty.
expect 1 "no such top cell" "$dir/h.spice" top "$dir/f.spice" Top

# What the program writes: its hierarchy against the same made flat, in every process.
root=$(cd "$(dirname "$0")/.." && pwd)
written() { # written TECHNOLOGY: $dir/h.spice and $dir/f.spice, of a top cell called top
    "$echospice" netlist "$root/netlists/demo.xml" --technology "$1" --process "$root/models/process/$map.xml" --flavour lvs --out "$dir/out" >"$dir/log" 2>&1 || {
        echo "FAILED: $process: $(cat "$dir/log")"
        failures=$((failures + 1))
    }
    sed 's/^\(\.subckt\|\.ends\) demo\b/\1 top/' "$dir/out/demo.spice" >"$dir/h.spice"
    flatten "$dir/h.spice" top >"$dir/f.spice"
    expect 0 "$process, as written" "$dir/h.spice" top "$dir/f.spice" top
}
for map in sky130 gf180mcu ihp-sg13g2 generic; do
    process="$map mesh"
    written mesh
    fault "a resistor is missing" '/^.*_r_gyrator_n0_n1 /d'
    fault "a resistor at another node" '/_r_gyrator_n0_n1 /s/ b_n1 / b_n2 /; /_r_gyrator_n0_n1 /s/b_n1 /b_n2 /'
    fault "a conveyor is missing" '/_fm_n3 /d'
    fault "an integrator's gm" '/_gm_n5 /s/gm=/&2/'
    fault "all ideal elements are missing" '/ es_[a-z]* /d'
    process="$map gyrator-differential"
    written gyrator-differential
    fault "inputs of a transconductor" '/_g1_gyrator_n7 /s/ \([^ ]*\) \([^ ]*\) es_vccs/ \2 \1 es_vccs/'
    fault "outputs of a transconductor" '/_g2_gyrator_n7 /s/ \([^ ]*\) \([^ ]*\)/ \2 \1/'
    fault "a capacitor is missing" '/_cl_gyrator_n4 /d'
    case $map in
    generic) fault "size of a capacitor" '/_cl_gyrator_n4 /s/e-1[23]/e-11/' ;;
    *) fault "size of a capacitor" '/_cl_gyrator_n4 /s/\([wW]\|c_width\)=/&1/' ;;
    esac
done

# Networks of transistors: the hierarchy against the same made flat, and faults as a layout may have them. Both wires of a pair are alike to netgen but for the
# markers on the ports.
cmos() { # cmos ARGUMENTS...
    "$echospice" netlist "$root/tests/cmos2.xml" --technology cmos --process "$root/models/process/$map.xml" --out "$dir/out" "$@" >"$dir/log" 2>&1 || {
        echo "FAILED: $process: $(cat "$dir/log")"
        failures=$((failures + 1))
    }
}
exchange() { # exchange A B: a script of sed
    echo "s/ $1 / # /g; s/ $2 / $1 /g; s/ # / $2 /g"
}
for map in sky130 gf180mcu ihp-sg13g2 generic; do
    process="$map cmos"
    cmos --flavour lvs
    sed 's/^\(\.subckt\|\.ends\) two\b/\1 top/' "$dir/out/two.spice" >"$dir/h.spice"
    flatten "$dir/h.spice" top >"$dir/f.spice"
    expect 0 "$process, as written" "$dir/h.spice" top "$dir/f.spice" top
    cmos --flavour lvs --dialect cdl
    sed 's/^\(\.subckt\|\.ends\) two\b/\1 top/' "$dir/out/two.cdl" >"$dir/x.spice"
    expect 0 "$process, CDL" "$dir/x.spice" top "$dir/f.spice" top
    # transistors are those of models/cells, or of the shortest length, W in proportion on the grid
    case $map in sky130) n=5e-7 p=5e-7 ;; gf180mcu) n=2.8e-7 p=2.8e-7 ;; ihp-sg13g2) n=4.5e-7 p=4e-7 ;; generic) n=3.5e-7 p=3.5e-7 ;; esac
    awk -v n=$n -v p=$p '
        FNR == 1 { cell = FILENAME; gsub(/^.*\/|\.cir$/, "", cell) }
        FILENAME ~ /cir$/ && /^m/ { for (i = 6; i <= NF; i++) { split($i, f, "="); value[f[1]] = f[2] }; w[cell "." $1] = value["w"]; l[cell "." $1] = value["l"]; least[cell "." $1] = /es_nfet/ ? n : p }
        FILENAME ~ /csv$/ { split($0, f, ","); if (!(f[1] in w)) next; name = f[1]; count++
            long = l[name] < least[name] ? least[name] : l[name]
            if ((f[9] - long) ^ 2 > 1e-24 || (f[8] - w[name] * long / l[name]) ^ 2 > (2.51e-9) ^ 2 || f[10] != 1) { print "FAILED: " name ": " f[8] " x " f[9] " from " w[name] " x " l[name]; exit 1 } }
        END { exit count != 50 }' "$root"/models/cells/*.cir "$dir/out/two.csv" || {
        echo "FAILED: $process: transistors of the cells"
        failures=$((failures + 1))
    }
    fault "inputs of a transconductor" "/_gyrator_la__1_m_i[pn] /{$(exchange n_a_p n_a_n)}"
    fault "inputs of a drive" "/_bias_x_1_m_i[pn] /{$(exchange drive_x_p drive_x_n)}"
    fault "outputs of a polarity switch" "/_gyrator_lc__ca1_m_/{$(exchange w_lc_p w_lc_n)}"
    fault "clocks of a polarity switch" "/_gyrator_lc__ca1_m_/{$(exchange clk clkb)}"
    fault "clocks of a nudge" "/_nudge_o__nudge_o_m_/{$(exchange up down)}"
    fault "clocks of a squarer" "/_squarer_lc__sign_lc_m_/{$(exchange up down)}"
    fault "inputs of a squarer's p pair" "/_squarer_la__squarer_la_m_p[pn] /{$(exchange w_la_p w_la_n)}"
    fault "wires of an integrator" "/_squarer_lb__sign_lb_m_/{$(exchange sum_lb_p sum_lb_n)}"
    fault "what clears an integrator" '/_squarer_lb__clear_lb_m_/s/ clear / pre /'
    fault "a squarer's bias" '/_squarer_lb__squarer_lb_m_b /s/ bias_lb_s / bias_la_s /'
    fault "a plate of an integrator is missing" '/_c_sum_lb_p /d'
    fault "polarity of a gyrator" "/_gyrator_lc__gyrator_lc_/{$(exchange n_b_p n_b_n)}"
    fault "ends of a gyrator" "/_gyrator_lc__gyrator_lc_/{$(exchange n_a_p n_b_p); $(exchange n_a_n n_b_n)}"
    fault "biases of a gyrator" "/_gyrator_lb__gyrator_lb_/{$(exchange bias_lb_1 bias_lb_2)}"
    fault "what a capacitor is preset to" "/_pre_n_a_m_/{$(exchange pre_n_a_start_p pre_n_a_start_n)}"
    fault "gates of cascodes" "/_nudge_o__bias_o_w_m_/{$(exchange vcn vcp)}"
    fault "wrong W" '/_nudge_o__bias_o_w_m_t /s/[wW]=2/&.05/'
    fault "wrong L" '/_gyrator_lb__2_m_pln /s/[lL]=2/&.05/'
    fault "n for p" '/_gyrator_lb__2_m_pln /{s/pfet/nfet/; s/pmos/nmos/}'
    fault "a transistor is missing" '/_gyrator_lc__2a_m_fp /d'
    fault "a transistor too many" '/_gyrator_lc__2a_m_fp /{p; s/_fp /_fq /}'
    fault "a well" '/_gyrator_lc__2b_m_pcn /s/ vdd / vgnd /'
    fault "a switch is missing" '/_pre_w_la_m_p /d'
    fault "a plate is missing" '/_c_n_a_p /d'
    fault "a plate at another wire" '/_c_w_lb_p /s/ w_lb_q / w_lb_r /'
    fault "a coupling crossed" "/_c_coupling_cc_[pn] /{$(exchange n_b_p n_b_n)}"
    fault "a lead is missing" '/_r_lead_lb_p /d'
    fault "a lead is a wire" '/_r_lead_lb_p /d; s/ w_lb_q / w_lb_p /'
    case $map in
    generic)
        fault "size of a plate" '/_c_n_a_a /s/[^ ]*$/8.1e-13/'
        fault "size of a lead" '/_r_lead_lb_p /s/[^ ]*$/108/'
        ;;
    *)
        fault "size of a plate" '/_c_n_a_a /s/\([wW]\|c_width\)=/&1/'
        fault "all ideal elements are missing" '/ es_[a-z]* /d'
        ;;
    esac
done

# The layout's network is the one whose deck proves itself: that deck, without what stands around the network, its sources and measurements, with leads and
# couplings as they are made, and with the cells of models/cells.
process="the deck's network"
cmos
awk '/^\+/ { line = line substr($0, 2); next } NR > 1 { print line } { line = $0 } END { print line }' "$dir/out/two.cir" >"$dir/two.cir"
awk -v ports="$(ports "$dir/h.spice" top)" '
    FILENAME ~ /f\.spice$/ { if (/_(r_lead|c_coupling)_/) { name = $1; sub(/^.*_(r_lead|c_coupling)_/, "", name); made[name] = $NF }; next }
    /^\.subckt/ { inside = 1 }
    { ours = inside && FILENAME ~ /\.cir$/ && FILENAME !~ /two\.cir$/ }
    /^\.ends/ { inside = 0 }
    ours && !/^\*/ { gsub(/ [ap][ds]=[^ ]*/, ""); print }
    inside || ours { next }
    /^[rc]_(lead|coupling)_/ {
        name = $1
        sub(/^[rc]_(lead|coupling)_/, "", name)
        if (!((made[name] / $4 - 1) ^ 2 < 1e-4)) { print "FAILED: " $1 ": " made[name] " made of " $4 >"/dev/stderr"; wrong = 1 }
        $4 = made[name]
    }
    /^([MCx]|r_lead|c_coupling)/ { gsub(/ 0 /, " vgnd "); gsub(/ 0 /, " vgnd "); top = top $0 "\n" }
    END { print ".subckt top " ports "\n" top ".ends"; exit wrong }' "$dir/f.spice" "$root"/models/cells/*.cir "$dir/two.cir" >"$dir/d.spice" || failures=$((failures + 1))
expect 0 "$process" "$dir/h.spice" top "$dir/d.spice" top
cp "$dir/d.spice" "$dir/f.spice"
fault "a nudge of the wrong sign" '/^x_nudge_o /s/ up down / down up /'
for wire in $(sed -n 's/^save v(t)//p' "$dir/two.cir" | tr -d 'v()' | tr ' ' '\n' | grep -v '^m_'); do
    case " $(ports "$dir/h.spice" top) " in
    *" $wire "*) ;;
    *)
        echo "FAILED: $wire, which the deck looks at, is no pin"
        failures=$((failures + 1))
        ;;
    esac
done

echo "lvs: $cases cases, $failures failed"
[ $failures -eq 0 ]
