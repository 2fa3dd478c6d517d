/* SPDX-License-Identifier: Apache-2.0 */
/* tools/feed.h - from a command line to a session with inputs: the options that every
 * command which runs models shares, and the values given with -i, --shape, --random. */
#ifndef QN_TOOLS_FEED_H
#define QN_TOOLS_FEED_H

#include "tools/options.h"
#include "tools/values.h"

/* clang-format off */
#define QN_OPTIONS_SESSION                                                              \
    {"disable-pass", 0, QN_OPT_TEXT, "NAMES", NULL,                                     \
     "graph passes to leave out (a comma list), or all"},                               \
    {"no-reuse", 0, QN_OPT_FLAG, NULL, NULL, "give every value memory of its own"},     \
    {"isa", 0, QN_OPT_TEXT, "NAME", NULL, "kernels of this instruction set: ref, ..."}, \
    {"gemm", 0, QN_OPT_TEXT, "NAME", NULL, "matrix product: own or openblas"},          \
    {"layout", 0, QN_OPT_TEXT, "NAME", NULL, "of activations: plain or blocked"},       \
    {"no-winograd", 0, QN_OPT_FLAG, NULL, NULL, "3x3 convolutions as plain sums"},      \
    {"tuning", 0, QN_OPT_TEXT, "FILE", NULL,                                            \
     "choices measured by quern bench tune, in place of the static ones"},              \
    {"seed", 0, QN_OPT_INT, "N", "0", "seed of random operators"},                      \
    {"max-memory", 0, QN_OPT_SIZE, "SIZE", NULL, "the same as --limit memory=SIZE"},    \
    {"external-dir", 0, QN_OPT_TEXT, "DIR", NULL,                                       \
     "where external data may lie besides the model's folder"},                         \
    QN_OPTION_LIMIT
#define QN_OPTIONS_ENGINE QN_OPTIONS_SESSION, QN_OPTION_THREADS
#define QN_OPTION_SHAPE                                                                 \
    {"shape", 0, QN_OPT_LIST, "NAME=d,d,..", NULL, "shape of an input that has free dims"}
/* clang-format on */

quern_model_options qn_model_options(const qn_args *args);
quern_session_options qn_session_options(const qn_args *args);

/* The inputs of a model, by position. */
typedef struct qn_feed {
    const quern_model *model;
    qn_arena *arena;
    int n;
    qn_tensor *values, *shapes; /* shapes[i].rank -1: not said */
    bool *is_given;
    const struct qn_decoder *decoder; /* of pictures; NULL: this process */
} qn_feed;

quern_status qn_feed_init(qn_feed *feed, const quern_model *model, qn_arena *arena,
                          quern_error *err);
/* --shape NAME=d,d,.. */
quern_status qn_feed_shapes(qn_feed *feed, const qn_args *args, quern_error *err);
/* -i [NAME=]FILE; a file without a name goes to the next input that has none yet, a
 * .npz to the inputs that its members name. */
quern_status qn_feed_files(qn_feed *feed, const qn_args *args, quern_error *err);
/* Makes up what is not given: zeros, or random numbers. */
quern_status qn_feed_zeros(qn_feed *feed, quern_error *err);
quern_status qn_feed_random(qn_feed *feed, int64_t seed, quern_error *err);
/* Fails on inputs without a value. */
quern_status qn_feed_bind(const qn_feed *feed, quern_session *session,
                          quern_error *err);

#endif
