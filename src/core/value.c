// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "core/value.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DIGITS = 64, FAR = 100000 };

static const double smallest = 1e-40, largest = 1e50; // magnitudes beyond are typing errors, and would overflow in products

struct prefix {
    const char *text;
    int exponent;
};

static const struct prefix prefixes[] = {
    {"", 0},          {"f", -15},
    {"p", -12},       {"n", -9},
    {"u", -6},        {"\xc2\xb5", -6}, // the micro sign
    {"\xce\xbc", -6}, /* Greek mu */ {"m", -3},
    {"k", 3},         {"M", 6},
    {"G", 9},         {"T", 12},
};

struct unit {
    const char *symbol, *name, *example;
};

static const struct unit units[] = {
    {"F", "farad", "2.2 nF"},  {"H", "henry", "1.5 uH"},
    {"S", "siemens", "10 uS"}, {"V", "volt", "0.1 V"},
    {"Wb", "weber", "1 nWb"},  {"s", "second", "100 ns"},
    {"Hz", "hertz", "10 kHz"}, {"A", "ampere", "1 uA"},
    {"J", "joule", "1 pJ"},    {"W", "watt", "1 uW"},
    {"K", "kelvin", "300 K"},  {"rad", "radian", "10 mrad"}, {"m2", "square metre", "2 um2"},
    {"C", "coulomb", "1 pC"},  {"Ohm", "ohm", "10 Ohm"}, {"bit", "bit", "8 bit"},
    {"A/Wb3", "ampere per cubic weber", "1e20 A/Wb3"},
    {"m", "metre", "0.5 um"},  {"F/m2", "farad per square metre", "2 mF/m2"}, {"F/m", "farad per metre", "0.2 nF/m"},
    {"Ohmm", "ohm metre", "70 uOhmm"}, {"Vm", "volt metre", "5 nVm"}, {"V/m", "volt per metre", "8 MV/m"},
    {"A/V2", "ampere per square volt", "200 uA/V2"},
};

static struct unit find_unit(const char *symbol) {
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strcmp(units[i].symbol, symbol) == 0)
            return units[i];
    return (struct unit){symbol, symbol, "1"};
}

static enum es_status expect_value(const char *unit, const char *problem, struct es_error *why) {
    if (!*unit)
        return es_fail(why, ES_BAD_INPUT, "%s; expected a plain number such as 0.05 or 1e-4", problem);
    struct unit u = find_unit(unit);
    return es_fail(why, ES_BAD_INPUT, "%s; expected a number in %s (%s) such as %s, or a plain number in SI units", problem,
                   u.symbol, u.name, u.example);
}

static bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static void skip_space(const char **text) {
    while (is_space(**text))
        ++*text;
}

// Takes `token` from the text if it stands there.
static bool take(const char **text, const char *token) {
    size_t length = strlen(token);
    if (strncmp(*text, token, length) != 0)
        return false;
    *text += length;
    return true;
}

// A number as an integer of at most DIGITS digits and a power of ten, so that no decimal point meets the user's locale.
struct decimal {
    char digit[DIGITS + 2]; // sign and digits
    size_t digits;
    int exponent;
    bool zero;
};

// False if there are too many digits. The point of ".." is no decimal point.
static bool scan_digits(const char **text, struct decimal *d, size_t sign) {
    bool fraction = false;
    for (;; ++*text) {
        if (**text == '.' && !fraction && (*text)[1] != '.') {
            fraction = true;
            continue;
        }
        if (!is_digit(**text))
            return true;
        if (d->digits == DIGITS)
            return false;
        d->digit[sign + d->digits++] = **text;
        d->zero = d->zero && **text == '0';
        d->exponent -= fraction;
    }
}

static void scan_exponent(const char **text, struct decimal *d) {
    const char *s = *text;
    if (*s != 'e' && *s != 'E')
        return;
    s++;
    bool minus = *s == '-';
    s += *s == '-' || *s == '+';
    if (!is_digit(*s))
        return;
    int exponent = 0;
    for (; is_digit(*s); s++)
        exponent = exponent < FAR ? 10 * exponent + (*s - '0') : exponent;
    d->exponent += minus ? -exponent : exponent;
    *text = s;
}

static bool scan_number(const char **text, struct decimal *d) {
    size_t sign = 0;
    *d = (struct decimal){.zero = true};
    if (**text == '-' || **text == '+')
        d->digit[sign++] = *(*text)++;
    if (!scan_digits(text, d, sign) || d->digits == 0)
        return false;
    scan_exponent(text, d);
    return true;
}

static size_t suffix_length(const char *s) {
    size_t n = 0;
    while (s[n] && !is_space(s[n]) && !strchr(".+-%", s[n]) && strncmp(s + n, "\xc2\xb1", 2) != 0)
        n++;
    return n;
}

static bool find_prefix(const char *suffix, size_t length, const char *unit, int *exponent) {
    size_t n = strlen(unit);
    *exponent = 0;
    if (length == 0)
        return true;
    if (n == 0 || length < n || memcmp(suffix + length - n, unit, n) != 0)
        return false;
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
        if (strlen(prefixes[i].text) == length - n && memcmp(suffix, prefixes[i].text, length - n) == 0) {
            *exponent = prefixes[i].exponent * (strcmp(unit, "m2") == 0 ? 2 : 1); // um2 is (um)^2
            return true;
        }
    return false;
}

