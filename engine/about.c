/* SPDX-License-Identifier: Apache-2.0 */
/* engine/about.c - what this build can do, for people and programs that ask. */
#include "engine/op.h"

#include <stdio.h>

static void list_types(uint32_t set, char *text, size_t size)
{
    size_t at = 0;
    text[0] = 0;
    for (int t = 0; t < 32 && at < size; t++)
        if (set & QN_BIT(t))
            at += (size_t)snprintf(text + at, size - at, "%s%s", at ? " " : "",
                                   quern_dtype_name((quern_dtype)t));
}

int quern_op(int i, quern_op_info *info)
{
    int n;
    const qn_op *const *rows = qn_ops(&n);
    if (i < 0 || i >= n) return 0;
    const qn_op *op = rows[i];
    *info = (quern_op_info){.name = op->name,
                            .domain = op->domain ? op->domain : "",
                            .since = op->since,
                            .first = op->first ? op->first : 1,
                            .has_gradient = op->grad != NULL};
    list_types(qn_op_types(op, 0), info->dtypes, sizeof info->dtypes);
    return 1;
}

const char *quern_cpu_isa(void)
{
    return qn_isa_name(qn_cpu_isa());
}
