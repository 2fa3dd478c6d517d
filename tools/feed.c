/* SPDX-License-Identifier: Apache-2.0 */
/* tools/feed.c - see feed.h. */
#include "tools/feed.h"

#include "engine/text.h"
#include "formats/npz.h"
#include "formats/files.h"
#include "tools/option_values.h"
#include "tools/out.h"
#include "tools/recipe.h"
#include "tools/term.h"

#include <string.h>

/* ---- options of models and sessions --------------------------------------------- */

static size_t budget(const qn_args *args)
{
    const size_t size = qn_arg_size(args, "max-memory");
    return (size_t)qn_arg_limit(args, "memory", (double)size);
}

quern_model_options qn_model_options(const qn_args *args)
{
    return (quern_model_options){
        .size = sizeof(quern_model_options),
        .max_bytes = budget(args),
        .external_dir = qn_arg_text(args, "external-dir"),
        .disable_passes = qn_arg_text(args, "disable-pass"),
        .log = qn_arg_flag(args, "quiet") ? NULL : qn_out_log,
        .log_ctx = args->n_operands > 0 ? (void *)args->operands[0] : NULL,
    };
}

/* A file that cannot be read is told and does without, as the session does with one
 * that does not fit. */
static const char *tuning_text(const qn_args *args)
{
    const char *path = qn_arg_text(args, "tuning");
    quern_error err;
    char *text;
    if (!path) return NULL;
    if (qn_file_text((qn_arena *)&args->arena, path, &text, NULL, &err) == QUERN_OK)
        return text;
    qn_report(NULL, &err);
    return NULL;
}

quern_session_options qn_session_options(const qn_args *args)
{
    return (quern_session_options){
        .size = sizeof(quern_session_options),
        .max_bytes = budget(args),
        .n_threads = (int)qn_arg_int(args, "threads"),
        .isa = qn_arg_text(args, "isa"),
        .gemm = qn_arg_text(args, "gemm"),
        .layout = qn_arg_text(args, "layout"),
        .no_winograd = qn_arg_flag(args, "no-winograd"),
        .tuning = tuning_text(args),
        .no_reuse = qn_arg_flag(args, "no-reuse"),
        .seed = (uint64_t)qn_arg_int(args, "seed"),
        .log = qn_arg_flag(args, "quiet") ? NULL : qn_out_log,
        .log_ctx = args->n_operands > 0 ? (void *)args->operands[0] : NULL,
        .cancel = qn_interrupted,
    };
}

/* ---- inputs --------------------------------------------------------------------- */

quern_status qn_feed_init(qn_feed *feed, const quern_model *model, qn_arena *arena,
                          quern_error *err)
{
    const int n = quern_model_n_inputs(model);
    void *values, *shapes, *given;
    QN_TRY(qn_arena_array(arena, (size_t)n + 1, sizeof(qn_tensor), &values, err));
    QN_TRY(qn_arena_array(arena, (size_t)n + 1, sizeof(qn_tensor), &shapes, err));
    QN_TRY(qn_arena_array(arena, (size_t)n + 1, sizeof(bool), &given, err));
    *feed = (qn_feed){model, arena, n, values, shapes, given, NULL};
    for (int i = 0; i < n; i++)
        feed->shapes[i].rank = -1;
    return QUERN_OK;
}

/* Position of the input that a name of n bytes says, or an error that lists them. */
static quern_status find_input(const qn_feed *feed, const char *name, size_t n,
                               int *out, quern_error *err)
{
    char names[512] = "";
    quern_info info;
    for (*out = 0; quern_model_input(feed->model, *out, &info); ++*out) {
        if (strlen(info.name) == n && !memcmp(info.name, name, n)) return QUERN_OK;
        const size_t at = strlen(names);
        snprintf(names + at, sizeof names - at, "%s%s", at ? ", " : "", info.name);
    }
    return qn_fail(err, QUERN_INVALID, "no input '%.*s'; there are: %s", (int)n, name,
                   names);
}

quern_status qn_feed_shapes(qn_feed *feed, const qn_args *args, quern_error *err)
{
    for (int k = 0; k < qn_arg_count(args, "shape"); k++) {
        const char *text = qn_arg_nth(args, "shape", k), *equals = strrchr(text, '=');
        int i = 0;
        if (equals)
            QN_TRY(find_input(feed, text, (size_t)(equals - text), &i, err));
        else if (feed->n != 1)
            return qn_fail(err, QUERN_INVALID, "--shape %s names none of the %d inputs",
                           text, feed->n);
        qn_word_shape(equals ? equals + 1 : text, &feed->shapes[i]);
    }
    return QUERN_OK;
}

