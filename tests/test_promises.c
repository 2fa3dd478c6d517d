/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_promises.c - pages that promise something name the test that holds it:
 * PRIVACY.md and the tables behind `quern privacy verify`, the hazards of
 * docs/SECURITY.md, NOTICE and docs/deps.lock.
 */
#include "formats/json_tree.h"
#include "tests/test.h"
#include "tools/privacy_check.h"

#include <stdio.h>
#include <string.h>

static const char *const tests[] = {
#define QN_TEST(name) #name,
#include "tests/tests.def"
#undef QN_TEST
};

static bool is_test(qn_test *t, const char *name)
{
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)
        if (!strcmp(tests[i], name)) return true;
    return !strncmp(name, "tests/", 6) && qn_get_file(t, name, NULL) != NULL;
}

/* Cell k of a row "| a | b |", without the blanks around it. */
static void take_cell(const char *row, int k, char *to, size_t room)
{
    for (; k >= 0 && *row; k--)
        row += strcspn(row, "|") + (row[strcspn(row, "|")] == '|');
    while (*row == ' ')
        row++;
    size_t n = strcspn(row, "|\n");
    while (n > 0 && row[n - 1] == ' ')
        n--;
    snprintf(to, room, "%.*s", (int)n, row);
}

static void check_names(qn_test *t, const char *cell)
{
    int n = 0;
    for (const char *p = strchr(cell, '`'); p; p = strchr(p, '`')) {
        char name[200];
        const size_t length = strcspn(++p, "`");
        snprintf(name, sizeof name, "%.*s", (int)length, p);
        p += length + (p[length] == '`');
        qn_note(t, "the page names %s", name);
        CHECK(t, is_test(t, name));
        n++;
    }
    CHECK(t, n > 0);
}

/* Every promise has an id of its own, a version, a day and a test that exists. */
void test_privacy_page(qn_test *t)
{
    const char *page = qn_get_file(t, "PRIVACY.md", NULL);
    int n = 0;
    REQUIRE(t, page != NULL);
    const char *row = strstr(page, "| id | promise |");
    REQUIRE(t, row != NULL);
    row = strchr(strchr(row, '\n') + 1, '\n') + 1;
    for (; *row == '|'; row += strcspn(row, "\n") + 1, n++) {
        char cell[5][600], again[700];
        for (int k = 0; k < 5; k++)
            take_cell(row, k, cell[k], sizeof cell[k]);
        qn_note(t, "promise %s", cell[0]);
        CHECK(t, strlen(cell[0]) > 3 && strlen(cell[1]) > 10);
        CHECK(t, strchr(cell[2], '.') != NULL);
        CHECK_EQ(t, (int64_t)strlen(cell[3]), 10); /* 2026-11-23 */
        snprintf(again, sizeof again, "\n| %s |", cell[0]);
        CHECK(t, strstr(row, again) == NULL);
        check_names(t, cell[4]);
    }
    CHECK(t, n >= 10);
    for (int i = 0; i < QN_N_PROMISES; i++) {
        char id[100];
        snprintf(id, sizeof id, "\n| %s |", qn_promise_id(i));
        qn_note(t, "shown by quern privacy verify: %s", qn_promise_id(i));
        CHECK(t, strstr(page, id) != NULL);
    }
}

/* Every hazard has an answer and a test that exists. */
void test_hazards_page(qn_test *t)
{
    const char *page = qn_get_file(t, "docs/SECURITY.md", NULL);
    int n = 0;
    REQUIRE(t, page != NULL);
    const char *row = strstr(page, "| hazard | what happens | test |");
    REQUIRE(t, row != NULL);
    row = strchr(strchr(row, '\n') + 1, '\n') + 1;
    for (; *row == '|'; row += strcspn(row, "\n") + 1, n++) {
        char cell[3][600];
        for (int k = 0; k < 3; k++)
            take_cell(row, k, cell[k], sizeof cell[k]);
        qn_note(t, "hazard %s", cell[0]);
        CHECK(t, strlen(cell[0]) > 3 && strlen(cell[1]) > 10);
        check_names(t, cell[2]);
    }
    CHECK(t, n >= 14);
}

/* The table of commands and that of recipes name the same, once each. */
void test_privacy_recipes(qn_test *t)
{
    static const char *const recipes[] = {
#define QN_RECIPE(command, codes, words) command,
#include "tools/privacy_recipes.def"
#undef QN_RECIPE
    };
    const int n = (int)(sizeof recipes / sizeof recipes[0]);
    const qn_command *c;
    int n_commands = 0;
    for (; (c = qn_command_at(n_commands)) != NULL; n_commands++) {
        int found = 0;
        for (int i = 0; i < n; i++)
            found += !strcmp(recipes[i], c->name);
        qn_note(t, "%s: a row of tools/privacy_recipes.def", c->name);
        CHECK_EQ(t, found, 1);
    }
    CHECK_EQ(t, n, n_commands);
}

void test_licences_match(qn_test *t)
{
    char command[700];
    const char *out;
    if (!qn_is_release(t)) {
        qn_skip(t, "the release build for this machine is the one looked at");
        return;
    }
    snprintf(command, sizeof command, "tools/licences.sh check '%s'", qn_build(t));
    if (qn_shell(t, command, &out) != 0) CHECK_STR(t, out, "");
    CHECK_EQ(t, qn_shell(t, "tools/licences.sh spdx > /dev/null", NULL), 0);
}

/* The SPDX document is JSON, has a package per row, and is the same twice. */
void test_licences_spdx(qn_test *t)
{
    const char *out, *again;
    qn_mem mem;
    qn_arena arena;
    quern_error err = {.status = QUERN_OK};
    const qn_tree *root, *packages;
    qn_mem_init(&mem, NULL, 0);
    qn_arena_init(&arena, &mem);
    CHECK_EQ(t, qn_shell(t, "tools/licences.sh spdx", &out), 0);
    CHECK_EQ(t, qn_shell(t, "tools/licences.sh spdx", &again), 0);
    CHECK_STR(t, again, out);
    const quern_status status = qn_tree_parse(&arena, out, strlen(out), &root, &err);
    if (status == QUERN_UNSUPPORTED) {
        qn_skip(t, "%s", err.text);
    } else if (CHECK_OK(t, status, &err)) {
        packages = qn_tree_get(root, "packages");
        CHECK(t, packages && packages->n >= 8);
        CHECK_STR(t, qn_tree_text(root, "spdxVersion", ""), "SPDX-2.3");
    }
    qn_arena_done(&arena);
}
