#!/bin/sh
# The architecture, checked: a part includes only parts below it, foreign libraries stay in one folder each, every global symbol
# of the library has the prefix.
#     tests/layers.sh BUILD
set -u
build=$1
src=$(cd "$(dirname "$0")/../src" && pwd)
failures=0

fail() {
    echo "FAILED: $*"
    failures=$((failures + 1))
}

below() { # below PART PARTS...: PART may include itself and PARTS
    part=$1
    shift
    for file in $(find "$src/$part" -name '*.[ch]'); do
        for included in $(sed -n 's/^#include "\([a-z]*\)\/.*/\1/p' "$file" | sort -u); do
            case " $part $* " in *" $included "*) ;; *) fail "$file includes $included" ;; esac
        done
    done
}
below core
below net core
below engine core net netlist
below device core net
below netlist core net engine
below chip core net netlist engine
below technology core net
below data core
below import core net data netlist engine
below learn core net device engine chip data
below xml core net device netlist engine chip data learn
below store core net device engine chip data learn
below cli core net device netlist engine chip technology data import learn xml store

only() { # only HEADER FOLDER
    for file in $(grep -rl "#include <$1" "$src"); do
        case $file in "$src/$2"/*) ;; *) fail "$file includes <$1>, which belongs to $2" ;; esac
    done
}
only libxml/ xml
only ngspice/sharedspice.h engine/ngspice
only sqlite3.h store
only sndfile.h data
only samplerate.h data
only jansson.h cli
only suitesparse/ engine
only cvodes/ learn
only nvector/ learn
only sunnonlinsol/ learn

for symbol in $(nm -g --defined-only "$build/src/libechospice.a" 2>/dev/null | awk 'NF == 3 {print $3}' | sort -u); do
    case $symbol in es_*) ;; *) fail "symbol $symbol has no prefix es_" ;; esac
done
echo "layers: $failures failed"
[ $failures -eq 0 ]
