/* Sub-commands of bitjoule that lie in reports/. Each returns the exit status. */
#ifndef BITJOULE_REPORT_CMDS_H
#define BITJOULE_REPORT_CMDS_H

#include "reports/report_compare.h"

/* argv[0] is the name of the sub-command. */
int cmd_report(int argc, char **argv);
int cmd_export(int argc, char **argv);
int cmd_claims(int argc, char **argv);

#endif
