/* Who is measured with whom and in which order: the Latin squares, and the batches that memory allows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "harness/latin_square.h"
#include "harness/schedule.h"

/* ---- orders --------------------------------------------------------------------------------------------------------- */

/* In n rounds everybody was in every position; in a whole period everybody followed everybody else equally often. */
static void check_design(uint64_t seed, size_t n, size_t first)
{
    size_t *at = calloc(n * n, sizeof *at), *after = calloc(n * n, sizeof *after), order[LATIN_MAX];
    assert_true(at && after);
    const size_t period = latin_period(n);
    for (size_t round = 0; round < period; round++) {
        latin_order(seed, first + round, n, order);
        for (size_t i = 0; i < n; i++) {
            assert_true(order[i] < n);
            at[order[i] * n + i]++;
            if (i)
                after[order[i - 1] * n + order[i]]++;
        }
    }
    for (size_t a = 0; a < n; a++)
        for (size_t b = 0; b < n; b++) {
            assert_int_equal(at[a * n + b], period / n);
            assert_int_equal(after[a * n + b], a == b ? 0 : period / n);
        }
    free(at);
    free(after);
}

static void test_orders_are_balanced(void **state)
{
    (void)state;
    for (size_t n = 1; n <= 12; n++)
        for (uint64_t seed = 1; seed < 4; seed++)
            for (size_t turn = 0; turn < 3; turn++)
                check_design(seed, n, turn * latin_period(n));
    assert_int_equal(latin_period(4), 4);
    assert_int_equal(latin_period(5), 10);
    assert_int_equal(latin_period(1), 1);
}

static void test_orders_come_from_the_seed(void **state)
{
    size_t a[6], b[6], differ = 0;
    (void)state;
    for (size_t round = 0; round < 30; round++) {
        latin_order(7, round, 6, a);
        latin_order(7, round, 6, b);
        assert_memory_equal(a, b, sizeof a);
        latin_order(8, round, 6, b);
        differ += memcmp(a, b, sizeof a) != 0;
    }
    assert_true(differ > 20);
}

/* ---- batches -------------------------------------------------------------------------------------------------------- */

/* A plan of one model: groups of the given formats and sizes, with one cell for each of two thread counts. */
struct made {
    struct group groups[8];
    struct cell cells[16];
    struct plan plan;
};

static struct made *make(const char *const formats[], const double bytes[], size_t n, double available)
{
    struct made *m = calloc(1, sizeof *m);
    assert_non_null(m);
    for (size_t g = 0; g < n; g++) {
        m->groups[g] = (struct group){.spec = (char *)"m", .model = "m", .format = format_find(formats[g]), .embedding = "f16"};
        for (unsigned t = 0; t < 2; t++)
            m->cells[2 * g + t] = (struct cell){
                .group = g, .workload = "decode", .test = "tg4", .threads = t + 1, .batch = 1, .need_bytes = bytes[g]};
    }
    m->plan = (struct plan){.groups = m->groups, .n_groups = n, .cells = m->cells, .n_cells = 2 * n, .mem_available = available};
    return m;
}

static struct schedule schedule_of(const struct made *m)
{
    struct schedule s;
    assert_int_equal(schedule_make(&m->plan, &s), 0);
    return s;
}

static bool together(const struct batch *b, size_t x, size_t y)
{
    bool has_x = false, has_y = false;
    for (size_t i = 0; i < b->n_groups; i++) {
        has_x |= b->groups[i] == x;
        has_y |= b->groups[i] == y;
    }
    return has_x && has_y;
}

static const char *const four[] = {"i2_s", "f16", "q8_0", "q4_0"};
static const double sizes[] = {1, 8, 4, 2};

static void test_all_fit(void **state)
{
    (void)state;
    struct made *m = make(four, sizes, 4, 15);
    struct schedule s = schedule_of(m);
    assert_int_equal(s.n_batches, 1);
    assert_int_equal(s.batches[0].n_groups, 4);
    assert_true(s.batches[0].need_bytes == 15 && !s.batches[0].by_turns);
    assert_int_equal(s.n_contests, 2); /* one for each number of threads */
    assert_int_equal(s.contests[0].n_cells, 4);
    assert_int_equal(m->cells[s.contests[1].cells[0]].threads, 2);
    assert_true(contest_has(&s.contests[0], 0) && !contest_has(&s.contests[0], 7) && contest_has(&s.contests[1], 7));
    assert_true(schedule_need_bytes(&m->plan, &s) == 15);
    schedule_free(&s);
    free(m);
}

/* Every format beside f16, never more than fits. */
static void test_base_is_in_every_batch(void **state)
{
    (void)state;
    struct made *m = make(four, sizes, 4, 12);
    struct schedule s = schedule_of(m);
    assert_int_equal(s.n_batches, 2);
    for (size_t i = 0; i < 2; i++)
        assert_true(s.batches[i].need_bytes <= 12 && !s.batches[i].by_turns);
    assert_true(together(&s.batches[0], 0, 1) && together(&s.batches[1], 2, 1) && together(&s.batches[0], 3, 1));
    assert_int_equal(s.n_contests, 4);
    assert_int_equal(schedule_contests_of(&s, 2), 2); /* f16, one thread */
    assert_int_equal(schedule_contests_of(&s, 0), 1);
    assert_true(schedule_need_bytes(&m->plan, &s) == 15); /* f16 is loaded once */
    schedule_free(&s);
    free(m);
}

/* q8_0 does not fit beside f16: these two are loaded by turns. */
static void test_by_turns(void **state)
{
    (void)state;
    struct made *m = make(four, sizes, 4, 11);
    struct schedule s = schedule_of(m);
    size_t turns = 0;
    for (size_t i = 0; i < s.n_batches; i++) {
        turns += s.batches[i].by_turns;
        assert_true(s.batches[i].need_bytes <= 11);
        assert_int_equal(s.batches[i].by_turns, together(&s.batches[i], 1, 2));
    }
    assert_int_equal(turns, 1);
    assert_true(schedule_need_bytes(&m->plan, &s) == 1 + 8 + 2 + 8); /* i2_s, f16 and q4_0, and the larger one of the other batch */
    schedule_free(&s);
    free(m);
}

static void test_without_a_base(void **state)
{
    (void)state;
    struct made *m = make(four, sizes, 4, 6);
    for (size_t i = 2; i < 4; i++)
        snprintf(m->cells[i].reason, PLAN_REASON_LEN, "needs 8, 6 available");
    struct schedule s = schedule_of(m);
    assert_int_equal(s.n_batches, 2); /* 1 + 4, 2 */
    for (size_t i = 0; i < s.n_contests; i++)
        for (size_t k = 0; k < s.contests[i].n_cells; k++)
            assert_int_not_equal(m->cells[s.contests[i].cells[k]].group, 1);
    assert_int_equal(schedule_contests_of(&s, 2), 0);
    schedule_free(&s);
    free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_orders_are_balanced),
        cmocka_unit_test(test_orders_come_from_the_seed),
        cmocka_unit_test(test_all_fit),
        cmocka_unit_test(test_base_is_in_every_batch),
        cmocka_unit_test(test_by_turns),
        cmocka_unit_test(test_without_a_base),
    };
    return cmocka_run_group_tests_name("schedule", tests, NULL, NULL);
}
