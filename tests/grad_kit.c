/* SPDX-License-Identifier: Apache-2.0 */
/* tests/grad_kit.c - see the header. */
#include "tests/grad_kit.h"

#include "engine/finish.h"
#include "engine/grad.h"
#include "engine/rng.h"
#include "formats/onnx.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EPSILON   1e-6
#define TOLERANCE 1e-5
#define MAX_WRT   8

typedef struct grad_case {
    quern_model *model;
    quern_session *session;
    qn_mem mem;
    qn_arena arena;
    int n_inputs, n_wrt, wrt[MAX_WRT];
    qn_tensor x[MAX_WRT];
} grad_case;

quern_status qn_random_loss(quern_model *model, qn_value *y, qn_value **loss,
                            quern_error *err)
{
    qn_graph *g = model->graph;
    qn_value *r, *product;
    qn_tensor t = {.dtype = y->dtype};
    qn_set_shape(&t, y->dtype, y->rank, y->dim);
    QN_TRY(qn_tensor_alloc(g->arena, &t, err));
    const qn_rng rng = qn_rng_make(7, "R", 0);
    for (int64_t i = 0; i < qn_tensor_count(&t); i++)
        qn_set_real(&t, i, qn_rng_uniform53(&rng, (uint64_t)i) - 0.4);
    QN_TRY(qn_graph_add_constant(g, "", &t, &r, err));
    QN_TRY(qn_graph_emit(g, NULL, "Mul", 2, (qn_value *[]){y, r}, &product, err));
    QN_TRY(qn_graph_emit(g, NULL, "ReduceSum", 1, &product, loss, err));
    QN_TRY(qn_node_set_int((*loss)->producer, "keepdims", 0, err));
    QN_TRY(qn_bind_graph(model, g, err));
    (*loss)->dtype = product->dtype = y->dtype;
    product->rank = y->rank;
    memcpy(product->dim, y->dim, sizeof y->dim);
    (*loss)->rank = 0;
    return QUERN_OK;
}

static quern_status differentiate(grad_case *c, quern_error *err)
{
    qn_graph *g = c->model->graph;
    qn_value *loss, *grads[MAX_WRT], *wrt[MAX_WRT];
    void *p;
    QN_TRY(qn_random_loss(c->model, g->outputs[0], &loss, err));
    for (int i = 0; i < g->n_inputs && c->n_wrt < MAX_WRT; i++)
        if (g->inputs[i]->dtype == QUERN_DOUBLE) {
            wrt[c->n_wrt] = g->inputs[i];
            c->wrt[c->n_wrt++] = i;
        }
    QN_TRY(qn_grad_build(c->model, loss, wrt, c->n_wrt, grads, err));
    QN_TRY(qn_arena_array(g->arena, (size_t)c->n_wrt + 1, sizeof(qn_value *), &p, err));
    g->outputs = p;
    g->outputs[0] = loss;
    g->n_outputs = 1 + c->n_wrt;
    for (int i = 0; i < c->n_wrt; i++) {
        if (!grads[i])
            return qn_fail(err, QUERN_INVALID, "no gradient for %s", wrt[i]->name);
        g->outputs[1 + i] = grads[i];
    }
    c->model->outputs = g->outputs;
    c->model->purpose = QN_FOR_TRAINING;
    return qn_model_rework(c->model, err);
}

static quern_status open_case(grad_case *c, const qn_kit *k, quern_error *err)
{
    QN_TRY(qn_onnx_parse_raw(k->buf.p, k->buf.n, NULL, &c->model, err));
    c->model->purpose = QN_FOR_GRADIENTS;
    QN_TRY(qn_model_finish(c->model, err));
    QN_TRY(differentiate(c, err));
    return quern_session_create(c->model, &(quern_session_options){.n_threads = 1},
                                &c->session, err);
}

static double number(const qn_grad_range *r, const qn_rng *rng, int64_t i)
{
    double x = r->least + (r->most - r->least) * qn_rng_uniform53(rng, (uint64_t)i);
    return fabs(x) < r->apart ? copysign(r->apart, x) + x : x;
}

