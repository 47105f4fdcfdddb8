// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// The gradient of the continuous circuit by SUNDIALS CVODES (Hindmarsh et al., ACM TOMS 31 (2005) 363): variable-order Adams on the
// equations of variation.h, begun anew at each bend of inputs, targets and window, so that what it sees is smooth.
#include "learn/variation.h"

#include "net/validate.h"

#include <cvodes/cvodes.h>
#include <math.h>
#include <nvector/nvector_serial.h>
#include <string.h>
#include <sunnonlinsol/sunnonlinsol_fixedpoint.h>

static const double relative = 1e-13;      // tolerance, of each quantity and of its scale
static const double escaped = 1e9;         // times its scale, a state is on its way to infinity
static const double shortest = 1e-13;      // step, of the samples' interval
enum { STEPS = 1000000, CHECKPOINT = 250 }; // the most steps in one segment; steps between checkpoints of the adjoint

// One example.
struct flow {
    struct es_variation w;
    struct es_arena *arena;
    struct es_error why;                      // of CVODES
    double done, part;                        // of all examples
    double *y;                                // [segments + 1][length] at the bends
    SUNContext context;
    void *cvode;
    SUNNonlinearSolver solver, sensitive, backward;
    int which;                                // backward problem
    N_Vector state, tolerance;                // [length]
    N_Vector *change;                         // [parameters] of [length], for forward sensitivities
    N_Vector costate, costate_tolerance;      // [back]
};

static double *data(N_Vector v) {
    return N_VGetArrayPointer(v);
}

static int rate(double t, N_Vector y, N_Vector dy, void *context) {
    struct flow *f = context;
    for (size_t i = 0; i < 2 * f->w.n; i++)
        if (!(fabs(data(y)[i]) < escaped * f->w.scale[i])) {
            es_fail(&f->why, ES_FAILED, "at t = %g s the state grows without bound; does a potential bend down?", t);
            return -1;
        }
    es_variation_rate(&f->w, t, data(y), data(dy));
    return 0;
}

static int changes(int count, double t, N_Vector y, N_Vector dy, N_Vector *change, N_Vector *dchange, void *context, N_Vector a, N_Vector b) {
    struct flow *f = context;
    (void)dy, (void)a, (void)b;
    es_variation_linearise(&f->w, t, data(y));
    for (int i = 0; i < count; i++)
        es_variation_change(&f->w, t, data(y), (size_t)i, data(change[i]), data(dchange[i]));
    return 0;
}

static int costate(double t, N_Vector y, N_Vector back, N_Vector dback, void *context) {
    struct flow *f = context;
    es_variation_costate(&f->w, t, data(y), data(back), data(dback));
    return 0;
}

static void note(int code, const char *module, const char *function, char *text, void *context) {
    struct flow *f = context;
    (void)module;
    if (code < 0 && !f->why.text[0])
        es_fail(&f->why, ES_FAILED, "%s: %.300s", function, text);
}

static void progress(const struct flow *f, double done) {
    const struct es_problem *problem = f->w.problem;
    if (problem->progress)
        problem->progress(problem->context, f->done + done * f->part);
}

static N_Vector new_vector(const struct flow *f, size_t length) {
    return N_VMake_Serial((sunindextype)length, ES_NEW(f->arena, length, double), f->context);
}

static bool open_flow(struct flow *f) {
    size_t length = f->w.length;
    if (SUNContext_Create(NULL, &f->context))
        return false;
    f->state = new_vector(f, length);
    f->tolerance = new_vector(f, length);
    memcpy(data(f->state), f->w.start, length * sizeof *f->w.start);
    for (size_t i = 0; i < length; i++)
        data(f->tolerance)[i] = relative * f->w.scale[i];
    f->cvode = CVodeCreate(CV_ADAMS, f->context);
    f->solver = SUNNonlinSol_FixedPoint(f->state, 0, f->context);
    return !(CVodeSetErrHandlerFn(f->cvode, note, f) || CVodeInit(f->cvode, rate, 0, f->state) || CVodeSetUserData(f->cvode, f) ||
             CVodeSVtolerances(f->cvode, relative, f->tolerance) || CVodeSetNonlinearSolver(f->cvode, f->solver) ||
             CVodeSetMaxNumSteps(f->cvode, STEPS) || CVodeSetMinStep(f->cvode, shortest * f->w.problem->grid.interval));
}

