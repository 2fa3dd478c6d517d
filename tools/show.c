/* SPDX-License-Identifier: Apache-2.0 */
/* tools/show.c - see show.h.  A character cell is about twice as high as it is wide, so
 * it shows two pixels, one above the other. */
#include "tools/show.h"

#include "tools/term.h"

#include <string.h>

static const uint8_t *pixel(const qn_image *image, int x, int y)
{
    return image->pixels + ((size_t)y * (size_t)image->width + (size_t)x) * 3;
}

/* The upper half block in the upper pixel's colour, on the lower one's. */
static void colour_row(const qn_image *image, int y, FILE *to)
{
    static const uint8_t black[3] = {0, 0, 0};
    for (int x = 0; x < image->width; x++) {
        const uint8_t *a = pixel(image, x, y);
        const uint8_t *b = y + 1 < image->height ? pixel(image, x, y + 1) : black;
        fprintf(to, "\033[38;2;%d;%d;%dm\033[48;2;%d;%d;%dm\xe2\x96\x80", a[0], a[1],
                a[2], b[0], b[1], b[2]);
    }
    fputs("\033[0m", to);
}

static void shade_row(const qn_image *image, int y, FILE *to)
{
    static const char shades[] = " .:-=+*#%@";
    for (int x = 0; x < image->width; x++) {
        const uint8_t *a = pixel(image, x, y);
        const uint8_t *b = y + 1 < image->height ? pixel(image, x, y + 1) : a;
        const int sum = a[0] + a[1] + a[2] + b[0] + b[1] + b[2]; /* 0 .. 1530 */
        fputc(shades[sum * 10 / 1531], to);
    }
}

quern_status qn_show(const qn_image *image, int columns, const char *const *lines,
                     int n, qn_mem *mem, FILE *to, quern_error *err)
{
    qn_arena arena;
    qn_image small;
    const bool in_colour = qn_term_has_colour(to);
    qn_arena_init(&arena, mem);
    quern_status status = qn_image_channels(&arena, image, 3, &small, err);
    if (status == QUERN_OK && image->width > columns) {
        const int height = (int)((double)image->height * columns / image->width);
        status = qn_image_resize(&arena, &small, columns, height > 0 ? height : 1,
                                 &small, err);
    }
    for (int y = 0; status == QUERN_OK && y < small.height; y += 2) {
        fputs("  ", to);
        if (in_colour)
            colour_row(&small, y, to);
        else
            shade_row(&small, y, to);
        fprintf(to, "%s%s\n", y / 2 < n ? "   " : "", y / 2 < n ? lines[y / 2] : "");
    }
    qn_arena_done(&arena);
    return status;
}
