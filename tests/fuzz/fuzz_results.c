/* SPDX-License-Identifier: Apache-2.0 */
/* tests/fuzz/fuzz_results.c - any bytes as what `quern bench` reads back: a line of
 * results, a tuning file.
 *
 * Each must be taken or be refused with a sentence, and all memory must come back. */
#include "tests/fuzz/fuzz.h"

#include "engine/tuning.h"
#include "formats/json_tree.h"

#include <stdlib.h>
#include <string.h>

#define BUDGET ((size_t)64 << 20) /* bytes */

static void check(quern_status status, const quern_error *err)
{
    const size_t n = strnlen(err->text, sizeof err->text);
    if (status != QUERN_OK && (n == 0 || n == sizeof err->text)) abort();
}

int qn_fuzz_results(const uint8_t *bytes, size_t n)
{
    const qn_tree *root;
    qn_tuning tuning;
    qn_mem mem;
    qn_arena arena;
    quern_error err = {.status = QUERN_OK};
    qn_mem_init(&mem, NULL, BUDGET);
    qn_arena_init(&arena, &mem);
    check(qn_tree_parse(&arena, (const char *)bytes, n, &root, &err), &err);
    qn_arena_done(&arena);
    check(qn_tuning_parse(&tuning, (const char *)bytes, n, "avx2", &mem, &err), &err);
    qn_tuning_done(&tuning, &mem);
    if (mem.used != 0) abort();
    return 0;
}
