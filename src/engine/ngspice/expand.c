// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "engine/ngspice/expand.h"

#include "engine/ngspice/confine.h"
#include "engine/ngspice/message.h"

#include <errno.h>
#include <math.h>
#include <ngspice/sharedspice.h>
#include <search.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATIENCE = 60, PROCESSOR = 120 }; // seconds: without a word, and of work

// A part on its way to the parent.
struct record {
    char name[ES_FLAT_NAME], node[4][ES_FLAT_NAME], of[2][ES_FLAT_NAME];
    double value, initial, side_by_side, narrowest;
    bool short_circuit; // a resistor of 0 ohm, which ngspice makes 1 mohm
    bool pulses;
};

struct child {
    int fd;
    const char *const *line;
    size_t lines;
    struct es_arena *arena;
    // expand
    bool uic, listing, started;
    size_t parts, room;
    struct record *part; // [room]
    struct hsearch_data first; // of each vector its first value
    // sample
    const char *const *node;
    size_t nodes, points, taken;
    double step, end, interval;
    int *place; // [1 + nodes] of time and nodes among ngspice's vectors, or NULL
    double *value;
    char said[256], problem[256]; // what may say why, and what does, or ""
    size_t sentences;
    bool failed;
};

// ---- in the child: what ngspice says ---------------------------------------------------------------------------------

static void note(struct child *c, const char *problem) {
    if (!c->problem[0])
        snprintf(c->problem, sizeof c->problem, "%.250s", problem);
}

// What follows the nodes of a resistor is 0, or r = 0.
static bool is_zero(const char *text) {
    char *end;
    text += strspn(text, " ");
    text += *text == 'r' ? strspn(text, "r= ") : 0;
    return strtod(text, &end) == 0 && end > text;
}

// A line of the listing: its number, a colon, and the words of an element.
static void take_line(struct child *c, const char *text) {
    char letter;
    int at = 0;
    if (sscanf(text, " %*d : %c%n", &letter, &at) != 1 || !strchr("rclkvige", letter))
        return;
    if (c->parts == ES_FLAT_PARTS) {
        note(c, "it has more parts than can be read");
        return;
    }
    if (c->parts == c->room) {
        struct record *old = c->part;
        c->room = 2 * c->room + 64;
        c->part = ES_NEW(c->arena, c->room, struct record);
        if (old)
            memcpy(c->part, old, c->parts * sizeof *old);
    }
    struct record *part = &c->part[c->parts++];
    size_t ends = strchr("ge", letter) ? 4 : 2;
    char *rest = es_arena_string(c->arena, text + at - 1), *word;
    for (size_t i = 0; i <= ends && (word = strsep(&rest, " "));) {
        if (!*word)
            continue;
        char *place = i == 0 ? part->name : letter == 'k' ? part->of[i - 1] : part->node[i - 1];
        if (strlen(word) >= ES_FLAT_NAME)
            note(c, "a name is longer than can be read");
        else
            strcpy(place, word);
        i++;
    }
    part->short_circuit = letter == 'r' && rest && is_zero(rest);
    part->pulses = strchr("vi", letter) && rest && strstr(rest, "pulse");
}

// Up to two lines that may say why.
static void keep_said(struct child *c, const char *text) {
    static const char *const idle[] = {"warning", "note", "netlist line", "error on line"};
    size_t length = strlen(c->said);
    text += strspn(text, " \t");
    for (size_t i = 0; i < sizeof idle / sizeof *idle; i++)
        if (strncasecmp(text, idle[i], strlen(idle[i])) == 0)
            return;
    if (*text && c->sentences < 2)
        snprintf(c->said + length, sizeof c->said - length, "%s%.120s", c->sentences++ ? ": " : "", text);
}

static int on_text(char *text, int id, void *user) {
    (void)id;
    struct child *c = user;
    if (strncmp(text, "stdout ", 7) == 0 && c->listing)
        take_line(c, text + 7);
    if (strncmp(text, "stderr ", 7) == 0)
        keep_said(c, text + 7);
    if (strncmp(text, "stderr Error on line", 20) == 0) // the reason follows
        c->failed = true;
    else if (strncmp(text, "stderr Error", 12) == 0)
        note(c, *c->said ? c->said : text + 7);
    return 0;
}

