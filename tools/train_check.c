/* SPDX-License-Identifier: Apache-2.0 */
/* tools/train_check.c - settings that cannot be meant, refused before any data are
 * opened: words that do not exist, with the nearest that does, and numbers out of
 * range. */
#include "engine/spelling.h"
#include "formats/augment.h"
#include "formats/files.h"
#include "tools/train_run.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- words ---- */

enum { MAX_WORDS = 64, LIST = 200 };

typedef struct words {
    const char *word[MAX_WORDS];
    int n;
} words;

static quern_status unknown_word(const char *option, const char *word, const words *w,
                                 quern_error *err)
{
    char list[LIST] = "";
    const char *near = qn_nearest(word, w->word, w->n);
    for (int i = 0; i < w->n; i++) {
        const size_t n = strlen(list);
        snprintf(list + n, sizeof list - n, "%s%s", i ? ", " : "", w->word[i]);
    }
    return qn_fail(err, QUERN_INVALID, "no --%s '%.40s'%s%s%s; there are %s", option,
                   word, near ? "; did you mean " : "", near ? near : "",
                   near ? "?" : "", list);
}

static quern_status one_of(const char *option, const char *word, const words *w,
                           quern_error *err)
{
    for (int i = 0; i < w->n; i++)
        if (!word || strcmp(word, w->word[i]) == 0) return QUERN_OK;
    return unknown_word(option, word, w, err);
}

static quern_status check_tables(const qn_train_settings *s, quern_error *err)
{
    words nets = {.n = 0}, optimizers = {.n = 0}, schedules = {.n = 0};
    const qn_net *net;
    const qn_optimizer *o;
    const char *about;
    while (nets.n < MAX_WORDS && (net = qn_net_at(nets.n)))
        nets.word[nets.n++] = net->name;
    while (optimizers.n < MAX_WORDS && (o = qn_optimizer_at(optimizers.n)))
        optimizers.word[optimizers.n++] = o->name;
    for (const char *name; (name = qn_schedule_name(schedules.n, &about));)
        schedules.word[schedules.n++] = name;
    QN_TRY(one_of("arch", s->arch, &nets, err));
    QN_TRY(one_of("opt", s->opt, &optimizers, err));
    return one_of("sched", s->sched, &schedules, err);
}

static quern_status check_choices(const qn_train_settings *s, quern_error *err)
{
    const struct {
        const char *option, *word;
        words w;
    } choices[] = {
        {"sampler", s->sampler, {{"uniform", "balanced"}, 2}},
        {"resize", s->resize, {{"crop", "pad", "stretch"}, 3}},
        {"channels", s->channels, {{"gray", "rgb", "bgr"}, 3}},
        {"metric", s->metric, {{"top1", "macro_f1", "loss"}, 3}},
        {"bn", s->bn, {{"train", "eval"}, 2}},
    };
    for (size_t i = 0; i < sizeof choices / sizeof choices[0]; i++)
        QN_TRY(one_of(choices[i].option, choices[i].word, &choices[i].w, err));
    const words weights = {{"none", "balanced"}, 2};
    if (qn_file_is_there(s->class_weights)) return QUERN_OK;
    return one_of("class-weights", s->class_weights, &weights, err);
}

/* "1e", "500s", "10m" */
static quern_status check_save_every(const char *text, quern_error *err)
{
    char unit;
    double n;
    if (qn_word_amount(text, "esm", &n, &unit) && n > 0 && isfinite(n) && unit)
        return QUERN_OK;
    return qn_fail(err, QUERN_INVALID,
                   "--save-every takes 1e (epochs), 500s (steps) or 10m (minutes), not "
                   "'%.40s'",
                   text);
}

static quern_status check_folds(const qn_train_settings *s, quern_error *err)
{
    int64_t fold;
    if (s->folds == 1)
        return qn_fail(err, QUERN_INVALID, "--folds is 1; it takes two or more");
    if (strcmp(s->fold, "all") == 0) return QUERN_OK;
    if (s->folds == 0)
        return qn_fail(err, QUERN_INVALID, "--fold needs --folds, how many there are");
    if (qn_word_int(s->fold, &fold) && fold >= 1 && fold <= s->folds) return QUERN_OK;
    return qn_fail(err, QUERN_INVALID, "--fold takes all, or 1 to %lld, not '%.40s'",
                   (long long)s->folds, s->fold);
}

static quern_status check_texts(const qn_train_settings *s, quern_error *err)
{
    double seconds;
    qn_augment list;
    QN_TRY(check_save_every(s->save_every, err));
    if (s->time_limit && !qn_word_seconds(s->time_limit, &seconds))
        return qn_fail(err, QUERN_INVALID,
                       "--time-limit takes 90s, 30m or 2h, not "
                       "'%.40s'",
                       s->time_limit);
    if (s->arch && s->model)
        return qn_fail(err, QUERN_INVALID,
                       "--arch and --model: a network is built in or from a file");
    if (!s->model && (s->head || s->keep_head))
        return qn_fail(err, QUERN_INVALID, "--%s is for a network from --model",
                       s->head ? "head" : "keep-head");
    return qn_augment_parse(s->aug, &list, err);
}

/* ---- numbers ---- */

/* NaN stands for what nobody said. */
static double whole(int64_t n)
{
    return n == QN_UNSAID_INT ? NAN : (double)n;
}

static quern_status check_numbers(const qn_train_settings *s, quern_error *err)
{
    const struct {
        const char *name;
        double value, least, most;
    } ranges[] = {
        {"epochs", whole(s->epochs), 1, 1e6},
        {"batch", whole(s->batch), 1, 65536},
        {"accum", whole(s->accum), 1, 65536},
        {"multiplier", s->multiplier, 0.25, 4},
        {"lr", s->lr, 0, 1e38},
        {"lr-end", s->lr_end, 0, 1e38},
        {"warmup", s->warmup, 0, 1e6},
        {"momentum", s->momentum, 0, 1},
        {"beta2", s->beta2, 0, 1},
        {"wd", s->wd, 0, 1e6},
        {"label-smoothing", s->label_smoothing, 0, 0.99},
        {"ema", s->ema, 0, 1},
        {"clip", s->clip, 0, 1e30},
        {"mix-off-epochs", whole(s->mix_off), 0, 1e6},
        {"unfreeze-at", whole(s->unfreeze_at), 0, 1e6},
        {"layer-decay", s->layer_decay, 0, 1},
        {"head-lr", s->head_lr, 0, 1e6},
        {"val", s->val, -1, 0.99},
        {"test", s->test, -1, 0.99},
        {"subset", whole(s->subset), 0, 1e15},
        {"folds", whole(s->folds), 0, 1000},
        {"early-stop", whole(s->early_stop), 0, 1e6},
        {"min-acc", s->min_acc, 0, 1},
    };
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++)
        if (ranges[i].value < ranges[i].least || ranges[i].value > ranges[i].most)
            return qn_fail(err, QUERN_INVALID, "--%s is %g; it goes from %g to %g",
                           ranges[i].name, ranges[i].value, ranges[i].least,
                           ranges[i].most);
    return QUERN_OK;
}

quern_status qn_train_check(const qn_train_settings *s, quern_error *err)
{
    QN_TRY(check_tables(s, err));
    QN_TRY(check_folds(s, err));
    QN_TRY(check_choices(s, err));
    QN_TRY(check_texts(s, err));
    return check_numbers(s, err);
}
