/* SPDX-License-Identifier: Apache-2.0 */
/* tools/train_checkpoint.c - all that a training needs to go on as if it had never
 * stopped: arrays (weights, statistics, moments, average, accumulated gradient) and a
 * few numbers in the metadata.  Order, augmentation and rate are functions of those.
 *
 * A checkpoint is written whole under another name before it becomes
 * RUN/checkpoint/last.safetensors; the one before stays as previous.safetensors and is
 * taken when the last one does not read. */
#include "engine/os.h"
#include "formats/files.h"
#include "formats/safetensors.h"
#include "tools/term.h"
#include "tools/train_run.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LAST     "checkpoint/last.safetensors"
#define PREVIOUS "checkpoint/previous.safetensors"
#define NEXT     "checkpoint/next.safetensors"

/* ---- the arrays ---- */

enum { N_ARRAYS = 5 };
static const char *const array_names[N_ARRAYS] = {"weight", "moment0", "moment1",
                                                  "held", "average"};

static float **array_at(qn_trained *t, int k)
{
    float **const arrays[N_ARRAYS] = {&t->data, &t->moment[0], &t->moment[1], &t->held,
                                      &t->average};
    return arrays[k];
}

/* ---- the numbers, as text ---- */

typedef struct number {
    const char *key;
    double *real; /* one of the two */
    int64_t *whole;
} number;

enum { MAX_NUMBERS = 20 };

typedef struct numbers {
    number row[MAX_NUMBERS];
    int n;
    int64_t steps, accumulated, stalled, hash, unfrozen;
} numbers;

static void add_real(numbers *m, const char *key, double *real)
{
    m->row[m->n++] = (number){key, real, NULL};
}

static void add_whole(numbers *m, const char *key, int64_t *whole)
{
    m->row[m->n++] = (number){key, NULL, whole};
}

static void list_numbers(qn_train_run *run, numbers *m)
{
    m->n = 0;
    add_whole(m, "steps", &m->steps);
    add_whole(m, "accumulated", &m->accumulated);
    add_whole(m, "epoch", &run->epoch);
    add_whole(m, "batch", &run->batch);
    add_whole(m, "seen", &run->n_seen);
    add_whole(m, "correct", &run->n_correct);
    add_real(m, "loss_sum", &run->loss_sum);
    add_real(m, "seconds", &run->seconds);
    add_real(m, "best", &run->best);
    add_whole(m, "best_epoch", &run->best_epoch);
    add_real(m, "plateau_best", &run->schedule.best);
    add_real(m, "plateau_scale", &run->schedule.scale);
    add_whole(m, "plateau_stalled", &m->stalled);
    add_whole(m, "weights_hash", &m->hash);
    add_whole(m, "unfrozen", &m->unfrozen);
}

/* Reals as the bits they are. */
static quern_status number_text(qn_arena *arena, const number *row, const char **out,
                                quern_error *err)
{
    char text[24];
    uint64_t bits;
    memcpy(&bits, row->real ? (const void *)row->real : row->whole, sizeof bits);
    if (row->real)
        snprintf(text, sizeof text, "%016" PRIx64, bits);
    else
        snprintf(text, sizeof text, "%" PRId64, *row->whole);
    return qn_arena_text(arena, text, strlen(text), out, err);
}

static quern_status read_number(const qn_safetensors *file, const number *row,
                                quern_error *err)
{
    char *end = NULL;
    const char *text = qn_safetensors_text(file, row->key);
    if (text && row->whole) *row->whole = strtoll(text, &end, 10);
    if (text && row->real) {
        const uint64_t bits = strtoull(text, &end, 16);
        memcpy(row->real, &bits, sizeof bits);
    }
    if (text && end != text && *end == 0) return QUERN_OK;
    return qn_fail(err, QUERN_FORMAT, "its metadata has no number '%s'", row->key);
}

/* ---- saving ---- */

