#!/bin/sh
# What holds the trained values, and what the echo bears: comparisons of memory devices and circuit nonidealities, with pictures.
#     bench/devices.sh ECHOSPICE OUT [RECORDINGS]
# demo: 8 devices and none, 5 seeds, netlists/demo.xml in ngspice, 8 epochs; 26 core-seconds a training, about 10 minutes on two cores.
# mitigations, quality: ways to use a device, and cosine against Q, in the twin; a minute.
# vowels, with RECORDINGS (see bench/vowels.sh): 9 devices and none, 14 nonidealities at 3 magnitudes each, netlists/vowels.xml in the twin, 10 epochs, one
# seed for each of the 5 folds. 52 conditions, 260 trainings of about 14 core-seconds: half an hour on two cores. With the file's nudge of 1e-2 the
# gradient has a cosine of 0.9 before anything is wrong with the circuit, the O(beta^2) of 100 us; at 1e-3 it has 0.9995, and integrals and flips have to be
# finer by as much.
# OUT is a directory for tables (.txt, .csv), pictures (.svg) and stores (.db); what is in the stores already is not trained again.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "$2"
echospice=$(realpath "$1")
out=$(realpath "$2")
recordings=${3:+$(realpath "$3")}
cd "$here" # cards are named as the stores remember them

cards() { # NAME...
    printf none
    for card in "$@"; do
        case $card in
        *+*) printf ',models/%s.xml+%s' "${card%%+*}" "${card#*+}" ;;
        *) printf ',models/%s.xml' "$card" ;;
        esac
    done
}

# study NAME FILE OPTION...
study() {
    name=$1
    file=$2
    shift 2
    "$echospice" compare "$file" --jobs 2 --seeds 5 "$@" --out "$out/$name.db" --csv "$out/$name.csv" --plot "$out/$name" >"$out/$name.txt"
    cat "$out/$name.txt"
}

study demo netlists/demo.xml --epochs 8 --device "$(cards quantised idealized capacitor ecram-li ecram-mo pcm reram-es reram-sb)"
study mitigations netlists/demo.xml --engine twin --device "$(cards quantised quantised+accumulate pcm pcm+accumulate pcm+accumulate+refresh=50 \
    reram-es reram-es+accumulate reram-es+accumulate+pair reram-sb reram-sb+accumulate reram-sb+accumulate+pair \
    reram-hfo2 reram-hfo2+accumulate reram-hfo2+accumulate+pair)"
study quality netlists/demo.xml --engine twin --epochs 10 --sweep q-parallel=10:1000:7log
[ -n "$recordings" ] || exit 0
sed 's/beta="1e-2"/beta="1e-3"/' netlists/vowels.xml >"$out/vowels.xml"
study vowels "$out/vowels.xml" --data "$recordings" --folds --epochs 10 \
    --device "$(cards quantised idealized capacitor ecram-li ecram-mo pcm reram-es reram-sb reram-hfo2)" \
    --sweep q-parallel=10:1000:3log --sweep q-series=10:1000:3log \
    --sweep capacitor-mismatch=0.01:0.3:3log --sweep inductor-mismatch=0.01:0.3:3log --sweep transconductor-mismatch=0.01:0.3:3log \
    --sweep offset=10mV:1V:3log --sweep flip-gain=0.03:0.48:3log --sweep flip-jitter=0.1ns:10ns:3log --sweep flip-charge=0.1nC:10nC:3log \
    --sweep drive-skew=1ns:100ns:3log --sweep input-bits=3:7:3 --sweep output-bits=4:8:3 --sweep integral-noise=1e-6:1e-4:3log \
    --sweep integral-bits=8:20:3
