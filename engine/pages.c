/* SPDX-License-Identifier: Apache-2.0 */
/* engine/pages.c - see pages.h. */
#include "engine/pages.h"

#include "engine/os.h"

#define SMALL ((size_t)1 << 20)  /* bytes in all that are no matter for large pages */
#define MOST  ((size_t)32 << 20) /* bytes of a block for more pieces than one */

struct qn_pages_block {
    qn_pages_block *next;
    char *data;
    size_t bytes, used;
};

static quern_status add_block(qn_pages *pages, qn_mem *mem, size_t n,
                              qn_pages_block **out, quern_error *err)
{
    size_t bytes = n, align = QN_ALIGN;
    void *p, *data;
    if (n > SMALL || pages->bytes > SMALL - n) {
        /* as much as there is already: a page is torn only where a block ends */
        const size_t more = pages->bytes < MOST ? pages->bytes : MOST;
        align = QN_LARGE_PAGE;
        if (!qn_size_add(n > more ? n : more, align - 1, &bytes))
            return qn_fail(err, QUERN_LIMIT, "a piece of %zu bytes is too large", n);
        bytes -= bytes % align;
    }
    QN_TRY(qn_mem_alloc(mem, sizeof(qn_pages_block), &p, err));
    const quern_status status = qn_mem_alloc_aligned(mem, bytes, align, &data, err);
    if (status != QUERN_OK) {
        qn_mem_free(mem, p, sizeof(qn_pages_block));
        return status;
    }
    qn_os_want_huge_pages(data, bytes);
    qn_pages_block *b = p;
    *b = (qn_pages_block){pages->first, data, bytes, 0};
    pages->first = b;
    *out = b;
    return QUERN_OK;
}

quern_status qn_pages_alloc(qn_pages *pages, qn_mem *mem, size_t n, void **out,
                            quern_error *err)
{
    size_t whole;
    *out = NULL;
    if (!qn_size_add(n, QN_ALIGN - 1, &whole))
        return qn_fail(err, QUERN_LIMIT, "a piece of %zu bytes is too large", n);
    whole -= whole % QN_ALIGN;
    qn_pages_block *b = pages->first;
    while (b && b->bytes - b->used < whole)
        b = b->next;
    if (!b) QN_TRY(add_block(pages, mem, whole, &b, err));
    *out = b->data + b->used;
    b->used += whole;
    pages->bytes += whole;
    return QUERN_OK;
}

void qn_pages_done(qn_pages *pages, qn_mem *mem)
{
    for (qn_pages_block *b = pages->first, *next; b; b = next) {
        next = b->next;
        qn_mem_free(mem, b->data, b->bytes);
        qn_mem_free(mem, b, sizeof *b);
    }
    *pages = (qn_pages){0};
}