static quern_status gather_tensors(qn_train_run *run, qn_arena *arena,
                                   qn_safetensors *file, quern_error *err)
{
    void *p;
    const int n = qn_trainer_n(run->trainer);
    QN_TRY(qn_arena_array(arena, (size_t)n * N_ARRAYS, sizeof *file->tensors, &p, err));
    file->tensors = p;
    for (int i = 0; i < n; i++)
        for (int k = 0; k < N_ARRAYS; k++) {
            qn_trained *t = qn_trainer_at(run->trainer, i);
            float *data = *array_at(t, k);
            char name[512];
            if (!data) continue;
            qn_named_tensor *one = &file->tensors[file->n_tensors++];
            snprintf(name, sizeof name, "%s/%s", array_names[k], t->name);
            QN_TRY(qn_arena_text(arena, name, strlen(name), &one->name, err));
            qn_set_shape(&one->t, QUERN_FLOAT, t->rank, t->dim);
            one->t.data = data;
        }
    return QUERN_OK;
}

static quern_status gather_metadata(qn_train_run *run, qn_arena *arena, numbers *m,
                                    qn_safetensors *file, quern_error *err)
{
    void *p;
    qn_json j;
    qn_buf config;
    QN_TRY(qn_arena_array(arena, MAX_NUMBERS + 2, sizeof *file->metadata, &p, err));
    file->metadata = p;
    for (int i = 0; i < m->n; i++) {
        qn_safe_pair *pair = &file->metadata[file->n_metadata++];
        pair->key = m->row[i].key;
        QN_TRY(number_text(arena, &m->row[i], &pair->value, err));
    }
    qn_buf_init(&config, &run->mem);
    qn_json_begin(&j, &config);
    qn_train_settings_json(&run->s, &j);
    qn_json_end(&j);
    quern_status status = qn_buf_status(&config, err);
    qn_safe_pair *pair = &file->metadata[file->n_metadata++];
    pair->key = "config";
    if (status == QUERN_OK)
        status =
            qn_arena_text(arena, (char *)config.p, config.n - 1, &pair->value, err);
    qn_buf_done(&config);
    return status;
}

static quern_status write_checkpoint(qn_train_run *run, qn_arena *arena, qn_buf *buf,
                                     quern_error *err)
{
    char next[QN_PATH_MAX], last[QN_PATH_MAX], previous[QN_PATH_MAX];
    qn_safetensors file = {0};
    numbers m = {.steps = qn_trainer_steps(run->trainer),
                 .accumulated = qn_trainer_accumulated(run->trainer),
                 .stalled = run->schedule.n_stalled,
                 .hash = (int64_t)qn_trainer_hash(run->trainer),
                 .unfrozen = run->is_unfrozen};
    list_numbers(run, &m);
    QN_TRY(gather_tensors(run, arena, &file, err));
    QN_TRY(gather_metadata(run, arena, &m, &file, err));
    QN_TRY(qn_safetensors_write(buf, &file, err));
    QN_TRY(qn_path_format(last, err, "%s/" LAST, run->s.out));
    QN_TRY(qn_path_format(previous, err, "%s/" PREVIOUS, run->s.out));
    QN_TRY(qn_path_format(next, err, "%s/" NEXT, run->s.out));
    QN_TRY(qn_train_write(run, NEXT, buf, err));
    if (qn_file_is_there(last) && !run->last_is_bad)
        QN_TRY(qn_file_move(last, previous, err));
    QN_TRY(qn_file_move(next, last, err));
    run->last_is_bad = false;
    return QUERN_OK;
}

quern_status qn_train_save(qn_train_run *run, quern_error *err)
{
    qn_arena room;
    qn_buf buf;
    const double before = run->seconds, now = qn_os_seconds();
    run->seconds += now - run->started; /* what the checkpoint says */
    qn_arena_init(&room, &run->mem);
    qn_buf_init(&buf, &run->mem);
    const quern_status status = write_checkpoint(run, &room, &buf, err);
    qn_buf_done(&buf);
    qn_arena_done(&room);
    run->seconds = before;
    run->saved = now;
    run->saved_step = run->epoch * run->batches->per_epoch + run->batch;
    return status;
}

/* ---- when ---- */

/* "1e", "500s", "10m": epochs, steps, minutes. */
static bool is_due(const qn_train_run *run)
{
    char unit = 0;
    double n = 0;
    qn_word_amount(run->s.save_every, "esm", &n, &unit);
    const int64_t at = run->epoch * run->batches->per_epoch + run->batch;
    if (run->epoch >= run->s.epochs || !(n > 0)) return run->epoch >= run->s.epochs;
    if (unit == 'm') return qn_os_seconds() - run->saved >= 60 * n;
    if (unit == 's') return (double)(at - run->saved_step) >= n;
    return run->batch == 0 &&
           (double)(at - run->saved_step) >= n * (double)run->batches->per_epoch;
}

