/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_options.c - command lines: what parses, what is a mistake, what help says;
 * the comparison of values that verify and compare rest on. */
#include "tests/test.h"

#include "engine/spelling.h"
#include "tools/help.h"
#include "tools/options.h"
#include "tools/values.h"

#include <math.h>
#include <string.h>

static const qn_option table[] = {
    {"name", 'n', QN_OPT_TEXT, "X", "otherwise", "a text"},
    {"many", 'm', QN_OPT_LIST, "X", NULL, "a list"},
    {"count", 'c', QN_OPT_INT, "N", "3", "a number"},
    {"size", 0, QN_OPT_SIZE, "N", NULL, "bytes"},
    {"rate", 0, QN_OPT_REAL, "R", "0.5", "a real"},
    {"verbose", 'v', QN_OPT_FLAG, NULL, NULL, "a flag"},
    QN_OPTION_QUIET,
    QN_OPTION_LIMIT,
    QN_OPTIONS_END,
};
static const qn_command command = {"test", "A B", "tests", NULL, table, "", 0};

static bool parse(qn_args *args, qn_mem *mem, int n, const char *const *words)
{
    qn_mem_init(mem, NULL, 0);
    return qn_args_parse(args, &command, n, words, mem) == 0;
}
#define PARSE(args, mem, ...)                                                       \
    parse(args, mem, (int)(sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *)), \
          (const char *[]){__VA_ARGS__})

/* What is said to stderr does not matter here. */
static int code_of(const qn_command *c, const char *name, const char *value)
{
    char word[128];
    qn_mem mem;
    qn_args args;
    snprintf(word, sizeof word, "--%s=%s", name, value);
    qn_mem_init(&mem, NULL, 0);
    const int code = qn_args_parse(&args, c, 1, (const char *const[]){word}, &mem);
    qn_args_done(&args);
    return code;
}

/* Of every option of every command that takes a number, or one of a few words. */
void test_options_values(qn_test *t)
{
    static const char *const words[] = {"gemm", "layout", "disable-pass", "shape",
                                        "limit"};
    const qn_command *c;
    int n = 0;
    for (int i = 0; (c = qn_command_at(i)) != NULL; i++)
        for (const qn_option *o = c->options; o->name; o++) {
            bool is_word = false;
            for (size_t k = 0; k < sizeof words / sizeof words[0]; k++)
                is_word |= !strcmp(o->name, words[k]);
            const bool is_number = o->kind == QN_OPT_INT || o->kind == QN_OPT_REAL ||
                                   o->kind == QN_OPT_SIZE;
            qn_note(t, "%s --%s", c->name, o->name);
            if (is_word || is_number) CHECK_EQ(t, code_of(c, o->name, "soup"), 2);
            n += is_word || is_number;
            if (strcmp(o->name, "threads") != 0 || o->kind != QN_OPT_INT) continue;
            CHECK_EQ(t, code_of(c, "threads", "-1"), 2);
            CHECK_EQ(t, code_of(c, "threads", "1025"), 2);
            CHECK_EQ(t, code_of(c, "threads", "1024"), 0);
        }
    CHECK(t, n > 100);
    c = qn_command_at(0); /* run */
    CHECK_EQ(t, code_of(c, "shape", "x=1,3,8x8"), 0);
    CHECK_EQ(t, code_of(c, "shape", "x=1,-3"), 2);
    CHECK_EQ(t, code_of(c, "disable-pass", "fuse_bias,dead_nodes"), 0);
    CHECK_EQ(t, code_of(c, "disable-pass", "all"), 0);
    CHECK_EQ(t, code_of(c, "disable-pass", "fuse_bia"), 2);
    CHECK_EQ(t, code_of(c, "gemm", "own"), 0);
    CHECK_EQ(t, code_of(c, "layout", "blocked"), 0);
}

