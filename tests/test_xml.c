// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// Good files give exactly what they say; bad ones one sentence with file, line, value and hint.
#include "runner.h"

#include "core/random.h"
#include "learn/cost.h"
#include "learn/optimiser.h"
#include "learn/rule.h"
#include "xml/xml.h"

#include <ctype.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ROOM = 5 << 20 };

static struct es_error error;
static struct es_experiment *x;

// Every element written out. Tests replace parts of it, and count its lines.
static const char base[] =
    "<experiment name=\"base\">\n"                                                                                      // 1
    "  <network seed=\"3\">\n"                                                                                          // 2
    "    <node name=\"a\"/>\n"                                                                                          // 3
    "    <node name=\"b\"/>\n"                                                                                          // 4
    "    <capacitor name=\"c1\" node=\"a\" value=\"2.2 nF\"/>\n"                                                        // 5
    "    <capacitor name=\"c2\" node=\"b\" to=\"ground\" value=\"1e-9\"/>\n"                                            // 6
    "    <inductor name=\"l1\" node=\"b\" to=\"a\" value=\"1.5 uH\" trainable=\"yes\" min=\"0.2 uH\" max=\"20 uH\"/>\n" // 7
    "    <gyrator name=\"g1\" node=\"b\" gm1=\"10 uS\" gm2=\"5 uS\" CL=\"1 pF\" trainable=\"yes\" min=\"1 uS\" max=\"50 uS\""
    " coordinate=\"logistic\"/>\n"                                                                                           // 8
    "    <input name=\"i1\" node=\"a\" channel=\"audio\" value=\"-0.3 mS\" trainable=\"yes\" min=\"-1 mS\" max=\"1 mS\"/>\n" // 9
    "    <output name=\"o1\" node=\"a\" to=\"b\" read=\"voltage\" class=\"ae\"/>\n"                                          // 10
    "    <output name=\"o2\" node=\"b\" read=\"flux\" class=\"iy\"/>\n"                                                      // 11
    "    <initial node=\"b\" flux=\"1 nWb\" voltage=\"-0.1 V\"/>\n"                                                          // 12
    "  </network>\n"                                                                                                         // 13
    "  <task kind=\"formants\" interval=\"100 ns\" points=\"300\" rate=\"8 kHz\" span=\"400\" pre-emphasis=\"0.9\" speakers=\"3\""
    " test-speakers=\"4\" amplitude=\"0.5 V\" seed=\"9\"/>\n" // 14
    "  <learning cost=\"energy-crossentropy\" rule=\"rhel\" beta=\"1e-2\" losses=\"allowed\" optimiser=\"sgd\""
    " schedule=\"constant\" rate=\"0.25\" epochs=\"7\" batch=\"5\" seed=\"11\"/>\n" // 15
    "  <engine name=\"twin\" scheme=\"midpoint\" substeps=\"3\"/>\n"                // 16
    "</experiment>\n";

// Every kind of element, and every way to train one.
static const char rich[] =
    "<experiment name=\"rich\">\n"                                            // 1
    "  <network>\n"                                                           // 2
    "    <node name=\"a\"/>\n"                                                // 3
    "    <node name=\"b\"/>\n"                                                // 4
    "    <node name=\"in\"/>\n"                                               // 5
    "    <source name=\"s\" node=\"in\" channel=\"audio\" value=\"-0.5\"/>\n" // 6
    "    <mutual name=\"k1\" first=\"l1\" second=\"l2\" value=\"0.4\""
    " trainable=\"yes\" min=\"-0.9\" max=\"0.9\"/>\n"                                                        // 7
    "    <capacitor name=\"c1\" node=\"a\" value=\"1 nF\" trainable=\"yes\" min=\"0.5 nF\" max=\"2 nF\"/>\n" // 8
    "    <capacitor name=\"c2\" node=\"b\" value=\"1 nF\"/>\n"                                               // 9
    "    <inductor name=\"l1\" node=\"in\" to=\"a\" value=\"1 uH\"><train quantity=\"inductance\" min=\"0.5 uH\" max=\"2 "
    "uH\"/></inductor>\n"                                     // 10
    "    <inductor name=\"l2\" node=\"b\" value=\"2 uH\"/>\n" // 11
    "    <inductor name=\"l3\" node=\"b\" value=\"3 uH\""
    " current=\"1 mA\" trainable=\"yes\" min=\"1 uH\" max=\"5 uH\">\n" // 12
    "      <train quantity=\"current\" min=\"-2 mA\" max=\"2 mA\"/>\n" // 13
    "    </inductor>\n"                                                // 14
    "    <saturating-inductor name=\"si\" node=\"a\" current=\"3 mA\" flux=\"2 nWb\" trainable=\"yes\" min=\"1 mA\" max=\"9 "
    "mA\"/>\n"                                                                                               // 15
    "    <josephson name=\"j\" node=\"a\" value=\"1 uA\" trainable=\"yes\" min=\"0.1 uA\" max=\"10 uA\"/>\n" // 16
    "    <duffing name=\"d\" node=\"a\" inductance=\"4 uH\" cubic=\"-1e20 A/Wb3\" trainable=\"yes\" min=\"2 uH\" max=\"8 "
    "uH\">\n"                                                                                        // 17
    "      <train quantity=\"cubic\" min=\"-2e20 A/Wb3\" max=\"0 A/Wb3\"/>\n"                        // 18
    "    </duffing>\n"                                                                               // 19
    "    <gyrator name=\"g\" node=\"a\" gm1=\"10 uS\" gm2=\"5 uS\" CL=\"1 pF\" voltage=\"0.1 V\">\n" // 20
    "      <train quantity=\"CL\" min=\"0.5 pF\" max=\"2 pF\" coordinate=\"logistic\"/>\n"           // 21
    "      <train quantity=\"voltage\" min=\"-1 V\" max=\"1 V\"/>\n"                                 // 22
    "    </gyrator>\n"                                                                               // 23
    "    <saturating-gyrator name=\"sg\" node=\"a\" gm1=\"10 uS\" gm2=\"6 uS\" CL=\"2 pF\" saturation=\"0.2 V\" "
    "trainable=\"yes\" min=\"1 uS\" max=\"9 uS\"/>\n" // 24
    "    <sensing-gyrator name=\"eg\" node=\"a\" gm1=\"10 uS\" gm2=\"7 uS\""
    " CL=\"3 pF\" saturation=\"0.3 V\"/>\n"                     // 25
    "    <conductance name=\"r\" node=\"a\" value=\"1 uS\"/>\n" // 26
    "    <output name=\"o\" node=\"in\" read=\"flux\"/>\n"      // 27
    "    <initial node=\"a\" flux=\"3 nWb\" voltage=\"0.1 V\"><train quantity=\"voltage\" min=\"-1 V\" max=\"1 "
    "V\"/></initial>\n"                                                                                // 28
    "    <initial name=\"begin\" node=\"in\" flux=\"1 nWb\"/>\n"                                       // 29
    "    <expect node=\"b\" quantity=\"voltage\" time=\"1 us\" value=\"0.2 V\" tolerance=\"1e-3\"/>\n" // 30
    "    <expect node=\"in\" quantity=\"flux\" time=\"0\" value=\"0\" tolerance=\"1e-12\"/>\n"         // 31
    "  </network>\n"                                                                                   // 32
    "  <task kind=\"sines\" interval=\"1 ns\" points=\"2\" frequency=\"1 MHz\" target=\"1 nWb\"/>\n"   // 33
    "  <learning cost=\"flux-tracking\" rule=\"rhel\" reversal=\"flip-fluxes\"/>\n"                    // 34
    "</experiment>\n";                                                                                 // 35

static const char around[] = "<experiment name=\"x\"><network>%s</network><task kind=\"sines\" interval=\"1\" points=\"2\" "
                             "frequency=\"0.1\" target=\"1\"/><learning cost=\"flux-tracking\" rule=\"rhel\"/></experiment>";

static void release(void) {
    es_experiment_free(x);
    x = NULL;
}

static enum es_status parse(const char *text) {
    release();
    error.text[0] = '\0';
    return es_experiment_parse(text, strlen(text), "file.xml", NULL, &x, &error);
}

static void parse_good(const char *text) {
    enum es_status status = parse(text);
    ck_assert_msg(status == ES_OK, "%s", error.text);
}

