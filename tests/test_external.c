/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_external.c - tensor data in other files: where it may lie and where not;
 * and the file functions below it. */
#include "tests/onnx_kit.h"
#include "tests/test.h"

#include "engine/os.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* y = w, two floats, with the data elsewhere.  NULL: the key is not written. */
typedef struct where {
    const char *location, *offset, *length, *key, *value;
} where;

static void make_model(qn_kit *k, const where *w)
{
    qn_kit_begin(k, 8, 17);
    size_t t = qn_pb_begin(&k->buf, GRAPH_INITIALIZER);
    qn_kit_tensor_head(k, "w", QUERN_FLOAT, "2");
    if (w->location) qn_kit_pair(k, TENSOR_EXTERNAL_DATA, "location", w->location);
    if (w->offset) qn_kit_pair(k, TENSOR_EXTERNAL_DATA, "offset", w->offset);
    if (w->length) qn_kit_pair(k, TENSOR_EXTERNAL_DATA, "length", w->length);
    if (w->key) qn_kit_pair(k, TENSOR_EXTERNAL_DATA, w->key, w->value);
    qn_pb_put_varint(&k->buf, TENSOR_DATA_LOCATION, 1);
    qn_pb_end(&k->buf, t);
    qn_kit_node(k, "Identity w -> y");
    qn_kit_value(k, GRAPH_OUTPUT, "y", QUERN_FLOAT, "2");
    qn_kit_end(k);
}

static void write_model(qn_test *t, const char *path, const where *w)
{
    qn_kit k;
    make_model(&k, w);
    qn_put_file(t, path, k.buf.p, k.buf.n);
    qn_kit_done(&k);
}

/* Opens and checks that w is {1, 2}. */
static quern_status open_model(qn_test *t, const char *path,
                               const quern_model_options *opt, quern_error *err)
{
    static const float want[] = {1, 2};
    quern_model *m;
    *err = (quern_error){0};
    quern_status status = quern_model_open(path, opt, &m, err);
    if (status != QUERN_OK) return status;
    const qn_value *y = m->graph->outputs[0];
    CHECK(t, y->constant && !memcmp(y->constant->data, want, sizeof want));
    quern_model_free(m);
    return QUERN_OK;
}

/* Folder of this test with home/model.onnx to be, home/w.bin, out/secret. */
static void furnish(qn_test *t)
{
    static const float data[] = {9, 1, 2, 9};
    char odd[32] = {0};
    memcpy(odd + 5, data + 1, 8);
    mkdir(qn_temp(t, "home"), 0777);
    mkdir(qn_temp(t, "home/sub"), 0777);
    mkdir(qn_temp(t, "out"), 0777);
    qn_put_file(t, qn_temp(t, "home/w.bin"), data, sizeof data);
    qn_put_file(t, qn_temp(t, "home/odd.bin"), odd, 13);
    qn_put_file(t, qn_temp(t, "home/sub/w.bin"), data + 1, 8);
    qn_put_file(t, qn_temp(t, "out/secret"), data + 1, 8);
    CHECK(t, symlink("w.bin", qn_temp(t, "home/inner")) == 0);
    CHECK(t, symlink("../out/secret", qn_temp(t, "home/outer")) == 0);
    CHECK(t, symlink("../out", qn_temp(t, "home/door")) == 0);
    CHECK(t, symlink(qn_temp(t, "out/secret"), qn_temp(t, "home/far")) == 0);
    CHECK(t, symlink("nothing", qn_temp(t, "home/dangling")) == 0);
    CHECK(t, mkfifo(qn_temp(t, "home/pipe"), 0666) == 0);
    CHECK(t, link(qn_temp(t, "out/secret"), qn_temp(t, "home/hard")) == 0);
}

