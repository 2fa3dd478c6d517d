/* SPDX-License-Identifier: Apache-2.0 */
/* tools/options.c - the parser and the getters; see options.h. */
#include "tools/options.h"

#include "engine/spelling.h"
#include "engine/text.h"
#include "tools/option_values.h"
#include "tools/out.h"
#include "tools/user_settings.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const qn_option help_option = {"help", 'h',  QN_OPT_FLAG,
                                      NULL,   NULL, "this text"};
static const qn_option sandbox_option = {"require-sandbox",
                                         0,
                                         QN_OPT_FLAG,
                                         NULL,
                                         NULL,
                                         "fail where the sandbox is not full"};

int qn_usage(const qn_args *args, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    fprintf(stderr, "quern %s: ", args->command->name);
    vfprintf(stderr, format, list);
    fprintf(stderr, " (quern %s --help tells more)\n", args->command->name);
    va_end(list);
    return 2;
}

/* ---- numbers ---- */

bool qn_word_int(const char *text, int64_t *out)
{
    return qn_text_to_int(text, strlen(text), out);
}

bool qn_word_real(const char *text, double *out)
{
    return qn_text_to_real(text, strlen(text), out);
}

/* A number with an optional K, M, G or T behind it, and an optional B behind that. */
static bool parse_amount(const char *text, double *out)
{
    static const char units[] = "KMGT";
    size_t n = strlen(text);
    double scale = 1;
    if (n > 1 && (text[n - 1] | 0x20) == 'b') n--;
    const char *unit = n > 0 ? strchr(units, text[n - 1] & ~0x20) : NULL;
    for (const char *u = units; unit && *unit && u <= unit; u++)
        scale *= 1024;
    if (unit && *unit) n--;
    if (!qn_text_to_real(text, n, out)) return false;
    *out *= scale;
    return *out >= 0 && *out < 9e18;
}

bool qn_word_size(const char *text, size_t *out)
{
    double amount;
    if (!parse_amount(text, &amount)) return false;
    *out = (size_t)amount;
    return true;
}

static bool number_ok(const qn_option *o, const char *text)
{
    int64_t i;
    double r;
    size_t n;
    if (o->kind == QN_OPT_INT) return qn_word_int(text, &i);
    if (o->kind == QN_OPT_REAL) return qn_word_real(text, &r);
    if (o->kind == QN_OPT_SIZE) return qn_word_size(text, &n);
    return true;
}

/* ---- parsing ---- */

static const qn_option *find_long(const qn_command *c, const char *name, size_t n)
{
    for (const qn_option *o = c->options; o->name; o++)
        if (strlen(o->name) == n && !memcmp(o->name, name, n)) return o;
    if (n == 4 && !memcmp(name, "help", 4)) return &help_option;
    return n == 15 && !memcmp(name, sandbox_option.name, n) ? &sandbox_option : NULL;
}

static const qn_option *find_letter(const qn_command *c, char letter)
{
    for (const qn_option *o = c->options; o->name; o++)
        if (o->letter == letter) return o;
    return letter == 'h' ? &help_option : NULL;
}

static bool unknown_option(const qn_args *args, const char *word, size_t n)
{
    const char *names[128] = {"help"};
    char name[QN_WORD_MAX + 1];
    int n_names = 1;
    for (const qn_option *o = args->command->options; o->name && n_names < 128; o++)
        names[n_names++] = o->name;
    snprintf(name, sizeof name, "%.*s", (int)n, word);
    const char *near = qn_nearest(name, names, n_names);
    if (near)
        qn_usage(args, "no option --%.*s; did you mean --%s?", (int)n, word, near);
    else
        qn_usage(args, "no option --%.*s", (int)n, word);
    return false;
}

