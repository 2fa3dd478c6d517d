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
#include "tools/trainer_files.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LAST     "checkpoint/last.safetensors"
#define PREVIOUS "checkpoint/previous.safetensors"

/* ---- the numbers ---- */

enum { MAX_NUMBERS = 20 };

typedef struct numbers {
    qn_run_number row[MAX_NUMBERS];
    int n;
    int64_t steps, accumulated, stalled, hash, unfrozen;
} numbers;

static void add_real(numbers *m, const char *key, double *real)
{
    m->row[m->n++] = (qn_run_number){key, real, NULL};
}

static void add_whole(numbers *m, const char *key, int64_t *whole)
{
    m->row[m->n++] = (qn_run_number){key, NULL, whole};
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

/* ---- saving ---- */

static quern_status config_text(qn_train_run *run, qn_arena *arena, const char **out,
                                quern_error *err)
{
    qn_json j;
    qn_buf config;
    qn_buf_init(&config, &run->mem);
    qn_json_begin(&j, &config);
    qn_train_settings_json(&run->s, &j);
    qn_json_end(&j);
    quern_status status = qn_buf_status(&config, err);
    if (status == QUERN_OK)
        status = qn_arena_text(arena, (char *)config.p, config.n - 1, out, err);
    qn_buf_done(&config);
    return status;
}

static quern_status write_checkpoint(qn_train_run *run, qn_arena *arena, qn_buf *buf,
                                     quern_error *err)
{
    numbers m = {.steps = qn_trainer_steps(run->trainer),
                 .accumulated = qn_trainer_accumulated(run->trainer),
                 .stalled = run->schedule.n_stalled,
                 .hash = (int64_t)qn_trainer_hash(run->trainer),
                 .unfrozen = run->is_unfrozen};
    list_numbers(run, &m);
    qn_checkpoint c = {run->trainer, m.row, m.n, "config", NULL};
    QN_TRY(config_text(run, arena, &c.text, err));
    QN_TRY(qn_checkpoint_bytes(&c, arena, buf, err));
    QN_TRY(qn_checkpoint_save(run->s.out, buf, run->last_is_bad, err));
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

static quern_status take_up(qn_train_run *run, const qn_safetensors *file,
                            quern_error *err)
{
    numbers m = {0};
    list_numbers(run, &m);
    QN_TRY(qn_checkpoint_numbers(file, m.row, m.n, err));
    if (m.unfrozen && !run->is_unfrozen) QN_TRY(qn_train_unfreeze(run, err));
    QN_TRY(qn_checkpoint_arrays(file, run->trainer, err));
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
