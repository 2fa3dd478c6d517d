-: tests/test_state.h tests/test.h engine/error.h engine/quern.h \
 tests/tests.def
tests/test.h:
engine/error.h:
engine/quern.h:
tests/tests.def:
