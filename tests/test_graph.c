/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_graph.c - building, editing, sorting and verifying graphs by hand. */
#include "tests/test.h"

#include "engine/op.h"

#include <string.h>

typedef struct bench {
    qn_mem mem;
    qn_arena arena;
    qn_graph *g;
    quern_error err;
} bench;

static bool open_bench(qn_test *t, bench *b)
{
    qn_mem_init(&b->mem, NULL, 0);
    qn_arena_init(&b->arena, &b->mem);
    return CHECK_OK(t, qn_graph_create(&b->arena, NULL, &b->g, &b->err), &b->err);
}

static qn_value *value(qn_test *t, bench *b, const char *name)
{
    qn_value *v = NULL;
    CHECK_OK(t, qn_graph_add_value(b->g, name, &v, &b->err), &b->err);
    return v;
}

/* Appends out = Add(x, y); y may be NULL. */
static qn_node *add(qn_test *t, bench *b, qn_value *x, qn_value *y, qn_value *out)
{
    qn_node *node = NULL;
    CHECK_OK(t, qn_graph_new_node(b->g, "Add", "", 14, 2, 1, &node, &b->err), &b->err);
    node->in[0] = x;
    node->in[1] = y;
    node->out[0] = out;
    qn_graph_insert(b->g, node, NULL);
    return node;
}

static void name_output(bench *b, qn_value **slot, qn_value *v)
{
    *slot = v;
    b->g->outputs = slot;
    b->g->n_outputs = 1;
}

void test_graph_edits_links(qn_test *t)
{
    bench b;
    REQUIRE(t, open_bench(t, &b));
    qn_value *x = value(t, &b, "x"), *y = value(t, &b, "y"), *z = value(t, &b, "z");
    qn_value *out[1];
    x->is_input = true;
    qn_node *first = add(t, &b, x, x, y), *last = add(t, &b, y, NULL, z);
    name_output(&b, out, z);
    CHECK_OK(t, qn_graph_verify(b.g, &b.err), &b.err);
    CHECK(t, y->producer == first && first->next == last && last->prev == first);

    qn_value *in[1] = {y}, *r;
    REQUIRE_OK(t, qn_graph_emit(b.g, last, "Relu", 1, in, &r, &b.err), &b.err);
    last->in[0] = r;
    CHECK_EQ(t, b.g->n_nodes, 3);
    CHECK_OK(t, qn_graph_verify(b.g, &b.err), &b.err);
    qn_graph_count_uses(b.g);
    CHECK_EQ(t, x->n_uses, 2);
    CHECK_EQ(t, y->n_uses, 1);
    CHECK_EQ(t, z->n_uses, 1);

    qn_node *relu = r->producer; /* take it out again: readers of r read y */
    qn_value_replace(r, y);
    qn_graph_remove(b.g, relu);
    qn_graph_resolve(b.g);
    CHECK(t, last->in[0] == y);
    CHECK_EQ(t, b.g->n_nodes, 2);
    CHECK_OK(t, qn_graph_verify(b.g, &b.err), &b.err);
    qn_arena_done(&b.arena);
    CHECK_EQ(t, (int64_t)b.mem.used, 0);
}

/* A chain written backwards is put in order without recursion, however long it is. */
void test_graph_sorts_long_chain(qn_test *t)
{
    enum { N = 100000 };
    bench b;
    REQUIRE(t, open_bench(t, &b));
    qn_value **v = qn_exact(t, (N + 1) * sizeof *v), *out[1];
    for (int i = 0; i <= N; i++)
        v[i] = value(t, &b, "");
    v[0]->is_input = true;
    for (int i = N; i > 0; i--)
        add(t, &b, v[i - 1], NULL, v[i]);
    name_output(&b, out, v[N]);
    CHECK_FAILS(t, qn_graph_verify(b.g, &b.err), QUERN_INVALID, &b.err, "no earlier");
    REQUIRE_OK(t, qn_graph_sort(b.g, &b.err), &b.err);
    CHECK_OK(t, qn_graph_verify(b.g, &b.err), &b.err);
    CHECK(t, b.g->first->out[0] == v[1] && b.g->last->out[0] == v[N]);
    qn_arena_done(&b.arena);
}

void test_graph_sort_is_stable(qn_test *t)
{
    bench b;
    REQUIRE(t, open_bench(t, &b));
    qn_value *x = value(t, &b, "x");
    x->is_input = true;
    qn_node *node[4];
    for (int i = 0; i < 4; i++)
        node[i] = add(t, &b, x, NULL, value(t, &b, "y"));
    node[0]->in[1] = node[3]->out[0]; /* so the last comes first, the rest stay */
    REQUIRE_OK(t, qn_graph_sort(b.g, &b.err), &b.err);
    const qn_node *n = b.g->first;
    CHECK(t, n == node[3] && n->next == node[0] && n->next->next == node[1]);
    CHECK(t, b.g->last == node[2]);
    qn_arena_done(&b.arena);
}