static enum es_status convert(const struct decimal *d, int prefix, const char *unit, double *value, struct es_error *why) {
    char text[DIGITS + 32];
    snprintf(text, sizeof text, "%se%d", d->digit, d->exponent + prefix);
    *value = strtod(text, NULL);
    double size = fabs(*value);
    if (d->zero || (size >= smallest && size <= largest))
        return ES_OK;
    return expect_value(unit, "the number is out of range", why);
}

// Reads one number with its unit and the space behind it.
static enum es_status parse_value(const char **text, const char *unit, double *value, struct es_error *why) {
    struct decimal d;
    int prefix;
    skip_space(text);
    if (!scan_number(text, &d))
        return expect_value(unit, d.digits == DIGITS ? "the number has too many digits" : "not a number", why);
    skip_space(text);
    size_t length = suffix_length(*text);
    if (!find_prefix(*text, length, unit, &prefix))
        return expect_value(unit, "the unit does not match", why);
    *text += length;
    skip_space(text);
    return convert(&d, prefix, unit, value, why);
}

enum es_status es_value_parse(const char *text, const char *unit, double *value, struct es_error *why) {
    enum es_status status = parse_value(&text, unit, value, why);
    if (status == ES_OK && *text)
        status = expect_value(unit,
                              strncmp(text, "..", 2) == 0 || strncmp(text, "+-", 2) == 0 ? "no distribution can stand here"
                                                                                         : "text follows the number",
                              why);
    return status;
}

static enum es_status parse_range(const char *text, const char *unit, struct es_distribution *d, struct es_error *why) {
    enum es_status status = es_value_parse(text, unit, &d->b, why);
    d->shape = ES_RANGE;
    if (status == ES_OK && !(d->a < d->b))
        status = es_fail(why, ES_BAD_INPUT, "%g .. %g %s is no range; expected the lower end first, and a unit at both ends",
                         d->a, d->b, unit);
    return status;
}

static enum es_status parse_spread(const char *text, const char *unit, bool positive, struct es_distribution *d,
                                   struct es_error *why) {
    size_t length = strlen(text);
    bool percent = length > 0 && text[length - 1] == '%';
    if (positive != percent)
        return es_fail(why, ES_BAD_INPUT,
                       positive ? "expected a relative spread such as +- 10 %%, as the quantity has to stay > 0%s"
                                : "expected the standard deviation in %s, as the quantity may be 0 or negative",
                       positive ? "" : unit);
    enum es_status status = parse_value(&text, percent ? "" : unit, &d->b, why);
    if (status == ES_OK && percent)
        text++;
    if (status == ES_OK && *text)
        status = es_fail(why, ES_BAD_INPUT, "text follows the spread; expected nothing");
    d->shape = percent ? ES_LOGNORMAL : ES_NORMAL;
    if (status == ES_OK && !(d->b > 0 && (!percent || d->b <= 100)))
        status = es_fail(why, ES_BAD_INPUT, "expected a spread > 0%s", percent ? " and at most 100 %" : "");
    d->b /= percent ? 100 : 1;
    return status;
}

enum es_status es_distribution_parse(const char *text, const char *unit, bool positive, struct es_distribution *d,
                                     struct es_error *why) {
    *d = (struct es_distribution){.shape = ES_EXACT};
    enum es_status status = parse_value(&text, unit, &d->a, why);
    if (status != ES_OK)
        return status;
    if (positive && d->a <= 0)
        return es_fail(why, ES_BAD_INPUT, "expected a value > 0");
    if (!*text)
        return ES_OK;
    if (take(&text, ".."))
        return parse_range(text, unit, d, why);
    if (take(&text, "+-") || take(&text, "\xc2\xb1"))
        return parse_spread(text, unit, positive, d, why);
    return es_fail(why, ES_BAD_INPUT,
                   "text follows the number; expected nothing, \"..\" and an upper end, or \"+-\" and a spread");
}

double es_distribution_draw(const struct es_distribution *d, bool positive, struct es_stream *stream) {
    switch (d->shape) {
    case ES_RANGE: {
        double u = es_random_uniform(stream);
        double value = positive ? d->a * exp(u * log(d->b / d->a)) : d->a + u * (d->b - d->a);
        return fmin(fmax(value, d->a), d->b);
    }
    case ES_NORMAL:
        return d->a + d->b * es_random_normal(stream);
    case ES_LOGNORMAL:
        return d->a * exp(d->b * es_random_normal(stream));
    case ES_EXACT:
        break;
    }
    return d->a;
}

enum es_status es_integer_parse(const char *text, uint64_t min, uint64_t max, uint64_t *value, struct es_error *why) {
    bool valid = *text != '\0';
    *value = 0;
    for (; is_digit(*text) && valid; text++) {
        uint64_t digit = (uint64_t)(*text - '0');
        valid = *value <= (max - digit) / 10 && digit <= max;
        *value = 10 * *value + digit;
    }
    if (valid && !*text && *value >= min)
        return ES_OK;
    return es_fail(why, ES_BAD_INPUT, "expected a whole number from %llu to %llu", (unsigned long long)min,
                   (unsigned long long)max);
}

bool es_name_valid(const char *text) {
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";
    return *text && !is_digit(*text) && strspn(text, letters) == strlen(text) && strlen(text) <= ES_NAME;
}
