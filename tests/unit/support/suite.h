/* suite.h - main() of a test program with one case. */
#ifndef TC_TEST_SUITE_H
#define TC_TEST_SUITE_H

#include <check.h>

/* Runs the tests that `add` adds; returns main()'s exit code. */
int suite_main(const char *name, void (*add)(TCase *tests));

#endif
