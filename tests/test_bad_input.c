/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_bad_input.c - what hostile data sets try, where no test of a single format
 * has it: headers of 10^9 pixels in every format, names that speak to terminals; and
 * that the page which lists hazards names tests that exist. */
#include "tests/dataset_kit.h"

#include "engine/utf8.h"
#include "formats/buffer.h"
#include "formats/raster.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* ---- headers ---- */

enum { WIDE = 40000, HIGH = 25000 }; /* 10^9 pixels */
#define BUDGET ((size_t)4 << 20)     /* bytes, of which none of them needs many */

typedef void put_header(qn_buf *out);

static void put_u16(qn_buf *out, unsigned v, bool is_big)
{
    qn_buf_byte(out, (uint8_t)(is_big ? v >> 8 : v));
    qn_buf_byte(out, (uint8_t)(is_big ? v : v >> 8));
}

static void put_u32be(qn_buf *out, uint32_t v)
{
    put_u16(out, v >> 16, true);
    put_u16(out, v & 0xffff, true);
}

/* 8 bits, gray; 64 bytes of data. */
static void put_png(qn_buf *out)
{
    static const uint8_t data[64] = {0x78, 0x9c, 3};
    qn_buf_add(out, "\x89PNG\r\n\x1a\n\0\0\0\rIHDR", 16);
    put_u32be(out, WIDE);
    put_u32be(out, HIGH);
    qn_buf_add(out, "\x08\0\0\0\0crc.\0\0\0\x40IDAT", 17);
    qn_buf_add(out, data, sizeof data);
    qn_buf_add(out, "crc.\0\0\0\0IEND\xae\x42\x60\x82", 16);
}

static void put_jpeg(qn_buf *out)
{
    qn_buf_add(out, "\xff\xd8\xff\xc0\0\x0b\x08", 7);
    put_u16(out, HIGH, true);
    put_u16(out, WIDE, true);
    qn_buf_add(out, "\1\1\x11\0\xff\xda\0\x08\1\1\0\0\x3f\0\0\xff\xd9", 17);
}

static void put_bmp(qn_buf *out)
{
    qn_buf_add(out, "BM", 2);
    qn_buf_u32le(out, 54 + 8);
    qn_buf_u32le(out, 0);
    qn_buf_u32le(out, 54);
    qn_buf_u32le(out, 40);
    qn_buf_u32le(out, WIDE);
    qn_buf_u32le(out, HIGH);
    qn_buf_u32le(out, 1 | 24u << 16);
    for (int i = 0; i < 6 + 2; i++)
        qn_buf_u32le(out, 0);
}

static void put_gif(qn_buf *out)
{
    qn_buf_add(out, "GIF89a", 6);
    put_u16(out, WIDE, false);
    put_u16(out, HIGH, false);
    qn_buf_add(out, "\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0", 14);
    put_u16(out, WIDE, false);
    put_u16(out, HIGH, false);
    qn_buf_add(out, "\0\2\2\x4c\1\0;", 7);
}

static void put_pnm(qn_buf *out)
{
    qn_buf_format(out, "P5 %d %d 255\n12345678", WIDE, HIGH);
}

/* One strip of 8 bytes, packed by LZW, which could be much. */
static void put_tiff(qn_buf *out)
{
    static const uint32_t entries[][2] = {{256, WIDE}, {257, HIGH}, {258, 8},
                                          {259, 5},    {262, 1},    {273, 8},
                                          {277, 1},    {278, HIGH}, {279, 8}};
    qn_buf_add(out,
               "II*\0\x10\0\0\0"
               "\x80\0\0\0\0\0\0\0",
               16);
    put_u16(out, sizeof entries / sizeof entries[0], false);
    for (size_t i = 0; i < sizeof entries / sizeof entries[0]; i++) {
        put_u16(out, entries[i][0], false);
        put_u16(out, 4, false);
        qn_buf_u32le(out, 1);
        qn_buf_u32le(out, entries[i][1]);
    }
    qn_buf_u32le(out, 0);
}

static const struct {
    const char *name;
    put_header *put;
} headers[] = {{"PNG", put_png}, {"JPEG", put_jpeg}, {"BMP", put_bmp},
               {"GIF", put_gif}, {"PNM", put_pnm},   {"TIFF", put_tiff}};

static bool is_refusal(quern_status status)
{
    return status == QUERN_LIMIT || status == QUERN_FORMAT ||
           status == QUERN_UNSUPPORTED; /* of a build without what reads it */
}

/* Refused with a sentence, as a picture and for measurement, within little memory. */
void test_bad_headers(qn_test *t)
{
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        qn_mem mem, heap;
        qn_arena arena;
        qn_buf file;
        qn_image image;
        qn_planes planes;
        quern_error err;
        qn_mem_init(&heap, NULL, 0);
        qn_mem_init(&mem, NULL, BUDGET);
        qn_arena_init(&arena, &mem);
        qn_buf_init(&file, &heap);
        headers[i].put(&file);
        uint8_t *exact = qn_exact(t, file.n);
        memcpy(exact, file.p, file.n);
        quern_status status = qn_image_decode(&arena, exact, file.n, 0, &image, &err);
        qn_note(t, "%s: %s", headers[i].name, err.text);
        CHECK(t,
              is_refusal(status) && strlen(err.text) > 10 && !strchr(err.text, '\n'));
        status = qn_raster_parse(&arena, exact, file.n, NULL, &planes, &err);
        qn_note(t, "%s, for measurement: %s", headers[i].name, err.text);
        CHECK(t, is_refusal(status) && strlen(err.text) > 10);
        qn_buf_done(&file);
        qn_arena_done(&arena);
    }
}

