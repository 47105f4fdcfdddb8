#!/bin/sh
# Plants faults, one at a time, in a copy of the tree, and sees the tests catch each of them. About twenty minutes.
#     tests/faults.sh [PATTERN [SCRATCH]]     PATTERN: an extended regular expression in the fault, its file or its test programs
set -eu
tree=$(cd "$(dirname "$0")/.." && pwd)
pattern=${1:-}
scratch=${2:-$(mktemp -d)}
mkdir -p "$scratch"
failures=0
number=0

rm -rf "$scratch/tree"
mkdir "$scratch/tree"
(cd "$tree" && tar cf - meson.build src tests bench netlists models) | tar xf - -C "$scratch/tree"
meson setup "$scratch/build" "$scratch/tree" >"$scratch/log" 2>&1 || [ -f "$scratch/build/build.ninja" ]

fault() { # fault WHAT PROGRAMS FILE SED
    printf "%s\n" "$1 $2 $3" | grep -qE -e "$pattern" || return 0
    number=$((number + 1))
    cp "$scratch/tree/$3" "$scratch/sound"
    sed -i "$4" "$scratch/tree/$3"
    if cmp -s "$scratch/tree/$3" "$scratch/sound"; then
        echo "FAILED: $1: the fault no longer fits $3"
        failures=$((failures + 1))
        return
    fi
    caught=
    for program in $2; do
        ninja -C "$scratch/build" "tests/test_$program" >"$scratch/log" 2>&1 || { echo "FAILED: $1: does not compile"; cat "$scratch/log"; exit 2; }
        "$scratch/build/tests/test_$program" >"$scratch/log" 2>&1 || caught="$caught test_$program ($(grep -c ':[FE]:' "$scratch/log"))"
    done
    mv "$scratch/sound" "$scratch/tree/$3"
    touch "$scratch/tree/$3"
    [ -n "$caught" ] || failures=$((failures + 1))
    echo "${caught:+caught}${caught:-FAILED: not caught}: $1"
}

