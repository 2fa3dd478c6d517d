/* SPDX-License-Identifier: Apache-2.0 */
/* tests/fuzz/fuzz.h - entry points that take any bytes.  tests/fuzz/<name>.c defines
 * qn_<name>; `make fuzzers` links each with libFuzzer, and quern-test replays the files
 * in tests/fuzz/corpus/<name>/. */
#ifndef QN_TESTS_FUZZ_FUZZ_H
#define QN_TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

typedef int qn_fuzz_fn(const uint8_t *bytes, size_t n);

/* Loads the bytes as a model, plans it with every free dim 2, and runs it on ones. Ends
 * the process by abort() when an error comes without a sentence or memory is lost.
 * Returns 0, as libFuzzer wants it. */
qn_fuzz_fn qn_fuzz_model;

/* Takes the first byte as the kind of file that the others are, opens the data set that
 * it makes, divides it and reads its pictures.  Ends and returns as above. */
qn_fuzz_fn qn_fuzz_dataset;

/* Parses the bytes as safetensors, reads all of it, writes it again. */
qn_fuzz_fn qn_fuzz_safetensors;

/* Parses the bytes as a picture for measurement, reads every sample. */
qn_fuzz_fn qn_fuzz_raster;

/* Parses the bytes as a line of results of `quern bench`, and as a tuning file. */
qn_fuzz_fn qn_fuzz_results;

/* Parses the bytes as a picture of labels, cleans it, compares it, makes flows of it
 * and labels of those. */
qn_fuzz_fn qn_fuzz_labels;

/* Takes the first byte as what the others are: a tensor of a test, a pattern, a list of
 * augmentations, problems, results, settings, or a file of a run folder. */
qn_fuzz_fn qn_fuzz_texts;

#endif
