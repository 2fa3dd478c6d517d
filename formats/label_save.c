/* SPDX-License-Identifier: Apache-2.0 */
/* formats/label_save.c - labels to files, see label_file.h: 16-bit PNG while numbers
 * fit, else 32-bit TIFF. */
#include "engine/os.h"
#include "formats/label_file.h"
#include "formats/png_write.h"

#include <stdio.h>

static quern_status save_png(qn_mem *mem, const char *path, const qn_labels *labels,
                             quern_error *err)
{
    void *narrow;
    const size_t n = (size_t)(labels->height * labels->width);
    qn_png file = {(uint32_t)labels->width, (uint32_t)labels->height, 1, 16, NULL};
    QN_TRY(qn_mem_alloc(mem, n * sizeof(uint16_t), &narrow, err));
    for (size_t i = 0; i < n; i++)
        ((uint16_t *)narrow)[i] = (uint16_t)labels->at[i];
    file.pixels = narrow;
    const quern_status status = qn_png_save(mem, path, &file, err);
    qn_mem_free(mem, narrow, n * sizeof(uint16_t));
    return status;
}

/* One strip, not compressed (TIFF 6.0, section 2). */
static quern_status save_tiff(qn_mem *mem, const char *path, const qn_labels *labels,
                              quern_error *err)
{
    enum { SHORT = 3, LONG = 4, ENTRIES = 9, START = 8 + 2 + 12 * ENTRIES + 4 };
    const size_t bytes = (size_t)(labels->height * labels->width) * sizeof(uint32_t);
    const uint32_t entry[ENTRIES][2] = {{256, (uint32_t)labels->width},
                                        {257, (uint32_t)labels->height},
                                        {258, 32},
                                        {259, 1},
                                        {262, 1},
                                        {273, START},
                                        {277, 1},
                                        {278, (uint32_t)labels->height},
                                        {279, (uint32_t)bytes}};
    qn_buf out;
    if (bytes > UINT32_MAX - START)
        return qn_fail(err, QUERN_LIMIT, "%zu bytes of labels; a TIFF file has 4 GiB",
                       bytes);
    qn_buf_init(&out, mem);
    qn_buf_add(&out, "II*\0\x08\0\0\0", 8);
    qn_buf_u16le(&out, ENTRIES);
    for (int i = 0; i < ENTRIES; i++) {
        const bool is_short = entry[i][0] == 258 || entry[i][0] == 259 ||
                              entry[i][0] == 262 || entry[i][0] == 277;
        qn_buf_u16le(&out, entry[i][0]);
        qn_buf_u16le(&out, is_short ? SHORT : LONG);
        qn_buf_u32le(&out, 1);
        qn_buf_u32le(&out, entry[i][1]);
    }
    qn_buf_u32le(&out, 0);
    qn_buf_add(&out, labels->at, bytes);
    quern_status status = qn_buf_status(&out, err);
    if (status == QUERN_OK) status = qn_file_replace(path, out.p, out.n, err);
    qn_buf_done(&out);
    return status;
}

quern_status qn_label_file_save(qn_mem *mem, const char *base, const qn_labels *labels,
                                char path[], size_t path_size, quern_error *err)
{
    const bool is_narrow = qn_labels_max(labels) <= UINT16_MAX;
    const int n = snprintf(path, path_size, "%s%s", base, is_narrow ? ".png" : ".tif");
    if (n < 0 || (size_t)n >= path_size)
        return qn_fail(err, QUERN_IO, "a path of %d bytes is longer than %zu", n,
                       path_size - 1);
    if (is_narrow) return save_png(mem, path, labels, err);
    return save_tiff(mem, path, labels, err);
}