# the terms at the ends
fault "sign of dC/dphi(0)" gradient src/learn/rules/rhel.c 's/to_flux\[i\] = -(/to_flux[i] = (/'
fault "sign of dC/dp(0)" gradient src/learn/rules/rhel.c 's/0 : sample->reversal->flux \* (/0 : -sample->reversal->flux * (/'
fault "sign of a branch's own initial state" gradient src/learn/rule.c 's/? -sign \* difference/? sign * difference/'
fault "a capacitance with its voltage held lacks its term at t = 0" gradient src/net/start.c 's/^    if (!charges)$/    if (0 * charges)/'
fault "a capacitance with its charge held has the term of a held voltage" gradient src/net/start.c 's/^    if (!charges)$/    if (1 || charges)/'
fault "sign of the kick by a terminal flux" gradient src/learn/cost.c 's/voltage\[i\] = -voltage\[i\]/voltage[i] = voltage[i]/'
fault "sign of the capacitances' term of a terminal voltage" gradient src/learn/rules/rhel.c 's/lambda\[i\] = -lambda\[i\]/lambda[i] = lambda[i]/'
fault "charge of the nudge capacitor left out at the end" gradient src/learn/rule.c 's/e, charge, nudge.capacitance/e, charge, 0 * nudge.capacitance/'
fault "Legendre transform without the targets' charge" gradient src/learn/rule.c 's/e, held, nudge.capacitance/e, held, 0 * nudge.capacitance/'
fault "nudges that are connected already connected again" gradient src/engine/twin/signals.c 's/(first && b->pass->connected)/(first \&\& 0)/'
# states of rest
fault "a conductance's share without its half" static src/learn/rules/ep.c 's/term == ES_SKEW ? 1 : 0.5/term == ES_SKEW ? 1 : 1.0/'
fault "a readout across gains" static src/net/resistive.c 's/ || term == ES_READOUT ||/ ||/'
fault "a saddle taken for a state of rest, twin" static src/engine/twin/newton.c 's/\[i\] > 0;/[i] != 0;/'
fault "a saddle taken for a state of rest, ngspice" static src/engine/ngspice/worker.c 's/^        check_stability(w);/        (void)check_stability;/'
fault "rounding measured by free voltages alone" static src/engine/twin/newton.c 's/u = n->s->largest_given;/u = 0;/'
fault "small steps taken for the end" static src/engine/twin/newton.c 's/ \&\& n->fall <= slack(n))/)/'
fault "an end that is not stable is not followed once more" fhn src/engine/twin/equilibrium.c 's/local_error > 1e-7/local_error > 1e-4/'
# the turn
fault "equal voltage in place of equal charge, twin" gradient src/engine/twin/signals.c 's/es_solver_apply(b->mass, 1, charge, b->voltage);/;/'
fault "equal voltage in place of equal charge, ngspice" gradient src/engine/ngspice/starter.c 's/es_starter_voltage(model, pass->nudge, at.window, charge, v0/es_starter_voltage(model, NULL, at.window, charge, v0/'
fault "nudge capacitor connected charged" gradient src/netlist/deck.c 's/name, x->p, n, nudge, miss);/name, x->p, n, nudge, 0.);/'
fault "voltage targets keep their sign" gradient src/engine/engine.c 's/.flux = 1, .voltage = -1, .input = 1, .source = -1, .flux_target = 1, .voltage_target = -1/.flux = 1, .voltage = -1, .input = 1, .source = -1, .flux_target = 1, .voltage_target = 1/'
fault "voltage sources keep their sign" gradient src/engine/engine.c 's/.flux = 1, .voltage = -1, .input = 1, .source = -1/.flux = 1, .voltage = -1, .input = 1, .source = 1/'
fault "swapped outputs, but not the inputs'" gradient src/netlist/deck.c 's/write_transconductor(deck, "gi", x->name, x->n, x->p, channel/write_transconductor(deck, "gi", x->name, swapped(deck) ? x->p : x->n, swapped(deck) ? x->n : x->p, channel/'
# parameters that are modes
fault "the kick of the self-learning circuit climbs" heb src/learn/rules/heb_self.c 's/voltage\[i\] - eta \* voltage/voltage[i] + eta * voltage/'
fault "the modes' momenta are not flipped" heb src/learn/rules/heb_self.c 's/c->now.pi\[i\] = -c->now.pi/c->now.pi[i] = c->now.pi/'
fault "their own inputs are played forwards" heb src/learn/rules/heb_self.c 's/c->turned ? c->steps - n : n/n/'
fault "sign of the modes' force" heb src/learn/rules/heb_self.c 's/pi\[i\] += c->h/pi[i] -= c->h/'
fault "forces at an end count whole" heb src/learn/rules/heb_self.c 's/pi\[i\] += c->h \/ 2/pi[i] += c->h/'
fault "sign of the offsets' force" heb src/learn/rules/heb_self.c 's/sigma\[e\] -= c->h/sigma[e] += c->h/'
fault "a mode moves half a step too far" heb src/learn/rules/heb_self.c 's/c->now.u\[i\] += c->h/c->now.u[i] += 1.5 * c->h/'
fault "a channel's initial state at 1 V" heb src/net/start.c 's/value \* x\[channel\]/value/'
# the steps
fault "order-1 steps" "engine gradient" src/netlist/deck.c 's/method=trap%s%s/method=trap maxord=1%s%s/'
fault "xmu 0.49" "engine gradient" src/netlist/deck.c 's/method=trap%s%s/method=trap xmu=0.49%s%s/'
fault "ngspice started without its half step" "engine gradient" src/engine/ngspice/worker.c 's/double before = !w->wanted ? 0 :/double before = w->wanted ? 0 :/'
fault "a Newton iteration too few" gradient src/engine/twin/midpoint.c 's/step <= 1e-16 \* size ||/step <= 1e-6 * size ||/'
fault "the residual's sign" gradient src/learn/rules/civp.c 's/- to_p\[n\] \* charge\[n\]/+ to_p[n] * charge[n]/'
# the echo with gain
fault "beta of the beginning of an echo with gain" gain_flipped src/learn/rules/gain_flipped.c 's/exp(-gamma_t(sample->grid, gamma))/exp(0 * gamma)/'
fault "the state at t = 0 without its e^{-gamma T}" gain_flipped src/learn/rules/rhel.c 's/exp(-sample->pass->growth \* length)/exp(0 * length)/'
fault "charge of a nudge capacitor that has not grown" gain_flipped src/learn/rule.c 's/exp(pass->growth \* es_grid_step/exp(0 * es_grid_step/'
fault "integrals that grow" gain_flipped src/engine/twin/midpoint.c 's/fabs(b->h) \/ b->grown/fabs(b->h) * b->grown/'
fault "nudges of the beginning of each step" gain_flipped src/engine/twin/midpoint.c 's/((double)n + 0.5) \* fabs(b->h), error/(double)n * fabs(b->h), error/'
fault "an echo that decays" gain_flipped src/engine/twin/conformal.c 's/b->growth != 0 ? gamma : -gamma/-gamma/'
fault "voltages decay, not charges" gain_flipped src/engine/twin/signals.c 's/(b->helds \&\& decay != 1)/(b->helds \&\& decay > 9)/'
fault "nothing beside the nudge capacitor, twin" gain_flipped src/engine/twin/compile.c 's/b->beside = b->h > 0 ? -b->growth : b->growth/b->beside = 0/'
fault "a loss beside the nudge capacitor, ngspice" gain_flipped src/netlist/deck.c 's/-deck->pass->growth \* nudge/deck->pass->growth * nudge/'
fault "a nudge capacitor that starts grown, ngspice" gain_flipped src/netlist/deck.c 's/1 - pass->growth \* es_grid_step(grid) \/ 2 : 1/1 : 1/'
fault "conductances not yet turned at the start, ngspice" gain_flipped src/engine/ngspice/starter.c 's/2 \* model->k\[i\]/0 * model->k[i]/'
fault "middles of ngspice that do not count back" gain_flipped src/engine/ngspice/meter.c 's/fabs(h) \/ grown/fabs(h)/'
fault "damping that is uniform to 1e-3" gain_flipped src/net/validate.c 's/1e-9 \* fabs(expected)/1e-3 * fabs(expected)/'
# the quadratures
fault "Verlet's first weight" gradient src/engine/twin/signals.c 's/weight_windowed->at\[l\] = n > 0 \&\& n < b->steps ? h : h \/ 2/weight_windowed->at[l] = n < b->steps ? h : h \/ 2/'
fault "ngspice's first step not counted" gradient src/engine/ngspice/meter.c 's/meter->integral\[i\] += weight \* a \* b;/meter->integral[i] += meter->flux[0] == meter->values[0] ? 0 : (meter->last_a[i]++ > 0) * weight * a * b;/'
fault "a window one interval late" gradient src/engine/twin/signals.c 's/window\[(b->reversal ? b->steps - 1 - step : step)/window[(b->reversal ? b->steps - 1 - step : step ? step - 1 : 0)/'
# the elements
fault "dU\/dkappa of a Duffing inductor" "network gradient" src/net/duffing.c 's/psi \* psi \* psi \* psi \/ 4/psi * psi * psi * psi \/ 3/'
fault "dU\/dgm1 of a saturating gyrator" "network gradient" src/net/saturating_gyrator.c 's/du\[0\] = q/du[0] = -q/'
fault "half of a mutual inductance's share" "network gradient" src/net/slope.c 's/es_mutual_inductance(model, c) \/ (2 \* /es_mutual_inductance(model, c) \/ (1 * /'
fault "Josephson junctions of half the flux quantum, ngspice" engine src/netlist/deck.c 's/write_integrator(deck, .u., x, 1, x->q\[0\]/write_integrator(deck, '"'u'"', x, 1, 0.5 * x->q[0]/'

