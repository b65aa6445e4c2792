/* bitjoule claims RESULTS...: the verdict on every published claim, as text or JSON, with an exit status for CI. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reports/claims.h"
#include "reports/report_cmds.h"

#include <math.h>

static const char usage[] =
    "usage: bitjoule claims RESULTS... [--json] [--only PREFIX] [--strict] [--claims DIR]\n"
    "\n"
    "Says of every published claim in configs/claims/ whether it holds in these records, and why.\n"
    "RESULTS is a results.json, a results.jsonl, or a directory that holds one; several hosts may be given.\n"
    "\n"
    "  --json         {\"claims\": [{\"id\", \"verdict\", \"detail\", \"reason\", ...}]} instead of text\n"
    "  --only PREFIX  only claims whose id begins so, e.g. t4-i7; may be given several times\n"
    "  --strict       also fail for a claim that holds only in part or could not be tested\n"
    "  --claims DIR   read the registry from there\n"
    "\n"
    "Exit status: 0 no claim was refuted (with --strict: all hold), 1 some was, 2 bad input.\n";

enum { MAX_ONLY = 32 };

struct claims_args {
    const char *dir, *only[MAX_ONLY];
    size_t n_only;
    bool json, strict, help;
};

/* The value of an option, or NULL after an error line. */
static const char *value_of(int argc, char **argv, int *i)
{
    if (*i + 1 < argc)
        return argv[++*i];
    fprintf(stderr, "bitjoule claims: %s needs a value; see bitjoule claims --help\n", argv[*i]);
    return NULL;
}

/* Takes options out of argv; operands move to its front. Returns how many operands, or -1 after an error line. */
static int parse(int argc, char **argv, struct claims_args *args)
{
    int n = 0;
    for (int i = 1; i < argc; i++) {
        char *s = argv[i];
        if (s[0] != '-' || s[1] == '\0')
            argv[n++] = s;
        else if (strcmp(s, "-h") == 0 || strcmp(s, "--help") == 0)
            args->help = true;
        else if (strcmp(s, "--json") == 0)
            args->json = true;
        else if (strcmp(s, "--strict") == 0)
            args->strict = true;
        else if (strcmp(s, "--claims") == 0) {
            if (!(args->dir = value_of(argc, argv, &i)))
                return -1;
        } else if (strcmp(s, "--only") == 0 && args->n_only < MAX_ONLY) {
            if (!(args->only[args->n_only++] = value_of(argc, argv, &i)))
                return -1;
        } else {
            fprintf(stderr, "bitjoule claims: unknown option '%s'; see bitjoule claims --help\n", s);
            return -1;
        }
    }
    return n;
}

static bool wanted(const struct claims_args *args, const char *id)
{
    for (size_t i = 0; i < args->n_only; i++)
        if (strncmp(id, args->only[i], strlen(args->only[i])) == 0)
            return true;
    return args->n_only == 0;
}

/* ---- text --------------------------------------------------------------------------------------------------------------------- */

static void print_text(struct arena *a, const struct claim_judgement *j, const char **title)
{
    const struct claim *c = j->claim;
    const char *head = c->title ? c->title : c->source->ref;
    if (head != *title)
        printf("%s%s\n", *title ? "\n" : "", head);
    *title = head;
    printf("  %s%s%s: %s %s: %s, %s\n", c->row ? c->row : "", c->row ? ": " : "", c->says, c->value.as, claims_unit(c->metric),
           c->id, claims_kind_name(c->kind));
    printf("    %s\n", claims_verdict_text(a, &j->overall));
    if (*j->overall.reason)
        printf("    %s\n", j->overall.reason);
}

static void print_counts(FILE *out, const size_t counts[N_VERDICTS])
{
    for (size_t v = 0; v < N_VERDICTS; v++)
        fprintf(out, "%s%zu %s", v ? ", " : "", counts[v], claims_verdict_name((enum claim_verdict)v));
    fputs("\n", out);
}

/* ---- JSON --------------------------------------------------------------------------------------------------------------------- */

static json_t *number(double x)
{
    return isfinite(x) ? json_real(x) : json_null();
}

