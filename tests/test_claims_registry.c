/* The registry of claims: what configs/claims/ must satisfy, and that bad files are refused with their line. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/shape.h"
#include "reports/claims.h"
#include "tests/report_fixture.h"

static const struct claim *find(const struct claim_registry *reg, const char *id)
{
    for (size_t i = 0; i < reg->n; i++)
        if (strcmp(reg->claims[i]->id, id) == 0)
            return reg->claims[i];
    fail_msg("no claim %s", id);
    return NULL;
}

static void load(struct arena *a, struct claim_registry *reg)
{
    char err[REPORT_ERR_LEN] = "";
    if (claims_load(a, NULL, reg, err) != 0)
        fail_msg("%s", err);
}

/* Published ratios are quotients of the published cells beside them, within the rounding of all three. */
static void test_ratios_are_quotients(void **state)
{
    (void)state;
    struct arena a = {0};
    struct claim_registry reg;
    size_t checked = 0;
    load(&a, &reg);
    assert_true(reg.n >= 60);
    for (size_t i = 0; i < reg.n; i++) {
        const struct claim *c = reg.claims[i];
        const bool saving = c->metric == CLAIM_ENERGY_SAVING;
        if (!c->arm_value.as || !c->base_value.as || c->value.lo < c->value.hi || (c->metric != CLAIM_SPEEDUP && !saving))
            continue;
        double sum = 0.0;
        const struct claim_number *n[] = {&c->arm_value, &c->base_value};
        for (size_t k = 0; k < 2; k++)
            sum += 0.5 * pow(10.0, -n[k]->decimals) / n[k]->lo; /* relative rounding of a cell */
        const double q = saving ? 100.0 * (1.0 - c->arm_value.lo / c->base_value.lo) : c->arm_value.lo / c->base_value.lo;
        const double slack = 0.5 * pow(10.0, -c->value.decimals) + sum * (saving ? 100.0 - q : q);
        if (fabs(q - c->value.lo) > 1.0001 * slack)
            fail_msg("%s: %s is not %g", c->id, c->value.as, q);
        checked++;
    }
    assert_true(checked >= 80);
    arena_free(&a);
}

/* Sums of the columns of the tables, over the rows that have a ratio: a digit that slipped anywhere shows. */
static void test_sums_of_tables(void **state)
{
    (void)state;
    static const struct {
        const char *prefix;
        size_t n;
        double arms, bases, values;
    } sums[] = {
        {"t4-i7-", 12, 941.31, 310.77, 38.91},
        {"t4-m2-", 12, 1650.87, 979.91, 30.70},
        {"t5-i7-", 12, 706.03, 216.54, 41.41},
        {"t5-m2-", 12, 896.22, 511.33, 23.08},
    };
    struct arena a = {0};
    struct claim_registry reg;
    load(&a, &reg);
    for (size_t s = 0; s < sizeof(sums) / sizeof(sums[0]); s++) {
        double arms = 0.0, bases = 0.0, values = 0.0;
        size_t n = 0;
        for (size_t i = 0; i < reg.n; i++) {
            const struct claim *c = reg.claims[i];
            if (strncmp(c->id, sums[s].prefix, strlen(sums[s].prefix)) != 0)
                continue;
            n++;
            if (c->metric == CLAIM_SPEEDUP) {
                arms += c->arm_value.lo;
                bases += c->base_value.lo;
                values += c->value.lo;
            }
        }
        print_message("%s: %zu, %.2f, %.2f, %.2f\n", sums[s].prefix, n, arms, bases, values);
        assert_int_equal(n, sums[s].n);
        assert_true(fabs(arms - sums[s].arms) < 0.005 && fabs(bases - sums[s].bases) < 0.005 &&
                    fabs(values - sums[s].values) < 0.005);
    }
    arena_free(&a);
}

