// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "cli/netlist.h"

#include "cli/kit.h"
#include "engine/ngspice/starter.h"
#include "netlist/deck.h"
#include "netlist/dialect.h"
#include "netlist/fabric.h"
#include "xml/xml.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct options {
    struct cli_options common;
    const char *dialect, *process, *out;
    unsigned bits; // 0: values as they are
    bool evaluate, testbench;
    const struct es_reversal *reversal; // of the testbench; NULL: the experiment's
    enum es_flavour flavour;
    const char *pdk, *corner;
    bool corners;
};

enum { KEY_DIALECT = CLI_OWN, KEY_PROCESS, KEY_QUANTISE, KEY_EVALUATE, KEY_FLAVOUR, KEY_PDK, KEY_CORNER, KEY_CORNERS, KEY_TESTBENCH, KEY_OUT };

static const struct argp_option option_list[] = {
    CLI_OPTION_TECHNOLOGY, CLI_OPTION_ENGINE, CLI_OPTION_DATA, CLI_OPTION_FOLD, CLI_OPTION_JOBS, CLI_OPTION_SAMPLE, CLI_OPTION_SEED, CLI_OPTION_STEPS, CLI_OPTION_CHIP, CLI_OPTION_JSON,
    {"dialect", KEY_DIALECT, "NAME", 0, "whose netlist it is, see `echospice list dialects`; default ngspice", 0},
    {"process", KEY_PROCESS, "NAME|MAP.xml", 0, "size capacitors, resistors and the transistors of cmos in this process: sky130, gf180mcu, ihp-sg13g2 or generic, or a map of your own", 0},
    {"flavour", KEY_FLAVOUR, "sim|lvs", 0, "for a simulator, or cells alone, to be compared with a layout; default sim", 0},
    {"pdk", KEY_PDK, "DIR", 0, "where the process's libraries are; default beside its map, or /path/to/NAME", 0},
    {"corner", KEY_CORNER, "NAME", 0, "of the process; default its first", 0},
    {"corners", KEY_CORNERS, NULL, 0, "a netlist for each corner of the process, DIR/NAME-CORNER; of transistors (cmos) for each that its transconductor was measured in", 0},
    {"quantise", KEY_QUANTISE, "BITS", 0, "what the technology tunes is a whole number of units, the largest value of its kind being 2^BITS", 0},
    {"evaluate", KEY_EVALUATE, NULL, 0, "what rounding costs: loss and accuracy on the test part, before and after", 0},
    {"testbench", KEY_TESTBENCH, "REVERSAL", OPTION_ARG_OPTIONAL, "a deck that runs the free pass and both echoes by hardware of switches in plain ngspice -b, and proves itself; by flip-voltages (swapped "
     "plates) or swap-outputs (reversed transconductors), default the experiment's", 0},
    {"out", KEY_OUT, "DIR", 0, "write it there, as a file of the network's name; without it, to standard output", 0},
    {0},
};

static error_t parse(int key, char *text, struct argp_state *state) {
    struct options *options = state->input;
    switch (key) {
    case KEY_DIALECT:
        options->dialect = text;
        return 0;
    case KEY_PROCESS:
        options->process = text;
        return 0;
    case KEY_QUANTISE:
        options->bits = (unsigned)cli_whole(text, "quantise", 1, 24, state);
        return 0;
    case KEY_FLAVOUR:
        if (strcmp(text, "sim") != 0 && strcmp(text, "lvs") != 0)
            argp_error(state, "--flavour=%s: expected sim or lvs", text);
        options->flavour = strcmp(text, "lvs") == 0 ? ES_FLAVOUR_LVS : ES_FLAVOUR_SIM;
        return 0;
    case KEY_PDK:
        options->pdk = text;
        return 0;
    case KEY_CORNER:
        options->corner = text;
        return 0;
    case KEY_CORNERS:
        options->corners = true;
        return 0;
    case KEY_EVALUATE:
        options->evaluate = true;
        return 0;
    case KEY_TESTBENCH:
        options->testbench = true;
        if (text && !(options->reversal = es_row_find(es_reversals, text)))
            argp_error(state, "--testbench=%s: expected %s", text, es_row_names(es_reversals, (char[128]){""}, 128));
        return 0;
    case KEY_OUT:
        options->out = text;
        return 0;
    default:
        return cli_parse_option(key, text, state, &options->common);
    }
}

