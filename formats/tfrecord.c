/* SPDX-License-Identifier: Apache-2.0 */
/* formats/tfrecord.c - see tfrecord.h. */
#include "formats/tfrecord.h"

#include "formats/crc32c.h"
#include "formats/protobuf.h"

/* ---- records -------------------------------------------------------------------- */

quern_status qn_tfrecord_next(qn_span *file, qn_tfrecord *out, quern_error *err)
{
    const size_t at = file->offset;
    const uint8_t *head = file->p;
    uint64_t length;
    uint32_t crc;
    if (!qn_take_u64le(file, &length) || !qn_take_u32le(file, &crc))
        return qn_fail(err, QUERN_FORMAT, "byte %zu: a record is cut off, %zu are left",
                       at, file->n);
    if (crc != qn_crc32c_masked(head, 8))
        return qn_fail(err, QUERN_FORMAT,
                       "byte %zu: the checksum of a record's length is %08x, not %08x",
                       at, qn_crc32c_masked(head, 8), crc);
    if (!qn_take(file, length, &out->data) || !qn_take_u32le(file, &out->crc))
        return qn_fail(err, QUERN_FORMAT,
                       "byte %zu: a record of %llu bytes, %zu are left", at,
                       (unsigned long long)length, file->n);
    return QUERN_OK;
}

quern_status qn_tfrecord_check(const qn_tfrecord *record, quern_error *err)
{
    const uint32_t crc = qn_crc32c_masked(record->data.p, record->data.n);
    if (crc == record->crc) return QUERN_OK;
    return qn_fail(err, QUERN_FORMAT,
                   "the checksum of the record at byte %zu is %08x, not %08x",
                   record->data.offset, crc, record->crc);
}

/* ---- examples ------------------------------------------------------------------- */

enum { BYTES = 1, FLOATS = 2, INTS = 3 }; /* fields of a Feature */

/* The first value of a list; an empty one leaves the kind as it is. */
static quern_status take_list(qn_span list, uint32_t kind, qn_feature *out,
                              quern_error *err)
{
    qn_pb_field f;
    qn_pb_run run;
    uint64_t value = 0;
    bool more = false;
    for (;;) {
        QN_TRY(qn_pb_next(&list, &f, err));
        if (f.number == 0 || out->kind != QN_FEATURE_NONE) return QUERN_OK;
        if (f.number != 1) continue;
        if (kind == BYTES) {
            QN_TRY(qn_pb_expect(&f, QN_WIRE_BYTES, "a list of bytes", err));
            out->bytes = f.bytes;
            out->kind = QN_FEATURE_BYTES;
            continue;
        }
        QN_TRY(qn_pb_numbers(&f, kind == INTS ? QN_WIRE_VARINT : QN_WIRE_I32,
                             "a list of numbers", &run, err));
        QN_TRY(qn_pb_take(&run, &value, &more, err));
        if (!more) continue;
        out->number = (int64_t)value;
        out->kind = kind == INTS ? QN_FEATURE_INT : QN_FEATURE_REAL;
    }
}

static quern_status take_feature(qn_span feature, qn_feature *out, quern_error *err)
{
    qn_pb_field f;
    for (;;) {
        QN_TRY(qn_pb_next(&feature, &f, err));
        if (f.number == 0) return QUERN_OK;
        if (f.number > INTS) continue;
        QN_TRY(qn_pb_expect(&f, QN_WIRE_BYTES, "a feature", err));
        QN_TRY(take_list(f.bytes, f.number, out, err));
    }
}

/* An entry of the map: name and feature. */
static quern_status take_entry(qn_span entry, qn_feature *out, quern_error *err)
{
    qn_pb_field f;
    *out = (qn_feature){.kind = QN_FEATURE_NONE};
    for (;;) {
        QN_TRY(qn_pb_next(&entry, &f, err));
        if (f.number == 0) return QUERN_OK;
        if (f.number > 2) continue;
        QN_TRY(qn_pb_expect(&f, QN_WIRE_BYTES, "a feature's entry", err));
        if (f.number == 1)
            out->name = f.bytes;
        else
            QN_TRY(take_feature(f.bytes, out, err));
    }
}

static quern_status read_features(qn_span features, qn_feature_see *see, void *ctx,
                                  quern_error *err)
{
    qn_pb_field f;
    qn_feature feature;
    for (;;) {
        QN_TRY(qn_pb_next(&features, &f, err));
        if (f.number == 0) return QUERN_OK;
        if (f.number != 1) continue;
        QN_TRY(qn_pb_expect(&f, QN_WIRE_BYTES, "an example's feature", err));
        QN_TRY(take_entry(f.bytes, &feature, err));
        QN_TRY(see(ctx, &feature, err));
    }
}

quern_status qn_example_read(qn_span example, qn_feature_see *see, void *ctx,
                             quern_error *err)
{
    qn_pb_field f;
    for (;;) {
        QN_TRY(qn_pb_next(&example, &f, err));
        if (f.number == 0) return QUERN_OK;
        if (f.number != 1) continue;
        QN_TRY(qn_pb_expect(&f, QN_WIRE_BYTES, "an example's features", err));
        QN_TRY(read_features(f.bytes, see, ctx, err));
    }
}
