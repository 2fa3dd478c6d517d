/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmd_segment.c - quern segment: pictures in, cells out. */
#include "engine/cells/segmenter.h"
#include "engine/os_spool.h"
#include "formats/raster.h"
#include "tools/feed.h"
#include "tools/segment_batch.h"
#include "tools/segment_cost.h"
#include "tools/segment_model.h"
#include "tools/segment_options.h"

#include <stdio.h>
#include <string.h>

#define SQUARES_FROM 50000000 /* pixels */
#define SQUARE       2048     /* pixels a side */

/* clang-format off */
const qn_option qn_segment_options[] = {
    {"model", 'm', QN_OPT_TEXT, "FILE", NULL,
     "ONNX network of Cellpose's kind, in place of the one built in"},
    {"diameter", 'd', QN_OPT_TEXT, "D", "auto", "of a typical cell in pixels, or auto"},
    {"chan", 0, QN_OPT_INT, "N", "0", "channel of the cells: 0 mean of all, 1 red, 2 ..."},
    {"chan2", 0, QN_OPT_INT, "N", "0", "channel of their nuclei: 0 none, 1 red, 2 ..."},
    {"gray", 0, QN_OPT_TEXT, "HOW", "mean", "colours to gray: mean, or luma (BT.601)"},
    {"percentiles", 0, QN_OPT_TEXT, "LO,HI", "1,99", "become 0 and 1"},
    {"no-norm", 0, QN_OPT_FLAG, NULL, NULL, "samples go to the network as they are"},
    {"no_norm", 0, QN_OPT_FLAG, NULL, NULL, "the same"},
    {"lowhigh", 0, QN_OPT_TEXT, "LO,HI", NULL, "samples that become 0 and 1"},
    {"tile-norm", 0, QN_OPT_INT, "N", "0", "levels of blocks of N pixels; 0: of all"},
    {"tile_norm_blocksize", 0, QN_OPT_INT, "N", NULL, "the same"},
    {"sharpen", 0, QN_OPT_REAL, "R", "0", "take off what a Gaussian of R pixels blurs"},
    {"sharpen_radius", 0, QN_OPT_REAL, "R", NULL, "the same"},
    {"smooth", 0, QN_OPT_REAL, "R", "0", "blur by a Gaussian of R pixels"},
    {"smooth_radius", 0, QN_OPT_REAL, "R", NULL, "the same"},
    {"invert", 0, QN_OPT_FLAG, NULL, NULL, "dark cells on bright ground"},
    {"tile", 0, QN_OPT_TEXT, "N", "224", "side of the network's tiles, or auto: cheapest"},
    {"bsize", 0, QN_OPT_TEXT, "N", NULL, "the same"},
    {"tile-overlap", 0, QN_OPT_REAL, "X", "0.1", "of neighbouring tiles"},
    {"tile_overlap", 0, QN_OPT_REAL, "X", NULL, "the same"},
    {"augment", 0, QN_OPT_FLAG, NULL, NULL, "tiles overlap by half and are turned over"},
    {"no-resample", 0, QN_OPT_FLAG, NULL, NULL, "dynamics at the network's scale"},
    {"no_resample", 0, QN_OPT_FLAG, NULL, NULL, "the same"},
    QN_OPTIONS_DYNAMICS,
    {"z-axis", 0, QN_OPT_INT, "A", "-1", "axis of a TIFF that is z; -1: found out"},
    {"channel-axis", 0, QN_OPT_INT, "A", "-1", "axis that is channels; -1: found out"},
    {"squares", 0, QN_OPT_TEXT, "N", "auto",
     "work on squares of N pixels: less memory; auto: where there are 50 million; 0: "
     "never"},
    QN_OPTIONS_RESULTS,
    {"resume", 0, QN_OPT_FLAG, NULL, NULL, "skip pictures that were done the same way"},
    {"dry-run", 0, QN_OPT_FLAG, NULL, NULL, "tell tiles, work and memory, do nothing"},
    QN_OPTIONS_ENGINE,
    QN_OPTION_JSON,
    QN_OPTION_QUIET,
    QN_OPTIONS_END,
};
/* clang-format on */

