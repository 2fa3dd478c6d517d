/* SPDX-License-Identifier: Apache-2.0 */
/* tools/train_data.c - the pictures of a training: opened, checked, divided, measured.
 */
#include "formats/files.h"
#include "tools/scratch.h"
#include "tools/train_run.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SAMPLE = 2048 }; /* pictures that mean and std are measured on */

/* ---- opening and dividing ---- */

static quern_status check_classes(const qn_train_run *run, quern_error *err)
{
    const qn_dataset *set = run->set;
    void *p;
    if (set->n_classes < 2)
        return qn_fail(err, QUERN_DATA, "%s has %d class%s; training needs two",
                       set->path, set->n_classes, set->n_classes == 1 ? "" : "es");
    QN_TRY(qn_arena_array((qn_arena *)&run->arena, (size_t)set->n_classes,
                          sizeof(int64_t), &p, err));
    int64_t *count = p;
    for (int64_t i = 0; i < set->n; i++)
        if (set->label[i] >= 0 && set->split[i] == QN_SPLIT_TRAIN)
            count[set->label[i]]++;
    for (int k = 0; k < set->n_classes; k++)
        if (count[k] == 0)
            return qn_fail(err, QUERN_DATA, "class '%s' has no pictures to train on",
                           set->classes[k]);
    return QUERN_OK;
}

static void count_splits(qn_train_run *run)
{
    int64_t n[4] = {0};
    for (int64_t i = 0; i < run->set->n; i++)
        n[run->set->split[i]] += run->set->label[i] >= 0;
    run->n_train = n[QN_SPLIT_TRAIN];
    run->n_val = n[QN_SPLIT_VAL];
    run->n_test = n[QN_SPLIT_TEST];
}

static quern_status divide(qn_train_run *run, quern_error *err)
{
    const bool is_folded = run->s.folds > 1;
    const qn_split_plan plan = {.folds = is_folded ? (int)run->s.folds : 0,
                                .fold = is_folded ? atoi(run->s.fold) - 1 : 0,
                                .val = run->s.val,
                                .test = run->s.test,
                                .seed = (uint64_t)run->s.split_seed,
                                .stratify = true};
    QN_TRY(qn_dataset_split(run->set, &plan, err));
    count_splits(run);
    return check_classes(run, err);
}

/* Names instead of the numbers that some formats have. */
static quern_status name_classes(qn_train_run *run, quern_error *err)
{
    const char *const *names;
    int n;
    qn_dataset *set = run->set;
    if (!run->s.classes) return QUERN_OK;
    QN_TRY(qn_file_names(&set->arena, run->s.classes, &names, &n, err));
    if (n != set->n_classes)
        return qn_fail(err, QUERN_INVALID, "%s names %d classes, the data have %d",
                       run->s.classes, n, set->n_classes);
    memcpy(set->classes, names, (size_t)n * sizeof *names);
    return QUERN_OK;
}

/* ---- what the pictures are ---- */

/* An item of the training split, by number. */
static int64_t nth_train(const qn_dataset *set, int64_t k)
{
    for (int64_t i = 0; i < set->n; i++)
        if (set->split[i] == QN_SPLIT_TRAIN && set->label[i] >= 0 && k-- == 0) return i;
    return 0;
}

/* Gray if the set says so, or if the first pictures are. */
static quern_status find_channels(qn_train_run *run, int *out, quern_error *err)
{
    qn_arena room;
    qn_image image;
    quern_status status = QUERN_OK;
    *out = run->set->channels;
    if (*out) return QUERN_OK;
    *out = 1;
    qn_arena_init(&room, &run->mem);
    for (int64_t k = 0; k < run->n_train && k < 16 && *out == 1; k++) {
        const int64_t i =
            nth_train(run->set, k * (run->n_train / 16 + 1) % run->n_train);
        qn_arena_reset(&room);
        status = qn_dataset_read(run->set, i, &room, &image, err);
        if (status != QUERN_OK && !run->s.skip_bad) break;
        if (status == QUERN_OK && image.channels == 3) *out = 3;
        status = QUERN_OK;
    }
    qn_arena_done(&room);
    return status;
}

/* The side of the pictures where they are alike, else of what networks are made for. */
static quern_status find_size(qn_train_run *run, quern_error *err)
{
    qn_recipe *r = &run->recipe;
    if (r->height && r->width) return QUERN_OK;
    const qn_dataset *set = run->set;
    r->height = set->height;
    r->width = set->width;
    if (r->height >= QN_NET_MIN_SIDE && r->height <= QN_NET_MAX_SIDE &&
        r->width >= QN_NET_MIN_SIDE && r->width <= QN_NET_MAX_SIDE)
        return QUERN_OK;
    qn_arena room;
    qn_image image;
    qn_arena_init(&room, &run->mem);
    quern_status status = qn_dataset_read(set, nth_train(set, 0), &room, &image, err);
    qn_arena_done(&room);
    QN_TRY(status);
    const int side = image.width < image.height ? image.width : image.height;
    r->height = r->width = side >= 224 ? 128 : side >= 64 ? 64 : 32;
    return QUERN_OK;
}

typedef struct moments {
    double sum[3], squares[3], n;
} moments;

static void add_picture(moments *m, const qn_image *image)
{
    const int64_t n = (int64_t)image->width * image->height;
    for (int64_t k = 0; k < n; k++)
        for (int c = 0; c < image->channels; c++) {
            const double v = image->pixels[k * image->channels + c] / 255.0;
            m->sum[c] += v;
            m->squares[c] += v * v;
        }
    m->n += (double)n;
}

