/* SPDX-License-Identifier: Apache-2.0 */
/* tools/segment_model.c - see segment_model.h. */
#include "tools/segment_model.h"

#include "formats/cells_default.h"
#include "formats/files.h"
#include "formats/json_tree.h"
#include "formats/sha256.h"
#include "tools/feed.h"

#include <math.h>
#include <string.h>
#include <strings.h>

#define DIAMETER_LEAST 2.0 /* pixels */
#define DIAMETER_MOST  1000.0

/* ---- the sidecar ---- */

/* A number of the sidecar that is there and within bounds; NaN: it is not there. */
static quern_status number_of(const qn_tree *root, const char *key, double least,
                              double most, double *out, quern_error *err)
{
    const qn_tree *at = qn_tree_get(root, key);
    *out = NAN;
    if (!at) return QUERN_OK;
    if (at->kind != QN_TREE_NUMBER)
        return qn_fail(err, QUERN_FORMAT, "'%s' is no number", key);
    if (!(at->number >= least && at->number <= most))
        return qn_fail(err, QUERN_FORMAT, "'%s' is %g, not %g to %g", key, at->number,
                       least, most);
    *out = at->number;
    return QUERN_OK;
}

static quern_status text_of(const qn_tree *root, const char *key, const char **out,
                            quern_error *err)
{
    const qn_tree *at = qn_tree_get(root, key);
    *out = NULL;
    if (!at) return QUERN_OK;
    if (at->kind != QN_TREE_TEXT)
        return qn_fail(err, QUERN_FORMAT, "'%s' is no text", key);
    *out = at->text;
    return QUERN_OK;
}

quern_status qn_segment_sidecar(const char *text, size_t n, int64_t bytes,
                                qn_cellnet *net, qn_arena *arena, quern_error *err)
{
    const qn_tree *root;
    const char *name, *sha256;
    double diameter, channels, size;
    QN_TRY(qn_tree_parse(arena, text, n, &root, err));
    if (root->kind != QN_TREE_OBJECT)
        return qn_fail(err, QUERN_FORMAT, "it is no JSON object");
    QN_TRY(number_of(root, "diam_mean", DIAMETER_LEAST, DIAMETER_MOST, &diameter, err));
    QN_TRY(number_of(root, "nchan", 1, QN_INPUT_CHANNELS, &channels, err));
    QN_TRY(number_of(root, "bytes", 0, 1e15, &size, err));
    QN_TRY(text_of(root, "name", &name, err));
    QN_TRY(text_of(root, "sha256", &sha256, err));
    if (!isnan(channels) && (int)channels != net->channels)
        return qn_fail(err, QUERN_FORMAT,
                       "'nchan' is %g, but the network takes %d channels", channels,
                       net->channels);
    if (!isnan(size) && (int64_t)size != bytes)
        return qn_fail(err, QUERN_FORMAT, "'bytes' is %.0f, but the model has %lld",
                       size, (long long)bytes);
    if (sha256 && strcasecmp(sha256, net->sha256) != 0)
        return qn_fail(err, QUERN_FORMAT, "'sha256' is %.64s, but the model's is %s",
                       sha256, net->sha256);
    if (!isnan(diameter)) net->diam_mean = diameter;
    if (name) net->name = name;
    return QUERN_OK;
}

static quern_status read_sidecar(qn_segment_model *m, const char *path, qn_arena *arena,
                                 quern_error *err)
{
    char side[QN_PATH_MAX];
    char *text;
    size_t n = strlen(path);
    QN_TRY(qn_path_format(side, err, "%s.json", path));
    if (!qn_file_is_there(side) && n > 5 && qn_ends_with(path, ".onnx"))
        QN_TRY(qn_path_format(side, err, "%.*s.json", (int)(n - 5), path));
    if (!qn_file_is_there(side)) return QUERN_OK;
    QN_TRY(qn_file_text(arena, side, &text, &n, err));
    const quern_status status =
        qn_segment_sidecar(text, n, m->bytes, &m->net, arena, err);
    if (status != QUERN_OK) qn_within(err, "%s", side);
    return status;
}

/* ---- the model ---- */

static quern_status hash_file(const char *path, qn_segment_model *m, char hex[65],
                              quern_error *err)
{
    qn_file file;
    qn_map map = {0};
    QN_TRY(qn_file_open(NULL, path, &file, err));
    const quern_status status = qn_file_map(&file, &map, err);
    qn_file_close(&file);
    QN_TRY(status);
    qn_sha256_hex(map.base, map.bytes, hex);
    m->bytes = (int64_t)map.bytes;
    qn_map_done(&map);
    return QUERN_OK;
}

/* What training wrote into the model itself. */
static void read_metadata(qn_segment_model *m)
{
    double value;
    const char *text = quern_model_metadata(m->model, "quern.diam_mean");
    if (text && qn_word_real(text, &value) && value >= DIAMETER_LEAST &&
        value <= DIAMETER_MOST)
        m->net.diam_mean = value;
}

static quern_status open_session(qn_segment_model *m, const qn_args *args,
                                 quern_error *err)
{
    quern_session_options options = qn_session_options(args);
    QN_TRY(quern_pool_create((int)qn_arg_int(args, "threads"), &m->pool, err));
    options.pool = m->pool;
    QN_TRY(quern_session_create(m->model, &options, &m->session, err));
    return qn_cellnet_init(&m->net, m->model, m->session, m->pool, err);
}

static quern_status open_file(qn_segment_model *m, const qn_args *args,
                              const char *path, qn_arena *arena, quern_error *err)
{
    const quern_model_options options = qn_model_options(args);
    char hex[65];
    const char *name = strrchr(path, '/');
    QN_TRY(quern_model_open(path, &options, &m->model, err));
    QN_TRY(open_session(m, args, err));
    QN_TRY(hash_file(path, m, hex, err));
    memcpy(m->net.sha256, hex, sizeof hex);
    m->net.name = name ? name + 1 : path;
    read_metadata(m);
    return read_sidecar(m, path, arena, err);
}

static quern_status open_default(qn_segment_model *m, const qn_args *args,
                                 quern_error *err)
{
    size_t n;
    const void *bytes = qn_cells_default(&n);
    const quern_model_options options = qn_model_options(args);
    QN_TRY(quern_model_parse(bytes, n, &options, &m->model, err));
    QN_TRY(open_session(m, args, err));
    qn_sha256_hex(bytes, n, m->net.sha256);
    m->bytes = (int64_t)n;
    m->net.name = "default";
    m->net.diam_mean = QN_CELLS_DEFAULT_DIAMETER;
    return QUERN_OK;
}

quern_status qn_segment_model_open(qn_segment_model *m, const qn_args *args,
                                   const char *path, qn_arena *arena, quern_error *err)
{
    *m = (qn_segment_model){0};
    if (!path) return open_default(m, args, err);
    const quern_status status = open_file(m, args, path, arena, err);
    if (status != QUERN_OK) qn_within(err, "%s", path);
    return status;
}

void qn_segment_model_close(qn_segment_model *m)
{
    quern_session_free(m->session);
    quern_model_free(m->model);
    quern_pool_free(m->pool);
}