const char qn_segment_about[] =
    "Pictures are PNG (to 16 bits), JPEG, BMP, PNM and TIFF (8, 16, 32 bits, float,\n"
    "stacks of ImageJ and OME), or all of a folder.  Of NAME.tif it writes\n"
    "NAME_masks.png (16 bits; NAME_masks.tif beyond 65,535 cells), NAME_outlines.png,\n"
    "NAME_flows.png and what else --save lists, and NAME_segment.json, by which\n"
    "--resume knows what is done.\n"
    "\n"
    "Levels, tiles and dynamics are those of Cellpose 3.1, and its spellings of "
    "options\n"
    "are understood.  A network has one input [1, 1 to 3, H, W] and gives [1, 3, H, "
    "W]:\n"
    "dY, dX and the logit of being in a cell.  What it was made for stands in\n"
    "MODEL.onnx.json or MODEL.json: {\"name\", \"diam_mean\", \"nchan\", \"sha256\"}.\n"
    "\n"
    "  quern segment cells.png\n"
    "  quern segment photos/ -o out --save masks,outlines,csv --resume\n"
    "  quern segment stack.tif --model cyto3.onnx --diameter 30 --stitch 0.3\n"
    "  quern segment photos/ -o out --save raw && quern segment rethreshold out\n";

typedef struct segmenting {
    const qn_args *args;
    qn_mem mem, large; /* large: for what has a picture's size */
    qn_spool spool;    /* of large */
    qn_arena arena;
    qn_segment_model model;
    qn_segment_settings settings;
    qn_segment_saver saver;
    qn_segment_list list;
    qn_progress tiles; /* of a single picture */
    int64_t squares;   /* --squares; -1: auto */
    qn_planes planes;
    qn_segmented seg;
} segmenting;

/* ---- one picture ---- */

/* 0: the picture is worked on at once. */
static int64_t square_side(const segmenting *s)
{
    const int64_t pixels = s->planes.height * s->planes.width;
    if (s->planes.depth > 1) return 0;
    return s->squares >= 0 ? s->squares : pixels > SQUARES_FROM ? SQUARE : 0;
}

/* Looks at the shape first: of a picture that is worked on in squares, what is large
 * lies in files beside the results. */
static quern_status read_picture(segmenting *s, qn_segment_batch *b, const char *path,
                                 quern_error *err)
{
    qn_raster_options options = {
        .z_axis = (int)qn_arg_int(s->args, "z-axis"),
        .channel_axis = (int)qn_arg_int(s->args, "channel-axis"),
        .max_pixels = (int64_t)qn_arg_limit(s->args, "pixels", 0),
        .shape_only = true,
        .decoder = s->args->decoder};
    QN_TRY(qn_raster_load(&b->picture, path, &options, &s->planes, err));
    s->spool.least = square_side(s) > 0 ? QN_SPOOL_LEAST : SIZE_MAX;
    options.shape_only = qn_arg_flag(s->args, "dry-run");
    if (!options.shape_only)
        QN_TRY(qn_raster_load(&b->picture, path, &options, &s->planes, err));
    if (qn_arg_count(s->args, "um-per-px") > 0)
        s->planes.um_per_px = qn_arg_real(s->args, "um-per-px");
    return QUERN_OK;
}

static quern_status segment_one(qn_segment_batch *b, const qn_segment_item *item,
                                qn_segment_done *done, quern_error *err)
{
    segmenting *s = b->ctx;
    const double start = qn_os_seconds();
    QN_TRY(read_picture(s, b, item->path, err));
    const double read = qn_os_seconds();
    const int64_t side = square_side(s);
    const qn_segment_job job = {&s->model.net, &s->planes,  &s->settings,
                                NULL,          &b->picture, &b->scratch};
    if (side > 0)
        QN_TRY(qn_segment_squares(&job, side, &s->seg, err));
    else
        QN_TRY(qn_segment_run(&job, &s->seg, err));
    QN_TRY(qn_segment_errors(&s->seg, s->model.pool, &b->picture, &b->scratch, err));
    s->seg.seconds[0] += read - start;
    done->seg = &s->seg;
    done->rescale = s->model.net.diam_mean / s->seg.diameter;
    return QUERN_OK;
}

static bool tile_done(void *ctx, int64_t done, int64_t total)
{
    segmenting *s = ctx;
    s->tiles.total = total;
    if (s->list.n == 1) qn_progress_step(&s->tiles, done);
    return true;
}

/* ---- what it would take ---- */

static void print_cost(const segmenting *s, const char *path, const qn_segment_cost *c)
{
    printf(
        "%s: %lld x %lld, %lld %s of %lld tiles of %lld x %lld, %.1f GFLOP, about %s",
        QN_CLEAN(path), (long long)s->planes.width, (long long)s->planes.height,
        (long long)(c->squares ? c->squares : c->planes),
        c->squares ? "squares" : "planes", (long long)c->tiles, (long long)c->tile_w,
        (long long)c->tile_h, c->gflop, QN_BYTES(c->bytes));
    if (c->disk_bytes > 0)
        printf(", and %s of the disk while it works", QN_BYTES(c->disk_bytes));
    printf("\n");
}

