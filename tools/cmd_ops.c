/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmd_ops.c - quern ops: the operator table as people and programs want it. */
#include "tools/options.h"
#include "tools/out.h"

#include <string.h>

const qn_option qn_ops_options[] = {
    QN_OPTION_JSON,
    QN_OPTIONS_END,
};

const char qn_ops_about[] =
    "Lists every operator with the newest version of its form, the oldest one that is\n"
    "rewritten to it on load, whether it has a gradient, and the element types of its\n"
    "first input.  Operands choose operators by name.\n";

static bool is_wanted(const qn_args *args, const char *name)
{
    for (int i = 0; i < args->n_operands; i++)
        if (!strcmp(args->operands[i], name)) return true;
    return args->n_operands == 0;
}

static const char *domain_of(const quern_op_info *op)
{
    return op->domain && *op->domain ? op->domain : "ai.onnx";
}

static void print_json(const qn_args *args, qn_buf *out)
{
    quern_op_info op;
    qn_json j;
    qn_json_begin(&j, out);
    qn_json_array(&j, "ops");
    for (int i = 0; quern_op(i, &op); i++) {
        if (!is_wanted(args, op.name)) continue;
        qn_json_object(&j, NULL);
        qn_json_text(&j, "name", op.name);
        qn_json_text(&j, "domain", domain_of(&op));
        qn_json_int(&j, "since", op.since);
        qn_json_int(&j, "first", op.first);
        qn_json_bool(&j, "gradient", op.has_gradient);
        qn_json_array(&j, "dtypes");
        for (const char *p = op.dtypes; *p;) {
            const size_t n = strcspn(p, " ");
            qn_json_text_n(&j, NULL, p, n);
            p += n + strspn(p + n, " ");
        }
        qn_json_close(&j);
        qn_json_close(&j);
    }
    qn_json_end(&j);
}

static int print_table(const qn_args *args, qn_mem *mem)
{
    quern_op_info op;
    qn_table t;
    int n = 0;
    qn_table_begin(&t, mem, "lrlll");
    qn_table_cell(&t, "operator");
    qn_table_cell(&t, "opset");
    qn_table_cell(&t, "domain");
    qn_table_cell(&t, "gradient");
    qn_table_cell(&t, "first input");
    for (int i = 0; quern_op(i, &op); i++) {
        if (!is_wanted(args, op.name)) continue;
        n++;
        qn_table_cell(&t, "%s", op.name);
        qn_table_cell(&t, "%d-%d", op.first, op.since);
        qn_table_cell(&t, "%s", domain_of(&op));
        qn_table_cell(&t, "%s", op.has_gradient ? "yes" : "no");
        qn_table_cell(&t, "%s", op.dtypes);
    }
    quern_error err;
    if (qn_table_print(&t, stdout, &err) != QUERN_OK) return qn_report(NULL, &err);
    printf("%d operators\n", n);
    return args->n_operands > 0 && n == 0 ? 3 : 0;
}

int qn_cmd_ops(const qn_args *args)
{
    qn_mem mem;
    qn_buf out;
    qn_mem_init(&mem, NULL, 0);
    if (!qn_arg_flag(args, "json")) return print_table(args, &mem);
    qn_buf_init(&out, &mem);
    print_json(args, &out);
    const int code = qn_out_flush(&out);
    qn_buf_done(&out);
    return code;
}
