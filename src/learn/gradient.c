// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "learn/gradient.h"

#include <math.h>
#include <string.h>

// ---- free passes -----------------------------------------------------------------------------------------------------

// Passes of all examples at each of `variants` parameter vectors theta [variants][parameters], with their results and readings.
struct free_passes {
    struct es_batch batch;
    struct es_model *model;   // [variants]
    struct es_result *result; // [variants][examples]
    double **value, **target; // [variants][examples][outputs] readings, and targets at T
};

static enum es_signal signal_of(const struct es_problem *problem, size_t output) {
    return problem->cost->signal(problem->net, problem->net->output[output]);
}

static size_t cost_integrals(const struct es_problem *problem, struct es_arena *arena, const struct es_accumulator **list) {
    const struct es_network *net = problem->net;
    struct es_accumulator *accumulator = ES_NEW(arena, net->outputs, struct es_accumulator);
    *list = accumulator;
    for (size_t o = 0; o < net->outputs && problem->cost->reads == ES_READ_RUNNING; o++) {
        struct es_observable s = {signal_of(problem, o), net->output[o], 0};
        accumulator[o] = (struct es_accumulator){.a = s, .b = s, .windowed = true};
    }
    return problem->cost->reads == ES_READ_RUNNING ? net->outputs : 0;
}

// The pass of one example from the network's state at t = 0.
static enum es_status free_pass(const struct es_problem *problem, const struct es_model *model, const struct es_example *example,
                                struct es_arena *arena, struct es_pass *pass, struct es_error *error) {
    const struct es_network *net = problem->net;
    double *flux = ES_NEW(arena, net->nodes, double), *voltage = ES_NEW(arena, net->nodes, double), *offset = ES_NEW(arena, net->elements, double);
    double *x = ES_NEW(arena, net->channels, double);
    for (size_t c = 0; c < net->channels; c++)
        x[c] = example->input[c * problem->grid.points];
    bool running = problem->cost->reads == ES_READ_RUNNING;
    *pass = (struct es_pass){
        .theta = model->theta,
        .flux = flux,
        .voltage = voltage,
        .offset = offset,
        .input = example->input,
        .target = running && !problem->cost->labels ? example->target : NULL,
        .window = running ? example->window : NULL,
    };
    return es_model_start(model, x, flux, voltage, offset, error);
}

// What the cost reads of one result.
static void read_result(const struct es_problem *problem, const struct es_model *model, const struct es_example *example,
                        const struct es_result *result, struct es_arena *arena, double *value, double *target) {
    const struct es_network *net = problem->net;
    double *charge = ES_NEW(arena, net->nodes, double);
    if (problem->cost->reads == ES_READ_CHARGE_AT_END)
        es_model_momentum(model, result->voltage, charge);
    for (size_t o = 0; o < net->outputs; o++) {
        const struct es_element *e = &net->element[net->output[o]];
        target[o] = example->target ? example->target[(o + 1) * problem->grid.points - 1] : 0;
        switch (problem->cost->reads) {
        case ES_READ_RUNNING:
            value[o] = result->integral[o];
            break;
        case ES_READ_FLUX_AT_END:
            value[o] = es_across(e, result->flux);
            break;
        case ES_READ_VOLTAGE_AT_END:
            value[o] = es_across(e, result->voltage);
            break;
        case ES_READ_CHARGE_AT_END:
            value[o] = es_across(e, charge);
            break;
        }
    }
}

static enum es_status run_free(const struct es_problem *problem, struct es_arena *arena, size_t variants, const double *theta,
                               size_t examples, const struct es_example *example, struct free_passes *free, struct es_error *error) {
    const struct es_network *net = problem->net;
    size_t passes = variants * examples;
    struct es_pass *pass = ES_NEW(arena, passes, struct es_pass);
    enum es_status status = ES_OK;
    *free = (struct free_passes){.model = ES_NEW(arena, variants, struct es_model), .value = ES_NEW(arena, passes, double *), .target = ES_NEW(arena, passes, double *)};
    for (size_t v = 0; v < variants && status == ES_OK; v++)
        status = es_model_new(net, theta + v * net->parameters, arena, &free->model[v], error);
    for (size_t i = 0; i < passes && status == ES_OK; i++)
        status = free_pass(problem, &free->model[i / examples], &example[i % examples], arena, &pass[i], error);
    free->batch = (struct es_batch){.grid = problem->grid, .passes = passes, .pass = pass};
    free->batch.accumulators = cost_integrals(problem, arena, &free->batch.accumulator);
    free->result = es_results_new(arena, net, free->batch.accumulators, passes);
    if (status == ES_OK)
        status = es_engine_run(problem->engine, &free->batch, free->result, error);
    for (size_t i = 0; i < passes && status == ES_OK; i++) {
        free->value[i] = ES_NEW(arena, net->outputs, double);
        free->target[i] = ES_NEW(arena, net->outputs, double);
        read_result(problem, &free->model[i / examples], &example[i % examples], &free->result[i], arena, free->value[i], free->target[i]);
    }
    return status;
}