static void json_cost(segmenting *s, const char *path, const qn_segment_cost *c)
{
    qn_json j;
    qn_buf line;
    qn_buf_init(&line, &s->mem);
    qn_json_begin(&j, &line);
    qn_json_text(&j, "image", path);
    qn_json_int(&j, "planes", c->planes);
    qn_json_int(&j, "tiles", c->tiles);
    if (c->squares) qn_json_int(&j, "squares", c->squares);
    qn_json_real(&j, "diameter", c->diameter);
    qn_json_real(&j, "gflop", c->gflop);
    qn_json_real(&j, "bytes", c->bytes);
    if (c->squares) qn_json_real(&j, "disk_bytes", c->disk_bytes);
    qn_json_end(&j);
    qn_out_flush(&line);
    qn_buf_done(&line);
}

static quern_status cost_of_one(qn_segment_batch *b, const qn_segment_item *item,
                                qn_segment_done *done, quern_error *err)
{
    segmenting *s = b->ctx;
    qn_segment_cost cost;
    (void)done;
    QN_TRY(read_picture(s, b, item->path, err));
    const qn_segment_job job = {&s->model.net, &s->planes,  &s->settings,
                                NULL,          &b->picture, &b->scratch};
    QN_TRY(qn_segment_cost_of(&job, square_side(s), &cost, err));
    if (qn_arg_flag(s->args, "json"))
        json_cost(s, item->path, &cost);
    else
        print_cost(s, item->path, &cost);
    return QUERN_OK;
}

/* ---- all of them ---- */

static quern_status read_squares(segmenting *s, quern_error *err)
{
    const char *text = qn_arg_text(s->args, "squares");
    s->squares = -1;
    if (!strcmp(text, "auto")) return QUERN_OK;
    if (!qn_word_int(text, &s->squares) || s->squares < 0 ||
        (s->squares > 0 && s->squares < 64) || s->squares > 65536)
        return qn_fail(err, QUERN_INVALID,
                       "--squares is '%s', not auto, 0 or 64 to 65536", text);
    return QUERN_OK;
}

static quern_status read_options(segmenting *s, quern_error *err)
{
    QN_TRY(read_squares(s, err));
    QN_TRY(qn_segment_settings_of(s->args, &s->settings, err));
    return qn_segment_saver_init(&s->saver, s->args, &s->large, err);
}

static quern_status prepare(segmenting *s, quern_error *err)
{
    const qn_args *args = s->args;
    QN_TRY(qn_segment_list_make(args->operands, args->n_operands, qn_segment_pictures,
                                &s->arena, &s->list, err));
    if (s->list.n == 0)
        return qn_fail(err, QUERN_INVALID, "%s: there are no pictures",
                       args->operands[0]);
    QN_TRY(qn_segment_model_open(&s->model, args, qn_arg_text(args, "model"), &s->arena,
                                 err));
    s->model.net.progress = tile_done;
    s->model.net.progress_ctx = s;
    if (qn_arg_flag(args, "dry-run")) return QUERN_OK;
    s->saver.pool = s->model.pool;
    s->spool.folder = s->saver.folder;
    return qn_dir_make(s->saver.folder, err);
}

static int segment_all(segmenting *s)
{
    const bool is_dry = qn_arg_flag(s->args, "dry-run");
    qn_segment_batch batch = {.args = s->args,
                              .list = &s->list,
                              .saver = is_dry ? NULL : &s->saver,
                              .work = is_dry ? cost_of_one : segment_one,
                              .ctx = s,
                              .large = &s->large};
    qn_segment_settings_hash(&s->settings, s->model.net.sha256, s->saver.list, &s->mem,
                             batch.hash);
    qn_progress_begin(&s->tiles, "tiles", 0, qn_arg_flag(s->args, "quiet"));
    const int code = qn_segment_batch_run(&batch, &s->mem);
    qn_progress_end(&s->tiles);
    return code;
}

static int segment(segmenting *s)
{
    quern_error err = {.status = QUERN_OK};
    if (read_options(s, &err) != QUERN_OK) return qn_segment_refuse(s->args, &err);
    return prepare(s, &err) == QUERN_OK ? segment_all(s) : qn_report(NULL, &err);
}

int qn_cmd_segment(const qn_args *args)
{
    segmenting s = {.args = args};
    if (args->n_operands < 1) return qn_usage(args, "needs pictures");
    qn_mem_init(&s.mem, NULL, (size_t)qn_arg_limit(args, "memory", 0));
    qn_mem_init(&s.large, NULL, s.mem.budget);
    qn_spool_init(&s.spool, ".", SIZE_MAX);
    s.large.spool = &s.spool;
    qn_arena_init(&s.arena, &s.mem);
    const int code = segment(&s);
    qn_segment_model_close(&s.model);
    qn_arena_done(&s.arena);
    return code;
}
