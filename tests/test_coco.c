/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_coco.c - annotations in COCO's form as a data set of classes; large JSON
 * gone through value by value. */
#include "formats/json_scan.h"
#include "tests/dataset_kit.h"

#include <stdio.h>
#include <string.h>

static const char plain[] =
    "{\"info\":{\"x\":[1,{\"images\":7}]},\"images\":["
    "{\"id\":30,\"file_name\":\"c.bmp\",\"patient\":\"p\",\"age\":4},"
    "{\"id\":10,\"file_name\":\"a.bmp\",\"width\":2},"
    "{\"id\":20,\"file_name\":\"b.bmp\",\"license\":1},"
    "{\"id\":40,\"file_name\":\"d.bmp\"},"
    "{\"id\":50,\"file_name\":\"e.bmp\",\"category_id\":7}],"
    "\"annotations\":["
    "{\"id\":1,\"image_id\":10,\"category_id\":90,\"segmentation\":[[1,2,3]]},"
    "{\"id\":2,\"image_id\":10,\"category_id\":90},"
    "{\"id\":3,\"image_id\":20,\"category_id\":7},"
    "{\"id\":4,\"image_id\":30,\"category_id\":7},"
    "{\"id\":5,\"image_id\":30,\"category_id\":90},"
    "{\"id\":6,\"image_id\":77,\"category_id\":90},{\"caption\":\"x\",\"image_id\":20}]"
    ","
    "\"categories\":[{\"id\":90,\"name\":\"zebra\"},{\"id\":7,\"name\":\"ant\"},"
    "{\"id\":13}]}";

static void put_pictures(qn_test *t, const char *folder)
{
    char name[64];
    for (int i = 0; i < 5; i++) {
        snprintf(name, sizeof name, "%s/%c.bmp", folder, 'a' + i);
        qn_set_kit_picture(t, name, (uint8_t)i);
    }
}

void test_coco_labels(qn_test *t)
{
    static const char *const layouts[][3] = {
        /* annotations, pictures, what is opened */
        {"1/annotations/instances_val2017.json", "1/val2017", "1"},
        {"2/annotations/instances_train.json", "2/images", "2"},
        {"3/train/_annotations.coco.json", "3/train", "3"},
        {"4/all.json", "4", "4/all.json"},
        {"5/annotations/x.json", "5/images", "5/annotations/x.json"},
        {"6/all.json", "6/images", "6/"},
    };
    static const qn_split splits[] = {QN_SPLIT_VAL,  QN_SPLIT_TRAIN, QN_SPLIT_TRAIN,
                                      QN_SPLIT_NONE, QN_SPLIT_NONE,  QN_SPLIT_NONE};
    char text[256];
    qn_image image;
    qn_set_kit k;
    qn_set_kit_init(&k, t);
    for (int i = 0; i < 6; i++) {
        qn_note(t, "%s", layouts[i][0]);
        qn_set_kit_text(t, layouts[i][0], plain);
        put_pictures(t, layouts[i][1]);
        REQUIRE_OK(t, qn_set_kit_open(&k, layouts[i][2], NULL), &k.err);
        CHECK_STR(t, k.set->format->name, "coco");
        CHECK_STR(t, qn_set_kit_classes(&k, text), "ant 13 zebra");
        REQUIRE(t, k.set->n == 3 && k.set->n_rejects == 2);
        CHECK_EQ(t, k.set->label[0], 2);
        CHECK_EQ(t, k.set->label[1], 0);
        CHECK_EQ(t, k.set->label[2], 0);
        CHECK_EQ(t, k.set->split[0], splits[i]);
        CHECK_HAS(t, k.set->name[2], "e.bmp");
        CHECK_HAS(t, k.set->rejects[0].reason, "of several categories");
        CHECK_HAS(t, k.set->rejects[1].reason, "no annotation with a category");
        if (qn_dataset_read(k.set, 1, &k.arena, &image, &k.err) == QUERN_OK)
            CHECK_EQ(t, image.pixels[0], 1);
        else
            CHECK_EQ(t, k.err.status, QUERN_UNSUPPORTED);
    }
    qn_set_kit_done(&k);
}

