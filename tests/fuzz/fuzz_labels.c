/* SPDX-License-Identifier: Apache-2.0 */
/* tests/fuzz/fuzz_labels.c - any bytes as a picture of labels.  What parses is cleaned,
 * compared with itself and, if it is small, given flows and found again; all memory
 * must come back. */
#include "tests/fuzz/fuzz.h"

#include "engine/cells/agreement.h"
#include "engine/cells/dynamics.h"
#include "formats/label_file.h"

#include <stdlib.h>
#include <string.h>

#define BUDGET ((size_t)64 << 20) /* bytes */

enum { MOST = 1 << 18, SMALL = 1 << 10 }; /* pixels */

static void check(quern_status status, const quern_error *err)
{
    const size_t n = strnlen(err->text, sizeof err->text);
    if (status != QUERN_OK && (n == 0 || n == sizeof err->text)) abort();
}

static void compare(qn_labels *labels, qn_arena *arena, quern_error *err)
{
    qn_labels same;
    qn_agreement a;
    quern_status status = qn_labels_copy(arena, labels, &same, err);
    if (status == QUERN_OK)
        status = qn_labels_agree(labels, &same, 0.1, arena, &a, err);
    check(status, err);
    if (status == QUERN_OK && qn_agreement_precision_at(&a, 9) != 1) abort();
    if (status == QUERN_OK && qn_agreement_jaccard(&a) != 1) abort();
}

/* Labels are 1..n by now. */
static void go_round(const qn_labels *labels, qn_arena *arena, quern_error *err)
{
    const qn_dynamics_options options = QN_DYNAMICS_DEFAULT;
    static const size_t most = SMALL;
    float plane[3][SMALL];
    qn_labels found;
    const size_t n = (size_t)(labels->height * labels->width);
    const qn_flow_field field = {labels->height, labels->width, plane[0], plane[1],
                                 plane[2]};
    if (n > most) return;
    check(qn_labels_flows(labels, qn_labels_max(labels), NULL, arena, plane[0],
                          plane[1], err),
          err);
    for (size_t i = 0; i < n; i++)
        plane[2][i] = labels->at[i] ? 1 : -1;
    check(qn_dynamics_labels(&field, &options, NULL, arena, &found, NULL, err), err);
}

int qn_fuzz_labels(const uint8_t *bytes, size_t n)
{
    qn_mem mem;
    qn_arena arena;
    qn_labels labels;
    uint32_t n_cells;
    quern_error err = {.status = QUERN_OK};
    qn_mem_init(&mem, NULL, BUDGET);
    qn_arena_init(&arena, &mem);
    quern_status status = qn_label_file_parse(&arena, bytes, n, MOST, &labels, &err);
    check(status, &err);
    if (status == QUERN_OK) {
        compare(&labels, &arena, &err);
        go_round(&labels, &arena, &err);
        check(qn_labels_clean(&labels, 2, &arena, &n_cells, &err), &err);
    }
    qn_arena_done(&arena);
    if (mem.used != 0) abort();
    return 0;
}