// `text` with the first `from` replaced.
static char *replace(const char *text, const char *from, const char *to) {
    const char *at = strstr(text, from);
    ck_assert_msg(at != NULL, "\"%s\" does not occur", from);
    size_t size = strlen(text) + strlen(to) + 1;
    char *result = malloc(size);
    snprintf(result, size, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    return result;
}

static void parse_network(const char *network) {
    char *text = replace(around, "%s", network);
    parse_good(text);
    free(text);
}

static const struct es_element *element(const char *name) {
    for (size_t i = 0; i < x->net->elements; i++)
        if (strcmp(x->net->element[i].name, name) == 0)
            return &x->net->element[i];
    ck_abort_msg("no element \"%s\"", name);
}

static const struct es_parameter *parameter(const char *name, size_t quantity) {
    int i = element(name)->parameter[quantity];
    ck_assert_int_ge(i, 0);
    ck_assert_ptr_eq(&x->net->element[x->net->parameter[i].element], element(name));
    ck_assert_uint_eq(x->net->parameter[i].quantity, quantity);
    return &x->net->parameter[i];
}

static size_t count_kind(const struct es_element_kind *kind) {
    size_t count = 0;
    for (size_t i = 0; i < x->net->elements; i++)
        count += x->net->element[i].kind == kind;
    return count;
}

// --- good files

START_TEST(elements_are_what_the_file_says) {
    parse_good(base);
    const struct es_network *net = x->net;
    ck_assert_str_eq(net->name, "base");
    ck_assert_uint_eq(net->nodes, 2);
    ck_assert_uint_eq(net->elements, 8);
    ck_assert_str_eq(net->node[1].name, "b");
    ck_assert_int_eq(net->node[1].line, 4);
    ck_assert(element("c1")->value[0] == 2.2e-9 && element("c2")->value[0] == 1e-9);
    ck_assert_int_eq(element("c1")->n, ES_GROUND);
    ck_assert_int_eq(element("c2")->n, ES_GROUND);
    ck_assert_int_eq(element("c1")->parameter[0], ES_FIXED);
    ck_assert_int_eq(element("l1")->p, 1);
    ck_assert_int_eq(element("l1")->n, 0);
    ck_assert_int_eq(element("l1")->line, 7);
    ck_assert_ptr_eq(element("g1")->kind, &es_gyrator);
    ck_assert(element("g1")->value[0] == 1e-5 && element("g1")->value[1] == 5e-6 && element("g1")->value[2] == 1e-12);
    ck_assert_int_eq(element("g1")->parameter[0], ES_FIXED);
    ck_assert_int_eq(element("g1")->parameter[2], ES_FIXED);
    ck_assert_int_eq(element("initial_b")->p, 1);
    ck_assert(element("initial_b")->value[0] == 1e-9 && element("initial_b")->value[1] == -0.1);
    ck_assert(isnan(element("initial_b")->value[2]));
    ck_assert(isnan(element("l1")->value[1]) && isnan(element("g1")->value[3]));
    ck_assert_int_eq(net->node[0].source, -1);
}
END_TEST

START_TEST(parameters_have_bounds_and_coordinates) {
    parse_good(base);
    ck_assert_uint_eq(x->net->parameters, 3);
    const struct es_parameter *l = parameter("l1", 0), *g = parameter("g1", 1), *i = parameter("i1", 0);
    ck_assert(l->min == 0.2e-6 && l->max == 20e-6 && g->min == 1e-6 && g->max == 50e-6 && i->min == -1e-3 && i->max == 1e-3);
    ck_assert_ptr_eq(l->coordinate, &es_log);
    ck_assert_ptr_eq(g->coordinate, &es_logistic);
    ck_assert_ptr_eq(i->coordinate, &es_logistic);
}
END_TEST

START_TEST(roles_are_what_the_file_says) {
    parse_good(base);
    const struct es_network *net = x->net;
    ck_assert_uint_eq(net->channels, 1);
    ck_assert_str_eq(net->channel[element("i1")->channel], "audio");
    ck_assert_uint_eq(net->outputs, 2);
    ck_assert_ptr_eq(&net->element[net->output[0]], element("o1"));
    ck_assert_int_eq(element("o2")->channel, 1);
    ck_assert_int_eq(element("o1")->read, ES_READ_VOLTAGE);
    ck_assert_int_eq(element("o2")->read, ES_READ_FLUX);
    ck_assert_uint_eq(net->classes, 2);
    ck_assert_str_eq(net->class[element("o1")->class], "ae");
    ck_assert_str_eq(net->class[element("o2")->class], "iy");
    ck_assert_int_eq(element("c1")->channel, -1);
    ck_assert_int_eq(element("c1")->class, -1);
}
END_TEST

START_TEST(task_and_learning_are_what_the_file_says) {
    parse_good(base);
    const struct es_task *t = &x->task;
    ck_assert_ptr_eq(t->kind, &es_formants);
    ck_assert(t->interval == 1e-7 && t->rate == 8000 && t->pre_emphasis == 0.9 && t->amplitude == 0.5);
    ck_assert_uint_eq(t->points, 300);
    ck_assert_uint_eq(t->span, 400);
    ck_assert_uint_eq(t->speakers, 3);
    ck_assert_uint_eq(t->test_speakers, 4);
    ck_assert_uint_eq(t->seed, 9);
    ck_assert_int_eq(t->line, 14);
    ck_assert_ptr_eq(x->cost, &es_energy_crossentropy);
    ck_assert_ptr_eq(x->rule, &es_rhel);
    ck_assert_ptr_eq(x->optimiser, &es_sgd);
    ck_assert_ptr_eq(x->schedule, &es_constant);
    ck_assert(x->beta == 0.01 && x->rate == 0.25 && x->losses_allowed);
    ck_assert_uint_eq(x->epochs, 7);
    ck_assert_uint_eq(x->batch, 5);
    ck_assert_uint_eq(x->seed, 11);
    ck_assert_ptr_eq(x->engine, &es_twin);
    ck_assert_str_eq(x->scheme->row.name, "midpoint");
    ck_assert_uint_eq(x->substeps, 3);
    ck_assert_str_eq(x->file, "file.xml");
    ck_assert_str_eq(x->xml, base);
}
END_TEST

// The base with another task.
static enum es_status parse_task(const char *attributes, const char *cost) {
    char task[512];
    snprintf(task, sizeof task, "<experiment name=\"x\"><network><ring nodes=\"3\"><capacitor at=\"node\" value=\"1\"/></ring>"
                                "<output name=\"o\" node=\"n1\" read=\"flux\" class=\"a\"/><initial node=\"n0\" flux=\"1\"/></network>\n"
                                "<task interval=\"1 us\" points=\"9\" %s/><learning cost=\"%s\" rule=\"rhel\"/></experiment>",
             attributes, cost);
    return parse(task);
}

START_TEST(tasks_of_files_are_what_the_file_says) {
    const struct es_task *t;
    ck_assert_msg(parse_task("kind='ts' mask='yes' decimate='16' from='1 us' to='7e-6'", "energy-crossentropy") == ES_OK, "%s", error.text);
    t = &x->task;
    ck_assert(t->kind == &es_ts && t->mask && t->decimate == 16 && t->from == 1e-6 && t->to == 7e-6);
    ck_assert_msg(parse_task("kind='csv' train='a.tra' folds='f-1.txt'", "energy-crossentropy") == ES_OK, "%s", error.text);
    t = &x->task;
    ck_assert(t->kind == &es_csv && !t->mask && !t->test && t->from == 0 && t->to == 0);
    ck_assert_str_eq(t->train, "a.tra");
    ck_assert_str_eq(t->folds, "f-1.txt");
    ck_assert_msg(parse_task("kind='idx' train-images='a' train-labels='b' test-images='c' test-labels='d'", "energy-crossentropy") == ES_OK,
                  "%s", error.text);
    t = &x->task;
    ck_assert_str_eq(t->train_images, "a");
    ck_assert_str_eq(t->train_labels, "b");
    ck_assert_str_eq(t->test_images, "c");
    ck_assert_str_eq(t->test_labels, "d");
}
END_TEST

START_TEST(forecasts_are_what_the_file_says) {
    const struct es_task *t;
    ck_assert_msg(parse_task("kind='forecast' file='s.txt' train='3000' target='2 nWb' input-column='1'", "flux-tracking") == ES_OK, "%s",
                  error.text);
    t = &x->task;
    ck_assert_str_eq(t->file, "s.txt");
    ck_assert(t->train_values == 3000 && t->target == 2e-9 && t->ahead == 1 && t->stride == 1);
    ck_assert(t->input_column == 1 && t->target_column == 1);
    ck_assert_msg(parse_task("kind='forecast' file='s.txt' train='9' target='0.1 V' target-column='2' ahead='0' stride='3'",
                             "flux-tracking") == ES_OK, "%s", error.text);
    t = &x->task;
    ck_assert(t->target == 0.1 && t->ahead == 0 && t->stride == 3 && t->input_column == 0 && t->target_column == 2);
}
END_TEST

START_TEST(what_is_not_given_has_a_default) {
    parse_network("<ring nodes=\"3\"><capacitor at=\"node\" value=\"1\"/></ring><initial node=\"n0\" flux=\"1\"/>"
                  "<output name=\"o\" node=\"n1\" read=\"flux\"/>");
    ck_assert_ptr_eq(x->engine, &es_twin);
    ck_assert_ptr_eq(x->scheme, (const void *)es_twin.schemes[0]);
    ck_assert_uint_eq(x->substeps, 0);
    ck_assert_ptr_eq(x->optimiser, &es_adam);
    ck_assert_ptr_eq(x->schedule, &es_cosine);
    ck_assert(!x->losses_allowed);
    ck_assert_uint_eq(x->task.samples, 1);
    ck_assert_str_eq(x->task.folds, "");
    ck_assert_int_eq(element("o")->class, -1);
}
END_TEST

START_TEST(every_kind_is_what_the_file_says) {
    parse_good(rich);
    const struct es_network *net = x->net;
    ck_assert_uint_eq(net->elements, 17);
    ck_assert(element("c1")->value[0] == 1e-9 && element("l3")->value[0] == 3e-6 && element("l3")->value[1] == 1e-3);
    ck_assert(element("si")->value[0] == 3e-3 && element("si")->value[1] == 2e-9 && element("j")->value[0] == 1e-6);
    ck_assert(element("d")->value[0] == 4e-6 && element("d")->value[1] == -1e20);
    ck_assert(element("g")->value[3] == 0.1 && element("sg")->value[3] == 0.2 && element("eg")->value[3] == 0.3);
    ck_assert(isnan(element("l1")->value[1]) && isnan(element("sg")->value[4]));
    ck_assert(es_element_own_state(element("l3")) && !es_element_own_state(element("l1")));
    ck_assert(isnan(element("l1")->value[2]) && isnan(element("g")->value[4]) && isnan(element("sg")->value[6]));
    ck_assert_ptr_eq(element("eg")->kind, &es_sensing_gyrator);
    for (size_t i = 0; i < net->elements; i++)
        ck_assert_int_gt(net->element[i].line, 2);
}
END_TEST

// Losses and offsets of branches with a flux of their own; in templates too.
START_TEST(resistances_leakages_and_offsets) {
    parse_network("<ring nodes=\"3\"><capacitor at=\"node\" value=\"1\"/><inductor at=\"node\" value=\"1\" resistance=\"2 kOhm\"/>"
                  "<gyrator at=\"neighbours\" gm1=\"1\" gm2=\"1\" CL=\"1\" leakage=\"3 uS\" offset=\"-4 mV\"/></ring>"
                  "<saturating-gyrator name=\"sg\" node=\"n0\" gm1=\"1\" gm2=\"1\" CL=\"1\" saturation=\"1\" leakage=\"5 uS\" offset=\"6 mV\"/>"
                  "<initial node=\"n0\" flux=\"1\"/><output name=\"o\" node=\"n1\" read=\"flux\"/>");
    ck_assert(element("inductor_n2")->value[2] == 2e3 && es_element_decays(element("inductor_n2")) && !es_element_drifts(element("inductor_n2")));
    ck_assert(element("gyrator_n0_n1")->value[4] == 3e-6 && element("gyrator_n0_n1")->value[5] == -4e-3);
    ck_assert(element("sg")->value[5] == 5e-6 && element("sg")->value[6] == 6e-3 && es_element_decays(element("sg")) && es_element_drifts(element("sg")));
}
END_TEST

START_TEST(a_mutual_names_its_inductors) {
    parse_good(rich);
    const struct es_element *k = element("k1");
    ck_assert_int_eq(k->p, ES_GROUND);
    ck_assert_int_eq(k->n, ES_GROUND);
    ck_assert_str_eq(x->net->element[k->first].name, "l1");
    ck_assert_str_eq(x->net->element[k->second].name, "l2");
    ck_assert(k->value[0] == 0.4);
    parse_network("<mutual name=\"k\" first=\"inductor_n2\" second=\"inductor_n0_n1\" value=\"-0.3 .. -0.1\"/>"
                  "<ladder nodes=\"3\"><capacitor at=\"node\" value=\"1\"/><inductor at=\"node\" value=\"1\"/>"
                  "<inductor at=\"neighbours\" value=\"1\"/></ladder><initial node=\"n0\" flux=\"1\"/>"
                  "<output name=\"o\" node=\"n1\" read=\"flux\"/>");
    ck_assert_ptr_eq(&x->net->element[element("k")->first], element("inductor_n2"));
    ck_assert_ptr_eq(&x->net->element[element("k")->second], element("inductor_n0_n1"));
    ck_assert(element("k")->value[0] > -0.3 && element("k")->value[0] < -0.1);
}
END_TEST

START_TEST(a_source_holds_its_node) {
    parse_good(rich);
    const struct es_element *s = element("s");
    ck_assert_ptr_eq(&x->net->element[x->net->node[2].source], s);
    ck_assert_int_eq(x->net->node[0].source, -1);
    ck_assert_int_eq(s->p, 2);
    ck_assert_int_eq(s->n, ES_GROUND);
    ck_assert_str_eq(x->net->channel[s->channel], "audio");
    ck_assert(s->value[0] == -0.5);
}
END_TEST

START_TEST(final_fluxes_are_elements) {
    char *text = replace(base, "<initial", "<final node=\"a\" flux=\"2 nWb\"/><initial");
    parse_good(text);
    free(text);
    ck_assert_ptr_eq(element("final_a")->kind, &es_final);
    ck_assert(element("final_a")->p == 0 && element("final_a")->value[0] == 2e-9);
}
END_TEST

START_TEST(initial_states_are_elements) {
    parse_good(rich);
    const struct es_element *a = element("initial_a"), *in = element("begin");
    ck_assert_int_eq(a->p, 0);
    ck_assert_int_eq(a->n, ES_GROUND);
    ck_assert(a->value[0] == 3e-9 && a->value[1] == 0.1 && isnan(a->value[2]));
    ck_assert(in->value[0] == 1e-9 && isnan(in->value[1]) && isnan(in->value[2]));
    char *charges = replace(rich, "voltage=\"0.1 V\"><train quantity=\"voltage\" min=\"-1 V\" max=\"1 V\"/></initial>",
                            "charge=\"-1 pC\"><train quantity=\"charge\" min=\"-2 pC\" max=\"0\"/></initial>");
    parse_good(charges);
    free(charges);
    ck_assert(element("initial_a")->value[2] == -1e-12 && isnan(element("initial_a")->value[1]));
    ck_assert(parameter("initial_a", 2)->min == -2e-12 && parameter("initial_a", 2)->max == 0);
    parse_network("<node name=\"a\"/><capacitor name=\"c\" node=\"a\" value=\"1\"/><output name=\"o\" node=\"a\" read=\"flux\"/>"
                  "<inductor name=\"l\" node=\"a\" value=\"1\" current=\"1 A\"/>"); // moves by itself
}
END_TEST

struct trained {
    const char *name;
    size_t quantity;
    double min, max;
    const struct es_coordinate *coordinate;
};

static const struct trained trained[] = {
    {"k1", 0, -0.9, 0.9, &es_logistic},     {"c1", 0, 0.5e-9, 2e-9, &es_log},     {"l1", 0, 0.5e-6, 2e-6, &es_log},
    {"l3", 0, 1e-6, 5e-6, &es_log},         {"l3", 1, -2e-3, 2e-3, &es_logistic}, {"si", 0, 1e-3, 9e-3, &es_log},
    {"j", 0, 0.1e-6, 10e-6, &es_log},       {"d", 0, 2e-6, 8e-6, &es_log},        {"d", 1, -2e20, 0, &es_logistic},
    {"g", 2, 0.5e-12, 2e-12, &es_logistic}, {"g", 3, -1, 1, &es_logistic},        {"sg", 1, 1e-6, 9e-6, &es_log},
    {"initial_a", 1, -1, 1, &es_logistic},
};

enum { TRAINED = sizeof trained / sizeof *trained };

START_TEST(any_quantity_may_be_trained) {
    parse_good(rich);
    ck_assert_uint_eq(x->net->parameters, TRAINED);
    for (size_t i = 0; i < TRAINED; i++) {
        const struct es_parameter *p = parameter(trained[i].name, trained[i].quantity);
        ck_assert_msg(p->min == trained[i].min && p->max == trained[i].max, "%s: %g .. %g", trained[i].name, p->min, p->max);
        ck_assert_ptr_eq(p->coordinate, trained[i].coordinate);
    }
    parse_network("<ring nodes=\"3\"><capacitor at=\"node\" value=\"1\"/><saturating-gyrator at=\"node\" gm1=\"1\" gm2=\"1\""
                  " CL=\"1\" saturation=\"1\" voltage=\"0\" trainable=\"yes\" min=\"0.5\" max=\"2\">"
                  "<train quantity=\"gm1\" min=\"0.5\" max=\"2\"/><train quantity=\"CL\" min=\"0.5\" max=\"2\"/>"
                  "<train quantity=\"saturation\" min=\"0.5\" max=\"2\"/><train quantity=\"voltage\" min=\"-1\" max=\"1\"/>"
                  "</saturating-gyrator></ring><initial node=\"n0\" flux=\"1\"/><output name=\"o\" node=\"n1\" read=\"flux\"/>");
    ck_assert_uint_eq(x->net->parameters, 3 * 5);
    parameter("saturating_gyrator_n2", 4);
}
END_TEST

// The row says what the short form trains: something that is trainable and always there.
START_TEST(principal_quantities_can_be_trained) {
    for (size_t i = 0; es_element_kinds[i]; i++) {
        const struct es_element_kind *kind = (const struct es_element_kind *)es_element_kinds[i];
        const struct es_quantity *q = &kind->quantity[kind->principal];
        bool any = false;
        for (size_t k = 0; kind->quantity[k].name; k++)
            any = any || (kind->quantity[k].trainable && !kind->quantity[k].optional);
        ck_assert_msg(!any || (q->name && q->trainable && !q->optional), "%s", kind->row.name);
    }
}
END_TEST

START_TEST(expectations_are_kept) {
    parse_good(rich);
    ck_assert_uint_eq(x->net->expects, 2);
    const struct es_expect *v = &x->net->expect[0], *f = &x->net->expect[1];
    ck_assert_uint_eq(v->node, 1);
    ck_assert_int_eq(v->quantity, ES_READ_VOLTAGE);
    ck_assert(v->time == 1e-6 && v->value == 0.2 && v->tolerance == 1e-3);
    ck_assert_int_eq(v->line, 30);
    ck_assert_uint_eq(f->node, 2);
    ck_assert_int_eq(f->quantity, ES_READ_FLUX);
    ck_assert(f->time == 0 && f->value == 0 && f->tolerance == 1e-12);
    parse_good(base);
    ck_assert_uint_eq(x->net->expects, 0);
}
END_TEST

START_TEST(temperature_and_reversal_are_what_the_file_says) {
    parse_good(rich);
    ck_assert_ptr_eq(x->reversal, &es_flip_fluxes);
    ck_assert(x->temperature == 0);
    char *softmax = replace(base, "energy-crossentropy\"", "softmax-energies\" temperature=\"2e-9\"");
    parse_good(softmax);
    free(softmax);
    ck_assert_ptr_eq(x->cost, &es_softmax_energies);
    ck_assert(x->temperature == 2e-9);
    ck_assert_ptr_eq(x->reversal, &es_flip_voltages);
}
END_TEST

struct value {
    const char *text;
    double value;
};

static const struct value capacitances[] = {
    {"2.2e-9", 2.2e-9},
    {"2.2 nF", 2.2e-9},
    {"2.2nF", 2.2e-9},
    {" 4.7  pF ", 4.7e-12},
    {"1 fF", 1e-15},
    {"3.3 uF", 3.3e-6},
    {"3.3 \xc2\xb5"
     "F",
     3.3e-6},
    {"3.3 \xce\xbc"
     "F",
     3.3e-6},
    {"0.1 mF", 1e-4},
    {"1 F", 1},
    {"7 kF", 7000},
    {"7 MF", 7e6},
    {"7 GF", 7e9},
    {"7 TF", 7e12},
    {"12345e-3 nF", 12.345e-9},
    {".5 nF", 0.5e-9},
    {"5. nF", 5e-9},
    {"+1.25E+2 pF", 125e-12},
    {"&#49; nF", 1e-9},
};

START_TEST(values_are_rounded_once) {
    const struct value *v = &capacitances[_i];
    char *text = replace(base, "2.2 nF", v->text);
    parse_good(text);
    ck_assert_msg(element("c1")->value[0] == v->value, "%s: %.17g is not %.17g", v->text, element("c1")->value[0], v->value);
    free(text);
}
END_TEST

// --- generators

START_TEST(a_ring_closes) {
    parse_network("<ring nodes=\"5\" name=\"r\"><capacitor at=\"node\" value=\"1 nF\"/>"
                  "<inductor at=\"neighbours\" value=\"1 uH\"/><inductor name=\"down\" at=\"node\" value=\"2 uH\"/></ring>"
                  "<initial node=\"r0\" flux=\"1\"/><output name=\"o\" node=\"r1\" read=\"flux\"/>");
    ck_assert_uint_eq(x->net->nodes, 5);
    ck_assert_str_eq(x->net->node[4].name, "r4");
    ck_assert_uint_eq(count_kind(&es_capacitor), 5);
    ck_assert_uint_eq(count_kind(&es_inductor), 10);
    ck_assert_int_eq(element("inductor_r1_r2")->p, 1);
    ck_assert_int_eq(element("inductor_r1_r2")->n, 2);
    ck_assert_int_eq(element("inductor_r4_r0")->p, 4);
    ck_assert_int_eq(element("inductor_r4_r0")->n, 0);
    ck_assert(element("down_r3")->value[0] == 2e-6);
    ck_assert_int_eq(element("down_r3")->n, ES_GROUND);
}
END_TEST

START_TEST(a_grid_couples_its_neighbours) {
    parse_network("<node name=\"first\"/><capacitor name=\"c\" node=\"first\" value=\"1\"/>"
                  "<grid rows=\"3\" columns=\"4\" name=\"g\"><capacitor at=\"node\" value=\"1 nF\"/>"
                  "<inductor name=\"l\" at=\"neighbours\" value=\"1 uH\"/></grid>"
                  "<initial node=\"g0\" flux=\"1\"/><output name=\"o\" node=\"g11\" read=\"flux\"/>");
    ck_assert_uint_eq(x->net->nodes, 13);
    ck_assert_uint_eq(count_kind(&es_inductor), 3 * 3 + 2 * 4);
    size_t along = 0, down = 0;
    for (size_t i = 0; i < x->net->elements; i++) {
        const struct es_element *e = &x->net->element[i];
        if (e->kind != &es_inductor)
            continue;
        int p = e->p - 1, n = e->n - 1; // in the grid
        char name[32];
        snprintf(name, sizeof name, "l_g%d_g%d", p, n);
        ck_assert_str_eq(e->name, name);
        along += p / 4 == n / 4 && n == p + 1;
        down += n == p + 4;
    }
    ck_assert_uint_eq(along, 9);
    ck_assert_uint_eq(down, 8);
    parse_network("<grid rows=\"1\" columns=\"1\"><capacitor at=\"node\" value=\"1\"/><output at=\"node\" read=\"flux\"/>"
                  "<inductor at=\"neighbours\" value=\"1\"/></grid><initial node=\"n0\" flux=\"1\"/>");
    ck_assert_uint_eq(x->net->elements, 3);
}
END_TEST

START_TEST(a_ladder_stays_open) {
    parse_network("<ladder nodes=\"5\" name=\"r\"><capacitor at=\"node\" value=\"1 nF\"/>"
                  "<saturating-inductor at=\"neighbours\" current=\"1 mA\" flux=\"1 nWb\"/><josephson at=\"random\" count=\"2\""
                  " value=\"1 uA\"/></ladder><initial node=\"r0\" flux=\"1\"/><output name=\"o\" node=\"r1\" read=\"flux\"/>");
    ck_assert_uint_eq(x->net->nodes, 5);
    ck_assert_uint_eq(count_kind(&es_saturating_inductor), 4);
    ck_assert_uint_eq(count_kind(&es_josephson), 2);
    ck_assert_int_eq(element("saturating_inductor_r3_r4")->p, 3);
    ck_assert_int_eq(element("saturating_inductor_r3_r4")->n, 4);
}
END_TEST

enum { MOST = 40 };

// The pairs of the inductors between nodes n0, n1, ...: pair [nodes][nodes] is written, both ways; returns their number.
static size_t mark_pairs(bool pair[MOST][MOST]) {
    size_t count = 0;
    memset(pair, 0, MOST * sizeof *pair);
    for (size_t i = 0; i < x->net->elements; i++) {
        const struct es_element *e = &x->net->element[i];
        if (e->kind != &es_inductor)
            continue;
        ck_assert_int_ne(e->p, e->n);
        ck_assert_int_ge(e->n, 0);
        ck_assert(!pair[e->p][e->n]); // each once
        pair[e->p][e->n] = pair[e->n][e->p] = true;
        count++;
    }
    return count;
}

static void parse_graph(const char *generator) {
    char text[1000];
    snprintf(text, sizeof text,
             "<%s><capacitor at=\"node\" value=\"1 nF\"/><inductor at=\"neighbours\" value=\"1 uH .. 2 uH\"/></%.*s>"
             "<initial node=\"n0\" flux=\"1\"/><output name=\"o\" node=\"n1\" read=\"flux\"/>",
             generator, (int)strcspn(generator, " "), generator);
    parse_network(text);
}

START_TEST(all_to_all_joins_every_pair_once) {
    bool pair[MOST][MOST];
    for (size_t n = 2; n <= 9; n++) {
        char text[100];
        snprintf(text, sizeof text, "all-to-all nodes=\"%zu\"", n);
        parse_graph(text);
        ck_assert_uint_eq(x->net->nodes, n);
        ck_assert_uint_eq(mark_pairs(pair), n * (n - 1) / 2);
    }
    ck_assert_int_eq(element("inductor_n7_n8")->p, 7);
}
END_TEST

static bool is_connected(size_t n, bool pair[MOST][MOST]) {
    size_t todo[MOST] = {0}, count = 1;
    bool seen[MOST] = {true};
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < n; k++)
            if (pair[todo[i]][k] && !seen[k]) {
                seen[k] = true;
                todo[count++] = k;
            }
    return count == n;
}

