# quern - one file builds everything.  make help lists the targets.
BUILD  ?= release
CC     := $(CROSS)$(or $(QCC),gcc)
O      ?= build
D      := $(O)/obj-$(or $(CROSS),native-)$(BUILD)

CFLAGS_release := -O2 -g
CFLAGS_debug   := -O0 -g
CFLAGS_asan    := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined
CFLAGS_tsan    := -O1 -g -fsanitize=thread
WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wundef \
        -Wpointer-arith -Wformat=2
CFLAGS := -std=c11 -D_POSIX_C_SOURCE=200809L -fPIC -fvisibility=hidden -ffp-contract=off \
          $(CFLAGS_$(BUILD)) $(WARN) $(EXTRA)
CPPFLAGS := -I. -MMD -MP

LIB_SRC := $(wildcard kernels/*.c kernels/ref/*.c engine/*.c engine/ops/*.c engine/passes/*.c formats/*.c)
LIB_OBJ := $(LIB_SRC:%.c=$(D)/%.o)

all: $(D)/libquern.a
$(D)/libquern.a: $(LIB_OBJ)
	@rm -f $@; $(CROSS)ar rcs $@ $^
$(D)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<
-include $(LIB_OBJ:.o=.d)
