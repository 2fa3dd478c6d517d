/* SPDX-License-Identifier: Apache-2.0 */
/* formats/parquet.h - Apache Parquet files, read column by column.
 *
 * The footer says what columns there are and where the pieces (chunks) of each lie, one
 * per group of rows; a chunk is a row of pages, perhaps a dictionary first.  Nothing is
 * unpacked but the page that is asked for, so memory is that of a page.
 * Read are flat columns and those in structs, required or optional; lists are not.
 * Source: parquet.thrift, Encodings.md, Compression.md of apache/parquet-format. */
#ifndef QN_FORMATS_PARQUET_H
#define QN_FORMATS_PARQUET_H

#include "formats/bytes.h"

typedef enum qn_pq_type {
    QN_PQ_BOOLEAN,
    QN_PQ_INT32,
    QN_PQ_INT64,
    QN_PQ_INT96,
    QN_PQ_FLOAT,
    QN_PQ_DOUBLE,
    QN_PQ_BYTES,
    QN_PQ_FIXED /* bytes of one length */
} qn_pq_type;

typedef struct qn_pq_column {
    const char *path; /* "image.bytes" */
    qn_pq_type type;
    int fixed_bytes;            /* of QN_PQ_FIXED */
    int max_nulls, max_repeats; /* definition and repetition levels */
    bool is_text;               /* marked as UTF-8 */
} qn_pq_column;

/* What one group of rows has of one column. */
typedef struct qn_pq_chunk {
    qn_pq_type type;
    int codec;
    int64_t n_values;
    qn_span bytes; /* its pages */
    bool is_elsewhere, is_encrypted;
} qn_pq_chunk;

typedef struct qn_pq_group {
    int64_t n_rows;
    qn_pq_chunk *chunk; /* [n_columns] */
} qn_pq_group;

typedef struct qn_pq_pair {
    qn_span key, value;
} qn_pq_pair;

typedef struct qn_parquet {
    qn_span file;
    qn_pq_column *columns;
    qn_pq_group *groups;
    qn_pq_pair *pairs; /* metadata of the writer's own */
    int n_columns, n_groups, n_pairs;
    int64_t n_rows; /* of all groups */
} qn_parquet;

bool qn_is_parquet(const void *bytes, size_t n);
/* Reads the footer.  Lists in arena; the bytes must last as long as the rest. */
quern_status qn_parquet_parse(qn_arena *arena, const void *bytes, size_t n,
                              qn_parquet *out, quern_error *err);
int qn_parquet_find(const qn_parquet *file, const char *path); /* index or -1 */
/* Value of a key of the metadata, or an empty span with p NULL. */
qn_span qn_parquet_meta(const qn_parquet *file, const char *key);

typedef struct qn_pq_page {
    bool is_dictionary, is_v2;
    bool is_packed; /* by the chunk's codec */
    int encoding, level_encoding;
    int64_t n_values;                  /* nulls included */
    uint32_t null_bytes, repeat_bytes; /* levels of a page of version 2 */
    uint32_t unpacked;                 /* bytes */
    bool has_crc;
    uint32_t crc;
    qn_span body;
} qn_pq_page;

/* The pages of a chunk, whose values are as many as the chunk says; the dictionary, if
 * there is one, comes first.  Fails for chunks that cannot be read. */
quern_status qn_parquet_pages(const qn_parquet *file, int group, int column,
                              qn_arena *arena, qn_pq_page **pages, int *n_pages,
                              quern_error *err);

/* Values of a page. */
typedef struct qn_pq_values {
    int64_t n;
    const bool *is_null; /* [n], or NULL: none is */
    /* One of them, by the column's type: truths and integers; reals; bytes.  Where a
     * value is null there is 0 or nothing. */
    int64_t *ints;
    double *reals;
    qn_span *bytes; /* in the arena or in the file */
} qn_pq_values;

/* Unpacks a page of the chunk.  dictionary: the values of the chunk's first page if
 * that is one, else NULL; it must last as long as out. */
quern_status qn_parquet_decode(const qn_parquet *file, int group, int column,
                               const qn_pq_page *page, const qn_pq_values *dictionary,
                               qn_arena *arena, qn_pq_values *out, quern_error *err);

/* Calls see for the values of every page of a column, from first to last row; they
 * last until it returns. */
typedef quern_status qn_pq_see(void *ctx, const qn_pq_values *values, quern_error *err);
quern_status qn_parquet_each(const qn_parquet *file, int column, qn_mem *mem,
                             qn_pq_see *see, void *ctx, quern_error *err);

#endif
