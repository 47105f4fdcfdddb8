// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// A network of capacitors and gyrators as transistors of a process, with its echo: a deck for plain `ngspice -b` that proves itself. The cells are those of
// models/cells, and all sizes follow from the calibration of one of them, es_ota (netlist/process.h):
//
//     gm -> bias      of the calibration
//     C -> plates     C less the strays of all that hangs on its wires; 0.4 C each way round between the wires, 0.4 C from each to ground, which hold
//                     the common mode: between the wires that is C
//     delay -> lead   R = (delay1 + delay2) / C_L - (go1 + go2) / (gm1 gm2), half of it in each wire between w and C_L: it takes back the
//                     omega^2 (delay1 + delay2) by which the delays make each mode of any network grow (docs/theory.md 12)
//
// One transient: for each echo (without a nudge, and if something is trained at +beta and -beta) switches preset every capacitor, the free pass runs, the
// polarity of every transconductor but the nudges' turns, and the echo runs. All signals are the network's times `scale`, which keeps transistors linear. The
// nudge at an output is +-g (y - w) from two es_ota, w being that of the gyrator at that node, g = beta weight C_L / gm1.
//
// At w of each gyrator that learns an es_squarer gives k w^2, through a chopper, to plates C that are cleared once: what the echo at +beta adds the one at -beta takes
// away, and what is left is the gradient, a voltage. C is so large that it stays within 50 mV, k int w^2 / C, and loses no more than 0.2 % of its charge in an echo,
// (cout + go T) / C, as the difference of the echoes is some percents of their sums. Ideal integrators that load nothing measure the integrals of w^2 beside.
//
// For comparison with a layout: its cells alone (flavour). Where the process's transconductor was not measured, biases are to first order by hand, and strays, delays and
// losses, not being known, 0: plates are for all of C, and leads wires. So are the squarers where they were not measured.
#ifndef ES_NETLIST_CMOS_H
#define ES_NETLIST_CMOS_H

#include "engine/engine.h"
#include "netlist/dialect.h"
#include "netlist/process.h"

struct es_cmos {
    const struct es_model *model;     // of the technology cmos
    const struct es_grid *grid;
    const struct es_pass *free, *echo; // the free pass, and the echo at +beta_si with its nudges
    double beta_si;                   // learn/cost.h
    const double *gradient;           // [parameters] dC/dtheta
    double omega;                     // of the fastest mode [rad/s]
    double swing;                     // the largest |v| of a node and |w| of a gyrator in the free pass [V]
    const struct es_process *process;
    const char *corner;               // NULL: the first
    const char *head;                 // the lines that load it
    const struct es_dialect *dialect; // ngspice; or gnucap, whose deck prints waveforms and proves nothing, of what is neither driven nor trained
    enum es_flavour flavour;          // ES_FLAVOUR_LVS: dialect ngspice or cdl
};

// What the deck promises.
#define ES_CMOS_FREQUENCY 0.1  // relative error of f0, of one oscillator without input
#define ES_CMOS_GROWTH 0.004   // of the amplitude per period, without input
#define ES_CMOS_RETRACE 0.05   // of the largest state
#define ES_CMOS_COSINE 0.95    // of the gradient, in the parameters' coordinates
#define ES_CMOS_SWING 0.01     // [V] largest signal

enum es_cmos_kind { ES_CMOS_TRANSCONDUCTOR, ES_CMOS_CAPACITOR, ES_CMOS_COUPLING, ES_CMOS_LEAD, ES_CMOS_SQUARER }; // in S, F, F, ohm, A/V2

// What became of a value: of a transconductor its bias, of a capacitor its plates, for a layout of a coupling its plates and of a lead its strip.
struct es_cmos_made {
    enum es_cmos_kind kind;
    const char *name;
    double asked;
    double bias, slope;          // [A], dgm/dbias [S/A]; 0 of others
    double strays;               // [F]
    const struct es_role *role;  // of a lead's strip; NULL where none fits
    struct es_process_size size; // of the plates of the cross-coupled half, of which there are four; of a coupling's, a lead's each of two; 0: ideal
    double made;                 // of a capacitor strays and plates
    double sigma;                // relative standard deviation by mismatch of a transconductor's gm or of a capacitor; NAN: not known
};

