/* assert_close(): two numbers are equal within a relative tolerance. For cmocka tests; include it after <cmocka.h>. */
#ifndef BITJOULE_TESTS_ASSERT_CLOSE_H
#define BITJOULE_TESTS_ASSERT_CLOSE_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define assert_close(got, want, relative) assert_close_at((got), (want), (relative), __FILE__, __LINE__)

static inline void assert_close_at(double got, double want, double relative, const char *file, int line)
{
    if (!(fabs(got - want) <= relative * fabs(want)))
        fail_msg("%s:%d: got %.15g, want %.15g", file, line, got, want);
}

#endif
