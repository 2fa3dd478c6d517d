/* SPDX-License-Identifier: Apache-2.0 */
/* formats/tiff_abi.h - what the plug-in quern-tiff.so offers: pages of a TIFF file in
 * memory, block by block, by whatever codecs its libtiff has.
 *
 * It calls nothing of ours.  All sizes that it tells are libtiff's word for what a
 * hostile file says: the front (raster_tiff.c) checks them before it acts on them. */
#ifndef QN_FORMATS_TIFF_ABI_H
#define QN_FORMATS_TIFF_ABI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define QN_TIFF_VERSION 1 /* grows with every change of this file */
#define QN_TIFF_ERROR   256

typedef struct qn_tiff_page {
    uint32_t width, height;
    uint16_t samples, bits; /* a pixel; a sample */
    uint16_t format;        /* 1 unsigned, 2 signed, 3 float */
    uint16_t photometric, planar, orientation, compression;
    uint16_t n_extra; /* samples behind the colours */
    bool is_alpha;    /* the first of those is opacity */
    bool as_colours;  /* blocks cannot be read, only whole pixels */
    bool is_swapped;  /* the file's byte order is not this machine's */
    uint32_t block_width, block_height;
    uint32_t n_blocks;                  /* of all samples */
    uint64_t block_bytes;               /* of a whole one, decoded */
    uint64_t first_byte;                /* where the first block lies in the file */
    double per_x, per_y;                /* pixels a unit of length */
    uint16_t unit;                      /* 1 none, 2 inch, 3 centimetre */
    const char *description;            /* or NULL; until the next page is asked for */
    const uint16_t *red, *green, *blue; /* of a palette of 2^bits colours, or NULL */
} qn_tiff_page;

/* tiff points to state_bytes bytes, aligned to 16, which open fills. */
typedef struct qn_tiff_abi {
    uint32_t version; /* QN_TIFF_VERSION: look at it before anything else */
    size_t state_bytes;
    /* The bytes stay until close; memory is what libtiff may ask for at a time.  false:
     * error says why, and close is not called. */
    bool (*open)(void *tiff, const void *bytes, size_t n, size_t memory);
    /* 1: page i, 0: there is none, -1: damaged. */
    int (*page)(void *tiff, uint32_t i, qn_tiff_page *out);
    /* Decodes a block of the page to out; bytes made, or -1. */
    int64_t (*block)(void *tiff, uint32_t i, void *out, size_t room);
    /* The page as [height][width] of 0xAABBGGRR, top row first. */
    bool (*colours)(void *tiff, uint32_t *out);
    const char *(*error)(const void *tiff); /* the last one's sentence, "" if none */
    void (*close)(void *tiff);
} qn_tiff_abi;

#endif
