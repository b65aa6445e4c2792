/* report.pdf: the printed report.html, made by a program that can print a web page, where one is installed. */
#ifndef BITJOULE_REPORT_PDF_H
#define BITJOULE_REPORT_PDF_H

#include "reports/report_record.h"

/* Prints DIR/report.html to DIR/report.pdf. 0; -ENOENT when no converter is installed, or another negative errno when it failed,
 * each with a line in err. An older report.pdf is removed first. Unlike the other parts the file need not be the same twice: most
 * converters put the time into it. */
int report_pdf_make(struct arena *a, const char *dir, char err[REPORT_ERR_LEN]);

#endif
