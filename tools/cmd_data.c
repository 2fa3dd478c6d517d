/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmd_data.c - quern data: what can be done with data sets, and which are read.
 */
#include "formats/dataset.h"
#include "tools/options.h"
#include "tools/out.h"

#include <string.h>

const qn_option qn_data_options[] = {QN_OPTIONS_END};

const char qn_data_about[] =
    "Data sets of labelled pictures are read where they are and never changed.  Read\n"
    "are: class folders, also under train, val and test; a CSV or TSV file with "
    "columns\n"
    "path, label and perhaps split, group, weight and others; the IDX files of MNIST,\n"
    "gzipped or not; the binary files of CIFAR-10 and CIFAR-100; .npz archives with\n"
    "images and labels, or train_images, train_labels and so on; tar archives of\n"
    "samples (WebDataset); Parquet files as the Hugging Face hub has them; TFRecord\n"
    "files; and zip and tar archives of any of these.\n"
    "\n"
    "  quern data info flowers/               classes, splits, what is refused\n"
    "  quern data info flowers/ --read        and every picture read: bad ones, equal "
    "ones\n"
    "  quern data convert flowers/ f.npz --to npz --resize 64x64  in another format\n"
    "  quern data sheet flowers/ -o look.png  some pictures of each class\n";

int qn_cmd_data(const qn_args *args)
{
    char names[256] = "";
    const qn_command *c;
    for (int i = 0; (c = qn_command_at(i)) != NULL; i++)
        if (!strncmp(c->name, "data ", 5)) {
            const size_t n = strlen(names);
            snprintf(names + n, sizeof names - n, "%s%s", n ? ", " : "", c->name + 5);
        }
    return qn_usage(args, "needs what to do, one of: %s", names);
}
