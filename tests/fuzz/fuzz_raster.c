/* SPDX-License-Identifier: Apache-2.0 */
/* tests/fuzz/fuzz_raster.c - any bytes as a picture for measurement: PNG, PNM, BMP,
 * JPEG, and TIFF where the plug-in is there.  What is read has samples in every place;
 * all memory must come back. */
#include "tests/fuzz/fuzz.h"

#include "formats/raster.h"

#include <stdlib.h>
#include <string.h>

#define BUDGET ((size_t)64 << 20) /* bytes */

static unsigned sum_of(const qn_planes *p)
{
    const size_t n = (size_t)(p->depth * p->channels * p->height * p->width) *
                     qn_dtype_size(p->dtype);
    unsigned sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += ((const uint8_t *)p->data)[i];
    return sum;
}

int qn_fuzz_raster(const uint8_t *bytes, size_t n)
{
    qn_mem mem;
    qn_arena arena;
    qn_planes planes;
    quern_error err = {.status = QUERN_OK};
    const qn_raster_options options = {
        .z_axis = -1, .channel_axis = -1, .max_pixels = 1 << 20};
    qn_mem_init(&mem, NULL, BUDGET);
    qn_arena_init(&arena, &mem);
    const quern_status status =
        qn_raster_parse(&arena, bytes, n, &options, &planes, &err);
    const size_t length = strnlen(err.text, sizeof err.text);
    if (status == QUERN_OK && sum_of(&planes) != sum_of(&planes)) abort();
    if (status != QUERN_OK && (length == 0 || length == sizeof err.text)) abort();
    qn_arena_done(&arena);
    if (mem.used != 0) abort();
    return 0;
}
