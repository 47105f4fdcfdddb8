// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// What two echoes show of a circuit, beside the discrete adjoint of the same steps. For an experiment (netlists/rhel6.xml) this writes
//     DIR/error.csv       relative error and 1 - cosine of the echo's gradient at every beta, nudged to both sides and to one
//     DIR/gradient.csv    the gradient itself, for every parameter
//     DIR/costates.csv    lambda_phi(t) = dC/dphi(t) and lambda_p(t) = dC/dp(t) at every node (learn/gradient.h)
// Errors are in the parameters' coordinates, as in `echospice check`.
#include "learn/train.h"
#include "xml/xml.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BETAS = 6 };
static const double beta[BETAS] = {1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6}, beta_of_costates = 1e-3;

// ---- the echo with a nudge to one side only: (at +beta - at 0) / beta, error O(beta) -----------------------------------

static enum es_status plan_one_side(struct es_rule_sample *sample, struct es_arena *arena, struct es_error *error) {
    enum es_status status = es_rhel.plan(sample, arena, error);
    sample->pass[1].nudge = NULL;
    return status;
}

static enum es_status gradient_of_one_side(const struct es_rule_sample *sample, struct es_arena *arena, double *slope, struct es_error *error) {
    struct es_rule_sample half = *sample;
    struct es_pass pass[2] = {sample->pass[0], sample->pass[1]};
    pass[1].nudge = ES_NEW(arena, sample->model->net->outputs, double);
    half.pass = pass;
    half.beta_si /= 2; // es_rhel divides by 2 beta
    return es_rhel.gradient(&half, arena, slope, error);
}

static struct es_rule one_side(void) {
    struct es_rule rule = es_rhel;
    rule.row = (struct es_row){"one-sided echo", "echoes at +beta and at 0", "-"};
    rule.plan = plan_one_side;
    rule.gradient = gradient_of_one_side;
    return rule;
}

// ---- one experiment --------------------------------------------------------------------------------------------------

struct toy {
    struct es_experiment *experiment;
    struct es_dataset set;
    struct es_engine *engine;
    struct es_training training;
    struct es_arena *arena;
    struct es_example example;
    double *theta, *exact;          // [parameters]
    double *echo[2][BETAS];         // [parameters] to both sides, to one
    struct es_rule one;
};

static void require(enum es_status status, const struct es_error *error) {
    if (status == ES_OK)
        return;
    fprintf(stderr, "toy: %s\n", error->text);
    exit(2);
}

static FILE *create(const char *directory, const char *name) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = fopen(path, "w");
    if (!file) {
        perror(path);
        exit(2);
    }
    return file;
}

static struct toy *open_toy(const char *path) {
    struct es_arena *arena = es_arena_new();
    struct toy *t = ES_NEW(arena, 1, struct toy);
    struct es_error error;
    t->arena = arena;
    t->one = one_side();
    require(es_experiment_read(path, NULL, &t->experiment, &error), &error);
    const struct es_network *net = t->experiment->net;
    struct es_roles roles = {net->channels, net->channel, net->outputs, net->classes, net->class};
    t->theta = ES_NEW(arena, net->parameters, double);
    t->exact = ES_NEW(arena, net->parameters, double);
    es_network_start(net, t->theta);
    require(t->experiment->task.kind->load(&t->experiment->task, NULL, &roles, &t->set, &error), &error);
    require(es_engine_open(&es_twin, net, &(struct es_engine_options){.scheme = "midpoint"}, &t->engine, &error), &error);
    require(es_training_prepare(&t->training, t->experiment, &t->set, t->engine, 0, arena, &error), &error);
    t->example = es_centre_example(&t->set, 0, arena);
    return t;
}

static void close_toy(struct toy *t) {
    es_engine_close(t->engine);
    es_dataset_free(&t->set);
    es_experiment_free(t->experiment);
    es_arena_free(t->arena);
}

static void run_gradients(struct toy *t) {
    struct es_problem problem = t->training.problem;
    struct es_error error;
    require(es_adjoint(&problem, t->theta, 1, &t->example, t->exact, &error), &error);
    for (int side = 0; side < 2; side++)
        for (int i = 0; i < BETAS; i++) {
            struct es_gradient gradient = {.slope = t->echo[side][i] = ES_NEW(t->arena, problem.net->parameters, double)};
            problem.beta = beta[i];
            problem.rule = side ? &t->one : &es_rhel;
            require(es_gradient(&problem, t->theta, 1, &t->example, &gradient, &error), &error);
        }
}

// ---- tables ----------------------------------------------------------------------------------------------------------

