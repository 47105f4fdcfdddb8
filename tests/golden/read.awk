# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: echospice contributors
#
# Reads a netlist back, knowing nothing of how it was written: one line for each part, "cell|kind|name|nodes|values", so that netlists of one circuit in several
# dialects are equal when sorted. What no reader of the dialect should have to bear goes to standard error, with status 1.
#     awk -v dialect=ngspice|xyce|spectre|cdl [-v as=xyce|lvs] -f read.awk NETLIST
# as=xyce: devices of subcircuits one by one, as a dialect without multipliers has them. as=lvs: what is in cells, ideal parts as the black boxes of layouts.

function defect(what) {
    print FILENAME ":" number ": " what >"/dev/stderr"
    bad = 1
}

function plain(x) {
    if (x !~ /^[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[-+]?[0-9]+)?$/)
        defect("\"" x "\" is no plain number")
    return x
}

function named(x, what, key) {
    if (x != "0" && x !~ /^[A-Za-z_][A-Za-z0-9_]*$/)
        defect(what " \"" x "\" is no name")
    if (what == "cell" && length(x) > 32)
        defect("cell " x " has more than 32 characters")
    key = tolower(x)
    if (dialect == "spectre" && key in spelt && spelt[key] != x)
        defect(spelt[key] " and " x " are two names where upper and lower case differ")
    spelt[key] = x
    return key
}

function node(x) {
    if (cell != "" && (x == "0" || tolower(x) ~ /^(gnd|ground)!?$/))
        defect("node " x " in a cell is the ground of the whole circuit, and no pin")
    return named(x, "node")
}

function nodes(from, to, i, text) {
    for (i = from; i <= to; i++)
        text = text (i > from ? " " : "") node($i)
    return text
}

function part(kind, name, where, values) {
    name = named(name, "part")
    if ((cell, name) in kinds)
        defect(name " stands twice in " cell)
    kinds[cell, name] = kind
    at[cell, name] = where
    said[++parts] = cell "|" kind "|" name "|" where "|" values
}

# What a name refers to has to be a part of that kind in the same cell.
function refer(name, kind) {
    wanted[cell, tolower(name)] = kind
    return tolower(name)
}

function option(text, name, i, pair, n, word) {
    n = split(text, word, " ")
    for (i = 1; i <= n; i++)
        if (split(word[i], pair, "=") == 2 && tolower(pair[1]) == name)
            return plain(pair[2])
    return ""
}

function rest(from, i, text) {
    for (i = from; i <= NF; i++)
        text = text (i > from ? " " : "") $i
    return text
}

# A number to ten digits: what the dialects' own constants are in.
function rounded(x) {
    return sprintf("%.9e", x)
}

function begin_cell(from, i) {
    cell = named($2, "cell")
    pins[cell] = nodes(from, NF)
    said[++parts] = cell "|cell||" pins[cell] "|"
    pin_info = ""
}

function end_cell() {
    if (tolower($2) != cell)
        defect("the cell " cell " ends as " $2)
    if (dialect != "spectre" && pin_info != pins[cell])
        defect("*.PININFO of " cell " has \"" pin_info "\", and its pins are \"" pins[cell] "\"")
    cell = ""
}

function instance(name, where, of) {
    calls[++called] = where "|" tolower(of) "|" name
    part("instance", name, where, named(of, "cell"))
}

# Capacitors, resistors and subcircuits of a process: their model and sizes.
function device(i, last, m, letter, name, model, values, pair, copy, where) {
    letter = tolower(substr($1, 1, 1))
    for (last = NF; $last ~ /=/; last--)
        ;
    if ($last == "PARAMS:")
        last--
    else if (dialect == "xyce" && letter == "x" && last < NF)
        defect("parameters of a subcircuit without PARAMS:")
    model = $last
    where = nodes(2, last - 1)
    m = 1
    for (i = last + 1; i <= NF; i++) {
        if ($i == "PARAMS:")
            continue
        split(tolower($i), pair, "=")
        plain(pair[2])
        if (pair[1] == "m")
            m = pair[2]
    }
    for (i = last + 1; i <= NF; i++) {
        split(tolower($i), pair, "=")
        if ($i == "PARAMS:" || (pair[1] == "m" && as != "lvs"))
            continue
        if (as == "xyce" && pair[1] ~ /^(mf|mult)$/) {
            if (pair[2] != m)
                defect(pair[1] " is not m")
            pair[2] = 1
        }
        if (as == "lvs" && pair[1] == "mult")
            continue
        values = values " " pair[1] "=" pair[2]
    }
    name = as == "lvs" ? substr($1, 2) : $1
    if (dialect == "xyce" && letter == "x" && m != 1)
        defect("a multiplier of a subcircuit")
    if (as != "xyce" || letter != "x" || m == 1)
        part("device", name, where, tolower(model) values (as == "lvs" || letter == "x" ? "" : " m=" m))
    else
        for (copy = 1; copy <= m; copy++)
            part("device", name "_" copy, where, tolower(model) values)
}

