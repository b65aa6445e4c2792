/* A history of records in an SQLite file: which value each metric of each cell had in which run, on which machine and build.
 *
 * It is an index, made from records and made again from them at any time: the JSON stays the source of truth. A run is known by
 * the id in its record and is added once. Series are kept apart by a fingerprint: the SHA-256 of the machine and build keys
 * (machine_keys.h), so the values of a series are comparable. A mark says that from a run on another level is accepted. */
#ifndef BITJOULE_HISTORY_DB_H
#define BITJOULE_HISTORY_DB_H

#include <jansson.h>
#include <sqlite3.h>

enum { HISTORY_ERR_LEN = 512, HISTORY_SETUP_LEN = 13 };

/* Opens the file and makes its tables where they are missing. 0, or a negative errno and a line. */
int history_open(const char *path, sqlite3 **db, char err[HISTORY_ERR_LEN]);

/* Adds a record, whole or not at all. 0; 1: it is there already; or a negative errno and a line. */
int history_add(sqlite3 *db, const json_t *record, const char *path, char err[HISTORY_ERR_LEN]);

/* Accepts what changed with the run whose id begins like that, for cells that match an SQL GLOB. 0; -ENOENT: no such run, or
 * several. */
int history_mark(sqlite3 *db, const char *run, const char *cells, const char *text, char err[HISTORY_ERR_LEN]);

#endif
