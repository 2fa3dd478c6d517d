/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmd_run.c - quern run: inputs in, outputs out, and what it took. */
#include "engine/os.h"
#include "formats/npy.h"
#include "tools/feed.h"
#include "formats/files.h"
#include "tools/out.h"
#include "tools/profile.h"

#include <math.h>
#include <string.h>

const qn_option qn_run_options[] = {
    {"input", 'i', QN_OPT_LIST, "[NAME=]FILE", NULL,
     "an input: .npy, .npz, .pb or a picture; without a name, inputs fill in order"},
    {"output", 'o', QN_OPT_TEXT, "DIR", NULL, "write every output as DIR/<output>.npy"},
    QN_OPTION_SHAPE,
    {"random", 0, QN_OPT_INT, "SEED", NULL, "make up the inputs that are not given"},
    {"repeat", 'n', QN_OPT_INT, "N", "1",
     "runs after the first; run_ms is their median"},
    {"profile", 0, QN_OPT_TEXT, "FILE", NULL,
     "write the time of every node as JSON lines, and print a summary"},
    QN_OPTIONS_ENGINE,
    QN_OPTION_JSON,
    QN_OPTION_QUIET,
    QN_OPTIONS_END,
};

const char qn_run_about[] =
    "Opens a model, binds its inputs, runs it, and prints the range of every output.\n"
    "Random inputs are uniform in [0, 1) (integers 0 to 9) and depend on the seed, "
    "the\n"
    "input and the element only; their free dims are 1 unless --shape says else.\n"
    "\n"
    "  quern run resnet50.onnx --random 1 --json\n"
    "  quern run net.onnx -i x=x.npy -i mask=mask.npy -o out\n";

#define MAX_REPEAT 1000

typedef struct running {
    const qn_args *args;
    const char *path;
    qn_mem mem;
    qn_arena arena;
    quern_model *model;
    quern_session *session;
    qn_profile profile;
    double load_ms, first_ms, run_ms;
} running;

/* ---- running -------------------------------------------------------------------- */

static quern_status feed(running *r, quern_error *err)
{
    qn_feed inputs;
    QN_TRY(qn_feed_init(&inputs, r->model, &r->arena, err));
    QN_TRY(qn_feed_shapes(&inputs, r->args, err));
    QN_TRY(qn_feed_files(&inputs, r->args, err));
    if (qn_arg_text(r->args, "random"))
        QN_TRY(qn_feed_random(&inputs, qn_arg_int(r->args, "random"), err));
    return qn_feed_bind(&inputs, r->session, err);
}