static quern_status fill_inputs(grad_case *c, const qn_grad_range *range,
                                int64_t indices, quern_error *err)
{
    const qn_graph *g = c->model->graph;
    for (int i = 0; i < g->n_inputs && i < MAX_WRT; i++) {
        qn_tensor *t = &c->x[i];
        const qn_rng rng = qn_rng_make(3, g->inputs[i]->name, 0);
        qn_set_shape(t, g->inputs[i]->dtype, g->inputs[i]->rank, g->inputs[i]->dim);
        QN_TRY(qn_tensor_alloc(&c->arena, t, err));
        for (int64_t j = 0; j < qn_tensor_count(t); j++)
            qn_set_real(t, j,
                        t->dtype == QUERN_DOUBLE ? number(range, &rng, j)
                        : indices                ? (double)(j % indices)
                                                 : 0);
        quern_tensor q = {.dtype = t->dtype, .rank = t->rank, .data = t->data};
        memcpy(q.dim, t->dim, sizeof q.dim);
        QN_TRY(quern_session_bind(c->session, i, &q, err));
    }
    return QUERN_OK;
}

static double loss_of(grad_case *c)
{
    quern_tensor loss;
    quern_error err;
    if (quern_run(c->session, &err) != QUERN_OK) return NAN;
    if (quern_session_output(c->session, 0, &loss, &err) != QUERN_OK) return NAN;
    return *(const double *)loss.data;
}

/* The largest difference for one input, relative to its largest gradient. */
static double compare(grad_case *c, int w, const double *analytic)
{
    qn_tensor *t = &c->x[c->wrt[w]];
    double *x = t->data, worst = 0, most = 0;
    for (int64_t j = 0; j < qn_tensor_count(t); j++) {
        const double keep = x[j];
        x[j] = keep + EPSILON;
        const double up = loss_of(c);
        x[j] = keep - EPSILON;
        const double down = loss_of(c);
        x[j] = keep;
        const double d = fabs((up - down) / (2 * EPSILON) - analytic[j]);
        worst = isnan(d) ? INFINITY : fmax(worst, d);
        most = fmax(most, fabs(analytic[j]));
    }
    return worst / fmax(most, 1e-3);
}

static quern_status check(qn_test *t, const char *file, int line, grad_case *c,
                          double *worst, quern_error *err)
{
    void *kept[MAX_WRT];
    QN_TRY(quern_run(c->session, err));
    for (int w = 0; w < c->n_wrt; w++) {
        quern_tensor d;
        QN_TRY(quern_session_output(c->session, 1 + w, &d, err));
        const size_t n = qn_tensor_bytes(&c->x[c->wrt[w]]);
        QN_TRY(qn_arena_raw(&c->arena, n, &kept[w], err));
        if (n) memcpy(kept[w], d.data, n);
    }
    for (int w = 0; w < c->n_wrt; w++) {
        char what[96];
        const double d = compare(c, w, kept[w]);
        snprintf(what, sizeof what, "gradient of %s",
                 c->model->graph->inputs[c->wrt[w]]->name);
        qn_check_within(t, file, line, what, d, 0, TOLERANCE);
        *worst = fmax(*worst, d);
    }
    return QUERN_OK;
}

double qn_check_gradients(qn_test *t, const char *file, int line, qn_kit *k,
                          const qn_grad_range *range, int64_t indices)
{
    grad_case c = {0};
    quern_error err = {0};
    double worst = 0;
    const qn_grad_range all = {-1, 1, 0};
    qn_mem_init(&c.mem, NULL, 0);
    qn_arena_init(&c.arena, &c.mem);
    quern_status status = open_case(&c, k, &err);
    if (status == QUERN_OK)
        status = fill_inputs(&c, range ? range : &all, indices, &err);
    if (status == QUERN_OK) status = check(t, file, line, &c, &worst, &err);
    qn_check_ok(t, file, line, "gradients", status, &err);
    quern_session_free(c.session);
    quern_model_free(c.model);
    qn_arena_done(&c.arena);
    return worst;
}

/* "a 2 3; b 3": inputs of float64. */
static void put_inputs(qn_kit *k, const char *inputs)
{
    char text[256], *save = NULL;
    snprintf(text, sizeof text, "%s", inputs);
    for (char *one = strtok_r(text, ";", &save); one;
         one = strtok_r(NULL, ";", &save)) {
        char name[16];
        int used = 0;
        if (sscanf(one, " %15s%n", name, &used) != 1) continue;
        one += used + strspn(one + used, " ");
        qn_kit_value(k, GRAPH_INPUT, name, QUERN_DOUBLE, one);
    }
}