# the reciprocal run
fault "the second run not mirrored" reciprocal src/learn/rules/reciprocal.c 's/double now = e\[steps - 1 - m\]/double now = e[m]/'
fault "a flux's current one half step early" reciprocal src/learn/rules/reciprocal.c 's/sum + h \/ 2 \* now/sum + h * now/'
fault "sign of a conductance's slope" reciprocal src/net/slope.c 's/-es_across(&net->element\[e\], q) \* es_across(&net->element\[e\], v)/es_across(\&net->element[e], q) * es_across(\&net->element[e], v)/'
fault "sign of the term of v(0) = p(0) \/ M" reciprocal src/learn/rules/reciprocal.c 's/less\[i\] = -to_charge/less[i] = to_charge/'
fault "a flux cost's own dependence on phi(0) left out" reciprocal src/learn/rules/reciprocal.c 's/es_add_across(output, to_flux, sum)/es_add_across(output, to_flux, 0 * sum)/'
fault "the middle of a step at its beginning" reciprocal src/learn/rules/reciprocal.c 's/% grid->substeps) + 0.5/% grid->substeps) + 0.0/'
fault "an injection one step late, twin" reciprocal src/engine/twin/signals.c 's/b->steps - 1 - m.n : m.n)/b->steps - 1 - m.n : m.n ? m.n - 1 : 0)/'
fault "an injection not in ngspice's half step" reciprocal src/engine/ngspice/starter.c 's/before < 0 ? -at.j\[i\] : at.j\[i\])/0 * at.j[i])/'
fault "middles one step late, ngspice" reciprocal src/engine/ngspice/worker.c 's/w->middle\[(w->points - 2) \* /w->middle[(w->points > 2 ? w->points - 3 : 0) * /'