struct size {
    size_t nodes, degree;
};

static const struct size sizes[] = {{2, 1}, {3, 2}, {12, 2}, {12, 3}, {12, 11}, {13, 3}, {40, 2}, {40, 7}};

START_TEST(a_random_graph_is_connected) {
    bool pair[MOST][MOST], other[MOST][MOST];
    const struct size *size = &sizes[_i];
    size_t differ = 0, most = size->nodes * (size->nodes - 1) / 2, pairs = size->nodes * size->degree / 2;
    for (int seed = 0; seed < 20; seed++) {
        char text[100];
        snprintf(text, sizeof text, "random nodes=\"%zu\" degree=\"%zu\" seed=\"%d\"", size->nodes, size->degree, seed);
        parse_graph(text);
        ck_assert_uint_eq(mark_pairs(pair), pairs);
        ck_assert(is_connected(size->nodes, pair));
        parse_graph(text);
        mark_pairs(other);
        ck_assert_mem_eq(pair, other, sizeof pair);
        snprintf(text, sizeof text, "random nodes=\"%zu\" degree=\"%zu\" seed=\"%d\"", size->nodes, size->degree, seed + 1);
        parse_graph(text);
        mark_pairs(other);
        differ += memcmp(pair, other, sizeof pair) != 0;
    }
    ck_assert(pairs == most ? differ == 0 : differ > 5);
}
END_TEST

// 4 nodes have 16 trees: 12 chains and 4 stars. A chain becomes a ring of 4 by one of its 3 free pairs, a star by none.
START_TEST(random_trees_are_equally_likely) {
    enum { DRAWS = 1000 };
    bool pair[MOST][MOST];
    size_t rings = 0, first = 0;
    for (int seed = 0; seed < DRAWS; seed++) {
        char text[100];
        snprintf(text, sizeof text, "random nodes=\"4\" degree=\"2\" seed=\"%d\"", seed);
        parse_graph(text);
        mark_pairs(pair);
        size_t degree[4] = {0};
        for (size_t i = 0; i < 16; i++)
            degree[i / 4] += pair[i / 4][i % 4];
        rings += degree[0] == 2 && degree[1] == 2 && degree[2] == 2;
        first += pair[0][1];
    }
    // five standard deviations of so many draws; 4 of the 6 pairs are joined
    ck_assert_double_eq_tol((double)rings / DRAWS, 1.0 / 4, 5 * sqrt(3.0 / 16 / DRAWS));
    ck_assert_double_eq_tol((double)first / DRAWS, 2.0 / 3, 5 * sqrt(2.0 / 9 / DRAWS));
}
END_TEST

START_TEST(generators_have_rows_of_their_own) {
    for (size_t i = 0; es_generators[i]; i++) {
        ck_assert_ptr_nonnull(es_generators[i]->about);
        ck_assert_ptr_eq(es_row_find(es_generators, es_generators[i]->name), es_generators[i]);
    }
}
END_TEST

// What is added among the late elements moves no value of the others.
START_TEST(mutuals_and_states_move_no_other_value) {
    static const char net[] =
        "%s<ladder nodes=\"2\"><capacitor at=\"node\" value=\"1\"/></ladder>"
        "<inductor name=\"p\" node=\"n0\" value=\"1 .. 2\"/><inductor name=\"q\" node=\"n1\" value=\"1 .. 2\"/>"
        "<initial node=\"n0\" flux=\"0 +- 1\"/><output name=\"o\" node=\"n1\" read=\"flux\"/>";
    char text[1000];
    snprintf(text, sizeof text, net, "");
    parse_network(text);
    double p = element("p")->value[0], q = element("q")->value[0];
    ck_assert(p != q && element("initial_n0")->value[0] != 0);
    snprintf(text, sizeof text, net, "<mutual name=\"k\" first=\"p\" second=\"q\" value=\"0.1 .. 0.2\"/>");
    parse_network(text);
    ck_assert(element("p")->value[0] == p && element("q")->value[0] == q);
}
END_TEST

static const char lattice[] =
    "%s<grid rows=\"32\" columns=\"32\" seed=\"%d\"><capacitor at=\"node\" value=\"1 nF +- 10 %%\"/>"
    "<inductor at=\"node\" value=\"2 uH .. 200 uH\"/><input at=\"node\" channel=\"a\" value=\"1 mS +- 3 mS\"/>"
    "<input name=\"flat\" at=\"node\" channel=\"a\" value=\"-1 mS .. 3 mS\"/>"
    "<output at=\"random\" count=\"20\" read=\"flux\"/></grid>";