quern_status qn_train_pause(qn_train_run *run, quern_error *err)
{
    quern_error why = {0};
    const bool stops = qn_interrupted(NULL);
    if (!stops && !is_due(run)) return QUERN_OK;
    const quern_status status = qn_train_save(run, stops ? err : &why);
    if (status != QUERN_OK && stops) return status;
    if (status != QUERN_OK) /* the last good one is still there: go on */
        qn_say("no checkpoint: %s", why.text);
    if (!stops) return QUERN_OK;
    return qn_fail(err, QUERN_CANCELLED,
                   "stopped after batch %lld of epoch %lld; to go on: quern train "
                   "--resume -o %s",
                   (long long)run->batch, (long long)run->epoch + 1, run->s.out);
}

/* ---- taking up ---- */

static quern_status take_arrays(qn_train_run *run, const qn_safetensors *file,
                                quern_error *err)
{
    char name[512];
    for (int i = 0; i < qn_trainer_n(run->trainer); i++)
        for (int k = 0; k < N_ARRAYS; k++) {
            qn_trained *t = qn_trainer_at(run->trainer, i);
            float *data = *array_at(t, k);
            if (!data) continue;
            snprintf(name, sizeof name, "%s/%s", array_names[k], t->name);
            const qn_tensor *from = qn_safetensors_find(file, name);
            if (!from || from->dtype != QUERN_FLOAT || qn_tensor_count(from) != t->n)
                return qn_fail(err, QUERN_INVALID,
                               "it is of another network: %s '%s' of %lld numbers",
                               from ? "it has other dims for" : "it lacks", name,
                               (long long)t->n);
            memcpy(data, from->data, (size_t)t->n * sizeof(float));
        }
    return QUERN_OK;
}

static quern_status take_up(qn_train_run *run, const qn_safetensors *file,
                            quern_error *err)
{
    numbers m = {0};
    list_numbers(run, &m);
    for (int i = 0; i < m.n; i++)
        QN_TRY(read_number(file, &m.row[i], err));
    if (m.unfrozen && !run->is_unfrozen) QN_TRY(qn_train_unfreeze(run, err));
    QN_TRY(take_arrays(run, file, err));
    qn_trainer_restore(run->trainer, m.steps, (int)m.accumulated);
    run->schedule.n_stalled = (int)m.stalled;
    if ((uint64_t)m.hash != qn_trainer_hash(run->trainer))
        return qn_fail(err, QUERN_FORMAT, "its weights do not match their hash");
    return QUERN_OK;
}

static quern_status read_checkpoint(qn_train_run *run, const char *name,
                                    quern_error *err)
{
    char path[QN_PATH_MAX], *bytes;
    size_t n;
    qn_safetensors file;
    qn_arena room;
    QN_TRY(qn_path_format(path, err, "%s/%s", run->s.out, name));
    qn_arena_init(&room, &run->mem);
    quern_status status = qn_file_text(&room, path, &bytes, &n, err);
    if (status == QUERN_OK) status = qn_safetensors_parse(&room, bytes, n, &file, err);
    if (status == QUERN_OK) status = take_up(run, &file, err);
    if (status != QUERN_OK) qn_within(err, "%s", path);
    qn_arena_done(&room);
    return status;
}

static bool has_checkpoint(const qn_train_run *run, const char *name)
{
    char path[QN_PATH_MAX];
    return qn_path_format(path, NULL, "%s/%s", run->s.out, name) == QUERN_OK &&
           qn_path_look(path) != QN_PATH_ABSENT;
}

quern_status qn_train_resume(qn_train_run *run, quern_error *err)
{
    quern_error first = {0};
    if (!has_checkpoint(run, LAST) && !has_checkpoint(run, PREVIOUS)) {
        qn_say("%s has no checkpoint yet: from the beginning", run->s.out);
        return QUERN_OK;
    }
    quern_status status = read_checkpoint(run, LAST, &first);
    if (status != QUERN_OK) {
        status = read_checkpoint(run, PREVIOUS, err);
        if (status != QUERN_OK) return qn_fail(err, first.status, "%s", first.text);
        qn_say("%s; taking the one before", first.text);
        run->last_is_bad = true;
    }
    run->saved_step = run->epoch * run->batches->per_epoch + run->batch;
    return qn_train_read_rows(run, err);
}
