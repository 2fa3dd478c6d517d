# quern - one file builds everything.  `make help` lists the targets.
#
#   BUILD=release|debug|asan|tsan|fuzz   what kind of build
#   CROSS=aarch64-linux-gnu-             compiler prefix; RUN= how to run its programs
#   WITH_ZLIB WITH_JANSSON WITH_STB WITH_CAIRO   auto|yes|no: optional libraries
#   O=build  QCC=gcc  EXTRA=             build folder, compiler, extra flags
BUILD  ?= release
O      ?= build
PREFIX ?= /usr/local
RUN    ?= $(if $(CROSS),qemu-$(firstword $(subst -, ,$(CROSS))) -L /usr/$(CROSS:%-=%))
V      ?= 0

VERSION := $(shell sed -n 's/^.define QUERN_VERSION "\(.*\)"/\1/p' engine/quern.h)
SOVER   := 0
CC      := $(filter ccache,$(QCC)) $(CROSS)$(or $(filter-out ccache,$(QCC)),gcc)
AR      := $(CROSS)ar
ARCH    := $(firstword $(subst -, ,$(shell $(CC) -dumpmachine 2>/dev/null)))
D       := $(O)/$(or $(CROSS),native-)$(BUILD)
# The release build for this machine goes where scripts look for it; others stay apart.
B       := $(if $(CROSS)$(filter-out release,$(BUILD)),$(D),$(O))
Q       := $(if $(filter 1,$(V)),,@)

# ---- flags ----------------------------------------------------------------------------
# Checked string functions, stack canaries and probes, zeroed locals: what this compiler
# takes of it, asked in one go.
WANTED := -fstack-protector-strong -fstack-clash-protection -ftrivial-auto-var-init=zero
FORTIFIED := -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=
takes = $(shell printf '\043include <stdio.h>\n' | $(CC) -O2 -Werror $1 -x c -c -o /dev/null - \
          2>/dev/null && echo '$1')
HARDENING := $(if $(filter release,$(BUILD)),$(or $(call takes,$(WANTED) $(FORTIFIED)3),\
               $(foreach f,$(WANTED),$(call takes,$f)) $(FORTIFIED)2))
SAN            := -fsanitize=address,undefined -fno-sanitize-recover=undefined \
                  -fno-omit-frame-pointer
CFLAGS_release := -O2 -g $(HARDENING)
CFLAGS_debug   := -O0 -g
CFLAGS_asan    := -O1 -g $(SAN)
CFLAGS_tsan    := -O1 -g -fsanitize=thread
CFLAGS_fuzz    := -O1 -g $(SAN) -fsanitize=fuzzer-no-link
ifeq ($(CFLAGS_$(BUILD)),)
$(error BUILD=$(BUILD): it is one of release, debug, asan, tsan, fuzz)
endif
WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wundef \
        -Wpointer-arith -Wformat=2 $(if $(findstring clang,$(CC)),-Wno-pass-failed)
# Functions that a program does not call stay out of it; C needs no unwind tables.
CFLAGS := -std=c11 -D_POSIX_C_SOURCE=200809L -fPIC -fvisibility=hidden -ffp-contract=off \
          -fno-strict-aliasing -ffunction-sections -fdata-sections \
          -fno-asynchronous-unwind-tables -ffile-prefix-map=$(CURDIR)=. -pthread \
          $(CFLAGS_$(BUILD)) $(WARN)
LDFLAGS := -pthread $(filter -fsanitize%,$(CFLAGS)) -Wl,--as-needed -Wl,--gc-sections \
           -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack -Wl,-z,separate-code
LDLIBS  := -lm -ldl

# Optional libraries: present ones define QN_HAVE_<LIB>.  A cross build looks for its own
# pkg-config and else does without; stb is only a header, so the host's will do.
PKG := $(if $(CROSS),$(CROSS)pkg-config,pkg-config)
with = $(if $(filter no,$(WITH_$1)),,$(if $(shell $3 --exists $2 2>/dev/null && echo y),y,\
         $(if $(filter yes,$(WITH_$1)),$(error WITH_$1=yes but $3 does not find $2))))