static void close_flow(struct flow *f) {
    CVodeFree(&f->cvode);
    SUNNonlinSolFree(f->solver);
    SUNNonlinSolFree(f->sensitive);
    SUNNonlinSolFree(f->backward);
    N_Vector vector[] = {f->state, f->tolerance, f->costate, f->costate_tolerance};
    for (size_t i = 0; i < sizeof vector / sizeof *vector; i++)
        N_VDestroy(vector[i]);
    if (f->change)
        N_VDestroyVectorArray(f->change, (int)f->w.net->parameters);
    SUNContext_Free(&f->context);
}

// The state, and its changes, over segment s.
static bool advance(struct flow *f, size_t s) {
    double t = es_variation_bend(&f->w, s), end = es_variation_bend(&f->w, s + 1);
    es_variation_enter(&f->w, s);
    bool failed = CVodeReInit(f->cvode, t, f->state) || (f->change && CVodeSensReInit(f->cvode, CV_SIMULTANEOUS, f->change)) ||
                  CVodeSetStopTime(f->cvode, end) || CVode(f->cvode, end, f->state, &t, CV_NORMAL) < 0 ||
                  (f->change && CVodeGetSens(f->cvode, &t, f->change));
    memcpy(f->y + (s + 1) * f->w.length, data(f->state), f->w.length * sizeof *f->y);
    return !failed;
}

static bool forward(struct flow *f, double part, double *loss) {
    bool good = true;
    f->y = ES_NEW(f->arena, (f->w.segments + 1) * f->w.length, double);
    memcpy(f->y, f->w.start, f->w.length * sizeof *f->y);
    for (size_t s = 0; s < f->w.segments && good; s++) {
        good = advance(f, s);
        progress(f, part * (double)(s + 1) / (double)f->w.segments);
    }
    es_variation_measure(&f->w, f->w.segments + 1, f->y);
    if (good)
        *loss += es_variation_loss(&f->w, data(f->state));
    return good;
}

static bool open_changes(struct flow *f) {
    int count = (int)f->w.net->parameters;
    double *scale = ES_NEW(f->arena, f->w.net->parameters, double);
    es_variation_open_changes(&f->w, f->arena);
    f->change = N_VCloneVectorArray(count, f->state);
    f->sensitive = SUNNonlinSol_FixedPointSens(count + 1, f->state, 0, f->context);
    for (size_t i = 0; i < f->w.net->parameters && f->change; i++) {
        scale[i] = es_variation_parameter_scale(&f->w, i);
        es_variation_begin_change(&f->w, i, data(f->change[i]));
    }
    return f->change && !(CVodeSensInit(f->cvode, count, CV_SIMULTANEOUS, changes, f->change) ||
                          CVodeSetSensParams(f->cvode, NULL, scale, NULL) || CVodeSensEEtolerances(f->cvode) ||
                          CVodeSetSensErrCon(f->cvode, SUNTRUE) || CVodeSetNonlinearSolverSensSim(f->cvode, f->sensitive));
}

static bool by_sensitivities(struct flow *f, double *loss, double *slope) {
    size_t parameters = f->w.net->parameters;
    if ((parameters && !open_changes(f)) || !forward(f, 1, loss))
        return false;
    if (parameters)
        es_variation_close_changes(&f->w);
    for (size_t i = 0; i < parameters; i++)
        slope[i] += es_variation_change_slope(&f->w, i, data(f->change[i]));
    return true;
}

