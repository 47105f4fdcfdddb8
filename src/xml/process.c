// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// Process maps (the format: models/process/process.rng). Every text that reaches a netlist is checked here: names are [A-Za-z_][A-Za-z0-9_]*, files stand below
// ${PDK}, everything else is a number.
#include "xml/xml.h"

#include "xml/reader.h"

#include <math.h>
#include <string.h>
#include <strings.h>

enum { MOST_CORNERS = 64, MOST_LIBRARIES = 16, MOST_NOTES = 32, MOST_SETTINGS = 8 };

extern const char es_process_schema[];
extern const unsigned es_process_schema_size;

static const struct es_schema process_schema = {
    "models/process/process.rng", es_process_schema, &es_process_schema_size, "process", "expected a process map",
};

static enum es_status check_source(const struct es_reader *r, xmlNode *node) {
    const char *source;
    enum es_status status = es_xml_required(r, node, "source", &source);
    return status != ES_OK || *source ? status : es_xml_fail(r, node, "source", "expected where these names and numbers come from: a file of a design kit, a paper");
}

static size_t count_children(xmlNode *node, const char *name) {
    size_t count = 0;
    for (xmlNode *child = node->children; child; child = child->next)
        count += es_xml_is(child, name);
    return count;
}

// The children of a name into a list that `read` fills one by one.
static enum es_status read_list(const struct es_reader *r, xmlNode *node, const char *name, size_t most, size_t *count, void *list,
                                enum es_status (*read)(const struct es_reader *r, xmlNode *child, void *list, size_t i)) {
    *count = count_children(node, name);
    if (*count > most)
        return es_xml_fail(r, node, NULL, "%zu of <%s>; expected at most %zu", *count, name, most);
    enum es_status status = ES_OK;
    size_t i = 0;
    for (xmlNode *child = node->children; child && status == ES_OK; child = child->next)
        if (es_xml_is(child, name))
            status = read(r, child, list, i++);
    return status;
}

static enum es_status read_note(const struct es_reader *r, xmlNode *node, void *list, size_t i) {
    const char **note = list;
    enum es_status status = es_xml_required(r, node, "text", &note[i]);
    return status != ES_OK || *note[i] ? status : es_xml_fail(r, node, "text", "expected a sentence");
}

static enum es_status read_setting(const struct es_reader *r, xmlNode *node, void *list, size_t i) {
    struct es_process_setting *setting = (struct es_process_setting *)list + i;
    enum es_status status = check_source(r, node);
    if (status == ES_OK)
        status = es_xml_required(r, node, "name", &setting->name);
    setting->value = es_xml_attribute(r, node, "value");
    uint64_t number = 0;
    struct es_error why;
    if (status == ES_OK && setting->value && !es_name_valid(setting->value) && es_integer_parse(setting->value, 0, 1000000, &number, &why) != ES_OK)
        status = es_xml_fail(r, node, "value", "expected a word of letters, digits and _, or a whole number");
    return status;
}

// ${PDK}/a/b.lib becomes a/b.lib.
static enum es_status read_file_name(const struct es_reader *r, xmlNode *node, const char **file) {
    static const char root[] = "${PDK}/", allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./";
    const char *text;
    enum es_status status = es_xml_required(r, node, "file", &text);
    if (status != ES_OK)
        return status;
    const char *rest = strncmp(text, root, strlen(root)) == 0 ? text + strlen(root) : "";
    if (!*rest || *rest == '/' || strspn(rest, allowed) < strlen(rest) || strstr(rest, ".."))
        return es_xml_fail(r, node, "file", "expected ${PDK}/ and a path of letters, digits, _, -, . and / without \"..\"");
    *file = rest;
    return ES_OK;
}

static enum es_status read_library(const struct es_reader *r, xmlNode *node, void *list, size_t i) {
    struct es_process_library *library = (struct es_process_library *)list + i;
    enum es_status status = read_file_name(r, node, &library->file);
    if (status == ES_OK && es_xml_attribute(r, node, "section"))
        status = es_xml_name(r, node, "section", &library->section);
    return status;
}