static void parse_lattice(int seed, const char *before) {
    char text[2000];
    snprintf(text, sizeof text, lattice, before, seed);
    parse_network(text);
}

// Copies the start values of the elements whose names begin so.
static size_t copy_values(const char *prefix, double *value) {
    size_t count = 0;
    for (size_t i = 0; i < x->net->elements; i++)
        if (strncmp(x->net->element[i].name, prefix, strlen(prefix)) == 0)
            value[count++] = x->net->element[i].value[0];
    return count;
}

struct moments {
    double mean, deviation, min, max;
};

static struct moments measure(const char *prefix, double (*map)(double)) {
    double value[ES_MAX_NODES];
    size_t n = copy_values(prefix, value);
    ck_assert_uint_eq(n, 1024);
    struct moments m = {.min = INFINITY, .max = -INFINITY};
    for (size_t i = 0; i < n; i++)
        m.mean += map(value[i]) / (double)n;
    for (size_t i = 0; i < n; i++) {
        m.deviation += pow(map(value[i]) - m.mean, 2) / (double)n;
        m.min = fmin(m.min, value[i]);
        m.max = fmax(m.max, value[i]);
    }
    m.deviation = sqrt(m.deviation);
    return m;
}

static double same(double a) {
    return a;
}

// Five standard errors of 1024 draws: 5 / sqrt(1024) deviations for a mean, 5 / sqrt(2048) for a deviation.
START_TEST(distributions_have_their_moments) {
    parse_lattice(7, "");
    struct moments c = measure("capacitor", log), l = measure("inductor", log), g = measure("input", same),
                   f = measure("flat", same);
    ck_assert_double_eq_tol(c.mean, log(1e-9), 0.1 * 0.16);
    ck_assert_double_eq_tol(c.deviation, 0.1, 0.1 * 0.11);
    ck_assert_double_eq_tol(l.mean, log(20e-6), log(100) / sqrt(12) * 0.16);
    ck_assert_double_eq_tol(l.deviation, log(100) / sqrt(12), log(100) / sqrt(12) * 0.11);
    ck_assert(l.min >= 2e-6 && l.max <= 200e-6 && l.min < 2.1e-6 && l.max > 190e-6);
    ck_assert_double_eq_tol(g.mean, 1e-3, 3e-3 * 0.16);
    ck_assert_double_eq_tol(g.deviation, 3e-3, 3e-3 * 0.11);
    ck_assert_double_eq_tol(f.mean, 1e-3, 4e-3 / sqrt(12) * 0.16);
    ck_assert(f.min >= -1e-3 && f.max <= 3e-3);
}
END_TEST

START_TEST(seeds_decide_the_values) {
    double first[1024], again[1024], other[1024];
    parse_lattice(7, "");
    copy_values("inductor", first);
    int node = x->net->element[x->net->output[0]].p;
    parse_lattice(7, "<capacitor name=\"z\" node=\"n0\" value=\"1 nF +- 5 %\"/>");
    copy_values("inductor", again);
    ck_assert_mem_eq(first, again, sizeof first);
    ck_assert_int_eq(x->net->element[x->net->output[0]].p, node);
    parse_lattice(8, "");
    copy_values("inductor", other);
    for (size_t i = 0; i < 1024; i++)
        ck_assert(first[i] != other[i]);
}
END_TEST

START_TEST(quantities_are_drawn_apart) {
    static const char ring[] =
        "<ring nodes=\"3\" seed=\"4\"><gyrator at=\"node\" gm1=\"%s\" gm2=\"1 uS .. 9 uS\" CL=\"1 pF\"/></ring>"
        "<initial node=\"n0\" flux=\"1\"/><output name=\"o\" node=\"n1\" read=\"flux\"/>";
    char text[500];
    snprintf(text, sizeof text, ring, "1 uS .. 9 uS");
    parse_network(text);
    double drawn = element("gyrator_n2")->value[1];
    ck_assert(element("gyrator_n2")->value[0] != drawn);
    snprintf(text, sizeof text, ring, "1 uS");
    parse_network(text);
    ck_assert(element("gyrator_n2")->value[1] == drawn);
}
END_TEST

START_TEST(a_node_may_be_reached_from_the_other_end) {
    parse_network("<node name=\"a\"/><node name=\"b\"/><capacitor name=\"c\" node=\"a\" to=\"b\" value=\"1\"/>"
                  "<initial node=\"a\" flux=\"1\"/><output name=\"o\" node=\"b\" read=\"flux\"/>");
    ck_assert_uint_eq(x->net->nodes, 2);
}
END_TEST

START_TEST(two_generators_of_one_seed_differ) {
    parse_network("<ring nodes=\"3\" name=\"a\" seed=\"1\"><capacitor at=\"node\" value=\"1 nF .. 2 nF\"/></ring>"
                  "<ring nodes=\"3\" name=\"b\" seed=\"1\"><capacitor at=\"node\" value=\"1 nF .. 2 nF\"/></ring>"
                  "<initial node=\"a0\" flux=\"1\"/><output name=\"o\" node=\"a1\" read=\"flux\"/>");
    ck_assert(element("capacitor_a0")->value[0] != element("capacitor_b0")->value[0]);
}
END_TEST

START_TEST(drawn_values_stay_within_their_bounds) {
    parse_network("<grid rows=\"20\" columns=\"20\"><capacitor at=\"node\" value=\"1 nF\"/>"
                  "<input at=\"node\" channel=\"a\" value=\"0 +- 1 mS\" trainable=\"yes\" min=\"-1 mS\" max=\"0.5 mS\"/>"
                  "<output at=\"random\" count=\"1\" read=\"flux\"/></grid>");
    size_t low = 0, high = 0;
    for (size_t i = 0; i < x->net->parameters; i++) {
        double value = x->net->element[x->net->parameter[i].element].value[0];
        ck_assert(value >= -1e-3 && value <= 0.5e-3);
        low += value == -1e-3;
        high += value == 0.5e-3;
    }
    ck_assert_uint_eq(x->net->parameters, 400);
    ck_assert(low > 30 && low < 100 && high > 80 && high < 170); // 63 and 123 expected
}
END_TEST

START_TEST(random_outputs_have_nodes_of_their_own) {
    parse_network("<grid rows=\"3\" columns=\"4\"><capacitor at=\"node\" value=\"1 nF\"/>"
                  "<output at=\"random\" count=\"5\" read=\"voltage\" class=\"p\"/>"
                  "<input at=\"random\" count=\"7\" channel=\"a\" value=\"1\"/>"
                  "<output at=\"random\" count=\"7\" read=\"voltage\" class=\"q\"/></grid>");
    size_t at[12] = {0}, inputs[12] = {0}, of[2] = {0};
    for (size_t i = 0; i < x->net->elements; i++) {
        const struct es_element *e = &x->net->element[i];
        if (e->kind == &es_output) {
            at[e->p]++;
            of[e->class]++;
        }
        inputs[e->p] += e->kind == &es_input;
    }
    for (size_t i = 0; i < 12; i++)
        ck_assert(at[i] == 1 && inputs[i] <= 1);
    ck_assert_uint_eq(of[0], 5);
    ck_assert_uint_eq(of[1], 7);
    ck_assert_uint_eq(count_kind(&es_input), 7);
}
END_TEST

// --- files

static char directory[] = "/tmp/echospice-xml-XXXXXX";

static void make_directory(void) {
    ck_assert_ptr_nonnull(mkdtemp(directory));
    error.text[0] = '\0';
}

static void remove_directory(void) {
    char command[200];
    release();
    snprintf(command, sizeof command, "rm -r '%s'", directory);
    ck_assert_int_eq(system(command), 0);
}

static const char *path_of(const char *name) {
    static char path[4][200];
    static size_t next;
    next = (next + 1) % 4;
    snprintf(path[next], sizeof path[next], "%s/%s", directory, name);
    return path[next];
}

static const char *write_file(const char *name, const char *text) {
    FILE *file = fopen(path_of(name), "wb");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
    return path_of(name);
}

static void assert_says(const char *text) {
    ck_assert_msg(strstr(error.text, text) != NULL, "\"%s\" is not in: %s", text, error.text);
}

static const char whole[] =
    "<network seed=\"5\">\n<!-- far away -->\n<ring nodes=\"3\"><capacitor at=\"node\" value=\"1 nF +- 5 %\"/>"
    "</ring>\n<initial node=\"n0\" flux=\"1\"/>\n<output name=\"o\" node=\"n1\" read=\"flux\"/>\n</network>\n";

static const char *write_reference(const char *file) {
    char reference[100];
    snprintf(reference, sizeof reference, "<network file=\"%s\"/>", file);
    char *text = replace(around, "<network>%s</network>", reference);
    const char *path = write_file("experiment.xml", text);
    free(text);
    return path;
}

START_TEST(a_network_may_stand_in_a_second_file) {
    ck_assert_int_eq(mkdir(path_of("nets"), 0700), 0);
    write_file("nets/net.xml", whole);
    const char *path = write_reference("nets/net.xml");
    ck_assert_msg(es_experiment_read(path, NULL, &x, &error) == ES_OK, "%s", error.text);
    ck_assert_str_eq(x->file, path);
    ck_assert_uint_eq(x->net->nodes, 3);
    ck_assert_ptr_nonnull(strstr(x->xml, "<ring"));
    ck_assert_ptr_null(strstr(x->xml, "file="));
    struct es_experiment *again;
    ck_assert_msg(es_experiment_parse(x->xml, strlen(x->xml), "run.db", NULL, &again, &error) == ES_OK, "%s", error.text);
    ck_assert_uint_eq(again->net->elements, x->net->elements);
    for (size_t i = 0; i < x->net->elements; i++)
        ck_assert(again->net->element[i].value[0] == x->net->element[i].value[0]);
    ck_assert_str_eq(again->xml, x->xml);
    es_experiment_free(again);
}
END_TEST

START_TEST(errors_name_the_file_they_are_in) {
    char *bad = replace(whole, "n1", "n9");
    write_file("net.xml", bad);
    free(bad);
    ck_assert_int_eq(es_experiment_read(write_reference("net.xml"), NULL, &x, &error), ES_BAD_INPUT);
    ck_assert_ptr_null(x);
    assert_says("/net.xml:5: <output> \"o\": node = \"n9\"");
    bad = replace(whole, "<ring nodes=\"3\">", "<ring nodes=\"3\" nails=\"4\">");
    write_file("net.xml", bad);
    free(bad);
    ck_assert_int_eq(es_experiment_read(path_of("experiment.xml"), NULL, &x, &error), ES_BAD_INPUT);
    assert_says("/net.xml:3: <ring>: nails = \"4\"");
    write_file("net.xml", "<experiment/>");
    ck_assert_int_eq(es_experiment_read(path_of("experiment.xml"), NULL, &x, &error), ES_BAD_INPUT);
    assert_says("/net.xml:1: <experiment>: expected <network>");
    write_file("net.xml", "<!DOCTYPE network SYSTEM \"/etc/passwd\">\n<network/>");
    ck_assert_int_eq(es_experiment_read(path_of("experiment.xml"), NULL, &x, &error), ES_BAD_INPUT);
    assert_says("/net.xml:1: <!DOCTYPE");
}
END_TEST

START_TEST(a_second_file_stays_in_the_directory) {
    static const char *const outside[] = {"../net.xml", "/etc/passwd", "a/../../net.xml", "nets/..", "", "missing.xml", "."};
    for (size_t i = 0; i < sizeof outside / sizeof *outside; i++) {
        ck_assert_int_eq(es_experiment_read(write_reference(outside[i]), NULL, &x, &error), ES_BAD_INPUT);
        char value[100];
        snprintf(value, sizeof value, "/experiment.xml:1: <network>: file = \"%s\"", outside[i]);
        assert_says(value);
        assert_says(i < 5 ? "expected a relative path" : i == 5 ? "No such file" : "not a regular file");
    }
    write_file("net.xml", whole);
    write_reference("net.xml\" seed=\"1");
    ck_assert_int_eq(es_experiment_read(path_of("experiment.xml"), NULL, &x, &error), ES_BAD_INPUT);
    assert_says("nothing else can stand here");
    char *text = replace(around, "<network>%s</network>", "<network file=\"net.xml\"/>");
    ck_assert_int_eq(parse(text), ES_BAD_INPUT);
    assert_says("file.xml:1: <network>: file = \"net.xml\"");
    free(text);
}
END_TEST

START_TEST(files_that_cannot_be_read_are_named) {
    ck_assert_int_eq(es_experiment_read(path_of("none.xml"), NULL, &x, &error), ES_NO_RESOURCE);
    ck_assert_ptr_null(x);
    assert_says("/none.xml: No such file");
    ck_assert_int_eq(es_experiment_read(directory, NULL, &x, &error), ES_NO_RESOURCE);
    assert_says("not a regular file");
    ck_assert_int_eq(es_experiment_read(write_file("empty.xml", ""), NULL, &x, &error), ES_BAD_INPUT);
    assert_says("/empty.xml:1: the file is empty");
    const char *large = write_file("large.xml", "<experiment>");
    ck_assert_int_eq(truncate(large, (4 << 20) + 1), 0);
    ck_assert_int_eq(es_experiment_read(large, NULL, &x, &error), ES_BAD_INPUT);
    assert_says("larger than 4 MiB");
}
END_TEST

