/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_hardening.c - what the linker was asked for is in the ELF files (elf(5)):
 * position independent, relocations read-only and resolved at start, no stack that can
 * be executed, no segment that can be written and executed, code on pages of its own.
 */
#include "tests/test.h"

#include <elf.h>
#include <stdio.h>
#include <string.h>

typedef struct elf {
    const char *p;
    size_t n;
    const Elf64_Ehdr *head;
    const Elf64_Phdr *segment;
} elf;

static bool open_elf(qn_test *t, const char *path, elf *out)
{
    qn_note(t, "%s", path);
    out->p = qn_get_file(t, path, &out->n);
    out->head = (const void *)out->p;
    if (!CHECK(t, out->p && out->n > sizeof *out->head) ||
        !CHECK(t, !memcmp(out->p, ELFMAG "\2", 5)))
        return false;
    out->segment = (const void *)(out->p + out->head->e_phoff);
    return CHECK(t, out->head->e_phoff + out->head->e_phnum * sizeof *out->segment <=
                        out->n);
}

static const Elf64_Phdr *find_segment(const elf *e, uint32_t type)
{
    for (int i = 0; i < e->head->e_phnum; i++)
        if (e->segment[i].p_type == type) return &e->segment[i];
    return NULL;
}

/* The value of a tag of the dynamic section, 0 without it. */
static uint64_t dynamic(const elf *e, int64_t tag)
{
    const Elf64_Phdr *s = find_segment(e, PT_DYNAMIC);
    for (size_t at = 0; s && at + sizeof(Elf64_Dyn) <= s->p_filesz;
         at += sizeof(Elf64_Dyn)) {
        const Elf64_Dyn *d = (const void *)(e->p + s->p_offset + at);
        if (d->d_tag == tag) return d->d_un.d_val;
    }
    return 0;
}

static void check_segments(qn_test *t, const elf *e)
{
    const Elf64_Phdr *stack = find_segment(e, PT_GNU_STACK);
    CHECK(t, stack && !(stack->p_flags & PF_X));
    CHECK(t, find_segment(e, PT_GNU_RELRO) != NULL);
    for (int i = 0; i < e->head->e_phnum; i++) {
        const Elf64_Phdr *s = &e->segment[i];
        CHECK(t, (s->p_flags & (PF_W | PF_X)) != (PF_W | PF_X));
        /* -z separate-code: the ELF header is not on a page with code. */
        if (s->p_type == PT_LOAD && s->p_offset == 0) CHECK(t, !(s->p_flags & PF_X));
    }
}

void test_hardening_elf(qn_test *t)
{
    static const char *const files[] = {"quern", "libquern.so.0", "quern-controls"};
    char path[600];
    elf e;
    if (!qn_is_release(t)) {
        qn_skip(t, "the release build for this machine is the one looked at");
        return;
    }
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", qn_build(t), files[i]);
        if (!open_elf(t, path, &e)) continue;
        CHECK_EQ(t, e.head->e_type, ET_DYN);
        check_segments(t, &e);
        CHECK(t, (dynamic(&e, DT_FLAGS_1) & DF_1_NOW) != 0);
        if (i != 1) CHECK(t, (dynamic(&e, DT_FLAGS_1) & DF_1_PIE) != 0);
    }
}

/* The string functions that were checked, and the canary, are called. */
void test_hardening_calls(qn_test *t)
{
    char command[700];
    const char *out;
    if (!qn_is_release(t) || qn_shell(t, "command -v nm", NULL) != 0) {
        qn_skip(t, "the release build for this machine, and nm, are needed");
        return;
    }
    snprintf(command, sizeof command, "nm -D --undefined-only '%s/quern'", qn_build(t));
    CHECK_EQ(t, qn_shell(t, command, &out), 0);
    CHECK_HAS(t, out, "__stack_chk_fail");
    CHECK_HAS(t, out, "__snprintf_chk");
}