void test_external_places(qn_test *t)
{
    static const struct {
        where w;
        quern_status status;
        const char *part;
    } cases[] = {
        {{"w.bin", "4", "8", NULL, NULL}, QUERN_OK, ""},
        {{"w.bin", "4", NULL, NULL, NULL}, QUERN_OK, ""}, /* as much as is needed */
        {{"./sub/w.bin", NULL, NULL, NULL, NULL}, QUERN_OK, ""},
        {{"sub//w.bin", "0", "8", "checksum", "x"}, QUERN_OK, ""},
        {{"sub/w.bin", "00", "8", "basepath", "/etc"}, QUERN_OK, ""},
        {{"odd.bin", "5", "8", NULL, NULL}, QUERN_OK, ""}, /* unaligned: copied */
        {{"inner", "4", "8", NULL, NULL}, QUERN_OK, ""},
        {{"hard", NULL, NULL, NULL, NULL}, QUERN_OK, ""},
        {{NULL, "4", "8", NULL, NULL}, QUERN_INVALID, "'' is missing"},
        {{"", "4", "8", NULL, NULL}, QUERN_INVALID, "is empty"},
        {{"../out/secret", NULL, NULL, NULL, NULL}, QUERN_INVALID, "goes up with '..'"},
        {{"sub/../../out/secret", NULL, NULL, NULL, NULL}, QUERN_INVALID, "goes up"},
        {{"/etc/passwd", NULL, NULL, NULL, NULL}, QUERN_INVALID, "is absolute"},
        {{"..\\out\\secret", NULL, NULL, NULL, NULL}, QUERN_INVALID, "backslash"},
        {{"C:w.bin", NULL, NULL, NULL, NULL}, QUERN_INVALID, "names a drive"},
        {{"*/_ORT_MEM_ADDR_/*", NULL, NULL, NULL, NULL}, QUERN_INVALID, "in memory"},
        {{"\xFF", NULL, NULL, NULL, NULL}, QUERN_INVALID, "'\\xff' is not valid UTF-8"},
        {{"outer", NULL, NULL, NULL, NULL}, QUERN_INVALID, "leads out of the folder"},
        {{"far", NULL, NULL, NULL, NULL}, QUERN_INVALID, "leads out of the folder"},
        {{"door/secret", NULL, NULL, NULL, NULL}, QUERN_INVALID, "leads out of the"},
        {{"dangling", NULL, NULL, NULL, NULL}, QUERN_IO, "'dangling': cannot"},
        {{"missing", NULL, NULL, NULL, NULL}, QUERN_IO, "'missing': cannot open"},
        {{"sub", NULL, NULL, NULL, NULL}, QUERN_IO, "it is a folder"},
        {{"pipe", NULL, NULL, NULL, NULL}, QUERN_IO, "it is no regular file"},
        {{"w.bin", "12", "8", NULL, NULL},
         QUERN_FORMAT,
         "8 bytes at 12, the file has 16"},
        {{"w.bin", "18446744073709551615", NULL, NULL, NULL},
         QUERN_FORMAT,
         "8 bytes at 18446744073709551615, the file has 16"},
        {{"w.bin", "18446744073709551616", NULL, NULL, NULL},
         QUERN_FORMAT,
         "no number"},
        {{"w.bin", "0", "7", NULL, NULL}, QUERN_FORMAT, "has 7 bytes, the dims need 8"},
        {{"w.bin", "0", "99999999999", NULL, NULL},
         QUERN_FORMAT,
         "has 99999999999 bytes"},
        {{"w.bin", "0x4", NULL, NULL, NULL},
         QUERN_FORMAT,
         "offset of external data is"},
        {{"w.bin", "-4", NULL, NULL, NULL}, QUERN_FORMAT, "no number"},
        {{"w.bin", "+4", NULL, NULL, NULL}, QUERN_FORMAT, "no number"},
        {{"w.bin", " 4", NULL, NULL, NULL}, QUERN_FORMAT, "no number"},
        {{"w.bin", "", NULL, NULL, NULL}, QUERN_FORMAT, "no number"},
        {{"w.bin", NULL, "8 ", NULL, NULL}, QUERN_FORMAT, "length of external data is"},
        {{"w.bin", "4", "8", "__class__", "x"},
         QUERN_FORMAT,
         "unknown key '__class__'"},
        {{"w.bin", "4", "8", "offset", "0"},
         QUERN_FORMAT,
         "offset of external data is giv"},
    };
    furnish(t);
    const char *path = qn_temp(t, "home/model.onnx");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        quern_error err;
        qn_note(t, "case %zu", i);
        write_model(t, path, &cases[i].w);
        quern_status status = open_model(t, path, NULL, &err);
        CHECK_EQ(t, status, cases[i].status);
        CHECK_HAS(t, err.text, cases[i].part);
        if (status != QUERN_OK) CHECK_HAS(t, err.text, "model.onnx: initializer 'w': ");
    }
    quern_error err;
    quern_model_options strict = {.size = sizeof strict, .strict_files = 1};
    write_model(t, path, &(where){.location = "hard"});
    CHECK_FAILS(t, open_model(t, path, &strict, &err), QUERN_INVALID, &err, "2 names");
    write_model(t, path, &(where){.location = "sub/w.bin"});
    CHECK_OK(t, open_model(t, path, &strict, &err), &err);
}

/* A cache that links model and data to one folder of blobs; data elsewhere stays out.
 */
void test_external_cache(qn_test *t)
{
    static const float data[] = {1, 2};
    quern_error err;
    furnish(t);
    mkdir(qn_temp(t, "blobs"), 0777);
    mkdir(qn_temp(t, "snap"), 0777);
    write_model(t, qn_temp(t, "blobs/a1"), &(where){.location = "data"});
    qn_put_file(t, qn_temp(t, "blobs/b2"), data, sizeof data);
    const char *model = qn_temp(t, "snap/model.onnx"), *link = qn_temp(t, "snap/data");
    CHECK(t, symlink("../blobs/a1", model) == 0);
    CHECK(t, symlink("../blobs/b2", link) == 0);
    CHECK_OK(t, open_model(t, model, NULL, &err), &err);
    unlink(link);
    CHECK(t, symlink("../out/secret", link) == 0);
    CHECK_FAILS(t, open_model(t, model, NULL, &err), QUERN_INVALID, &err, "leads out");
    quern_model_options opt = {.size = sizeof opt, .external_dir = qn_temp(t, "out")};
    CHECK_OK(t, open_model(t, model, &opt, &err), &err);
}