void test_options_parse(qn_test *t)
{
    qn_mem mem;
    qn_args a;
    REQUIRE(t, PARSE(&a, &mem, "A", "-n", "x", "--many=1", "-m2", "-vq", "--size", "2K",
                     "-", "--limit", "seconds=0.5", "--", "--name"));
    CHECK_EQ(t, a.n_operands, 3);
    CHECK_STR(t, a.operands[1], "-");
    CHECK_STR(t, a.operands[2], "--name");
    CHECK_STR(t, qn_arg_text(&a, "name"), "x");
    CHECK_EQ(t, qn_arg_count(&a, "many"), 2);
    CHECK_STR(t, qn_arg_nth(&a, "many", 1), "2");
    CHECK_EQ(t, qn_arg_int(&a, "count"), 3);
    CHECK(t, qn_arg_size(&a, "size") == 2048 && qn_arg_real(&a, "rate") == 0.5);
    CHECK(t, qn_arg_flag(&a, "verbose") && qn_arg_flag(&a, "quiet"));
    CHECK(t, qn_arg_limit(&a, "seconds", 10) == 0.5);
    CHECK(t, qn_arg_limit(&a, "memory", 7) == 7);
    qn_args_done(&a);
    REQUIRE(t, PARSE(&a, &mem, "-n1", "--name=2", "-h"));
    CHECK(t, a.wants_help);
    CHECK_STR(t, qn_arg_text(&a, "name"), "2");
    qn_args_done(&a);
}

void test_options_mistakes(qn_test *t)
{
    static const char *const bad[][2] = {
        {"--nmae", "x"},     {"-z", "x"},           {"--count", "3x"},
        {"--count=", "x"},   {"--rate", "fast"},    {"--size", "-1"},
        {"--verbose=1", ""}, {"--limit", "memory"}, {"--limit", "colour=3"},
        {"x", "--name"},     {"x", "-c"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        qn_mem mem;
        qn_args a;
        qn_note(t, "%s %s", bad[i][0], bad[i][1]);
        CHECK(t, !parse(&a, &mem, 2, bad[i]));
        qn_args_done(&a);
        CHECK_EQ(t, (int64_t)mem.used, 0);
    }
}

void test_options_nearest(qn_test *t)
{
    static const char *const names[] = {"run", "inspect", "verify"};
    CHECK_STR(t, qn_nearest("inpsect", names, 3), "inspect");
    CHECK_STR(t, qn_nearest("vrify", names, 3), "verify");
    CHECK(t, qn_nearest("compare", names, 3) == NULL);
}

/* Rows are complete, and no table has an option twice. */
void test_command_table(qn_test *t)
{
    const qn_command *c;
    for (int i = 0; (c = qn_command_at(i)) != NULL; i++) {
        qn_note(t, "%s", c->name);
        CHECK(t, c->run && c->options && *c->summary && *c->about);
        CHECK(t, c->about[strlen(c->about) - 1] == '\n');
        for (const qn_option *o = c->options; o->name; o++) {
            qn_note(t, "%s --%s", c->name, o->name);
            CHECK(t, (o->kind == QN_OPT_FLAG) == (o->arg == NULL));
            CHECK(t, o->letter != 'h' && strcmp(o->name, "help") != 0);
            for (const qn_option *p = c->options; p < o; p++)
                CHECK(t, strcmp(p->name, o->name) != 0 &&
                             (!o->letter || p->letter != o->letter));
        }
    }
}

static bool agree(double a, double b)
{
    float x = (float)a, y = (float)b;
    const qn_tensor p = {.dtype = QUERN_FLOAT, .data = &x},
                    q = {.dtype = QUERN_FLOAT, .data = &y};
    return qn_value_agrees(&p, &q, (qn_tolerance){1e-3, 1e-7}, NULL, NULL);
}

void test_values_agree(qn_test *t)
{
    CHECK(t,
          agree(1, 1.0009) && !agree(1, 1.0011) && agree(0, 9e-8) && !agree(0, 2e-7));
    CHECK(t, agree((double)NAN, (double)NAN) && !agree((double)NAN, 1) &&
                 !agree(1, (double)NAN));
    CHECK(t, agree((double)INFINITY, (double)INFINITY));
    CHECK(t,
          !agree((double)INFINITY, -(double)INFINITY) && !agree(1, (double)INFINITY));
    int64_t a = 1, b = 1;
    qn_tensor p = {.dtype = QUERN_INT64, .data = &a},
              q = {.dtype = QUERN_INT64, .data = &b};
    const qn_tolerance tol = {1, 1};
    quern_error err;
    CHECK(t, qn_value_agrees(&p, &q, tol, NULL, NULL));
    b = 2;
    CHECK(t, !qn_value_agrees(&p, &q, tol, NULL, &err));
    CHECK_HAS(t, err.text, "element 0 is 1, expected 2");
    q.rank = 1;
    q.dim[0] = 1;
    CHECK(t, !qn_value_agrees(&p, &q, tol, NULL, &err));
    CHECK_HAS(t, err.text, "[1]");
    q = (qn_tensor){.dtype = QUERN_INT32, .data = &b};
    CHECK(t, !qn_value_agrees(&p, &q, tol, NULL, &err));
}
