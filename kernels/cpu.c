/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/cpu.c - what this processor can do, as a mask of qn_isa bits. */
#include "kernels/kernels.h"

#include <string.h>

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
    if ((isa & QN_ISA_AVX2) && __builtin_cpu_supports("avx512f") &&
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl"))
        isa |= QN_ISA_AVX512;
#elif defined(__aarch64__)
    isa |= QN_ISA_NEON; /* part of the base architecture */
#endif
    return isa;
}

/* Each with what it stands on, best last. */
static const struct {
    const char *name;
    unsigned bits;
} sets[] = {
    {"ref", QN_ISA_REF},
    {"neon", QN_ISA_NEON},
    {"avx2", QN_ISA_AVX2},
    {"avx512", QN_ISA_AVX2 | QN_ISA_AVX512},
};
enum { N_SETS = sizeof sets / sizeof sets[0] };

const char *qn_isa_name(unsigned isa)
{
    int best = 0;
    for (int i = 1; i < N_SETS; i++)
        if ((isa & sets[i].bits) == sets[i].bits) best = i;
    return sets[best].name;
}

bool qn_isa_named(const char *name, unsigned *isa)
{
    for (int i = 0; i < N_SETS; i++)
        if (strcmp(name, sets[i].name) == 0) {
            *isa = sets[i].bits;
            return (qn_cpu_isa() & sets[i].bits) == sets[i].bits;
        }
    return false;
}