// |a - b| / |b| and 1 - cosine = |a / |a| - b / |b||^2 / 2
static void compare(const struct toy *t, const double *a, double *relative, double *angle) {
    const struct es_network *net = t->experiment->net;
    double aa = 0, bb = 0, difference = 0;
    for (size_t i = 0; i < net->parameters; i++) {
        double w = es_parameter_slope(net, i, t->theta[i]);
        aa += w * a[i] * w * a[i];
        bb += w * t->exact[i] * w * t->exact[i];
        difference += pow(w * (a[i] - t->exact[i]), 2);
    }
    *relative = sqrt(difference / bb);
    *angle = 0;
    for (size_t i = 0; i < net->parameters; i++)
        *angle += pow(es_parameter_slope(net, i, t->theta[i]) * (a[i] / sqrt(aa) - t->exact[i] / sqrt(bb)), 2) / 2;
}

static void write_errors(const struct toy *t, const char *directory) {
    FILE *file = create(directory, "error.csv");
    fputs("beta,symmetric_error,symmetric_angle,one_sided_error,one_sided_angle\n", file);
    printf("%8s  %25s  %25s\n%8s  %12s %12s  %12s %12s\n", "", "symmetric", "one-sided", "beta", "error", "1 - cosine", "error", "1 - cosine");
    for (int i = 0; i < BETAS; i++) {
        double error[2], angle[2];
        for (int side = 0; side < 2; side++)
            compare(t, t->echo[side][i], &error[side], &angle[side]);
        fprintf(file, "%g,%.17g,%.17g,%.17g,%.17g\n", beta[i], error[0], angle[0], error[1], angle[1]);
        printf("%8.0e  %12.2e %12.2e  %12.2e %12.2e\n", beta[i], error[0], angle[0], error[1], angle[1]);
    }
    fclose(file);
}

static void write_gradient(const struct toy *t, const char *directory) {
    const struct es_network *net = t->experiment->net;
    FILE *file = create(directory, "gradient.csv");
    fputs("element,quantity,unit,value,exact", file);
    for (int side = 0; side < 2; side++)
        for (int i = 0; i < BETAS; i++)
            fprintf(file, ",%s_%.0e", side ? "one_sided" : "symmetric", beta[i]);
    for (size_t p = 0; p < net->parameters; p++) {
        const struct es_element *e = &net->element[net->parameter[p].element];
        const struct es_quantity *q = &e->kind->quantity[net->parameter[p].quantity];
        fprintf(file, "\n%s,%s,%s,%.17g,%.17g", e->name, q->name, q->unit, t->theta[p], t->exact[p]);
        for (int side = 0; side < 2; side++)
            for (int i = 0; i < BETAS; i++)
                fprintf(file, ",%.17g", t->echo[side][i][p]);
    }
    fputc('\n', file);
    fclose(file);
}

static double worst(size_t n, const double *a, const double *b) {
    double difference = 0, largest = 0;
    for (size_t i = 0; i < n; i++) {
        difference = fmax(difference, fabs(a[i] - b[i]));
        largest = fmax(largest, fabs(b[i]));
    }
    return difference / largest;
}

static void write_trajectories(const struct toy *t, size_t points, double *lambda[4], FILE *file) {
    static const char *const names[] = {"phi_adjoint", "p_adjoint", "phi_echo", "p_echo"};
    const struct es_network *net = t->experiment->net;
    fputs("time", file);
    for (size_t i = 0; i < net->nodes; i++)
        for (int k = 0; k < 4; k++)
            fprintf(file, ",%s_%s", names[k], net->node[i].name);
    for (size_t n = 0; n < points; n++) {
        fprintf(file, "\n%.17g", (double)n * es_grid_step(&t->training.problem.grid));
        for (size_t i = 0; i < net->nodes; i++)
            for (int k = 0; k < 4; k++)
                fprintf(file, ",%.17g", lambda[k][n * net->nodes + i]);
    }
    fputc('\n', file);
}

static void write_costates(const struct toy *t, const char *directory) {
    struct es_problem problem = t->training.problem;
    size_t points = es_grid_steps(&problem.grid) + 1, size = points * problem.net->nodes;
    double *lambda[4];
    struct es_error error;
    problem.beta = beta_of_costates;
    for (int k = 0; k < 4; k++)
        lambda[k] = ES_NEW(t->arena, size, double);
    require(es_adjoint_trajectory(&problem, t->theta, &t->example, lambda[0], lambda[1], &error), &error);
    require(es_echo_trajectory(&problem, t->theta, &t->example, lambda[2], lambda[3], &error), &error);
    FILE *file = create(directory, "costates.csv");
    write_trajectories(t, points, lambda, file);
    fclose(file);
    printf("costates at %zu points, beta %g: echo to adjoint at most %.2e of the largest lambda_phi, %.2e of the largest lambda_p\n", points, problem.beta,
           worst(size, lambda[2], lambda[0]), worst(size, lambda[3], lambda[1]));
}

int main(int argc, char **argv) {
    if (argc != 3) {
        fputs("usage: toy EXPERIMENT.xml DIR\n", stderr);
        return 2;
    }
    struct toy *t = open_toy(argv[1]);
    run_gradients(t);
    write_errors(t, argv[2]);
    write_gradient(t, argv[2]);
    write_costates(t, argv[2]);
    close_toy(t);
    return 0;
}
