/* SPDX-License-Identifier: Apache-2.0 */
/* engine/train.h - training: a model that was parsed with its parameters marked
 * (parameters.h) gets a loss, gradients and updates as nodes, and runs on the same plan
 * and session as any other.  One call is one step.
 *
 * All that training changes is a list of named float arrays (qn_trained): weights,
 * running statistics, moments, the moving average.  Saving them and the step count is
 * saving the training. */
#ifndef QN_ENGINE_TRAIN_H
#define QN_ENGINE_TRAIN_H

#include "engine/batches.h"
#include "engine/model.h"

typedef struct qn_optimizer {
    const char *name, *row; /* of the command line; operator of the domain "quern" */
    int n_moments;
    float rate, beta1, beta2, epsilon, decay; /* defaults */
    const char *about;
} qn_optimizer;

const qn_optimizer *qn_optimizer_at(int i); /* NULL past the end */
const qn_optimizer *qn_optimizer_find(const char *name);

#define QN_MOMENTS 2

/* A tensor that training writes. */
typedef struct qn_trained {
    const char *name;
    int rank;
    int64_t dim[QUERN_MAX_RANK];
    int64_t n;
    bool is_statistic;         /* a running mean or variance: no gradient, no moments */
    float *data;               /* what the network reads */
    float *moment[QN_MOMENTS]; /* NULL past the optimizer's number */
    float *held;               /* gradient accumulated, or NULL */
    float *average;            /* moving average, or NULL */
    float rate_scale, decay_scale;
    qn_value *value;
} qn_trained;

/* Rate of one parameter, as a multiple of the step's: 1 is plain. */
typedef float qn_rate_fn(void *ctx, const char *name);

/* What the network's output is held to. */
typedef enum qn_trainer_loss {
    QN_TRAIN_CLASSES, /* [batch,classes]: softmax and cross-entropy */
    QN_TRAIN_FLOWS    /* [batch,3,h,w]: flows and cell probability, a target alike */
} qn_trainer_loss;

typedef struct qn_trainer_options {
    const qn_optimizer *optimizer; /* NULL: sgd */
    qn_trainer_loss loss;
    float smoothing;         /* of labels */
    int accumulate;          /* batches to a step; 0: 1 */
    bool clips;              /* a step's `clip` is obeyed */
    bool averages;           /* keep a moving average of the weights */
    bool takes_features;     /* the input is fed with floats as they are, no pixels */
    bool keeps_statistics;   /* batch-norm by its running statistics throughout */
    bool decays_all;         /* tensors of one dim, too */
    const float *mean, *std; /* per channel; of pixels on the scale 0..1 */
    bool bgr;
    qn_rate_fn *rate_of; /* NULL: 1 */
    void *rate_ctx;
    quern_session_options session;
} qn_trainer_options;

/* What a step is told. */
typedef struct qn_step_rule {
    float rate, decay, clip, beta1, beta2, epsilon;
    float average; /* how far the moving average goes towards the weights */
} qn_step_rule;

typedef struct qn_step_result {
    double loss;          /* of the batch, before the update */
    double norm;          /* of the gradient, before clipping */
    int64_t n, n_correct; /* pictures; of them, with the right class */
    bool applied;         /* false: the gradient was only accumulated */
} qn_step_result;

typedef struct qn_trainer qn_trainer;

/* Takes the model over (also when it fails): the graph grows. */
quern_status qn_trainer_create(quern_model *model, const qn_trainer_options *opt,
                               qn_trainer **out, quern_error *err);
void qn_trainer_free(qn_trainer *trainer); /* NULL is fine */

/* One batch, whose size is the model's.  QUERN_DATA: the loss is not finite; then
 * the weights are as before if gradients are clipped, else lost. */
quern_status qn_trainer_step(qn_trainer *trainer, const qn_batch *batch,
                             const qn_step_rule *rule, qn_step_result *result,
                             quern_error *err);

/* What a step takes: pixels [batch,height,width,channels], targets [batch,classes]. */
void qn_trainer_shapes(const qn_trainer *trainer, int64_t pixels[4],
                       int64_t *n_classes);

int qn_trainer_n(const qn_trainer *trainer);
qn_trained *qn_trainer_at(const qn_trainer *trainer, int i);
int64_t qn_trainer_steps(const qn_trainer *trainer); /* updates made so far */
/* After the arrays were written from outside, by a checkpoint that was read. */
void qn_trainer_restore(qn_trainer *trainer, int64_t n_steps, int n_accumulated);
int qn_trainer_accumulated(const qn_trainer *trainer); /* batches held right now */

/* 64 bits over the bits of all weights and statistics: equal training, equal hash. */
uint64_t qn_trainer_hash(const qn_trainer *trainer);

typedef struct qn_trainer_stats {
    int64_t n_parameters, n_trained;  /* numbers in the model; those with a gradient */
    size_t weight_bytes, state_bytes; /* weights; moments, averages, accumulators */
    size_t slab_bytes, packed_bytes;  /* activations and gradients; packed weights */
    double macs;                      /* of a step */
    int64_t instrs, reorders;
    int threads;
} qn_trainer_stats;
/* Plans the step, if it is not planned yet. */
quern_status qn_trainer_plan(qn_trainer *trainer, qn_trainer_stats *stats,
                             quern_error *err);

#endif
