/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/dispatch.c - rows of kernels.def -> table of function pointers. */
#include "kernels/kernels.h"

#define QN_KERNEL(slot, need, fn) qn_##slot##_fn fn;
#include "kernels/kernels.def"
#undef QN_KERNEL

void qn_kernels_init(qn_kernels *k, unsigned isa)
{
    *k = (qn_kernels){.isa = isa};
#define QN_KERNEL(slot_name, need, fn) \
    if ((isa & (need)) == (need)) k->slot_name = fn;
#include "kernels/kernels.def"
#undef QN_KERNEL
}

static const qn_kernel_row rows[] = {
#define QN_KERNEL(slot, need, fn) {#slot, #fn, need, (void (*)(void))fn},
#include "kernels/kernels.def"
#undef QN_KERNEL
};

const qn_kernel_row *qn_kernel_rows(int *n)
{
    *n = (int)(sizeof rows / sizeof rows[0]);
    return rows;
}