// A transistor of the cells.
struct es_cmos_transistor {
    const char *cell, *name;
    const struct es_role *role;
    double asked; // length in models/cells [m]
    struct es_process_size size;
};

// What mismatch does to the frequency of a mode, as a relative standard deviation to first order; NAN: not known.
//
//     plates        sigma_p of one of four (Pelgrom's, netlist/process.h), C = Ca + Cb + Cp Cn / (Cp + Cn): sqrt(2 + 2 / 16) sigma_p C_plate / C
//     transistors   gm = ib h(ib / beta) of es_ota, e = dln gm / dln ib: sigma(gm)^2 / gm^2 = e^2 [(gm_m / ib)^2 (sigma_V^2 of mb + of mt) + sigma_beta^2 of mb + of mt]
//                   + (1 - e)^2 sigma_beta^2 of the pair / 2; the mirror has the pair's inversion, so that gm_m / ib = 4 gm / ib. The pair's thresholds give an
//                   offset, and no gm (Kinget, IEEE J. Solid-State Circuits 40 (2005))
//     mode          of shape x, x' M x = 1: domega / omega = sum over gyrators of g [(xa (dgm1a + dgm2a) - xb (dgm1b + dgm2b)) (xa - xb) - (xa - xb)^2 dC_L] / (2 omega^2)
//                   - sum C va^2 dC / 2, with g = gm1 gm2 / C_L, errors relative, and each side of a gyrator having transconductors of its own
struct es_cmos_mode {
    double omega; // [rad/s]; NAN: nothing oscillates
    double plates, transistors;
};

struct es_cmos_report {
    size_t count;
    struct es_cmos_made *made; // [count]
    size_t transistors, cells;
    struct es_cmos_transistor *transistor; // [transistors]
    bool by_hand, squarers_by_hand; // biases are to first order, and k of the squarers
    double scale, beta_si;     // of the deck
    double power;              // [W] of all biases
    double plates, channels;   // [m2] of capacitors, of the transistors' channels
    struct es_cmos_mode slowest, fastest; // of the modes that oscillate
    double noise;              // [V] as es_sizing_spread's: the largest rms voltage of a node in thermal equilibrium; transconductors have more
};

// The deck or its cells, which the caller frees, and its report from `arena`; NULL with ES_BAD_INPUT's message, which names what the process or the cells do not make,
// or a node, gyrator or output whose name is that of another's wire.
char *es_cmos_text(const struct es_cmos *cmos, struct es_arena *arena, struct es_cmos_report *report, struct es_error *error);

// ---- as an engine's passes -------------------------------------------------------------------------------------------

// What transistors are of, to an engine that runs passes of them.
struct es_cmos_kit {
    const struct es_process *process;
    const char *corner; // NULL: the first
    const char *head;   // the lines that load it
};

// ngspice's tolerances for millivolts on picofarads.
#define ES_CMOS_OPTIONS ".options reltol=1e-5 vntol=1e-8 abstol=1e-14 chgtol=1e-18\n"

// A pass of the network as such transistors, at its own signals, from its state on, which is set exactly, with the names of netlist/deck.h for what it reads (ideal
// meters, which load nothing) and plays (external sources x_c and y_o). Nudges stand only where the pass has them. Fluxes of gyrators are their own, as it begins and as
// it ends: w is what their capacitors hold. From `arena`. ES_BAD_INPUT: a reversal but swap-outputs, a window, growth, injections, and what es_cmos_text refuses.
enum es_status es_cmos_pass(const struct es_cmos_kit *kit, const struct es_model *model, const struct es_grid *grid, const struct es_pass *pass, struct es_arena *arena,
                            struct es_circuit **circuit, struct es_error *error);

#endif