static void refuses(qn_set_kit *k, const char *name, const char *part)
{
    qn_note(k->t, "%s", name);
    CHECK(k->t, qn_set_kit_open(k, name, NULL) != QUERN_OK);
    CHECK_HAS(k->t, k->err.text, part);
}

/* The same of arrays, also where a short gzip could be long. */
void test_bad_arrays(qn_test *t)
{
    static const char npy[] =
        "\x93NUMPY\1\0\x76\0{'descr': '|u1', 'fortran_order': False, 'shape': "
        "(1000, 1000, 1000), }";
    char head[128 + 8], command[2048];
    qn_set_kit k;
    qn_set_kit_init(&k, t);
    k.mem.budget = BUDGET;
    memset(head, ' ', sizeof head);
    memcpy(head, npy, sizeof npy - 1);
    head[127] = '\n';
    qn_set_kit_put(t, "npy/images.npy", head, sizeof head);
    qn_set_kit_put(t, "npy/labels.npy", head, sizeof head);
    refuses(&k, "npy", "1000");
    qn_set_kit_idx(t, "idx/train-images-idx3-ubyte", 3, (uint32_t[]){1000, 1000, 1000},
                   "12345678", 8);
    qn_set_kit_idx(t, "idx/train-labels-idx1-ubyte", 1, (uint32_t[]){1000}, "12345678",
                   8);
    refuses(&k, "idx", "the file has 8");
    snprintf(command, sizeof command,
             "cd '%s' && gzip -k idx/* && mkdir gz && "
             "mv idx/*.gz gz/ && cd npy && cp images.npy train_images.npy && "
             "python3 -c 'import zipfile as z; "
             "z.ZipFile(\"../a.npz\",\"w\").write(\"train_images.npy\")'",
             qn_temp(t, ""));
    if (qn_shell(t, command, NULL) != 0) {
        qn_skip(t, "no gzip or no Python here");
    } else {
        refuses(&k, "gz", "gz");
        refuses(&k, "a.npz", "a.npz");
    }
    qn_set_kit_done(&k);
}

/* ---- names ---- */

/* Text for people and JSON: UTF-8, and nothing that a terminal obeys. */
static void check_quiet(qn_test *t, const char *text)
{
    const size_t n = strlen(text);
    for (size_t i = 0, k; i < n; i += k) {
        const uint8_t c = (uint8_t)text[i];
        k = qn_utf8_length(text + i, n - i);
        CHECK(t, k > 0 && c != 0x7f && (c >= ' ' || c == '\n' || c == '\r'));
        if (k == 0) return;
    }
}

#define SUM "cd '%s/set' && tar c . --sort=name | sha256sum"

/* Escapes, line ends and bytes that are no UTF-8 in names of files: every command that
 * shows names shows them harmless, and the source stays as it was. */
void test_bad_names(qn_test *t)
{
    static const char *const names[] = {"set/x/a\033[31m.bmp", "set/x/b\xff.bmp",
                                        "set/y/c\nd.bmp", "set/y/\033]0;e\a.bmp"};
    static const char *const commands[][2] = {
        {"data info --read", ""},   {"data info --read --json", ""},
        {"data lint", ""},          {"data lint --json", ""},
        {"data dedup", ""},         {"data stats", ""},
        {"data stats --json", ""},  {"data convert", "out --to csv --skip-bad"},
        {"data import", "--name a"}};
    char words[2048];
    const char *out;
    qn_set_kit k;
    if (!qn_set_kit_decodes(t)) return;
    qn_set_kit_init(&k, t);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        qn_set_kit_picture(t, names[i], (uint8_t)(i == 3 ? 0 : 50 * i));
    qn_set_kit_text(t, "set/x/bad\033[2J.bmp", "BM no picture");
    char before[200];
    snprintf(words, sizeof words, SUM, qn_temp(t, ""));
    REQUIRE(t, qn_shell(t, words, &out) == 0);
    snprintf(before, sizeof before, "%s", out);
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        snprintf(
            words, sizeof words,
            "B=$(realpath '%s'); cd '%s' && QUERN_HOME=$PWD/home $B/quern %s set %s "
            "2>&1",
            qn_build(t), qn_temp(t, ""), commands[i][0], commands[i][1]);
        qn_shell(t, words, &out);
        qn_note(t, "%s: %s", commands[i][0], out);
        CHECK(t, strlen(out) > 10);
        check_quiet(t, out);
    }
    snprintf(words, sizeof words, SUM, qn_temp(t, ""));
    REQUIRE(t, qn_shell(t, words, &out) == 0);
    CHECK_STR(t, out, before);
    qn_set_kit_done(&k);
}