// --- bad files

struct mistake {
    const char *from, *to; // in `base`
    const char *place;     // file, line and what stands there
    const char *value;     // the offending one
    const char *hint;
};

#define GENERATE(generator) "<node name=\"b\"/>\n" generator "\n"

static const struct mistake mistakes[] = {
    // values
    {"2.2 nF", "0", "file.xml:5: <capacitor> \"c1\"", "value = \"0\"", "expected a value > 0"},
    {"2.2 nF", "-1 nF", "file.xml:5: <capacitor> \"c1\"", "value = \"-1 nF\"", "expected a value > 0"},
    {"2.2 nF", "1e-60", "file.xml:5: ", "value = \"1e-60\"", "out of range"},
    {"2.2 nF", "1e999", "file.xml:5: ", "value = \"1e999\"", "out of range"},
    {"2.2 nF", "1e-99999999999999999999", "file.xml:5: ", "value = \"1e-99999999999999999999\"", "out of range"},
    {"2.2 nF", "nan", "file.xml:5: ", "value = \"nan\"", "not a number"},
    {"2.2 nF", "inf", "file.xml:5: ", "value = \"inf\"", "not a number"},
    {"2.2 nF", "0x10", "file.xml:5: ", "value = \"0x10\"", "expected a number in F (farad)"},
    {"2.2 nF", "2,2 nF", "file.xml:5: ", "value = \"2,2 nF\"", "expected a number in F (farad)"},
    {"2.2 nF", "", "file.xml:5: ", "value = \"\"", "not a number"},
    {"2.2 nF", "2.2 nH", "file.xml:5: ", "value = \"2.2 nH\"", "expected a number in F (farad)"},
    {"2.2 nF", "2.2 n", "file.xml:5: ", "value = \"2.2 n\"", "the unit does not match"},
    {"2.2 nF", "2.2 xF", "file.xml:5: ", "value = \"2.2 xF\"", "the unit does not match"},
    {"2.2 nF", "2.2 nF please", "file.xml:5: ", "value = \"2.2 nF please\"", "text follows the number"},
    {"2.2 nF", "2.2 nF 1", "file.xml:5: ", "value = \"2.2 nF 1\"", "text follows the number"},
    {"2.2 nF", "1.00000000000000000000000000000000000000000000000000000000000000000 nF", "file.xml:5: ", "value = \"1.0000",
     "too many digits"},
    {"-0.3 mS", "0.3 ms", "file.xml:9: <input> \"i1\"", "value = \"0.3 ms\"", "expected a number in S (siemens)"},
    {"gm1=\"10 uS\"", "gm1=\"-10 uS\"", "file.xml:8: <gyrator> \"g1\"", "gm1 = \"-10 uS\"", "expected a value > 0"},
    {" CL=\"1 pF\"", "", "file.xml:8: <gyrator> \"g1\"", "\"CL\" is missing", ""},
    {"1 nWb", "1 nV", "file.xml:12: <initial>", "flux = \"1 nV\"", "expected a number in Wb (weber)"},
    {"1 nWb", "1 nWb +- 1 %", "file.xml:12: ", "flux = \"1 nWb +- 1 %\"", "standard deviation in Wb"},
    {"0.2 uH", "0.2 uH +- 1 %", "file.xml:7: ", "min = \"0.2 uH +- 1 %\"", "no distribution"},
    {"100 ns", "100 nF", "file.xml:14: <task>", "interval = \"100 nF\"", "expected a number in s (second)"},
    {"100 ns", "0", "file.xml:14: ", "interval = \"0\"", "expected a value > 0"},
    {"100 ns", "-100 ns", "file.xml:14: ", "interval = \"-100 ns\"", "expected a value > 0"},
    // distributions
    {"2.2 nF", "1 nF +- 0.1 nF", "file.xml:5: ", "value = \"1 nF +- 0.1 nF\"", "such as +- 10 %"},
    {"2.2 nF", "1 nF +- 0 %", "file.xml:5: ", "value = \"1 nF +- 0 %\"", "expected a spread > 0"},
    {"2.2 nF", "1 nF +- 101 %", "file.xml:5: ", "value = \"1 nF +- 101 %\"", "at most 100 %"},
    {"2.2 nF", "1 nF +- 1 % more", "file.xml:5: ", "value = \"1 nF +- 1 % more\"", "expected"},
    {"2.2 nF", "2 nF .. 1 nF", "file.xml:5: ", "value = \"2 nF .. 1 nF\"", "the lower end first"},
    {"2.2 nF", "1 .. 2 nF", "file.xml:5: ", "value = \"1 .. 2 nF\"", "a unit at both ends"},
    {"2.2 nF", "1 nF ..", "file.xml:5: ", "value = \"1 nF ..\"", "not a number"},
    {"2.2 nF", "0 .. 1 nF", "file.xml:5: ", "value = \"0 .. 1 nF\"", "expected a value > 0"},
    {"-0.3 mS", "-0.3 mS +- 10 %", "file.xml:9: ", "value = \"-0.3 mS +- 10 %\"", "standard deviation in S"},
    // training
    {" min=\"0.2 uH\"", "", "file.xml:7: <inductor> \"l1\"", "\"min\" is missing", ""},
    {" max=\"20 uH\"", "", "file.xml:7: ", "\"max\" is missing", ""},
    {"trainable=\"yes\" min=\"0.2 uH\"", "min=\"0.2 uH\"", "file.xml:7: ", "min = \"0.2 uH\"", "trainable=\"yes\""},
    {"trainable=\"yes\"", "trainable=\"true\"", "file.xml:7: ", "trainable = \"true\"", "\"yes\""},
    {"value=\"2.2 nF\"", "value=\"2.2 nF\" trainable=\"yes\" min=\"1\" max=\"2\"", "file.xml:5: ", "value = \"2.2 nF\"",
     "below min"},
    {"0.2 uH", "0", "file.xml:7: ", "min = \"0\"", "expected a value > 0"},
    {"0.2 uH", "0.2 uF", "file.xml:7: ", "min = \"0.2 uF\"", "H (henry)"},
    {"20 uH", "0.1 uH", "file.xml:7: ", "max = \"0.1 uH\"", "more than min"},
    {"1.5 uH", "0.1 uH", "file.xml:7: ", "value = \"0.1 uH\"", "below min = \"0.2 uH\""},
    {"1.5 uH", "21 uH", "file.xml:7: ", "value = \"21 uH\"", "above max = \"20 uH\""},
    {"1.5 uH", "1 nH .. 2 nH", "file.xml:7: ", "value = \"1 nH .. 2 nH\"", "below min"},
    {"coordinate=\"logistic\"", "coordinate=\"cubic\"", "file.xml:8: ", "coordinate = \"cubic\"", "log or logistic"},
    {"max=\"1 mS\"", "max=\"1 mS\" coordinate=\"log\"", "file.xml:9: ", "min = \"-1 mS\"", "another coordinate"},
    // names and places
    {"name=\"c1\"", "name=\"1c\"", "file.xml:5: <capacitor> \"1c\"", "name = \"1c\"", "letters"},
    {"name=\"c1\"", "name=\"c-1\"", "file.xml:5: ", "name = \"c-1\"", "letters"},
    {"name=\"c1\"", "name=\"\"", "file.xml:5: ", "name = \"\"", "letters"},
    {"name=\"c1\"", "name=\"c\xc3\xa4\"", "file.xml:5: ", "name = \"c\xc3\xa4\"", "letters"},
    {"name=\"c1\"", "name=\"c1 *#shell\"", "file.xml:5: ", "name = \"c1 *#shell\"", "letters"},
    {"name=\"c1\"", "name=\"a2345678901234567890123456789012345678901234567890123456789012345\"",
     "file.xml:5: ", "name = \"a2345", "at most 64"},
    {"name=\"base\"", "name=\"b.b\"", "file.xml:1: <experiment>", "name = \"b.b\"", "letters"},
    {"name=\"c2\"", "name=\"C1\"", "file.xml:6: <capacitor> \"C1\"", "name = \"C1\"", "\"c1\" already stands in line 5"},
    {"<node name=\"b\"/>", "<node name=\"A\"/>", "file.xml:4: <node> \"A\"", "name = \"A\"", "\"a\" already stands in line 3"},
    {"<node name=\"b\"/>", "<node name=\"Ground\"/>", "file.xml:4: ", "name = \"Ground\"", "another name"},
    {"name=\"c1\" node=\"a\"", "name=\"c1\" node=\"z\"", "file.xml:5: ", "node = \"z\"", "<node name=\"z\"/>"},
    {"name=\"c1\" node=\"a\"", "name=\"c1\" node=\"A\"", "file.xml:5: ", "node = \"A\"", "there is \"a\""},
    {"name=\"c1\" node=\"a\"", "name=\"c1\" node=\"ground\"", "file.xml:5: ", "node = \"ground\"", "turn the element round"},
    {"to=\"a\"", "to=\"zz\"", "file.xml:7: ", "to = \"zz\"", "<node name=\"zz\"/>"},
    {"to=\"a\"", "to=\"b\"", "file.xml:7: ", "to = \"b\"", "the same node"},
    {"<initial node=\"b\"", "<initial node=\"c\"", "file.xml:12: <initial>", "node = \"c\"", "<node name=\"c\"/>"},
    {"<initial", "<initial node=\"b\" flux=\"1\"/><initial", "file.xml:12: ", "node = \"b\"", "once"},
    {"<initial", "<final node=\"b\" flux=\"1\"/><final node=\"b\" flux=\"1\"/><initial", "file.xml:12: <final>", "node = \"b\"", "once"},
    {"<initial", "<final node=\"b\" flux=\"1 nV\"/><initial", "file.xml:12: <final>", "flux = \"1 nV\"", "expected a number in Wb (weber)"},
    {"<initial", "<final node=\"b\"/><initial", "file.xml:12: <final>", "flux", "missing"},
    {"<initial", "<final node=\"c\" flux=\"1\"/><initial", "file.xml:12: <final>", "node = \"c\"", "<node name=\"c\"/>"},
    {" flux=\"1 nWb\" voltage=\"-0.1 V\"", "", "file.xml:12: ", "<initial>", "flux=\"1 nWb\""},
    {"channel=\"audio\"", "channel=\"au dio\"", "file.xml:9: ", "channel = \"au dio\"", "letters"},
    {" channel=\"audio\"", "", "file.xml:9: ", "\"channel\" is missing", ""},
    {"class=\"iy\"", "class=\"AE\"", "file.xml:11: ", "class = \"AE\"", "\"ae\""},
    {"read=\"flux\"", "read=\"current\"", "file.xml:11: ", "read = \"current\"", "\"flux\""},
    {"<node name=\"b\"/>", "<node name=\"b\"/><node name=\"lonely\"/>", "file.xml:4: <node> \"lonely\"", "lonely", "connect"},
    // the schema
    {"<node name=\"a\"/>", "<node name=\"a\" nail=\"3\"/>", "file.xml:3: <node> \"a\"", "nail = \"3\"", "expected name"},
    {"<initial", "<resistor name=\"r\" value=\"1\"/><initial", "file.xml:12: <resistor> \"r\"", "resistor", "<conductance>"},
    {"<initial", "hello<initial", "file.xml:2: <network>", "hello", "attributes"},
    {"<engine", "<learning cost=\"flux-tracking\" rule=\"rhel\"/><engine", "file.xml:16: <learning>", "line 15", "once"},
    {"<engine", "<motor/><engine", "file.xml:16: <motor>", "motor", "<engine>"},
    {"<experiment", "<experiment xmlns=\"http://a.b/\"", "file.xml:1: <experiment>", "xmlns", "without a namespace"},
    {"<node name=\"a\"/>", "<node xmlns=\"http://a.b/\" name=\"a\"/>", "file.xml:3: <node>", "http://a.b/", "remove xmlns"},
    {"kind=\"formants\"", "kind=\"sines\"", "file.xml:14: <task>", "rate = \"8 kHz\"", "frequency"},
    {"kind=\"formants\"", "kind=\"wav-folder\"", "file.xml:14: <task>", "speakers = \"3\"", "folds"},
    {"kind=\"formants\"", "kind=\"movie\"", "file.xml:14: <task>", "kind = \"movie\"", "\"wav-folder\""},
    {"kind=\"formants\" ", "", "file.xml:14: <task>", "\"kind\" is missing", ""},
    {" points=\"300\"", "", "file.xml:14: <task>", "\"points\" is missing", ""},
    {"energy-crossentropy", "softmax-energies", "file.xml:15: <learning>", "\"temperature\" is missing",
     "softmax-energies needs it"},
    {"energy-crossentropy\"", "softmax-energies\" temperature=\"0\"", "file.xml:15: ", "temperature = \"0\"", "> 0"},
    {"energy-crossentropy\"", "softmax-energies\" temperature=\"1 V\"", "file.xml:15: ", "temperature = \"1 V\"", "plain number"},
    // names of methods
    {"energy-crossentropy", "entropy", "file.xml:15: <learning>", "cost = \"entropy\"", "flux-tracking"},
    {"rule=\"rhel\"", "rule=\"backprop\"", "file.xml:15: ", "rule = \"backprop\"", "rhel"},
    {"optimiser=\"sgd\"", "optimiser=\"lbfgs\"", "file.xml:15: ", "optimiser = \"lbfgs\"", "adam"},
    {"schedule=\"constant\"", "schedule=\"steps\"", "file.xml:15: ", "schedule = \"steps\"", "cosine"},
    {"name=\"twin\"", "name=\"triplet\"", "file.xml:16: <engine>", "name = \"triplet\"", "ngspice"},
    {"scheme=\"midpoint\"", "scheme=\"euler\"", "file.xml:16: <engine>", "scheme = \"euler\"", "verlet"},
    {"losses=\"allowed\"", "losses=\"perhaps\"", "file.xml:15: ", "losses = \"perhaps\"", "\"refused\""},
    {"energy-crossentropy", "flux-tracking", "file.xml:15: ", "cost = \"flux-tracking\"", "formants in line 14"},
    {" class=\"iy\"", "", "file.xml:15: ", "cost = \"energy-crossentropy\"", "\"o2\" in line 11"},
    // sizes
    {"points=\"300\"", "points=\"1\"", "file.xml:14: ", "points = \"1\"", "from 2 to 10000000"},
    {"points=\"300\"", "points=\"10000001\"", "file.xml:14: ", "points = \"10000001\"", "from 2 to 10000000"},
    {"points=\"300\"", "points=\"3.5\"", "file.xml:14: ", "points = \"3.5\"", "whole number"},
    {"points=\"300\"", "points=\"18446744073709551618\"", "file.xml:14: ", "points = \"18446744073709551618\"", "whole number"},
    {"speakers=\"3\"", "speakers=\"0\"", "file.xml:14: ", "speakers = \"0\"", "whole number"},
    {"pre-emphasis=\"0.9\"", "pre-emphasis=\"1.1\"", "file.xml:14: ", "pre-emphasis = \"1.1\"", "0 (none) to 1"},
    {"amplitude=\"0.5 V\"", "amplitude=\"-0.5 V\"", "file.xml:14: ", "amplitude = \"-0.5 V\"", ">= 0"},
    {"substeps=\"3\"", "substeps=\"1001\"", "file.xml:16: ", "substeps = \"1001\"", "from 0 to 1000"},
    {"beta=\"1e-2\"", "beta=\"1\"", "file.xml:15: ", "beta = \"1\"", "less than 1"},
    {"beta=\"1e-2\"", "beta=\"0\"", "file.xml:15: ", "beta = \"0\"", "> 0"},
    {"batch=\"5\"", "batch=\"0\"", "file.xml:15: ", "batch = \"0\"", "whole number"},
    {"seed=\"11\"", "seed=\"-11\"", "file.xml:15: ", "seed = \"-11\"", "whole number"},
    // generators
    {"<node name=\"b\"/>", GENERATE("<layer nodes=\"2\" from=\"q\"/>"), "file.xml:5: <layer>", "from = \"q\"", "no other <layer name=\"q\">"},
    {"<node name=\"b\"/>", GENERATE("<layer nodes=\"1\"><source at=\"neighbours\" channel=\"x\" value=\"1\"/></layer>"), "file.xml:5: <source>", "neighbours", "\"node\""},
    {"<node name=\"b\"/>", GENERATE("<layer nodes=\"2\"><conductance at=\"neighbours\" value=\"1\"/></layer>"), "file.xml:5: <conductance>", "neighbours", "name other layers in its \"from\""},
    {"<node name=\"b\"/>", GENERATE("<layer nodes=\"1\" from=\"\"><diode at=\"neighbours\" current=\"1\" voltage=\"1\"/></layer>"), "file.xml:5: <diode>", "neighbours", "no neighbours"},
    {"<node name=\"b\"/>", GENERATE("<layer nodes=\"1\"><source at=\"node\" to=\"a\" channel=\"x\" value=\"1\"/></layer>"), "file.xml:5: <source>", "to = \"a\"", "holds one node"},
    {"<node name=\"b\"/>", GENERATE("<layer nodes=\"1\"><conductance at=\"node\" to=\"a\" node=\"a\" value=\"1\"/></layer>"), "file.xml:5: <conductance>", "node = \"a\"", "remove one of them"},
    {"<node name=\"b\"/>", GENERATE("<layer nodes=\"1\"><amplifier at=\"node\" to=\"a\" value=\"4\"/></layer>"), "file.xml:5: <amplifier>", "cannot stand", "<conductance>"},
    {"<node name=\"b\"/>", GENERATE("<layer nodes=\"1\"><diode at=\"node\" to=\"q\" current=\"1\" voltage=\"1\"/></layer>"), "file.xml:5: <diode>", "to = \"q\"", "node"},
    {"<node name=\"b\"/>", GENERATE("<ring nodes=\"2\"/>"), "file.xml:5: <ring>", "nodes = \"2\"", "from 3 to 1024"},
    {"<node name=\"b\"/>", GENERATE("<ring nodes=\"1025\"/>"), "file.xml:5: <ring>", "nodes = \"1025\"", "from 3 to 1024"},
    {"<node name=\"b\"/>", GENERATE("<ring nodes=\"1023\"/>"), "file.xml:5: <ring>", "1025 nodes", "at most 1024"},
    {"<node name=\"b\"/>", GENERATE("<grid rows=\"33\" columns=\"32\"/>"), "file.xml:5: <grid>", "rows = \"33\"", "at most 1024"},
    {"<node name=\"b\"/>", GENERATE("<grid rows=\"4294967296\" columns=\"4294967296\"/>"), "file.xml:5: <grid>",
     "rows = \"4294967296\"", "from 1 to 1024"},
    {"<node name=\"b\"/>", GENERATE("<grid rows=\"3\"/>"), "file.xml:5: <grid>", "\"columns\" is missing", ""},
    {"<node name=\"b\"/>", GENERATE("<ring nodes=\"3\"><capacitor at=\"corner\" value=\"1\"/></ring>"), "file.xml:5: <capacitor>",
     "at = \"corner\"", "\"neighbours\""},
    {"<node name=\"b\"/>", GENERATE("<ring nodes=\"3\"><capacitor at=\"random\" value=\"1\"/></ring>"), "file.xml:5: <capacitor>",
     "\"count\" is missing", ""},
    {"<node name=\"b\"/>", GENERATE("<ring nodes=\"3\"><capacitor at=\"random\" count=\"4\" value=\"1\"/></ring>"),
     "file.xml:5: <capacitor>", "count = \"4\"", "only 3"},
    {"<node name=\"b\"/>",
     GENERATE("<ring nodes=\"3\"><output at=\"random\" count=\"2\" read=\"flux\"/>\n<output at=\"random\" "
              "count=\"2\" name=\"p\" read=\"flux\"/></ring>"),
     "file.xml:6: <output> \"p\"", "count = \"2\"", "only 1"},
    {"<node name=\"b\"/>", GENERATE("<ring nodes=\"3\"><capacitor at=\"node\" count=\"2\" value=\"1\"/></ring>"),
     "file.xml:5: <capacitor>", "count = \"2\"", "expected"},
    {"<node name=\"b\"/>", GENERATE("<ring nodes=\"3\"><capacitor at=\"neighbours\" node=\"a\" value=\"1\"/></ring>"),
     "file.xml:5: <capacitor>", "node = \"a\"", "expected"},
    {"<node name=\"b\"/>", GENERATE("<ring nodes=\"3\"><capacitor at=\"node\" value=\"-1\"/></ring>"), "file.xml:5: <capacitor>",
     "value = \"-1\"", "> 0"},
    {"<node name=\"b\"/>", GENERATE("<ring nodes=\"3\" name=\"B\"/><node name=\"b1\"/>"), "file.xml:5: <node> \"b1\"", "\"B1\"",
     "line 5"},
    {"<node name=\"b\"/>",
     GENERATE("<ring nodes=\"3\"><inductor at=\"neighbours\" value=\"1\"/><inductor at=\"neighbours\" "
              "value=\"1\"/></ring>"),
     "file.xml:5: <inductor>", "inductor_n0_n1", "another name"},
    {"<node name=\"b\"/>",
     GENERATE("<ring nodes=\"3\" name=\"a234567890123456789012345678901234567890\"><inductor "
              "at=\"neighbours\" value=\"1\"/></ring>"),
     "file.xml:5: <inductor>", "inductor_a23456", "shorten"},
    // XML
    {"</network>", "", "file.xml:", "network", "not well-formed"},
    {"\"audio\"", "\"audio\" channel=\"audio\"", "file.xml:9: ", "redefined", "not well-formed"},
    {"\"audio\"", "\"&sound;\"", "file.xml:9: ", "sound", "not well-formed"},
    {"\"audio\"", "\"\xff\"", "file.xml:9: ", "UTF-8", "not well-formed"},
    {"<experiment", "<!DOCTYPE experiment [\n<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\">]>\n<experiment",
     "file.xml:1: ", "<!DOCTYPE", "remove it"},
    {"<experiment", "\n<!DOCTYPE experiment SYSTEM \"file:///etc/passwd\">\n<experiment", "file.xml:2: ", "<!DOCTYPE",
     "remove it"},
    {"<experiment", "<!DOCTYPE experiment [<!ENTITY x SYSTEM \"http://127.0.0.1/\">]><experiment", "file.xml:1: ", "<!DOCTYPE",
     "remove it"},
    {"<network seed=\"3\">",
     "<network seed=\"3\" xmlns:xi=\"http://www.w3.org/2001/XInclude\"><xi:include href=\"/etc/passwd\"/>",
     "file.xml:2: <include>", "XInclude", "remove xmlns"},
};

