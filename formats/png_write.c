/* SPDX-License-Identifier: Apache-2.0 */
/* formats/png_write.c - see png_write.h.  Every row is filtered by the difference to
 * the row above (filter 2), which suits masks and photographs alike. */
#include "formats/png_write.h"

#include "engine/os.h"
#include "formats/deflate.h"

#include <string.h>

static void put_chunk(qn_buf *out, const char *type, const void *p, size_t n)
{
    const size_t from = out->n + 4;
    qn_buf_u32be(out, (uint32_t)n);
    qn_buf_text(out, type);
    qn_buf_add(out, p, n);
    if (out->error.status == QUERN_OK)
        qn_buf_u32be(out, qn_crc32(0, out->p + from, out->n - from));
}

/* Filter byte and difference to the row above, samples big-endian. */
static void put_rows(qn_buf *rows, const qn_png *png)
{
    const size_t n = (size_t)png->width * (size_t)png->channels;
    const size_t size = png->bits == 16 ? 2 : 1;
    const uint8_t *row = png->pixels, *above = NULL;
    for (uint32_t y = 0; y < png->height; y++, above = row, row += n * size) {
        qn_buf_byte(rows, 2);
        for (size_t i = 0; i < n * size; i++) {
            const size_t k = size == 2 ? i ^ 1 : i;
            qn_buf_byte(rows, (uint8_t)(row[k] - (above ? above[k] : 0)));
        }
    }
}

static quern_status check(const qn_png *png, quern_error *err)
{
    size_t bytes;
    if (png->width < 1 || png->height < 1 || png->width > INT32_MAX ||
        png->height > INT32_MAX)
        return qn_fail(err, QUERN_INVALID, "a PNG of %u x %u pixels", png->width,
                       png->height);
    if (!qn_size_mul(png->width, png->height, &bytes) || bytes > UINT32_MAX / 16)
        return qn_fail(err, QUERN_LIMIT, "a PNG of %u x %u pixels is too large",
                       png->width, png->height);
    if ((png->bits != 8 && png->bits != 16) ||
        (png->channels != 1 && png->channels != 3 && png->channels != 4))
        return qn_fail(err, QUERN_INVALID, "a PNG of %d channels of %d bits",
                       png->channels, png->bits);
    return QUERN_OK;
}

quern_status qn_png_write(qn_buf *out, const qn_png *png, quern_error *err)
{
    static const uint8_t colour[] = {0, 0, 0, 2, 6};
    qn_buf rows, packed, head;
    QN_TRY(check(png, err));
    qn_buf_init(&rows, out->mem);
    qn_buf_init(&packed, out->mem);
    qn_buf_init(&head, out->mem);
    qn_buf_u32be(&head, png->width);
    qn_buf_u32be(&head, png->height);
    qn_buf_byte(&head, png->bits);
    qn_buf_byte(&head, colour[png->channels]);
    qn_buf_add(&head, "\0\0\0", 3); /* deflate, adaptive filters, not interlaced */
    put_rows(&rows, png);
    quern_status status = qn_buf_status(&rows, err);
    if (status == QUERN_OK) status = qn_buf_status(&head, err);
    if (status == QUERN_OK) status = qn_deflate(rows.p, rows.n, &packed, err);
    if (status == QUERN_OK) {
        qn_buf_add(out, "\x89PNG\r\n\x1a\n", 8);
        put_chunk(out, "IHDR", head.p, head.n);
        put_chunk(out, "IDAT", packed.p, packed.n);
        put_chunk(out, "IEND", "", 0);
        status = qn_buf_status(out, err);
    }
    qn_buf_done(&rows);
    qn_buf_done(&packed);
    qn_buf_done(&head);
    return status;
}

quern_status qn_png_save(qn_mem *mem, const char *path, const qn_png *png,
                         quern_error *err)
{
    qn_buf out;
    qn_buf_init(&out, mem);
    quern_status status = qn_png_write(&out, png, err);
    if (status == QUERN_OK) status = qn_file_replace(path, out.p, out.n, err);
    qn_buf_done(&out);
    return status;
}
