/* Lists on the command line and in suites: numbers with ranges as llama-bench writes them, requests, and comma-separated words.
 *
 *     "1,2,4"   "1-8"   "1-8+2" (1,3,5,7)   "1-8*2" (1,2,4,8)   "all"   "pow2" (1,2,4,... and all)
 *
 * Order is kept and repeated values are dropped. Nothing here knows what the numbers mean. */
#ifndef BITJOULE_LISTS_H
#define BITJOULE_LISTS_H

#include <stdbool.h>
#include <stddef.h>

enum { LIST_MAX = 256, LIST_ERR_LEN = 256 };

struct uint_list {
    unsigned v[LIST_MAX];
    size_t n;
};

/* Appends what `text` lists; values are checked against [min, max]. `all`: what the word "all" stands for, 0 where the words
 * make no sense. 0, or -EINVAL and one line in err that names the part which is wrong. */
struct uint_limits {
    unsigned min, max, all;
};
int uint_list_add(struct uint_list *l, const char *text, struct uint_limits lim, char err[LIST_ERR_LEN]);

/* A prompt and an answer: "pp128+tg32", or as llama-bench's -pg has it, one of them, "128,32". */
struct request {
    unsigned n_prompt, n_gen;
};
enum { REQUESTS_MAX = 32 };
struct request_list {
    struct request v[REQUESTS_MAX];
    size_t n;
};
/* Appends what `text` lists; both numbers are from 1 to max. 0, or -EINVAL and one line in err. */
int request_list_add(struct request_list *l, const char *text, unsigned max, char err[LIST_ERR_LEN]);

struct str_list {
    char **v;
    size_t n;
};
/* Appends the words of "a, b,c"; blanks around a word go. 0, -ENOMEM, or -EINVAL for an empty word. */
int str_list_add(struct str_list *l, const char *text, char err[LIST_ERR_LEN]);
void str_list_clear(struct str_list *l);

/* A whole decimal number without sign within [min, max]. */
bool parse_uint(const char *text, unsigned long long min, unsigned long long max, unsigned long long *out);

#endif