enum { MISTAKES = sizeof mistakes / sizeof *mistakes };

// The same for the elements and generators that `base` has none of.
static const struct mistake rich_mistakes[] = {
    // values
    {" CL=\"2 pF\"", "", "file.xml:24: <saturating-gyrator> \"sg\"", "\"CL\" is missing", ""},
    {"saturation=\"0.2 V\"", "saturation=\"0\"", "file.xml:24: ", "saturation = \"0\"", "> 0"},
    {"-1e20 A/Wb3", "-1e20 A/Wb", "file.xml:17: <duffing> \"d\"", "cubic = \"-1e20 A/Wb\"", "A/Wb3 (ampere per cubic weber)"},
    {"current=\"1 mA\"", "current=\"1 mV\"", "file.xml:12: <inductor> \"l3\"", "current = \"1 mV\"", "A (ampere)"},
    {"value=\"1 uA\"", "current=\"1 uA\"", "file.xml:16: <josephson> \"j\"", "current = \"1 uA\"",
     "expected name, node, to, value"},
    // training
    {"quantity=\"CL\"", "quantity=\"L\"", "file.xml:21: <train> of <gyrator> \"g\"", "quantity = \"L\"",
     "\"gm1\", \"gm2\", \"CL\" or \"voltage\""},
    {"quantity=\"CL\" min=\"0.5 pF\"", "quantity=\"CL\"", "file.xml:21: <train> of <gyrator> \"g\"", "\"min\" is missing", ""},
    {"quantity=\"CL\" ", "", "file.xml:21: <train> of <gyrator> \"g\"", "\"quantity\" is missing", ""},
    {"max=\"2 pF\"", "max=\"0.1 pF\"", "file.xml:21: <train>", "max = \"0.1 pF\"", "more than min = \"0.5 pF\""},
    {"min=\"0.5 pF\"", "min=\"1.5 pF\"", "file.xml:20: <gyrator> \"g\"", "CL = \"1 pF\"", "below min = \"1.5 pF\""},
    {"min=\"0.5 pF\"", "min=\"0\"", "file.xml:21: <train>", "min = \"0\"", "> 0"},
    {"min=\"-2 mA\" max=\"2 mA\"", "min=\"-2 mA\" max=\"0.5 mA\"", "file.xml:12: <inductor> \"l3\"", "current = \"1 mA\"",
     "above max = \"0.5 mA\""},
    {"min=\"-2 mA\" max=\"2 mA\"", "min=\"-2 mA\" max=\"2 mA\" coordinate=\"log\"", "file.xml:13: <train> of <inductor> \"l3\"",
     "min = \"-2 mA\"", "another coordinate"},
    {"coordinate=\"logistic\"", "coordinate=\"tan\"", "file.xml:21: <train>", "coordinate = \"tan\"", "log or logistic"},
    {"current=\"1 mA\" ", "", "file.xml:13: <train> of <inductor> \"l3\"", "quantity = \"current\"",
     "add current=\"...\" to <inductor>"},
    {"quantity=\"voltage\" min=\"-1 V\"", "quantity=\"CL\" min=\"-1 V\"", "file.xml:22: <train> of <gyrator> \"g\"",
     "quantity = \"CL\"", "once"},
    {"quantity=\"cubic\"", "quantity=\"inductance\"", "file.xml:18: <train> of <duffing> \"d\"", "quantity = \"inductance\"",
     "already by trainable=\"yes\""},
    {"saturation=\"0.3 V\"/>", "saturation=\"0.3 V\"><train quantity=\"saturation\" min=\"0.1\" max=\"1\"/></sensing-gyrator>",
     "file.xml:25: <train>", "quantity = \"saturation\"", "\"gm1\", \"gm2\" or \"CL\""},
    {"value=\"1 uS\"/>", "value=\"1 uS\"><train quantity=\"resistance\" min=\"0.1\" max=\"1\"/></conductance>",
     "file.xml:26: <train>", "quantity = \"resistance\"", "\"conductance\""},
    {"read=\"flux\"/>", "read=\"flux\"><train quantity=\"flux\" min=\"0.1\" max=\"1\"/></output>", "file.xml:27: <train>", "<output>",
     "expected nothing"},
    {"voltage=\"0.1 V\"><train quantity=\"voltage\"", "voltage=\"0.1 V\"><train quantity=\"charge\"",
     "file.xml:28: <train> of <initial>", "quantity = \"charge\"", "add charge=\"...\""},
    {"voltage=\"0.1 V\"><train", "voltage=\"0.1 V\" trainable=\"yes\"><train", "file.xml:28: <initial>", "trainable = \"yes\"",
     "expected name, node"},
    // couplings
    {"first=\"l1\"", "first=\"l9\"", "file.xml:7: <mutual> \"k1\"", "first = \"l9\"",
     "there is no inductor \"l9\"; declare it with <inductor name=\"l9\" .../>"},
    {"second=\"l2\"", "second=\"L2\"", "file.xml:7: ", "second = \"L2\"", "there is \"l2\""},
    {"second=\"l2\"", "second=\"c1\"", "file.xml:7: ", "second = \"c1\"", "line 8 is a <capacitor>"},
    {"second=\"l2\"", "second=\"si\"", "file.xml:7: ", "second = \"si\"", "only linear inductors"},
    {"second=\"l2\"", "second=\"l3\"", "file.xml:7: ", "second = \"l3\"", "a current of its own"},
    {"second=\"l2\"", "second=\"l1\"", "file.xml:7: ", "second = \"l1\"", "coupled to itself"},
    {"second=\"l2\"", "second=\"k1\"", "file.xml:7: ", "second = \"k1\"", "there is no inductor \"k1\""},
    {"<initial node=\"a\"", "<mutual name=\"k2\" first=\"l2\" second=\"l1\" value=\"0\"/><initial node=\"a\"",
     "file.xml:28: <mutual> \"k2\"", "second = \"l1\"", "by \"k1\" in line 7 already"},
    {"value=\"0.4\" trainable=\"yes\" min=\"-0.9\" max=\"0.9\"", "value=\"1\"", "file.xml:7: ", "value = \"1\"", "less than 1"},
    {"value=\"0.4\" trainable=\"yes\" min=\"-0.9\" max=\"0.9\"", "value=\"-1.5\"", "file.xml:7: ", "value = \"-1.5\"",
     "more than -1"},
    {"value=\"0.4\" trainable=\"yes\" min=\"-0.9\" max=\"0.9\"", "value=\"2 .. 3\"", "file.xml:7: ", "value = \"2 .. 3\"",
     "makes 2."},
    {"min=\"-0.9\"", "min=\"-1\"", "file.xml:7: ", "min = \"-1\"", "more than -1"},
    {"max=\"0.9\"", "max=\"1.1\"", "file.xml:7: ", "max = \"1.1\"", "less than 1"},
    {" second=\"l2\"", "", "file.xml:7: ", "\"second\" is missing", ""},
    {"name=\"k1\"", "name=\"c1\"", "file.xml:7: <mutual> \"c1\"", "name = \"c1\"", "already stands in line"},
    // sources
    {"<initial node=\"a\"", "<source name=\"s2\" node=\"in\" channel=\"audio\" value=\"1\"/><initial node=\"a\"",
     "file.xml:28: <source> \"s2\"", "node = \"in\"", "\"s\" in line 6"},
    {"node=\"in\" flux=\"1 nWb\"", "node=\"in\" flux=\"1 nWb\" voltage=\"1 V\"", "file.xml:29: <initial> \"begin\"",
     "voltage = \"1 V\"", "\"s\" in line 6"},
    {"node=\"in\" flux=\"1 nWb\"", "node=\"in\" charge=\"1 pC\"", "file.xml:29: <initial> \"begin\"", "charge = \"1 pC\"",
     "remove the charge"},
    {"value=\"-0.5\"/>", "value=\"-0.5\" to=\"a\"/>", "file.xml:6: <source> \"s\"", "to = \"a\"",
     "expected name, node, channel, value"},
    {"value=\"-0.5\"/>", "value=\"-0.5\" trainable=\"yes\" min=\"-1\" max=\"1\"/>", "file.xml:6: ", "trainable = \"yes\"",
     "expected name, node, channel, value"},
    {"value=\"-0.5\"/>", "value=\"1 V\"/>", "file.xml:6: ", "value = \"1 V\"", "plain number"},
    {"node=\"in\" channel=\"audio\"", "node=\"ground\" channel=\"audio\"", "file.xml:6: ", "node = \"ground\"", "another node"},
    {" channel=\"audio\"", "", "file.xml:6: ", "\"channel\" is missing", ""},
    // initial states
    {"voltage=\"0.1 V\"><train quantity=\"voltage\"", "voltage=\"0.1 V\" charge=\"1 pC\"><train quantity=\"voltage\"",
     "file.xml:28: <initial>", "charge = \"1 pC\"", "remove one of them"},
    {"<initial name=\"begin\"", "<initial node=\"b\" charge=\"1 pC\"/><initial name=\"begin\"", "file.xml:29: <initial>",
     "charge = \"1 pC\"", "line 28 gives a voltage, and either voltages or charges are held at t = 0"},
    {"node=\"in\" flux=\"1 nWb\"", "node=\"a\" flux=\"1 nWb\"", "file.xml:29: <initial> \"begin\"", "node = \"a\"",
     "line 28; give it once"},
    {"name=\"begin\"", "name=\"c1\"", "file.xml:29: <initial> \"c1\"", "name = \"c1\"", "already stands in line"},
    {"name=\"c2\"", "name=\"initial_a\"", "file.xml:28: <initial>", "\"initial_a\" already stands", "line 9"},
    {"node=\"in\" flux=\"1 nWb\"", "node=\"in\" flux=\"1 nC\"", "file.xml:29: ", "flux = \"1 nC\"", "Wb (weber)"},
    // expectations
    {"time=\"1 us\"", "time=\"-1 us\"", "file.xml:30: <expect>", "time = \"-1 us\"", ">= 0"},
    {"tolerance=\"1e-3\"", "tolerance=\"0\"", "file.xml:30: <expect>", "tolerance = \"0\"", "> 0"},
    {" tolerance=\"1e-3\"", "", "file.xml:30: <expect>", "\"tolerance\" is missing", ""},
    {"tolerance=\"1e-3\"", "tolerance=\"1 mV\"", "file.xml:30: <expect>", "tolerance = \"1 mV\"", "plain number"},
    {"value=\"0.2 V\"", "value=\"0.2 Wb\"", "file.xml:30: <expect>", "value = \"0.2 Wb\"", "V (volt)"},
    {"quantity=\"voltage\" time", "quantity=\"current\" time", "file.xml:30: <expect>", "quantity = \"current\"", "\"voltage\""},
    {"<expect node=\"b\"", "<expect node=\"z\"", "file.xml:30: <expect>", "node = \"z\"", "<node name=\"z\"/>"},
    {"<expect node=\"b\"", "<expect node=\"ground\"", "file.xml:30: <expect>", "node = \"ground\"", "another node"},
    // learning
    {"reversal=\"flip-fluxes\"", "reversal=\"flip-coins\"", "file.xml:34: <learning>", "reversal = \"flip-coins\"",
     "flip-voltages, flip-fluxes or swap-outputs"},
    {"reversal=\"flip-fluxes\"", "temperature=\"1\"", "file.xml:34: <learning>", "temperature = \"1\"",
     "flux-tracking has no temperature"},
    {"flux-tracking", "energy-crossentropy", "file.xml:34: <learning>", "cost = \"energy-crossentropy\"", "needs labels"},
    // generators
    {"<node name=\"b\"/>", "<node name=\"b\"/>\n<ladder nodes=\"1\"/>\n", "file.xml:5: <ladder>", "nodes = \"1\"",
     "from 2 to 1024"},
    {"<node name=\"b\"/>", "<node name=\"b\"/>\n<all-to-all nodes=\"1025\"/>\n", "file.xml:5: <all-to-all>", "nodes = \"1025\"",
     "from 2 to 1024"},
    {"<node name=\"b\"/>",
     "<node name=\"b\"/>\n<all-to-all nodes=\"1000\"><inductor at=\"neighbours\" value=\"1\"/></all-to-all>\n",
     "file.xml:5: <all-to-all>", "499500 elements so far", "at most 16384"},
    {"<node name=\"b\"/>",
     "<node name=\"b\"/>\n<random nodes=\"1000\" degree=\"999\"><inductor at=\"neighbours\" value=\"1\"/></random>\n",
     "file.xml:5: <random>", "499500 elements so far", "at most 16384"},
    {"<node name=\"b\"/>", "<node name=\"b\"/>\n<random nodes=\"12\" degree=\"1\"/>\n", "file.xml:5: <random>", "degree = \"1\"",
     "6 pairs cannot connect 12 nodes"},
    {"<node name=\"b\"/>", "<node name=\"b\"/>\n<random nodes=\"12\" degree=\"12\"/>\n", "file.xml:5: <random>",
     "degree = \"12\"", "expected at most 11"},
    {"<node name=\"b\"/>", "<node name=\"b\"/>\n<random nodes=\"12\" degree=\"0\"/>\n", "file.xml:5: <random>", "degree = \"0\"",
     "from 1 to 1024"},
    {"<node name=\"b\"/>", "<node name=\"b\"/>\n<random nodes=\"12\"/>\n", "file.xml:5: <random>", "\"degree\" is missing", ""},
    {"<node name=\"b\"/>", "<node name=\"b\"/>\n<random nodes=\"12\" degree=\"2.5\"/>\n", "file.xml:5: <random>",
     "degree = \"2.5\"", "whole number"},
    {"<node name=\"b\"/>",
     "<node name=\"b\"/>\n<ladder nodes=\"3\"><mutual at=\"node\" first=\"l1\" second=\"l2\" value=\"0\"/></ladder>\n",
     "file.xml:5: <mutual>", "cannot stand in <ladder>", "<josephson>"},
    {"<node name=\"b\"/>", "<node name=\"b\"/>\n<ladder nodes=\"3\"><source at=\"node\" channel=\"c\" value=\"0\"/></ladder>\n",
     "file.xml:5: <source>", "no template in <ladder>", ""},
    {"<node name=\"b\"/>", "<node name=\"b\"/>\n<ladder nodes=\"3\"><initial at=\"node\" flux=\"0\"/></ladder>\n",
     "file.xml:5: <initial>", "cannot stand in <ladder>", ""},
};

