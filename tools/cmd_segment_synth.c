/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmd_segment_synth.c - quern segment synth: procedural pictures of cells and
 * their labels as files. */
#include "engine/os.h"
#include "formats/files.h"
#include "formats/image.h"
#include "formats/label_file.h"
#include "formats/png_write.h"
#include "engine/cells/synth.h"
#include "tools/options.h"
#include "tools/out.h"
#include "tools/term.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const qn_option qn_segment_synth_options[] = {
    {"out", 'o', QN_OPT_TEXT, "DIR", NULL, "the folder to write to; it is made"},
    {"n", 'n', QN_OPT_INT, "N", "10", "how many pictures"},
    {"seed", 's', QN_OPT_INT, "N", "1", "another seed, other pictures"},
    {"first", 0, QN_OPT_INT, "I", "0", "number of the first picture of the seed"},
    {"size", 0, QN_OPT_TEXT, "WxH", "512x512", "pixels"},
    {"diameter", 'd', QN_OPT_REAL, "PX", "30", "of a typical cell, pixels"},
    {"mode", 0, QN_OPT_TEXT, "NAME", "mixed",
     "fluorescence, dark, ring, phase, brightfield, stained, pair"},
    {"jpeg", 0, QN_OPT_REAL, "SHARE", "0",
     "of pictures with the blocks of a JPEG, of quality 15 to 89"},
    QN_OPTION_JSON,
    QN_OPTION_QUIET,
    QN_OPTIONS_END,
};

const char qn_segment_synth_about[] =
    "Writes pictures of cells that never were, NAME.png, and their labels, "
    "NAME_masks.png\n"
    "(16 bits, 0 is background, each cell a number): to try things out, to test, to "
    "train\n"
    "by.  Picture I of a seed is always the same.\n"
    "\n"
    "  quern segment synth -o cells --n 20\n"
    "  quern segment synth -o phase --mode phase --size 1024x1024 --diameter 40\n";

typedef struct synth_job {
    const qn_args *args;
    const char *out;
    qn_synth_options opt;
    qn_mem mem;
    int64_t n, first, cells;
} synth_job;

static bool read_size(const char *text, int64_t *width, int64_t *height)
{
    char *end;
    *width = strtoll(text, &end, 10);
    if (end == text || (*end != 'x' && *end != 'X')) return false;
    text = end + 1;
    *height = strtoll(text, &end, 10);
    return end != text && *end == 0;
}

static void print_line(synth_job *job, const char *name, const qn_synth *s)
{
    qn_json j;
    qn_buf out;
    if (!qn_arg_flag(job->args, "json")) return;
    qn_buf_init(&out, &job->mem);
    qn_json_begin(&j, &out);
    qn_json_text(&j, "image", name);
    qn_json_text(&j, "mode", qn_synth_mode_name((int)s->mode, NULL));
    qn_json_int(&j, "cells", s->n);
    qn_json_end(&j);
    qn_out_flush(&out);
    qn_buf_done(&out);
}

static quern_status write_one(synth_job *job, int64_t i, qn_arena *room,
                              quern_error *err)
{
    qn_synth s;
    char path[QN_PATH_MAX], base[QN_PATH_MAX], labels[QN_PATH_MAX];
    QN_TRY(qn_synth_make(&job->opt, i, room, &s, err));
    QN_TRY(qn_path_format(path, err, "%s/%s-%05lld.png", job->out,
                          qn_synth_mode_name((int)s.mode, NULL), (long long)i));
    QN_TRY(qn_path_format(base, err, "%.*s_masks", (int)strlen(path) - 4, path));
    const qn_png png = {.width = (uint32_t)job->opt.width,
                        .height = (uint32_t)job->opt.height,
                        .channels = s.channels,
                        .bits = 8,
                        .pixels = s.pixels};
    QN_TRY(qn_png_save(&job->mem, path, &png, err));
    QN_TRY(qn_label_file_save(&job->mem, base, &s.labels, labels, sizeof labels, err));
    job->cells += s.n;
    print_line(job, path, &s);
    return QUERN_OK;
}

static quern_status write_all(synth_job *job, quern_error *err)
{
    qn_arena room;
    qn_progress p;
    quern_status status = qn_dir_make(job->out, err);
    qn_arena_init(&room, &job->mem);
    qn_progress_begin(&p, "pictures", job->n, qn_arg_flag(job->args, "quiet"));
    for (int64_t i = 0; i < job->n && status == QUERN_OK; i++) {
        status = write_one(job, job->first + i, &room, err);
        qn_arena_reset(&room);
        qn_progress_step(&p, i + 1);
        if (status == QUERN_OK && qn_interrupted(NULL))
            status = qn_fail(err, QUERN_CANCELLED, "stopped after %lld pictures",
                             (long long)i + 1);
    }
    qn_progress_end(&p);
    qn_arena_done(&room);
    return status;
}

int qn_cmd_segment_synth(const qn_args *args)
{
    quern_error err = {0};
    synth_job job = {.args = args, .out = qn_arg_text(args, "out")};
    const char *mode = qn_arg_text(args, "mode");
    job.n = qn_arg_int(args, "n");
    job.first = qn_arg_int(args, "first");
    job.opt.diameter = qn_arg_real(args, "diameter");
    job.opt.jpeg = qn_arg_real(args, "jpeg");
    job.opt.seed = (uint64_t)qn_arg_int(args, "seed");
    if (!job.out) return qn_usage(args, "needs -o DIR, where the pictures go");
    if (!qn_synth_mode_find(mode, &job.opt.mode))
        return qn_usage(args, "no mode '%.40s': mixed or one of those in --help", mode);
    if (!read_size(qn_arg_text(args, "size"), &job.opt.width, &job.opt.height))
        return qn_usage(args, "--size '%.40s' is no WxH", qn_arg_text(args, "size"));
    if (job.n < 0 || job.first < 0 || job.n > 10000000)
        return qn_usage(args, "--n %lld from --first %lld: counts from 0 to 10000000",
                        (long long)job.n, (long long)job.first);
    qn_mem_init(&job.mem, NULL, 0);
    const quern_status status = write_all(&job, &err);
    if (status == QUERN_OK) {
        if (!qn_arg_flag(args, "quiet") && !qn_arg_flag(args, "json"))
            qn_say("%lld pictures with %lld cells in %s", (long long)job.n,
                   (long long)job.cells, QN_CLEAN(job.out));
        return 0;
    }
    const int code = qn_report(NULL, &err);
    return status == QUERN_INVALID ? 2 : code;
}
