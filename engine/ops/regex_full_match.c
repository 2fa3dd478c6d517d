/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/regex_full_match.c - whether whole strings match a pattern; ONNX
 * RegexFullMatch-20. */
#include "engine/op.h"
#include "engine/regex.h"

#include <string.h>

typedef struct regex_params {
    const char *pattern;
} regex_params;

static quern_status regex_prepare(qn_prep *p, quern_error *err)
{
    const char *pattern = ((const regex_params *)p->instr->params)->pattern;
    const qn_str text = {.p = pattern, .n = strlen(pattern)};
    qn_regex *re;
    QN_TRY(qn_regex_compile(p->arena, &text, &re, err));
    p->instr->state = re;
    qn_prep_scratch(p, qn_regex_scratch(re));
    return QUERN_OK;
}

static quern_status regex_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    (void)x;
    (void)err;
    const qn_str *s = i->in[0]->data;
    uint8_t *y = i->out[0]->data;
    int64_t n = qn_tensor_count(i->in[0]);
    for (int64_t k = 0; k < n; k++)
        y[k] = qn_regex_full_match(i->state, &s[k], i->scratch);
    return QUERN_OK;
}

static const qn_attr regex_attrs[] = {
    QN_REQUIRED(regex_params, pattern, QN_ATTR_STRING),
    QN_ATTRS_END,
};

const qn_op qn_op_regex_full_match = {
    .name = "RegexFullMatch",
    .since = 20,
    .first = 20,
    .min_in = 1,
    .max_in = 1,
    .attrs = regex_attrs,
    .params_size = sizeof(regex_params),
    .types = {QN_T_STRING},
    .out_type = QUERN_BOOL,
    .infer = qn_infer_same,
    .prepare = regex_prepare,
    .run = regex_run,
};
