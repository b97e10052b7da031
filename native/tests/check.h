/* Checks for the C tests: a failed one prints where and what, the test goes on, the program
 * exits 1.
 *
 *   static void test_something(void) { CHECK(1 + 1 == 2); }
 *   int main(void) {
 *       RUN(test_something);
 *       return check_report();
 *   }
 */
#ifndef CHECK_H
#define CHECK_H

#include <math.h>
#include <stdio.h>
#include <string.h>

static int check_failures;
static const char *check_context = ""; /* what a table-driven test is at, printed with a failure */

static inline int check_fail(const char *file, int line) {
    check_failures++;
    printf("%s:%d: %s%s", file, line, check_context, *check_context != '\0' ? ": " : "");
    return 0;
}

static inline int check_true(const char *file, int line, const char *text, int holds) {
    return holds || (check_fail(file, line), printf("not true: %s\n", text), 0);
}

static inline int check_int(const char *file, int line, const char *text, long long got,
                            long long want) {
    return got == want ||
           (check_fail(file, line), printf("%s is %lld, want %lld\n", text, got, want), 0);
}

/* NaN is near nothing. */
static inline int check_near(const char *file, int line, const char *text, double got, double want,
                             double tolerance) {
    return fabs(got - want) <= tolerance ||
           (check_fail(file, line),
            printf("%s is %.9g, want %.9g +- %.3g\n", text, got, want, tolerance), 0);
}

static inline int check_text(const char *file, int line, const char *text, const char *got,
                             const char *want) {
    return strcmp(got, want) == 0 ||
           (check_fail(file, line), printf("%s is \"%s\", want \"%s\"\n", text, got, want), 0);
}

static inline int check_report(void) {
    if (check_failures > 0) {
        printf("%d failed\n", check_failures);
    }
    return check_failures > 0;
}

/* Each returns whether it held, so that a test can stop where going on makes no sense. */
#define CHECK(condition) check_true(__FILE__, __LINE__, #condition, (condition) ? 1 : 0)
#define CHECK_INT(got, want)                                                                       \
    check_int(__FILE__, __LINE__, #got, (long long)(got), (long long)(want))
#define CHECK_NEAR(got, want, tolerance)                                                           \
    check_near(__FILE__, __LINE__, #got, (double)(got), (double)(want), (double)(tolerance))
#define CHECK_TEXT(got, want) check_text(__FILE__, __LINE__, #got, got, want)

#define RUN(test)                                                                                  \
    do {                                                                                           \
        const int check_before = check_failures;                                                   \
        check_context = "";                                                                        \
        test();                                                                                    \
        printf("%s %s\n", check_failures == check_before ? "ok  " : "FAIL", #test);                \
    } while (0)

#endif