static const struct argp parser = {
    option_list, parse, "FILE|RUN.db",
    "The network, with its trained values where a run is given, as a netlist of cells: one for each element, and around them the sources of the task's first "
    "sample and a transient analysis from the network's initial state. With --process or --quantise values are what can be made, and a report, also as DIR/NAME.csv, "
    "says what each one became.\v"
    "Example: echospice netlist demo.db --technology mesh --process sky130 --quantise 6 --evaluate --out tapeout\n"
    "Example: echospice netlist demo.db --technology mesh --process sky130 --corners --out tapeout",
    NULL, NULL, NULL,
};

// The free pass as a circuit of cells.
static enum es_status make_circuit(struct cli_subject *s, const struct options *options, const struct es_dialect *dialect, const struct cli_making *making, struct es_circuit **circuit, struct es_error *error) {
    struct es_problem *problem = &s->training.problem;
    struct es_example example = es_centre_example(&s->set, options->common.sample, s->arena);
    struct es_pass pass, start, early;
    struct es_model *model = ES_NEW(s->arena, 1, struct es_model);
    struct es_circuit *flat;
    enum es_status status = es_free_pass(problem, s->theta, &example, s->arena, &pass, error);
    struct es_batch batch = {.grid = problem->grid, .passes = 1, .pass = &pass};
    if (status == ES_OK)
        status = es_chip_ask(s->engine, &batch, s->arena, error);
    start = *batch.pass;
    if (status == ES_OK)
        status = es_model_new(s->experiment->net, s->theta, s->arena, model, error);
    if (status == ES_OK && !cli_at_rest(s))
        status = es_starter_state(model, &batch, batch.pass, 0, s->arena, &start, &early, error);
    if (status == ES_OK)
        status = es_deck_circuit(s->arena, model, &batch, &start, cli_at_rest(s) ? ES_DECK_REST : ES_DECK_USER, &flat, error);
    if (status == ES_OK && (making->process || options->flavour == ES_FLAVOUR_LVS))
        status = es_fabric_circuit(flat, &making->sizing, making->process, options->flavour, &flat, error);
    if (status != ES_OK)
        return status;
    *circuit = es_circuit_hierarchy(flat, s->experiment->net->name);
    if (making->process)
        es_fabric_start(flat, *circuit);
    if (making->process && options->flavour == ES_FLAVOUR_SIM)
        status = cli_kit_head(making->process, making->corner, options->pdk, dialect, s->arena, &(*circuit)->head, error);
    return status == ES_OK && (making->process || options->flavour == ES_FLAVOUR_LVS) ? es_fabric_check_names(*circuit, error) : status;
}

static enum es_status write_file(const char *directory, const char *name, const char *suffix, const char *text, char **path, struct es_arena *arena, struct es_error *error) {
    struct cli_output out;
    if (mkdir(directory, 0777) != 0 && errno != EEXIST)
        return es_fail(error, ES_NO_RESOURCE, "--out %s: %s", directory, strerror(errno));
    *path = es_arena_printf(arena, "%s/%s.%s", directory, name, suffix);
    if (cli_output_open(&out, *path, error) != ES_OK)
        return ES_NO_RESOURCE;
    fputs(text, out.file);
    return cli_output_close(&out, true, error);
}

static enum es_status evaluate(struct cli_subject *s, struct es_evaluation *evaluation, struct es_error *error) {
    struct cli_progress progress;
    cli_progress_of(&progress, &s->training.problem);
    enum es_status status = es_evaluate(&s->training.problem, &s->set, s->set.folds <= 1 ? SIZE_MAX : s->training.fold, s->theta, s->arena, evaluation, error);
    cli_progress_end();
    return status;
}

// Of transistors: they are sized as the deck is written.
static bool is_cmos(const struct cli_subject *s) {
    return s->technology == &es_cmos;
}

static enum es_status make_cmos(struct cli_subject *s, const struct options *options, const struct es_dialect *dialect, struct cli_making *making, struct es_error *error) {
    const char *head;
    enum es_status status = cli_kit_head(making->process, making->corner, options->pdk, dialect, s->arena, &head, error);
    return status == ES_OK ? cli_cmos_text(s, options->common.sample, making->corner, options->flavour == ES_FLAVOUR_LVS ? "" : head, dialect, options->flavour, making, error) : status;
}