// CVODES can do this only once it has gone forward over the last segment.
static bool open_costate(struct flow *f, double end) {
    f->backward = SUNNonlinSol_FixedPoint(f->costate, 0, f->context);
    return !(CVodeCreateB(f->cvode, CV_ADAMS, &f->which) || CVodeInitB(f->cvode, f->which, costate, end, f->costate) ||
             CVodeSetUserDataB(f->cvode, f->which, f) || CVodeSVtolerancesB(f->cvode, f->which, relative, f->costate_tolerance) ||
             CVodeSetNonlinearSolverB(f->cvode, f->which, f->backward) || CVodeSetMaxNumStepsB(f->cvode, f->which, STEPS));
}

// The costate back over segment s, which CVODES first goes forward again.
static bool retreat(struct flow *f, size_t s) {
    double t, start = es_variation_bend(&f->w, s), end = es_variation_bend(&f->w, s + 1);
    bool last = s + 1 == f->w.segments;
    int checkpoints;
    es_variation_enter(&f->w, s);
    memcpy(data(f->state), f->y + s * f->w.length, f->w.length * sizeof *f->y);
    if (CVodeReInit(f->cvode, start, f->state) || CVodeAdjReInit(f->cvode) || CVodeSetStopTime(f->cvode, end) ||
        CVodeF(f->cvode, end, f->state, &t, CV_NORMAL, &checkpoints) < 0)
        return false;
    if (last ? !open_costate(f, end) : CVodeReInitB(f->cvode, f->which, end, f->costate))
        return false;
    return CVodeB(f->cvode, start, CV_NORMAL) >= 0 && !CVodeGetB(f->cvode, f->which, &t, f->costate);
}

static bool by_adjoint(struct flow *f, double *loss, double *slope) {
    if (!forward(f, 0.3, loss))
        return false;
    if (!(f->w.cost_scale > 0) || !f->w.net->parameters) { // nothing changes the loss
        progress(f, 1);
        return true;
    }
    f->costate = new_vector(f, f->w.back);
    f->costate_tolerance = new_vector(f, f->w.back);
    es_variation_end_costate(&f->w, data(f->costate), slope);
    es_variation_costate_scale(&f->w, data(f->costate_tolerance));
    N_VScale(relative, f->costate_tolerance, f->costate_tolerance);
    bool good = !CVodeAdjInit(f->cvode, CHECKPOINT, CV_POLYNOMIAL);
    for (size_t s = f->w.segments; s-- > 0 && good;) {
        good = retreat(f, s);
        progress(f, 1 - 0.7 * (double)s / (double)f->w.segments);
    }
    if (good)
        es_variation_start_slope(&f->w, data(f->costate), slope);
    return good;
}

static enum es_status one_example(struct flow *f, bool adjoint, double *loss, double *slope, struct es_error *error) {
    bool good = open_flow(f) && (adjoint ? by_adjoint : by_sensitivities)(f, loss, slope);
    close_flow(f);
    if (good)
        return ES_OK;
    return es_fail(error, ES_FAILED, "network \"%s\": CVODES gave up: %s", f->w.net->name, f->why.text[0] ? f->why.text : "out of memory");
}

enum es_status es_continuous_gradient(const struct es_problem *problem, const double *theta, size_t examples, const struct es_example *example,
                                      bool adjoint, double *loss, double *slope, struct es_error *error) {
    const struct es_network *net = problem->net;
    double sum = 0;
    enum es_status status = es_validate_lagrangian(net, error);
    if (status == ES_OK)
        status = es_validate_no_own_flux(net, "the sensitivities of the continuous circuit; use finite differences", error);
    if (status == ES_OK)
        status = es_validate_mass(net, error);
    memset(slope, 0, net->parameters * sizeof *slope);
    for (size_t i = 0; i < examples && status == ES_OK; i++) {
        struct flow f = {.arena = es_arena_new(), .done = (double)i / (double)examples, .part = 1 / (double)examples};
        status = es_variation_new(problem, theta, &example[i], f.arena, &f.w, error);
        if (status == ES_OK)
            status = one_example(&f, adjoint, &sum, slope, error);
        es_arena_free(f.arena);
    }
    for (size_t i = 0; i < net->parameters; i++)
        slope[i] /= (double)examples;
    if (loss)
        *loss = sum / (double)examples;
    return status;
}