static bool give(qn_args *args, const qn_option *o, const char *text)
{
    args->wants_help |= o == &help_option;
    args->needs_sandbox |= o == &sandbox_option;
    if (o == &help_option || o == &sandbox_option) return true;
    if (text && !number_ok(o, text)) {
        qn_usage(args, "--%s takes %s, not '%s'", o->name,
                 o->kind == QN_OPT_INT    ? "a whole number"
                 : o->kind == QN_OPT_REAL ? "a number"
                                          : "a size such as 512M",
                 text);
        return false;
    }
    const char *takes = text ? qn_option_value_lacks(o, text) : NULL;
    if (takes) {
        qn_usage(args, "--%s takes %s, not '%s'", o->name, takes, text);
        return false;
    }
    args->given[args->n_given++] = (qn_given){o, text};
    return true;
}

/* The flag that --no-NAME takes back: one that may be set for good. */
static const qn_option *find_taken_back(const qn_command *c, const char *name, size_t n)
{
    if (n < 4 || memcmp(name, "no-", 3) != 0) return NULL;
    const qn_option *o = find_long(c, name + 3, n - 3);
    return o && o->kind == QN_OPT_FLAG && o != &sandbox_option &&
                   qn_user_setting_find(o->name) >= 0
               ? o
               : NULL;
}

/* words[0] starts with two dashes.  *used: how many words were taken. */
static bool parse_long(qn_args *args, int n, const char *const *words, int *used)
{
    const char *name = words[0] + 2, *equals = strchr(name, '=');
    const size_t length = equals ? (size_t)(equals - name) : strlen(name);
    const qn_option *o = find_long(args->command, name, length);
    *used = 1;
    if (!o && (o = find_taken_back(args->command, name, length)) != NULL)
        return give(args, o, "no");
    if (!o) return unknown_option(args, name, length);
    if (o->kind == QN_OPT_FLAG) {
        if (!equals) return give(args, o, NULL);
        qn_usage(args, "--%s takes no argument", o->name);
        return false;
    }
    if (equals) return give(args, o, equals + 1);
    if (n < 2) {
        qn_usage(args, "--%s needs an argument: %s", o->name, o->arg);
        return false;
    }
    *used = 2;
    return give(args, o, words[1]);
}

/* words[0] is a dash and letters. */
static bool parse_short(qn_args *args, int n, const char *const *words, int *used)
{
    *used = 1;
    for (const char *p = words[0] + 1; *p; p++) {
        const qn_option *o = find_letter(args->command, *p);
        if (!o) {
            qn_usage(args, "no option -%c", *p);
            return false;
        }
        if (o->kind == QN_OPT_FLAG) {
            if (!give(args, o, NULL)) return false;
            continue;
        }
        if (p[1]) return give(args, o, p + 1);
        if (n < 2) {
            qn_usage(args, "-%c needs an argument: %s", *p, o->arg);
            return false;
        }
        *used = 2;
        return give(args, o, words[1]);
    }
    return true;
}

static bool limits_ok(const qn_args *args)
{
    static const char *const names[] = {"memory",  "seconds",  "pixels",
                                        "entries", "unpacked", "ratio"};
    for (int i = 0; i < args->n_given; i++) {
        const char *text = args->given[i].text;
        if (strcmp(args->given[i].option->name, "limit") != 0) continue;
        const char *equals = strchr(text, '=');
        double value;
        bool known = false;
        for (int k = 0; equals && k < 6; k++)
            known |= strlen(names[k]) == (size_t)(equals - text) &&
                     !memcmp(names[k], text, (size_t)(equals - text));
        if (!known || !parse_amount(equals + 1, &value)) {
            qn_usage(args,
                     "--limit takes NAME=VALUE with a name of " QN_LIMIT_NAMES
                     ", not '%s'",
                     text);
            return false;
        }
    }
    return true;
}

/* Joined flags (-qv) hold more options than words, but never more than letters. */
static quern_status make_lists(qn_args *args, int n, const char *const *words,
                               quern_error *err)
{
    size_t n_letters = 1;
    void *operands, *given;
    for (int i = 0; i < n; i++)
        n_letters += strlen(words[i]);
    QN_TRY(qn_arena_array(&args->arena, (size_t)n + 1, sizeof *args->operands,
                          &operands, err));
    QN_TRY(qn_arena_array(&args->arena, n_letters, sizeof *args->given, &given, err));
    args->operands = operands;
    args->given = given;
    return QUERN_OK;
}