# states of rest
fault "a conductance's share counts twice" static src/learn/rules/ep.c 's/ES_SKEW ? 1 : 0.5/ES_SKEW ? 1 : 1/'
fault "sign of an input's share" static src/learn/rules/ep.c 's/ES_DRIVE ? -1/ES_DRIVE ? 1/'
fault "sign of a skew coupling's share" fhn src/learn/rules/ep.c 's/ES_SKEW ? 1 : 0.5/ES_SKEW ? -1 : 0.5/'
fault "a target on the other side of the output" static src/learn/rules/ep.c 's/voltage) - sample->slope/voltage) + sample->slope/'
fault "a nudge without its node's weight" static src/learn/rules/ep.c 's/sample->nudge\[o\] \/ es_resistive_weight(sample->resistive, net->output\[o\])/sample->nudge[o]/'
fault "shares without their weight" static src/learn/rules/ep.c 's/share \* es_resistive_weight(sample->resistive, e)/share/'
fault "two nudges' beta for one" static src/learn/rules/ep.c 's/free, sample->beta_si, slope/free, 2 * sample->beta_si, slope/'
fault "nudged states that begin at 0 V" fhn src/learn/rules/ep.c 's/    pass.voltage = sample->free_result.voltage;//'
fault "sign of an input's slope" static src/learn/implicit.c 's/slope\[i\] += w \* input/slope[i] -= w * input/'
fault "a skew coupling's bend in its own slope" fhn src/learn/implicit.c 's/(slant \* voltage/(voltage/'
fault "an output that does not see its amplifier" static src/learn/implicit.c 's/+= r->factor\[e->p\]/+= 1/'
fault "a nudge that does not see what its branch ends in" static src/engine/twin/equilibrium.c 's/(target - given_across(&rest->nudge\[o\], voltage))/target/'
fault "what a source brings to a node, at the other end" static src/engine/twin/equilibrium.c 's/x->w \* x->fn \* conductance/-x->w * x->fn * conductance/'
fault "a conductance that does not see its amplifier" static src/engine/twin/equilibrium.c 's/x->p, x->n, -x->w \* x->fp \* x->fn, 0/x->p, x->n, -x->w * x->fn, 0/'
fault "a skew coupling's inhibitor draws" fhn src/engine/twin/equilibrium.c 's/+= k \* sense \* x->fn/-= k * sense * x->fn/'
fault "Newton's method stops early" static src/engine/twin/newton.c 's/size <= rounding ||/size <= 1e-4 ||/'
fault "Newton's method without backtracking" static src/engine/twin/newton.c 's/if (s->content <= before/if (1 || s->content <= before/'
fault "an equilibrium that is no minimum" static src/engine/twin/newton.c 's/if (!(slope <= 0))/if (0)/'
fault "a transient that is left at once" fhn src/engine/twin/settle.c 's/t->tau > rest \* /t->tau > 1e-11 * rest * /'
fault "a transient of any error" fhn src/engine/twin/settle.c 's/double off = step_error(t);/double off = step_error(t) * 1e-9;/'
fault "sign of the transient's rate" fhn src/engine/twin/settle.c 's/fabs(t->d\[i\] - t->tau/fabs(t->d[i] + t->tau/'
fault "an amplifier's weight 1 / A" static src/net/resistive.c 's/1 \/ (e->value\[0\] \* e->value\[0\])/1 \/ e->value[0]/'
fault "the weight of an element whose first end is given" fhn src/net/resistive.c 's/r->weight\[element->n\] \/ weight_ratio(element)/r->weight[element->n]/'
fault "an amplifier behind an amplifier" static src/net/resistive.c 's/r->factor\[i\] \*= net/r->factor[i] = net/'
fault "the bend of a skew coupling not in the curvature" fhn src/net/stability.c 's/k \* bend \* voltage/0 * bend * voltage/'
fault "stability that does not see the nudge" fhn src/net/stability.c 's/net->output\[o\], nudge\[o\], j)/net->output[o], 0 * nudge[o], j)/'
fault "the fastest mode for the slowest" fhn src/net/stability.c 's/GSL_REAL(gsl_vector_complex_get(values, i)) < /GSL_REAL(gsl_vector_complex_get(values, i)) > /'
fault "a diode's reverse current" static src/net/diode.c 's/double a = 3 \* q\[1\]/double a = 2 * q[1]/'
fault "sign of a diode's reverse conductance" static src/net/diode.c 's/? 3 \* q\[0\] \* tail/? -3 * q[0] * tail/'
fault "a nagumo conductance's slope" fhn src/net/nagumo.c 's/conductance\[i\] = q\[0\] \* (s \* s - 1)/conductance[i] = q[0] * (s * s \/ 3 - 1)/'
fault "a nagumo conductance's co-content" fhn src/net/nagumo.c 's/s \* s \/ 12/s * s \/ 6/'
fault "the bend of a skew coupling's sense" fhn src/net/skew.c 's/-2 \* s \* \*slope/-2 * s/'
# states of rest in ngspice
fault "a diode at 25 degrees, ngspice" static src/netlist/deck.c 's/(27 + 273.15)/(25 + 273.15)/'
fault "an amplifier that draws the other way, ngspice" static src/netlist/deck.c 's/-1 \/ x->q\[0\]/1 \/ x->q[0]/'
fault "a nagumo conductance's cubic, ngspice" fhn src/netlist/deck.c 's/v(%s)\/3-1)/v(%s)\/2-1)/'
fault "a bent skew coupling's gain, ngspice" fhn src/netlist/deck.c 's/(linear ? 1 : x->q\[1\])/1/'
fault "sign of the current of a nudge, ngspice" "static fhn" src/netlist/deck.c 's/"in_%s %s %s %.17g", x->name, x->n, x->p/"in_%s %s %s %.17g", x->name, x->p, x->n/'
fault "operating points sought from 0 V, ngspice" fhn src/netlist/deck.c 's/(!settles \&\& net->node\[i\].source < 0/(0 \&\& net->node[i].source < 0/'
fault "active transients that begin at 0 V, ngspice" fhn src/netlist/deck.c 's/x->n, x->q\[0\], x->v);/x->n, x->q[0], 0 * x->v);/'
fault "transients that are too short to settle, ngspice" static src/netlist/deck.c 's/es_deck_settling = 1e-3/es_deck_settling = 1e-1/'
fault "what has not settled is taken for rest, ngspice" "static fhn" src/engine/ngspice/worker.c 's/settles \&\& w->moved > 1e-9/settles \&\& w->moved > 1e9/'
# thermal averages
fault "noise of T in place of 2 T" finite_nudge src/learn/thermal.c 's/sqrt(2 \* problem->kt/sqrt(problem->kt/'
fault "sign of a capacitor's dE/dtheta" finite_nudge src/learn/thermal.c 's/ES_KINETIC ? slope\[i\] : -slope/ES_KINETIC ? -slope[i] : -slope/'
fault "sign of a nudge's drive" finite_nudge src/learn/thermal.c 's/\&es_input, n->b, arena/\&es_input, -n->b, arena/'
fault "half the entropy" finite_nudge src/learn/thermal.c 's/problem->kt \* log/problem->kt \/ 2 * log/'
fault "the energy at the minimum counts twice" finite_nudge src/learn/thermal.c 's/- right\[i\] \* solution\[i\] \/ 2/- right[i] * solution[i]/'
fault "sign of what sources bring to the minimum" finite_nudge src/learn/thermal.c 's/right\[i\] -= matrix/right[i] += matrix/'
fault "a nudge relative to its second node" finite_nudge src/learn/thermal.c 's/least = node >= 0 ? fmin(least, sum) : least/least = node >= 0 ? sum : least/'
fault "one noise for all examples" finite_nudge src/learn/thermal.c 's/.sample = n->example->sample/.sample = 0/'
fault "sign of the path integral" finite_nudge src/learn/rules/finite_nudge.c 's/, -weight /, weight /'
fault "contrast not over the nudge" finite_nudge src/learn/rules/finite_nudge.c 's/0, 1, -1 \/ b, slope/0, 1, -1, slope/'
fault "noise a tenth too strong" finite_nudge src/learn/thermal.c 's/sqrt(2 \* problem->kt/sqrt(2.2 * problem->kt/'
fault "averages in the middles of steps" finite_nudge src/learn/thermal.c 's/voltage\[i\] = 2 \* middle\[i\] - voltage\[i\]/voltage[i] = middle[i]/'
fault "all chains alike" finite_nudge src/learn/thermal.c 's/run \* n->problem->chains + from + c/run/'
fault "the same noise at each nudge" finite_nudge src/learn/thermal.c 's/run \* n->problem->chains + from + c/from + c/'
fault "chains that begin at 0" finite_nudge src/learn/thermal.c 's/rest\[i\] += right\[i\]/rest[i] += 0 * right[i]/'
fault "chains that count from their beginning" finite_nudge src/learn/thermal.c 's/10 \/ log1p(/1e-9 \/ log1p(/'
fault "covariances of means over their number" finite_nudge src/learn/rules/finite_nudge.c 's/- d) \/ (chains - 1)/- d) \/ chains/'
fault "covariances not centred" finite_nudge src/learn/rules/finite_nudge.c 's/(mean\[c\].slope\[i\] - d)/mean[c].slope[i]/'
fault "nodes of the path in b itself" finite_nudge src/learn/rules/finite_nudge.c 's/expm1(at) \/ c/at \* expm1(log1p(c * b)) \/ log1p(c * b) \/ c/; s/-weight \* exp(at)/-weight * expm1(log1p(c * b)) \/ log1p(c * b)/'
fault "damping a hundredth off" network src/net/rates.c 's/-gsl_matrix_get(g, low, high)/-1.01 * gsl_matrix_get(g, low, high)/'
fault "every state of rest counts as proven stable" fhn src/net/stability.c 's/return is_positive(n, rate);/return true;/'
fault "the proof looks at each node alone" fhn src/net/stability.c 's/= product\[i \* n + k\] + product\[k \* n + i\]/= (i == k) * product[i * n + k]/'
# mismatch, fluxes that decay and drift, injections
fault "a slope without its element's scale" network src/net/network.h 's/slope\[e->parameter\[quantity\]\] += value \* es_element_scale(e, quantity)/slope[e->parameter[quantity]] += value/'
fault "followers in a local rule's share" network src/net/slope.c 's/share\[s\].weight \*= es_element_scale/share[s].weight *= 2 * es_element_scale/'
fault "a decay that is no loss backwards, twin" engine src/engine/twin/compile.c 's/b->h < 0 ? -b->model.decay\[e\]/b->h < 0 ? b->model.decay[e]/'
fault "an offset that is not swapped, ngspice" engine src/netlist/deck.c 's/(swapped(deck) ? -1 : 1) \* x->q\[0\]/x->q[0]/'
fault "own fluxes not half a step early, ngspice" engine src/engine/ngspice/starter.c 's/- before \* es_model_flux_rate/- 0 * es_model_flux_rate/'
fault "K without the decay" engine src/engine/twin/block.c 's/scale_k \* b->curve\[i\].share/scale_k/'
fault "a decay's slope mirrored twice" reciprocal src/learn/rules/reciprocal.c 's/i = (steps - 1 - n) \* decaying/i = n * decaying/'
fault "sign of a decay's slope to what stores" reciprocal src/net/slope.c 's/-value\[e\] \* model->decay/value[e] * model->decay/'
fault "own fluxes of the second run left out at 0" reciprocal src/learn/rules/reciprocal.c 's/hat->flux, hat->offset, current/hat->flux, NULL, current/'
fault "a series voltage not half a step early" reciprocal src/engine/ngspice/starter.c 's/.series ? before \* at.j\[i\]/.series ? 0 * at.j[i]/'
fault "a series voltage the wrong way round, ngspice" reciprocal src/netlist/deck.c 's/"ej_%zu %s z_%zu j_%zu 0 1", i, n, i, i/"ej_%zu z_%zu %s j_%zu 0 1", i, i, n, i/'
fault "a skew the wrong way" reciprocal src/engine/engine.c 's/(double)at + pass->skew/(double)at - pass->skew/'
fault "a skew of the whole step in ngspice" reciprocal src/engine/ngspice/worker.c 's/now + (at - (double)n) \* (next - now)/now/'
# the circuit as made
fault "losses of half the quality" chip src/chip/losses.c 's#0, making->w0 / quality);#0, 2 * making->w0 / quality);#'
fault "leakage of half the quality" chip src/chip/losses.c 's#e->kind->store, making->w0 / quality, error#e->kind->store, 2 * making->w0 / quality, error#'
fault "parasitics that do not follow what is trained" chip src/chip/chip.c 's#e->parameter\[quantity\] = from->parameter\[of\];#e->parameter[quantity] = ES_FIXED;#'
fault "a trained value without its mismatch" chip src/chip/chip.c 's#e->scale\[quantity\] = factor \* es_element_scale(e, quantity);#;#'
fault "the same draw for all chips" chip src/chip/chip.c 's#.seed = making->chip->seed, .purpose = ES_RANDOM_CHIP#.seed = 0, .purpose = ES_RANDOM_CHIP#'
fault "a compensation that adds losses" chip src/chip/losses.c 's#0, -part);#0, part);#'
fault "series losses compensated as if Q were w0" chip src/chip/losses.c 's#making->w0 \* making->w0 + r \* r#making->w0 * making->w0 / 2 + r * r#'
fault "sign of gm2's offset" chip src/chip/transconductor.c 's#add_bias(making, i, 1, e->n, e->p,#add_bias(making, i, 1, e->p, e->n,#'
fault "sign of a bias, twin" chip src/engine/twin/block.c 's#current.at\[l\] = b->bias\[i\].k;#current.at[l] = -b->bias[i].k;#'
fault "sign of a bias, ngspice" chip src/netlist/deck.c 's#swap ? x->p : x->n, swap ? x->n : x->p, x->q\[0\]#swap ? x->n : x->p, swap ? x->p : x->n, x->q[0]#'
fault "no output conductance of an input" chip src/chip/transconductor.c 's#->value\[0\] = gm / gain;#->value[0] = gm / gain / 2;#'
fault "a pole that damps" chip src/chip/transconductor.c 's#q == 1 ? -1 : 1);#1);#'
fault "a pole of half the phase" chip src/chip/transconductor.c 's#double tau = phase / making->w0;#double tau = phase / making->w0 / 2;#'
fault "a nudge relative to what a pole takes away" chip src/learn/cost.c 's#e->kind->term == ES_SENSING) \&\& model->k\[i\] > 0; //#e->kind->term == ES_SENSING); //#'
fault "conductances that give where outputs are swapped, twin" chip src/engine/twin/compile.c 's#(b->growth != 0) == (b->h > 0)#b->growth != 0 \&\& b->h > 0#'
fault "conductances that give in the first half step, ngspice" chip src/engine/ngspice/starter.c 's#(pass->growth != 0) != swapped#pass->growth != 0#'
fault "gm rises with the temperature" chip src/chip/mismatch.c 's#1 - 0.002 \* rise#1 + 0.002 * rise#'
fault "one transistor of a mirror" chip src/chip/mismatch.c 's#sqrt(2) \* pelgrom#pelgrom#'
fault "a flip that errs the other way" chip src/chip/flip.c 's#1 + value : 1, flux = turn#1 - 0.9 * value : 1, flux = turn#'
fault "charge that does not know C" chip src/chip/flip.c 's#charge\[n\] = value;#charge[n] = value * (n + 1);#'
fault "an instant that is half as late" chip src/chip/flip.c 's#sigma \* es_random_normal(&stream), batch#sigma / 2 * es_random_normal(\&stream), batch#'
fault "a circuit that is flipped twice" chip src/chip/flip.c 's#        v\[n\] = turn->voltage \* pass->voltage\[n\];#        v[n] = pass->voltage[n];#'
fault "half the noise" chip src/chip/noise.c 's#return 2 \* fabs(q#return fabs(q#'
fault "noise of a leakage without gm1" chip src/chip/noise.c 's#(leaks ? q\[0\] \* q\[0\] : 1)#(leaks ? q[0] * q[1] : 1)#'
fault "noise of another pass" chip src/chip/use.c 's#.sample = pass->sample, #.sample = 0, #'
fault "a step of a bit less" chip src/chip/converter.c 's#2 \* full / (exp2(bits) - 2)#2 * full / exp2(bits)#'
fault "readings at the ends of their steps" chip src/chip/converter.c 's#+ 0.5) \* step : x#) * step : x#'
fault "a rule's own passes read by the outputs' converter" chip src/chip/converter.c 's#return pass->run == 0 \&\& !pass->reversal;#return !pass->reversal;#'
fault "charge that nudge capacitors do not take" chip src/chip/flip.c 's#o < net->outputs \&\& pass->connected#o < 0 * net->outputs \&\& pass->connected#'
fault "inputs that go on after T" chip src/chip/flip.c 's#\*slope = s < 0 ? #*slope = 1 ? #'
fault "fluxes that do not decay before a late flip" chip src/chip/flip.c 's#es_model_own_flux(f->model, e) ?#0 * e ?#'
fault "a drive that comes early" chip src/chip/flip.c 's#pass\[i\].skew += value#pass[i].skew -= value#'
fault "a pole that makes noise" chip src/chip/noise.c 's#es_making_value(element, 1) > 0#es_making_value(element, 1) != 0#'
fault "a loss of the file's undone" chip src/chip/losses.c 's#es_making_value(ideal, ideal->kind->loss) : 0#0 * es_making_value(ideal, ideal->kind->loss) : 0#'
fault "noise of half the full scale" chip src/chip/converter.c 's#x + sigma \* full#x + sigma / 2 * full#'
fault "readings of half the noise" chip src/chip/converter.c 's#integral\[a\] + sigma \* full#integral[a] + sigma / 2 * full#'
fault "noise that is the same at all outputs" chip src/chip/use.c 's#.purpose = purpose, .id = id#.purpose = purpose, .id = 0 * id#'
fault "a converted kind keeps its quantity's number" chip src/chip/transconductor.c 's#net->parameter\[p\].quantity = (size_t)es#(void)es#'
fault "leakages that do not add" chip src/chip/chip.c 's#e->value\[loss\] += factor#e->value[loss] = factor#'
fault "plates of a hundredth of the spread" chip src/chip/mismatch.c 's#0.47e-2 \* 1e-6#0.47e-4 * 1e-6#'
# memory devices
fault "a linear step's slope" device src/device/linear.c 's/slope\[d > 0\] \* w + 1/slope[d > 0] * w + 1.001/'
fault "soft bounds the other way round" device src/device/soft_bounds.c 's/d > 0 ? device->max : device->min/d < 0 ? device->max : device->min/'
fault "sign of an exponential step down" device src/device/exponential.c 's/exp(-p\[GAMMA_DOWN\]/exp(p[GAMMA_DOWN]/'
fault "half the slope of an exponential step" device src/device/exponential.c 's/z = 2 \* p\[A\]/z = p[A]/'
fault "one level too many" device src/device/quantised.c 's/(exp2(card->p\[0\]) - 1)/exp2(card->p[0])/'
fault "less than a pulse on a measured curve" device src/device/table.c 's/pulse + 1)/pulse + 0.9)/'
fault "sign of the asymmetry" device src/device/device.c 's/fabs(gain - beta)/fabs(gain + beta)/'
fault "log-normal spread as a normal one" device src/device/device.c 's/exp(draw)/1 + draw/'
fault "one draw for both bounds" device src/device/device.c 's/normal(stream, MIN)/normal(stream, MAX)/'
fault "additive noise of cycles as multiplicative" device src/device/device.c 's/size = card->multiplicative/size = !card->multiplicative/'
fault "a fifth more devices stuck" device src/device/device.c 's/< card->stuck;/< 1.2 * card->stuck;/'
fault "a leak twice as fast" device src/device/device.c 's/1 - 1 \/ lifetime/1 - 2 \/ lifetime/'
fault "drift upwards" device src/device/retention.c 's/drift_time, -nu/drift_time, nu/'
fault "reading's time" device src/device/retention.c 's/(2 \* card->read_time)/(card->read_time)/'
fault "pulses rounded without a draw" device src/device/memory.c 's/floor(count + es_random_uniform(&rounding))/floor(count + 0 * es_random_uniform(\&rounding))/'
fault "what is less than a pulse is forgotten" device src/device/memory.c 's/cell->rest += dw - count \* m->unit/cell->rest = 0/'
fault "both of a pair go the same way" device src/device/memory.c 's/pulse(m, i, 1, -d, cell/pulse(m, i, 1, d, cell/'
fault "the other one of a pair that only moves up" device src/device/memory.c 's/pulse(m, i, d < 0, +1/pulse(m, i, d > 0, +1/'
fault "an inductance held as a conductance" device src/device/memory.c 's/return r->inverse ? 1 \/ g : g/return g/'
fault "refreshed without a reset" device src/device/memory.c 's/    if (card->one_sided)$/    if (0)/'
fault "no leak in training" device src/device/memory.c 's/    leak(m, i, cell);//'
fault "the same noise of pulses at each update" device src/device/memory.c 's/ES_PAIR \* i + k, .update = update};$/ES_PAIR * i + k, .update = 0};/'

