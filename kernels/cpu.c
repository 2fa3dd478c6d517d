/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/cpu.c - what this processor can do, as a mask of qn_isa bits. */
#include "kernels/kernels.h"

#if defined(__x86_64__)
#include <cpuid.h>

/* clang 14 has no name for this bit in __builtin_cpu_supports. */
static int has_f16c(void)
{
    unsigned a, b, c, d;
    return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_F16C) != 0;
}
#endif

unsigned qn_cpu_isa(void)
{
    unsigned isa = QN_ISA_REF;
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && has_f16c())
        isa |= QN_ISA_AVX2;
#elif defined(__aarch64__)
    isa |= QN_ISA_NEON; /* part of the base architecture */
#endif
    return isa;
}