_Noreturn static void give_up(struct child *c) {
    enum es_message failed = ES_MESSAGE_FAILED;
    note(c, *c->said ? c->said : "it gives no reason");
    if (es_send(c->fd, &failed, sizeof failed))
        es_send(c->fd, c->problem, sizeof c->problem);
    _exit(0);
}

static int on_exit_request(int status, NG_BOOL immediate, NG_BOOL quit, int id, void *user) {
    (void)status, (void)immediate, (void)quit, (void)id;
    give_up(user);
}

static int on_vectors(pvecinfoall info, int id, void *user) {
    (void)info, (void)id, (void)user;
    return 0;
}

static void find_places(struct child *c, const vecvaluesall *all) {
    c->place = ES_NEW(c->arena, 1 + c->nodes, int);
    for (size_t i = 0; i <= c->nodes; i++) {
        const char *name = i == 0 ? "time" : c->node[i - 1];
        while (c->place[i] < all->veccount && strcmp(all->vecsa[c->place[i]]->name, name) != 0)
            c->place[i]++;
        if (c->place[i] == all->veccount)
            note(c, es_arena_printf(c->arena, "there is no vector %s", name));
    }
}

// By name, as ngspice's own search takes "all", and "c.e", for something else. V(1) is the node 1.
static void keep_first(struct child *c, const vecvaluesall *all) {
    c->started = true;
    if (!hcreate_r(2 * (size_t)all->veccount + 16, &c->first))
        note(c, "out of memory");
    for (int i = 0; i < all->veccount && !c->problem[0]; i++) {
        const char *name = all->vecsa[i]->name;
        double *value = ES_NEW(c->arena, 1, double);
        *value = all->vecsa[i]->creal;
        ENTRY entry = {strncmp(name, "V(", 2) == 0 ? es_arena_printf(c->arena, "%.*s", (int)strcspn(name + 2, ")"), name + 2) : es_arena_string(c->arena, name), value}, *kept;
        if (!hsearch_r(entry, ENTER, &kept, &c->first))
            note(c, "out of memory");
    }
}

static int on_point(pvecvaluesall all, int count, int id, void *user) {
    (void)count, (void)id;
    struct child *c = user;
    if (!c->points && !c->started)
        keep_first(c, all);
    if (!c->points || c->problem[0])
        return 0;
    if (!c->place)
        find_places(c, all);
    if (c->problem[0] || c->taken == c->points)
        return 0;
    if (fabs(all->vecsa[c->place[0]]->creal - (double)c->taken * c->interval) > 1e-6 * c->interval)
        note(c, "a step of a waveform is not where it is asked for");
    for (size_t i = 0; i < c->nodes && !c->problem[0]; i++)
        c->value[i * c->points + c->taken] = all->vecsa[c->place[i + 1]]->creal;
    c->taken++;
    return 0;
}

// Holds the steps where the waveforms are wanted.
static int on_sync(double t, double *delta, double old, int redo, int id, int location, void *user) {
    (void)old, (void)redo, (void)id;
    struct child *c = user;
    if (location != 0 || !c->points)
        return 0;
    double target = fmin((double)c->taken * c->interval, c->end), step = target - t;
    while (t + step > c->end)
        step = nextafter(step, 0);
    *delta = c->taken < c->points ? step : 1e30; // an end
    return 0;
}

static int on_source(double *value, double t, char *name, int id, void *user) {
    (void)t, (void)name, (void)id, (void)user;
    *value = 0;
    return 0;
}

// ---- in the child: its work ------------------------------------------------------------------------------------------

static void command(const char *text) {
    char copy[256]; // ngspice takes a writable string
    snprintf(copy, sizeof copy, "%s", text);
    ngSpice_Command(copy);
}

static void start(struct child *c) {
    struct rlimit none = {0, 0}, processor = {PROCESSOR, PROCESSOR};
    int id = 0;
    c->fd = es_confine(c->fd);
    setrlimit(RLIMIT_CPU, &processor);
    if (ngSpice_Init(on_text, NULL, on_exit_request, on_point, on_vectors, NULL, c) != 0 || ngSpice_Init_Sync(on_source, on_source, on_sync, &id, c) != 0)
        _exit(3);
    setrlimit(RLIMIT_NOFILE, &none); // no file is opened from here on
    char **text = ES_NEW(c->arena, c->lines + 3, char *);
    text[0] = es_arena_string(c->arena, "netlist");
    for (size_t i = 0; i < c->lines; i++)
        text[i + 1] = es_arena_string(c->arena, c->line[i]);
    text[c->lines + 1] = es_arena_string(c->arena, ".end");
    c->said[0] = '\0';
    c->sentences = 0;
    if (ngSpice_Circ(text) != 0 || c->problem[0] || c->failed)
        give_up(c);
}

