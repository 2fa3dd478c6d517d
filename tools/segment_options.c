/* SPDX-License-Identifier: Apache-2.0 */
/* tools/segment_options.c - see segment_options.h. */
#include "tools/segment_options.h"

#include "formats/json_write.h"
#include "formats/sha256.h"
#include "tools/out.h"

#include <math.h>
#include <string.h>

static bool has_option(const qn_args *args, const char *name)
{
    for (const qn_option *o = args->command->options; o->name; o++)
        if (!strcmp(o->name, name)) return true;
    return false;
}

static const char *chosen(const qn_args *args, const char *name, const char *alias)
{
    return qn_arg_count(args, alias) > 0 ? alias : name;
}

double qn_either_real(const qn_args *args, const char *name, const char *alias)
{
    return qn_arg_real(args, chosen(args, name, alias));
}

const char *qn_either_text(const qn_args *args, const char *name, const char *alias)
{
    return qn_arg_text(args, chosen(args, name, alias));
}

static int64_t either_int(const qn_args *args, const char *name, const char *alias)
{
    return qn_arg_int(args, chosen(args, name, alias));
}

static bool either_flag(const qn_args *args, const char *name, const char *alias)
{
    return qn_arg_flag(args, name) || qn_arg_flag(args, alias);
}

static quern_status in_bounds(const char *name, double value, double least, double most,
                              quern_error *err)
{
    if (value >= least && value <= most) return QUERN_OK;
    return qn_fail(err, QUERN_INVALID, "--%s is %g, not %g to %g", name, value, least,
                   most);
}

static quern_status read_diameter(const qn_args *args, double *out, quern_error *err)
{
    const char *text = qn_arg_text(args, "diameter");
    *out = 0;
    if (!strcmp(text, "auto") || !strcmp(text, "0")) return QUERN_OK;
    if (!qn_word_real(text, out) || !(*out >= 1 && *out <= 10000))
        return qn_fail(err, QUERN_INVALID, "--diameter is '%s', not auto or 1 to 10000",
                       text);
    return QUERN_OK;
}

static quern_status read_tile(const qn_args *args, int64_t *out, quern_error *err)
{
    const char *text = qn_either_text(args, "tile", "bsize");
    *out = 0;
    if (!strcmp(text, "auto")) return QUERN_OK;
    if (!qn_word_int(text, out) || *out < 32 || *out > 8192 || *out % 16 != 0)
        return qn_fail(err, QUERN_INVALID,
                       "--tile is '%s', not auto or a multiple of 16 from 32 to 8192",
                       text);
    return QUERN_OK;
}

static quern_status read_percentiles(const qn_args *args, qn_segment_settings *s,
                                     quern_error *err)
{
    char first[32];
    const char *text = qn_arg_text(args, "percentiles");
    const char *comma = strchr(text, ',');
    if (comma && comma - text < (ptrdiff_t)sizeof first) {
        memcpy(first, text, (size_t)(comma - text));
        first[comma - text] = 0;
        if (qn_word_real(first, &s->low) && qn_word_real(comma + 1, &s->high) &&
            s->low >= 0 && s->low < s->high && s->high <= 100)
            return QUERN_OK;
    }
    return qn_fail(err, QUERN_INVALID,
                   "--percentiles is '%s', not two numbers such as 1,99", text);
}

static quern_status read_lowhigh(const qn_args *args, qn_segment_settings *s,
                                 quern_error *err)
{
    const char *text = qn_arg_text(args, "lowhigh");
    const char *comma = text ? strchr(text, ',') : NULL;
    char first[40];
    if (!text) return QUERN_OK;
    if (comma && comma - text < (ptrdiff_t)sizeof first) {
        memcpy(first, text, (size_t)(comma - text));
        first[comma - text] = 0;
        if (qn_word_real(first, &s->from) && qn_word_real(comma + 1, &s->to) &&
            isfinite(s->from) && isfinite(s->to) && s->to > s->from)
            return QUERN_OK;
    }
    return qn_fail(err, QUERN_INVALID,
                   "--lowhigh is '%s', not two numbers such as 100,4000", text);
}

/* What is done to samples before levels are found, and where they are found. */
static quern_status read_filters(const qn_args *args, qn_segment_settings *s,
                                 quern_error *err)
{
    s->smooth = qn_either_real(args, "smooth", "smooth_radius");
    s->sharpen = qn_either_real(args, "sharpen", "sharpen_radius");
    s->tile_norm = either_int(args, "tile-norm", "tile_norm_blocksize");
    QN_TRY(read_lowhigh(args, s, err));
    QN_TRY(in_bounds("smooth", s->smooth, 0, 1000, err));
    QN_TRY(in_bounds("sharpen", s->sharpen, 0, 1000, err));
    if (s->tile_norm != 0)
        QN_TRY(in_bounds("tile-norm", (double)s->tile_norm, 8, 1e6, err));
    return QUERN_OK;
}

