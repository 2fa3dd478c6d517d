/* SPDX-License-Identifier: Apache-2.0 */
/* tools/segment_save.c - see segment_save.h. */
#include "tools/segment_save.h"

#include "engine/text.h"
#include "formats/files.h"
#include "formats/json_tree.h"
#include "formats/label_file.h"
#include "formats/raster_view.h"
#include "tools/cell_outputs.h"
#include "tools/segment_options.h"

#include <stdio.h>
#include <string.h>

/* ---- what is asked for ---- */

enum { LIST = 512 /* bytes of what --save lists */ };

static bool take_own(void *ctx, const char *name)
{
    qn_segment_saver *s = ctx;
    const bool is_all = !strcmp(name, "all");
    if (!strcmp(name, "masks") || is_all) s->masks = true;
    if (!strcmp(name, "raw")) s->raw = true;
    return is_all || !strcmp(name, "masks") || !strcmp(name, "raw");
}

static int hex_digit(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c ? strchr(digits, c | 0x20) : NULL;
    return at ? (int)(at - digits) : -1;
}

static quern_status read_colour(const char *text, int *rgb, quern_error *err)
{
    const char *p = text + (*text == '#');
    *rgb = 0;
    for (int i = 0; i < 6; i++) {
        const int digit = hex_digit(p[i]);
        if (digit < 0 || (i == 5 && p[6]))
            return qn_fail(err, QUERN_INVALID,
                           "--outline-color is '%s', not six digits such as ff6b35",
                           text);
        *rgb = *rgb << 4 | digit;
    }
    return QUERN_OK;
}

static quern_status read_fov(const char *text, double fov[2], quern_error *err)
{
    const char *comma = strchr(text, ',');
    if (comma && qn_text_to_real(text, (size_t)(comma - text), &fov[0]) &&
        qn_text_to_real(comma + 1, strlen(comma + 1), &fov[1]) && fov[0] > 0 &&
        fov[1] > 0 && fov[0] < 1e6 && fov[1] < 1e6)
        return QUERN_OK;
    return qn_fail(err, QUERN_INVALID,
                   "--fov is '%s', not width and height in mm such as 1.2,0.9", text);
}

/* How the files look, and what they tell beside the picture. */
static quern_status read_details(qn_segment_saver *s, size_t used, quern_error *err)
{
    const char *colour = qn_arg_text(s->args, "outline-color");
    const char *fov = qn_arg_text(s->args, "fov");
    s->outline_rgb = -1;
    if (colour) QN_TRY(read_colour(colour, &s->outline_rgb, err));
    if (fov) QN_TRY(read_fov(fov, s->fov, err));
    if (colour || fov)
        snprintf(s->list + used, sizeof s->list - used, ";%06x;%g,%g",
                 (unsigned)s->outline_rgb & 0xffffff, s->fov[0], s->fov[1]);
    return QUERN_OK;
}

quern_status qn_segment_saver_init(qn_segment_saver *s, const qn_args *args,
                                   qn_mem *mem, quern_error *err)
{
    const int n = qn_arg_count(args, "save");
    *s = (qn_segment_saver){.args = args, .mem = mem};
    s->folder = qn_either_text(args, "output", "savedir");
    size_t used = 0;
    for (int i = 0; i < (n ? n : 1); i++) {
        const char *list = n ? qn_arg_nth(args, "save", i) : qn_arg_text(args, "save");
        uint32_t set;
        QN_TRY(qn_cell_outputs_parse(list, take_own, s, &set, err));
        s->set |= set;
        const int k =
            snprintf(s->list + used, LIST - used, "%s%s", used ? "," : "", list);
        if (k < 0 || used + (size_t)k >= LIST)
            return qn_fail(err, QUERN_INVALID, "--save is longer than %d characters",
                           (int)LIST - 1);
        used += (size_t)k;
    }
    return read_details(s, used, err);
}

/* ---- files ---- */