static enum es_status read_corner(const struct es_reader *r, xmlNode *node, void *list, size_t i) {
    struct es_process_corner *corner = list;
    enum es_status status = es_xml_name(r, node, "name", &corner[i].name);
    for (size_t k = 0; k < i && status == ES_OK; k++)
        if (strcmp(corner[k].name, corner[i].name) == 0)
            status = es_xml_fail(r, node, "name", "a corner of this name already stands above");
    corner[i].about = es_xml_attribute(r, node, "about");
    corner[i].library = ES_NEW(r->arena, MOST_LIBRARIES, struct es_process_library);
    return status == ES_OK ? read_list(r, node, "library", MOST_LIBRARIES, &corner[i].libraries, corner[i].library, read_library) : status;
}

static size_t pin_index(const struct es_role *role, const char *name, size_t length) {
    size_t k = 0;
    while (role->pin[k] && (strlen(role->pin[k]) != length || strncmp(role->pin[k], name, length) != 0))
        k++;
    return k;
}

// "d g s b": pins of the role in the order of the line, each at most once.
static enum es_status read_pins(const struct es_reader *r, xmlNode *node, const struct es_role *role, struct es_line_form *form) {
    const char *text, *names = "";
    enum es_status status = es_xml_required(r, node, "pins", &text);
    if (status != ES_OK)
        return status;
    for (size_t i = 0; role->pin[i]; i++)
        names = es_arena_printf(r->arena, "%s%s%s", names, i == 0 ? "" : " ", role->pin[i]);
    for (text += strspn(text, " "); *text; text += strspn(text, " ")) {
        size_t length = strcspn(text, " "), pin = pin_index(role, text, length);
        bool again = false;
        for (size_t i = 0; i < form->pins; i++)
            again = again || form->pin[i] == pin;
        if (!role->pin[pin] || again)
            return es_xml_fail(r, node, "pins", "expected pins out of \"%s\", each once", names);
        form->pin[form->pins++] = pin;
        text += length;
    }
    return form->pins >= 2 ? ES_OK : es_xml_fail(r, node, "pins", "expected at least two pins out of \"%s\"", names);
}

static enum es_status read_parameter(const struct es_reader *r, xmlNode *node, void *list, size_t i) {
    static const char *const kinds[] = {"value", "width", "length", "multiplier", "area", "perimeter", "squares", NULL}; // by enum es_parameter_kind
    struct es_line_form *form = list;
    size_t kind = ES_PARAMETER_FIXED;
    enum es_status status = es_xml_name(r, node, "name", &form->parameter[i].name);
    for (size_t k = 0; k < i && status == ES_OK; k++)
        if (strcasecmp(form->parameter[k].name, form->parameter[i].name) == 0)
            status = es_xml_fail(r, node, "name", "a parameter of this name already stands on the line");
    if (status == ES_OK)
        status = es_xml_choice(r, node, "is", kinds, &kind);
    if (status == ES_OK)
        status = es_xml_number(r, node, "value", "", &form->parameter[i].value);
    form->parameter[i].kind = (enum es_parameter_kind)kind;
    return status;
}

static enum es_status read_form(const struct es_reader *r, xmlNode *node, const struct es_process_device *device, struct es_line_form *form) {
    const char *letter;
    form->unit = 1;
    enum es_status status = es_xml_required(r, node, "letter", &letter);
    if (status == ES_OK)
        form->letter = *letter;
    if (status == ES_OK && !device->model && form->letter != 'C' && form->letter != 'R')
        status = es_xml_fail(r, node, "letter", "expected C or R, as the device has no model; add one");
    if (status == ES_OK)
        status = read_pins(r, node, device->role, form);
    if (status == ES_OK)
        status = es_xml_positive(r, node, "unit", "m", &form->unit);
    return status == ES_OK ? read_list(r, node, "parameter", ES_PROCESS_PARAMETERS, &form->parameters, form, read_parameter) : status;
}

// Numbers of one element: its attributes, each into its place.
struct number {
    const char *attribute, *unit;
    double low; // -INFINITY: any
    double *value;
};

static enum es_status read_numbers(const struct es_reader *r, xmlNode *node, size_t count, const struct number *number) {
    enum es_status status = check_source(r, node);
    for (size_t i = 0; i < count && status == ES_OK; i++) {
        status = es_xml_number(r, node, number[i].attribute, number[i].unit, number[i].value);
        if (status == ES_OK && es_xml_attribute(r, node, number[i].attribute) && !(*number[i].value >= number[i].low))
            status = es_xml_fail(r, node, number[i].attribute, "expected a value >= %g", number[i].low);
    }
    return status;
}

#define READ(r, node, ...) \
    read_numbers(r, node, sizeof (struct number[]){__VA_ARGS__} / sizeof(struct number), (struct number[]){__VA_ARGS__})