// The subject becomes the network as it can be made.
static enum es_status size(struct cli_subject *s, const struct options *options, struct cli_making *making, struct es_error *error) {
    enum es_status status = options->process ? cli_process_read(options->process, &making->process, error) : ES_OK;
    if (status != ES_OK || (!options->process && !options->bits))
        return status;
    making->sized = !is_cmos(s) || options->bits;
    es_sizing_new(s->experiment->net, s->theta, is_cmos(s) ? NULL : making->process, options->bits, s->arena, &making->sizing);
    making->spread = es_sizing_spread(&making->sizing, s->arena);
    if (options->evaluate)
        status = evaluate(s, &making->before, error);
    if (status == ES_OK) {
        s->experiment->net = making->sizing.net;
        s->theta = making->sizing.theta;
        status = cli_reopen(&options->common, s, error);
    }
    return status == ES_OK && options->evaluate ? evaluate(s, &making->after, error) : status;
}

static enum es_status make_text(struct cli_subject *s, const struct options *options, const struct es_dialect *dialect, struct cli_making *making, struct es_error *error) {
    struct es_circuit *circuit = NULL;
    if (options->testbench && options->reversal)
        s->training.problem.reversal = options->reversal;
    enum es_status status = is_cmos(s)           ? make_cmos(s, options, dialect, making, error)
                            : options->testbench ? cli_testbench_text(s, options->common.sample, &making->text, error)
                                                 : make_circuit(s, options, dialect, making, &circuit, error);
    if (status == ES_OK && circuit && !(making->text = es_circuit_text(circuit, dialect, error)))
        status = ES_BAD_INPUT;
    making->cells = circuit ? circuit->cells : making->cmos ? making->cmos->cells : 0;
    making->dialect = dialect;
    return status;
}

// The netlist of one corner, or of the only one, and the table; sizes of capacitors and resistors are the same in every corner, and so is their table.
static enum es_status write_files(struct cli_subject *s, const struct options *options, struct cli_making *making, struct es_error *error) {
    const char *name = s->experiment->net->name, *suffix = options->flavour == ES_FLAVOUR_LVS && making->dialect == &es_dialect_ngspice ? "spice" : making->dialect->suffix;
    const char *own = options->corners ? es_arena_printf(s->arena, "%s-%s", name, making->corner) : name;
    enum es_status status = write_file(options->out, own, suffix, making->text, &making->path, s->arena, error);
    char *table = status != ES_OK ? NULL : making->cmos ? cli_cmos_csv(making->cmos) : making->sized ? cli_making_csv(s, making) : NULL;
    if (table)
        status = write_file(options->out, making->cmos ? own : name, "csv", table, &making->table, s->arena, error);
    free(table);
    return status;
}

static bool is_measured(const struct es_process *process, const char *corner) {
    for (size_t i = 0; i < process->transconductors; i++)
        if (strcmp(process->transconductor[i].corner, corner) == 0)
            return true;
    return false;
}

// The corners that are asked for, each with what was sized; with --corner or without any, one.
static enum es_status choose_corners(struct cli_subject *s, const struct options *options, const struct cli_making *sized, struct cli_making **all, size_t *count, struct es_error *error) {
    size_t corners = options->corners ? sized->process->corners : 1;
    *all = ES_NEW(s->arena, corners, struct cli_making);
    for (size_t i = 0; i < corners; i++) {
        const char *corner = options->corners ? sized->process->corner[i].name : options->corner;
        if (options->corners && is_cmos(s) && !is_measured(sized->process, corner))
            continue;
        (*all)[*count] = *sized;
        (*all)[(*count)++].corner = corner;
    }
    return *count ? ES_OK : es_fail(error, ES_BAD_INPUT, "process %s: its transconductor was measured in no corner; see --corner", sized->process->name);
}

// All are made before the first is written.
static enum es_status make_all(struct cli_subject *s, const struct options *options, const struct es_dialect *dialect, struct cli_making *all, size_t count, struct es_error *error) {
    enum es_status status = ES_OK;
    for (size_t i = 0; i < count && status == ES_OK; i++)
        status = make_text(s, options, dialect, &all[i], error);
    for (size_t i = 0; i < count && status == ES_OK && options->out; i++)
        status = write_files(s, options, &all[i], error);
    return status;
}

// Steps per period at which the integrators' trapezoidal rule and the twin's midpoint rule agree within a third of what a testbench promises.
static const double testbench_steps = 1000;