# margins of nonidealities
fault "margins a step off" sensitivity src/learn/sensitivity.c 's/(double)kept + 0.5/(double)kept - 0.5/'
fault "a bisection that ends early" sensitivity src/learn/sensitivity.c 's/passed - kept > 1;/passed - kept > 2;/'
fault "crossings that never return" sensitivity src/learn/sensitivity.c 's/margin.returns |= state_of(s, &lattice->point\[i\], limit) == KEPT/margin.returns |= state_of(s, \&lattice->point[i], limit) == 9/'
fault "every chip the first" sensitivity src/learn/sensitivity.c 's/base->seed + number/base->seed/'
fault "one chip of what is drawn" sensitivity src/learn/sensitivity.c 's/size_t chips = drawn ? s->chips : 1;/size_t chips = drawn ? 1 : 1;/'
fault "a sum over chips" sensitivity src/learn/sensitivity.c 's/quality->loss += part \*/quality->loss +=/'
fault "trained on the chip, used on it too" sensitivity src/learn/sensitivity.c 's/status == ES_OK \&\& !s->acting->use/status == ES_OK \&\& 0 * !s->acting->use/'
fault "trained on the ideal chip" sensitivity src/learn/sensitivity.c 's/score(search, &chip, &other/score(search, search->sensitivity->acting->training ? \&other : \&chip, \&other/'
fault "nonidealities beside the chip's own of their kind" sensitivity src/learn/sensitivity.c 's/i < base->count \&\& kind != search->kind/i < base->count/'
fault "a fifth for a tenth" sensitivity src/learn/sensitivity.c 's/1.1 \* s->ideal.loss/1.2 * s->ideal.loss/'
fault "one standard error" sensitivity src/learn/sensitivity.c 's/- 2 \* s->standard_error/- s->standard_error/'
fault "a standard error of none at 1" sensitivity src/learn/sensitivity.c 's/(s->ideal.accuracy \* n + 1) \/ (n + 2)/s->ideal.accuracy/'
fault "nothing is ever untouched" sensitivity src/learn/sensitivity.c 's/<= 4 \* DBL_EPSILON/< 0 * DBL_EPSILON/'
fault "what is refused has passed" sensitivity src/learn/sensitivity.c 's/point->refused\[subject\] = status == ES_BAD_INPUT/point->refused[subject] = 0 * (status == ES_BAD_INPUT)/'
fault "a row drawn that says otherwise" sensitivity src/chip/transconductor.c 's/.drawn = true, .make = offset/.make = offset/'
fault "gradients as used for the exact ones" sensitivity src/learn/specimen.c 's/    exact.engine = s->twin;/    exact.engine = s->engine;/'
fault "the unit of a flux" sensitivity src/learn/trial.c 's/read == ES_READ_FLUX ? "Wb/read != ES_READ_FLUX ? "Wb/'
# comparisons
fault "exact gradients by the echo" compare src/learn/specimen.c 's/exact.rule = reciprocal ? \&es_reciprocal : \&es_rhel/exact.rule = \&es_rhel/'
fault "gradients of the first samples" "compare sensitivity" src/learn/specimen.c 's/i \* training->trained \/ s->samples/i/'
fault "an update's energy for one sample" compare src/learn/trial.c 's/all \* (double)(batch < run->specimen.training.trained ? batch : run->specimen.training.trained)/all/'
fault "a leakage by its flux" compare src/learn/trial.c 's/kind == &es_inductor ? 1 : q\[0\]/1/'
fault "spread over n" compare src/learn/comparison.c 's/s.count - 1)/s.count)/'
fault "a store that replaces another" compare src/store/sql.c 's/RENAME_NOREPLACE/0/'
fault "norm ratio squared" compare src/learn/difference.c 's/sqrt(aa \/ bb)/aa \/ bb/'

echo "$((number - failures)) of $number faults caught"
[ "$failures" -eq 0 ]
