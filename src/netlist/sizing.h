// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// What each value of a network becomes where it is made:
//
//     a programmed value (what the technology tunes) is a whole number of units, code unit, |code| <= 2^bits, where the largest of all trained values of that
//     quantity of that kind is 2^bits units; a negative one has its outputs swapped, and one that must be positive has a unit at least
//     a capacitor is a plate of a process, C = m (density W L + fringe 2 (W + L)), as square as it goes
//     a resistor is a strip of a process, R = (sheet L / (W + narrowing) + ends / W) / m
//
// a transconductor has the bias that gives its gm in the process's first corner, where that was measured; in the netlist it is ideal
//
// with W and L on the grid of the process. In a differential network what lies between two nodes is made twice, of half the impedance.
#ifndef ES_NETLIST_SIZING_H
#define ES_NETLIST_SIZING_H

#include "net/network.h"
#include "netlist/process.h"

struct es_made {
    size_t element, quantity;
    double asked, made;         // in the unit of the quantity; `made` is `asked` where nothing is known of how it is made
    bool programmed;
    long code;                  // of a programmed value
    const struct es_role *role; // of its devices, NULL: none
    struct es_process_size size;
    size_t halves;              // 2 where it is made twice, of half the impedance
    size_t copies;              // how many of that device there are
    double bias;                // [A] of a transconductor that the process has, each; NAN: not known
    double sigma;               // relative standard deviation by mismatch; NAN: not known
    const char *lacking;        // why it does not fit; NULL: it does, or nothing is asked of it
};

struct es_sizing {
    size_t count;
    struct es_made *made;   // [count] every value of capacitors, conductances, transconductors and inductors that does not follow another's, by element and quantity
    struct es_network *net; // with what was made of its fixed values
    double *theta;          // [parameters] and of the trained ones
};

// process: NULL for none; bits: 0 for values as they are. Everything from `arena`; `net` must outlive it.
void es_sizing_new(const struct es_network *net, const double *theta, const struct es_process *process, unsigned bits, struct es_arena *arena, struct es_sizing *sizing);

// The plates of a process that has such a device, as near to `capacitance` [F] as its grid allows: m of the largest that are needed, W square, L what is left.
// NULL, or why they do not fit.
const char *es_sizing_plate(const struct es_process *process, double capacitance, struct es_process_size *size);

// A strip of a process, of the role that it takes, as near to `resistance` [ohm] as its grid allows: of the smallest width, m in parallel where one would be too short.
// NULL, or why it does not fit.
const char *es_sizing_strip(const struct es_process *process, double resistance, const struct es_role **role, struct es_process_size *size);

// The value as it is made, or NULL.
const struct es_made *es_sizing_find(const struct es_sizing *sizing, size_t element, size_t quantity);

// Area of all devices [m2].
double es_sizing_area(const struct es_sizing *sizing);

// What all transconductors draw from the supply [W]; NAN where no bias is known.
double es_sizing_power(const struct es_sizing *sizing, const struct es_process *process);

// Relative standard deviation by mismatch of the frequency of the slowest and of the fastest mode that oscillates, to first order:
// domega / omega = sum k psi^2 / (2 omega^2) dk / k - sum C v^2 / 2 dC / C over the mode's shape, of v' M v = 1, and - v (M v) / 2 dC / C for the integrator
// of each node of a mesh. NAN where nothing is known or oscillates.
// noise: the largest rms voltage of a node in thermal equilibrium, sqrt(k T (M^-1)_nn), k T / C of a node alone; active circuits have more (Nyquist, Phys.
// Rev. 32 (1928)). NAN where M is singular.
struct es_sizing_spread {
    double slowest, fastest;             // [rad/s]
    double slowest_sigma, fastest_sigma; // relative
    double noise;                        // [V] at ES_SIZING_TEMPERATURE
};
#define ES_SIZING_TEMPERATURE 300 // [K]
struct es_sizing_spread es_sizing_spread(const struct es_sizing *sizing, struct es_arena *arena);

#endif