// *count values, at least one.
static const double *properties(struct child *c, const char *part, const char *name, int *count) {
    static const double none = NAN;
    char *text = es_arena_printf(c->arena, "@%s[%s]", part, name);
    pvector_info info = ngGet_Vec_Info(text);
    bool good = info && info->v_realdata && info->v_length > 0;
    if (!good)
        note(c, es_arena_printf(c->arena, "there is no vector %s", text));
    *count = good ? info->v_length : 1;
    return good ? info->v_realdata : &none;
}

static double property(struct child *c, const char *part, const char *name) {
    int count;
    return *properties(c, part, name, &count);
}

// PULSE(v1 v2 delay rise fall width period): a rise or fall of 0 is a step of .tran, a width of 0 all that is left.
static double narrowest(struct child *c, const struct record *part) {
    int count;
    const double *pulse = properties(c, part->name, "pulse", &count);
    if (count < 6 || !(pulse[3] > 0 && pulse[4] > 0 && pulse[5] > 0))
        return 0;
    double length = pulse[3] + pulse[4] + pulse[5], pause = count > 6 ? pulse[6] - length : 0;
    return pause > 0 ? fmin(length, pause) : length;
}

static double first(struct child *c, char *name) {
    ENTRY entry = {name, NULL}, *found;
    if (c->started && hsearch_r(entry, FIND, &found, &c->first))
        return *(const double *)found->data;
    note(c, es_arena_printf(c->arena, "there is no vector %s", name));
    return NAN;
}

static double voltage(struct child *c, char *node) {
    return strcmp(node, "0") == 0 ? 0 : first(c, node);
}

// ngspice counts m in the values of capacitors and transconductors already.
static void read_part(struct child *c, struct record *part) {
    static const struct {
        char letter;
        const char *property;
    } value[] = {{'r', "resistance"}, {'c', "capacitance"}, {'l', "inductance"}, {'k', "k"}, {'v', "dc"}, {'i', "dc"}, {'g', "gain"}, {'e', "gain"}};
    char letter = part->name[0];
    for (size_t i = 0; i < sizeof value / sizeof *value; i++)
        if (value[i].letter == letter)
            part->value = property(c, part->name, value[i].property);
    if (part->short_circuit)
        part->value = 0;
    part->narrowest = part->pulses ? narrowest(c, part) : 0;
    part->side_by_side = strchr("rli", letter) ? property(c, part->name, "m") : 1;
    if (letter == 'r' || letter == 'l')
        part->value /= part->side_by_side;
    if (letter == 'i')
        part->value *= part->side_by_side;
    if (strchr("cl", letter) && c->uic)
        part->initial = property(c, part->name, "ic");
    else if (letter == 'c')
        part->initial = voltage(c, part->node[0]) - voltage(c, part->node[1]);
    else if (letter == 'l')
        part->initial = first(c, es_arena_printf(c->arena, "%s#branch", part->name));
}

// The listing, and a short transient, which sets the parts up and finds where they begin.
_Noreturn static void expand(struct child *c) {
    enum es_message done = ES_MESSAGE_DONE;
    start(c);
    c->listing = true;
    command("listing expand");
    c->listing = false;
    command(c->uic ? "tran 1e-12 1e-12 0 1e-12 uic" : "tran 1e-12 1e-12 0 1e-12");
    for (size_t i = 0; i < c->parts && !c->problem[0]; i++)
        read_part(c, &c->part[i]);
    if (c->problem[0]) {
        if (*c->said) // why there is no vector
            snprintf(c->problem, sizeof c->problem, "%s", c->said);
        give_up(c);
    }
    if (es_send(c->fd, &done, sizeof done) && es_send(c->fd, &c->parts, sizeof c->parts))
        es_send(c->fd, c->part, c->parts * sizeof *c->part);
    _exit(0);
}

