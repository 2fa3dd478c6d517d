/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmd_data_convert.c - quern data convert: a data set in another format. */
#include "engine/text.h"
#include "formats/dataset_write.h"
#include "tools/data_look.h"
#include "tools/options.h"
#include "tools/out.h"
#include "tools/scratch.h"
#include "tools/term.h"

#include <string.h>

enum { SHOWN = 10 }; /* rejects, for people */

const qn_option qn_data_convert_options[] = {
    {"to", 0, QN_OPT_TEXT, "FORMAT", NULL,
     "folders, csv, idx, cifar, npz, webdataset or coco"},
    {"format", 'f', QN_OPT_TEXT, "NAME", NULL,
     "the format of the source; otherwise found out"},
    {"split", 's', QN_OPT_TEXT, "NAME", NULL,
     "only these splits: train, val, test or undivided, with commas between"},
    {"resize", 0, QN_OPT_TEXT, "HxW[,HOW]", NULL,
     "make all pictures this size; HOW: stretch (default), crop, pad, or fit within "
     "it"},
    {"gray", 0, QN_OPT_FLAG, NULL, NULL, "make all pictures gray"},
    {"rgb", 0, QN_OPT_FLAG, NULL, NULL, "make all pictures RGB"},
    {"skip-bad", 0, QN_OPT_FLAG, NULL, NULL,
     "leave out what cannot be read, and tell; otherwise it is an error"},
    {"gzip", 'z', QN_OPT_FLAG, NULL, NULL, "pack the files, of idx"},
    {"shard-size", 0, QN_OPT_SIZE, "BYTES", "0",
     "begin a new archive after so many bytes, of webdataset; 0: one a split"},
    QN_OPTION_LIMIT,
    QN_OPTION_THREADS,
    QN_OPTION_JSON,
    QN_OPTION_QUIET,
    QN_OPTIONS_END,
};

const char qn_data_convert_about[] =
    "Writes the pictures, labels and splits of SRC to DST, which must not be there "
    "yet,\n"
    "in another format.  DST is a folder; for npz a file; for webdataset a folder of\n"
    "archives, or one archive if it ends in .tar.  Files of PNG and JPEG pass "
    "unchanged\n"
    "where nothing is asked of them; other pictures become PNG.  What DST's format "
    "cannot\n"
    "keep is told in a line.  If anything fails, DST is not there.\n"
    "\n"
    "  quern data convert fashion-mnist/ folders/ --to folders\n"
    "  quern data convert flowers/ flowers.npz --to npz --resize 64x64,crop --rgb\n"
    "  quern data convert digits/ cifar/ --to cifar --resize 32x32 --rgb\n"
    "  quern data convert patients.csv shards/ --to webdataset --shard-size 500M\n";

typedef struct run {
    const qn_args *args;
    qn_dataset *set;
    qn_write_plan plan;
    qn_written written;
    qn_progress progress;
    double start, seconds;
} run;

/* ---- options ---- */

