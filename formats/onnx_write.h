/* SPDX-License-Identifier: Apache-2.0 */
/* formats/onnx_write.h - pieces of a model as protobuf messages, at the end of a
 * buffer. */
#ifndef QN_FORMATS_ONNX_WRITE_H
#define QN_FORMATS_ONNX_WRITE_H

#include "engine/model.h"
#include "formats/protobuf.h"

/* The fields of a TensorProto; name may be NULL. */
void qn_onnx_put_tensor(qn_buf *to, const qn_tensor *t, const char *name);
/* The fields of a ValueInfoProto; the name stands for that of the value. */
void qn_onnx_put_value_info(qn_buf *to, const qn_value *v, const char *name);
/* The fields of a StringStringEntryProto. */
void qn_onnx_put_pair(qn_buf *to, const char *key, const char *value);
/* The fields of an OperatorSetIdProto. */
void qn_onnx_put_opset(qn_buf *to, const char *domain, int64_t version);

#endif