/* The constants of the energy model give the published joules, the parameters the published gigabytes. */
static void test_definitions_give_the_figures(void **state)
{
    (void)state;
    struct arena a = {0};
    struct claim_registry reg;
    size_t energies = 0, memories = 0;
    load(&a, &reg);
    for (size_t i = 0; i < reg.n; i++) {
        const struct claim *c = reg.claims[i];
        const double half = 0.5 * pow(10.0, -c->value.decimals);
        if (c->metric == CLAIM_ENERGY_MODEL) {
            const double j = 1e-12 * c->tokens *
                             (c->linear_params * c->weight_pj + 2.0 * c->tokens * c->attention_width * c->layers * c->attention_pj);
            if (fabs(j - c->value.lo) > half)
                fail_msg("%s: %s, but the constants give %g", c->id, c->value.as, j);
            energies++;
        } else if (c->metric == CLAIM_MEMORY_GB) {
            const double gb = c->linear_params * c->definition_bits / 8e9;
            if (fabs(gb - c->value.lo) > 0.1)
                fail_msg("%s: %s, but the parameters give %g", c->id, c->value.as, gb);
            memories++;
        }
    }
    assert_int_equal(energies, 6);
    assert_int_equal(memories, 6);
    const struct claim *c = find(&reg, "era-operations");
    assert_true(fabs(c->attention_pj / c->weight_pj - c->value.lo) < 0.05);
    arena_free(&a);
}

static void test_sizes_are_those_of_the_shapes(void **state)
{
    (void)state;
    struct arena a = {0};
    struct claim_registry reg;
    char err[MODEL_ERR_LEN] = "";
    load(&a, &reg);
    for (size_t i = 0; i < reg.n_models; i++) {
        struct hparams hp;
        if (shape_load(reg.models[i].name, &hp, err) != 0)
            fail_msg("%s", err);
        const double h = (double)hp.n_embd, q = (double)(hp.n_head * hp.head_dim), kv = (double)(hp.n_head_kv * hp.head_dim);
        const double linear = (double)hp.n_layer * (2.0 * h * q + 2.0 * h * kv + 3.0 * h * (double)hp.n_ff);
        assert_true(reg.models[i].linear_params == linear);
        const double rest = reg.models[i].params - linear, table = h * (double)hp.n_vocab;
        assert_true(rest >= table && rest < table * 1.02 + 2e7); /* one table, and norms */
    }
    /* every model that a claim about f16 names can be made here */
    for (size_t i = 0; i < reg.n; i++)
        for (size_t k = 0; reg.claims[i]->metric == CLAIM_SPEEDUP && k < reg.claims[i]->models.n; k++) {
            bool known = false;
            for (size_t m = 0; m < reg.n_models; m++)
                known |= strcmp(reg.models[m].name, reg.claims[i]->models.v[k]) == 0;
            if (!known)
                fail_msg("%s: model %s has no size", reg.claims[i]->id, reg.claims[i]->models.v[k]);
        }
    arena_free(&a);
}

static void test_every_claim_names_its_place(void **state)
{
    (void)state;
    struct arena a = {0};
    struct claim_registry reg;
    size_t headlines = 0;
    load(&a, &reg);
    for (size_t i = 0; i < reg.n; i++) {
        const struct claim *c = reg.claims[i];
        assert_true(c->source->ref && c->source->title && c->where && c->says);
        assert_true(c->kind != CLAIM_KIND_UNSET);
        headlines += c->headline;
    }
    assert_true(headlines >= 10 && headlines <= 40);
    const struct claim *c = find(&reg, "t5-i7-7b");
    assert_int_equal(c->threads, 2);
    assert_string_equal(c->cpu, "Intel i7-13700H");
    assert_string_equal(c->value.as, "6.46");
    c = find(&reg, "100b-reading-speed");
    assert_true(c->value.lo == 5.0 && c->value.hi == 7.0);
    arena_free(&a);
}

/* ---- bad files ---------------------------------------------------------------------------------------------------------------- */