static enum es_status read_size(const struct es_reader *r, xmlNode *node, struct es_process_device *d) {
    enum es_status status = READ(r, node, {"min-width", "m", 1e-9, &d->min_width}, {"max-width", "m", 1e-9, &d->max_width},
                                 {"min-length", "m", 1e-9, &d->min_length}, {"max-length", "m", 1e-9, &d->max_length}, {"diffusion", "m", 0, &d->diffusion});
    if (status == ES_OK && d->min_width > d->max_width)
        status = es_xml_fail(r, node, "max-width", "expected at least min-width = \"%s\"", es_xml_attribute(r, node, "min-width"));
    if (status == ES_OK && d->min_length > d->max_length)
        status = es_xml_fail(r, node, "max-length", "expected at least min-length = \"%s\"", es_xml_attribute(r, node, "min-length"));
    return status;
}

static enum es_status read_capacitance(const struct es_reader *r, xmlNode *node, struct es_process_device *d) {
    enum es_status status = es_xml_positive(r, node, "density", "F/m2", &d->density);
    return status == ES_OK ? READ(r, node, {"fringe", "F/m", 0, &d->fringe}) : status;
}

static enum es_status read_resistance(const struct es_reader *r, xmlNode *node, struct es_process_device *d) {
    enum es_status status = es_xml_positive(r, node, "sheet", "Ohm", &d->sheet);
    if (status == ES_OK)
        status = READ(r, node, {"width-offset", "m", -INFINITY, &d->narrowing}, {"ends", "Ohmm", 0, &d->ends});
    if (status == ES_OK && !(d->min_width + d->narrowing > 0))
        status = es_xml_fail(r, node, "width-offset", "expected more than -min-width, as the resistor has to keep a width");
    return status;
}

static enum es_status read_mismatch(const struct es_reader *r, xmlNode *node, struct es_process_device *d) {
    static const char *const of[] = {"device", "pair", NULL};
    size_t pair = 0;
    enum es_status status = READ(r, node, {"threshold", "Vm", 0, &d->threshold_mismatch}, {"relative", "m", 0, &d->relative_mismatch},
                                 {"width-offset", "m", -INFINITY, &d->width_offset}, {"length-offset", "m", -INFINITY, &d->length_offset});
    if (status == ES_OK)
        status = es_xml_choice(r, node, "of", of, &pair);
    if (status == ES_OK && !(d->min_width + d->width_offset > 0 && d->min_length + d->length_offset > 0))
        status = es_xml_fail(r, node, NULL, "the smallest device has no area left by width-offset and length-offset; correct them");
    d->threshold_mismatch *= pair ? sqrt(0.5) : 1;
    d->relative_mismatch *= pair ? sqrt(0.5) : 1;
    return status;
}

static enum es_status read_channel(const struct es_reader *r, xmlNode *node, struct es_process_device *d) {
    enum es_status status = es_xml_positive(r, node, "mu-cox", "A/V2", &d->mu_cox);
    if (status == ES_OK)
        status = es_xml_positive(r, node, "early", "V/m", &d->early);
    if (status == ES_OK)
        status = READ(r, node, {"slope", "", 1, &d->slope}, {"threshold", "V", 0, &d->threshold});
    return status;
}

static enum es_status read_squarer(const struct es_reader *r, xmlNode *node, struct es_process *process) {
    struct es_process_squarer *squarer = &process->squarer[process->squarers];
    enum es_status status = check_source(r, node);
    size_t i = 0;
    if (status == ES_OK)
        status = es_xml_name(r, node, "corner", &squarer->corner);
    while (status == ES_OK && i < process->corners && strcmp(process->corner[i].name, squarer->corner) != 0)
        i++;
    if (status == ES_OK && i == process->corners)
        status = es_xml_fail(r, node, "corner", "the map has no corner of this name");
    if (status == ES_OK && es_process_squarer(process, squarer->corner))
        status = es_xml_fail(r, node, "corner", "a squarer of this corner already stands above");
    process->squarers += status == ES_OK;
    if (status == ES_OK)
        status = es_xml_positive(r, node, "bias", "A", &squarer->bias);
    if (status == ES_OK)
        status = es_xml_positive(r, node, "k", "A/V2", &squarer->k);
    if (status == ES_OK)
        status = es_xml_positive(r, node, "cin", "F", &squarer->cin);
    if (status == ES_OK)
        status = es_xml_positive(r, node, "go", "S", &squarer->go);
    return status == ES_OK ? es_xml_positive(r, node, "cout", "F", &squarer->cout) : status;
}