typedef struct saving {
    const qn_segment_saver *s;
    const qn_segment_done *done;
    qn_arena *scratch;
    qn_json files;        /* an open object of names and paths */
    qn_measures measures; /* of the last plane; the cells do not last */
} saving;

static qn_cells_sample sample_of(const qn_segment_saver *s)
{
    return (qn_cells_sample){.fov_w_mm = s->fov[0], .fov_h_mm = s->fov[1]};
}

static bool is_picture_shown(const qn_segment_saver *s)
{
    static const char *const shown[] = {"outlines", "overlay", "html"};
    for (int i = 0; qn_cell_output_at(i); i++)
        for (int k = 0; k < 3; k++)
            if ((s->set >> i & 1) && !strcmp(qn_cell_output_at(i)->name, shown[k]))
                return true;
    return false;
}

/* Measures a plane: what the writers need. */
static quern_status describe(saving *v, int64_t z, qn_cells_out *c, quern_error *err)
{
    void *image, *runs;
    const qn_measure_options usual = {.near = QN_MEASURE_NEAR};
    const qn_segmented *seg = v->done->seg;
    const qn_labels labels = qn_segmented_labels(seg, z);
    QN_TRY(qn_arena_alloc(v->scratch, sizeof(qn_image), &image, err));
    QN_TRY(qn_arena_alloc(v->scratch, sizeof(qn_runs), &runs, err));
    QN_TRY(
        qn_runs_make(&labels, (uint32_t)seg->n_labels, false, v->scratch, runs, err));
    QN_TRY(qn_measure(seg, z, runs, &usual, v->s->pool, v->scratch, &v->measures, err));
    const char *slash = strrchr(v->done->image, '/');
    *c = (qn_cells_out){.image = slash ? slash + 1 : v->done->image,
                        .seg = seg,
                        .z = z,
                        .runs = runs,
                        .measures = &v->measures,
                        .sample = sample_of(v->s),
                        .outline_rgb = v->s->outline_rgb,
                        .mem = v->s->mem};
    if (!seg->picture || !is_picture_shown(v->s)) return QUERN_OK;
    QN_TRY(qn_raster_view(seg->picture, z, v->s->pool, v->scratch, v->scratch, image,
                          err));
    c->picture = image;
    return QUERN_OK;
}

static quern_status save_masks(saving *v, int64_t z, const char *stem, quern_error *err)
{
    char base[QN_PATH_MAX], path[QN_PATH_MAX];
    const qn_labels labels = qn_segmented_labels(v->done->seg, z);
    QN_TRY(qn_path_format(base, err, "%s_masks", stem));
    const quern_status status =
        qn_label_file_save(v->s->mem, base, &labels, path, sizeof path, err);
    if (status != QUERN_OK) qn_within(err, "%s", path);
    QN_TRY(status);
    if (z == 0) qn_json_text(&v->files, "masks", path);
    return QUERN_OK;
}

static quern_status save_raw(saving *v, const char *stem, quern_error *err)
{
    char path[QN_PATH_MAX];
    const qn_cells_raw raw = {*v->done->seg, v->done->rescale, v->done->image};
    QN_TRY(qn_path_format(path, err, "%s" QN_SEGMENT_RAW, stem));
    const quern_status status = qn_cells_raw_save(v->s->mem, path, &raw, err);
    if (status != QUERN_OK) qn_within(err, "%s", path);
    QN_TRY(status);
    qn_json_text(&v->files, "raw", path);
    return QUERN_OK;
}

static quern_status save_rows(saving *v, int64_t z, const char *stem, quern_error *err)
{
    char path[QN_PATH_MAX];
    qn_cells_out c;
    if (!v->s->set && v->done->seg->depth > 1) return QUERN_OK;
    QN_TRY(describe(v, z, &c, err));
    const qn_cell_output *o;
    for (int i = 0; (o = qn_cell_output_at(i)) != NULL; i++) {
        const bool needs_flow = !strcmp(o->name, "flows") || !strcmp(o->name, "prob");
        if (!(v->s->set >> i & 1) || (needs_flow && !v->done->seg->flow)) continue;
        const quern_status status = qn_cell_output_save(o, &c, stem, path, err);
        if (status != QUERN_OK) qn_within(err, "%s", path);
        QN_TRY(status);
        if (z == 0) qn_json_text(&v->files, o->name, path);
    }
    return QUERN_OK;
}