/* "2x1" as "2 1"; NULL: one dim of n. */
static void write_dims(char *out, size_t room, const char *dims, int n)
{
    if (!dims) {
        snprintf(out, room, "%d", n);
        return;
    }
    snprintf(out, room, "%s", dims);
    for (char *p = out; *p; p++)
        if (*p == 'x') *p = ' ';
}

/* "~scales:1x2 1 2.5" */
static void put_constant(qn_kit *k, char *text)
{
    enum { MOST = 64 };
    int64_t ints[MOST];
    float floats[MOST];
    uint8_t bools[MOST];
    char dims[32], *save = NULL;
    int n = 0;
    char *name = strtok_r(text, " ", &save);
    if (!name) return;
    char *colon = strchr(name, ':');
    if (colon) *colon++ = 0;
    for (char *p; n < MOST && (p = strtok_r(NULL, " ", &save)); n++) {
        floats[n] = strtof(p, NULL);
        ints[n] = (int64_t)floats[n];
        bools[n] = ints[n] != 0;
    }
    write_dims(dims, sizeof dims, colon, n);
    if (*name == '~')
        qn_kit_tensor(k, name + 1, QUERN_FLOAT, dims, floats, (size_t)n * 4);
    else if (*name == '?')
        qn_kit_tensor(k, name + 1, QUERN_BOOL, dims, bools, (size_t)n);
    else
        qn_kit_tensor(k, name, QUERN_INT64, dims, ints, (size_t)n * 8);
}

static void put_constants(qn_kit *k, const char *constants)
{
    char text[512], *save = NULL;
    snprintf(text, sizeof text, "%s", constants);
    for (char *one = strtok_r(text, ";", &save); one; one = strtok_r(NULL, ";", &save))
        put_constant(k, one);
}

static void put_attributes(qn_kit *k, const char *with)
{
    char text[256], *save = NULL;
    snprintf(text, sizeof text, "%s", with);
    for (char *name = strtok_r(text, " ", &save); name;
         name = strtok_r(NULL, " ", &save)) {
        char *value = strchr(name, '=');
        *value++ = 0;
        const bool number = (*value >= '0' && *value <= '9') || *value == '-';
        if (*name == '~') {
            qn_kit_float(k, name + 1, strtof(value, NULL));
        } else if (*value == '[' || (number && strchr(value, ','))) {
            value += *value == '[';
            value[strcspn(value, "]")] = 0;
            for (char *p = value; (p = strchr(p, ','));)
                *p = ' ';
            qn_kit_ints(k, name, value);
        } else if (number) {
            qn_kit_int(k, name, strtoll(value, NULL, 10));
        } else {
            qn_kit_string(k, name, value);
        }
    }
}

double qn_check_grad_node(qn_test *t, const char *file, int line, const qn_grad_case *n)
{
    qn_kit k;
    qn_kit_begin(&k, 10, n->opset ? n->opset : 21);
    const size_t at = qn_kit_open(&k, GRAPH_NODE, n->node);
    if (n->attrs) n->attrs(&k);
    if (n->with) put_attributes(&k, n->with);
    qn_pb_end(&k.buf, at);
    put_inputs(&k, n->inputs);
    if (n->constants) put_constants(&k, n->constants);
    qn_kit_value(&k, GRAPH_OUTPUT, strstr(n->node, "-> ") + 3, QUERN_DOUBLE, n->y_dims);
    qn_kit_end(&k);
    const double worst = qn_check_gradients(t, file, line, &k, n->range, 0);
    qn_kit_done(&k);
    return worst;
}

double qn_check_node_gradients(qn_test *t, const char *file, int line, int opset,
                               const char *node, const char *inputs, const char *y_dims,
                               void (*attrs)(qn_kit *k), const qn_grad_range *range)
{
    const qn_grad_case n = {.node = node,
                            .inputs = inputs,
                            .y_dims = y_dims,
                            .attrs = attrs,
                            .range = range,
                            .opset = opset};
    return qn_check_grad_node(t, file, line, &n);
}
