/* SPDX-License-Identifier: Apache-2.0 */
/* engine/hyper.h - the numbers of a training step that change from step to step: one
 * float32 vector, an input of the training graph, filled by the trainer. */
#ifndef QN_ENGINE_HYPER_H
#define QN_ENGINE_HYPER_H

enum qn_hyper {
    QN_HYPER_APPLY, /* 1: the optimizer steps; 0: gradients are only accumulated */
    QN_HYPER_RATE,
    QN_HYPER_DECAY,
    QN_HYPER_SCALE, /* of gradients: 1 / batches accumulated */
    QN_HYPER_CLIP,  /* largest norm of the whole gradient; 0: any */
    QN_HYPER_BETA1, /* momentum */
    QN_HYPER_BETA2,
    QN_HYPER_EPSILON,
    QN_HYPER_FIX1, /* 1 - beta1^t, t the number of steps, this one counted */
    QN_HYPER_FIX2,
    QN_HYPER_AVERAGE, /* how far the moving average goes towards the weights */
    QN_HYPER_N
};

#endif
