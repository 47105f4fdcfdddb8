// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "cli/comparison.h"

#include "cli/reference.h"

enum es_status cli_find_exact(struct cli_case *c, struct es_error *error) {
    struct es_problem problem = *c->problem;
    problem.rule = &es_rhel; // whose loss is that of the free pass
    problem.engine = es_chip_inside(problem.engine); // without what is random or rounded
    c->exact = ES_NEW(c->arena, problem.net->parameters, double);
    c->reference = problem.engine->scheme->equilibrium ? "implicit-function" : "discrete-adjoint";
    if (problem.engine->kind == &es_twin && es_adjoint(&problem, c->theta, 1, c->example, c->exact, NULL) == ES_OK)
        return ES_OK;
    c->reference = "finite-difference";
    return es_finite_differences(&problem, c->theta, 1, c->example, c->difference_step, c->exact, error);
}

enum es_status cli_compare_rule(const struct cli_case *c, const struct es_rule *rule, struct cli_comparison *comparison, struct es_error *error) {
    struct es_problem problem = *c->problem;
    size_t n = problem.net->parameters;
    struct es_gradient gradient = {.slope = ES_NEW(c->arena, n, double)};
    double *exact = rule->own_loss ? ES_NEW(c->arena, n, double) : c->exact;
    *comparison = (struct cli_comparison){.rule = rule, .passes = rule->solve ? 0 : 1 + rule->passes(problem.net)};
    if (es_rule_admits(rule, &problem, &comparison->reason) != ES_OK)
        return ES_OK;
    problem.rule = rule;
    struct es_error why = {""};
    enum es_status status = es_gradient(&problem, c->theta, 1, c->example, &gradient, &why);
    comparison->iterations = gradient.iterations;
    if (status == ES_OK && rule->own_loss)
        status = es_finite_differences(&problem, c->theta, 1, c->example, c->difference_step * es_own_step, exact, &why);
    if (status == ES_FAILED) { // the reference has been found, so it is this rule that does not work here
        comparison->reason = why;
        return ES_OK;
    }
    if (status != ES_OK)
        return es_fail(error, status, "%s", why.text);
    comparison->agreement = es_agreement_of(n, 1, c->weight, gradient.slope, exact);
    return ES_OK;
}