void test_graph_refuses_cycles(qn_test *t)
{
    bench b;
    REQUIRE(t, open_bench(t, &b));
    qn_value *x = value(t, &b, "x"), *y = value(t, &b, "y");
    add(t, &b, x, NULL, y)->name = "loop";
    add(t, &b, y, NULL, x);
    CHECK_FAILS(t, qn_graph_sort(b.g, &b.err), QUERN_INVALID, &b.err, "its own output");
    CHECK_HAS(t, b.err.text, "loop");
    qn_arena_done(&b.arena);
}

void test_value_replacements_chain(qn_test *t)
{
    bench b;
    REQUIRE(t, open_bench(t, &b));
    qn_value *v[5];
    for (int i = 0; i < 5; i++)
        v[i] = value(t, &b, "");
    for (int i = 0; i < 4; i++)
        qn_value_replace(v[i], v[i + 1]);
    qn_value_replace(v[4], v[0]); /* a value is never replaced by itself */
    for (int i = 0; i < 5; i++)
        CHECK(t, qn_resolve(v[i]) == v[4]);
    CHECK(t, qn_resolve(NULL) == NULL);
    qn_arena_done(&b.arena);
}

void test_node_attributes(qn_test *t)
{
    bench b;
    REQUIRE(t, open_bench(t, &b));
    qn_node *node = add(t, &b, value(t, &b, "x"), NULL, value(t, &b, "y"));
    const int64_t two[] = {3, -1};
    CHECK_OK(t, qn_node_set_int(node, "axis", 1, &b.err), &b.err);
    CHECK_OK(t, qn_node_set_int(node, "axis", 2, &b.err), &b.err);
    CHECK_OK(t, qn_node_set_ints(node, "pads", 2, two, &b.err), &b.err);
    CHECK_OK(t, qn_node_set_str(node, "mode", "linear", &b.err), &b.err);
    CHECK_EQ(t, node->n_attrs, 3);
    CHECK_EQ(t, qn_node_int(node, "axis", -7), 2);
    CHECK_EQ(t, qn_node_int(node, "mode", -7), -7); /* of another kind */
    CHECK_EQ(t, qn_node_attr(node, "pads")->ints.v[1], -1);
    CHECK(t, qn_node_str_is(node, "mode", "linear"));
    CHECK(t, !qn_node_str_is(node, "mode", "lin"));
    qn_node_drop_attr(node, "axis");
    qn_node_drop_attr(node, "axis");
    CHECK(t, qn_node_attr(node, "axis") == NULL && node->n_attrs == 2);
    CHECK_STR(t, QN_LABEL(node), "Add -> y");
    node->name = "sum";
    CHECK_STR(t, QN_LABEL(node), "sum (Add)");
    CHECK_OK(t, qn_node_set_input(node, 3, node->in[0], &b.err), &b.err);
    CHECK(t, node->n_in == 4 && node->in[2] == NULL && node->in[3] == node->in[0]);
    qn_arena_done(&b.arena);
}

/* Every row is complete and found by its name; arity and attributes are checked. */
void test_op_rows(qn_test *t)
{
    int n;
    const qn_op *const *rows = qn_ops(&n);
    for (int i = 0; i < n; i++) {
        const qn_op *op = rows[i];
        qn_note(t, "%s", op->name);
        CHECK(t, qn_op_find(op->domain != NULL ? op->domain : "", op->name) == op);
        CHECK(t, op->since >= 1 && op->first <= op->since);
        bool rewritten = op->lower != NULL && op->run == NULL; /* Upsample */
        CHECK(t, rewritten || op->run != NULL);
        CHECK(t, rewritten || op->infer != NULL || (op->flags & QN_OP_SUBGRAPH) != 0);
        CHECK(t, op->max_in < 0 || op->min_in <= op->max_in);
        CHECK(t, op->max_out < 0 || op->min_out <= op->max_out);
        CHECK(t, (op->params_size == 0) == (op->attrs == NULL));
        for (const qn_attr *a = op->attrs; a != NULL && a->name != NULL; a++)
            CHECK(t, a->offset < op->params_size);
    }
    CHECK(t, qn_op_find("", "NoSuchOperator") == NULL);
    CHECK(t, qn_op_find("com.example", "Relu") == NULL);
    CHECK(t, qn_op_find("ai.onnx", "Relu") == qn_op_find("", "Relu"));
}
