/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmd_compare.c - quern compare: how far apart two models are on the same inputs,
 * or a model and the outputs that somebody stored. */
#include "tools/feed.h"
#include "formats/files.h"
#include "tools/out.h"
#include "tools/tap.h"

#include <math.h>
#include <string.h>

const qn_option qn_compare_options[] = {
    {"input", 'i', QN_OPT_LIST, "[NAME=]FILE", NULL,
     "an input of both models; those not given are random"},
    {"random", 0, QN_OPT_INT, "SEED", "1", "seed of the inputs that are not given"},
    QN_OPTION_SHAPE,
    {"rtol", 0, QN_OPT_REAL, "R", "1e-4", "allowed error, as a part of max|b|"},
    {"atol", 0, QN_OPT_REAL, "A", "1e-7", "allowed error on top"},
    QN_OPTIONS_ENGINE,
    QN_OPTION_JSON,
    QN_OPTION_QUIET,
    QN_OPTIONS_END,
};

const char qn_compare_about[] =
    "B is a model, or a folder that holds <output>.npy, <output>.pb or output_<i>.pb "
    "for\n"
    "outputs of A (with input_<i>.pb as inputs where -i gives none).  Exit code 1 when "
    "an\n"
    "output has another type or shape, or max|a-b| is above atol + rtol * max|b|.  "
    "Where\n"
    "both are models and differ, every value that bears the same name in both is "
    "computed\n"
    "without graph passes, and the first node that differs is named.\n"
    "\n"
    "  quern compare net.onnx net-opset17.onnx --shape x=2,3,224,224\n"
    "  quern compare net.onnx stored/ -i x.npy --rtol 1e-5\n";

typedef struct comparison {
    const qn_args *args;
    qn_mem mem;
    qn_arena arena;
    qn_run a, b;
    bool is_folder; /* B is one */
    qn_table table;
    qn_buf text;
    qn_json json;
    int n_compared, n_differ;
} comparison;

/* ---- one value ------------------------------------------------------------------ */

static double largest(const qn_tensor *t)
{
    const qn_summary s = qn_value_summary(t);
    if (!s.is_number) return 0;
    const double lo = fabs(s.min), hi = fabs(s.max);
    return isinf(lo) || isinf(hi) ? 0 : lo > hi ? lo : hi;
}

static bool agree(const comparison *c, const qn_tensor *a, const qn_tensor *b,
                  qn_difference *d, quern_error *err)
{
    const double atol = qn_arg_real(c->args, "atol");
    const qn_tolerance tol = {0, atol + qn_arg_real(c->args, "rtol") * largest(b)};
    return qn_value_agrees(a, b, tol, d, err);
}

static void compare_one(comparison *c, const char *name, const qn_tensor *a,
                        const qn_tensor *b)
{
    qn_difference d = {0};
    quern_error err = {.status = QUERN_OK};
    const bool ok = agree(c, a, b, &d, &err);
    const double top = largest(b);
    c->n_compared++;
    c->n_differ += !ok;
    qn_json_object(&c->json, NULL);
    qn_json_text(&c->json, "name", name);
    qn_json_bool(&c->json, "same", ok);
    qn_json_real(&c->json, "max_abs", d.max_abs);
    qn_json_real(&c->json, "max_rel", d.max_rel);
    qn_json_real(&c->json, "max_abs_of_max", top > 0 ? d.max_abs / top : d.max_abs);
    qn_json_text(&c->json, "reason", ok ? NULL : err.text);
    qn_json_close(&c->json);
    qn_table_cell(&c->table, "%s", name);
    qn_table_cell(&c->table, "%.3g", d.max_abs);
    qn_table_cell(&c->table, "%.3g", d.max_rel);
    qn_table_cell(&c->table, "%.3g", top > 0 ? d.max_abs / top : d.max_abs);
    qn_table_cell(&c->table, "%s", ok ? "same" : err.text);
}

/* ---- a model and a folder ------------------------------------------------------- */

/* The stored value of an input or output, if there is one. */
static quern_status load_stored(comparison *c, const char *kind, int i,
                                const quern_info *info, qn_tensor *out, bool *is_there,
                                quern_error *err)
{
    const char *dir = c->args->operands[1];
    char path[QN_PATH_MAX];
    *is_there = true;
    QN_TRY(qn_path_format(path, err, "%s/%s.npy", dir, info->name));
    if (!qn_file_is_there(path))
        QN_TRY(qn_path_format(path, err, "%s/%s.pb", dir, info->name));
    if (!qn_file_is_there(path))
        QN_TRY(qn_path_format(path, err, "%s/%s_%d.pb", dir, kind, i));
    if (qn_file_is_there(path)) return qn_value_load(&c->arena, path, info, out, err);
    *is_there = false;
    return QUERN_OK;
}

static quern_status feed_stored(comparison *c, qn_feed *feed, quern_error *err)
{
    quern_info info;
    for (int i = 0; quern_model_input(feed->model, i, &info); i++)
        if (!feed->is_given[i])
            QN_TRY(load_stored(c, "input", i, &info, &feed->values[i],
                               &feed->is_given[i], err));
    return QUERN_OK;
}

static quern_status compare_folder(comparison *c, quern_error *err)
{
    quern_info info;
    for (int i = 0; quern_model_output(c->a.model, i, &info); i++) {
        qn_tensor got, want;
        bool is_there;
        QN_TRY(load_stored(c, "output", i, &info, &want, &is_there, err));
        if (!is_there) continue;
        QN_TRY(qn_value_output(c->a.session, i, &c->arena, &got, err));
        compare_one(c, info.name, &got, &want);
    }
    if (c->n_compared == 0)
        return qn_fail(err, QUERN_INVALID, "%s: holds none of the outputs",
                       c->args->operands[1]);
    return QUERN_OK;
}