_Noreturn static void sample(struct child *c) {
    enum es_message done = ES_MESSAGE_DONE;
    size_t points = c->points;
    c->points = 0;
    start(c);
    c->points = points;
    c->value = ES_NEW(c->arena, c->nodes * points, double);
    command("save none"); // keeps vectors at length 1; on_point still sees all
    command(es_arena_printf(c->arena, "tran %.17g %.17g 0 %.17g", c->step, c->end, c->interval));
    if (c->problem[0] || c->taken < points)
        give_up(c);
    if (es_send(c->fd, &done, sizeof done))
        es_send(c->fd, c->value, c->nodes * points * sizeof *c->value);
    _exit(0);
}

// ---- in the parent ---------------------------------------------------------------------------------------------------

struct worker {
    pid_t pid;
    int fd;
};

static enum es_status begin(void (*work)(struct child *), struct child *c, struct worker *w, struct es_error *error) {
    int fd[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) != 0)
        return es_fail(error, ES_NO_RESOURCE, "cannot start ngspice: %s", strerror(errno));
    w->pid = fork();
    if (w->pid == 0) {
        close(fd[0]);
        c->fd = fd[1];
        c->arena = es_arena_new();
        work(c);
    }
    close(fd[1]);
    w->fd = fd[0];
    struct timeval limit = {PATIENCE, 0};
    setsockopt(w->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    if (w->pid > 0)
        return ES_OK;
    close(w->fd);
    return es_fail(error, ES_NO_RESOURCE, "cannot start ngspice: %s", strerror(errno));
}

// Whether the child has done its work: then its results follow. Otherwise what it says of it.
static enum es_status hear(const struct worker *w, struct es_error *error) {
    enum es_message message;
    char problem[sizeof ((struct child *)NULL)->problem];
    if (es_receive(w->fd, &message, sizeof message)) {
        if (message == ES_MESSAGE_DONE)
            return ES_OK;
        if (es_receive(w->fd, problem, sizeof problem)) {
            problem[sizeof problem - 1] = '\0';
            return es_fail(error, ES_BAD_INPUT, "ngspice cannot read the circuit: %s", problem);
        }
    }
    return es_fail(error, ES_FAILED, "ngspice died or hung over the circuit; look for what it holds that SPICE does not know");
}

static enum es_status end(struct worker *w, bool whole, enum es_status status, struct es_error *error) {
    close(w->fd);
    kill(w->pid, SIGKILL);
    while (waitpid(w->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    return status != ES_OK || whole ? status : es_fail(error, ES_FAILED, "ngspice died over the circuit");
}

static void keep(struct es_arena *arena, const struct record *r, struct es_flat_part *part) {
    *part = (struct es_flat_part){.name = es_arena_string(arena, r->name), .value = r->value, .initial = r->initial, .side_by_side = r->side_by_side, .narrowest = r->narrowest};
    for (size_t i = 0; i < 4; i++)
        part->node[i] = es_arena_string(arena, r->node[i]);
    for (size_t i = 0; i < 2; i++)
        part->of[i] = es_arena_string(arena, r->of[i]);
}

enum es_status es_ngspice_expand(const char *const *line, size_t lines, bool uic, struct es_arena *arena, struct es_flat_part **part, size_t *parts,
                                 struct es_error *error) {
    struct child c = {.line = line, .lines = lines, .uic = uic};
    struct worker w = {0, -1};
    struct record record;
    *parts = 0;
    enum es_status status = begin(expand, &c, &w, error);
    if (status != ES_OK)
        return status;
    status = hear(&w, error);
    bool whole = status == ES_OK && es_receive(w.fd, parts, sizeof *parts) && *parts <= ES_FLAT_PARTS;
    *part = ES_NEW(arena, whole ? *parts : 0, struct es_flat_part);
    for (size_t i = 0; whole && i < *parts; i++)
        if ((whole = es_receive(w.fd, &record, sizeof record)))
            keep(arena, &record, &(*part)[i]);
    return end(&w, whole, status, error);
}

enum es_status es_ngspice_sample(const char *const *line, size_t lines, const char *const *node, size_t nodes, double step, double end_time, double interval, size_t points,
                                 double *value, struct es_error *error) {
    struct child c = {.line = line, .lines = lines, .node = node, .nodes = nodes, .points = points, .step = step, .end = end_time, .interval = interval};
    struct worker w = {0, -1};
    enum es_status status = begin(sample, &c, &w, error);
    if (status != ES_OK)
        return status;
    status = hear(&w, error);
    bool whole = status == ES_OK && es_receive(w.fd, value, nodes * points * sizeof *value);
    return end(&w, whole, status, error);
}
