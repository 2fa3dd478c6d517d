/* SPDX-License-Identifier: Apache-2.0 */
/* tools/classifier.h - a model that takes pictures and gives a score per class. */
#ifndef QN_TOOLS_CLASSIFIER_H
#define QN_TOOLS_CLASSIFIER_H

#include "tools/feed.h"
#include "tools/recipe.h"

#define QN_TOP_MAX 20

typedef struct qn_answer {
    int n;                /* how many follow, the best first */
    int best[QN_TOP_MAX]; /* class */
    double p[QN_TOP_MAX]; /* its probability */
    double ms;            /* of this picture's share of the run */
} qn_answer;

typedef struct qn_classifier {
    quern_model *owned; /* or NULL */
    quern_session *session;
    quern_info input;
    qn_recipe recipe;
    int top;       /* classes per answer: as asked, at least 5 for the score */
    int n_classes; /* known after the first run */
} qn_classifier;

/* The input that takes pictures: the only one. */
quern_status qn_classifier_input(const quern_model *model, quern_info *input,
                                 quern_error *err);
/* Opens the model, makes its session, reads its recipe.  Errors name the file. */
quern_status qn_classifier_open(qn_classifier *net, const qn_args *args,
                                const char *path, qn_arena *arena, quern_error *err);
/* The same for a model that is open already and stays the caller's.  recipe NULL: what
 * its metadata says. */
quern_status qn_classifier_attach(qn_classifier *net, const quern_model *model,
                                  const quern_session_options *session,
                                  const qn_recipe *recipe, qn_arena *arena,
                                  quern_error *err);
void qn_classifier_close(qn_classifier *net);
/* Pictures that one run may take: as asked where the batch dim is free and all pictures
 * become one size, else what the model says. */
int64_t qn_classifier_batch(const qn_classifier *net, int64_t asked);
/* A zeroed tensor for n pictures like this one, or for as many as the model insists on.
 */
quern_status qn_classifier_blank(const qn_classifier *net, const qn_image *image,
                                 int64_t n, qn_arena *arena, qn_tensor *x,
                                 quern_error *err);
/* Runs on a batch; *out: the scores as the model gives them, of any float type,
 * n_classes for each picture of x; valid until the next run. */
quern_status qn_classifier_scores(qn_classifier *net, const qn_tensor *x,
                                  qn_arena *arena, qn_tensor *out, quern_error *err);
/* The softmax of n scores over T, unless they are probabilities already: then false. */
bool qn_scores_softmax(double *p, int n, double temperature);
quern_status qn_classifier_run(qn_classifier *net, const qn_image *images, int64_t n,
                               qn_arena *arena, qn_answer *answers, quern_error *err);

#endif
