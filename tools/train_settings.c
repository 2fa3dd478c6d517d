/* SPDX-License-Identifier: Apache-2.0 */
/* tools/train_settings.c - see the header. */
#include "tools/train_settings.h"

#include "engine/spelling.h"
#include "engine/text.h"
#include "formats/files.h"
#include "formats/json_read.h"

#include <math.h>
#include <string.h>

typedef enum setting_kind { TEXT, INT, REAL, FLAG } setting_kind;

typedef struct setting {
    setting_kind kind;
    const char *name, *otherwise;
    size_t offset;
} setting;

static const setting settings[] = {
#define QN_SETTING(kind, field, option, letter, arg, otherwise, help) \
    {kind, option, otherwise, offsetof(qn_train_settings, field)},
#include "tools/train_settings.def"
#undef QN_SETTING
};
#define N_SETTINGS ((int)(sizeof settings / sizeof settings[0]))

static void *field(qn_train_settings *s, const setting *row)
{
    return (char *)s + row->offset;
}

/* ---- one value ---- */

static quern_status set_text(qn_train_settings *s, const setting *row, const char *text,
                             quern_error *err)
{
    void *at = field(s, row);
    bool ok = true;
    if (row->kind == TEXT) *(const char **)at = text;
    if (row->kind == INT) ok = qn_word_int(text, at);
    if (row->kind == REAL) ok = qn_word_real(text, at);
    if (row->kind == FLAG) {
        *(bool *)at = strcmp(text, "true") == 0;
        ok = *(bool *)at || strcmp(text, "false") == 0;
    }
    if (ok) return QUERN_OK;
    return qn_fail(err, QUERN_INVALID, "'%s' is '%.60s', which is no %s", row->name,
                   text,
                   row->kind == FLAG  ? "true or false"
                   : row->kind == INT ? "whole number"
                                      : "number");
}

static void set_unsaid(qn_train_settings *s, const setting *row)
{
    void *at = field(s, row);
    if (row->kind == TEXT) *(const char **)at = NULL;
    if (row->kind == INT) *(int64_t *)at = QN_UNSAID_INT;
    if (row->kind == REAL) *(double *)at = NAN;
    if (row->kind == FLAG) *(bool *)at = false;
}

/* ---- sources ---- */

static const setting *find(const char *name)
{
    for (int i = 0; i < N_SETTINGS; i++)
        if (strcmp(settings[i].name, name) == 0) return &settings[i];
    return NULL;
}

static quern_status unknown_key(const char *key, quern_error *err)
{
    const char *names[N_SETTINGS];
    for (int i = 0; i < N_SETTINGS; i++)
        names[i] = settings[i].name;
    const char *near = qn_nearest(key, names, N_SETTINGS);
    return qn_fail(err, QUERN_INVALID, "no setting '%.60s'%s%s%s", key,
                   near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
}

static quern_status take_pair(void *ctx, const char *key, const char *text,
                              quern_error *err)
{
    qn_train_settings *s = ctx;
    if (strcmp(key, "schema") == 0 || strcmp(key, "sandbox") == 0) return QUERN_OK;
    if (strcmp(key, "data") == 0) {
        s->data = text;
        return QUERN_OK;
    }
    const setting *row = find(key);
    if (!row) return unknown_key(key, err);
    if (text) return set_text(s, row, text, err);
    set_unsaid(s, row);
    return QUERN_OK;
}

quern_status qn_train_settings_load(qn_train_settings *s, const char *path,
                                    qn_arena *arena, quern_error *err)
{
    char *text;
    size_t n;
    QN_TRY(qn_file_text(arena, path, &text, &n, err));
    quern_status status = qn_json_pairs(arena, text, n, take_pair, s, err);
    if (status != QUERN_OK) qn_within(err, "%s", path);
    return status;
}

static bool is_named(const char *const *names, const char *name)
{
    if (!names) return true;
    while (*names && strcmp(*names, name) != 0)
        names++;
    return *names != NULL;
}

quern_status qn_train_settings_change(qn_train_settings *s, const qn_args *args,
                                      const char *const *names, quern_error *err)
{
    for (int i = 0; i < N_SETTINGS; i++) {
        const setting *row = &settings[i];
        if (qn_arg_count(args, row->name) == 0 || !is_named(names, row->name)) continue;
        if (row->kind == FLAG)
            *(bool *)field(s, row) = true;
        else
            QN_TRY(set_text(s, row, qn_arg_text(args, row->name), err));
    }
    return QUERN_OK;
}

quern_status qn_train_settings_read(qn_train_settings *s, const qn_args *args,
                                    qn_arena *arena, quern_error *err)
{
    memset(s, 0, sizeof *s);
    for (int i = 0; i < N_SETTINGS; i++) {
        set_unsaid(s, &settings[i]);
        if (settings[i].otherwise)
            QN_TRY(set_text(s, &settings[i], settings[i].otherwise, err));
    }
    const char *config = qn_arg_text(args, "config");
    if (config) QN_TRY(qn_train_settings_load(s, config, arena, err));
    QN_TRY(qn_train_settings_change(s, args, NULL, err));
    if (args->n_operands > 0) s->data = args->operands[0];
    return QUERN_OK;
}

/* ---- writing ---- */

void qn_train_settings_json(const qn_train_settings *s, qn_json *j)
{
    qn_json_text(j, "data", s->data);
    for (int i = 0; i < N_SETTINGS; i++) {
        const setting *row = &settings[i];
        const void *at = (const char *)s + row->offset;
        if (row->kind == TEXT) qn_json_text(j, row->name, *(const char *const *)at);
        if (row->kind == REAL) qn_json_real(j, row->name, *(const double *)at);
        if (row->kind == FLAG) qn_json_bool(j, row->name, *(const bool *)at);
        if (row->kind != INT) continue;
        const int64_t n = *(const int64_t *)at;
        if (n == QN_UNSAID_INT)
            qn_json_text(j, row->name, NULL);
        else
            qn_json_int(j, row->name, n);
    }
}

bool qn_word_amount(const char *text, const char *units, double *n, char *unit)
{
    size_t length = strlen(text);
    *unit = 0;
    if (length > 1 && strchr(units, text[length - 1])) *unit = text[--length];
    return length > 0 && qn_text_to_real(text, length, n) && *n >= 0;
}

bool qn_word_seconds(const char *text, double *out)
{
    char unit;
    if (!qn_word_amount(text, "smh", out, &unit)) return false;
    *out *= unit == 'm' ? 60 : unit == 'h' ? 3600 : 1;
    return true;
}
