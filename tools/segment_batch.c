/* SPDX-License-Identifier: Apache-2.0 */
/* tools/segment_batch.c - see segment_batch.h. */
#include "tools/segment_batch.h"

#include "formats/files.h"
#include "tools/cells_summary.h"
#include "tools/term.h"

#include <stdio.h>
#include <string.h>

static bool is_json(const qn_segment_batch *b)
{
    return qn_arg_flag(b->args, "json");
}

/* ---- telling ---- */

static void tell_done(qn_segment_batch *b, const qn_segment_done *done, qn_buf *line)
{
    qn_progress_hide(&b->progress);
    if (is_json(b))
        qn_out_flush(line);
    else
        printf("%s: %s cells, diameter %.1f px, %.0f ms\n", QN_CLEAN(done->image),
               QN_COUNT(done->seg->n_labels), done->seg->diameter, done->ms);
}

static void tell_failed(qn_segment_batch *b, const char *image, const quern_error *err,
                        qn_mem *mem)
{
    qn_json j;
    qn_buf line;
    qn_progress_hide(&b->progress);
    qn_report(image, err);
    if (!is_json(b)) return;
    qn_buf_init(&line, mem);
    qn_json_begin(&j, &line);
    qn_json_text(&j, "image", image);
    qn_json_text(&j, "error", err->text);
    qn_json_end(&j);
    qn_out_flush(&line);
    qn_buf_done(&line);
}

static void sum_up(const qn_segment_batch *b, double seconds)
{
    if (b->list->n < 2 || qn_arg_flag(b->args, "quiet") || !b->saver) return;
    qn_say("%s cells in %lld of %lld pictures; %lld failed, %lld were there already; "
           "%.1f s",
           QN_COUNT(b->n_cells), (long long)b->n_done, (long long)b->list->n,
           (long long)b->n_failed, (long long)b->n_skipped, seconds);
}

/* ---- all of them together ---- */

/* Keeps why a picture failed; a sentence that finds no memory is left out. */
static void note_failure(qn_segment_batch *b, const quern_error *err)
{
    const char *why = "it failed";
    qn_arena_text(&b->kept, err->text, strlen(err->text), &why, NULL);
    if (b->items) b->items[b->at].error = why;
}

static quern_status begin_summary(qn_segment_batch *b, quern_error *err)
{
    const qn_segment_list *list = b->list;
    char path[QN_PATH_MAX];
    void *items;
    if (list->n < 2 || !b->saver) return QUERN_OK;
    QN_TRY(qn_arena_array(&b->kept, (size_t)list->n, sizeof(qn_summary_item), &items,
                          err));
    b->items = items;
    for (int64_t i = 0; i < list->n; i++) {
        b->items[i].image = list->item[i].path;
        QN_TRY(qn_path_format(path, err, "%s/%s" QN_SEGMENT_RECORD, b->saver->folder,
                              list->item[i].stem));
        QN_TRY(qn_arena_text(&b->kept, path, strlen(path), &b->items[i].record, err));
    }
    return QUERN_OK;
}

static quern_status end_summary(const qn_segment_batch *b, qn_mem *mem,
                                quern_error *err)
{
    if (!b->items) return QUERN_OK;
    return qn_cells_summary_save(mem, b->saver->folder, b->items, b->list->n, err);
}

/* ---- one after the other ---- */

static quern_status one(qn_segment_batch *b, const qn_segment_item *item, qn_buf *line,
                        quern_error *err)
{
    qn_segment_done done = {.image = item->path, .stem = item->stem, .hash = b->hash};
    const double start = qn_os_seconds();
    QN_TRY(b->work(b, item, &done, err));
    if (!b->saver) return QUERN_OK;
    done.ms = 1e3 * (qn_os_seconds() - start);
    QN_TRY(qn_segment_save(b->saver, &done, &b->files, line, err));
    b->n_cells += done.seg->n_labels;
    tell_done(b, &done, line);
    return QUERN_OK;
}

static int failed(qn_segment_batch *b, const char *path, const quern_error *err,
                  qn_mem *mem)
{
    b->n_failed++;
    note_failure(b, err);
    tell_failed(b, path, err, mem);
    return b->list->n > 1 ? 1 : quern_status_exit_code(err->status);
}

static bool is_done_before(qn_segment_batch *b, const qn_segment_item *item)
{
    return b->saver && qn_arg_flag(b->args, "resume") &&
           qn_segment_is_done(b->saver, item->stem, b->hash, &b->scratch);
}

static int run_all(qn_segment_batch *b, qn_mem *mem, qn_buf *line)
{
    int code = 0;
    for (b->at = 0; b->at < b->list->n; b->at++) {
        const qn_segment_item *item = &b->list->item[b->at];
        quern_error err = {.status = QUERN_OK};
        qn_arena_reset(&b->scratch);
        qn_arena_done(&b->picture); /* pictures differ in size: nothing is kept */
        qn_arena_done(&b->files);
        qn_buf_clear(line);
        if (qn_interrupted(NULL)) return 130;
        if (is_done_before(b, item)) {
            b->n_skipped++;
            continue;
        }
        const quern_status status = one(b, item, line, &err);
        if (status == QUERN_CANCELLED) return qn_report(item->path, &err);
        if (status == QUERN_OK)
            b->n_done++;
        else
            code = failed(b, item->path, &err, mem);
        qn_progress_step(&b->progress, b->at + 1);
    }
    return code;
}

static int run_batch(qn_segment_batch *b, qn_mem *mem)
{
    qn_buf line;
    quern_error err = {.status = QUERN_OK};
    const double start = qn_os_seconds();
    if (begin_summary(b, &err) != QUERN_OK) return qn_report(NULL, &err);
    qn_buf_init(&line, mem);
    qn_progress_begin(&b->progress, "pictures", b->list->n,
                      qn_arg_flag(b->args, "quiet"));
    const int code = run_all(b, mem, &line);
    qn_progress_end(&b->progress);
    qn_buf_done(&line);
    sum_up(b, qn_os_seconds() - start);
    if (code != 130 && end_summary(b, mem, &err) != QUERN_OK)
        return qn_report(NULL, &err);
    return code;
}

int qn_segment_batch_run(qn_segment_batch *b, qn_mem *mem)
{
    qn_arena_init(&b->picture, b->large ? b->large : mem);
    qn_arena_init(&b->files, b->large ? b->large : mem);
    qn_arena_init(&b->scratch, mem);
    qn_arena_init(&b->kept, mem);
    const int code = run_batch(b, mem);
    qn_arena_done(&b->kept);
    qn_arena_done(&b->scratch);
    qn_arena_done(&b->files);
    qn_arena_done(&b->picture);
    return code;
}
