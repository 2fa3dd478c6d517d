/* SPDX-License-Identifier: Apache-2.0 */
/* tools/bench_model.h - a model made ready to be measured: opened, its inputs made up
 * and bound. */
#ifndef QN_TOOLS_BENCH_MODEL_H
#define QN_TOOLS_BENCH_MODEL_H

#include "engine/nets.h"
#include "formats/buffer.h"
#include "tools/feed.h"

typedef struct qn_bench_model {
    const qn_args *args;
    const char *path;
    int threads; /* of sessions; -1: what --threads says */
    qn_mem mem;
    qn_arena arena;
    qn_feed feed;
    quern_model *model;
    quern_session *session;
    bool is_built; /* path names a built-in network ... */
    qn_buf bytes;  /* ... which is this file */
    int64_t batch; /* first dim of the first input; 1 where there is none */
    double load_ms;
} qn_bench_model;

void qn_bench_model_init(qn_bench_model *m, const qn_args *args, const char *path);
/* Of sessions, as the command line says. */
quern_session_options qn_bench_session_options(const qn_bench_model *m);
/* Opens the file, or the built-in network NAME[@SIDE] when there is no such file, makes
 * inputs up as --batch, --shape and --random say, and a session that they are bound to.
 */
quern_status qn_bench_model_open(qn_bench_model *m, quern_error *err);
/* Another session over the same model and inputs. */
quern_status qn_bench_model_session(const qn_bench_model *m,
                                    const quern_session_options *opt,
                                    quern_session **out, quern_error *err);
/* NAME[@SIDE]: NULL when it is no built-in network; the side it is meant for unless one
 * is said, -1 for what is no number. */
const qn_net *qn_bench_net(const char *path, int *side);
void qn_bench_model_done(qn_bench_model *m);

#endif
