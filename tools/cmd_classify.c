/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmd_classify.c - quern classify: pictures in, names out; with the truth at
 * hand, how often they are right. */
#include "engine/os.h"
#include "formats/idx.h"
#include "tools/classifier.h"
#include "tools/figures.h"
#include "formats/files.h"
#include "tools/out.h"
#include "tools/pictures.h"
#include "tools/show.h"
#include "tools/term.h"

#include <math.h>
#include <string.h>

const qn_option qn_classify_options[] = {
    {"labels", 'l', QN_OPT_TEXT, "FILE", NULL,
     "names of the classes: a line each, or JSON; instead of the model's own"},
    {"top", 'k', QN_OPT_INT, "K", "5", "classes to name per picture"},
    {"truth", 0, QN_OPT_TEXT, "FILE", NULL,
     "IDX file of the right classes: print accuracy in place of a line per picture"},
    {"confusion", 0, QN_OPT_FLAG, NULL, NULL,
     "with --truth: the confusion matrix, too"},
    {"show", 0, QN_OPT_INT, "N", "0", "draw the first N pictures in the terminal"},
    {"batch", 'b', QN_OPT_INT, "N", "64", "pictures at a time, where the model allows"},
    QN_OPTIONS_RECIPE,
    QN_OPTIONS_ENGINE,
    QN_OPTION_JSON,
    QN_OPTION_QUIET,
    QN_OPTIONS_END,
};

const char qn_classify_about[] =
    "Pictures are PNG, JPEG or BMP files (turned upright by their EXIF data), all "
    "of\n"
    "a folder, IDX files of MNIST's kind (gzipped or not), or - for standard input.  "
    "How\n"
    "they become a tensor, and the names of the classes, is read from the model's "
    "metadata\n"
    "(quern.classes, quern.size, quern.resize, quern.shorter, quern.channels, "
    "quern.mean,\n"
    "quern.std, quern.temperature); --preset and the options stand above it.\n"
    "\n"
    "Scores become probabilities by softmax, unless they are probabilities already: "
    "all\n"
    "within 0..1 with a sum of 1 (to a thousandth).\n"
    "\n"
    "  quern classify resnet50.onnx --preset imagenet --labels names.txt cat.jpg\n"
    "  quern classify net.onnx t10k-images-idx3-ubyte.gz --truth "
    "t10k-labels-idx1-ubyte.gz\n";

typedef struct classification {
    const qn_args *args;
    qn_mem mem;
    qn_arena arena;  /* for the whole command */
    qn_arena pixels; /* for a batch */
    qn_classifier net;
    qn_pictures pictures;
    qn_progress progress;
    qn_tensor truth; /* data NULL: not given */
    qn_buf outcomes; /* a qn_outcome per picture that has a truth */
    qn_buf out;
    int64_t n_done;
    int top;  /* classes to name */
    int code; /* of the first picture that could not be read */
} classification;

/* ---- one picture ---------------------------------------------------------------- */

static const char *class_name(const classification *c, int index, char number[16])
{
    const qn_recipe *r = &c->net.recipe;
    if (index >= 0 && index < r->n_classes) return r->classes[index];
    snprintf(number, 16, "%d", index);
    return number;
}

static void json_line(classification *c, const char *name, const qn_answer *a)
{
    char number[16];
    qn_json j;
    qn_json_begin(&j, &c->out);
    qn_json_text(&j, "image", name);
    qn_json_array(&j, "top");
    for (int i = 0; i < a->n && i < c->top; i++) {
        qn_json_object(&j, NULL);
        qn_json_int(&j, "index", a->best[i]);
        qn_json_text(&j, "label", class_name(c, a->best[i], number));
        qn_json_single(&j, "p", (float)a->p[i]);
        qn_json_close(&j);
    }
    qn_json_close(&j);
    qn_json_real(&j, "ms", a->ms);
    qn_json_end(&j);
}

static void text_line(classification *c, const char *name, const qn_answer *a)
{
    char number[16];
    printf("%s\n", QN_CLEAN(name));
    for (int i = 0; i < a->n && i < c->top; i++)
        printf("  %6.2f %%  %s\n", 100 * a->p[i],
               QN_CLEAN(class_name(c, a->best[i], number)));
}

