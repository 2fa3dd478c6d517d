/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmd_inspect.c - quern inspect: the parts of a model, its cost, what is missing.
 */
#include "tools/feed.h"
#include "tools/out.h"

#include <string.h>

const qn_option qn_inspect_options[] = {
    QN_OPTION_SHAPE, QN_OPTIONS_ENGINE, QN_OPTION_JSON, QN_OPTION_QUIET, QN_OPTIONS_END,
};

const char qn_inspect_about[] =
    "Multiply-adds and memory are those of one run with free dims at 1, or as --shape\n"
    "says; they are left out when the model cannot be planned.  Exit code 3 when the "
    "model\n"
    "needs something that this build lacks; everything else is printed all the same.\n";

typedef struct inspection {
    const qn_args *args;
    qn_mem mem;
    qn_arena arena;
    quern_model *model;
    quern_model_stats stats;
    quern_session_stats plan;
    bool is_planned;
    quern_error plan_error;
} inspection;

/* ---- facts ---------------------------------------------------------------------- */

static quern_status plan(inspection *x, quern_error *err)
{
    const quern_session_options opt = qn_session_options(x->args);
    quern_session *session = NULL;
    qn_feed feed;
    QN_TRY(qn_feed_init(&feed, x->model, &x->arena, err));
    QN_TRY(qn_feed_shapes(&feed, x->args, err));
    QN_TRY(qn_feed_zeros(&feed, err));
    QN_TRY(quern_session_create(x->model, &opt, &session, err));
    quern_status status = qn_feed_bind(&feed, session, err);
    if (status == QUERN_OK) status = quern_session_plan(session, err);
    if (status == QUERN_OK) quern_session_get_stats(session, &x->plan);
    quern_session_free(session);
    return status;
}

static bool is_missing_any(const inspection *x)
{
    quern_missing missing;
    return quern_model_missing(x->model, 0, &missing);
}

static quern_status look(inspection *x, quern_error *err)
{
    quern_model_options opt = qn_model_options(x->args);
    opt.allow_missing = 1;
    QN_TRY(quern_model_open(x->args->operands[0], &opt, &x->model, err));
    quern_model_get_stats(x->model, &x->stats);
    if (is_missing_any(x)) return QUERN_OK;
    const quern_status status = plan(x, &x->plan_error);
    x->is_planned = status == QUERN_OK;
    if (status == QUERN_MEMORY) *err = x->plan_error; /* the machine's fault */
    return status == QUERN_MEMORY ? status : QUERN_OK;
}

/* ---- JSON ----------------------------------------------------------------------- */

typedef int get_info(const quern_model *model, int i, quern_info *info);

static void json_infos(qn_json *j, const char *key, const quern_model *model,
                       get_info *get)
{
    quern_info info;
    qn_json_array(j, key);
    for (int i = 0; get(model, i, &info); i++) {
        qn_json_object(j, NULL);
        qn_json_text(j, "name", info.name);
        qn_json_text(j, "dtype", quern_dtype_name(info.dtype));
        if (info.rank < 0) {
            qn_json_text(j, "shape", NULL);
        } else {
            qn_json_array(j, "shape");
            for (int d = 0; d < info.rank; d++)
                if (info.dim[d] >= 0)
                    qn_json_int(j, NULL, info.dim[d]);
                else
                    qn_json_text(j, NULL, info.symbol[d]);
            qn_json_close(j);
        }
        if (info.is_sequence) qn_json_bool(j, "sequence", true);
        if (info.is_optional) qn_json_bool(j, "optional", true);
        qn_json_close(j);
    }
    qn_json_close(j);
}