# An ideal part as layouts have it.
function box(kind, where, value) {
    part("instance", "x_" $1, where, "es_" kind " " value)
}

function spice(letter) {
    letter = tolower(substr($1, 1, 1))
    if (as == "lvs" && cell == "")
        return
    if (letter == "x" && $0 !~ /=/)
        instance($1, nodes(2, NF - 1), $NF)
    else if (letter == "x" && $(NF - 1) ~ /^es_/)
        part("instance", $1, nodes(2, NF - 2), $(NF - 1) " " $NF)
    else if (letter == "x" || letter == "m" || ((letter == "c" || letter == "r") && $4 !~ /^[-+.0-9]/))
        device()
    else if (letter == "r" && as == "lvs")
        box("resistor", nodes(2, 3), "r=" plain($4))
    else if (letter == "r")
        part("r", $1, nodes(2, 3), plain($4))
    else if (letter == "c" && as == "lvs")
        box("capacitor", nodes(2, 3), "c=" plain($4))
    else if (letter == "c" || letter == "l")
        part(letter, $1, nodes(2, 3), plain($4) " ic=" option($0, "ic"))
    else if (letter == "k")
        part("k", $1, "", refer($2, "l") " " refer($3, "l") " " plain($4))
    else if (letter == "g" && as == "lvs")
        box("vccs", nodes(2, 5), "gm=" plain($6))
    else if (letter == "e" && as == "lvs")
        box("vcvs", nodes(2, 5), "gain=" plain($6))
    else if (letter == "g" || letter == "e")
        part(letter, $1, nodes(2, 5), plain($6))
    else if (letter == "f" && as == "lvs")
        box("cccs", nodes(2, 3) " " at[cell, tolower("x_" $4)], "gain=" plain($5))
    else if (letter == "f")
        part("f", $1, nodes(2, 3), refer($4, "v") " " plain($5))
    else if (letter == "i")
        part("i", $1, nodes(2, 3), plain($4))
    else if (letter == "v" && as == "lvs")
        box("resistor", nodes(2, 3), "r=" plain($4))
    else if (letter == "v" && tolower($4) == "pwl")
        part("v", $1, nodes(2, 3), "pwl " points(5, NF))
    else if (letter == "v")
        part("v", $1, nodes(2, 3), plain($4))
    else if (letter == "b")
        part("b", $1, nodes(2, 3), expression($4))
    else if (letter == "d") {
        diode[cell, tolower($4)] = 1
        part("d", $1, nodes(2, 3), "model " tolower($4))
    } else
        defect("what is " $1 "?")
}

function points(from, to, i, text) {
    if ((to - from) % 2 == 0)
        defect("an odd number of numbers in a waveform")
    for (i = from; i <= to; i++)
        text = text " " plain($i)
    return text
}

function expression(text, inner) {
    sub(/^[vV]=/, "", text)
    if (dialect == "xyce" && !sub(/^\{/, "", text) + !sub(/\}$/, "", text))
        defect("an expression without braces")
    inner = text
    gsub(/v\([a-z0-9_]+\)|tanh|sin|[-+*\/()0-9]/, "", inner)
    if (inner != "")
        defect("an expression holds " inner)
    return text
}

function model(name, text) {
    models[++modelled] = cell "|model|" tolower(name) "||is=" option(text, "is") " vt=" rounded(option(text, "n") * thermal)
}