/* From memory there is no folder, unless one is given. */
void test_external_from_memory(qn_test *t)
{
    qn_kit k;
    quern_model *m;
    quern_error err;
    furnish(t);
    quern_model_options opt = {.size = sizeof opt, .external_dir = qn_temp(t, "out")};
    make_model(&k, &(where){.location = "secret"});
    CHECK_FAILS(t, quern_model_parse(k.buf.p, k.buf.n, NULL, &m, &err), QUERN_INVALID,
                &err, "the model comes from memory");
    if (CHECK_OK(t, quern_model_parse(k.buf.p, k.buf.n, &opt, &m, &err), &err))
        quern_model_free(m);
    qn_kit_done(&k);
    opt.external_dir = qn_temp(t, "home");
    make_model(&k, &(where){.location = "outer"});
    CHECK_FAILS(t, quern_model_parse(k.buf.p, k.buf.n, &opt, &m, &err), QUERN_INVALID,
                &err, "leads out");
    qn_kit_done(&k);
}

/* ---- files ---- */

void test_file_replace(qn_test *t)
{
    quern_error err;
    const char *path = qn_temp(t, "a.bin"), *link = qn_temp(t, "link");
    size_t n = 0;
    CHECK_OK(t, qn_file_replace(path, "old", 3, &err), &err);
    chmod(path, 0640);
    CHECK(t, symlink("a.bin", link) == 0);
    CHECK_OK(t, qn_file_replace(link, "newer", 5, &err), &err);
    char *got = qn_get_file(t, path, &n);
    CHECK(t, got && n == 5 && !memcmp(got, "newer", 5));
    struct stat st;
    CHECK(t, stat(path, &st) == 0 && (st.st_mode & 0777) == 0640);
    CHECK(t, lstat(link, &st) == 0 && S_ISLNK(st.st_mode));
    mkdir(qn_temp(t, "folder"), 0777);
    CHECK_FAILS(t, qn_file_replace(qn_temp(t, "folder"), "x", 1, &err), QUERN_IO, &err,
                "no regular file");
    CHECK_FAILS(t, qn_file_replace(qn_temp(t, "none/x"), "x", 1, &err), QUERN_IO, &err,
                "cannot write");
    /* nothing but the file, the link and the folder is left */
    qn_mem mem;
    qn_arena arena;
    const char *const *names;
    int n_names = 0;
    qn_mem_init(&mem, NULL, 0);
    qn_arena_init(&arena, &mem);
    CHECK_OK(t, qn_dir_list(qn_temp(t, ""), &arena, &names, &n_names, &err), &err);
    CHECK_EQ(t, n_names, 3);
    CHECK(t, n_names == 3 && !strcmp(names[0], "a.bin") && !strcmp(names[2], "link"));
    qn_arena_done(&arena);
}

void test_file_read(qn_test *t)
{
    quern_error err;
    qn_file file;
    qn_map map;
    qn_put_file(t, qn_temp(t, "empty"), "", 0);
    qn_put_file(t, qn_temp(t, "some"), "grain", 5);
    REQUIRE_OK(t, qn_file_open(NULL, qn_temp(t, "empty"), &file, &err), &err);
    CHECK_FAILS(t, qn_file_map(&file, &map, &err), QUERN_FORMAT, &err, "it is empty");
    qn_file_close(&file);
    REQUIRE_OK(t, qn_file_open(qn_temp(t, ""), "some", &file, &err), &err);
    REQUIRE_OK(t, qn_file_map(&file, &map, &err), &err);
    qn_file_close(&file);
    CHECK(t, map.bytes == 5 && !memcmp(map.base, "grain", 5));
    qn_map_drop(&map, map.base, map.bytes);
    CHECK(t, !memcmp(map.base, "grain", 5));
    qn_map_done(&map);
    CHECK_FAILS(t, qn_file_open(NULL, qn_temp(t, "none"), &file, &err), QUERN_IO, &err,
                "cannot open");
    CHECK_FAILS(t, qn_file_open(NULL, "/dev/null", &file, &err), QUERN_IO, &err,
                "no regular file");
    CHECK_FAILS(t, qn_file_open(qn_temp(t, ""), "/dev/null", &file, &err),
                QUERN_INVALID, &err, "leads out");
    CHECK(t, qn_os_cores() >= 1);
    CHECK(t, qn_os_seconds() > 0);
}