/* ---- two models ----------------------------------------------------------------- */

static quern_status compare_models(comparison *c, quern_error *err)
{
    const int n = quern_model_n_outputs(c->a.model),
              m = quern_model_n_outputs(c->b.model);
    if (n != m) return qn_fail(err, QUERN_INVALID, "A has %d outputs, B has %d", n, m);
    for (int i = 0; i < n; i++) {
        quern_info info;
        qn_tensor a, b;
        quern_model_output(c->a.model, i, &info);
        QN_TRY(qn_value_output(c->a.session, i, &c->arena, &a, err));
        QN_TRY(qn_value_output(c->b.session, i, &c->arena, &b, err));
        compare_one(c, info.name, &a, &b);
    }
    return QUERN_OK;
}

/* Opens both again, every value an output, and looks for the first that differs. */
static quern_status find_first(comparison *c, const qn_feed *feed, qn_run *a, qn_run *b,
                               quern_error *err)
{
    QN_TRY(qn_run_open_tapped(a, c->args, c->args->operands[0], err));
    QN_TRY(qn_run_open_tapped(b, c->args, c->args->operands[1], err));
    QN_TRY(qn_run_values(a, feed->values, feed->n, err));
    QN_TRY(qn_run_values(b, feed->values, feed->n, err));
    for (int i = 0; i < a->n_taps; i++) {
        qn_tensor x, y;
        const int k = qn_run_find_tap(b, a->taps[i].value);
        qn_difference d = {0};
        quern_error why = {.status = QUERN_OK};
        if (k < 0) continue;
        QN_TRY(qn_value_output(a->session, a->taps[i].output, &c->arena, &x, err));
        QN_TRY(qn_value_output(b->session, b->taps[k].output, &c->arena, &y, err));
        if (agree(c, &x, &y, &d, &why)) continue;
        qn_json_object(&c->json, "first_difference");
        qn_json_text(&c->json, "node", a->taps[i].node);
        qn_json_text(&c->json, "value", a->taps[i].value);
        qn_json_text(&c->json, "reason", why.text);
        qn_json_close(&c->json);
        qn_buf_format(&c->text, "first difference: node %s, value '%s' %s\n",
                      a->taps[i].node, a->taps[i].value, why.text);
        return QUERN_OK;
    }
    qn_buf_text(&c->text, "no value that both name differs without graph passes\n");
    return QUERN_OK;
}

/* ---- the command ---------------------------------------------------------------- */

static quern_status explain(comparison *c, const qn_feed *feed, quern_error *err)
{
    qn_run a = {0}, b = {0};
    const quern_status status = find_first(c, feed, &a, &b, err);
    qn_run_close(&a);
    qn_run_close(&b);
    return status;
}

static quern_status compare(comparison *c, quern_error *err)
{
    const qn_args *args = c->args;
    qn_feed feed;
    QN_TRY(qn_run_open(&c->a, args, args->operands[0], err));
    QN_TRY(qn_feed_init(&feed, c->a.model, &c->arena, err));
    QN_TRY(qn_feed_shapes(&feed, args, err));
    QN_TRY(qn_feed_files(&feed, args, err));
    if (c->is_folder) QN_TRY(feed_stored(c, &feed, err));
    QN_TRY(qn_feed_random(&feed, qn_arg_int(args, "random"), err));
    QN_TRY(qn_run_values(&c->a, feed.values, feed.n, err));
    qn_json_array(&c->json, "outputs");
    if (c->is_folder) {
        QN_TRY(compare_folder(c, err));
        qn_json_close(&c->json);
        return QUERN_OK;
    }
    QN_TRY(qn_run_open(&c->b, args, args->operands[1], err));
    QN_TRY(qn_run_values(&c->b, feed.values, feed.n, err));
    QN_TRY(compare_models(c, err));
    qn_json_close(&c->json);
    return c->n_differ ? explain(c, &feed, err) : QUERN_OK;
}

static int show(comparison *c, qn_buf *lines)
{
    const bool is_json = qn_arg_flag(c->args, "json");
    quern_error err;
    if (qn_table_print(&c->table, is_json ? NULL : stdout, &err) != QUERN_OK)
        return qn_report(NULL, &err);
    if (is_json) qn_json_end(&c->json);
    const int code = qn_out_flush(is_json ? lines : &c->text);
    return c->n_differ ? 1 : code;
}

int qn_cmd_compare(const qn_args *args)
{
    static const char *const heads[] = {"output", "max|a-b|", "max|a-b|/|b|",
                                        "max|a-b|/max|b|", ""};
    comparison c = {.args = args};
    quern_error err = {.status = QUERN_OK};
    qn_buf lines;
    if (args->n_operands != 2)
        return qn_usage(args, "needs two models, or one and a folder");
    qn_mem_init(&c.mem, NULL, 0);
    qn_arena_init(&c.arena, &c.mem);
    qn_buf_init(&lines, &c.mem);
    qn_buf_init(&c.text, &c.mem);
    qn_table_begin(&c.table, &c.mem, "lrrrl");
    for (int i = 0; i < 5; i++)
        qn_table_cell(&c.table, "%s", heads[i]);
    qn_json_begin(&c.json, &lines);
    c.is_folder = qn_path_is_folder(args->operands[1]);
    const quern_status status = compare(&c, &err);
    const int code = status == QUERN_OK ? show(&c, &lines) : qn_report(NULL, &err);
    qn_table_end(&c.table);
    qn_run_close(&c.a);
    qn_run_close(&c.b);
    qn_buf_done(&lines);
    qn_buf_done(&c.text);
    qn_arena_done(&c.arena);
    return code;
}