/* What stands before the network; rethreshold has none of it. */
static quern_status read_input(const qn_args *args, qn_segment_settings *s,
                               quern_error *err)
{
    const char *gray = qn_arg_text(args, "gray");
    const int64_t chan = qn_arg_int(args, "chan"), chan2 = qn_arg_int(args, "chan2");
    QN_TRY(read_diameter(args, &s->diameter, err));
    QN_TRY(read_tile(args, &s->tile, err));
    QN_TRY(read_percentiles(args, s, err));
    QN_TRY(read_filters(args, s, err));
    QN_TRY(in_bounds("chan", (double)chan, 0, 1e6, err));
    QN_TRY(in_bounds("chan2", (double)chan2, 0, 1e6, err));
    if (strcmp(gray, "mean") != 0 && strcmp(gray, "luma") != 0)
        return qn_fail(err, QUERN_INVALID, "--gray is '%s', not mean or luma", gray);
    s->chan = (int)chan;
    s->chan2 = (int)chan2;
    s->is_luma = !strcmp(gray, "luma");
    s->tile_overlap = qn_either_real(args, "tile-overlap", "tile_overlap");
    s->no_norm = either_flag(args, "no-norm", "no_norm");
    s->invert = qn_arg_flag(args, "invert");
    s->augment = qn_arg_flag(args, "augment");
    s->no_resample = either_flag(args, "no-resample", "no_resample");
    if (s->no_norm && s->invert)
        return qn_fail(err, QUERN_INVALID,
                       "--invert needs levels, --no-norm makes none");
    return in_bounds("tile-overlap", s->tile_overlap, 0.05, 0.5, err);
}

quern_status qn_segment_settings_of(const qn_args *args, qn_segment_settings *out,
                                    quern_error *err)
{
    *out = (qn_segment_settings)QN_SEGMENT_DEFAULT;
    if (has_option(args, "diameter")) QN_TRY(read_input(args, out, err));
    out->flow_threshold = qn_either_real(args, "flow-threshold", "flow_threshold");
    out->cellprob_threshold =
        qn_either_real(args, "cellprob-threshold", "cellprob_threshold");
    out->min_size = either_int(args, "min-size", "min_size");
    out->niter = qn_arg_int(args, "niter");
    out->stitch = qn_either_real(args, "stitch", "stitch_threshold");
    out->exclude_edges = either_flag(args, "exclude-edges", "exclude_on_edges");
    QN_TRY(in_bounds("flow-threshold", out->flow_threshold, 0, 1e6, err));
    QN_TRY(in_bounds("cellprob-threshold", out->cellprob_threshold, -1e6, 1e6, err));
    QN_TRY(in_bounds("min-size", (double)out->min_size, -1, 1e12, err));
    QN_TRY(in_bounds("niter", (double)out->niter, 0, 1e9, err));
    return in_bounds("stitch", out->stitch, 0, 1, err);
}

int qn_segment_refuse(const qn_args *args, const quern_error *err)
{
    return err->status == QUERN_INVALID ? qn_usage(args, "%s", err->text)
                                        : qn_report(NULL, err);
}

void qn_segment_settings_hash(const qn_segment_settings *s, const char *model_sha256,
                              const char *saved, qn_mem *mem, char hex[65])
{
    qn_buf text;
    qn_json j;
    qn_buf_init(&text, mem);
    qn_json_begin(&j, &text);
    qn_json_text(&j, "version", QUERN_VERSION);
    qn_json_text(&j, "model", model_sha256);
    qn_json_text(&j, "save", saved);
    qn_json_real(&j, "diameter", s->diameter);
    qn_json_int(&j, "chan", s->chan);
    qn_json_int(&j, "chan2", s->chan2);
    qn_json_real(&j, "flow_threshold", s->flow_threshold);
    qn_json_real(&j, "cellprob_threshold", s->cellprob_threshold);
    qn_json_int(&j, "min_size", s->min_size);
    qn_json_int(&j, "niter", s->niter);
    qn_json_int(&j, "tile", s->tile);
    qn_json_real(&j, "tile_overlap", s->tile_overlap);
    qn_json_real(&j, "low", s->low);
    qn_json_real(&j, "high", s->high);
    qn_json_real(&j, "stitch", s->stitch);
    if (s->to > s->from) qn_json_real(&j, "from", s->from);
    if (s->to > s->from) qn_json_real(&j, "to", s->to);
    if (s->smooth > 0) qn_json_real(&j, "smooth", s->smooth);
    if (s->sharpen > 0) qn_json_real(&j, "sharpen", s->sharpen);
    if (s->tile_norm > 0) qn_json_int(&j, "tile_norm", s->tile_norm);
    const bool flags[] = {s->no_norm, s->invert,      s->is_luma,
                          s->augment, s->no_resample, s->exclude_edges};
    qn_json_array(&j, "flags");
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
        qn_json_bool(&j, NULL, flags[i]);
    qn_json_close(&j);
    qn_json_end(&j);
    qn_sha256_hex(text.p ? text.p : "", text.n, hex);
    qn_buf_done(&text);
}
