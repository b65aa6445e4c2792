/* What the tests of reports share: a scratch folder, the command called in this process, records made on the spot. */
#ifndef BITJOULE_REPORT_FIXTURE_H
#define BITJOULE_REPORT_FIXTURE_H

#include <jansson.h>
#include <stddef.h>

#include "reports/report_cmds.h"

#define QUICK   "tests/fixtures/report_quick.json"
#define ENERGY  "tests/fixtures/report_energy.json"
#define HOSTILE "tests/fixtures/report_hostile.json"

extern char fx_dir[64];                 /* scratch folder of the running test */
extern char *fx_out, *fx_err, *fx_text; /* what the last command printed; the last file read by fx_file() */

/* Set-up makes the folder and empties PATH, so that no gnuplot is found; tear-down removes the folder. */
int fx_set_up(void **state);
int fx_tear_down(void **state);
void need_gnuplot(void); /* gives PATH back; skips the test where gnuplot is not installed */

const char *fx_at(const char *name);   /* path of a file in the folder */
const char *fx_file(const char *name); /* content of a file in the folder */
void fx_slurp(const char *path, char **keep);
void fx_spill(const char *path, const char *content);
/* `bitjoule report ARGS...`, `bitjoule claims ARGS...`; the exit status */
#define run_report(...) run_command_args(cmd_report, (const char *const[]){"report", __VA_ARGS__, NULL})
#define run_claims(...) run_command_args(cmd_claims, (const char *const[]){"claims", __VA_ARGS__, NULL})
int run_command_args(int (*command)(int, char **), const char *const args[]);

void assert_has(const char *s, const char *part);
void assert_lacks(const char *s, const char *part);
void assert_one_line(const char *s);
void assert_same_file(const char *a, const char *b); /* names in the folder */
size_t fx_count(const char *s, const char *part);

json_t *new_cell(const char *model, const char *format, int threads, const char *test, double median, double lo, double hi);
json_t *new_record(json_t *cells); /* takes cells over */
int report_of(json_t *record);     /* takes it over; writes it and makes its report in the folder "r" */

#define TEST(f) cmocka_unit_test_setup_teardown(f, fx_set_up, fx_tear_down)

#endif