static struct es_reading reading_of(const struct es_problem *problem, const struct free_passes *free, size_t pass, int label) {
    return (struct es_reading){problem->net, free->value[pass], free->target[pass], label, problem->temperature};
}

// The loss of one pass; ES_BAD_INPUT if it is not finite.
static enum es_status loss_of(const struct es_problem *problem, const struct free_passes *free, size_t pass, int label, double *loss,
                              struct es_error *error) {
    struct es_reading reading = reading_of(problem, free, pass, label);
    *loss = problem->cost->loss(&reading);
    if (isfinite(*loss) || (problem->cost->labels && label < 0))
        return ES_OK;
    return es_fail(error, ES_BAD_INPUT,
                   "the loss of example %zu is %g: the outputs of its class have no energy; does the input reach them, and is the sample not silent?",
                   pass, *loss);
}

enum es_status es_losses(const struct es_problem *problem, const double *theta, size_t examples, const struct es_example *example,
                         struct es_free *free, struct es_error *error) {
    const struct es_network *net = problem->net;
    struct es_arena *arena = es_arena_new();
    struct free_passes passes;
    enum es_status status = run_free(problem, arena, 1, theta, examples, example, &passes, error);
    for (size_t i = 0; i < examples && status == ES_OK; i++) {
        const struct es_result *result = &passes.result[i];
        status = loss_of(problem, &passes, i, example[i].label, &free->loss[i], error);
        if (free->energy)
            es_cost_class(net, passes.value[i], free->energy + i * net->classes);
        free->tran_s += result->tran_s;
        free->callback_s += result->callback_s;
        free->wall_s += result->wall_s;
    }
    es_arena_free(arena);
    return status;
}

// ---- the rule's gradient ---------------------------------------------------------------------------------------------

// The sample as the rule sees it after the free pass.
static enum es_status rule_sample(const struct es_problem *problem, struct es_arena *arena, const double *reference, const struct free_passes *free,
                                  size_t index, int label, struct es_pass *pass, struct es_result *result, struct es_rule_sample *sample,
                                  struct es_error *error) {
    const struct es_network *net = problem->net;
    double *slope = ES_NEW(arena, net->outputs, double), *nudge = ES_NEW(arena, net->outputs, double);
    double *flux = ES_NEW(arena, net->nodes, double), *voltage = ES_NEW(arena, net->nodes, double);
    struct es_reading reading = reading_of(problem, free, index, label);
    problem->cost->slope(&reading, slope);
    es_cost_nudge(problem->cost, net, slope, nudge);
    *sample = (struct es_rule_sample){
        .model = free->model,
        .cost = problem->cost,
        .grid = &problem->grid,
        .reversal = problem->reversal,
        .free = free->batch.pass[index],
        .free_result = free->result[index],
        .slope = slope,
        .nudge = nudge,
        .kick_flux = flux,
        .kick_voltage = voltage,
        .pass = pass,
        .result = result,
    };
    enum es_status status = es_cost_kick(problem->cost, free->model, slope, flux, voltage, error);
    const struct es_result *end = &free->result[index];
    if (problem->cost->reads == ES_READ_RUNNING)
        sample->beta_si = problem->beta * es_cost_nudge_scale(net, reference, nudge);
    else
        sample->beta_si = problem->beta * es_cost_kick_scale(free->model, flux, voltage, es_model_energy(free->model, end->flux, end->voltage, end->offset));
    return status == ES_OK ? problem->rule->plan(sample, arena, error) : status;
}

