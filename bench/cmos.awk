# Writes a gm-C network with its echo as an ngspice deck: fully differential from transistors (cell=cmos), or from ideal sources (cell=ideal).
#     awk -v cell=cmos -v models=DIR -v proc=bsim3 -v cal=FILE -v echoes=1:-1 -v T0=2.5e-6 -v periods=5 -v amplitude=1 -v out=FILE -f cmos.awk NETWORK
# NETWORK, in SI units, start and wave in volt:
#     node NAME C
#     inductor NAME A B GM1 GM2 CL       B = 0: to ground
#     start NODE V
#     drive NODE GM                      current GM x(t) into NODE
#     output NODE INDUCTOR GM            nudge: +-GM (y(t) - w) into NODE, w of INDUCTOR (its flux)
#     wave x|y AMPLITUDE FREQUENCY       x and y are sums of sines
# cal: rows "Ib gm tau cin go cout" of the transconductor with its switch, by rising Ib.
# Time: for each of the echoes (its nudge's sign, or 0): preset T0/4, free pass, polarity reversal in T0/400, echo. passes=1: one free pass alone.
# squarers=IB adds local squarer-integrators (their capacitors: cint); nudge=ideal takes a source for it. tune=0: no lead. amplitude multiplies start and waves.
# bump=INDUCTOR:FACTOR multiplies its gm2.
function fail(what) {print "cmos.awk: " what >"/dev/stderr"; failed = 1; exit 1}
function at(g, col,   i, f) {                       # column col where gm is g, log-log between rows
    for (i = 2; i < rows && k[i, 2] < g; i++);
    f = log(g / k[i - 1, 2]) / log(k[i, 2] / k[i - 1, 2])
    if (f < -0.01 || f > 1.01) fail("no bias gives gm " g)
    return exp(log(k[i - 1, col]) + f * log(k[i, col] / k[i - 1, col]))
}
function bias(pin, ib) {printf "i%s vdd %s %.9g\n", pin, pin, ib}
function ota(name, ip, in_, op, on, g) {
    bias(name, at(g, 1)); power += 3 * at(g, 1)
    printf "x%s %s %s %s %s %s %s es_ota\n", name, ip, in_, op, on, name, rails
}
# Between the two wires 0.8 of the capacitance, half of it each way round; the rest as two to ground, which hold the common mode.
function capacitor(name, p, n, c) {
    if (c <= 0) fail("strays exceed the capacitance of " name)
    printf "c%sa %s %s %.9g\nc%sb %s %s %.9g\nc%sp %s 0 %.9g\nc%sn %s 0 %.9g\n", name, p, n, 0.4 * c, name, n, p, 0.4 * c, name, p, 0.4 * c, name, n, 0.4 * c
}
function preset(name, p, n, v, clock) {
    if (v) {printf "v%s1 %s1 0 %.9g\nv%s2 %s2 0 %.9g\n", name, name, 1.65 + v / 2, name, name, 1.65 - v / 2}
    printf "xpre%s %s %s %s %s %s 0 es_preset\n", name, p, n, v ? name "1" : "vcm", v ? name "2" : "vcm", clock
}
function clock(name, high,   i, n, e) {             # pwl of a clock; high lists its edges: "on off on off ..."
    n = split(high, e, " ")
    printf "v%s %s 0 pwl 0 %g", name, name, n && e[1] == 0 ? 3.3 : 0
    for (i = 1; i <= n; i++) if (e[i] > 0) printf " %.12g %g %.12g %g", e[i], i % 2 ? 0 : 3.3, e[i] + edge, i % 2 ? 3.3 : 0
    printf "\n"
}
function waveform(name,   i, s) {
    for (i = 1; i <= waves; i++) if (wave[i] == name) s = s sprintf("%+.9g*sin(%.12g*v(clock))", amplitude * size[i], 6.283185307179586 * frequency[i])
    return s == "" ? "0" : s
}
$1 == "node" {nodes++; node[nodes] = $2; c[$2] = $3}
$1 == "inductor" {inductors++; l = $2; inductor[inductors] = l; a[l] = $3; b[l] = $4; gm1[l] = $5; gm2[l] = $6; cl[l] = $7; split(bump, f, ":"); if (f[1] == l) gm2[l] *= f[2]}
$1 == "start" {start[$2] = $3}
$1 == "drive" {drive = $2; gdrive = $3}
$1 == "output" {output = $2; reads = $3; gnudge = $4}
$1 == "wave" {waves++; wave[waves] = $2; size[waves] = $3; frequency[waves] = $4}
END {
    if (failed) exit 1
    ideal = cell == "ideal"
    if (!ideal) while ((getline line <cal) > 0) {rows++; n = split(line, f, " "); for (i = 1; i <= n; i++) k[rows, i] = f[i]; if (n != 6 || k[rows, 2] <= k[rows - 1, 2] + 0) fail("table of the transconductor: " line)}
    step = T0 / 400; P = ideal ? 0 : T0 / 4; T = periods * T0; edge = T0 / 2500
    echos = split(echoes, sign, ":"); if (passes == 1) echos = 1
    print "* echospice bench: " cell " " proc
    triangle = "0 0"; polarity = "vpol pol 0 pwl 0 1"
    for (i = 1; i <= echos; i++) {                  # the polarity turns at `turn`, the middle of the dead time
        begin = P + (i - 1) * (P + 2 * T + step); turn = begin + T + step / 2; end = turn + T + step / 2
        if (begin) triangle = triangle sprintf(" %.12g 0", begin)
        triangle = triangle sprintf(" %.12g %.12g %.12g 0", turn, T + step / 2, end)
        polarity = polarity sprintf(" %.12g 1 %.12g -1", turn - edge / 2, turn + edge / 2)
        plus = plus sprintf(" %.12g %.12g", i == 1 ? 0 : begin - P / 2, turn - edge / 2)
        minus = minus sprintf(" %.12g %.12g", turn - edge / 2, end)
        pre = pre sprintf(" %.12g %.12g", i == 1 ? 0 : begin - P + edge, begin - edge)
        if (sign[i] > 0) up = up sprintf(" %.12g %.12g", turn + step / 2, end - edge)
        if (sign[i] < 0) down = down sprintf(" %.12g %.12g", turn + step / 2, end - edge)
        if (sign[i] != 0) {idle = idle sprintf(" %.12g %.12g", begun, turn + step / 2 - edge); begun = end}
    }
    stop = passes == 1 ? begin + T : end
    idle = idle sprintf(" %.12g %.12g", begun, 2 * end)
    printf "vclock clock 0 pwl %s\n", passes == 1 ? sprintf("0 0 %.12g 0 %.12g %.12g", begin, begin + 2 * T, 2 * T) : triangle
    if (passes == 1 && !begin) print "* free pass"
    if (drive != "") printf "bx x 0 v={%s}\n", waveform("x")
    if (output != "") printf "by y 0 v={%s}\n", waveform("y")
    if (output != "" && (ideal || nudge == "ideal")) {
        printf "vgate gate 0 pwl 0 0"
        for (i = 1; i <= echos; i++) {e = P + (i - 1) * (P + 2 * T + step) + T + step; printf " %.12g 0 %.12g %d %.12g %d %.12g 0", e, e + edge, sign[i], e + T - edge, sign[i], e + T}
        printf "\n"
    }
    if (ideal) {
        print polarity
        for (i = 1; i <= nodes; i++) printf "c%s %s 0 %.12g ic=%.12g\n", node[i], node[i], c[node[i]], amplitude * start[node[i]]
        for (i = 1; i <= inductors; i++) {
            l = inductor[i]
            printf "b%s1 0 %s i={v(pol)*%.12g*(v(%s)%s)}\nc%s %s 0 %.12g ic=0\n", l, l, gm1[l], a[l], b[l] == "0" ? "" : "-v(" b[l] ")", l, l, cl[l]
            printf "b%s2 %s %s i={v(pol)*%.12g*v(%s)}\n", l, a[l], b[l], gm2[l], l
        }
        if (drive != "") printf "bdrive 0 %s i={v(pol)*%.12g*v(x)}\n", drive, gdrive
        if (output != "") printf "bnudge %s 0 i={v(gate)*%.12g*(v(%s)-v(y))}\n", output, gnudge, reads
    } else {
        printf ".include %s/process/generic-%s.lib\n", models, proc
        n = split("es_ota es_chopper es_preset es_gyrator es_gyrator_ground" (squarers ? " es_squarer" : ""), f, " ")
        for (i = 1; i <= n; i++) printf ".include %s/cells/%s.cir\n", models, f[i]
        rails = "vcm vcn vcp vdd 0 vdd 0"
        print "vdd vdd 0 3.3\nvcm vcm 0 1.65\nvcn vcn 0 2.1\nvcp vcp 0 1.3"
        clock("clk", plus); clock("clkb", minus); clock("pre", pre); clock("idle", idle); clock("up", up); clock("down", down)
        if (squarers) clock("clear", sprintf("0 %.12g", P - edge))
        if (output != "" && nudge != "ideal") {
            stray[output] += at(gnudge, 6) / 2; mine[reads] += at(gnudge, 4)
            print "eyp yp vcm y 0 0.5\neyn yn vcm y 0 -0.5"
            ota("nudgew", reads "p", reads "n", "nun", "nup", gnudge); ota("nudgey", "yp", "yn", "nup", "nun", gnudge)
            printf "xnudge nup nun %sp %sn up down 0 es_chopper\nxidle nup nun vcm vcm idle 0 es_preset\n", output, output
        } else if (output != "") printf "bnudge %sp %sn i={v(gate)*%.12g*(v(%sp)-v(%sn)-v(y))}\n", output, output, gnudge, reads, reads
        for (i = 1; i <= inductors; i++) {
            l = inductor[i]; g1 = gm1[l]; g2 = gm2[l]; ends = b[l] == "0" ? 1 : 2
            if (ends == 2) {
                bias(l "a1", at(g1, 1)); bias(l "b1", at(g1, 1)); bias(l "a2", at(g2, 1)); bias(l "b2", at(g2, 1))
                printf "x%s %sp %sn %sp %sn %sp %sn %sa1 %sb1 %sa2 %sb2 clk clkb %s es_gyrator\n", l, a[l], a[l], b[l], b[l], l, l, l, l, l, l, rails
                stray[b[l]] += at(g1, 4) + at(g2, 6)
            } else {
                bias(l "1", at(g1, 1)); bias(l "2", at(g2, 1))
                printf "x%s %sp %sn %sp %sn %s1 %s2 clk clkb %s es_gyrator_ground\n", l, a[l], a[l], l, l, l, l, rails
            }
            power += 3 * ends * (at(g1, 1) + at(g2, 1))
            stray[a[l]] += at(g1, 4) + at(g2, 6)
            mine[l] += ends * (at(g1, 6) + at(g2, 4))
            if (squarers) {
                bias("sq" l, squarers); power += 5 * squarers; mine[l] += csquarer
                printf "xsq%s %sp %sn s%sp s%sn sq%s %s es_squarer\nxsc%s s%sp s%sn j%sp j%sn up down 0 es_chopper\nxsi%s s%sp s%sn vcm vcm idle 0 es_preset\n", l, l, l, l, l, l, rails, l, l, l, l, l, l, l, l
                capacitor("j" l, "j" l "p", "j" l "n", cint); preset("j" l, "j" l "p", "j" l "n", 0, "clear")
            }
            # lead: the delays of both transconductors, less what their output conductances already damp
            lead = tune == "0" ? 0 : (at(g1, 3) + at(g2, 3)) / cl[l] - (at(g1, 5) + at(g2, 5)) / (g1 * g2)
            if (lead < 2e-3) lead = 2e-3
            printf "r%sp %sp %sq %.9g\nr%sn %sn %sr %.9g\n", l, l, l, lead / 2, l, l, l, lead / 2
            capacitor(l, l "q", l "r", cl[l] - mine[l]); preset(l, l "q", l "r", 0, "pre")
        }
        if (drive != "") {
            stray[drive] += at(gdrive, 6)
            print "exp xp vcm x 0 0.5\nexn xn vcm x 0 -0.5"
            ota("drive", "xp", "xn", "dp", "dn", gdrive); printf "xdrivec dp dn %sp %sn clk clkb 0 es_chopper\n", drive, drive
        }
        for (i = 1; i <= nodes; i++) {l = node[i]; capacitor(l, l "p", l "n", c[l] - stray[l]); preset(l, l "p", l "n", amplitude * start[l], "pre")}
        printf "* bias power %.4g W\n", 3.3 * power
    }
    print ".options noacct method=trap reltol=1e-5 vntol=1e-8 abstol=1e-14 chgtol=1e-18"
    printf ".tran %.12g %.12g 0 %.12g%s\n", step, stop, T0 / 800, ideal ? " uic" : ""
    print ".control\nset num_threads=1\nset wr_singlescale\nset wr_vecnames\nset numdgt=12\nrun"
    for (i = 1; i <= nodes; i++) {l = node[i]; names = names " " l "_v"; print "let " l "_v=" (ideal ? "v(" l ")" : "v(" l "p)-v(" l "n)")}
    for (i = 1; i <= inductors; i++) {l = inductor[i]; names = names " " l "_w"; print "let " l "_w=" (ideal ? "v(" l ")" : "v(" l "q)-v(" l "r)")}
    if (output != "") {names = names " y_t"; print "let y_t=v(y)"}
    if (squarers) for (i = 1; i <= inductors; i++) {l = inductor[i]; names = names " " l "_s"; print "let " l "_s=v(j" l "p)-v(j" l "n)"}
    print "linearize" names "\nwrdata " out names "\n.endc\n.end"
}