enum { RICH_MISTAKES = sizeof rich_mistakes / sizeof *rich_mistakes };

static int count_lines(const char *text) {
    int lines = 0;
    for (; *text; text++)
        lines += *text == '\n';
    return lines;
}

static void check_mistake(const char *good, const struct mistake *m) {
    char *text = replace(good, m->from, m->to);
    ck_assert_int_eq(parse(text), ES_BAD_INPUT);
    ck_assert_ptr_null(x);
    assert_says(m->place);
    assert_says(m->value);
    assert_says(m->hint);
    ck_assert_int_eq(count_lines(error.text), 0);
    ck_assert_msg(strncmp(error.text, "file.xml:", 9) == 0 && isdigit(error.text[9]), "%s", error.text);
    free(text);
}

START_TEST(a_mistake_is_named) {
    check_mistake(base, &mistakes[_i]);
}
END_TEST

START_TEST(a_rich_mistake_is_named) {
    check_mistake(rich, &rich_mistakes[_i]);
}
END_TEST

static const struct {
    const char *attributes, *text[2];
} bad_tasks[] = {
    {"kind='ts' from='-1 us'", {"from = \"-1 us\"", ">= 0"}},
    {"kind='ts' to='0'", {"to = \"0\"", "> 0"}},
    {"kind='ts' to='1 V'", {"to = \"1 V\"", "s (second)"}},
    {"kind='ts' mask='maybe'", {"mask = \"maybe\"", "\"yes\""}},
    {"kind='ts' decimate='0'", {"decimate = \"0\"", "from 1"}},
    {"kind='ts' train='a'", {"train = \"a\"", "cannot stand here"}},
    {"kind='csv'", {"\"train\" is missing", ""}},
    {"kind='csv' train='../a'", {"train = \"../a\"", "--data"}},
    {"kind='csv' train='a/b'", {"train = \"a/b\"", "--data"}},
    {"kind='csv' train='.a'", {"train = \".a\"", "--data"}},
    {"kind='csv' train=''", {"train = \"\"", "--data"}},
    {"kind='csv' train='a' folds='b c'", {"folds = \"b c\"", "--data"}},
    {"kind='csv' train='a' test='b' folds='c'", {"folds = \"c\"", "leave one of them out"}},
    {"kind='idx' train-images='a' train-labels='b' test-images='c'", {"\"test-labels\" is missing", ""}},
    {"kind='forecast' file='a' target='1'", {"\"train\" is missing", ""}},
    {"kind='forecast' file='a' target='1' train='some'", {"train = \"some\"", "whole number"}},
    {"kind='forecast' file='a' target='1 F' train='5'", {"target = \"1 F\"", "Wb, V or C"}},
    {"kind='forecast' file='a' target='-1 V' train='5'", {"target = \"-1 V\"", "> 0"}},
    {"kind='forecast' file='a' target='1' train='5' stride='0'", {"stride = \"0\"", "from 1"}},
    {"kind='forecast' file='a' target='1' train='5'", {"cost = \"energy-crossentropy\"", "forecast in line 2"}},
};