/* The picture beside what it is taken for, and what it is. */
static quern_status draw(classification *c, const char *name, const qn_image *image,
                         const qn_answer *a, int64_t truth, quern_error *err)
{
    char lines[8][128], number[16];
    const char *line[8];
    int n = 0;
    snprintf(lines[n++], sizeof lines[0], "%s", QN_CLEAN(name));
    lines[n++][0] = 0;
    for (int i = 0; i < a->n && i < c->top && i < 3; i++)
        snprintf(lines[n++], sizeof lines[0], "%6.2f %%  %s", 100 * a->p[i],
                 QN_CLEAN(class_name(c, a->best[i], number)));
    if (truth >= 0) {
        lines[n++][0] = 0;
        snprintf(lines[n++], sizeof lines[0], "truth: %s%s",
                 QN_CLEAN(class_name(c, (int)truth, number)),
                 a->best[0] == truth ? ", right" : ", WRONG");
    }
    for (int i = 0; i < n; i++)
        line[i] = lines[i];
    qn_progress_hide(&c->progress);
    QN_TRY(qn_show(image, 64, line, n, &c->mem, stdout, err));
    printf("\n");
    return QUERN_OK;
}

/* Only the best answers are known: a label below them has no probability. */
static void add_outcome(classification *c, const qn_answer *a, int64_t truth)
{
    const int n = c->net.n_classes;
    const bool is_class = truth >= 0 && truth < n;
    qn_outcome o = {.label = is_class ? (int32_t)truth : -1,
                    .predicted = a->best[0],
                    .rank = n,
                    .weight = 1,
                    .confidence = a->p[0],
                    .p_label = NAN,
                    .brier = NAN};
    for (int i = 0; i < a->n; i++)
        if (a->best[i] == o.label) {
            o.rank = i;
            o.p_label = a->p[i];
        }
    o.loss = -log(o.p_label);
    qn_buf_add(&c->outcomes, &o, sizeof o);
}

static quern_status tell(classification *c, const char *name, const qn_image *image,
                         const qn_answer *a, quern_error *err)
{
    const bool is_json = qn_arg_flag(c->args, "json");
    const bool is_known = c->truth.data && c->n_done < c->truth.dim[0];
    const int64_t truth = is_known ? qn_get_int(&c->truth, c->n_done) : -1;
    const int64_t at = c->n_done++;
    if (is_known) add_outcome(c, a, truth);
    if (is_json)
        json_line(c, name, a);
    else if (at < qn_arg_int(c->args, "show"))
        QN_TRY(draw(c, name, image, a, truth, err));
    else if (!c->truth.data)
        text_line(c, name, a);
    QN_TRY(qn_buf_status(&c->out, err));
    qn_out_flush(&c->out);
    return QUERN_OK;
}

/* ---- all of them ---------------------------------------------------------------- */

/* Fills a batch; a file that is no picture is told and left out. */
static quern_status fill(classification *c, int64_t most, qn_image *images,
                         const char **names, int64_t *n, quern_error *err)
{
    for (*n = 0; *n < most;) {
        bool is_there;
        const quern_status status = qn_pictures_next(
            &c->pictures, &c->pixels, &images[*n], &names[*n], &is_there, err);
        if (status == QUERN_OK && !is_there) break;
        if (status == QUERN_OK)
            ++*n;
        else if (status == QUERN_MEMORY || c->truth.data)
            return status; /* a gap would shift the truth */
        else if (c->code == 0)
            c->code = qn_report(NULL, err);
        else
            qn_report(NULL, err);
    }
    return QUERN_OK;
}

static quern_status classify_all(classification *c, quern_error *err)
{
    const int64_t most = qn_classifier_batch(&c->net, qn_arg_int(c->args, "batch"));
    void *images, *names, *answers;
    int64_t n = 1;
    QN_TRY(qn_arena_array(&c->arena, (size_t)most, sizeof(qn_image), &images, err));
    QN_TRY(qn_arena_array(&c->arena, (size_t)most, sizeof(char *), &names, err));
    QN_TRY(qn_arena_array(&c->arena, (size_t)most, sizeof(qn_answer), &answers, err));
    while (n > 0) {
        qn_arena_reset(&c->pixels);
        QN_TRY(fill(c, most, images, names, &n, err));
        if (n == 0) break;
        QN_TRY(qn_classifier_run(&c->net, images, n, &c->pixels, answers, err));
        for (int64_t i = 0; i < n; i++)
            QN_TRY(tell(c, ((const char **)names)[i], (qn_image *)images + i,
                        (qn_answer *)answers + i, err));
        c->progress.total = c->n_done + qn_pictures_left(&c->pictures);
        qn_progress_step(&c->progress, c->n_done);
        if (qn_interrupted(NULL)) return qn_fail(err, QUERN_CANCELLED, "interrupted");
    }
    return QUERN_OK;
}

static quern_status load_truth(classification *c, quern_error *err)
{
    const char *path = qn_arg_text(c->args, "truth");
    if (!path) return QUERN_OK;
    quern_status status = qn_idx_load(&c->arena, path, 0, &c->truth, err);
    if (status == QUERN_OK &&
        (c->truth.rank != 1 || !qn_dtype_is_integer(c->truth.dtype)))
        status = qn_fail(err, QUERN_SHAPE, "labels are integers [N], not %s %s",
                         quern_dtype_name(c->truth.dtype), QN_SHAPE(&c->truth));
    if (status != QUERN_OK) qn_within(err, "%s", path);
    return status;
}