static void json_missing(qn_json *j, const quern_model *model)
{
    quern_missing m;
    qn_json_array(j, "missing");
    for (int i = 0; quern_model_missing(model, i, &m); i++) {
        qn_json_object(j, NULL);
        qn_json_text(j, "op", m.op);
        qn_json_text(j, "domain", m.domain);
        qn_json_int(j, "since", m.since);
        qn_json_int(j, "count", m.count);
        qn_json_text(j, "reason", m.reason);
        qn_json_text(j, "nodes", m.nodes);
        qn_json_close(j);
    }
    qn_json_close(j);
}

static void json_tables(qn_json *j, const quern_model *model)
{
    const char *domain, *op, *key, *value;
    int64_t number;
    qn_json_object(j, "opsets");
    for (int i = 0; quern_model_opset(model, i, &domain, &number); i++)
        qn_json_int(j, *domain ? domain : "ai.onnx", number);
    qn_json_close(j);
    qn_json_object(j, "ops");
    for (int i = 0; quern_model_op(model, i, &op, &domain, &number); i++) {
        char name[256];
        snprintf(name, sizeof name, "%s%s%s", domain ? domain : "",
                 domain && *domain ? "." : "", op);
        qn_json_int(j, name, number);
    }
    qn_json_close(j);
    qn_json_object(j, "metadata");
    for (int i = 0; quern_model_metadata_at(model, i, &key, &value); i++)
        qn_json_text(j, key, value);
    qn_json_close(j);
}

static int print_json(inspection *x)
{
    qn_buf out;
    qn_json j;
    qn_buf_init(&out, &x->mem);
    qn_json_begin(&j, &out);
    qn_json_int(&j, "ir_version", x->stats.ir_version);
    qn_json_text(&j, "producer", x->stats.producer);
    qn_json_text(&j, "graph", x->stats.graph_name);
    qn_json_int(&j, "nodes", x->stats.nodes);
    qn_json_int(&j, "nodes_after_passes", x->stats.nodes_after_passes);
    qn_json_int(&j, "parameters", x->stats.parameters);
    qn_json_int(&j, "weight_bytes", (int64_t)x->stats.weight_bytes);
    if (x->is_planned) {
        qn_json_real(&j, "macs", x->plan.macs);
        qn_json_int(&j, "activation_bytes", (int64_t)x->plan.slab_bytes);
    } else {
        qn_json_text(&j, "macs", NULL);
        qn_json_text(&j, "activation_bytes", NULL);
    }
    json_infos(&j, "inputs", x->model, quern_model_input);
    json_infos(&j, "outputs", x->model, quern_model_output);
    json_tables(&j, x->model);
    json_missing(&j, x->model);
    qn_json_end(&j);
    const int code = qn_out_flush(&out);
    qn_buf_done(&out);
    return code;
}

/* ---- text ----------------------------------------------------------------------- */

static void info_row(qn_table *t, const char *what, const quern_info *info)
{
    char shape[256] = "[";
    size_t n = 1;
    for (int d = 0; d < info->rank && n < sizeof shape - 32; d++) {
        const char *comma = d ? "," : "";
        if (info->dim[d] >= 0)
            snprintf(shape + n, 32, "%s%lld", comma, (long long)info->dim[d]);
        else
            snprintf(shape + n, 32, "%s%.28s", comma,
                     info->symbol[d] ? info->symbol[d] : "?");
        n = strlen(shape);
    }
    snprintf(shape + n, sizeof shape - n, "]");
    qn_table_cell(t, "%s", what);
    qn_table_cell(t, "%s", info->name);
    qn_table_cell(t, "%s%s%s", info->is_optional ? "optional " : "",
                  info->is_sequence ? "sequence of " : "",
                  quern_dtype_name(info->dtype));
    qn_table_cell(t, "%s", info->rank < 0 ? "any shape" : shape);
}

static quern_status print_infos(inspection *x, quern_error *err)
{
    qn_table t;
    quern_info info;
    qn_table_begin(&t, &x->mem, "llll");
    for (int i = 0; quern_model_input(x->model, i, &info); i++)
        info_row(&t, i ? "" : "inputs", &info);
    for (int i = 0; quern_model_output(x->model, i, &info); i++)
        info_row(&t, i ? "" : "outputs", &info);
    return qn_table_print(&t, stdout, err);
}

