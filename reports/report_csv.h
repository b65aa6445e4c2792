/* results.csv: one row per cell of the record, also of cells that were skipped or failed; RFC 4180. */
#ifndef BITJOULE_REPORT_CSV_H
#define BITJOULE_REPORT_CSV_H

#include "reports/report_matrix.h"

/* Appends the table to `out`. Memory from the set's arena; out of memory shows in the flags of both. */
void report_csv_print(struct report_set *set, struct textbuf *out);

#endif
