/* SPDX-License-Identifier: Apache-2.0 */
/* tests/fuzz/fuzz_safetensors.c - any bytes as a file of named arrays.  What parses is
 * read to its last byte and written again; all memory must come back. */
#include "tests/fuzz/fuzz.h"

#include "formats/safetensors.h"

#include <stdlib.h>
#include <string.h>

#define BUDGET ((size_t)16 << 20) /* bytes */

static void check(quern_status status, const quern_error *err)
{
    const size_t n = strnlen(err->text, sizeof err->text);
    if (status != QUERN_OK && (n == 0 || n == sizeof err->text)) abort();
}

static unsigned read_all(const qn_safetensors *file)
{
    unsigned sum = 0;
    for (int i = 0; i < file->n_tensors; i++) {
        const uint8_t *p = file->tensors[i].t.data;
        const size_t n = qn_tensor_bytes(&file->tensors[i].t);
        for (size_t k = 0; k < n; k++)
            sum += p[k];
        if (!qn_safetensors_find(file, file->tensors[i].name)) abort();
    }
    for (int i = 0; i < file->n_metadata; i++)
        sum += (unsigned)strlen(file->metadata[i].value);
    return sum;
}

int qn_fuzz_safetensors(const uint8_t *bytes, size_t n)
{
    qn_mem mem;
    qn_arena arena;
    qn_buf again;
    qn_safetensors file;
    quern_error err = {.status = QUERN_OK};
    qn_mem_init(&mem, NULL, BUDGET);
    qn_arena_init(&arena, &mem);
    qn_buf_init(&again, &mem);
    quern_status status = qn_safetensors_parse(&arena, bytes, n, &file, &err);
    check(status, &err);
    if (status == QUERN_OK && read_all(&file) != read_all(&file)) abort();
    if (status == QUERN_OK) check(qn_safetensors_write(&again, &file, &err), &err);
    qn_buf_done(&again);
    qn_arena_done(&arena);
    if (mem.used != 0) abort();
    return 0;
}