void qn_args_done(qn_args *args)
{
    qn_arena_done(&args->arena);
}

/* false: a mistake, which has been said. */
static bool take_words(qn_args *args, int n, const char *const *words)
{
    bool options_end = false;
    for (int i = 0, used; i < n; i += used) {
        const char *word = words[i];
        used = 1;
        if (options_end || word[0] != '-' || !word[1]) {
            args->operands[args->n_operands++] = word;
        } else if (!strcmp(word, "--")) {
            options_end = true;
        } else if (word[1] == '-') {
            if (!parse_long(args, n - i, words + i, &used)) return false;
        } else if (!parse_short(args, n - i, words + i, &used)) {
            return false;
        }
    }
    return limits_ok(args);
}

int qn_args_parse(qn_args *args, const qn_command *command, int n,
                  const char *const *words, qn_mem *mem)
{
    quern_error err;
    *args = (qn_args){.command = command};
    qn_arena_init(&args->arena, mem);
    if (make_lists(args, n, words, &err) != QUERN_OK) return qn_report(NULL, &err);
    return take_words(args, n, words) ? 0 : 2;
}

/* ---- getters ---- */

static const qn_option *must_find(const qn_args *args, const char *name)
{
    const qn_option *o = find_long(args->command, name, strlen(name));
    assert(o && "the option table lacks this name");
    return o;
}

int qn_arg_count(const qn_args *args, const char *name)
{
    const qn_option *o = must_find(args, name);
    int n = 0;
    for (int i = 0; i < args->n_given; i++)
        n += args->given[i].option == o;
    return n;
}

const char *qn_arg_nth(const qn_args *args, const char *name, int k)
{
    const qn_option *o = must_find(args, name);
    for (int i = 0; i < args->n_given; i++)
        if (args->given[i].option == o && k-- == 0) return args->given[i].text;
    return NULL;
}

bool qn_arg_flag(const qn_args *args, const char *name)
{
    const int n = qn_arg_count(args, name); /* the last one given wins */
    if (n) return qn_arg_nth(args, name, n - 1) == NULL;
    return qn_user_setting_find(name) >= 0 &&
           qn_user_settings_flag(args->settings, name);
}

const char *qn_arg_text(const qn_args *args, const char *name)
{
    const int n = qn_arg_count(args, name);
    const qn_option *o = must_find(args, name);
    if (n) return qn_arg_nth(args, name, n - 1);
    const char *set = qn_user_settings_text(args->settings, name);
    return set && o->kind != QN_OPT_FLAG ? set : o->otherwise;
}

int64_t qn_arg_int(const qn_args *args, const char *name)
{
    const char *text = qn_arg_text(args, name);
    int64_t value = 0;
    if (text) qn_word_int(text, &value);
    return value;
}

double qn_arg_real(const qn_args *args, const char *name)
{
    const char *text = qn_arg_text(args, name);
    double value = 0;
    if (text) qn_word_real(text, &value);
    return value;
}

size_t qn_arg_size(const qn_args *args, const char *name)
{
    const char *text = qn_arg_text(args, name);
    size_t value = 0;
    if (text) qn_word_size(text, &value);
    return value;
}

double qn_arg_limit(const qn_args *args, const char *name, double otherwise)
{
    double value = otherwise;
    char setting[32];
    snprintf(setting, sizeof setting, "limit.%s", name);
    const char *set = qn_user_settings_text(args->settings, setting);
    if (set) parse_amount(set, &value);
    for (int i = 0; i < qn_arg_count(args, "limit"); i++) {
        const char *text = qn_arg_nth(args, "limit", i), *equals = strchr(text, '=');
        if (strlen(name) == (size_t)(equals - text) &&
            !memcmp(name, text, (size_t)(equals - text)))
            parse_amount(equals + 1, &value);
    }
    return value;
}
