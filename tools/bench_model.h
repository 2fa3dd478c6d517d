/* SPDX-License-Identifier: Apache-2.0 */
/* tools/bench_model.h - a model made ready to be measured: opened, its inputs made up
 * and bound. */
#ifndef QN_TOOLS_BENCH_MODEL_H
#define QN_TOOLS_BENCH_MODEL_H

#include "tools/feed.h"

typedef struct qn_bench_model {
    const qn_args *args;
    qn_mem mem;
    qn_arena arena;
    qn_feed feed;
    quern_model *model;
    quern_session *session;
    int64_t batch; /* first dim of the first input; 1 where there is none */
    double load_ms;
} qn_bench_model;

void qn_bench_model_init(qn_bench_model *m, const qn_args *args);
/* Opens args->operands[0] and binds inputs as --batch, --shape and --random say.  opt:
 * of the session; NULL: what the options say. */
quern_status qn_bench_model_open(qn_bench_model *m, const quern_session_options *opt,
                                 quern_error *err);
/* Another session over the same model and inputs. */
quern_status qn_bench_model_session(const qn_bench_model *m,
                                    const quern_session_options *opt,
                                    quern_session **out, quern_error *err);
void qn_bench_model_done(qn_bench_model *m);

#endif
