/* The header of a record: tool, run, host, warnings, build, inputs. */
#ifndef BITJOULE_RUN_HEADER_H
#define BITJOULE_RUN_HEADER_H

#include <jansson.h>

#include "harness/plan.h"
#include "harness/suite.h"
#include "profiles/probe.h"

/* argv[0] is the sub-command. New reference, NULL: out of memory. Reads every input file once for its hash. */
json_t *run_header_json(const struct suite *s, const struct plan *p, int argc, char **argv, const struct probe_env *env);

/* Its parts that every kind of record has. New references, NULL: out of memory. */
json_t *run_tool_json(void);
json_t *run_build_json(void);
json_t *run_command_json(int argc, char **argv);

/* "2026-11-23T06:00:00Z" */
void utc_now(char buf[32]);

#endif