static void add_times(struct es_gradient *gradient, size_t results, const struct es_result *result) {
    for (size_t i = 0; i < results; i++) {
        gradient->tran_s += result[i].tran_s;
        gradient->callback_s += result[i].callback_s;
        gradient->wall_s += result[i].wall_s;
    }
}

static enum es_status run_rule(const struct es_problem *problem, struct es_arena *arena, size_t examples, const struct es_example *example,
                               const struct free_passes *free, struct es_gradient *gradient, struct es_error *error) {
    const struct es_network *net = problem->net;
    const struct es_rule *rule = problem->rule;
    const struct es_model *model = free->model;
    size_t passes = rule->passes(net);
    struct es_batch batch = {.grid = problem->grid, .passes = examples * passes};
    struct es_pass *pass = ES_NEW(arena, batch.passes, struct es_pass);
    batch.pass = pass;
    batch.accumulators = rule->integrals(model, arena, &batch.accumulator);
    struct es_result *result = es_results_new(arena, net, batch.accumulators, batch.passes);
    struct es_rule_sample *sample = ES_NEW(arena, examples, struct es_rule_sample);
    double *reference = ES_NEW(arena, net->outputs, double);
    enum es_status status = ES_OK;
    es_cost_reference(model, reference);
    for (size_t i = 0; i < examples && status == ES_OK; i++)
        status = rule_sample(problem, arena, reference, free, i, example[i].label, pass + i * passes, result + i * passes, &sample[i], error);
    if (status == ES_OK)
        status = es_engine_run(problem->engine, &batch, result, error);
    memset(gradient->slope, 0, net->parameters * sizeof *gradient->slope);
    for (size_t i = 0; i < examples && status == ES_OK; i++) // in sample order, whatever ran first
        status = rule->gradient(&sample[i], arena, gradient->slope, error);
    for (size_t i = 0; i < net->parameters; i++)
        gradient->slope[i] /= (double)examples;
    gradient->beta_si = sample[0].beta_si;
    add_times(gradient, batch.passes, result);
    return status;
}

enum es_status es_gradient(const struct es_problem *problem, const double *theta, size_t examples, const struct es_example *example,
                           struct es_gradient *gradient, struct es_error *error) {
    const struct es_network *net = problem->net;
    struct es_arena *arena = es_arena_new();
    struct free_passes free;
    *gradient = (struct es_gradient){.slope = gradient->slope};
    enum es_status status = run_free(problem, arena, 1, theta, examples, example, &free, error);
    double *energy = ES_NEW(arena, net->classes, double);
    for (size_t i = 0; i < examples && status == ES_OK; i++) {
        double loss = 0;
        status = loss_of(problem, &free, i, example[i].label, &loss, error);
        gradient->loss += loss / (double)examples;
        gradient->right += problem->cost->labels && (int)es_cost_class(net, free.value[i], energy) == example[i].label;
    }
    add_times(gradient, examples, free.result);
    if (status == ES_OK)
        status = run_rule(problem, arena, examples, example, &free, gradient, error);
    for (size_t i = 0; i < net->parameters && status == ES_OK; i++)
        if (!isfinite(gradient->slope[i]))
            status = es_fail(error, ES_FAILED, "the gradient to \"%s\" is %g; look at the sample with `echospice check`",
                             net->element[net->parameter[i].element].name, gradient->slope[i]);
    es_arena_free(arena);
    return status;
}

enum es_status es_passes(const struct es_problem *problem, const double *theta, const struct es_example *example,
                         struct es_arena *arena, struct es_pass *pass, struct es_error *error) {
    struct free_passes free;
    enum es_status status = run_free(problem, arena, 1, theta, 1, example, &free, error);
    if (status != ES_OK)
        return status;
    double *reference = ES_NEW(arena, problem->net->outputs, double), loss;
    es_cost_reference(free.model, reference);
    if ((status = loss_of(problem, &free, 0, example->label, &loss, error)) != ES_OK)
        return status;
    struct es_rule_sample sample;
    pass[0] = free.batch.pass[0];
    return rule_sample(problem, arena, reference, &free, 0, example->label, pass + 1, NULL, &sample, error);
}

// ---- reversal --------------------------------------------------------------------------------------------------------

// The state at the end of a pass, turned.
static void turn_state(const struct es_network *net, const struct es_reversal *turn, struct es_result *end) {
    for (size_t i = 0; i < net->nodes; i++) {
        end->flux[i] *= turn->flux;
        end->voltage[i] *= turn->voltage;
    }
    for (size_t e = 0; e < net->elements; e++)
        end->offset[e] *= turn->flux;
}

