/* SPDX-License-Identifier: Apache-2.0 */
/* tools/bench_model.c - see bench_model.h. */
#include "tools/bench_model.h"

#include "engine/nets.h"
#include "engine/os.h"
#include "engine/text.h"
#include "formats/files.h"
#include "formats/onnx.h"

#include <string.h>

void qn_bench_model_init(qn_bench_model *m, const qn_args *args, const char *path)
{
    *m = (qn_bench_model){.args = args, .path = path, .threads = -1, .batch = 1};
    qn_mem_init(&m->mem, NULL, 0);
    qn_arena_init(&m->arena, &m->mem);
    qn_buf_init(&m->bytes, &m->mem);
}

/* Gives inputs whose first dim is free the batch asked for. */
static quern_status set_batch(qn_bench_model *m, quern_error *err)
{
    if (!qn_arg_text(m->args, "batch")) return QUERN_OK;
    const int64_t n = qn_arg_int(m->args, "batch");
    quern_info info;
    int free_inputs = 0;
    int64_t fixed = 1;
    if (n < 1) return qn_fail(err, QUERN_INVALID, "--batch %lld", (long long)n);
    for (int i = 0; quern_model_input(m->model, i, &info); i++) {
        qn_tensor *shape = &m->feed.shapes[i];
        if (info.rank < 1 || shape->rank >= 0) continue;
        if (info.dim[0] >= 0) {
            if (i == 0) fixed = info.dim[0];
            continue;
        }
        free_inputs++;
        shape->rank = info.rank;
        for (int d = 0; d < info.rank; d++)
            shape->dim[d] = info.dim[d] < 0 ? 1 : info.dim[d];
        shape->dim[0] = n;
    }
    if (free_inputs == 0 && fixed != n)
        return qn_fail(err, QUERN_INVALID,
                       "--batch %lld, but the model's inputs fix it at %lld",
                       (long long)n, (long long)fixed);
    return QUERN_OK;
}

quern_status qn_bench_model_session(const qn_bench_model *m,
                                    const quern_session_options *opt,
                                    quern_session **out, quern_error *err)
{
    QN_TRY(quern_session_create(m->model, opt, out, err));
    return qn_feed_bind(&m->feed, *out, err);
}

quern_session_options qn_bench_session_options(const qn_bench_model *m)
{
    quern_session_options opt = qn_session_options(m->args);
    opt.log_ctx = (void *)m->path;
    if (m->threads >= 0) opt.n_threads = m->threads;
    return opt;
}

/* ---- built-in networks ----------------------------------------------------------- */

const qn_net *qn_bench_net(const char *path, int *side)
{
    char name[32];
    int64_t value = -1;
    const size_t n = strcspn(path, "@");
    if (n >= sizeof name) return NULL;
    memcpy(name, path, n);
    name[n] = 0;
    const qn_net *net = qn_net_find(name);
    if (!net) return NULL;
    *side = net->side;
    if (!path[n]) return net;
    const bool is_number = qn_text_to_int(path + n + 1, strlen(path + n + 1), &value);
    *side = is_number && value <= QN_NET_MAX_SIDE ? (int)value : -1;
    return net;
}

static quern_status build(qn_bench_model *m, const qn_net *net, int side,
                          quern_error *err)
{
    const qn_net_options opt = {.height = side,
                                .width = side,
                                .channels = 3,
                                .n_classes = side < 64 ? 10 : 1000,
                                .seed = 1};
    quern_model *raw = NULL;
    quern_status status = qn_net_build(net, &opt, NULL, &raw, err);
    if (status == QUERN_OK) status = qn_onnx_write(&m->bytes, raw, err);
    quern_model_free(raw);
    return status;
}

static quern_status open_or_build(qn_bench_model *m, const quern_model_options *opt,
                                  quern_error *err)
{
    int side;
    const qn_net *net = qn_file_is_there(m->path) ? NULL : qn_bench_net(m->path, &side);
    if (!net) return quern_model_open(m->path, opt, &m->model, err);
    QN_TRY(build(m, net, side, err));
    m->is_built = true;
    return quern_model_parse(m->bytes.p, m->bytes.n, opt, &m->model, err);
}

quern_status qn_bench_model_open(qn_bench_model *m, quern_error *err)
{
    quern_model_options model = qn_model_options(m->args);
    const quern_session_options opt = qn_bench_session_options(m);
    const double start = qn_os_seconds();
    model.log_ctx = (void *)m->path;
    QN_TRY(open_or_build(m, &model, err));
    m->load_ms = 1e3 * (qn_os_seconds() - start);
    QN_TRY(qn_feed_init(&m->feed, m->model, &m->arena, err));
    QN_TRY(qn_feed_shapes(&m->feed, m->args, err));
    QN_TRY(set_batch(m, err));
    QN_TRY(qn_feed_random(&m->feed, qn_arg_int(m->args, "random"), err));
    if (m->feed.n > 0 && m->feed.values[0].rank > 0)
        m->batch = m->feed.values[0].dim[0];
    return qn_bench_model_session(m, &opt, &m->session, err);
}

void qn_bench_model_done(qn_bench_model *m)
{
    quern_session_free(m->session);
    quern_model_free(m->model);
    qn_buf_done(&m->bytes);
    qn_arena_done(&m->arena);
}
