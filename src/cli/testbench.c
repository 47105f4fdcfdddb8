// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "cli/netlist.h"

#include "netlist/testbench.h"

#include <math.h>

static enum es_status refuse(const struct cli_subject *s, struct es_error *error) {
    if (s->training.problem.rule != &es_rhel)
        return es_fail(error, ES_BAD_INPUT, "%s: a testbench runs two echoes, and the rule is %s; take rhel", s->experiment->file, s->training.problem.rule->row.name);
    if (s->training.problem.cost->reads != ES_READ_RUNNING)
        return es_fail(error, ES_BAD_INPUT, "%s: a testbench nudges along the pass, and the cost %s reads its end; take flux-tracking", s->experiment->file, s->training.problem.cost->row.name);
    if (s->chip.count)
        return es_fail(error, ES_BAD_INPUT, "--chip: a testbench is of the ideal circuit; leave it out");
    return es_rule_admits(&es_rhel, &s->training.problem, error);
}

enum es_status cli_testbench_text(struct cli_subject *s, size_t sample, char **text, struct es_error *error) {
    struct es_problem *problem = &s->training.problem;
    const struct es_network *net = problem->net;
    struct es_example example = es_centre_example(&s->set, sample, s->arena);
    struct es_model *model = ES_NEW(s->arena, 1, struct es_model);
    struct es_gradient gradient = {.slope = ES_NEW(s->arena, net->parameters, double)};
    const size_t parameters = net->parameters;
    struct es_accumulator *integral = ES_NEW(s->arena, 3 * parameters, struct es_accumulator); // of the products, and of each factor's square
    double *size[2] = {ES_NEW(s->arena, parameters, double), ES_NEW(s->arena, parameters, double)};
    struct es_pass pass[3];
    for (size_t i = 0; i < parameters; i++) {
        const struct es_accumulator product = integral[i] = es_testbench_integral(net, i);
        integral[parameters + i] = (struct es_accumulator){.a = product.a, .b = product.a};
        integral[2 * parameters + i] = (struct es_accumulator){.a = product.b, .b = product.b};
    }
    enum es_status status = refuse(s, error);
    if (status == ES_OK)
        status = es_model_new(net, s->theta, s->arena, model, error);
    if (status == ES_OK)
        status = es_gradient(problem, s->theta, 1, &example, &gradient, error);
    if (status == ES_OK)
        status = es_passes(problem, s->theta, &example, s->arena, pass, error);
    if (status != ES_OK)
        return status;
    struct es_batch batch = {.grid = problem->grid, .accumulators = 3 * parameters, .accumulator = integral, .passes = 2, .pass = pass + 1};
    struct es_result *result = es_results_new(s->arena, net, 3 * parameters, 2);
    if ((status = es_engine_run(problem->engine, &batch, result, error)) != ES_OK)
        return status;
    for (size_t k = 0; k < 2; k++)
        for (size_t i = 0; i < parameters; i++)
            size[k][i] = sqrt(result[k].integral[parameters + i] * result[k].integral[2 * parameters + i]);
    *text = es_testbench_text(&(struct es_testbench){.model = model, .grid = &problem->grid, .pass = pass, .omega = s->omega, .beta = problem->beta, .beta_si = gradient.beta_si,
        .integral = {result[0].integral, result[1].integral}, .size = {size[0], size[1]}, .gradient = gradient.slope}, error);
    return *text ? ES_OK : ES_BAD_INPUT;
}
