/* SHA-256 of memory and files. Files are read in blocks, not mapped, so that one that shrinks meanwhile is a short read. */
#include "harness/sha256.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

static void to_hex(const unsigned char *digest, unsigned len, char hex[SHA256_HEX_LEN])
{
    static const char digits[] = "0123456789abcdef";
    for (unsigned i = 0; i < len; i++) {
        hex[2 * i] = digits[digest[i] >> 4];
        hex[2 * i + 1] = digits[digest[i] & 15];
    }
    hex[2 * len] = 0;
}

int sha256_bytes(const void *data, size_t len, char hex[SHA256_HEX_LEN])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    if (!EVP_Digest(data, len, digest, &n, EVP_sha256(), NULL))
        return -EIO;
    to_hex(digest, n, hex);
    return 0;
}

int sha256_ids(const int32_t *ids, size_t n, char hex[SHA256_HEX_LEN])
{
    /* only little-endian hosts are supported: the array is the byte stream */
    return sha256_bytes(ids, n * sizeof *ids, hex);
}

static int digest_stream(EVP_MD_CTX *ctx, FILE *f, char hex[SHA256_HEX_LEN], uint64_t *bytes)
{
    enum { BLOCK = 1 << 18 };
    unsigned char digest[EVP_MAX_MD_SIZE], *block = malloc(BLOCK);
    unsigned len = 0;
    if (!block)
        return -ENOMEM;
    int ok = EVP_DigestInit_ex(ctx, EVP_sha256(), NULL);
    size_t n;
    *bytes = 0;
    while (ok && (n = fread(block, 1, BLOCK, f)) > 0) {
        ok = EVP_DigestUpdate(ctx, block, n);
        *bytes += n;
    }
    free(block);
    if (!ok || ferror(f) || !EVP_DigestFinal_ex(ctx, digest, &len))
        return -EIO;
    to_hex(digest, len, hex);
    return 0;
}

int sha256_file(const char *path, char hex[SHA256_HEX_LEN], uint64_t *bytes)
{
    FILE *f = fopen(path, "rbe");
    if (!f)
        return -errno;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    const int rc = ctx ? digest_stream(ctx, f, hex, bytes) : -ENOMEM;
    EVP_MD_CTX_free(ctx);
    fclose(f);
    return rc;
}