static const struct part {
    const char *name;
    enum es_status (*read)(const struct es_reader *r, xmlNode *node, struct es_process_device *device);
} parts[] = {
    {"size", read_size}, {"capacitance", read_capacitance}, {"resistance", read_resistance}, {"mismatch", read_mismatch}, {"channel", read_channel},
};

static const char *const flavours[] = {"sim", "lvs"}; // by enum es_flavour

// Nothing that is asked of a device may get lost on a line: each size that it can have is a parameter, or in the value that stands in a model's place.
static enum es_status check_form(const struct es_reader *r, xmlNode *node, const struct es_process_device *d, const struct es_line_form *form) {
    bool sized = d->model && d->min_width > 0;
    bool stated[] = {true, !sized || d->min_width == d->max_width, !sized || d->min_length == d->max_length, !sized}; // by enum es_parameter_kind
    static const char *const sizes[] = {"", "width", "length", "multiplier"};
    for (size_t i = 0; i < form->parameters; i++) {
        enum es_parameter_kind kind = form->parameter[i].kind;
        const char *name = form->parameter[i].name;
        if (kind != ES_PARAMETER_FIXED && !sized)
            return es_xml_fail(r, node, NULL, "the parameter %s is a size, but the device has no %s; add it", name, d->model ? "<size>" : "model");
        if (kind >= ES_PARAMETER_AREA && d->diffusion == 0)
            return es_xml_fail(r, node, NULL, "the parameter %s needs the diffusion of <size>; add it", name);
        if (kind < ES_PARAMETER_AREA)
            stated[kind] = true;
    }
    for (size_t k = 0; k < sizeof stated / sizeof *stated; k++)
        if (!stated[k])
            return es_xml_fail(r, node, NULL, "no parameter is the %s; add it, or what is asked for gets lost", sizes[k]);
    return ES_OK;
}

static enum es_status check_device(const struct es_reader *r, xmlNode *node, const struct es_process_device *d) {
    bool transistor = strcmp(d->role->pin[0], "d") == 0;
    if (transistor && !d->model)
        return es_xml_fail(r, node, "model", "a transistor needs one");
    if (!d->model && d->density == 0 && d->sheet == 0)
        return es_xml_fail(r, node, NULL, "without a model it needs <capacitance> or <resistance>, for its value");
    if ((!d->model || transistor) && d->min_width == 0)
        return es_xml_fail(r, node, NULL, "<size> is missing, which a transistor and what has no model need");
    enum es_status status = ES_OK;
    for (size_t f = 0; f < ES_FLAVOURS && status == ES_OK; f++)
        status = check_form(r, es_xml_child(node, flavours[f]), d, &d->form[f]);
    return status;
}

static enum es_status read_parts(const struct es_reader *r, xmlNode *node, struct es_process_device *device) {
    enum es_status status = check_source(r, node);
    if (status == ES_OK && es_xml_attribute(r, node, "model"))
        status = es_xml_name(r, node, "model", &device->model);
    for (size_t f = 0; f < ES_FLAVOURS && status == ES_OK; f++) {
        xmlNode *line = es_xml_child(node, flavours[f]);
        status = line ? read_form(r, line, device, &device->form[f]) : es_xml_fail(r, node, NULL, "<sim> and <lvs> have to be given");
    }
    for (size_t i = 0; i < sizeof parts / sizeof *parts && status == ES_OK; i++) {
        xmlNode *child = es_xml_child(node, parts[i].name);
        if (child)
            status = parts[i].read(r, child, device);
    }
    return status == ES_OK ? check_device(r, node, device) : status;
}

static enum es_status read_device(const struct es_reader *r, xmlNode *node, struct es_process *process) {
    const void *role = NULL;
    const char *name;
    enum es_status status = es_xml_required(r, node, "role", &name);
    if (status == ES_OK)
        status = es_xml_row(r, node, "role", es_roles, &role);
    if (status != ES_OK)
        return status;
    size_t i = 0;
    while (es_roles[i] != role)
        i++;
    if (process->device[i])
        return es_xml_fail(r, node, "role", "a device of this role already stands above");
    process->device[i] = ES_NEW(r->arena, 1, struct es_process_device);
    *process->device[i] = (struct es_process_device){
        .role = role, .threshold_mismatch = NAN, .relative_mismatch = NAN, .mu_cox = NAN, .slope = NAN, .threshold = NAN, .early = NAN};
    return read_parts(r, node, process->device[i]);
}

