/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmd_segment_rethreshold.c - quern segment rethreshold: other thresholds for
 * what a network said before (--save raw), without asking it again. */
#include "engine/cells/segmenter.h"
#include "formats/cells_raw.h"
#include "formats/files.h"
#include "formats/raster.h"
#include "tools/segment_batch.h"
#include "tools/segment_options.h"

/* clang-format off */
const qn_option qn_segment_rethreshold_options[] = {
    QN_OPTIONS_DYNAMICS,
    QN_OPTIONS_RESULTS,
    {"resume", 0, QN_OPT_FLAG, NULL, NULL, "skip what was done the same way"},
    QN_OPTION_THREADS,
    QN_OPTION_LIMIT,
    QN_OPTION_JSON,
    QN_OPTION_QUIET,
    QN_OPTIONS_END,
};
/* clang-format on */

const char qn_segment_rethreshold_about[] =
    "Takes NAME_raw.npz files, or all of a folder, as quern segment --save raw writes\n"
    "them, and runs the dynamics on the flows that they hold.  With the same settings "
    "the\n"
    "cells are the same.  Intensities and outlines need the picture itself: its path "
    "is in\n"
    "the file, and outlines are drawn on black where it is gone.\n"
    "\n"
    "  quern segment rethreshold out --flow-threshold 0.8 --cellprob-threshold -1 -o "
    "out2\n";

typedef struct again {
    const qn_args *args;
    quern_pool *pool;
    qn_segment_settings settings;
    qn_cells_raw raw;
    qn_planes planes;
} again;

/* The picture, if it is where it was and of that size. */
static void find_picture(again *a, qn_arena *arena)
{
    qn_segmented *seg = &a->raw.seg;
    const qn_raster_options usual = {
        .z_axis = -1, .channel_axis = -1, .decoder = a->args->decoder};
    if (!qn_file_is_there(a->raw.image) ||
        qn_raster_load(arena, a->raw.image, &usual, &a->planes, NULL) != QUERN_OK)
        return;
    if (a->planes.depth == seg->depth && a->planes.height == seg->height &&
        a->planes.width == seg->width)
        seg->picture = &a->planes;
}

static quern_status rethreshold(qn_segment_batch *b, const qn_segment_item *item,
                                qn_segment_done *done, quern_error *err)
{
    again *a = b->ctx;
    qn_segmented *seg = &a->raw.seg;
    QN_TRY(qn_cells_raw_load(&b->picture, item->path, &a->raw, err));
    find_picture(a, &b->picture);
    seg->settings = &a->settings;
    a->settings.diameter = seg->diameter;
    if (qn_arg_count(a->args, "um-per-px") > 0)
        seg->um_per_px = qn_arg_real(a->args, "um-per-px");
    const double start = qn_os_seconds();
    QN_TRY(
        qn_segment_labels(seg, a->raw.rescale, a->pool, &b->picture, &b->scratch, err));
    QN_TRY(qn_segment_errors(seg, a->pool, &b->picture, &b->scratch, err));
    seg->seconds[2] = seg->seconds[3] = qn_os_seconds() - start;
    done->seg = seg;
    done->image = a->raw.image;
    done->rescale = a->raw.rescale;
    return QUERN_OK;
}

static quern_status prepare(again *a, qn_segment_list *list, qn_segment_saver *saver,
                            qn_arena *arena, quern_error *err)
{
    const qn_args *args = a->args;
    QN_TRY(qn_segment_list_make(args->operands, args->n_operands, qn_segment_raws,
                                arena, list, err));
    if (list->n == 0)
        return qn_fail(err, QUERN_INVALID, "%s: there are no files *" QN_SEGMENT_RAW,
                       args->operands[0]);
    QN_TRY(quern_pool_create((int)qn_arg_int(args, "threads"), &a->pool, err));
    saver->pool = a->pool;
    return qn_dir_make(saver->folder, err);
}

static int run(again *a, qn_arena *arena)
{
    qn_segment_list list;
    qn_segment_saver saver;
    quern_error err = {.status = QUERN_OK};
    quern_status status = qn_segment_settings_of(a->args, &a->settings, &err);
    if (status == QUERN_OK)
        status = qn_segment_saver_init(&saver, a->args, arena->mem, &err);
    if (status != QUERN_OK) return qn_segment_refuse(a->args, &err);
    if (prepare(a, &list, &saver, arena, &err) != QUERN_OK)
        return qn_report(NULL, &err);
    qn_segment_batch batch = {
        .args = a->args, .list = &list, .saver = &saver, .work = rethreshold, .ctx = a};
    qn_segment_settings_hash(&a->settings, "", saver.list, arena->mem, batch.hash);
    return qn_segment_batch_run(&batch, arena->mem);
}

int qn_cmd_segment_rethreshold(const qn_args *args)
{
    again a = {.args = args};
    qn_mem mem;
    qn_arena arena;
    if (args->n_operands < 1) return qn_usage(args, "needs a folder of raw outputs");
    qn_mem_init(&mem, NULL, (size_t)qn_arg_limit(args, "memory", 0));
    qn_arena_init(&arena, &mem);
    const int code = run(&a, &arena);
    quern_pool_free(a.pool);
    qn_arena_done(&arena);
    return code;
}
