/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_full_disk.c - import, convert, export and delete on a disk that is full
 * and in folders that are read-only, as the kernel has them: a tmpfs of a few pages and
 * a read-only bind mount, in a mount namespace of their own, so that root is refused,
 * too.
 */
#include "engine/os.h"
#include "tests/dataset_kit.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define START    (QN_PATH_MAX + 2048)
#define PICTURES 500 /* of 28 x 28 pixels: 392,000 bytes */

/* Before each script: places, and `go CODE WORDS COMMAND...`, which says what was
 * otherwise than told. */
static const char prelude[] =
    "cd '%s'; Q='%s/quern'; export QUERN_HOME=$PWD/home\n"
    "go() { want=$1 words=$2; shift 2; out=$(\"$Q\" \"$@\" 2>&1 </dev/null); code=$?\n"
    "  [ $code = $want ] || echo \"$place: $*: $code, not $want: $out\"\n"
    "  case $out in *\"$words\"*) ;; *) echo \"$place: $*: no '$words': $out\";; esac; "
    "}\n"
    "left() { [ -z \"$(ls -A \"$1\")\" ] || echo \"$place: left in $1: $(ls -A "
    "\"$1\")\"; "
    "}\n";

/* The start of a script, and the words that give it mounts of its own; NULL, and the
 * test is skipped, where nobody may mount. */
static const char *find_mounts(qn_test *t, char start[START])
{
    static const char *const ways[] = {"unshare -m", "unshare -rm"};
    char command[1024];
    char build[QN_PATH_MAX];
    if (qn_path_resolve(qn_build(t), build, NULL) != QUERN_OK) return NULL;
    snprintf(start, START, prelude, qn_temp(t, ""), build);
    mkdir(qn_temp(t, "disk"), 0700);
    for (int i = 0; i < 2; i++) {
        snprintf(command, sizeof command, "%s mount -t tmpfs -o size=64k none '%s'",
                 ways[i], qn_temp(t, "disk"));
        if (qn_shell(t, command, NULL) == 0) return ways[i];
    }
    qn_skip(t, "this user may not mount, also not in a namespace of its own");
    return NULL;
}

/* Runs a script with mounts of its own: it says nothing when all is as it should be. */
static void run(qn_test *t, const char *script)
{
    char start[START], command[256];
    const char *out = "", *way = find_mounts(t, start);
    if (!way) return;
    FILE *file = fopen(qn_temp(t, "script"), "w");
    REQUIRE(t, file != NULL);
    fputs(start, file);
    fputs(script, file);
    fclose(file);
    snprintf(command, sizeof command, "%s sh '%s'", way, qn_temp(t, "script"));
    CHECK_EQ(t, qn_shell(t, command, &out), 0);
    CHECK_STR(t, out, "");
}

static void make_set(qn_test *t)
{
    uint8_t *pixels = qn_exact(t, PICTURES * 784), *labels = qn_exact(t, PICTURES);
    for (int i = 0; i < PICTURES * 784; i++)
        pixels[i] = (uint8_t)qn_test_random(t);
    for (int i = 0; i < PICTURES; i++)
        labels[i] = (uint8_t)(i % 3);
    qn_set_kit_idx(t, "idx/train-images-idx3-ubyte", 3, (uint32_t[]){PICTURES, 28, 28},
                   pixels, PICTURES * 784);
    qn_set_kit_idx(t, "idx/train-labels-idx1-ubyte", 1, (uint32_t[]){PICTURES}, labels,
                   PICTURES);
}

/* Sizes at which the disk is full at the start, in the middle, shortly before the end,
 * behind the pixels; what a command could not write is gone, and the store is whole. */
void test_full_disk(qn_test *t)
{
    make_set(t);
    run(t,
        "for size in 4k 40k 200k 376k; do\n"
        "  place=$size; mount -t tmpfs -o size=$size none disk\n"
        "  for to in idx npz folders webdataset; do\n"
        "    go 1 'No space left on device' data convert idx disk/x.npz --to $to -q\n"
        "    left disk; done\n"
        "  export QUERN_HOME=$PWD/disk/home\n"
        "  go 1 'No space left on device' data import idx -n digits -q\n"
        "  go 0 '' store list\n"
        "  go 0 '0 of them damage' store check\n"
        "  mount -o remount,size=4m disk\n"
        "  go 0 'stored: digits' data import idx -n digits\n"
        "  go 0 '0 faults' store check\n"
        "  umount disk; export QUERN_HOME=$PWD/home; done\n");
}

/* From a full disk things can be taken and removed. */
void test_full_disk_store(qn_test *t)
{
    make_set(t);
    run(t, "place=full; mount -t tmpfs -o size=2m none disk\n"
           "export QUERN_HOME=$PWD/disk/home\n"
           "go 0 stored data import idx -n digits\n"
           "cat /dev/zero >disk/fill 2>/dev/null\n"
           "go 1 'No space left on device' data import idx -n other -q\n"
           "go 1 'No space left on device' data set digits note=seen\n"
           "go 1 'No space left on device' data export digits disk/x --to csv -q\n"
           "go 0 '' data export digits out.npz --to npz -q\n"
           "go 0 '500 items' data info out.npz\n"
           "go 0 '0 of them damage' store check\n"
           "go 0 '' data rm digits --yes\n"
           "go 0 '0 data sets' store check\n");
}

/* A store and a target that are read-only: a sentence that says so, and not a byte is
 * another afterwards; reading goes on. */
void test_read_only_disk(qn_test *t)
{
    make_set(t);
    run(t,
        "place=prepared; go 0 stored data import idx -n digits\n"
        "sum() { find home -type f | sort | xargs sha256sum; }\n"
        "sum >before; mkdir target; place=read-only\n"
        "for d in home target idx; do mount --bind $d $d && mount -o remount,ro,bind "
        "$d "
        "|| echo cannot mount; done\n"
        "go 1 'Read-only file system' data import idx -n other -q\n"
        "go 1 'Read-only file system' data set digits note=seen\n"
        "go 1 'Read-only file system' data set digits -i train/1 label=0\n"
        "go 1 'Read-only file system' data rm digits --yes\n"
        "go 1 'Read-only file system' store wipe --all --yes\n"
        "for to in idx csv npz coco; do\n"
        "  go 1 'Read-only file system' data convert idx target/x --to $to -q\n"
        "  go 1 'Read-only file system' data export digits target/x --to $to -q; done\n"
        "left target\n"
        "go 0 digits data list\n"
        "go 0 '500 items' data info digits\n"
        "go 0 '0 faults' store check\n"
        "go 0 '' data export digits out --to csv -q\n"
        "sum | cmp - before; ls -A home/.. >/dev/null\n"
        "umount home; go 0 '' data rm digits --yes\n");
}
