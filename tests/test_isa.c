/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_isa.c - names of instruction sets, and which rows a choice of one allows.
 */
#include "tests/test.h"

#include "kernels/kernels.h"

#include <string.h>

static const char *const names[] = {"ref", "neon", "avx2", "avx512"};

void test_isa_names(qn_test *t)
{
    unsigned isa;
    CHECK(t, qn_isa_named("ref", &isa) && isa == QN_ISA_REF);
    CHECK(t, !qn_isa_named("avx", &isa) && !qn_isa_named("", &isa));
    CHECK_STR(t, qn_isa_name(QN_ISA_AVX512), "ref"); /* without what it stands on */
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (qn_isa_named(names[i], &isa)) CHECK_STR(t, qn_isa_name(isa), names[i]);
    CHECK(t, qn_isa_named(qn_isa_name(qn_cpu_isa()), &isa) && isa == qn_cpu_isa());
}

/* The row of a slot whose function is this. */
static const qn_kernel_row *row_of(void (*fn)(void))
{
    int n;
    const qn_kernel_row *rows = qn_kernel_rows(&n);
    for (int i = 0; i < n; i++)
        if (rows[i].fn == fn) return rows + i;
    return NULL;
}

void test_isa_rows(qn_test *t)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        unsigned isa;
        qn_kernels k;
        if (!qn_isa_named(names[i], &isa)) continue;
        qn_kernels_init(&k, isa);
#define X(slot, type)                                              \
    {                                                              \
        const qn_kernel_row *row = row_of((void (*)(void))k.slot); \
        qn_note(t, "%s of %s", #slot, names[i]);                   \
        CHECK(t, row && (row->need & isa) == row->need);           \
    }
        QN_SLOT_MAP(X)
#undef X
    }
}