static quern_status sum_up_json(classification *c, const qn_metrics *m,
                                double images_per_s, quern_error *err)
{
    qn_json j;
    qn_json_begin(&j, &c->out);
    qn_json_int(&j, "n", m->n);
    qn_json_real(&j, "top1", m->figure[QN_FIGURE_TOP1]);
    qn_json_real(&j, "top5", m->figure[QN_FIGURE_TOP5]);
    qn_confusion_json(m, &j);
    qn_json_real(&j, "images_per_s", images_per_s);
    qn_json_end(&j);
    QN_TRY(qn_buf_status(&c->out, err));
    qn_out_flush(&c->out);
    return QUERN_OK;
}

static quern_status sum_up(classification *c, double seconds, quern_error *err)
{
    const double images_per_s = seconds > 0 ? (double)c->n_done / seconds : 0;
    const char *const *names = c->net.recipe.classes;
    qn_metrics m;
    if (!c->truth.data) return QUERN_OK;
    QN_TRY(qn_buf_status(&c->outcomes, err));
    QN_TRY(qn_metrics_of_outcomes((const qn_outcome *)(void *)c->outcomes.p,
                                  (int64_t)(c->outcomes.n / sizeof(qn_outcome)),
                                  c->net.n_classes, NULL, &c->arena, &m, err));
    if (qn_arg_flag(c->args, "json")) return sum_up_json(c, &m, images_per_s, err);
    if (qn_arg_flag(c->args, "confusion")) {
        QN_TRY(qn_print_confusion(&m, names, &c->mem, stdout, err));
        printf("\n");
    }
    QN_TRY(qn_print_classes(&m, names, &c->arena, stdout, err));
    qn_print_right(&m, stdout);
    printf("%.2f s, %.0f pictures a second\n", seconds, images_per_s);
    return QUERN_OK;
}

static quern_status classify(classification *c, quern_error *err)
{
    const bool is_quiet = qn_arg_flag(c->args, "quiet");
    const char *labels = qn_arg_text(c->args, "labels");
    QN_TRY(qn_classifier_open(&c->net, c->args, c->args->operands[0], &c->arena, err));
    if (labels) QN_TRY(qn_recipe_labels(&c->net.recipe, labels, &c->arena, err));
    if (!c->net.recipe.is_said && !is_quiet)
        qn_say("%s says nothing of its pictures: they are scaled to 0..1 and stretched "
               "(--preset imagenet, --mean and --std say else)",
               QN_CLEAN(c->args->operands[0]));
    QN_TRY(load_truth(c, err));
    const double start = qn_os_seconds();
    qn_progress_begin(&c->progress, "pictures", c->args->n_operands - 1, is_quiet);
    const quern_status status = classify_all(c, err);
    qn_progress_end(&c->progress);
    QN_TRY(status);
    if (c->n_done == 0 && c->code == 0)
        return qn_fail(err, QUERN_INVALID, "%s: there are no pictures",
                       c->args->operands[1]);
    if (c->truth.data && c->n_done != c->truth.dim[0])
        return qn_fail(err, QUERN_SHAPE, "%lld pictures and %lld labels",
                       (long long)c->n_done, (long long)c->truth.dim[0]);
    return sum_up(c, qn_os_seconds() - start, err);
}

int qn_cmd_classify(const qn_args *args)
{
    classification c = {.args = args};
    quern_error err = {.status = QUERN_OK};
    if (args->n_operands < 2) return qn_usage(args, "needs a model and pictures");
    if (qn_arg_int(args, "top") < 1) return qn_usage(args, "--top is at least 1");
    const int64_t top = qn_arg_int(args, "top");
    c.top = (int)(top > QN_TOP_MAX ? QN_TOP_MAX : top);
    qn_mem_init(&c.mem, NULL, 0);
    qn_arena_init(&c.arena, &c.mem);
    qn_arena_init(&c.pixels, &c.mem);
    qn_buf_init(&c.out, &c.mem);
    qn_buf_init(&c.outcomes, &c.mem);
    qn_pictures_init(&c.pictures, &c.mem, args->operands + 1, args->n_operands - 1,
                     (int64_t)qn_arg_limit(args, "pixels", 0));
    c.pictures.decoder = args->decoder;
    const quern_status status = classify(&c, &err);
    qn_classifier_close(&c.net);
    qn_pictures_done(&c.pictures);
    qn_buf_done(&c.out);
    qn_buf_done(&c.outcomes);
    qn_arena_done(&c.pixels);
    qn_arena_done(&c.arena);
    return status == QUERN_OK ? c.code : qn_report(NULL, &err);
}