// |end - start| in the norm of the stored energy [J^1/2].
static double distance(const struct es_model *model, const struct es_pass *start, struct es_result *end) {
    for (size_t i = 0; i < model->net->nodes; i++) {
        end->flux[i] -= start->flux[i];
        end->voltage[i] -= start->voltage[i];
    }
    for (size_t e = 0; e < model->net->elements; e++)
        end->offset[e] -= start->offset[e];
    return sqrt(es_model_energy(model, end->flux, end->voltage, end->offset));
}

static double energy_at(const struct es_model *model, const struct es_result *end) {
    return es_model_energy(model, end->flux, end->voltage, end->offset);
}

static void compare_return(const struct es_network *net, const struct es_reversal *turn, const struct free_passes *free, struct es_result *echo,
                           struct es_return *back) {
    const struct es_pass *start = free->batch.pass;
    struct es_result *end = free->result;
    double before = es_model_energy(free->model, start->flux, start->voltage, start->offset), turned = energy_at(free->model, end);
    turn_state(net, turn, &echo[0]);
    back->retrace = distance(free->model, start, &echo[0]) / sqrt(fmax(before, turned));
    for (size_t i = 0; i < net->nodes; i++) // what is silent is at 0 V from the start
        end->voltage[i] = net->node[i].source >= 0 ? 0 : end->voltage[i];
    back->energy_drift = fabs(energy_at(free->model, &echo[1]) / energy_at(free->model, end) - 1);
}

enum es_status es_return(const struct es_problem *problem, const double *theta, const struct es_example *example,
                         struct es_return *back, struct es_error *error) {
    const struct es_network *net = problem->net;
    struct es_arena *arena = es_arena_new();
    struct free_passes free;
    enum es_status status = run_free(problem, arena, 1, theta, 1, example, &free, error);
    if (status == ES_OK) {
        struct es_result *echo = es_results_new(arena, net, 0, 2), *end = free.result;
        turn_state(net, problem->reversal, end);
        struct es_pass pass[2] = {*free.batch.pass, *free.batch.pass};
        for (int i = 0; i < 2; i++) {
            pass[i].flux = end->flux;
            pass[i].voltage = end->voltage;
            pass[i].offset = end->offset;
            pass[i].reversal = problem->reversal;
        }
        pass[1].input = ES_NEW(arena, net->channels * problem->grid.points, double); // silence
        struct es_batch batch = {.grid = problem->grid, .passes = 2, .pass = pass};
        status = es_engine_run(problem->engine, &batch, echo, error);
        if (status == ES_OK)
            compare_return(net, problem->reversal, &free, echo, back);
    }
    es_arena_free(arena);
    return status;
}

// ---- costates --------------------------------------------------------------------------------------------------------

struct costates {
    const struct es_model *model;
    const struct es_grid *grid;
    const struct es_pass *pass;    // the echo that runs
    double scale;                  // 1 / 2 beta with the sign of its nudge
    size_t next;                   // grid point t' / h
    double *charge;                // [nodes] scratch
    double *lambda_phi, *lambda_p; // [steps + 1][nodes], forward in time
};

static void add_costates(void *context, double t, const double *flux, const double *voltage) {
    struct costates *c = context;
    const struct es_network *net = c->model->net;
    size_t row = (es_grid_steps(c->grid) - c->next) * net->nodes;
    (void)t;
    es_rule_charge(c->model, c->grid, c->pass, c->next++, voltage, c->charge);
    for (size_t i = 0; i < net->nodes; i++)
        if (net->node[i].source < 0) {
            c->lambda_phi[row + i] -= c->scale * c->charge[i];
            c->lambda_p[row + i] += c->scale * c->pass->reversal->flux * flux[i];
        }
}

static enum es_status run_costates(const struct es_problem *problem, struct es_arena *arena, struct costates *costates, struct es_error *error) {
    struct es_sink sink = {add_costates, costates};
    struct es_batch batch = {.grid = problem->grid, .passes = 1, .pass = costates->pass, .sink = &sink};
    costates->charge = ES_NEW(arena, problem->net->nodes, double);
    return es_engine_run(problem->engine, &batch, es_results_new(arena, problem->net, 0, 1), error);
}