/* A plain picture's files are called after it, a stack's have the plane in their name.
 */
static quern_status save_planes(saving *v, quern_error *err)
{
    const qn_segmented *seg = v->done->seg;
    char whole[QN_PATH_MAX], stem[QN_PATH_MAX];
    QN_TRY(qn_path_format(whole, err, "%s/%s", v->s->folder, v->done->stem));
    for (int64_t z = 0; z < seg->depth; z++) {
        if (seg->depth > 1)
            QN_TRY(qn_path_format(stem, err, "%s_z%04lld", whole, (long long)z));
        else
            memcpy(stem, whole, sizeof stem);
        if (v->s->masks) QN_TRY(save_masks(v, z, stem, err));
        QN_TRY(save_rows(v, z, stem, err));
        qn_arena_reset(v->scratch);
    }
    return v->s->raw && seg->flow ? save_raw(v, whole, err) : QUERN_OK;
}

static void put_metrics(saving *v)
{
    const qn_cells_out c = {
        .seg = v->done->seg, .measures = &v->measures, .sample = sample_of(v->s)};
    qn_cells_metrics(&c, &v->files);
}

quern_status qn_segment_save(const qn_segment_saver *s, const qn_segment_done *done,
                             qn_arena *scratch, qn_buf *line, quern_error *err)
{
    saving v = {.s = s, .done = done, .scratch = scratch};
    char path[QN_PATH_MAX];
    const size_t from = line->n;
    qn_json_begin(&v.files, line);
    qn_json_text(&v.files, "image", done->image);
    qn_json_int(&v.files, "cells", done->seg->n_labels);
    qn_json_real(&v.files, "diameter", done->seg->diameter);
    qn_json_real(&v.files, "ms", done->ms);
    qn_json_object(&v.files, "files");
    QN_TRY(save_planes(&v, err));
    qn_json_close(&v.files);
    qn_json_int(&v.files, "height", done->seg->height);
    qn_json_int(&v.files, "width", done->seg->width);
    qn_json_int(&v.files, "planes", done->seg->depth);
    if (done->seg->depth == 1) put_metrics(&v);
    qn_json_text(&v.files, "model", done->seg->model);
    qn_json_text(&v.files, "settings_sha256", done->hash);
    qn_json_end(&v.files);
    QN_TRY(qn_buf_status(line, err));
    QN_TRY(qn_path_format(path, err, "%s/%s" QN_SEGMENT_RECORD, s->folder, done->stem));
    return qn_file_replace(path, line->p + from, line->n - from, err);
}

bool qn_segment_is_done(const qn_segment_saver *s, const char *stem, const char *hash,
                        qn_arena *scratch)
{
    char path[QN_PATH_MAX];
    char *text;
    size_t n;
    const qn_tree *root;
    if (qn_path_format(path, NULL, "%s/%s" QN_SEGMENT_RECORD, s->folder, stem) !=
            QUERN_OK ||
        !qn_file_is_there(path) ||
        qn_file_text(scratch, path, &text, &n, NULL) != QUERN_OK ||
        qn_tree_parse(scratch, text, n, &root, NULL) != QUERN_OK ||
        strcmp(qn_tree_text(root, "settings_sha256", ""), hash) != 0)
        return false;
    const qn_tree *files = qn_tree_get(root, "files");
    for (const qn_tree *f = files ? files->first : NULL; f; f = f->next)
        if (f->kind != QN_TREE_TEXT || !qn_file_is_there(f->text)) return false;
    return files != NULL;
}
