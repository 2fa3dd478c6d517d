/* SPDX-License-Identifier: Apache-2.0 */
/* formats/cells_default.c - a file that becomes a part of the program.  The assembler
 * takes it in as it is: a table in C of a million bytes would cost minutes to compile.
 */
#include "formats/cells_default.h"

__asm__(".pushsection .rodata\n"
        ".balign 64\n"
        ".hidden qn_cells_default_begin\n"
        ".globl qn_cells_default_begin\n"
        "qn_cells_default_begin:\n"
        ".incbin \"formats/cells_default.onnx\"\n"
        ".hidden qn_cells_default_end\n"
        ".globl qn_cells_default_end\n"
        "qn_cells_default_end:\n"
        ".byte 0\n"
        ".popsection\n");

extern const unsigned char qn_cells_default_begin[], qn_cells_default_end[];

const void *qn_cells_default(size_t *n)
{
    *n = (size_t)(qn_cells_default_end - qn_cells_default_begin);
    return qn_cells_default_begin;
}