static void print_ops(inspection *x)
{
    const char *op, *domain;
    int64_t count;
    int column = 8;
    printf("ops     ");
    for (int i = 0; quern_model_op(x->model, i, &op, &domain, &count); i++) {
        char cell[160];
        const int n =
            snprintf(cell, sizeof cell, "%s%s%.100s %lld", domain ? domain : "",
                     domain && *domain ? "." : "", op, (long long)count);
        if (column > 8 && column + 2 + n > 88) {
            printf(",\n        ");
            column = 8;
        } else if (column > 8) {
            printf(", ");
            column += 2;
        }
        printf("%s", QN_CLEAN(cell));
        column += n;
    }
    printf("\n");
}

static void print_missing(inspection *x)
{
    quern_missing m;
    for (int i = 0; quern_model_missing(x->model, i, &m); i++) {
        if (i == 0) printf("missing\n");
        printf("  %s%s%s-%lld, %lld node%s: %s\n", m.domain ? QN_CLEAN(m.domain) : "",
               m.domain && *m.domain ? "." : "", QN_CLEAN(m.op), (long long)m.since,
               (long long)m.count, m.count == 1 ? "" : "s", QN_CLEAN(m.reason));
        if (m.nodes && *m.nodes) printf("    %s\n", QN_CLEAN(m.nodes));
    }
}

static quern_status print_text(inspection *x, quern_error *err)
{
    const char *domain, *key, *value;
    int64_t version;
    printf("graph   %s, IR %lld, opset", QN_CLEAN(x->stats.graph_name),
           (long long)x->stats.ir_version);
    for (int i = 0; quern_model_opset(x->model, i, &domain, &version); i++)
        printf("%s%s%s %lld", i ? "," : "", *domain ? " " : "", QN_CLEAN(domain),
               (long long)version);
    if (x->stats.producer && *x->stats.producer)
        printf(", by %s", QN_CLEAN(x->stats.producer));
    printf("\n");
    QN_TRY(print_infos(x, err));
    printf("nodes   %s, %s after passes\n", QN_COUNT(x->stats.nodes),
           QN_COUNT(x->stats.nodes_after_passes));
    print_ops(x);
    printf("weights %s parameters, %s\n", QN_COUNT(x->stats.parameters),
           QN_BYTES(x->stats.weight_bytes));
    if (x->is_planned)
        printf("run     %s multiply-adds, %s of activations (%s without reuse)\n",
               QN_SCALED(x->plan.macs), QN_BYTES(x->plan.slab_bytes),
               QN_BYTES(x->plan.unshared_bytes));
    else if (!is_missing_any(x))
        printf("run     not planned: %s\n", QN_CLEAN(x->plan_error.text));
    for (int i = 0; quern_model_metadata_at(x->model, i, &key, &value); i++)
        printf("%s%s = %.200s\n", i ? "        " : "data    ", QN_CLEAN(key),
               QN_CLEAN(value));
    print_missing(x);
    return QUERN_OK;
}

int qn_cmd_inspect(const qn_args *args)
{
    inspection x = {.args = args};
    quern_error err;
    int code = 0;
    if (args->n_operands != 1) return qn_usage(args, "needs one model");
    qn_mem_init(&x.mem, NULL, 0);
    qn_arena_init(&x.arena, &x.mem);
    if (look(&x, &err) != QUERN_OK)
        code = qn_report(args->operands[0], &err);
    else if (qn_arg_flag(args, "json"))
        code = print_json(&x);
    else if (print_text(&x, &err) != QUERN_OK)
        code = qn_report(args->operands[0], &err);
    if (code == 0 && is_missing_any(&x)) code = 3;
    quern_model_free(x.model);
    qn_arena_done(&x.arena);
    return code;
}