enum es_status es_echo_trajectory(const struct es_problem *problem, const double *theta, const struct es_example *example,
                                  double *lambda_phi, double *lambda_p, struct es_error *error) {
    const struct es_network *net = problem->net;
    struct es_arena *arena = es_arena_new();
    struct free_passes free;
    struct es_problem echo = *problem;
    struct es_pass pass[2];
    struct es_rule_sample sample;
    echo.rule = &es_echo;
    size_t size = (es_grid_steps(&problem->grid) + 1) * net->nodes * sizeof(double);
    double *reference = ES_NEW(arena, net->outputs, double);
    enum es_status status = run_free(problem, arena, 1, theta, 1, example, &free, error);
    memset(lambda_phi, 0, size);
    memset(lambda_p, 0, size);
    if (status == ES_OK) {
        es_cost_reference(free.model, reference);
        status = rule_sample(&echo, arena, reference, &free, 0, example->label, pass, NULL, &sample, error);
    }
    for (int i = 0; i < 2 && status == ES_OK; i++) {
        struct costates c = {.model = free.model, .grid = &problem->grid, .pass = &pass[i], .scale = (i ? -0.5 : 0.5) / sample.beta_si,
                             .lambda_phi = lambda_phi, .lambda_p = lambda_p};
        status = run_costates(problem, arena, &c, error);
    }
    es_arena_free(arena);
    return status;
}

// ---- finite differences ----------------------------------------------------------------------------------------------

enum { DIFFERENCES = 4, CHUNK = 16 }; // parameters whose passes run together

static const double shift[DIFFERENCES] = {1, -1, 2, -2}, weight[DIFFERENCES] = {2. / 3, -2. / 3, -1. / 12, 1. / 12};

// What a step of 1 moves parameter i by: dtheta/du, but not much more than theta, as wide bounds say nothing of its size.
static double move_of(const struct es_network *net, size_t i, double theta) {
    double slope = es_parameter_slope(net, i, theta);
    return fmax(fmin(slope, fabs(theta)), slope / 100);
}

// theta with parameter i moved by shift step move_of(), once for each shift.
static void write_variants(const struct es_network *net, const double *theta, size_t i, double step, double *variant) {
    for (size_t s = 0; s < DIFFERENCES; s++)
        for (size_t j = 0; j < net->parameters; j++)
            variant[s * net->parameters + j] = theta[j] + (i == j ? shift[s] * step * move_of(net, j, theta[j]) : 0);
}

static enum es_status difference_chunk(const struct es_problem *problem, const double *theta, size_t first, size_t count, size_t examples,
                                       const struct es_example *example, double step, double *slope, struct es_error *error) {
    const struct es_network *net = problem->net;
    struct es_arena *arena = es_arena_new();
    double *variant = ES_NEW(arena, DIFFERENCES * count * net->parameters, double);
    for (size_t i = 0; i < count; i++)
        write_variants(net, theta, first + i, step, variant + i * DIFFERENCES * net->parameters);
    struct free_passes free;
    enum es_status status = run_free(problem, arena, DIFFERENCES * count, variant, examples, example, &free, error);
    for (size_t i = 0; i < count && status == ES_OK; i++) {
        double sum = 0;
        for (size_t s = 0; s < DIFFERENCES; s++)
            for (size_t e = 0; e < examples; e++) {
                struct es_reading reading = reading_of(problem, &free, (DIFFERENCES * i + s) * examples + e, example[e].label);
                sum += weight[s] * problem->cost->loss(&reading);
            }
        slope[first + i] = sum / (step * move_of(net, first + i, theta[first + i]) * (double)examples);
    }
    es_arena_free(arena);
    return status;
}

enum es_status es_finite_differences(const struct es_problem *problem, const double *theta, size_t examples,
                                     const struct es_example *example, double step, double *slope, struct es_error *error) {
    enum es_status status = ES_OK;
    for (size_t first = 0; first < problem->net->parameters && status == ES_OK; first += CHUNK) {
        size_t left = problem->net->parameters - first;
        status = difference_chunk(problem, theta, first, left < CHUNK ? left : CHUNK, examples, example, step, slope, error);
        if (problem->progress)
            problem->progress(problem->context, (double)first / (double)problem->net->parameters);
    }
    return status;
}
