// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// A process map: how a fabrication process calls its devices in netlists, in which units, how large they may be, and what is known of them; a file of
// models/process (the format: models/process/process.rng, read by xml/xml.h). Names and numbers only, nothing of a design kit.
//
// A transistor's W is that of all its fingers; all devices here have one. m devices of one size in parallel are one instance of multiplier m.
#ifndef ES_NETLIST_PROCESS_H
#define ES_NETLIST_PROCESS_H

#include "core/arena.h"
#include "core/rows.h"
#include "core/status.h"

#include <stdbool.h>

enum { ES_PROCESS_PINS = 4, ES_PROCESS_PARAMETERS = 16, ES_PROCESS_ROLES = 8, ES_MULTIPLIER = 10000 };

// What a device is used as. `pin` is the order in which callers give the nodes.
struct es_role {
    struct es_row row;
    const char *pin[ES_PROCESS_PINS + 1]; // NULL-ended
};

extern const struct es_row *const es_roles[]; // [ES_PROCESS_ROLES] of struct es_role
extern const struct es_role es_role_nfet, es_role_pfet;                   // d g s b
extern const struct es_role es_role_capacitor;                            // p (top plate), n (bottom plate)
extern const struct es_role es_role_resistor, es_role_high_resistor;      // p n b (body)
extern const struct es_role es_role_memory;                               // te be (electrodes)
extern const struct es_role es_role_nfet_io, es_role_pfet_io;             // d g s b; of thick oxide, for 3.3 V beside a core of less

enum es_flavour {
    ES_FLAVOUR_SIM, // for a simulator
    ES_FLAVOUR_LVS, // for comparison with a layout
    ES_FLAVOURS
};

enum es_parameter_kind {
    ES_PARAMETER_FIXED,      // `value`
    ES_PARAMETER_WIDTH,      // W
    ES_PARAMETER_LENGTH,     // L
    ES_PARAMETER_MULTIPLIER, // m
    ES_PARAMETER_AREA,       // of the source, of the drain: W d
    ES_PARAMETER_PERIMETER,  // 2 (W + d)
    ES_PARAMETER_SQUARES,    // d / W
};

// The form of an instance's line: <letter><name>, the nodes in the order `pin`, the model, <parameter>=<number> ...
struct es_line_form {
    char letter;
    size_t pins, pin[ES_PROCESS_PINS]; // indices into es_role.pin
    double unit;                       // [m] of the line's lengths: 1e-6 where they are bare microns
    size_t parameters;
    struct {
        const char *name;
        enum es_parameter_kind kind;
        double value;
    } parameter[ES_PROCESS_PARAMETERS];
};

struct es_process_device {
    const struct es_role *role;
    const char *model; // NULL: the simulator's own capacitor or resistor, its value in place of a model
    struct es_line_form form[ES_FLAVOURS];
    double min_width, max_width, min_length, max_length; // [m], all 0 where it has no size
    double diffusion;                                    // d [m]: length of source and drain
    double density, fringe;                              // [F/m2], [F/m]: C = density W L + fringe 2 (W + L); 0: no capacitor
    double sheet, narrowing, ends;                       // [ohm], [m], [ohm m]: R = sheet L / (W + narrowing) + ends / W; 0: no resistor
    // Standard deviations of one device (a map's pair constants are divided by sqrt(2)), over 1 / sqrt((W + width_offset) (L + length_offset)):
    // of the threshold [V m]; of the gain of a transistor, the value of a capacitor or a resistor, relative to itself [m]. NAN: not known.
    // Source of the form: Pelgrom et al., IEEE J. Solid-State Circuits 24 (1989).
    double threshold_mismatch, relative_mismatch, width_offset, length_offset;
    // For sizing by hand only, a model decides; NAN: not known.
    double mu_cox;    // [A/V2] at low fields
    double slope;     // n, dimensionless
    double threshold; // |V| [V]
    double early;     // [V/m] Early voltage over L
};

struct es_process_library {
    const char *file;    // below the user's path to the process
    const char *section; // NULL: the whole file
};

struct es_process_corner {
    const char *name, *about; // about may be NULL
    size_t libraries;
    struct es_process_library *library; // [libraries]
};

struct es_process_setting {
    const char *name, *value; // value may be NULL
};

// The cell es_ota with es_chopper at its output, at one bias: its admittances at 100 kHz, differential, i = (i_p - i_n) / 2 per v = v_p - v_n. Its gm turns by
// -omega delay.
struct es_transconductor_point {
    double bias;      // [A] into its pin ib
    double gm, delay; // [S], [s]
    double cin;       // [F] between the inputs
    double go, cout;  // [S], [F] between the outputs
    double slope;     // [S/A] dgm/dbias there; not of a row
};

// What the cell draws from the supply, with the references that its bias needs, over that bias (netlist/cmos.h).
#define ES_TRANSCONDUCTOR_DRAW 3

struct es_process_transconductor {
    const char *corner;
    size_t points;                         // >= 2
    struct es_transconductor_point *point; // [points] by rising bias, and so by rising gm
};

// The cell es_squarer at one bias: i = k v^2, differential as above; go and cout with es_chopper at its output.
struct es_process_squarer {
    const char *corner;
    double bias;      // [A] into its pin ib
    double k;         // [A/V2]
    double cin;       // [F]
    double go, cout;  // [S], [F]
};