START_TEST(a_mistake_in_a_task_is_named) {
    ck_assert_int_eq(parse_task(bad_tasks[_i].attributes, "energy-crossentropy"), ES_BAD_INPUT);
    assert_says("file.xml:2: <");
    assert_says(bad_tasks[_i].text[0]);
    assert_says(bad_tasks[_i].text[1]);
}
END_TEST

static void refuse_network(const char *network, const char *place, const char *hint) {
    char *text = replace(around, "%s", network);
    ck_assert_int_eq(parse(text), ES_BAD_INPUT);
    ck_assert_ptr_null(x);
    assert_says(place);
    assert_says(hint);
    free(text);
}

START_TEST(networks_that_say_nothing_are_refused) {
    refuse_network("", "file.xml:1: <network>", "there is no node");
    refuse_network("<node name=\"a\"/><capacitor name=\"c\" node=\"a\" value=\"1\"/><output name=\"o\" node=\"a\" read=\"flux\"/>"
                   "<initial node=\"a\" flux=\"0\"/>",
                   "file.xml:1: <network>", "add an <input>");
    refuse_network("<node name=\"a\"/><capacitor name=\"c\" node=\"a\" value=\"1\"/><initial node=\"a\" flux=\"1\"/>",
                   "file.xml:1: <network>", "there is no <output>");
    refuse_network("<node name=\"a\"/><output name=\"o\" node=\"a\" read=\"flux\"/><initial node=\"a\" flux=\"1\"/>",
                   "file.xml:1: <node> \"a\"", "floats");
}
END_TEST

static void repeat(char *text, const char *part, size_t times) {
    size_t length = strlen(part);
    char *end = text + strlen(text);
    for (size_t i = 0; i < times; i++, end += length)
        memcpy(end, part, length + 1);
}

START_TEST(sizes_are_bounded) {
    char *text = calloc(ROOM, 1);
    repeat(text, "<node name=\"a\"/>\n", 1025);
    refuse_network(text, "file.xml:1025: <node>", "1025 nodes so far; expected at most 1024");
    *text = '\0';
    repeat(text, "<ring nodes=\"1024\">", 1);
    repeat(text, "<capacitor at=\"node\" value=\"1\"/>\n", 17);
    repeat(text, "</ring>", 1);
    refuse_network(text, "file.xml:1: <ring>", "17408 elements so far; expected at most 16384");
    *text = '\0';
    repeat(text, "<node name=\"a\"/>", 1);
    repeat(text, "<capacitor name=\"c\" node=\"a\" value=\"1\"/>\n", 16385);
    refuse_network(text, "file.xml:16385: <capacitor>", "16385 elements so far");
    *text = '\0';
    repeat(text, "<all-to-all nodes=\"1024\">", 1);
    repeat(text, "<inductor at=\"neighbours\" value=\"1\"/>", 100000);
    repeat(text, "</all-to-all>", 1);
    refuse_network(text, "file.xml:1: <all-to-all>", "52377600000 elements so far; expected at most 16384");
    *text = '\0';
    repeat(text, "<a>", 1000);
    ck_assert_int_eq(parse(text), ES_BAD_INPUT);
    assert_says("depth");
    *text = '\0';
    repeat(text, "<experiment ", 1);
    repeat(text, "a='b'\n", 600000);
    ck_assert_int_eq(parse(text), ES_BAD_INPUT); // quadratic in libxml2
    assert_says("file.xml:1001: a tag of more than 1000 attributes");
    memset(text, 'x', ROOM - 1);
    ck_assert_int_eq(parse(text), ES_BAD_INPUT);
    assert_says("larger than 4 MiB");
    free(text);
}
END_TEST

// Inductors l0, l1, ... coupled in a chain, or, not joined, in pairs.
static void refuse_couplings(size_t couplings, bool chain, const char *place, const char *hint) {
    char *text = calloc(ROOM, 1), part[200];
    repeat(text, "<node name=\"a\"/><capacitor name=\"c\" node=\"a\" value=\"1\"/>", 1);
    for (size_t i = 0; i <= 2 * couplings; i++) {
        snprintf(part, sizeof part, "<inductor name=\"l%zu\" node=\"a\" value=\"1\"/>", i);
        repeat(text, part, 1);
    }
    for (size_t i = 0; i < couplings; i++) {
        size_t first = chain ? i : 2 * i;
        snprintf(part, sizeof part, "\n<mutual name=\"k%zu\" first=\"l%zu\" second=\"l%zu\" value=\"0\"/>", i, first, first + 1);
        repeat(text, part, 1);
    }
    refuse_network(text, place, hint);
    free(text);
}

START_TEST(couplings_are_bounded) {
    refuse_couplings(1025, false, "file.xml:1026: <mutual> \"k1024\"", "more than 1024 couplings");
    refuse_couplings(300, true, "file.xml:257: <mutual> \"k255\"", "more than 256 inductors");
}
END_TEST

START_TEST(any_root_is_named) {
    ck_assert_int_eq(parse("<train quantity=\"a\"/>"), ES_BAD_INPUT);
    assert_says("file.xml:1: <train>: expected <experiment>");
}
END_TEST

START_TEST(truncated_files_are_refused) {
    size_t end = (size_t)(strstr(base, "</experiment>") - base) + strlen("</experiment>");
    for (size_t size = 0; size < end; size++) {
        ck_assert_int_eq(es_experiment_parse(base, size, "file.xml", NULL, &x, &error), ES_BAD_INPUT);
        ck_assert_ptr_null(x);
        ck_assert_msg(strncmp(error.text, "file.xml:", 9) == 0, "%s", error.text);
    }
    char zero[sizeof base];
    memcpy(zero, base, sizeof base); // with the '\0' at its end
    ck_assert_int_eq(es_experiment_parse(zero, sizeof zero, "file.xml", NULL, &x, &error), ES_BAD_INPUT);
    assert_says("value 0");
}
END_TEST

START_TEST(long_values_make_short_messages) {
    char *value = calloc(100000, 1);
    repeat(value, "\xc3\xa4\n", 30000);
    char *text = replace(base, "2.2 nF", value);
    ck_assert_int_eq(parse(text), ES_BAD_INPUT);
    assert_says("...\": not a number; expected a number in F (farad)");
    ck_assert_uint_lt(strlen(error.text), 400);
    free(text);
    free(value);
}
END_TEST

START_TEST(nothing_is_printed) {
    fflush(stderr);
    fflush(stdout);
    int file = open(write_file("printed", ""), O_WRONLY), err = dup(2), out = dup(1);
    dup2(file, 2);
    dup2(file, 1);
    for (size_t i = 0; i < MISTAKES; i++) {
        char *text = replace(base, mistakes[i].from, mistakes[i].to);
        es_experiment_parse(text, strlen(text), "file.xml", NULL, &x, NULL);
        free(text);
    }
    fflush(NULL);
    dup2(err, 2);
    dup2(out, 1);
    struct stat about;
    ck_assert_int_eq(stat(path_of("printed"), &about), 0);
    ck_assert_int_eq(about.st_size, 0);
}
END_TEST

// --- shipped files

static const char *shipped(const char *name) {
    static char path[500];
    const char *const places[] = {getenv("ES_NETLISTS"), "netlists", "../netlists", "../../netlists"};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        snprintf(path, sizeof path, "%s/%s", places[i] ? places[i] : "", name);
        if (access(path, R_OK) == 0)
            return path;
    }
    ck_abort_msg("netlists/%s is not found; run from the repository, or set ES_NETLISTS", name);
}

struct file {
    const char *name;
    size_t nodes, elements, parameters, outputs, classes;
};

static const struct file files[] = {
    {"ring8.xml", 8, 8 + 16 + 5, 16, 2, 0},
    {"ring8-gyrator.xml", 8, 8 + 16 + 5, 16, 2, 0},
    {"vowels.xml", 100, 100 + 100 + 180 + 100 + 96, 380, 96, 3},
    {"demo.xml", 16, 16 + 16 + 24 + 16 + 15, 56, 15, 3},
};

START_TEST(shipped_files_are_read) {
    const struct file *f = &files[_i];
    ck_assert_msg(es_experiment_read(shipped(f->name), NULL, &x, &error) == ES_OK, "%s", error.text);
    ck_assert_uint_eq(x->net->nodes, f->nodes);
    ck_assert_uint_eq(x->net->elements, f->elements);
    ck_assert_uint_eq(x->net->parameters, f->parameters);
    ck_assert_uint_eq(x->net->outputs, f->outputs);
    ck_assert_uint_eq(x->net->classes, f->classes);
    for (size_t i = 0; i < x->net->parameters; i++) {
        const struct es_parameter *p = &x->net->parameter[i];
        double value = x->net->element[p->element].value[p->quantity];
        ck_assert(value >= p->min && value <= p->max);
    }
}
END_TEST

static TCase *new_case(Suite *suite, const char *name) {
    TCase *tests = tcase_create(name);
    tcase_set_timeout(tests, 240);
    tcase_add_checked_fixture(tests, make_directory, remove_directory);
    suite_add_tcase(suite, tests);
    return tests;
}

static void add_good(Suite *suite) {
    TCase *tests = new_case(suite, "good");
    tcase_add_test(tests, elements_are_what_the_file_says);
    tcase_add_test(tests, parameters_have_bounds_and_coordinates);
    tcase_add_test(tests, roles_are_what_the_file_says);
    tcase_add_test(tests, task_and_learning_are_what_the_file_says);
    tcase_add_test(tests, tasks_of_files_are_what_the_file_says);
    tcase_add_test(tests, forecasts_are_what_the_file_says);
    tcase_add_loop_test(tests, a_mistake_in_a_task_is_named, 0, sizeof bad_tasks / sizeof *bad_tasks);
    tcase_add_test(tests, what_is_not_given_has_a_default);
    tcase_add_test(tests, a_node_may_be_reached_from_the_other_end);
    tcase_add_test(tests, every_kind_is_what_the_file_says);
    tcase_add_test(tests, resistances_leakages_and_offsets);
    tcase_add_test(tests, a_mutual_names_its_inductors);
    tcase_add_test(tests, a_source_holds_its_node);
    tcase_add_test(tests, initial_states_are_elements);
    tcase_add_test(tests, final_fluxes_are_elements);
    tcase_add_test(tests, any_quantity_may_be_trained);
    tcase_add_test(tests, principal_quantities_can_be_trained);
    tcase_add_test(tests, expectations_are_kept);
    tcase_add_test(tests, temperature_and_reversal_are_what_the_file_says);
    tcase_add_loop_test(tests, values_are_rounded_once, 0, sizeof capacitances / sizeof *capacitances);
    tcase_add_loop_test(tests, shipped_files_are_read, 0, sizeof files / sizeof *files);
}

static void add_generators(Suite *suite) {
    TCase *tests = new_case(suite, "generators");
    tcase_add_test(tests, a_ring_closes);
    tcase_add_test(tests, a_ladder_stays_open);
    tcase_add_test(tests, all_to_all_joins_every_pair_once);
    tcase_add_loop_test(tests, a_random_graph_is_connected, 0, sizeof sizes / sizeof *sizes);
    tcase_add_test(tests, random_trees_are_equally_likely);
    tcase_add_test(tests, generators_have_rows_of_their_own);
    tcase_add_test(tests, mutuals_and_states_move_no_other_value);
    tcase_add_test(tests, a_grid_couples_its_neighbours);
    tcase_add_test(tests, distributions_have_their_moments);
    tcase_add_test(tests, seeds_decide_the_values);
    tcase_add_test(tests, quantities_are_drawn_apart);
    tcase_add_test(tests, two_generators_of_one_seed_differ);
    tcase_add_test(tests, drawn_values_stay_within_their_bounds);
    tcase_add_test(tests, random_outputs_have_nodes_of_their_own);
}

static void add_files(Suite *suite) {
    TCase *tests = new_case(suite, "files");
    tcase_add_test(tests, a_network_may_stand_in_a_second_file);
    tcase_add_test(tests, errors_name_the_file_they_are_in);
    tcase_add_test(tests, a_second_file_stays_in_the_directory);
    tcase_add_test(tests, files_that_cannot_be_read_are_named);
}

static void add_bad(Suite *suite) {
    TCase *tests = new_case(suite, "bad");
    tcase_add_loop_test(tests, a_mistake_is_named, 0, MISTAKES);
    tcase_add_loop_test(tests, a_rich_mistake_is_named, 0, RICH_MISTAKES);
    tcase_add_test(tests, networks_that_say_nothing_are_refused);
    tcase_add_test(tests, sizes_are_bounded);
    tcase_add_test(tests, couplings_are_bounded);
    tcase_add_test(tests, any_root_is_named);
    tcase_add_test(tests, truncated_files_are_refused);
    tcase_add_test(tests, long_values_make_short_messages);
    tcase_add_test(tests, nothing_is_printed);
}

Suite *test_suite(void) {
    Suite *suite = suite_create("xml");
    add_good(suite);
    add_generators(suite);
    add_files(suite);
    add_bad(suite);
    return suite;
}