function command(word, i) {
    if (dialect == "cdl")
        defect("a command in CDL: " $0)
    if (word == ".model") {
        gsub(/[()]/, " ")
        model($2, rest(4))
    } else if (word == ".tran")
        said[++parts] = "|tran|||" plain($2) " " plain($3) " " plain($5) " " $6
    else if (word == ".op")
        said[++parts] = "|rest|||"
    else if (word == ".print" && dialect != "ngspice")
        for (i = 3; i <= NF; i++) {
            if ($i !~ /=/)
                shown(substr($i, 3, length($i) - 3))
        }
    else if (word == ".ic") {
        if (split($2, piece, ")=") != 2 || !sub(/^v\(/, "", piece[1]))
            defect("what is " $2 "?")
        i = piece[1]
        if ((dialect == "xyce" && i ~ /\./) || (dialect == "ngspice" && i ~ /:/))
            defect("a path of another dialect: " i)
        gsub(/[:.]/, "/", i)
        said[++parts] = "|start|||" i " " plain(piece[2])
    } else if (word == ".nodeset")
        said[++parts] = "|guess|||" $2
    else if (word == ".lib" || word == ".include")
        said[++parts] = "|library|||" $2 " " $3
    else if (word != ".options" && word != ".end")
        defect("what is " word "?")
}

function shown(x) {
    watched[node(x)] = 1
    if (dialect != "ngspice")
        print "|shown|||" node(x) >shows
}

function spectre(name, close_at, i, where, text) {
    if ($1 == "simulator" || $2 == "options")
        return
    if ($1 == "subckt") {
        begin_cell(3)
        return
    }
    if ($1 == "ends") {
        end_cell()
        return
    }
    if ($1 == "model") {
        if ($3 != "diode")
            defect("what is " $3 "?")
        model($2, $0)
        return
    }
    if ($1 == "save") {
        for (i = 2; i <= NF; i++)
            shown($i)
        return
    }
    if ($1 == "nodeset") {
        sub(/=/, ")=", $2)
        said[++parts] = "|guess|||v(" $2
        return
    }
    if ($2 == "tran") {
        if ($0 !~ / skipdc=yes( |$)/ || $0 !~ / ic=all( |$)/ || $0 !~ / method=traponly( |$)/)
            defect("a transient that does not begin where it is told")
        said[++parts] = "|tran|||" option($0, "step") " " option($0, "stop") " " option($0, "maxstep") " uic"
        return
    }
    if ($2 == "dc") {
        said[++parts] = "|rest|||"
        return
    }
    name = $1
    text = $0
    if ($2 == "mutual_inductor") {
        part("k", name, "", refer(word_of(text, "ind1"), "l") " " refer(word_of(text, "ind2"), "l") " " option(text, "coupling"))
        return
    }
    if (text !~ /^[^ ]+ \([^()]*\) /) {
        defect("what is " text "?")
        return
    }
    where = text
    sub(/^[^(]*\( */, "", where)
    sub(/ *\).*/, "", where)
    sub(/^[^)]*\) */, "", text)
    $0 = where
    where = nodes(1, NF)
    count = NF
    $0 = text
    if (NF == 1 && !(tolower($1) in primitive))
        instance(name, where, $1)
    else if ($1 in primitive && count != primitive[$1])
        defect($1 " has " count " nodes")
    else if ($1 == "resistor")
        part("r", name, where, option(text, "r"))
    else if ($1 == "capacitor")
        part("c", name, where, option(text, "c") " ic=" option(text, "ic"))
    else if ($1 == "inductor")
        part("l", name, where, option(text, "l") " ic=" option(text, "ic"))
    else if ($1 == "vccs")
        part("g", name, where, option(text, "gm"))
    else if ($1 == "vcvs")
        part("e", name, where, option(text, "gain"))
    else if ($1 == "cccs")
        part("f", name, where, refer(word_of(text, "probe"), "v") " " option(text, "gain"))
    else if ($1 == "isource")
        part("i", name, where, option(text, "dc"))
    else if ($1 == "bsource")
        part("b", name, where, expression($2))
    else if ($1 == "vsource" && $2 == "type=pwl" && $3 == "wave=[" && $NF == "]")
        part("v", name, where, "pwl " points(4, NF - 1))
    else if ($1 == "vsource" && $2 == "type=dc")
        part("v", name, where, option(text, "dc"))
    else
        defect("what is " $0 "?")
}