static const char good[] =
    "says = x\nwhere = x\nmetric = speedup\nkind = measured\nmodels = 7b\narms = i2_s\nbase = f16\nvalue = 2\n";

static void refuse(const char *file, const char *want)
{
    char err[REPORT_ERR_LEN] = "", head[100];
    struct arena a = {0};
    struct claim_registry reg;
    fx_spill(fx_at("bad.ini"), file);
    const int rc = claims_load(&a, fx_dir, &reg, err);
    arena_free(&a);
    snprintf(head, sizeof(head), "bad.ini:%s", want);
    if (rc == 0 || !strstr(err, head))
        fail_msg("wanted '%s', got %d '%s'", want, rc, err);
}

static void test_bad_files(void **state)
{
    (void)state;
    static const struct {
        const char *lines, *want;
    } cases[] = {
        {"[claim a]\nwhat = 1\n", "2: unknown key 'what' in section [claim a]"},
        {"[clam a]\nsays = x\n", "2: unknown section [clam a]"},
        {"[claim a]\nsays = x\nsays = y\n", "3: 'says' is given twice"},
        {"[claim a]\nmetric = speed\n", "2: metric = 'speed': expected a metric"},
        {"[claim a]\nkind = guessed\n", "2: kind = 'guessed': expected measured, estimated or not stated"},
        {"[claim a]\nvalue = 3..2\n", "2: value = '3..2': expected a number"},
        {"[claim a]\nvalue = x\n", "2: value = 'x'"},
        {"[claim a]\nvalue = -1\n", "2: value = '-1'"},
        {"[claim a]\nthreads = many\n", "2: threads = 'many'"},
        {"[claim a]\nthreads = 0\n", "2: threads = '0'"},
        {"[claim a]\narch = arm\n", "2: arch = 'arm'"},
        {"[claim a]\ntest = ppl\n", "2: test = 'ppl'"},
        {"[claim a]\nheadline = maybe\n", "2: headline = 'maybe'"},
        {"[claim a]\nsays =\n", "2: says = '': expected a value"},
        {"[claim a]\njust words\n", "2: neither"},
        {"[claim a]\nsays = x\n[claim b]\nsays = y\n", "2: [claim a]: neither it nor the table above it has 'metric'"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        refuse(cases[i].lines, cases[i].want);
    char twice[800];
    snprintf(twice, sizeof(twice), "[claim a]\n%s[claim b]\n%s[claim a]\n%s", good, good, good);
    refuse(twice, "20: claim 'a' stands twice");
}

static void test_tables_give_what_claims_leave_out(void **state)
{
    (void)state;
    char file[800], err[REPORT_ERR_LEN] = "";
    struct arena a = {0};
    struct claim_registry reg;
    snprintf(
        file, sizeof(file),
        "[source]\ntitle = t\nref = r\n[table t]\ntitle = T\n%s[claim a]\nvalue = 3.50\nmodels = 1b,\n  2b\n[claim b]\nrow = x\n",
        good);
    fx_spill(fx_at("good.ini"), file);
    assert_int_equal(claims_load(&a, fx_dir, &reg, err), 0);
    assert_int_equal(reg.n, 2);
    assert_string_equal(reg.claims[0]->title, "T");
    assert_int_equal(reg.claims[0]->value.decimals, 2);
    assert_int_equal(reg.claims[0]->models.n, 2);
    assert_string_equal(reg.claims[0]->models.v[1], "2b");
    assert_string_equal(reg.claims[1]->models.v[0], "7b");
    assert_string_equal(reg.claims[1]->value.as, "2");
    arena_free(&a);
    assert_int_equal(claims_load(&a, "/nowhere", &reg, err), -2);
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_ratios_are_quotients),
        TEST(test_sums_of_tables),
        TEST(test_definitions_give_the_figures),
        TEST(test_sizes_are_those_of_the_shapes),
        TEST(test_every_claim_names_its_place),
        TEST(test_bad_files),
        TEST(test_tables_give_what_claims_leave_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
