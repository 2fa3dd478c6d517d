/* SPDX-License-Identifier: Apache-2.0 */
/* tools/privacy_inputs.c - a model, a conformance test and pictures in two classes, as
 * small as they can be: what the commands are shown while they are watched. */
#include "formats/files.h"
#include "formats/onnx_fields.h"
#include "formats/onnx.h"
#include "formats/png_write.h"
#include "formats/protobuf.h"
#include "tools/privacy_check.h"

#include <stdio.h>
#include <string.h>

#define SIDE     16
#define PICTURES 8 /* of a class */

static quern_status save(const char *folder, const char *name, const qn_buf *bytes,
                         quern_error *err)
{
    char path[QN_PATH_MAX];
    QN_TRY(qn_buf_status(bytes, err));
    QN_TRY(qn_path_format(path, err, "%s/%s", folder, name));
    return qn_file_replace(path, bytes->p, bytes->n, err);
}

/* float32[2] under that name. */
static void put_pair(qn_buf *b, uint32_t field, const char *name)
{
    const size_t info = qn_pb_begin(b, field);
    qn_pb_put_text(b, INFO_NAME, name);
    const size_t type = qn_pb_begin(b, INFO_TYPE);
    const size_t tensor = qn_pb_begin(b, TYPE_TENSOR);
    qn_pb_put_varint(b, TYPE_ELEM_TYPE, QUERN_FLOAT);
    const size_t shape = qn_pb_begin(b, TYPE_SHAPE);
    const size_t dim = qn_pb_begin(b, SHAPE_DIM);
    qn_pb_put_varint(b, DIM_VALUE, 2);
    qn_pb_end(b, dim);
    qn_pb_end(b, shape);
    qn_pb_end(b, tensor);
    qn_pb_end(b, type);
    qn_pb_end(b, info);
}

/* y = Identity(x). */
static void put_model(qn_buf *b)
{
    qn_pb_put_varint(b, MODEL_IR_VERSION, 8);
    const size_t graph = qn_pb_begin(b, MODEL_GRAPH);
    const size_t node = qn_pb_begin(b, GRAPH_NODE);
    qn_pb_put_text(b, NODE_INPUT, "x");
    qn_pb_put_text(b, NODE_OUTPUT, "y");
    qn_pb_put_text(b, NODE_OP_TYPE, "Identity");
    qn_pb_end(b, node);
    qn_pb_put_text(b, GRAPH_NAME, "same");
    put_pair(b, GRAPH_INPUT, "x");
    put_pair(b, GRAPH_OUTPUT, "y");
    qn_pb_end(b, graph);
    const size_t opset = qn_pb_begin(b, MODEL_OPSET_IMPORT);
    qn_pb_put_varint(b, OPSET_VERSION, 17);
    qn_pb_end(b, opset);
}

static quern_status make_models(const char *in, qn_buf *b, quern_error *err)
{
    float numbers[2] = {1, -2};
    const qn_tensor x = {.dtype = QUERN_FLOAT, .rank = 1, .dim = {2}, .data = numbers};
    char folder[QN_PATH_MAX];
    put_model(b);
    QN_TRY(save(in, "net.onnx", b, err));
    QN_TRY(qn_path_format(folder, err, "%s/cases/same/test_data_set_0", in));
    QN_TRY(qn_dir_make(folder, err));
    QN_TRY(save(in, "cases/same/model.onnx", b, err));
    qn_buf_clear(b);
    QN_TRY(qn_onnx_value_write(b, &x, false, err));
    QN_TRY(save(folder, "input_0.pb", b, err));
    return save(folder, "output_0.pb", b, err);
}

/* Class a is bright above, class b below; no two pictures are equal. */
static quern_status make_class(const char *in, int class, qn_buf *b, quern_error *err)
{
    char folder[QN_PATH_MAX], name[32];
    uint8_t pixels[SIDE * SIDE];
    const qn_png png = {SIDE, SIDE, 1, 8, pixels};
    QN_TRY(qn_path_format(folder, err, "%s/data/%c", in, 'a' + class));
    QN_TRY(qn_dir_make(folder, err));
    for (int i = 0; i < PICTURES; i++) {
        for (int k = 0; k < SIDE * SIDE; k++)
            pixels[k] = (uint8_t)(((k / SIDE < SIDE / 2) == (class == 0) ? 200 : 20) +
                                  (k * (2 * i + class + 3)) % 50);
        qn_buf_clear(b);
        QN_TRY(qn_png_write(b, &png, err));
        snprintf(name, sizeof name, "%d.png", i);
        QN_TRY(save(folder, name, b, err));
    }
    return QUERN_OK;
}

static quern_status make_all(const char *in, qn_buf *b, quern_error *err)
{
    QN_TRY(make_models(in, b, err));
    QN_TRY(make_class(in, 0, b, err));
    return make_class(in, 1, b, err);
}

quern_status qn_privacy_inputs(const char *folder, qn_mem *mem, quern_error *err)
{
    char path[QN_PATH_MAX];
    qn_buf b;
    QN_TRY(qn_path_format(path, err, "%s/out", folder));
    QN_TRY(qn_dir_make(path, err));
    QN_TRY(qn_path_format(path, err, "%s/in", folder));
    QN_TRY(qn_dir_make(path, err));
    qn_buf_init(&b, mem);
    const quern_status status = make_all(path, &b, err);
    qn_buf_done(&b);
    return status;
}
