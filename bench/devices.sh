#!/bin/sh
# What holds the trained values, and what the echo bears: comparisons of memory devices and circuit nonidealities, with pictures.
#     bench/devices.sh ECHOSPICE OUT [RECORDINGS]
# demo: 8 devices and none, 5 seeds, netlists/demo.xml in ngspice, 8 epochs; 22 core-seconds a training, about 8 minutes on two cores.
# mitigations, quality: ways to use a device, and cosine against Q, in the twin; a minute.
# vowels, with RECORDINGS (see bench/vowels.sh): 9 devices and none, 12 nonidealities, netlists/vowels.xml in the twin, 10 epochs, one seed for each of
# the 5 folds; about 15 core-seconds a training, so about a quarter of an hour on two cores.
# OUT is a directory for tables (.txt, .csv), pictures (.svg) and stores (.db); what is in the stores already is not trained again.
set -eu
echospice=$1
out=$2
recordings=${3:-}
here=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "$out"
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
study vowels netlists/vowels.xml --data "$recordings" --folds --epochs 10 \
    --device "$(cards quantised idealized capacitor ecram-li ecram-mo pcm reram-es reram-sb reram-hfo2)" \
    --sweep q-parallel=100:100:1 --sweep q-series=100:100:1 --sweep capacitor-mismatch=0.05:0.05:1 --sweep inductor-mismatch=0.05:0.05:1 \
    --sweep transconductor-mismatch=0.1:0.1:1 --sweep offset=10mV:10mV:1 --sweep flip-gain=0.05:0.05:1 --sweep flip-jitter=10ns:10ns:1 \
    --sweep drive-skew=10ns:10ns:1 --sweep input-bits=6:6:1 --sweep output-bits=6:6:1 --sweep integral-bits=8:8:1