// As ES_TRANSCONDUCTOR_DRAW.
#define ES_SQUARER_DRAW 5

struct es_process {
    struct es_arena *arena;  // owner of everything
    const char *name, *about, *file; // about may be NULL; file as the user named it
    double node;             // [m], of its name
    double supply;           // [V] of nfet and pfet
    double grid;             // [m], of drawn sizes
    size_t notes;
    const char **note;       // [notes] what its users have to know
    size_t settings;
    struct es_process_setting *setting; // [settings] of ngspice
    size_t corners;
    struct es_process_corner *corner; // [corners], the typical one first
    size_t transconductors;
    struct es_process_transconductor *transconductor; // [transconductors] the corners that were measured
    size_t squarers;
    struct es_process_squarer *squarer; // [squarers] the corners in which it was measured
    struct es_process_device *device[ES_PROCESS_ROLES]; // in the order of es_roles; NULL: none
};

void es_process_free(struct es_process *process); // NULL is allowed

// The device of that role, or NULL.
const struct es_process_device *es_process_device(const struct es_process *process, const struct es_role *role);

// The transconductor at the bias that gives gm [S], between rows straight on logarithmic scales; the first corner where `corner` is NULL. ES_BAD_INPUT where the
// corner was not measured, or no bias of its table gives gm: process, `name`, gm, range and a hint.
enum es_status es_process_transconductor(const struct es_process *process, const char *corner, const char *name, double gm, struct es_transconductor_point *point,
                                         struct es_error *error);

// To first order, of a pair of that n device of W/L, where nothing was measured: gm = 2 g / (1 + sqrt(1 + 4 I / I0)), g = I / (4 n UT) in weak inversion,
// I0 = 4 n mu_cox W/L UT^2, at 27 C (Enz, Krummenacher, Vittoz, Analog Integrated Circuits and Signal Processing 8 (1995)). Strays, delay and loss are not known,
// and 0. ES_BAD_INPUT where the map lacks n or mu_cox, or no bias between 1 nA and 50 I0 gives gm.
enum es_status es_process_transconductor_by_hand(const struct es_process *process, const struct es_process_device *device, double ratio, const char *name, double gm,
                                                 struct es_transconductor_point *point, struct es_error *error);

// The squarer of that corner, the first where `corner` is NULL; NULL where it was not measured there.
const struct es_process_squarer *es_process_squarer(const struct es_process *process, const char *corner);

// To first order, of a folded Gilbert cell whose p pair of that device and W/L, with the tail current `bias` [A], steers the currents bias / 2 of two n pairs, where nothing
// was measured: k = 2 gm_p(bias) dgm_n/dI(bias / 2) of the formula above, bias / (8 n_n n_p UT^2) in weak inversion. Strays are 0. ES_BAD_INPUT where the map lacks a
// slope or mu_cox; `name` is the instance's.
enum es_status es_process_squarer_by_hand(const struct es_process *process, const struct es_process_device *n, double n_ratio, const struct es_process_device *p, double p_ratio,
                                          const char *name, double bias, struct es_process_squarer *squarer, struct es_error *error);

// The n and p transistors that stand `supply` [V]: the process's own, or where its supply is lower those of thick oxide. False where it has neither.
bool es_process_transistors(const struct es_process *process, double supply, const struct es_role **n, const struct es_role **p);

struct es_process_size {
    double width, length; // [m]; 0: the only one that there is
    size_t multiplier;    // 0: 1
};

// The size on the grid of the process; the multiplier becomes at least 1. `name` is the instance's, for the message. ES_BAD_INPUT where the process has no such
// device or does not make that size: process, device, name, value, range and a hint.
enum es_status es_process_fit(const struct es_process *process, const struct es_role *role, const char *name, const struct es_process_size *asked,
                               struct es_process_size *size, struct es_error *error);

// The line of an instance, of that size on the grid, from `arena`, without an end of line. node: [pins of the role] in the order of es_role.pin. Numbers are
// plain, never with suffixes. Errors as es_process_fit, or ES_BAD_INPUT for a name or a node that is no [A-Za-z_][A-Za-z0-9_]* ("0" is a node).
enum es_status es_process_line(const struct es_process *process, const struct es_role *role, enum es_flavour flavour, const char *name,
                               const char *const node[], const struct es_process_size *size, struct es_arena *arena, const char **line, struct es_error *error);

// C [F] or R [ohm] of a size on the grid, m devices in parallel; NAN where the map does not say.
double es_process_value(const struct es_process_device *device, const struct es_process_size *size);

// Standard deviations by mismatch, of the threshold [V] and relative (see es_process_device), m devices in parallel; NAN where the map does not say.
double es_process_threshold_sigma(const struct es_process_device *device, const struct es_process_size *size);
double es_process_relative_sigma(const struct es_process_device *device, const struct es_process_size *size);

// The lines that load a corner in ngspice (".lib "FILE" SECTION" or ".include "FILE""), each with its end of line, from `arena`; the first corner where `corner`
// is NULL. pdk: the user's path to the process. ES_BAD_INPUT for a corner that it has not, or a path that cannot stand in a netlist.
enum es_status es_process_libraries(const struct es_process *process, const char *corner, const char *pdk, struct es_arena *arena, const char **lines,
                                    struct es_error *error);

#endif
