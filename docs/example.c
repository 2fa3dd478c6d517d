/* SPDX-License-Identifier: Apache-2.0 */
/* docs/example.c - open a model, feed its first input with ones, run, print the scores.
 *
 *     cc example.c $(pkg-config --cflags --libs quern) -o example && ./example
 * model.onnx
 *
 * The tests compile and run this file, as C and as C++. */
#include <quern.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int run(quern_session *session, const quern_info *info, quern_error *err)
{
    quern_tensor x, y;
    memset(&x, 0, sizeof x);
    memset(&y, 0, sizeof y);
    x.dtype = QUERN_FLOAT;
    x.rank = info->rank;
    size_t n = 1;
    for (int i = 0; i < info->rank; i++) {
        x.dim[i] = info->dim[i] > 0 ? info->dim[i] : 1; /* a free batch becomes 1 */
        n *= (size_t)x.dim[i];
    }
    float *ones = (float *)malloc(n * sizeof(float));
    for (size_t i = 0; ones != NULL && i < n; i++)
        ones[i] = 1;
    x.data = ones;
    int failed = ones == NULL || quern_session_bind(session, 0, &x, err) ||
                 quern_run(session, err) || quern_session_output(session, 0, &y, err);
    int64_t count = failed ? 0 : 1;
    for (int i = 0; i < y.rank; i++)
        count *= y.dim[i];
    for (int64_t i = 0; i < count && y.dtype == QUERN_FLOAT; i++)
        printf("%g\n", ((const float *)y.data)[i]);
    free(ones); /* bound memory stays until the run is over */
    return failed;
}

int main(int argc, char **argv)
{
    quern_model *model = NULL;
    quern_session *session = NULL;
    quern_error err = {QUERN_OK, "the model has no input"};
    quern_info info;
    const char *path = argc > 1 ? argv[1] : "model.onnx";
    int failed = quern_model_open(path, NULL, &model, &err) ||
                 quern_session_create(model, NULL, &session, &err) ||
                 !quern_model_input(model, 0, &info) || run(session, &info, &err);
    if (failed) fprintf(stderr, "example: %s: %s\n", path, err.text);
    quern_session_free(session);
    quern_model_free(model);
    return failed;
}
