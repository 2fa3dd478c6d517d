/* SPDX-License-Identifier: Apache-2.0 */
/* tools/option_values.c - see option_values.h. */
#include "tools/option_values.h"

#include "engine/text.h"
#include "kernels/kernels.h"
#include "tools/options.h"

#include <string.h>

static bool is_word(const char *text, size_t n, const char *word)
{
    return strlen(word) == n && !memcmp(text, word, n);
}

static bool is_gemm(const char *text)
{
    return !strcmp(text, "own") || !strcmp(text, "openblas");
}

static bool is_layout(const char *text)
{
    return !strcmp(text, "plain") || !strcmp(text, "blocked");
}

static bool is_threads(const char *text)
{
    int64_t n;
    return qn_word_int(text, &n) && n >= 0 && n <= 1024;
}

static bool is_pass(const char *text, size_t n)
{
    const char *name;
    for (int i = 0; quern_pass(i, &name); i++)
        if (is_word(text, n, name)) return true;
    return is_word(text, n, "all");
}

static bool are_passes(const char *text)
{
    for (size_t n; *text; text += n + (text[n] != 0)) {
        n = strcspn(text, ",");
        if (!is_pass(text, n)) return false;
    }
    return true;
}

bool qn_word_shape(const char *text, qn_tensor *out)
{
    for (out->rank = 0; *text; out->rank++) {
        const size_t n = strcspn(text, ",x");
        int64_t dim;
        if (!qn_text_to_int(text, n, &dim) || dim < 0 || out->rank == QUERN_MAX_RANK)
            return false;
        out->dim[out->rank] = dim;
        text += n + (text[n] != 0);
    }
    return true;
}

static bool is_shape(const char *text)
{
    const char *equals = strrchr(text, '=');
    qn_tensor shape;
    return qn_word_shape(equals ? equals + 1 : text, &shape);
}

static const struct {
    const char *name;
    bool (*is_good)(const char *text);
    const char *takes;
} common[] = {
    {"gemm", is_gemm, "own or openblas"},
    {"layout", is_layout, "plain or blocked"},
    {"threads", is_threads, "0 (the physical cores) to 1024"},
    {"disable-pass", are_passes, "names of passes with commas between, or all"},
    {"shape", is_shape, "[NAME=]d,d,... of at most 8 dims"},
};

const char *qn_option_value_lacks(const qn_option *o, const char *text)
{
    for (size_t i = 0; i < sizeof common / sizeof common[0]; i++) {
        if (strcmp(o->name, common[i].name) != 0) continue;
        if (o->kind == QN_OPT_TEXT && !strcmp(o->name, "threads")) break; /* a list */
        return common[i].is_good(text) ? NULL : common[i].takes;
    }
    return NULL;
}
