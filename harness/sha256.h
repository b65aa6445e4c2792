/* SHA-256 as lower-case hexadecimal text, through OpenSSL's EVP interface. */
#ifndef BITJOULE_SHA256_H
#define BITJOULE_SHA256_H

#include <stddef.h>
#include <stdint.h>

enum { SHA256_HEX_LEN = 65 };

/* 0 or -EIO (OpenSSL refused). */
int sha256_bytes(const void *data, size_t len, char hex[SHA256_HEX_LEN]);
/* Token ids as 32-bit little-endian words. */
int sha256_ids(const int32_t *ids, size_t n, char hex[SHA256_HEX_LEN]);
/* A whole file; also its length. 0 or a negative errno. */
int sha256_file(const char *path, char hex[SHA256_HEX_LEN], uint64_t *bytes);

#endif