use = $(if $(strip $(call with,$1,$2,$3)),-DQN_HAVE_$1 $(patsubst -I%,-isystem %,$(shell $3 --cflags $2)))
LIB_CPP := $(call use,ZLIB,zlib,$(PKG)) $(call use,JANSSON,jansson,$(PKG)) \
           $(call use,STB,stb,pkg-config)
LDLIBS  += $(if $(findstring HAVE_ZLIB,$(LIB_CPP)),$(shell $(PKG) --libs zlib)) \
           $(if $(findstring HAVE_JANSSON,$(LIB_CPP)),$(shell $(PKG) --libs jansson))
CPPFLAGS := -I. $(LIB_CPP) -MMD -MP
# Each plug-in alone sees its library: file in formats/plugins, pkg-config's name, WITH_ name.
PLUGINS := draw_cairo:cairo:CAIRO
PLUGINS += zstd_libzstd:libzstd:ZSTD
PLUGINS += archive_libarchive:libarchive:ARCHIVE
PLUGINS += brotli_libbrotlidec:libbrotlidec:BROTLI
PLUGINS += tiff_libtiff:libtiff-4:TIFF
word_of  = $(word $1,$(subst :, ,$2))
plug_cpp = $(call use,$(call word_of,3,$1),$(call word_of,2,$1),$(PKG))
PLUGGED := $(foreach p,$(PLUGINS),$(if $(strip $(call plug_cpp,$p)),$p))

# The instruction set is in the file's name, and nowhere else.
ISA_x86_64  := x86
ISA_aarch64 := arm
ISA := $(ISA_$(ARCH))
isa_flags = $(if $(filter %_avx2,$1),-mavx2 -mfma -mf16c) \
            $(if $(filter %_avx512,$1),-mavx512f -mavx512bw -mavx512vl -mavx512dq -mfma -mf16c) \
            $(if $(filter %_avx512vnni,$1),-mavx512f -mavx512bw -mavx512vl -mavx512vnni) \
            $(if $(filter %_dotprod,$1),-march=armv8.2-a+dotprod) \
            $(if $(filter kernels/%,$1),-O3 -fno-math-errno -fno-trapping-math $(UNZEROED))
# Kernels fill their blocks of registers and stack themselves, all of them, every time.
UNZEROED := $(if $(findstring var-init,$(HARDENING)),-ftrivial-auto-var-init=uninitialized)
opt = $(if $(filter release,$(BUILD)),$1,$(filter-out -O%,$1))