function word_of(text, name, i, pair, n, word) {
    n = split(text, word, " ")
    for (i = 1; i <= n; i++)
        if (split(word[i], pair, "=") == 2 && pair[1] == name)
            return pair[2]
    return ""
}

function statement(text) {
    $0 = text
    if (dialect == "spectre") {
        if ($1 ~ /^m_/ || $0 ~ /^d_[^ ]* \(.*\) m_[a-z0-9_]+$/) {
            name = $1
            where = text
            sub(/^[^(]*\( */, "", where)
            sub(/ *\).*/, "", where)
            $0 = where
            where = nodes(1, NF)
            sub(/.* /, "", text)
            diode[cell, text] = 1
            part("d", name, where, "model " text)
        } else
            spectre()
        return
    }
    if (tolower($1) == ".subckt")
        begin_cell(3)
    else if (tolower($1) == ".ends")
        end_cell()
    else if ($1 ~ /^\./) {
        if (as != "lvs")
            command(tolower($1))
    } else {
        if ($4 ~ /^pwl/)
            gsub(/[()]/, " ")
        spice()
    }
}

BEGIN {
    if (shows == "")
        shows = "/dev/null"
    split("resistor 2 capacitor 2 inductor 2 vccs 4 vcvs 4 cccs 2 isource 2 vsource 2 bsource 2", words, " ")
    for (i = 1; i in words; i += 2)
        primitive[words[i]] = words[i + 1]
    # k T / q at 27 C by the constants of each: CODATA 2014, SPICE 2, CODATA 2018
    thermal = 300.15 * (dialect == "xyce" ? 1.3806226e-23 / 1.6021918e-19 : dialect == "spectre" ? 1.380649e-23 / 1.602176634e-19 : 1.38064852e-23 / 1.6021766208e-19)
}

{
    number = FNR
    comment = dialect == "spectre" ? /^\/\// : /^\*/
    if (length($0) > 120 && !comment)
        defect("a line of " length($0) " characters")
    if (/\t/ || / $/)
        defect("a tab, or a blank at the end")
    if (dialect == "cdl" && FNR == 1 && $0 != "*.BUSDELIMITER [")
        defect("CDL begins with *.BUSDELIMITER [")
    if (dialect == "cdl" && !comment && /[{}'"()]/)
        defect("an expression in CDL")
}

# The title of SPICE.
FNR == 1 && dialect != "spectre" && dialect != "cdl" { next }

comment && dialect != "spectre" && $1 == "*.PININFO" {
    line = $0
    if (held != "")
        statement(held)
    held = ""
    $0 = line
    for (i = 2; i <= NF; i++) {
        if ($i !~ /:B$/)
            defect("what pin is " $i "?")
        pin_info = pin_info (pin_info == "" ? "" : " ") tolower(substr($i, 1, length($i) - 2))
    }
}

comment { next }

/^\+/ {
    held = held " " substr($0, 2)
    next
}

held ~ /\\$/ {
    sub(/ *\\$/, "", held)
    held = held " " $0
    next
}

{
    line = $0
    if (held != "")
        statement(held)
    held = line
}

END {
    if (held != "")
        statement(held)
    if (cell != "")
        defect("the cell " cell " has no end")
    for (i = 1; i <= called; i++) {
        split(calls[i], call, "|")
        if (!(call[2] in pins))
            defect(call[3] " is of the cell " call[2] ", which is nowhere")
        else if (split(call[1], words, " ") != split(pins[call[2]], words, " "))
            defect(call[3] " has other pins than " call[2])
    }
    for (key in wanted)
        if (kinds[key] != wanted[key]) {
            split(key, words, SUBSEP)
            defect(words[2] " in " words[1] " is referred to as a part of the kind " wanted[key] ", and is \"" kinds[key] "\"")
        }
    for (node_name in watched) {
        there = 0
        for (key in at) {
            split(key, words, SUBSEP)
            if (words[1] == "" && index(" " at[key] " ", " " node_name " "))
                there = 1
        }
        if (!there)
            defect(node_name " is asked for, and is no node of the top")
    }
    for (i = 1; i <= parts; i++)
        print said[i]
    for (i = 1; i <= modelled; i++)
        print models[i]
    exit bad
}
