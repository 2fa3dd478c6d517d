/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_json_tree.c - JSON read back: what it means, what is refused, and that no
 * bytes at all lead outside the text. */
#include "tests/test.h"

#include "formats/json_tree.h"
#include "formats/json_write.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Parses from a block of exactly n bytes. */
static quern_status parse(qn_test *t, qn_arena *arena, const char *text, size_t n,
                          const qn_tree **root, quern_error *err)
{
    qn_mem *mem = arena->mem;
    char *exact = qn_exact(t, n);
    if (n) memcpy(exact, text, n);
    qn_arena_done(arena);
    qn_arena_init(arena, mem);
    return qn_tree_parse(arena, exact, n, root, err);
}

void test_json_tree_values(qn_test *t)
{
    static const char text[] =
        " {\"a\" : [1, -2.5e-3 , true,false,null, \"\"],\"b\":{},\"d\":9,"
        "\"s\":\"x\\n\\u00e4\\ud83d\\ude00\\/\\\"\"}\n";
    quern_error err = {.status = QUERN_OK};
    const qn_tree *root = NULL;
    qn_mem mem;
    qn_arena arena;
    qn_mem_init(&mem, NULL, 0);
    qn_arena_init(&arena, &mem);
    REQUIRE_OK(t, parse(t, &arena, text, strlen(text), &root, &err), &err);
    CHECK_EQ(t, root->n, 4);
    const qn_tree *a = qn_tree_get(root, "a");
    REQUIRE(t, a && a->kind == QN_TREE_LIST && a->n == 6);
    CHECK_WITHIN(t, a->first->number, 1, 0);
    CHECK_WITHIN(t, a->first->next->number, -2.5e-3, 0);
    CHECK_EQ(t, a->first->next->next->kind, QN_TREE_BOOL);
    CHECK(t, isnan(qn_tree_real(root, "a")) && isnan(qn_tree_real(root, "none")));
    CHECK_STR(t, qn_tree_text(root, "s", ""), "x\n\xc3\xa4\xf0\x9f\x98\x80/\"");
    CHECK_STR(t, qn_tree_text(root, "b", "else"), "else");
    CHECK(t, qn_tree_get(NULL, "a") == NULL);
    qn_arena_done(&arena);
}

/* What our writer writes reads back as the same. */
void test_json_tree_round(qn_test *t)
{
    quern_error err = {.status = QUERN_OK};
    const qn_tree *root = NULL;
    qn_mem mem;
    qn_arena arena;
    qn_buf out;
    qn_json j;
    qn_mem_init(&mem, NULL, 0);
    qn_arena_init(&arena, &mem);
    qn_buf_init(&out, &mem);
    qn_json_begin(&j, &out);
    qn_json_text(&j, "t", "a\"\\\t\x01\xff z");
    qn_json_real(&j, "r", 0.1 + 0.2);
    qn_json_real(&j, "nan", (double)NAN);
    qn_json_end(&j);
    REQUIRE_OK(t, parse(t, &arena, out.p, out.n, &root, &err), &err);
    CHECK_STR(t, qn_tree_text(root, "t", ""), "a\"\\\t\x01\xef\xbf\xbd z");
    CHECK_WITHIN(t, qn_tree_real(root, "r"), 0.1 + 0.2, 0);
    CHECK(t, isnan(qn_tree_real(root, "nan")));
    qn_buf_done(&out);
    qn_arena_done(&arena);
}

void test_json_tree_refused(qn_test *t)
{
    static const char *const wrong[] = {
        "",
        " ",
        "{",
        "[1",
        "[1,]",
        "{\"a\"}",
        "{\"a\":}",
        "{a:1}",
        "01",
        "1.",
        "-",
        "1e",
        ".5",
        "+1",
        "nul",
        "truee",
        "1 2",
        "\"a",
        "\"\\x\"",
        "\"\\u12g4\"",
        "\"\\ud800\"",
        "\"\\udc00\"",
        "\"\\ud800\\u0041\"",
        "\"\x01\"",
        "\"\xff\"",
        "[1}",
        "NaN",
        "\"\\",
        "{\"a\":1,}",
        "{\"a\":1,\"b\":2,\"a\":3}",
    };
    char deep[140];
    quern_error err = {.status = QUERN_OK};
    const qn_tree *root = NULL;
    qn_mem mem;
    qn_arena arena;
    qn_mem_init(&mem, NULL, 0);
    qn_arena_init(&arena, &mem);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        qn_note(t, "%s", wrong[i]);
        CHECK_FAILS(t, parse(t, &arena, wrong[i], strlen(wrong[i]), &root, &err),
                    QUERN_FORMAT, &err, "column ");
    }
    memset(deep, '[', 70);
    memset(deep + 70, ']', 70);
    CHECK_FAILS(t, parse(t, &arena, deep, 140, &root, &err), QUERN_FORMAT, &err,
                "64 deep");
    CHECK_OK(t, parse(t, &arena, deep + 6, 128, &root, &err), &err);
    qn_arena_done(&arena);
}

/* Room is refused before it is taken. */
void test_json_tree_bounds(qn_test *t)
{
    enum { N = 9000000 };
    quern_error err = {.status = QUERN_OK};
    const qn_tree *root = NULL;
    char *text = qn_exact(t, N);
    qn_mem mem;
    qn_arena arena;
    memset(text, ',', N);
    text[0] = '[';
    qn_mem_init(&mem, NULL, 1 << 20);
    qn_arena_init(&arena, &mem);
    CHECK_OK(t, qn_tree_parse(&arena, "[1,[],{}]", 9, &root, &err), &err);
    CHECK_FAILS(t, qn_tree_parse(&arena, text, 10000, &root, &err), QUERN_LIMIT, &err,
                "10001 values of JSON may need 4020400 bytes");
    CHECK_FAILS(t, qn_tree_parse(&arena, text, N, &root, &err), QUERN_LIMIT, &err,
                "9000001 values of JSON are more than 4194304");
    memset(text, '"', 100);
    CHECK_FAILS(t, qn_tree_parse(&arena, text, 3, &root, &err), QUERN_FORMAT, &err,
                "column ");
    qn_arena_done(&arena);
    CHECK_EQ(t, (int64_t)mem.used, 0);
}

void test_json_tree_damaged(qn_test *t)
{
    static const char text[] = "{\"a\":[1,2e3,{\"b\":\"\\u00e4\\\\\"}],\"c\":null}";
    quern_error err = {.status = QUERN_OK};
    const qn_tree *root = NULL;
    char copy[sizeof text];
    qn_mem mem;
    qn_arena arena;
    qn_mem_init(&mem, NULL, 0);
    qn_arena_init(&arena, &mem);
    for (size_t n = 0; n + 1 < sizeof text; n++) {
        qn_note(t, "cut at %zu", n);
        CHECK(t, parse(t, &arena, text, n, &root, &err) == QUERN_FORMAT);
    }
    for (int i = 0; i < 4000; i++) {
        memcpy(copy, text, sizeof text);
        copy[qn_test_int(t, 0, sizeof text - 2)] = (char)qn_test_int(t, 0, 255);
        parse(t, &arena, copy, sizeof text - 1, &root, &err);
    }
    qn_arena_done(&arena);
}