# ---- sources --------------------------------------------------------------------------
LIB_SRC  := $(wildcard kernels/*.c kernels/ref/*.c $(ISA:%=kernels/%/*.c) engine/*.c \
              engine/cells/*.c engine/nets/*.c engine/ops/*.c engine/passes/*.c formats/*.c)
TOOL_SRC := $(wildcard tools/*.c bench/*.c)
FUZZ_SRC := $(wildcard tests/fuzz/*.c)
TEST_SRC := $(wildcard tests/*.c) $(FUZZ_SRC)
obj = $(1:%.c=$(D)/%.o)
LIB   := $(B)/libquern.a
SO    := $(B)/libquern.so.$(SOVER)
CONTROLS := $(B)/quern-controls
QUERN := $(if $(and $(wildcard tools/main.c),$(wildcard engine/session.c)),$(B)/quern)
TEST  := $(if $(wildcard tests/test.c),$(B)/tests/quern-test $(B)/tests/quern-dry)
FUZZ  := $(FUZZ_SRC:tests/fuzz/%.c=$(D)/fuzz/%)
plug_so = $(B)/quern-$(firstword $(subst _, ,$1)).so
PLUGS := $(foreach p,$(PLUGGED),$(call plug_so,$p))

all: $(LIB) $(SO) $(QUERN) $(CONTROLS) $(TEST) $(PLUGS) no-others

$(LIB): $(call obj,$(LIB_SRC))
	@rm -f $@
	$(Q)$(AR) qcs $@ $^
$(SO): $(call obj,$(LIB_SRC))
	@echo "  LD   $@"
	$(Q)$(CC) -shared -Wl,-soname,libquern.so.$(SOVER) $(LDFLAGS) -o $@ $^ $(LDLIBS)
	@ln -sf libquern.so.$(SOVER) $(B)/libquern.so
$(B)/quern: $(call obj,$(TOOL_SRC)) $(LIB)
	@echo "  LD   $@"
	$(Q)$(CC) -pie $(LDFLAGS) -o $@ $^ $(LDLIBS)
# The tests may reach into the commands, too.
$(D)/tools.a: $(call obj,$(filter-out tools/main.c,$(TOOL_SRC)))
	@rm -f $@
	$(Q)$(AR) qcs $@ $^
$(B)/tests/quern-test: $(call obj,$(TEST_SRC)) $(D)/tools.a $(LIB)
	@mkdir -p $(@D)
	@echo "  LD   $@"
	$(Q)$(CC) -pie $(LDFLAGS) -o $@ $^ $(LDLIBS)
# The program with a heap that runs dry where a test wants it.
$(B)/tests/quern-dry: $(call obj,$(TOOL_SRC) tests/controls/dry_heap.c) $(LIB)
	@mkdir -p $(@D)
	@echo "  LD   $@"
	$(Q)$(CC) -pie $(LDFLAGS) -Wl,--wrap=posix_memalign -o $@ $^ $(LDLIBS)
# Plug-ins are looked for beside the program that runs.  What they map stays mapped: cairo
# and fontconfig do not come apart cleanly.
define plug
$(call plug_so,$1): $(D)/formats/plugins/$(call word_of,1,$1).o
	@mkdir -p $(B)/tests
	@echo "  LD   $$@"
	$(Q)$(CC) -shared -Wl,-z,nodelete $(LDFLAGS) -o $$@ $$^ $(shell $(PKG) --libs $(call word_of,2,$1)) -lm
	@ln -sf ../$$(@F) $(B)/tests/$$(@F)
$(D)/formats/plugins/$(call word_of,1,$1).o: CPPFLAGS += $(call plug_cpp,$1)
endef
$(foreach p,$(PLUGGED),$(eval $(call plug,$p)))
no-others:
	@rm -f $(filter-out $(PLUGS),$(wildcard $(B)/quern-*.so))
# What `quern privacy verify` must catch; it shares no code with quern.
$(CONTROLS): $(D)/tests/controls/quern_controls.o
	@echo "  LD   $@"
	$(Q)$(CC) -pie $(LDFLAGS) -o $@ $^
$(FUZZ): $(D)/fuzz/%: $(D)/tests/fuzz/%.o $(D)/tools.a $(LIB)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS) -fsanitize=fuzzer -Wl,--defsym=LLVMFuzzerTestOneInput=qn_$* -o $@ \
	  $^ $(LDLIBS)
fuzzers: $(FUZZ) $(PLUGS)
	@$(foreach p,$(PLUGS),ln -sf $(abspath $p) $(D)/fuzz/$(notdir $p);)

$(D)/%.o: %.c $(D)/flags
	@mkdir -p $(@D)
	@echo "  CC   $<"
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(call opt,$(call isa_flags,$*)) $(EXTRA) -c -o $@ $<
$(D)/tools/cmd_version.o: CPPFLAGS += -DQN_COMMIT='"$(COMMIT)"'
$(D)/tools/cmd_version.o: $(D)/commit

# stb_image's arithmetic wraps by design; its memory stays watched.
$(D)/formats/image.o: CFLAGS += $(if $(filter asan fuzz,$(BUILD)),-fno-sanitize=undefined)

# The network for cells is taken in as it is.
$(D)/formats/cells_default.o: formats/cells_default.onnx

# Stamps: written anew only when what they say has changed.  -Werror changes no object.
COMMIT := $(shell git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)
stamp = @mkdir -p $(D); echo '$1' | cmp -s - $@ || echo '$1' > $@
$(D)/flags: FORCE
	$(call stamp,$(filter-out ccache -Werror,$(CC) $(CPPFLAGS) $(CFLAGS) $(EXTRA)))
$(D)/commit: FORCE
	$(call stamp,$(COMMIT))
FORCE:

-include $(patsubst %.c,$(D)/%.d,$(LIB_SRC) $(TOOL_SRC) $(TEST_SRC) $(wildcard formats/plugins/*.c))

# ---- what people type -----------------------------------------------------------------
help:
	@echo 'make            build build/quern, the libraries and the unit tests'
	@echo 'make demo       train a network on Fashion-MNIST, and try it'
	@echo 'make bench      the standard sweep as a page: $(O)/bench/report.html'
	@echo 'make test       everything that must pass, under ten minutes'
	@echo 'make test-long  fuzzing, thread sanitizer, clang, real networks'
	@echo 'make check      layering, headers, sizes, formatting, static analysis'
	@echo 'make deps       install what building, testing and the demo need (apt)'
	@echo 'make deps-core  install what building and the demo need'
	@echo 'make install    PREFIX=/usr/local DESTDIR=   (and make uninstall)'
	@echo 'make clean      remove the build folder'
	@sed -n 's/^#   /  /p' Makefile

deps:
	@tests/deps.sh all
deps-core:
	@tests/deps.sh core
# Libraries are looked for when make starts, so what follows deps is a make of its own.
demo: deps-core
	@$(MAKE) --no-print-directory all
	@tools/demo.sh $(B)/quern
bench: all
	@tools/bench.sh $(B)/quern $(O)/bench
test: deps
	@tests/run.sh
test-long: deps
	@tests/long.sh
check:
	@tests/check/all.sh
flags: # for the checks
	@echo '$(filter-out -MMD -MP -fPIC -g $(HARDENING),$(CPPFLAGS) $(foreach p,$(PLUGGED),$(call plug_cpp,$p)) $(CFLAGS))'
clean:
	rm -rf $(O)

$(B)/quern.pc: Makefile engine/quern.h FORCE
	@printf '%s\n' 'prefix=$(PREFIX)' 'libdir=$${prefix}/lib' 'includedir=$${prefix}/include' \
	  '' 'Name: quern' 'Description: runs neural networks in the ONNX format' \
	  'Version: $(VERSION)' 'Cflags: -I$${includedir}' 'Libs: -L$${libdir} -lquern' \
	  'Libs.private: $(strip $(LDLIBS)) -pthread' > $@

# What of other people's is in it, for programs that ask (SPDX 2.3).
$(B)/quern.spdx.json: docs/deps.lock tools/licences.sh $(D)/commit
	$(Q)tools/licences.sh spdx > $@

I := $(DESTDIR)$(PREFIX)
COMMANDS = $(shell sed -n 's/^QN_COMMAND."\([a-z ]*\)".*/\1/p' tools/commands.def | tr ' ' -)
BASH_COMPLETION := $(I)/share/bash-completion/completions/quern
install: all $(B)/quern.pc $(B)/quern.spdx.json
	install -d $(I)/bin $(I)/lib/pkgconfig $(I)/include $(I)/share/man/man1 \
	  $(I)/share/doc/quern $(dir $(BASH_COMPLETION))
	install -m 755 $(B)/quern $(I)/bin/quern
	install -m 644 $(LIB) $(B)/quern.pc $(I)/lib
	mv $(I)/lib/quern.pc $(I)/lib/pkgconfig/quern.pc
	install -m 755 $(SO) $(I)/lib/libquern.so.$(SOVER)
	ln -sf libquern.so.$(SOVER) $(I)/lib/libquern.so
	install -d $(I)/lib/quern
	install -m 755 $(CONTROLS) $(I)/lib/quern
	$(if $(PLUGS),install -m 755 $(PLUGS) $(I)/lib/quern)
	install -m 644 engine/quern.h $(I)/include/quern.h
	install -m 644 LICENSE NOTICE PRIVACY.md README.md $(B)/quern.spdx.json $(I)/share/doc/quern
	$(RUN) $(B)/quern help --man > $(I)/share/man/man1/quern.1
	for c in $(COMMANDS); do $(RUN) $(B)/quern help --man $$(echo $$c | tr - ' ') > $(I)/share/man/man1/quern-$$c.1; done
	$(RUN) $(B)/quern help --completion bash > $(BASH_COMPLETION)
uninstall:
	rm -rf $(I)/share/doc/quern $(I)/lib/quern
	rm -f $(I)/bin/quern $(I)/lib/libquern.a $(I)/lib/libquern.so $(I)/include/quern.h \
	  $(I)/lib/libquern.so.$(SOVER) $(I)/lib/pkgconfig/quern.pc \
	  $(I)/share/man/man1/quern.1 $(COMMANDS:%=$(I)/share/man/man1/quern-%.1) $(BASH_COMPLETION)

.PHONY: all help deps deps-core demo bench test test-long check clean install uninstall fuzzers \
        flags no-others FORCE
.DELETE_ON_ERROR:
