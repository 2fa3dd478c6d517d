/* SPDX-License-Identifier: Apache-2.0 */
/* bench/checked_call.c - the door, in assembly.
 *
 * It must not know the type of the function behind it, so it leaves argument registers
 * and stack as they are: the return address and the caller's registers go to a place of
 * their own, the registers are filled with patterns, and after the call they are
 * compared.  The place is one for the process: kernels are verified one at a time. */
#include "bench/checked_call.h"

#include <stdint.h>
#include <stdio.h>

#ifdef __x86_64__
#include <cpuid.h>

/* 0 target, 1 return address, 2..7 rbx rbp r12 r13 r14 r15, 8 mxcsr, 9 bits found */
extern uint64_t qn_checked_place[16] __attribute__((visibility("hidden")));
uint64_t qn_checked_place[16];
void qn_checked_door(void) __attribute__((visibility("hidden")));

__asm__(".text\n"
        ".p2align 4\n"
        ".type qn_checked_door, @function\n"
        ".hidden qn_checked_door\n"
        ".globl qn_checked_door\n"
        "qn_checked_door:\n"
        "  endbr64\n"
        "  popq qn_checked_place+8(%rip)\n"
        "  movq %rbx, qn_checked_place+16(%rip)\n"
        "  movq %rbp, qn_checked_place+24(%rip)\n"
        "  movq %r12, qn_checked_place+32(%rip)\n"
        "  movq %r13, qn_checked_place+40(%rip)\n"
        "  movq %r14, qn_checked_place+48(%rip)\n"
        "  movq %r15, qn_checked_place+56(%rip)\n"
        "  stmxcsr qn_checked_place+64(%rip)\n"
        "  movq $0x5a01, %rbx\n"
        "  movq $0x5a02, %rbp\n"
        "  movq $0x5a03, %r12\n"
        "  movq $0x5a04, %r13\n"
        "  movq $0x5a05, %r14\n"
        "  movq $0x5a06, %r15\n"
        "  callq *qn_checked_place(%rip)\n"
        /* rax, rdx and xmm0 may hold a result; rcx, rsi, rdi are free. */
        "  xorl %ecx, %ecx\n"
        "  cmpq $0x5a01, %rbx\n"
        "  jne 1f\n"
        "  cmpq $0x5a02, %rbp\n"
        "  jne 1f\n"
        "  cmpq $0x5a03, %r12\n"
        "  jne 1f\n"
        "  cmpq $0x5a04, %r13\n"
        "  jne 1f\n"
        "  cmpq $0x5a05, %r14\n"
        "  jne 1f\n"
        "  cmpq $0x5a06, %r15\n"
        "  je 2f\n"
        "1: orl $1, %ecx\n"
        "2: stmxcsr qn_checked_place+72(%rip)\n"
        "  movl qn_checked_place+64(%rip), %esi\n"
        "  xorl qn_checked_place+72(%rip), %esi\n"
        "  testl $0xffc0, %esi\n" /* all but the sticky exception flags */
        "  jz 3f\n"
        "  orl $2, %ecx\n"
        "  ldmxcsr qn_checked_place+64(%rip)\n"
        "3: pushfq\n"
        "  popq %rsi\n"
        "  testl $0x400, %esi\n"
        "  jz 4f\n"
        "  orl $4, %ecx\n"
        "  cld\n"
        "4: orl %ecx, qn_checked_place+80(%rip)\n"
        "  movq qn_checked_place+16(%rip), %rbx\n"
        "  movq qn_checked_place+24(%rip), %rbp\n"
        "  movq qn_checked_place+32(%rip), %r12\n"
        "  movq qn_checked_place+40(%rip), %r13\n"
        "  movq qn_checked_place+48(%rip), %r14\n"
        "  movq qn_checked_place+56(%rip), %r15\n"
        "  cmpl $0, qn_checked_place+88(%rip)\n"
        "  je 5f\n"
        "  movq %rax, %rsi\n"
        "  movq %rdx, %rdi\n"
        "  movl $1, %ecx\n"
        "  xgetbv\n" /* which parts of the registers are in use */
        "  andl $4, %eax\n"
        "  addl %eax, %eax\n"
        "  orl %eax, qn_checked_place+80(%rip)\n"
        "  movq %rsi, %rax\n"
        "  movq %rdi, %rdx\n"
        "5: pushq qn_checked_place+8(%rip)\n"
        "  ret\n"
        ".size qn_checked_door, .-qn_checked_door\n");

enum { FOUND = 10, UPPER_IS_SEEN = 11 };

__attribute__((target("avx,xsave"))) static unsigned upper_in_use(bool is_dirty)
{
    unsigned low, high;
    __asm__ volatile("vzeroupper" ::: "memory");
    if (is_dirty)
        __asm__ volatile("vpcmpeqd %%xmm7, %%xmm7, %%xmm7\n"
                         "vinsertf128 $1, %%xmm7, %%ymm7, %%ymm7" ::
                             : "xmm7");
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(1));
    __asm__ volatile("vzeroupper" ::: "memory");
    return low & 4;
}

/* Whether the processor tracks the upper halves, so that vzeroupper can be seen. */
bool qn_checked_sees_upper(void)
{
    unsigned a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_AVX) || !(c & bit_OSXSAVE))
        return false;
    if (!__get_cpuid_count(13, 1, &a, &b, &c, &d) || !(a & 4)) return false;
    return upper_in_use(true) && !upper_in_use(false);
}

bool qn_checked_is_there(void)
{
    return true;
}

void qn_checked_reset(void)
{
    qn_checked_place[FOUND] = 0;
    qn_checked_place[UPPER_IS_SEEN] = qn_checked_sees_upper();
}
#elif defined(__aarch64__)

/* 0 target, 1 return address, 2..12 x19..x29, 13..20 d8..d15, 21 fpcr, 22 bits found */
extern uint64_t qn_checked_place[24] __attribute__((visibility("hidden")));
uint64_t qn_checked_place[24];
void qn_checked_door(void) __attribute__((visibility("hidden")));

