/* SPDX-License-Identifier: Apache-2.0 */
/* tools/segment_train_check.c - how well a network segments pictures that it did not
 * learn from: the file that would be written, over a window in the middle of each. */
#include "engine/cells/agreement.h"
#include "engine/cells/dynamics.h"
#include "kernels/loss.h"
#include "tools/segment_train.h"
#include "tools/term.h"

#include <math.h>
#include <string.h>

enum { SIDE = 256, PIXELS = SIDE * SIDE };

typedef struct checker {
    qn_cell_run *run;
    quern_session *session;
    qn_arena room;
    double loss_sum, ap_sum;
    int64_t n;
} checker;

static quern_status predict(checker *c, float *planes, quern_tensor *out,
                            quern_error *err)
{
    const quern_tensor in = {.dtype = QUERN_FLOAT,
                             .rank = 4,
                             .dim = {1, QN_CELL_PLANES, SIDE, SIDE},
                             .data = planes};
    QN_TRY(quern_session_bind(c->session, 0, &in, err));
    QN_TRY(quern_run(c->session, err));
    return quern_session_output(c->session, 0, out, err);
}

/* The loss that the window would have in training. */
static quern_status add_loss(checker *c, const qn_labels *labels, const float *y,
                             quern_error *err)
{
    void *p;
    QN_TRY(qn_arena_raw(&c->room, 3 * PIXELS * sizeof(float), &p, err));
    float *target = p;
    QN_TRY(qn_labels_flows(labels, qn_labels_max(labels), c->run->pool, &c->room,
                           target, target + PIXELS, err));
    for (int i = 0; i < PIXELS; i++)
        target[2 * PIXELS + i] = labels->at[i] != 0;
    c->loss_sum += qn_flow_loss_f32(PIXELS, y, target);
    return QUERN_OK;
}

static quern_status check_item(checker *c, const qn_cell_item *item, quern_error *err)
{
    float *planes;
    qn_labels truth, found;
    quern_tensor out;
    qn_agreement a;
    const qn_dynamics_options opt = QN_DYNAMICS_DEFAULT;
    QN_TRY(
        qn_cell_view(item, c->run->s.diameter, SIDE, &c->room, &planes, &truth, err));
    QN_TRY(predict(c, planes, &out, err));
    const float *y = out.data;
    QN_TRY(add_loss(c, &truth, y, err));
    const qn_flow_field field = {SIDE, SIDE, y, y + PIXELS, y + 2 * PIXELS};
    QN_TRY(qn_dynamics_labels(&field, &opt, c->run->pool, &c->room, &found, NULL, err));
    QN_TRY(qn_labels_agree(&truth, &found, 0, &c->room, &a, err));
    c->ap_sum += qn_agreement_precision_at(&a, 0);
    c->n++;
    return QUERN_OK;
}

static quern_status check_part(checker *c, qn_cell_part part, quern_error *err)
{
    for (int64_t i = 0; i < c->run->set.n; i++) {
        if (c->run->set.items[i].part != part) continue;
        if (qn_interrupted(NULL))
            return qn_fail(err, QUERN_CANCELLED,
                           "stopped while the epoch was checked; the same command with "
                           "--resume goes on");
        QN_TRY(check_item(c, &c->run->set.items[i], err));
        qn_arena_reset(&c->room);
    }
    return QUERN_OK;
}

quern_status qn_cell_run_check(qn_cell_run *run, const qn_buf *model, qn_cell_part part,
                               double *loss, double *ap50, quern_error *err)
{
    quern_model *net;
    checker c = {.run = run};
    const quern_session_options opt = {.size = sizeof opt, .pool = run->pool};
    *loss = *ap50 = NAN;
    if (run->n_part[part] == 0) return QUERN_OK;
    QN_TRY(quern_model_parse(model->p, model->n, NULL, &net, err));
    qn_arena_init(&c.room, &run->mem);
    quern_status status = quern_session_create(net, &opt, &c.session, err);
    if (status == QUERN_OK) status = check_part(&c, part, err);
    if (status == QUERN_OK) {
        *loss = c.loss_sum / (double)c.n;
        *ap50 = c.ap_sum / (double)c.n;
    }
    qn_arena_done(&c.room);
    quern_session_free(c.session);
    quern_model_free(net);
    return status;
}
