#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# tests/check/layering.sh - the rooms are stacked one way, kernels <- engine <- formats <-
# tools, and each promise about who may call what is a pattern here.
cd "$(dirname "$0")/../.." || exit 2
fails=0
fail() { echo "$*"; fails=$((fails + 1)); }

# ---- includes -----------------------------------------------------------------------
rank() {
    case $1 in kernels) echo 0 ;; engine) echo 1 ;; formats) echo 2 ;; tools) echo 3 ;; *) echo 9 ;; esac
}
while IFS=: read -r file line text; do
    target=${text#*\"}
    target=${target%%\"*}
    from=$(rank "${file%%/*}")
    to=$(rank "${target%%/*}")
    [ -f "$target" ] || fail "$file:$line: \"$target\" is no path from the root"
    case ${file%%/*}/${target%%/*} in
    bench/* | tests/* | tools/bench) ;;
    *) [ "$to" -le "$from" ] || fail "$file:$line: ${file%%/*} may not see $target" ;;
    esac
done < <(grep -nE '^ *# *include +"' -r kernels engine formats tools bench tests \
    --include='*.[ch]' 2>/dev/null)

# kernels/ knows libc's arithmetic and the intrinsics, nothing else.
math='assert|cpuid|float|immintrin|arm_neon|limits|math|stdbool|stddef|stdint|string|sys/auxv'
while IFS=: read -r file line text; do
    fail "$file:$line: kernels/ does without $text"
done < <(grep -nE '^ *# *include +<' -r kernels --include='*.[ch]' | grep -vE "<($math)\.h>")

# ---- promises -----------------------------------------------------------------------
code=$(mktemp -d) || exit 2
trap 'rm -rf "$code"' EXIT
# The code without comments and strings, line for line.
files=$(find kernels engine formats tools -name '*.[ch]' 2>/dev/null)
(cd "$code" && mkdir -p $(dirname $files | sort -u))
awk -v to="$code/" '
    FNR == 1 { if (path) close(path); path = to FILENAME; inside = 0 }
    {
        line = $0; out = ""
        while (line != "") {
            if (inside) {
                p = index(line, "*/")
                if (!p) break
                line = substr(line, p + 2); inside = 0; continue
            }
            if (match(line, /\/\*|\/\/|"([^"\\]|\\.)*"/) == 0) { out = out line; break }
            out = out substr(line, 1, RSTART - 1)
            tok = substr(line, RSTART, RLENGTH); line = substr(line, RSTART + RLENGTH)
            if (tok == "/*") inside = 1
            else if (tok == "//") line = ""
            else out = out "\"\""
        }
        print out > path
    }' $files

# only PATTERN WHERE WHY ROOM...: the pattern may occur in files that match WHERE only.
only() {
    pattern=$1 where=$2 why=$3
    shift 3
    while IFS=: read -r file line text; do
        [[ $file =~ ^($where)$ ]] || fail "$file:$line: $why:$text"
    done < <(cd "$code" && grep -nE "$pattern" -r "$@" 2>/dev/null)
}
call() { echo "(^|[^.>_[:alnum:]])($1) *\\("; }
lib="kernels engine formats"
all="$lib tools"
only "$(call 'malloc|calloc|realloc|reallocarray|posix_memalign|aligned_alloc|free|strdup|strndup|alloca')" \
    engine/mem.c "the heap is reached through engine/mem.h only" $lib
only '# *include *<(sys/|fcntl|unistd|dlfcn|sched|dirent|poll)' \
    'engine/os(_[a-z]+)?.c|kernels/cpu.c' "the operating system is called in engine/os*.c only" $lib
only '# *include *<pthread' 'engine/(os|pool)\.c' "threads belong to engine/pool.c" $lib
only "$(call 'dlopen|dlsym')" engine/os.c "libraries are opened in engine/os.c only" $all
only "$(call 'fopen|freopen|fdopen|tmpfile|open|openat|creat|mmap|popen|system')" \
    'engine/os(_[a-z]+)?.c' "files are opened in engine/os*.c only" $lib
only "$(call 'printf|fprintf|vprintf|vfprintf|puts|fputs|putchar|perror|fwrite')" '' \
    "a library prints nothing" $lib
only "$(call 'exit|abort|quick_exit')" '' "a library does not end the process" $lib
only "$(call 'exit|quick_exit')" tools/main.c "only main ends the process" tools
only "$(call 'getenv|secure_getenv|setenv|putenv')|(^|[^_[:alnum:]])environ($|[^_[:alnum:]])" '' \
    "a library reads no environment" $lib
only "$(call 'signal|sigaction|sigprocmask|setlocale|fesetround|feenableexcept|atexit|srand|rand')" '' \
    "a library leaves the process as it was" $lib
only "$(call 'strtod|strtof|strtold|atof|scanf|sscanf|fscanf')" '' \
    "number text does not depend on the locale" $all
only '# *include *<(sys/socket|sys/un|netdb|netinet/|arpa/|curl/|resolv)' '' \
    "nothing here talks to a network" $all
only "$(call 'syscall') *[^S]|SYS_[^o]|SYS_o[^p]" 'tools/((sandbox|tracer)_[a-z]*|decode_wire)\.c' \
    "openat2 is the one call made by number, but for those that close the sandbox" $all
only "$(call 'syscall')" 'engine/os.c|tools/((sandbox|tracer)_[a-z]*|decode_wire)\.c' \
    "the operating system is called in engine/os.c only" $all
only "$(call 'longjmp|setjmp|gets|strcat|sprintf|vsprintf|strtok')" '' \
    "there are safer ways" $all
only '^ *# *if +0' '' "git remembers dead code" $all
only '(^|[^_[:alnum:]])goto +[^o]|goto +o[^u]' '' "the one label is out:" $all
only '# *include *<stb' 'formats/[a-z_]*\.c' "stb is compiled in one file of formats/" $all
only '# *include *<jansson' 'formats/json_tree\.c' "one reader of JSON" $all
only '# *include *<zlib' '(formats|tools)/[a-z_]*\.c' "one file each for foreign libraries" $all

# bench/ measures: it may start processes, read the kernel's files and guard memory, each
# in one place.
lib_bench=$code/bench
mkdir -p "$lib_bench" && cp bench/*.[ch] "$lib_bench"
only '# *include *<(sys/|fcntl|unistd|sched|poll|linux/|signal)|# *include *<cpuid' \
    'bench/(bench_os|children|checked_call|verify)\.c' "bench/ asks the system in bench_os.c" bench
only "$(call 'malloc|calloc|realloc|free|exit|getenv|system|popen')" '' \
    "bench/ has no heap, no environment and no end of its own" bench
only '# *include *<pthread' 'bench/(streams|peaks)\.c' "threads of measurements" bench

# Objects that can be written and live outside functions, as the compiler sees them; what
# stb keeps for itself is its own.
if [ -f build/libquern.a ] && command -v objdump >/dev/null; then
    while read -r name; do
        fail "writable file-scope state: $name"
    done < <(objdump -t build/libquern.a 2>/dev/null |
        awk '/file format/ { file = $1; stb = 0 } /stbi_/ { stb = 1 }
            / O \.t?(data|bss)(\.[^r][^ ]*)?[ \t]/ && $NF !~ /^stbi_/ { found[file, $NF] = $NF }
            stb { foreign[file] = 1 }
            END { for (k in found) { split(k, p, SUBSEP); if (!(p[1] in foreign)) print p[1], p[2] } }')
fi
[ $fails -eq 0 ]