__asm__(".text\n"
        ".p2align 4\n"
        ".type qn_checked_door, %function\n"
        ".hidden qn_checked_door\n"
        ".globl qn_checked_door\n"
        "qn_checked_door:\n"
        "  adrp x16, qn_checked_place\n"
        "  add x16, x16, :lo12:qn_checked_place\n"
        "  str x30, [x16, #8]\n"
        "  stp x19, x20, [x16, #16]\n"
        "  stp x21, x22, [x16, #32]\n"
        "  stp x23, x24, [x16, #48]\n"
        "  stp x25, x26, [x16, #64]\n"
        "  stp x27, x28, [x16, #80]\n"
        "  str x29, [x16, #96]\n"
        "  stp d8, d9, [x16, #104]\n"
        "  stp d10, d11, [x16, #120]\n"
        "  stp d12, d13, [x16, #136]\n"
        "  stp d14, d15, [x16, #152]\n"
        "  mrs x17, fpcr\n"
        "  str x17, [x16, #168]\n"
        "  ldr x17, [x16]\n"
        "  blr x17\n"
        "  adrp x16, qn_checked_place\n"
        "  add x16, x16, :lo12:qn_checked_place\n"
        "  mov x9, #0\n"
        "  ldp x10, x11, [x16, #16]\n"
        "  cmp x19, x10\n  ccmp x20, x11, #0, eq\n"
        "  ldp x10, x11, [x16, #32]\n"
        "  ccmp x21, x10, #0, eq\n  ccmp x22, x11, #0, eq\n"
        "  ldp x10, x11, [x16, #48]\n"
        "  ccmp x23, x10, #0, eq\n  ccmp x24, x11, #0, eq\n"
        "  ldp x10, x11, [x16, #64]\n"
        "  ccmp x25, x10, #0, eq\n  ccmp x26, x11, #0, eq\n"
        "  ldp x10, x11, [x16, #80]\n"
        "  ccmp x27, x10, #0, eq\n  ccmp x28, x11, #0, eq\n"
        "  ldr x10, [x16, #96]\n"
        "  ccmp x29, x10, #0, eq\n"
        "  fmov x12, d8\n  fmov x13, d9\n"
        "  ldp x10, x11, [x16, #104]\n"
        "  ccmp x12, x10, #0, eq\n  ccmp x13, x11, #0, eq\n"
        "  fmov x12, d10\n  fmov x13, d11\n"
        "  ldp x10, x11, [x16, #120]\n"
        "  ccmp x12, x10, #0, eq\n  ccmp x13, x11, #0, eq\n"
        "  fmov x12, d12\n  fmov x13, d13\n"
        "  ldp x10, x11, [x16, #136]\n"
        "  ccmp x12, x10, #0, eq\n  ccmp x13, x11, #0, eq\n"
        "  fmov x12, d14\n  fmov x13, d15\n"
        "  ldp x10, x11, [x16, #152]\n"
        "  ccmp x12, x10, #0, eq\n  ccmp x13, x11, #0, eq\n"
        "  cset x9, ne\n"
        "  mrs x10, fpcr\n"
        "  ldr x11, [x16, #168]\n"
        "  cmp x10, x11\n"
        "  cset x12, ne\n"
        "  orr x9, x9, x12, lsl #1\n"
        "  msr fpcr, x11\n"
        "  ldr x10, [x16, #176]\n"
        "  orr x10, x10, x9\n"
        "  str x10, [x16, #176]\n"
        "  ldp x19, x20, [x16, #16]\n"
        "  ldp x21, x22, [x16, #32]\n"
        "  ldp x23, x24, [x16, #48]\n"
        "  ldp x25, x26, [x16, #64]\n"
        "  ldp x27, x28, [x16, #80]\n"
        "  ldr x29, [x16, #96]\n"
        "  ldp d8, d9, [x16, #104]\n"
        "  ldp d10, d11, [x16, #120]\n"
        "  ldp d12, d13, [x16, #136]\n"
        "  ldp d14, d15, [x16, #152]\n"
        "  ldr x30, [x16, #8]\n"
        "  ret\n"
        ".size qn_checked_door, .-qn_checked_door\n");

enum { FOUND = 22 };

bool qn_checked_sees_upper(void)
{
    return false; /* there is no such thing */
}

bool qn_checked_is_there(void)
{
    return true;
}

void qn_checked_reset(void)
{
    qn_checked_place[FOUND] = 0;
}
#else
static uint64_t qn_checked_place[1];
enum { FOUND = 0 };
static void (*qn_checked_door)(void);

bool qn_checked_sees_upper(void)
{
    return false;
}

bool qn_checked_is_there(void)
{
    return false;
}

void qn_checked_reset(void)
{
    qn_checked_place[FOUND] = 0;
}
#endif

void (*qn_checked_call_of(void (*target)(void)))(void)
{
    if (!qn_checked_is_there()) return target;
    qn_checked_place[0] = (uint64_t)(uintptr_t)target;
    return qn_checked_door;
}

unsigned qn_checked_result(void)
{
    return (unsigned)qn_checked_place[FOUND];
}

const char *qn_checked_text(unsigned bits)
{
    if (bits & QN_LEFT_REGISTER) return "a register of the caller is not restored";
    if (bits & QN_LEFT_CONTROL) return "the floating-point control word is changed";
    if (bits & QN_LEFT_DIRECTION) return "the direction flag is left set";
    if (bits & QN_LEFT_UPPER) return "upper halves of vector registers are left dirty";
    return "nothing is left behind";
}
