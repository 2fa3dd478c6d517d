/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/ref/strided_ref.c - strided copies for every element size. */
#include "kernels/move.h"

typedef uint8_t __attribute__((may_alias)) word8;
typedef uint16_t __attribute__((may_alias)) word16;
typedef uint32_t __attribute__((may_alias)) word32;
typedef uint64_t __attribute__((may_alias)) word64;
typedef struct __attribute__((may_alias)) word128 {
    uint64_t lo, hi;
} word128;

#define T    word8
#define ROW  row8
#define TILE tile8
#include "kernels/tmpl/vstrided.h"
#undef T
#undef ROW
#undef TILE

#define T    word16
#define ROW  row16
#define TILE tile16
#include "kernels/tmpl/vstrided.h"
#undef T
#undef ROW
#undef TILE

#define T    word32
#define ROW  row32
#define TILE tile32
#include "kernels/tmpl/vstrided.h"
#undef T
#undef ROW
#undef TILE

#define T    word64
#define ROW  row64
#define TILE tile64
#include "kernels/tmpl/vstrided.h"
#undef T
#undef ROW
#undef TILE

#define T    word128
#define ROW  row128
#define TILE tile128
#include "kernels/tmpl/vstrided.h"

static const struct {
    size_t size;
    qn_copy_row_fn *row;
    qn_copy_tile_fn *tile;
} sizes[] = {
    {1, row8, tile8},   {2, row16, tile16},    {4, row32, tile32},
    {8, row64, tile64}, {16, row128, tile128},
};

qn_copy_row_fn *qn_copy_row(size_t size)
{
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        if (sizes[i].size == size) return sizes[i].row;
    return NULL;
}

qn_copy_tile_fn *qn_copy_tile(size_t size)
{
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        if (sizes[i].size == size) return sizes[i].tile;
    return NULL;
}