static bool find_fitting(const char *word, qn_fitting *out)
{
    static const struct {
        const char *word;
        qn_fitting fitting;
    } words[] = {
        {"stretch", QN_STRETCH}, {"crop", QN_CROP}, {"pad", QN_PAD}, {"fit", QN_FIT}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (!strcmp(word, words[i].word)) {
            *out = words[i].fitting;
            return true;
        }
    return false;
}

/* The digits in front as a side of a picture; 0: they are none. */
static int take_side(const char **text)
{
    int64_t side;
    const size_t n = strspn(*text, "0123456789");
    if (!qn_text_to_int(*text, n, &side) || side < 1 || side > QN_IMAGE_MAX_SIDE)
        return 0;
    *text += n;
    return (int)side;
}

/* "32x32", "32,32", "32", and how behind a comma or colon. */
static bool read_frame(const char *text, qn_frame *frame)
{
    frame->fitting = QN_STRETCH;
    frame->height = frame->width = take_side(&text);
    if (!frame->height) return false;
    if (*text && strchr("xX,", *text) && strspn(text + 1, "0123456789")) {
        text++;
        frame->width = take_side(&text);
        if (!frame->width) return false;
    }
    return !*text || (strchr(",:|", *text) && find_fitting(text + 1, &frame->fitting));
}

static bool read_splits(const char *text, unsigned *splits)
{
    while (*text) {
        char word[32];
        const size_t n = strcspn(text, ",");
        if (n >= sizeof word) return false;
        memcpy(word, text, n);
        word[n] = 0;
        const qn_split split = qn_split_of(word);
        if (split == QN_SPLIT_NONE && strcmp(word, "undivided") != 0) return false;
        *splits |= 1u << split;
        text += n + (text[n] == ',');
    }
    return *splits != 0;
}

static int step(void *ctx, int64_t done)
{
    run *r = ctx;
    qn_progress_step(&r->progress, done);
    return qn_interrupted(NULL);
}

/* 0, or the exit code after a word about usage. */
static int read_options(run *r)
{
    const qn_args *args = r->args;
    const char *resize = qn_arg_text(args, "resize"),
               *split = qn_arg_text(args, "split");
    qn_write_plan *plan = &r->plan;
    if (args->n_operands != 2) return qn_usage(args, "needs a data set and a target");
    *plan = (qn_write_plan){.format = qn_arg_text(args, "to"),
                            .target = args->operands[1],
                            .skip_bad = qn_arg_flag(args, "skip-bad"),
                            .gzip = qn_arg_flag(args, "gzip"),
                            .shard = qn_arg_size(args, "shard-size"),
                            .step = step,
                            .ctx = r};
    if (!plan->format) return qn_usage(args, "needs --to FORMAT");
    if (!qn_dataset_writer_find(plan->format))
        return qn_usage(args,
                        "--to '%s': there are folders, csv, idx, cifar, npz, "
                        "webdataset and coco",
                        plan->format);
    if (resize && !read_frame(resize, &plan->frame))
        return qn_usage(args, "--resize '%s': it is no size like 32x32 or 32x32,crop",
                        resize);
    if (split && !read_splits(split, &plan->splits))
        return qn_usage(args, "--split '%s': there are train, val, test and undivided",
                        split);
    if (qn_arg_flag(args, "gray") && qn_arg_flag(args, "rgb"))
        return qn_usage(args, "--gray and --rgb exclude each other");
    if (qn_arg_flag(args, "gray")) plan->frame.channels = 1;
    if (qn_arg_flag(args, "rgb")) plan->frame.channels = 3;
    return 0;
}

/* ---- what came out ---- */

static void put_splits(qn_json *j, const int64_t in_split[4])
{
    qn_json_object(j, "splits");
    for (int s = 0; s < 4; s++)
        if (in_split[s]) qn_json_int(j, qn_split_key((qn_split)s), in_split[s]);
    qn_json_close(j);
}

static int tell_json(const run *r, qn_mem *mem)
{
    const qn_written *w = &r->written;
    qn_buf out;
    qn_json j;
    qn_buf_init(&out, mem);
    qn_json_begin(&j, &out);
    qn_json_text(&j, "source", r->set->path);
    qn_json_text(&j, "format", r->set->format->name);
    qn_json_text(&j, "target", r->plan.target);
    qn_json_text(&j, "to", qn_dataset_writer_find(r->plan.format)->name);
    qn_json_int(&j, "items", w->n);
    qn_json_int(&j, "classes", r->set->n_classes);
    put_splits(&j, w->in_split);
    qn_json_int(&j, "copied", w->n_copied);
    qn_json_int(&j, "bytes", (int64_t)w->bytes);
    qn_json_text(&j, "lost", w->lost[0] ? w->lost : NULL);
    qn_json_rejects(&j, r->set);
    qn_json_text(&j, "content_sha256", w->sum);
    qn_json_real(&j, "seconds", r->seconds);
    qn_json_end(&j);
    const int code = qn_out_flush(&out);
    qn_buf_done(&out);
    return code;
}

static int tell_people(const run *r)
{
    const qn_written *w = &r->written;
    printf("%s: %s, %s items of %d classes, %s of pictures", QN_CLEAN(r->plan.target),
           qn_dataset_writer_find(r->plan.format)->name, QN_COUNT(w->n),
           r->set->n_classes, QN_BYTES(w->bytes));
    if (w->n_copied) printf(", %s files copied as they are", QN_COUNT(w->n_copied));
    printf("\ncontent %s\n", w->sum);
    return 0;
}

/* On stderr, whatever is printed: what is not in the target. */
static void tell_lack(const run *r)
{
    const qn_dataset *set = r->set;
    if (qn_arg_flag(r->args, "quiet")) return;
    if (r->written.lost[0])
        qn_say("%s does not hold: %s", qn_dataset_writer_find(r->plan.format)->name,
               QN_CLEAN(r->written.lost));
    if (set->n_rejects) qn_say("%s items are left out", QN_COUNT(set->n_rejects));
    for (int i = 0; i < set->n_rejects && i < SHOWN; i++)
        qn_say("  %s: %s", QN_CLEAN(set->rejects[i].item),
               QN_CLEAN(set->rejects[i].reason));
    if (set->n_rejects > SHOWN)
        qn_say("  and %s more", QN_COUNT(set->n_rejects - SHOWN));
}

/* ---- the command ---- */

static quern_status convert(run *r, qn_mem *mem, quern_error *err)
{
    const qn_args *args = r->args;
    QN_TRY(qn_data_open(args, mem, args->operands[0], qn_arg_text(args, "format"),
                        &r->set, err));
    QN_TRY(quern_pool_create((int)qn_arg_int(args, "threads"), &r->plan.pool, err));
    qn_progress_begin(&r->progress, "pictures", qn_write_count(r->set, &r->plan),
                      qn_arg_flag(args, "quiet"));
    const quern_status status = qn_dataset_write(r->set, &r->plan, &r->written, err);
    qn_progress_end(&r->progress);
    quern_pool_free(r->plan.pool);
    return status;
}

int qn_cmd_data_convert(const qn_args *args)
{
    qn_mem mem;
    quern_error err;
    run r = {.args = args, .start = qn_os_seconds()};
    int code = read_options(&r);
    if (code) return code;
    qn_interrupt_install();
    qn_mem_init(&mem, NULL, 0);
    if (convert(&r, &mem, &err) != QUERN_OK) {
        code = qn_report(NULL, &err);
    } else {
        r.seconds = qn_os_seconds() - r.start;
        tell_lack(&r);
        code = qn_arg_flag(args, "json") ? tell_json(&r, &mem) : tell_people(&r);
    }
    qn_dataset_close(r.set);
    return code;
}