static quern_status give_file(qn_feed *feed, int i, const char *path, quern_error *err)
{
    quern_info info;
    if (!quern_model_input(feed->model, i, &info))
        return qn_fail(err, QUERN_INVALID, "%s: the model has only %d inputs", path,
                       feed->n);
    feed->is_given[i] = true;
    if (qn_ends_with(path, ".npy") || qn_ends_with(path, ".pb"))
        return qn_value_load(feed->arena, path, &info, &feed->values[i], err);
    return qn_recipe_load(feed->model, &info, path, feed->decoder, feed->arena,
                          &feed->values[i], err);
}

/* Every member goes to the input that bears its name. */
static quern_status give_npz(qn_feed *feed, const char *path, quern_error *err)
{
    qn_npz_member *members;
    int n, at;
    quern_status status = qn_npz_load(feed->arena, path, &members, &n, err);
    for (int k = 0; status == QUERN_OK && k < n; k++) {
        status = find_input(feed, members[k].name, strlen(members[k].name), &at, err);
        if (status != QUERN_OK) break;
        feed->values[at] = members[k].value;
        feed->is_given[at] = true;
    }
    if (status != QUERN_OK) qn_within(err, "%s", path);
    return status;
}

quern_status qn_feed_files(qn_feed *feed, const qn_args *args, quern_error *err)
{
    feed->decoder = args->decoder;
    int next = 0;
    for (int k = 0; k < qn_arg_count(args, "input"); k++) {
        const char *text = qn_arg_nth(args, "input", k), *equals = strchr(text, '=');
        int i;
        if (!equals && qn_ends_with(text, ".npz")) {
            QN_TRY(give_npz(feed, text, err));
            continue;
        }
        if (equals) {
            QN_TRY(find_input(feed, text, (size_t)(equals - text), &i, err));
            QN_TRY(give_file(feed, i, equals + 1, err));
            continue;
        }
        while (next < feed->n && feed->is_given[next])
            next++;
        QN_TRY(give_file(feed, next, text, err));
    }
    return QUERN_OK;
}

/* Makes input i up; its random numbers depend on the seed and on i only. */
static quern_status make_up(qn_feed *feed, int i, const int64_t *seed, quern_error *err)
{
    const qn_tensor *shape = feed->shapes[i].rank >= 0 ? &feed->shapes[i] : NULL;
    qn_tensor *value = &feed->values[i];
    quern_info info;
    if (feed->is_given[i] || !quern_model_input(feed->model, i, &info)) return QUERN_OK;
    feed->is_given[i] = true;
    if (info.is_optional || info.is_sequence) {
        const qn_kind kind = info.is_optional ? QN_NONE : QN_SEQUENCE;
        *value = (qn_tensor){.kind = (uint8_t)kind, .dtype = info.dtype, .rank = 1};
        return QUERN_OK;
    }
    QN_TRY(qn_value_zeros(feed->arena, &info, shape, value, err));
    if (seed) qn_value_randomize(value, (uint64_t)*seed, i);
    return QUERN_OK;
}

quern_status qn_feed_zeros(qn_feed *feed, quern_error *err)
{
    for (int i = 0; i < feed->n; i++)
        QN_TRY(make_up(feed, i, NULL, err));
    return QUERN_OK;
}

quern_status qn_feed_random(qn_feed *feed, int64_t seed, quern_error *err)
{
    for (int i = 0; i < feed->n; i++)
        QN_TRY(make_up(feed, i, &seed, err));
    return QUERN_OK;
}

quern_status qn_feed_bind(const qn_feed *feed, quern_session *session, quern_error *err)
{
    quern_info info;
    for (int i = 0; quern_model_input(feed->model, i, &info); i++) {
        if (!feed->is_given[i])
            return qn_fail(err, QUERN_INVALID,
                           "input '%s' has no value: give -i %s=FILE or --random SEED",
                           info.name, info.name);
        QN_TRY(qn_value_bind(session, i, &feed->values[i], err));
    }
    return QUERN_OK;
}