// Steps per period at which echospice's gradient is that of the continuous circuit within 1e-3.
static const double cmos_steps = 200;

static int run(int argc, char **argv) {
    struct options options = {.common = {.fold = -1, .engine = "twin"}, .dialect = "ngspice"};
    struct cli_subject s;
    struct es_error error = {""};
    struct cli_making sized = {0}, *all = NULL;
    size_t count = 0;
    char names[128];
    argp_parse(&parser, argc, argv, 0, NULL, &options);
    const struct es_dialect *dialect = es_row_find(es_dialects, options.dialect);
    if (!dialect || (options.evaluate && !options.process && !options.bits)) {
        if (dialect)
            es_fail(&error, ES_BAD_INPUT, "--evaluate tells what rounding costs, and nothing is rounded; take --quantise or --process, or the command evaluate");
        else
            es_fail(&error, ES_BAD_INPUT, "--dialect %s: expected %s", options.dialect, es_row_names(es_dialects, names, sizeof names));
        return cli_fail(ES_BAD_INPUT, &error);
    }
    if (options.testbench && (dialect != &es_dialect_ngspice || options.flavour != ES_FLAVOUR_SIM)) {
        es_fail(&error, ES_BAD_INPUT, "--testbench is run by ngspice; leave out --dialect and --flavour");
        return cli_fail(ES_BAD_INPUT, &error);
    }
    if (options.corners && (!options.process || !options.out || options.corner || options.flavour != ES_FLAVOUR_SIM || options.testbench)) {
        es_fail(&error, ES_BAD_INPUT, "--corners: expected --process and --out, as each netlist loads the libraries of a corner and is a file; and no --corner, --testbench or --flavour lvs, which loads none");
        return cli_fail(ES_BAD_INPUT, &error);
    }
    const bool cmos = options.common.technology && strcmp(options.common.technology, es_cmos.row.name) == 0;
    if (cmos && (!options.process || options.testbench || (dialect != &es_dialect_ngspice && dialect != (options.flavour == ES_FLAVOUR_LVS ? &es_dialect_cdl : &es_dialect_gnucap)))) {
        es_fail(&error, ES_BAD_INPUT, "--technology cmos: expected --process NAME, whose transistors it is made of, the dialect ngspice or gnucap, with --flavour lvs ngspice or cdl, and no --testbench: its deck proves itself");
        return cli_fail(ES_BAD_INPUT, &error);
    }
    if (cmos && options.common.steps == 0)
        options.common.steps = cmos_steps;
    if (options.testbench && options.common.steps == 0)
        options.common.steps = testbench_steps;
    if (options.testbench && !options.common.technology)
        options.common.technology = es_lc_differential.row.name;
    enum es_status status = cli_open(&options.common, options.testbench || cmos ? CLI_GRADIENT : CLI_LOSS, &s, &error);
    if (status == ES_OK && is_cmos(&s) && !cmos)
        status = es_fail(&error, ES_BAD_INPUT, "%s: the run was trained as cmos; take --technology cmos with --process NAME, or another technology", options.common.file);
    if (status == ES_OK && s.chip.count && !cmos && (options.process || options.flavour == ES_FLAVOUR_LVS))
        status = es_fail(&error, ES_BAD_INPUT, "--chip: one chip's deviations and parasitics are not what is laid out; take --chip \"\" with --process or --flavour lvs");
    if (status == ES_OK && options.common.sample >= s.set.samples)
        status = es_fail(&error, ES_BAD_INPUT, "--sample %zu: the task has samples 0 to %zu", options.common.sample, s.set.samples - 1);
    if (status == ES_OK)
        status = size(&s, &options, &sized, &error);
    if (status == ES_OK)
        status = choose_corners(&s, &options, &sized, &all, &count, &error);
    if (status == ES_OK)
        status = make_all(&s, &options, dialect, all, count, &error);
    if (status == ES_OK && options.common.json)
        cli_making_json(&s, all, count, options.corners);
    else if (status == ES_OK)
        cli_making_print(&s, all, count);
    for (size_t i = 0; i < count; i++)
        free(all[i].text);
    es_process_free(sized.process);
    cli_close(&s);
    return status == ES_OK ? CLI_DONE : cli_fail(status, &error);
}

const struct cli_command cli_netlist = {
    {"netlist", "the network as a netlist of cells, with values that can be made", "echospice netlist netlists/ring8.xml --technology gyrator --out tapeout"},
    run,
};