static json_t *result_json(const struct claim_result *r)
{
    return json_pack("{s:s, s:s, s:s, s:{s:o, s:o, s:o}, s:o, s:o}", "verdict", claims_verdict_name(r->verdict), "detail",
                     r->detail, "reason", r->reason, "measured", "value", number(r->measured.mid), "lo", number(r->measured.lo),
                     "hi", number(r->measured.hi), "needed", number(r->needed), "ceiling", number(r->ceiling));
}

static json_t *claim_json(const struct report_set *set, const struct claim_judgement *j)
{
    const struct claim *c = j->claim;
    json_t *o = result_json(&j->overall), *runs = json_array();
    json_t *about = json_pack("{s:s, s:s, s:s?, s:s, s:s?, s:s, s:s, s:s, s:s?, s:s}", "id", c->id, "says", c->says, "source",
                              c->source->ref, "where", c->where, "row", c->row, "metric", claims_metric_name(c->metric), "unit",
                              claims_unit(c->metric), "published", c->value.as, "cpu", c->cpu, "kind", claims_kind_name(c->kind));
    for (size_t i = 0; i < set->n_runs; i++) {
        json_t *run = result_json(&j->runs[i]);
        json_object_set_new(run, "run", json_integer((json_int_t)set->runs[i]->number));
        json_array_append_new(runs, run);
    }
    if (about)
        json_object_update(about, o);
    json_decref(o);
    if (set->n_runs > 1 && about)
        json_object_set(about, "runs", runs);
    json_decref(runs);
    return about;
}

/* ---- all of it ---------------------------------------------------------------------------------------------------------------- */

/* Prints; counts verdicts. False: out of memory or the output cannot be written. */
static bool print_all(struct report_set *set, const struct claims_args *args, const struct claim_judgement *all, size_t n,
                      size_t counts[N_VERDICTS])
{
    json_t *list = json_array();
    const char *title = NULL;
    for (size_t i = 0; i < n; i++) {
        if (!wanted(args, all[i].claim->id))
            continue;
        counts[all[i].overall.verdict]++;
        if (args->json)
            json_array_append_new(list, claim_json(set, &all[i]));
        else
            print_text(&set->arena, &all[i], &title);
    }
    bool ok = true;
    if (args->json) {
        json_t *root = json_pack("{s:O}", "claims", list);
        ok = root && json_dumpf(root, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(12)) == 0 && fputs("\n", stdout) >= 0;
        json_decref(root);
    }
    json_decref(list);
    return ok && fflush(stdout) == 0;
}

static int judge(char **paths, int n, const struct claims_args *args)
{
    char err[REPORT_ERR_LEN] = "";
    struct report_set set = {.n_runs = 0};
    struct claim_registry reg;
    struct report_matrix m;
    size_t counts[N_VERDICTS] = {0}, chosen = 0;
    int status = claims_load(&set.arena, args->dir, &reg, err) != 0 ? 2 : 0;
    for (int i = 0; i < n && status == 0; i++)
        status = report_set_add(&set, paths[i], err) != 0 ? 2 : 0;
    if (status == 0)
        status = report_matrix_build(&set, &m, err) != 0 ? 2 : 0;
    const struct claim_judgement *all = status == 0 ? claims_judge(&reg, &m) : NULL;
    if (status == 0 && (!all || !print_all(&set, args, all, reg.n, counts))) {
        snprintf(err, sizeof(err), "out of memory, or the output cannot be written");
        status = 1;
    }
    for (size_t v = 0; v < N_VERDICTS; v++)
        chosen += counts[v];
    if (status == 0 && chosen == 0) {
        snprintf(err, sizeof(err), "--only %s: no claim has such an id", args->only[0]);
        status = 2;
    }
    if (*err)
        fprintf(stderr, "bitjoule claims: %s\n", err);
    else {
        print_counts(stderr, counts);
        status = counts[VERDICT_FAILS] || (args->strict && counts[VERDICT_HOLDS] != chosen) ? 1 : 0;
    }
    report_set_free(&set);
    return status;
}

int cmd_claims(int argc, char **argv)
{
    struct claims_args args = {.dir = NULL};
    const int n = parse(argc, argv, &args);
    if (n < 0)
        return 2;
    if (args.help) {
        fputs(usage, stdout);
        return 0;
    }
    if (n == 0) {
        fputs("bitjoule claims: no RESULTS given, expected results.json or a directory that holds it; see bitjoule claims --help\n",
              stderr);
        return 2;
    }
    return judge(argv, n, &args);
}
