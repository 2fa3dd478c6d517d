/* SPDX-License-Identifier: Apache-2.0 */
/* tools/classifier.c - see classifier.h. */
#include "tools/classifier.h"
#include "formats/files.h"

#include "engine/os.h"

#include <math.h>
#include <string.h>

quern_status qn_classifier_input(const quern_model *model, quern_info *input,
                                 quern_error *err)
{
    const int n = quern_model_n_inputs(model);
    if (n != 1)
        return qn_fail(err, QUERN_INVALID, "it has %d inputs; a classifier has 1", n);
    quern_model_input(model, 0, input);
    return QUERN_OK;
}

quern_status qn_classifier_attach(qn_classifier *net, const quern_model *model,
                                  const quern_session_options *session,
                                  const qn_recipe *recipe, qn_arena *arena,
                                  quern_error *err)
{
    QN_TRY(qn_classifier_input(model, &net->input, err));
    if (recipe)
        net->recipe = *recipe;
    else
        QN_TRY(qn_recipe_read(&net->recipe, model, &net->input, NULL, arena, err));
    return quern_session_create(model, session, &net->session, err);
}

static quern_status open_all(qn_classifier *net, const qn_args *args, const char *path,
                             qn_arena *arena, quern_error *err)
{
    const quern_model_options model = qn_model_options(args);
    const quern_session_options session = qn_session_options(args);
    const int64_t top = qn_arg_int(args, "top");
    qn_recipe recipe;
    QN_TRY(quern_model_open(path, &model, &net->owned, err));
    QN_TRY(qn_classifier_input(net->owned, &net->input, err));
    QN_TRY(qn_recipe_read(&recipe, net->owned, &net->input, args, arena, err));
    net->top = (int)(top > QN_TOP_MAX ? QN_TOP_MAX : top < 5 ? 5 : top);
    return qn_classifier_attach(net, net->owned, &session, &recipe, arena, err);
}

quern_status qn_classifier_open(qn_classifier *net, const qn_args *args,
                                const char *path, qn_arena *arena, quern_error *err)
{
    const quern_status status = open_all(net, args, path, arena, err);
    if (status != QUERN_OK) qn_within(err, "%s", path);
    return status;
}

void qn_classifier_close(qn_classifier *net)
{
    quern_session_free(net->session);
    quern_model_free(net->owned);
}

int64_t qn_classifier_batch(const qn_classifier *net, int64_t asked)
{
    const bool is_one_size =
        net->recipe.fitting != QN_FIT && net->recipe.height && net->recipe.width;
    if (net->input.rank == 4 && net->input.dim[0] > 0) return net->input.dim[0];
    return asked < 1 || !is_one_size ? 1 : asked;
}

bool qn_scores_softmax(double *p, int n, double temperature)
{
    double sum = 0, top = -INFINITY;
    bool are_parts = true;
    for (int i = 0; i < n; i++) {
        are_parts = are_parts && p[i] >= 0 && p[i] <= 1;
        sum += p[i];
        if (p[i] > top) top = p[i];
    }
    if (are_parts && fabs(sum - 1) <= 1e-3) return false;
    sum = 0;
    for (int i = 0; i < n; i++)
        sum += p[i] = exp((p[i] - top) / temperature);
    for (int i = 0; i < n; i++)
        p[i] /= sum;
    return true;
}

static void rank(const double *p, int n, int top, qn_answer *a)
{
    for (a->n = 0; a->n < top && a->n < n; a->n++) {
        int best = -1;
        for (int i = 0; i < n; i++) {
            bool is_taken = false;
            for (int k = 0; k < a->n; k++)
                is_taken = is_taken || a->best[k] == i;
            if (!is_taken && (best < 0 || p[i] > p[best])) best = i;
        }
        a->best[a->n] = best;
        a->p[a->n] = p[best];
    }
}

quern_status qn_classifier_blank(const qn_classifier *net, const qn_image *image,
                                 int64_t n, qn_arena *arena, qn_tensor *x,
                                 quern_error *err)
{
    const bool is_fixed = net->input.rank == 4 && net->input.dim[0] > 0;
    const int64_t batch = is_fixed ? net->input.dim[0] : n; /* the rest stays zero */
    return qn_recipe_batch(&net->recipe, image, &net->input, batch, arena, x, err);
}

quern_status qn_classifier_scores(qn_classifier *net, const qn_tensor *x,
                                  qn_arena *arena, qn_tensor *out, quern_error *err)
{
    QN_TRY(qn_value_bind(net->session, 0, x, err));
    QN_TRY(quern_run(net->session, err));
    QN_TRY(qn_value_output(net->session, 0, arena, out, err));
    const int64_t count = out->kind == QN_TENSOR ? qn_tensor_count(out) : 0,
                  batch = x->dim[0];
    if (!qn_dtype_is_float(out->dtype) || count == 0 || count % batch != 0 ||
        count / batch > INT32_MAX)
        return qn_fail(err, QUERN_SHAPE,
                       "output 0 is %s %s; %lld pictures give no scores",
                       quern_dtype_name(out->dtype), QN_SHAPE(out), (long long)batch);
    net->n_classes = (int)(count / batch);
    return QUERN_OK;
}

quern_status qn_classifier_run(qn_classifier *net, const qn_image *images, int64_t n,
                               qn_arena *arena, qn_answer *answers, quern_error *err)
{
    qn_tensor x, out;
    void *room;
    QN_TRY(qn_classifier_blank(net, images, n, arena, &x, err));
    for (int64_t k = 0; k < n; k++)
        QN_TRY(qn_recipe_apply(&net->recipe, &images[k], arena, &x, k, err));
    const double start = qn_os_seconds();
    QN_TRY(qn_classifier_scores(net, &x, arena, &out, err));
    const double ms = 1e3 * (qn_os_seconds() - start) / (double)n;
    QN_TRY(qn_arena_array(arena, (size_t)net->n_classes, sizeof(double), &room, err));
    double *p = room;
    for (int64_t k = 0; k < n; k++) {
        for (int i = 0; i < net->n_classes; i++)
            p[i] = qn_get_real(&out, k * net->n_classes + i);
        qn_scores_softmax(p, net->n_classes, net->recipe.temperature);
        rank(p, net->n_classes, net->top, &answers[k]);
        answers[k].ms = ms;
    }
    return QUERN_OK;
}