static double median(double *v, int n)
{
    for (int i = 1; i < n; i++)
        for (int k = i; k > 0 && v[k - 1] > v[k]; k--) {
            const double t = v[k];
            v[k] = v[k - 1];
            v[k - 1] = t;
        }
    return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

static quern_status run_again(running *r, quern_error *err)
{
    double ms[MAX_REPEAT];
    const int64_t asked = qn_arg_int(r->args, "repeat");
    const int n = (int)(asked > MAX_REPEAT ? MAX_REPEAT : asked);
    r->run_ms = r->first_ms;
    for (int i = 0; i < n; i++) {
        const double start = qn_os_seconds();
        qn_profile_restart(&r->profile);
        QN_TRY(quern_run(r->session, err));
        ms[i] = 1e3 * (qn_os_seconds() - start);
    }
    if (n > 0) r->run_ms = median(ms, n);
    return QUERN_OK;
}

static quern_status run(running *r, quern_error *err)
{
    const quern_model_options model = qn_model_options(r->args);
    quern_session_options session = qn_session_options(r->args);
    double start = qn_os_seconds();
    if (qn_arg_text(r->args, "profile")) {
        session.profile = qn_profile_add;
        session.profile_ctx = &r->profile;
    }
    QN_TRY(quern_model_open(r->path, &model, &r->model, err));
    r->load_ms = 1e3 * (qn_os_seconds() - start);
    start = qn_os_seconds();
    QN_TRY(quern_session_create(r->model, &session, &r->session, err));
    QN_TRY(feed(r, err));
    QN_TRY(quern_run(r->session, err));
    r->first_ms = 1e3 * (qn_os_seconds() - start);
    return run_again(r, err);
}

/* ---- outputs -------------------------------------------------------------------- */

/* DIR/<name>.npy, or DIR/<name>_<k>.npy of a sequence; slashes in names become _. */
static quern_status save_one(running *r, const char *name, int64_t k,
                             const qn_tensor *t, quern_error *err)
{
    const char *dir = qn_arg_text(r->args, "output");
    char path[QN_PATH_MAX], number[24] = "";
    if (k >= 0) snprintf(number, sizeof number, "_%lld", (long long)k);
    QN_TRY(qn_path_format(path, err, "%s/%s%s.npy", dir, name, number));
    const size_t n = strlen(dir) + 1;
    for (char *p = path + n; *p; p++)
        if (*p == '/') *p = '_';
    const quern_status status = qn_npy_save(&r->mem, path, t, err);
    if (status != QUERN_OK) qn_within(err, "%s", path);
    return status;
}

static quern_status save(running *r, const char *name, const qn_tensor *t,
                         quern_error *err)
{
    if (!qn_arg_text(r->args, "output") || t->kind == QN_NONE) return QUERN_OK;
    if (t->kind == QN_TENSOR) return save_one(r, name, -1, t, err);
    for (int64_t k = 0; k < t->dim[0]; k++)
        QN_TRY(save_one(r, name, k, (qn_tensor *)t->data + k, err));
    return QUERN_OK;
}

static void json_output(qn_json *j, const char *name, const qn_tensor *t)
{
    const qn_summary s = qn_value_summary(t);
    qn_json_object(j, NULL);
    qn_json_text(j, "name", name);
    qn_json_text(j, "dtype", quern_dtype_name(t->dtype));
    qn_json_array(j, "shape");
    for (int d = 0; d < t->rank; d++)
        qn_json_int(j, NULL, t->dim[d]);
    qn_json_close(j);
    qn_json_real(j, "min", s.is_number ? s.min : (double)NAN);
    qn_json_real(j, "max", s.is_number ? s.max : (double)NAN);
    qn_json_real(j, "mean", s.is_number ? s.mean : (double)NAN);
    qn_json_close(j);
}

static void number_cell(qn_table *table, bool is_number, double value)
{
    if (is_number)
        qn_table_cell(table, "%.6g", value);
    else
        qn_table_cell(table, "-");
}

static void row_output(qn_table *table, const char *name, const qn_tensor *t)
{
    const qn_summary s = qn_value_summary(t);
    qn_table_cell(table, "%s", name);
    qn_table_cell(table, "%s%s", t->kind == QN_SEQUENCE ? "sequence of " : "",
                  t->kind == QN_NONE ? "nothing" : quern_dtype_name(t->dtype));
    qn_table_cell(table, "%s", QN_SHAPE(t));
    number_cell(table, s.is_number, s.min);
    number_cell(table, s.is_number, s.mean);
    number_cell(table, s.is_number, s.max);
}

static quern_status show(running *r, qn_json *j, qn_table *table, quern_error *err)
{
    quern_info info;
    for (int i = 0; quern_model_output(r->model, i, &info); i++) {
        qn_tensor value;
        QN_TRY(qn_value_output(r->session, i, &r->arena, &value, err));
        QN_TRY(save(r, info.name, &value, err));
        if (j)
            json_output(j, info.name, &value);
        else
            row_output(table, info.name, &value);
    }
    return QUERN_OK;
}

static quern_status show_json(running *r, quern_error *err)
{
    qn_buf out;
    qn_json j;
    qn_buf_init(&out, &r->mem);
    qn_json_begin(&j, &out);
    qn_json_array(&j, "outputs");
    quern_status status = show(r, &j, NULL, err);
    qn_json_close(&j);
    qn_json_real(&j, "load_ms", r->load_ms);
    qn_json_real(&j, "first_ms", r->first_ms);
    qn_json_real(&j, "run_ms", r->run_ms);
    qn_json_end(&j);
    if (status == QUERN_OK) status = qn_buf_status(&out, err);
    if (status == QUERN_OK) qn_out_flush(&out);
    qn_buf_done(&out);
    return status;
}

static quern_status show_text(running *r, quern_error *err)
{
    static const char *const heads[] = {"output", "type", "shape",
                                        "min",    "mean", "max"};
    quern_session_stats stats;
    qn_table table;
    qn_table_begin(&table, &r->mem, "lllrrr");
    for (int i = 0; i < 6; i++)
        qn_table_cell(&table, "%s", heads[i]);
    const quern_status status = show(r, NULL, &table, err);
    if (status != QUERN_OK) qn_table_end(&table);
    QN_TRY(status);
    QN_TRY(qn_table_print(&table, stdout, err));
    quern_session_get_stats(r->session, &stats);
    printf("load %.2f ms, first run %.2f ms, run %.2f ms, %d thread%s, %s\n",
           r->load_ms, r->first_ms, r->run_ms, stats.threads,
           stats.threads == 1 ? "" : "s", stats.isa ? stats.isa : "");
    return QUERN_OK;
}

static quern_status command(running *r, quern_error *err)
{
    const char *dir = qn_arg_text(r->args, "output"),
               *file = qn_arg_text(r->args, "profile");
    QN_TRY(run(r, err));
    if (dir && qn_dir_make(dir, err) != QUERN_OK) {
        qn_within(err, "%s", dir);
        return QUERN_IO;
    }
    QN_TRY(qn_arg_flag(r->args, "json") ? show_json(r, err) : show_text(r, err));
    if (!file) return QUERN_OK;
    if (!qn_arg_flag(r->args, "quiet")) qn_profile_print(&r->profile, stderr);
    return qn_profile_save(&r->profile, file, err);
}

int qn_cmd_run(const qn_args *args)
{
    running r = {.args = args};
    quern_error err = {.status = QUERN_OK};
    if (args->n_operands != 1) return qn_usage(args, "needs one model");
    r.path = args->operands[0];
    qn_mem_init(&r.mem, NULL, 0);
    qn_arena_init(&r.arena, &r.mem);
    qn_profile_init(&r.profile, &r.mem);
    const quern_status status = command(&r, &err);
    quern_session_free(r.session);
    quern_model_free(r.model);
    qn_profile_done(&r.profile);
    qn_arena_done(&r.arena);
    return status == QUERN_OK ? 0 : qn_report(r.path, &err);
}
