// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// What the commands share. Only this folder prints.
#ifndef ES_CLI_CLI_H
#define ES_CLI_CLI_H

#include "chip/chip.h"
#include "learn/train.h"
#include "netlist/cmos.h"
#include "store/store.h"
#include "technology/technology.h"

#include <argp.h>
#include <jansson.h>
#include <stdio.h>

enum cli_exit { CLI_DONE = 0, CLI_VERDICT = 1, CLI_ERROR = 2 };

struct cli_command {
    struct es_row row; // `source` is an example
    int (*run)(int argc, char **argv);
};

extern const struct cli_command cli_check, cli_compare, cli_device, cli_evaluate, cli_import, cli_list, cli_modes, cli_netlist, cli_rules, cli_sensitivity, cli_simulate, cli_train;

// What a command works on: an experiment's file or a run store, with the options that all commands share.
struct cli_options {
    const char *file;
    const char *engine, *scheme, *data, *rule, *chip, *technology;
    const char *process, *corner, *pdk; // of transistors
    double beta;  // of a training; 0: as the experiment or the run says
    double steps; // per period of the fastest mode; 0: as the experiment says
    size_t jobs, sample;
    size_t tested; // test samples at least, of a task that makes as many as are asked for; 0: as the experiment says
    long fold; // -1: as the run says, or 0
    bool seeded, json;
    uint64_t seed;
};

// Keys of the shared options, for use in a command's argp; cli_parse_option() takes them.
enum { CLI_SEED = 0x100, CLI_FOLD, CLI_JOBS, CLI_JSON, CLI_STEPS, CLI_SAMPLE, CLI_RULE, CLI_CHIP, CLI_TECHNOLOGY, CLI_PROCESS, CLI_CORNER, CLI_PDK, CLI_OWN };
#define CLI_OPTION_ENGINE {"engine", 'e', "ENGINE", 0, "twin or ngspice", 0}
#define CLI_OPTION_SCHEME {"scheme", 's', "SCHEME", 0, "of the engine, see `echospice list schemes`", 0}
#define CLI_OPTION_DATA {"data", 'd', "DIR", 0, "directory of the recordings", 0}
#define CLI_OPTION_FOLD {"fold", CLI_FOLD, "K", 0, "fold that is tested, from 0", 0}
#define CLI_OPTION_JOBS {"jobs", CLI_JOBS, "N", 0, "workers or threads; default the cores", 0}
#define CLI_OPTION_SEED {"seed", CLI_SEED, "S", 0, "replaces the seeds of the network and of the training", 0}
#define CLI_OPTION_JSON {"json", CLI_JSON, NULL, 0, "print the result as JSON", 0}
#define CLI_OPTION_STEPS {"steps", CLI_STEPS, "N", 0, "engine steps per period of the fastest mode", 0}
#define CLI_OPTION_RULE {"rule", CLI_RULE, "RULE", 0, "learning rule in place of the experiment's, see `echospice list rules`", 0}
#define CLI_OPTION_CHIP {"chip", CLI_CHIP, "KEY=VALUE,...", 0, "the circuit as made, see `echospice list nonidealities`; \"\" for the ideal one", 0}
#define CLI_OPTION_TECHNOLOGY {"technology", CLI_TECHNOLOGY, "NAME", 0, "what the network is built of, and so what is tuned, see `echospice list technologies`", 0}
#define CLI_OPTION_PROCESS {"process", CLI_PROCESS, "NAME|MAP.xml", 0, "run the technology cmos as transistors of this process in ngspice, see `echospice netlist --help`", 0}
#define CLI_OPTION_CORNER {"corner", CLI_CORNER, "NAME", 0, "of the process; default the first, or that of the run", 0}
#define CLI_OPTION_PDK {"pdk", CLI_PDK, "DIR", 0, "where the process's libraries are; default beside its map", 0}
#define CLI_OPTION_SAMPLE {"sample", CLI_SAMPLE, "I", 0, "which sample, from 0; default 0", 0}

#define CLI_TRANSISTOR_STEPS 50 // per period, where nothing else is said

// A command's argp parser hands every key to this first; ARGP_ERR_UNKNOWN means that the key is the command's own.
error_t cli_parse_option(int key, char *text, struct argp_state *state, struct cli_options *options);