void test_coco_bad(qn_test *t)
{
    static const struct {
        const char *text, *part;
        quern_status status;
    } bad[] = {
        {"{\"images\":[],\"annotations\":[]}", "it has no categories", QUERN_FORMAT},
        {"{\"categories\":[{\"id\":1}]}", "it has no images", QUERN_FORMAT},
        {"{\"images\":{},\"categories\":[{\"id\":1.5}]}",
         "category 0 has no whole number", QUERN_FORMAT},
        {"{\"images\":[{\"id\":\"x\"}],\"categories\":[{\"id\":1}]}",
         "image 0 has no whole number", QUERN_FORMAT},
        {"{\"images\":[{\"id\":1},{\"id\":1}],\"categories\":[]}",
         "images 0 and 1 have one id, 1", QUERN_FORMAT},
        {"{\"images\":[3],\"categories\":[]}", "is no object", QUERN_FORMAT},
        {"{\"images\":[{\"id\":1e300}],\"categories\":[]}", "no whole number",
         QUERN_FORMAT},
        {"{\"images\":[],\"categories\":[{\"id\":1,\"name\":\"a\"},{\"id\":1}]}",
         "category 1 is 'a' and '1'", QUERN_FORMAT},
        {"{\"images\":[{\"id\":1,\"file_name\":\"../up.bmp\",\"category_id\":1}],"
         "\"categories\":[{\"id\":1}]}",
         "../up.bmp: its path leads out of the data set", QUERN_FORMAT},
        {"{\"images\":[{\"id\":1,\"file_name\":\"/etc/x.bmp\",\"category_id\":1}],"
         "\"categories\":[{\"id\":1}]}",
         "its path leads out of the data set", QUERN_FORMAT},
        {"{\"images\":[{\"id\":1,\"file_name\":\"a.bmp\",\"category_id\":2}],"
         "\"categories\":[{\"id\":1}]}",
         "its category is not in the list", QUERN_FORMAT},
        {"{\"images\":[{\"id\":1,\"file_name\":\"no.bmp\",\"category_id\":1}],"
         "\"categories\":[{\"id\":1}]}",
         "no.bmp: there is no such file", QUERN_FORMAT},
        {"{\"images\":[},\"categories\":[]}", "brackets do not fit", QUERN_FORMAT},
    };
    qn_set_kit k;
    qn_set_kit_init(&k, t);
    qn_set_kit_picture(t, "a.bmp", 1);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        qn_note(t, "%s", bad[i].text);
        qn_set_kit_text(t, "x.json", bad[i].text);
        qn_set_kit_refuses(&k, "x.json", bad[i].status, bad[i].part);
    }
    for (size_t n = 0; n < sizeof plain - 1; n += 1 + n / 64) {
        qn_note(t, "cut to %zu", n);
        qn_set_kit_put(t, "x.json", plain, n);
        CHECK(t, qn_set_kit_open(&k, "x.json", "coco") != QUERN_OK);
        CHECK(t, k.err.text[0] != 0);
    }
    qn_set_kit_done(&k);
}

/* ---- large JSON ---- */

typedef struct seen {
    char text[256];
} seen;

static quern_status see(void *ctx, qn_json_span key, qn_json_span value,
                        quern_error *err)
{
    seen *s = ctx;
    const size_t n = strlen(s->text);
    (void)err;
    snprintf(s->text + n, sizeof s->text - n, "%.*s=%.*s;", (int)key.n,
             key.p ? key.p : "", (int)value.n, value.p);
    return QUERN_OK;
}

static quern_status scan(qn_test *t, const char *text, size_t n, seen *s,
                         quern_error *err)
{
    char *bytes = qn_exact(t, n);
    if (n) memcpy(bytes, text, n);
    s->text[0] = 0;
    return qn_json_scan((qn_json_span){bytes, n}, see, s, err);
}

void test_json_scan(qn_test *t)
{
    static const char whole[] =
        " {\"a\" : [1,{\"]\":\"}\"}] , \"b\\\"\":\"x\\\\\",\"c\":-1e5,\"d\":null}";
    static const char *const bad[] = {
        "",    "7",    "{",         "[",     "{]",       "[1,]x", "{\"a\":}",
        "[,]", "[1 2", "{\"a\" 1}", "{1:2}", "[\"open]", "[{]}",  "[[1}]",
    };
    seen s;
    quern_error err;
    REQUIRE_OK(t, scan(t, whole, strlen(whole), &s, &err), &err);
    CHECK_STR(t, s.text, "a=[1,{\"]\":\"}\"}];b\\\"=\"x\\\\\";c=-1e5;d=null;");
    REQUIRE_OK(t, scan(t, "[1,\"2\", [ ] ]", 13, &s, &err), &err);
    CHECK_STR(t, s.text, "=1;=\"2\";=[ ];");
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        qn_note(t, "bad %zu", i);
        CHECK_FAILS(t, scan(t, bad[i], strlen(bad[i]), &s, &err), QUERN_FORMAT, &err,
                    "of the JSON: ");
    }
    for (size_t n = 0; n < strlen(whole); n++) {
        qn_note(t, "cut to %zu", n);
        CHECK_FAILS(t, scan(t, whole, n, &s, &err), QUERN_FORMAT, &err,
                    "of the JSON: ");
    }
    char deep[200];
    memset(deep, '[', sizeof deep);
    CHECK_FAILS(t, scan(t, deep, sizeof deep, &s, &err), QUERN_FORMAT, &err, "64 deep");
}