/* Evenly spread training pictures, in their order. */
static quern_status choose_sample(const qn_train_run *run, qn_arena *arena,
                                  int64_t **items, int *n, quern_error *err)
{
    const int64_t every = run->n_train / SAMPLE + 1;
    int64_t seen = 0;
    void *room;
    *n = 0;
    QN_TRY(qn_arena_array(arena, SAMPLE, sizeof **items, &room, err));
    *items = room;
    for (int64_t i = 0; i < run->set->n && *n < SAMPLE; i++)
        if (run->set->split[i] == QN_SPLIT_TRAIN && seen++ % every == 0)
            (*items)[(*n)++] = i;
    return QUERN_OK;
}

static quern_status add_sample(const qn_train_run *run, const int64_t *items, int n,
                               moments *m, quern_error *err)
{
    const qn_frame frame = qn_recipe_frame(&run->recipe);
    qn_encoded each[QN_READ_TOGETHER];
    qn_arena room;
    quern_status status = QUERN_OK;
    qn_arena_init(&room, run->arena.mem);
    for (int done = 0, some; done < n && status == QUERN_OK; done += some) {
        qn_arena_reset(&room);
        some = qn_dataset_read_some(run->set, items + done, n - done, &room, each);
        for (int k = 0; k < some && status == QUERN_OK; k++) {
            qn_image framed;
            status = each[k].status;
            if (status == QUERN_OK)
                status = qn_frame_apply(&frame, &each[k].image, &room, &framed,
                                        &each[k].err);
            if (status == QUERN_OK) add_picture(m, &framed);
            if (run->s.skip_bad && status != QUERN_MEMORY) status = QUERN_OK;
            if (status != QUERN_OK) qn_fail(err, status, "%s", each[k].err.text);
        }
    }
    qn_arena_done(&room);
    return status;
}

/* Their mean and deviation, rounded so that they read the same in config.json and
 * metadata. */
static quern_status measure(qn_train_run *run, quern_error *err)
{
    int64_t *items;
    qn_arena list;
    moments m = {{0}, {0}, 0};
    qn_recipe *r = &run->recipe;
    int n;
    qn_arena_init(&list, &run->mem);
    quern_status status = choose_sample(run, &list, &items, &n, err);
    if (status == QUERN_OK) status = add_sample(run, items, n, &m, err);
    qn_arena_done(&list);
    for (int c = 0; c < r->channels && m.n > 0; c++) {
        const int to = r->is_bgr ? r->channels - 1 - c : c;
        const double mean = m.sum[c] / m.n;
        const double var = m.squares[c] / m.n - mean * mean;
        r->mean[to] = round(mean * 1e4) / 1e4;
        r->std[to] = fmax(round(sqrt(fmax(var, 0)) * 1e4) / 1e4, 1e-2);
    }
    return status;
}

/* ---- settings about pictures ---- */

static quern_status say(qn_train_run *run, const char *key, const char *text,
                        quern_error *err)
{
    return text ? qn_recipe_say(&run->recipe, key, text, err) : QUERN_OK;
}

static quern_status keep_text(qn_train_run *run, const char **field, const char *text,
                              quern_error *err)
{
    return qn_arena_text(&run->arena, text, strlen(text), field, err);
}

static quern_status numbers_text(qn_train_run *run, const char **field, const double *x,
                                 quern_error *err)
{
    char text[96];
    if (run->recipe.channels == 1)
        snprintf(text, sizeof text, "%.9g", x[0]);
    else
        snprintf(text, sizeof text, "%.9g,%.9g,%.9g", x[0], x[1], x[2]);
    return keep_text(run, field, text, err);
}

/* The settings get what was found, so that config.json runs again without looking. */
static quern_status settle(qn_train_run *run, quern_error *err)
{
    char size[32];
    const qn_recipe *r = &run->recipe;
    snprintf(size, sizeof size, "%d,%d", r->height, r->width);
    QN_TRY(keep_text(run, &run->s.size, size, err));
    run->s.channels = r->channels == 1 ? "gray" : r->is_bgr ? "bgr" : "rgb";
    QN_TRY(numbers_text(run, &run->s.mean, r->mean, err));
    return numbers_text(run, &run->s.std, r->std, err);
}

quern_status qn_train_open_data(qn_train_run *run, quern_error *err)
{
    qn_recipe *r = &run->recipe;
    int channels;
    QN_TRY(qn_data_open(run->args, &run->mem, run->s.data, NULL, &run->set, err));
    QN_TRY(name_classes(run, err));
    quern_status status = qn_train_scan(run, err);
    if (status == QUERN_OK) status = divide(run, err);
    if (status == QUERN_OK) status = qn_train_twins(run, err);
    if (status != QUERN_OK) {
        qn_within(err, "%s", run->s.data);
        return status;
    }
    if (r->fitting == QN_FIT) r->fitting = QN_STRETCH;
    QN_TRY(say(run, "size", run->s.size, err));
    QN_TRY(say(run, "resize", run->s.resize, err));
    QN_TRY(say(run, "channels", run->s.channels, err));
    QN_TRY(say(run, "mean", run->s.mean, err));
    QN_TRY(say(run, "std", run->s.std, err));
    QN_TRY(find_channels(run, &channels, err));
    if (!r->channels) r->channels = channels;
    QN_TRY(find_size(run, err));
    const bool is_told = run->s.mean || run->s.std || (run->s.model && r->is_said);
    if (!is_told) QN_TRY(measure(run, err));
    return settle(run, err);
}