static enum es_status read_head(const struct es_reader *r, xmlNode *root, struct es_process *process) {
    enum es_status status = es_xml_required(r, root, "name", &process->name);
    const char *allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    size_t length = status == ES_OK ? strlen(process->name) : 0;
    if (status == ES_OK && (length == 0 || length > ES_NAME || strspn(process->name, allowed) < length))
        status = es_xml_fail(r, root, "name", "expected letters, digits, _ and -, at most %d", ES_NAME);
    process->about = es_xml_attribute(r, root, "about");
    if (status == ES_OK)
        status = check_source(r, root);
    if (status == ES_OK)
        status = es_xml_positive(r, root, "node", "m", &process->node);
    if (status == ES_OK)
        status = es_xml_positive(r, root, "supply", "V", &process->supply);
    return status == ES_OK ? es_xml_positive(r, root, "grid", "m", &process->grid) : status;
}

static enum es_status read_process(const struct es_reader *r, xmlNode *root, struct es_process *process) {
    process->note = ES_NEW(r->arena, MOST_NOTES, const char *);
    process->setting = ES_NEW(r->arena, MOST_SETTINGS, struct es_process_setting);
    process->corner = ES_NEW(r->arena, MOST_CORNERS, struct es_process_corner);
    process->squarer = ES_NEW(r->arena, MOST_CORNERS, struct es_process_squarer); // each corner once
    enum es_status status = read_head(r, root, process);
    if (status == ES_OK)
        status = read_list(r, root, "note", MOST_NOTES, &process->notes, process->note, read_note);
    if (status == ES_OK)
        status = read_list(r, root, "setting", MOST_SETTINGS, &process->settings, process->setting, read_setting);
    if (status == ES_OK)
        status = read_list(r, root, "corner", MOST_CORNERS, &process->corners, process->corner, read_corner);
    for (xmlNode *node = root->children; node && status == ES_OK; node = node->next)
        status = es_xml_is(node, "device") ? read_device(r, node, process) : es_xml_is(node, "squarer") ? read_squarer(r, node, process) : ES_OK;
    xmlNode *transconductor = es_xml_child(root, "transconductor");
    if (status == ES_OK && transconductor)
        status = check_source(r, transconductor);
    if (status == ES_OK && transconductor)
        status = es_xml_transconductor(r, transconductor, process);
    return status;
}

static enum es_status load(struct es_reader *r, const char *text, size_t size, struct es_process *process) {
    struct es_verdict verdict = {0};
    xmlDoc *document = NULL;
    enum es_status status = es_xml_open(r, text, size, "process", &document, &verdict);
    if (status == ES_OK)
        status = read_process(r, xmlDocGetRootElement(document), process);
    if (status == ES_OK && verdict.status != ES_OK)
        status = es_fail(r->error, verdict.status, "%s", verdict.error.text);
    xmlFreeDoc(document);
    return status;
}

static struct es_reader open_reader(const char *file, struct es_error *error, struct es_process **process) {
    struct es_arena *arena = es_arena_new();
    *process = ES_NEW(arena, 1, struct es_process);
    **process = (struct es_process){.arena = arena, .file = es_arena_string(arena, file)};
    return (struct es_reader){.file = (*process)->file, .schema = &process_schema, .arena = arena, .error = error};
}

static enum es_status close_reader(enum es_status status, struct es_process **process) {
    if (status == ES_OK)
        return ES_OK;
    es_process_free(*process);
    *process = NULL;
    return status;
}

enum es_status es_process_read(const char *path, struct es_process **process, struct es_error *error) {
    struct es_reader r = open_reader(path, error, process);
    char *text = NULL;
    size_t size = 0;
    enum es_status status = es_xml_read_bytes(&r, path, &text, &size);
    return close_reader(status == ES_OK ? load(&r, text, size, *process) : status, process);
}

enum es_status es_process_parse(const char *text, size_t size, const char *file, struct es_process **process, struct es_error *error) {
    struct es_reader r = open_reader(file, error, process);
    char *copy = NULL;
    enum es_status status = es_xml_copy_bytes(&r, text, size, &copy);
    return close_reader(status == ES_OK ? load(&r, copy, size, *process) : status, process);
}