// Parse a number, or a whole number, or end with status 2.
double cli_number(const char *text, const char *option, double min, double max, struct argp_state *state);
double cli_whole(const char *text, const char *option, double min, double max, struct argp_state *state);

struct cli_subject {
    struct es_experiment *experiment;
    struct es_store *store; // NULL for a file
    struct es_dataset set;
    struct es_engine *engine;
    struct es_process *process; // of transistors, or NULL
    struct es_cmos_kit kit;     // its
    struct es_training training; // its problem serves all commands
    struct es_arena *arena;
    double *theta;               // [parameters] start or trained values
    double omega;                // of the ideal network's fastest mode at theta [rad/s]
    struct es_chip chip;         // with what --chip or the store says; experiment->net is the network as made, engine the engine as used
    const struct es_network *ideal;
    const struct es_technology *technology; // NULL: as the file says
    struct es_tuning *tuning;               // [parameters] what it makes of the file's values
    const struct es_network *abstract;      // as the file says
    bool trained;
};

enum cli_need {
    CLI_NETWORK,   // network and engine
    CLI_RECORDING, // and a cost that fits the network; --data is one recording
    CLI_LOSS,      // or the task's data
    CLI_GRADIENT,  // and a rule that admits the network
    CLI_TRAINING,  // and the data with its variants for training windows
};

// Reads the file or store, checks what is needed, opens the engine, loads the data. `subject` is to be closed in any case.
enum es_status cli_open(const struct cli_options *options, enum cli_need need, struct cli_subject *subject, struct es_error *error);
void cli_close(struct cli_subject *subject);

// Opens the engine anew, after experiment->net has become another of the same nodes, elements and parameters.
enum es_status cli_reopen(const struct cli_options *options, struct cli_subject *subject, struct es_error *error);

// Whether the engine finds equilibria: then there is no step, and no mode whose frequency it would put off.
bool cli_at_rest(const struct cli_subject *subject);

// Relative error of the fastest mode's frequency at the problem's step, and the steps per its period; NaN at rest.
double cli_frequency_error(const struct cli_subject *subject);
double cli_steps_per_period(const struct cli_subject *subject);

// es_difference_step() for the subject's engine.
double cli_difference_step(const struct cli_subject *subject);

// "w0 = 1.2 Mrad/s, at which Q and phase are meant", or NULL where no chip has either. From the subject's arena.
const char *cli_chip_frequency(const struct cli_subject *subject);

// "discretised-exact", "exact at rest", or "biased: why".
const char *cli_exactness(const struct cli_subject *subject);

// The path from the root on, of `arena`, for what is read from other directories; as it is where nothing is there.
const char *cli_whole_path(const char *path, struct es_arena *arena);

// The map of a process as a user names it: a file, or, by a word without a '/' and a '.', a map that ships. `error` lists what ships where it is no such word. Free it
// with es_process_free.
enum es_status cli_process_read(const char *word, struct es_process **process, struct es_error *error);

// Prints the error and returns the exit status that belongs to it.
int cli_fail(enum es_status status, const struct es_error *error);

// Prints and frees a JSON object; NaN becomes null.
void cli_print_json(json_t *object);
json_t *cli_real(double x);

// A file that is written beside its place and moved there when it is whole.
struct cli_output {
    FILE *file;
    const char *path;
    char *part;
};
enum es_status cli_output_open(struct cli_output *output, const char *path, struct es_error *error);
enum es_status cli_output_close(struct cli_output *output, bool keep, struct es_error *error); // removes it if not to be kept

// A number with an SI prefix and unit: "2.2 nF", "5 um2".
const char *cli_si(double x, const char *unit, char text[32]);

// Progress on a terminal's standard error, from two seconds on: a bar with what has been done and the time left.
struct cli_progress {
    double started, shown;
};
void cli_progress_start(struct cli_progress *progress);
void cli_progress_show(struct cli_progress *progress, double done, const char *format, ...) __attribute__((format(printf, 3, 4)));
void cli_progress_end(void);

// Lets the problem's long computations show their progress; it must stay in place while they run.
void cli_progress_of(struct cli_progress *progress, struct es_problem *problem);

// SIGINT and SIGTERM end the training after its current update: cli_signal is then the signal.
void cli_catch_signals(void);
int cli_signal(void);

#endif
