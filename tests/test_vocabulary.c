/* Vocabularies made by hand: SentencePiece merging and the two BPE pre-tokenizers with ids worked out on paper, and metadata that
 * must be refused with one line. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/tokenizer.h"
#include "tests/gguf_build.h"

#define KEY(name) "tokenizer.ggml." name
#define SP        "\xe2\x96\x81" /* U+2581 */
#define COUNT(a)  (sizeof(a) / sizeof *(a))

/* ---- files ---- */

/* What stands in for the usual value of one key. */
enum kind { AS_IT_IS, ABSENT, U32, TEXT, TEXTS, INTS, FLOATS };

struct fault {
    const char *key;
    enum kind kind;
    const char *text; /* TEXT, TEXTS: one element */
    uint32_t n;       /* U32: the value; INTS, FLOATS: how many, all 1 but the last */
    double last;
    const char *message; /* part of the error line */
};

struct file {
    struct blob b;
    uint64_t n_keys;
    const struct fault *fault;
};

static void begin(struct file *f, const struct fault *fault)
{
    *f = (struct file){.fault = fault};
    blob_header(&f->b, 0, 0);
}

/* Whether the key is to be written as usual. */
static bool usual(struct file *f, const char *key)
{
    if (f->fault && strcmp(f->fault->key, key) == 0)
        return false;
    f->n_keys++;
    return true;
}

static void put_text(struct file *f, const char *key, const char *text)
{
    if (!usual(f, key))
        return;
    blob_key(&f->b, key, GGUF_STRING);
    blob_str(&f->b, text);
}

static void put_u32(struct file *f, const char *key, uint32_t v)
{
    if (!usual(f, key))
        return;
    blob_key(&f->b, key, GGUF_U32);
    blob_u32(&f->b, v);
}

static void begin_array(struct file *f, const char *key, uint32_t elem, size_t n)
{
    blob_key(&f->b, key, GGUF_ARRAY);
    blob_u32(&f->b, elem);
    blob_u64(&f->b, n);
}

static void put_fault(struct file *f)
{
    const struct fault *x = f->fault;
    if (!x || x->kind == ABSENT)
        return;
    f->n_keys++;
    switch (x->kind) {
    case U32:
        blob_key(&f->b, x->key, GGUF_U32);
        blob_u32(&f->b, x->n);
        break;
    case TEXT:
        blob_key(&f->b, x->key, GGUF_STRING);
        blob_str(&f->b, x->text);
        break;
    case TEXTS:
        begin_array(f, x->key, GGUF_STRING, x->n);
        for (uint32_t i = 0; i < x->n; i++)
            blob_str(&f->b, x->text);
        break;
    default:
        begin_array(f, x->key, x->kind == INTS ? GGUF_I32 : GGUF_F32, x->n);
        for (uint32_t i = 0; i < x->n; i++) {
            const float v = i + 1 < x->n ? 1.0f : (float)x->last;
            const int32_t whole = x->kind == INTS ? (int32_t)v : 0;
            blob_bytes(&f->b, x->kind == INTS ? (const void *)&whole : (const void *)&v, 4);
        }
    }
}

static int open_vocabulary(struct file *f, struct tokenizer **t, char err[GGUF_ERR_LEN])
{
    struct gguf *g;
    put_fault(f);
    memcpy(f->b.v + 16, &f->n_keys, sizeof f->n_keys);
    if (gguf_open_memory("made.gguf", f->b.v, f->b.n, &g, err))
        fail_msg("%s", err);
    const int rc = tokenizer_new(g, t, err);
    gguf_close(g);
    return rc;
}

static void check(const struct tokenizer *t, const char *text, bool special, const int32_t *want, size_t n)
{
    struct token_list ids = {0};
    assert_int_equal(tokenizer_encode(t, text, strlen(text), special, &ids), 0);
    if (ids.n != n || (n > 0 && memcmp(ids.v, want, n * sizeof *want) != 0)) {
        print_error("'%s' gave", text);
        for (size_t i = 0; i < ids.n; i++)
            print_error(" %d", ids.v[i]);
        fail_msg("not the ids expected");
    }
    free(ids.v);
}
#define CHECK(text, special, ...) check(t, text, special, (const int32_t[]){__VA_ARGS__}, COUNT(((const int32_t[]){__VA_ARGS__})))

static void check_decode(const struct tokenizer *t, const int32_t *ids, size_t n, bool special, const char *want)
{
    char *text;
    size_t len;
    assert_int_equal(tokenizer_decode(t, ids, n, special, &text, &len), 0);
    assert_int_equal(len, strlen(want));
    assert_string_equal(text, want);
    free(text);
}
#define CHECK_DECODE(want, special, ...) \
    check_decode(t, (const int32_t[]){__VA_ARGS__}, COUNT(((const int32_t[]){__VA_ARGS__})), special, want)

/* ---- SentencePiece ---- */

enum { BYTE0 = 3, SPACE = 259, A, B, C, AB, BC, _A, ABC, _AB, E_ACUTE, USER, AA, __, USER_OPEN, SPM_TOKENS };

static const struct {
    const char *text;
    float score;
    int32_t type;
} spm_pieces[] = {
    {SP, -10, 1},   {"a", -11, 1},    {"b", -12, 1},        {"c", -13, 1},      {"ab", 3, 1},  {"bc", 2, 1},   {SP "a", 0, 1},
    {"abc", -4, 1}, {SP "ab", -5, 1}, {"\xc3\xa9", -14, 1}, {"<|user|>", 0, 4}, {"aa", -6, 1}, {SP SP, -7, 1}, {"<|user", 0, 4},
};

/* <unk>, <s>, </s>, 256 byte tokens as the printf format `byte_form` writes them, and the pieces above. */
static void spm_file(struct file *f, const struct fault *fault, const char *byte_form)
{
    static const char *const first[] = {"<unk>", "<s>", "</s>"};
    begin(f, fault);
    put_text(f, KEY("model"), "llama");
    put_u32(f, KEY("bos_token_id"), 1);
    put_u32(f, KEY("eos_token_id"), 2);
    put_u32(f, KEY("unknown_token_id"), 0);
    if (usual(f, KEY("tokens"))) {
        begin_array(f, KEY("tokens"), GGUF_STRING, SPM_TOKENS);
        for (size_t i = 0; i < COUNT(first); i++)
            blob_str(&f->b, first[i]);
        for (unsigned i = 0; i < 256; i++) {
            char text[16];
            snprintf(text, sizeof text, byte_form, i);
            blob_str(&f->b, text);
        }
        for (size_t i = 0; i < COUNT(spm_pieces); i++)
            blob_str(&f->b, spm_pieces[i].text);
    }
    const bool bytes = strcmp(byte_form, "none%u") != 0;
    if (usual(f, KEY("token_type"))) {
        begin_array(f, KEY("token_type"), GGUF_I32, SPM_TOKENS);
        for (int i = 0; i < SPM_TOKENS; i++)
            blob_u32(&f->b, i == 0 ? 2 : i < BYTE0 ? 3 : i < SPACE ? (bytes ? 6 : 5) : (uint32_t)spm_pieces[i - SPACE].type);
    }
    if (usual(f, KEY("scores"))) {
        begin_array(f, KEY("scores"), GGUF_F32, SPM_TOKENS);
        for (int i = 0; i < SPM_TOKENS; i++) {
            const float score = i < SPACE ? 0 : spm_pieces[i - SPACE].score;
            blob_bytes(&f->b, &score, sizeof score);
        }
    }
}

static struct tokenizer *spm_open(const struct fault *change, const char *byte_form)
{
    static struct file f;
    char err[GGUF_ERR_LEN];
    struct tokenizer *t;
    spm_file(&f, change, byte_form);
    if (open_vocabulary(&f, &t, err))
        fail_msg("%s", err);
    return t;
}

/* Each comment is the order of the joins. */
static void spm_merges_by_score(void **state)
{
    (void)state;
    struct tokenizer *t = spm_open(NULL, "<0x%02X>");
    check(t, "", false, NULL, 0);
    CHECK("ab", false, _AB);                  /* a+b (3), _+ab (-5) */
    CHECK("abc", false, SPACE, ABC);          /* a+b (3), not b+c (2) nor _+a (0), then ab+c (-4) before _+ab (-5) */
    CHECK("bc", false, SPACE, BC);            /* b+c */
    CHECK("aaa", false, _A, AA);              /* _+a (0), a+a (-6) */
    CHECK("aaaa", false, _A, AA, A);          /* of the two a+a the left one */
    CHECK("  a", false, __, _A);              /* with the prefix three spaces: _+a (0), then _+_ (-7) */
    CHECK("cab", false, SPACE, C, AB);        /* a+b; c+ab is no piece */
    CHECK("\xc3\xa9", false, SPACE, E_ACUTE); /* a character that is a piece */
    CHECK("\xc3\xa8", false, SPACE, BYTE0 + 0xc3, BYTE0 + 0xa8); /* one that is not */
    CHECK("a" SP "b", false, _A, SPACE, B);                      /* U+2581 is a space */
    CHECK("\xff", false, SPACE, BYTE0 + 0xff);
    CHECK("\xe4\xb8", false, SPACE, BYTE0 + 0xe4, BYTE0 + 0xb8);
    CHECK("<0x41>", false, SPACE, BYTE0 + '<', BYTE0 + '0', BYTE0 + 'x', BYTE0 + '4', BYTE0 + '1', BYTE0 + '>');
    tokenizer_free(t);
}

static void spm_special_tokens(void **state)
{
    (void)state;
    struct tokenizer *t = spm_open(NULL, "<0x%02X>");
    CHECK("a<|user|>b", false, _A, USER, SPACE, B);  /* user-defined: always, and a space goes behind it */
    CHECK("<|user<|user|>", false, USER_OPEN, USER); /* the longest */
    CHECK("<s>", false, SPACE, BYTE0 + '<', BYTE0 + 's', BYTE0 + '>');
    CHECK("<s>ab</s>", true, 1, _AB, 2);
    CHECK_DECODE("a<|user|>b", false, _A, USER, SPACE, B);
    CHECK_DECODE("<s>ab</s>", true, 1, _AB, 2);
    CHECK_DECODE("ab", false, 1, _AB, 2);
    CHECK_DECODE("ab\n\xc3\xa8 a", false, 0, _AB, BYTE0 + '\n', BYTE0 + 0xc3, BYTE0 + 0xa8, _A);
    CHECK_DECODE("a a", false, A, _A); /* only the first space is the prefix */
    assert_int_equal(tokenizer_bos(t), 1);
    assert_true(tokenizer_is_stop(t, 2));
    struct token_list ids = {0}; /* no <|eot_id|> here: EOS ends a turn */
    assert_int_equal(tokenizer_chat_turn(t, "user", "ab", true, false, &ids), 0);
    assert_int_equal(ids.v[0], 1);
    assert_int_equal(ids.v[ids.n - 2], _AB);
    assert_int_equal(ids.v[ids.n - 1], 2);
    free(ids.v);
    tokenizer_free(t);
}

static void spm_without_prefix_or_bytes(void **state)
{
    (void)state;
    static struct file f;
    char err[GGUF_ERR_LEN];
    struct tokenizer *t;
    spm_file(&f, NULL, "<0x%02X>");
    blob_key(&f.b, KEY("add_space_prefix"), GGUF_BOOL);
    blob_bytes(&f.b, "", 1);
    f.n_keys++;
    assert_int_equal(open_vocabulary(&f, &t, err), 0);
    CHECK("abc", false, ABC);
    CHECK("a<|user|> ab", false, A, USER, _AB);
    CHECK_DECODE(" ab", false, _AB);
    tokenizer_free(t);
    t = spm_open(NULL, "none%u"); /* no byte tokens: <unk> for a whole character */
    CHECK("a\xc3\xa8"
          "b",
          false, _A, 0, B);
    CHECK_DECODE("ab", false, _A, 0, B);
    CHECK_DECODE("a<unk>b", true, _A, 0, B);
    tokenizer_free(t);
}

/* ---- byte-level BPE ---- */

/* U+0120 is the space, U+0130 the byte 0x8e, U+0127 the byte 0x85. */
static const char *const bpe_pieces[] = {"12",           "34", "1234", "ab",        "abc",       "bc",
                                         "\xc4\xa0\x61", "Sa", "sa",   "\xc4\xb0.", "\xc4\xa7.", "<|x|>"};
static const char *const bpe_merges[] = {"1 2", "3 4", "12 34", "b c",        "a b",       "\xc4\xa0 a",
                                         "a b", "S a", "s a",   "\xc4\xb0 .", "\xc4\xa7 ."};
enum { T12 = 256, T34, T1234, TAB, TABC, TBC, T_A, TSA_UPPER, TSA_LOWER, T8E_DOT, T85_DOT, TX, BPE_TOKENS };

/* Token i is byte i, as GPT-2 writes it. */
static void put_byte_token(struct blob *b, unsigned byte, unsigned *next)
{
    const bool printable = (byte > 32 && byte < 127) || (byte > 160 && byte != 173);
    const unsigned c = printable ? byte : 256 + (*next)++;
    const char text[3] = {(char)(c < 128 ? c : 0xc0 | c >> 6), (char)(c < 128 ? 0 : 0x80 | (c & 0x3f)), '\0'};
    blob_str(b, text);
}

static void bpe_file(struct file *f, const struct fault *fault)
{
    begin(f, fault);
    put_text(f, KEY("model"), "gpt2");
    if (usual(f, KEY("tokens"))) {
        begin_array(f, KEY("tokens"), GGUF_STRING, BPE_TOKENS);
        for (unsigned byte = 0, next = 0; byte < 256; byte++)
            put_byte_token(&f->b, byte, &next);
        for (size_t i = 0; i < COUNT(bpe_pieces); i++)
            blob_str(&f->b, bpe_pieces[i]);
    }
    if (usual(f, KEY("merges"))) {
        begin_array(f, KEY("merges"), GGUF_STRING, COUNT(bpe_merges));
        for (size_t i = 0; i < COUNT(bpe_merges); i++)
            blob_str(&f->b, bpe_merges[i]);
    }
}

static struct tokenizer *bpe_open(const char *pre)
{
    static struct file f;
    char err[GGUF_ERR_LEN];
    struct tokenizer *t;
    bpe_file(&f, NULL);
    if (pre)
        put_text(&f, KEY("pre"), pre);
    if (open_vocabulary(&f, &t, err))
        fail_msg("%s", err);
    return t;
}

static void bpe_llama3_rules(void **state)
{
    (void)state;
    static const char *const names[] = {NULL, "llama-bpe", "llama3", "llama-v3", "falcon3", "falcon_e"};
    for (size_t i = 0; i < COUNT(names); i++) {
        struct tokenizer *t = bpe_open(names[i]);
        CHECK("1234", false, T12, '3', '4'); /* digits by threes */
        CHECK("abc", false, TABC);           /* a whole word, though no rule makes it */
        CHECK("abcx", false, 'a', TBC, 'x'); /* b+c has the lower rank */
        CHECK(" ab", false, ' ', TAB);       /* a+b before space+a */
        CHECK(" a", false, T_A);
        CHECK("xSa", false, 'x', TSA_UPPER);
        CHECK("x'Sa", false, 'x', '\'', 'S', 'a');          /* 'S is a word, in upper case too */
        CHECK("\xe1\xa0\x8e.", false, 0xe1, 0xa0, T8E_DOT); /* U+180E is not white space: one word with the dot */
        CHECK("\xc2\x85.", false, 0xc2, 0x85, '.');         /* U+0085 is */
        for (int byte = 1; byte < 128; byte++) {
            const char text[2] = {(char)byte, '\0'};
            CHECK(text, false, byte);
            CHECK_DECODE(text, false, byte);
        }
        assert_int_equal(tokenizer_bos(t), -1);
        assert_false(tokenizer_add_bos(t));
        tokenizer_free(t);
    }
}

static void bpe_gpt2_rules(void **state)
{
    (void)state;
    static const char *const names[] = {"gpt-2", "default"};
    for (size_t i = 0; i < COUNT(names); i++) {
        struct tokenizer *t = bpe_open(names[i]);
        CHECK("1234", false, T1234);
        CHECK("abc", false, 'a', TBC);
        CHECK("\nab", false, '\n', TAB);
        CHECK("x'Sa", false, 'x', '\'', TSA_UPPER); /* only 's is a word */
        CHECK("xsa", false, 'x', TSA_LOWER);
        CHECK("x'sa", false, 'x', '\'', 's', 'a');
        struct token_list ids = {0};
        assert_int_equal(tokenizer_chat_turn(t, "user", "x", true, false, &ids), -ENOTSUP); /* no token ends a turn */
        assert_int_equal(ids.n, 0);
        free(ids.v);
        tokenizer_free(t);
    }
}

/* ---- refused ---- */

static const struct fault bpe_faults[] = {
    {KEY("model"), ABSENT, .message = "tokenizer.ggml.model: missing"},
    {KEY("model"), U32, .n = 1, .message = "tokenizer.ggml.model: not a string"},
    {KEY("model"), TEXT, .text = "bert", .message = "known are gpt2, llama"},
    {KEY("model"), TEXT, .text = "gp\n\x1b[2Jt2", .message = "gp\\x0a\\x1b[2Jt2"},
    {KEY("tokens"), ABSENT, .message = "tokenizer.ggml.tokens: missing"},
    {KEY("tokens"), TEXT, .text = "a", .message = "tokenizer.ggml.tokens: not an array of strings"},
    {KEY("tokens"), INTS, .n = 300, .last = 1, .message = "tokenizer.ggml.tokens: not an array of strings"},
    {KEY("tokens"), TEXTS, .n = 0, .text = "", .message = "tokenizer.ggml.tokens: not an array of strings"},
    {KEY("tokens"), TEXTS, .n = 300, .text = "", .message = "no token for byte 0x00"},
    {KEY("tokens"), TEXTS, .n = 300, .text = "a", .message = "no token for byte 0x00"},
    {KEY("token_type"), INTS, .n = BPE_TOKENS - 1, .last = 1, .message = "tokenizer.ggml.token_type: 267 values for 268 tokens"},
    {KEY("token_type"), INTS, .n = BPE_TOKENS, .last = 7, .message = "tokenizer.ggml.token_type[267]: not a token type"},
    {KEY("token_type"), INTS, .n = BPE_TOKENS, .last = -1, .message = "tokenizer.ggml.token_type[267]: not a token type"},
    {KEY("token_type"), FLOATS, .n = BPE_TOKENS, .last = 1.5, .message = "tokenizer.ggml.token_type[0]: not a token type"},
    {KEY("token_type"), TEXTS, .n = BPE_TOKENS, .text = "1", .message = "tokenizer.ggml.token_type: not an array of numbers"},
    {KEY("scores"), FLOATS, .n = BPE_TOKENS + 1, .message = "tokenizer.ggml.scores: 269 values for 268 tokens"},
    {KEY("bos_token_id"), U32, .n = BPE_TOKENS,
     .message = "tokenizer.ggml.bos_token_id: 268 is outside the vocabulary of 268 tokens"},
    {KEY("eos_token_id"), U32, .n = UINT32_MAX, .message = "tokenizer.ggml.eos_token_id: 4294967295 is outside"},
    {KEY("eos_token_id"), TEXT, .text = "2", .message = "tokenizer.ggml.eos_token_id: not an unsigned number"},
    {KEY("add_bos_token"), TEXT, .text = "yes", .message = "tokenizer.ggml.add_bos_token: not true or false"},
    {KEY("pre"), U32, .n = 1, .message = "tokenizer.ggml.pre: not a string"},
    {KEY("pre"), TEXT, .text = "qwen2", .message = "'qwen2' is not supported; known are llama-bpe, llama3"},
    {KEY("merges"), ABSENT, .message = "tokenizer.ggml.merges: missing"},
    {KEY("merges"), INTS, .n = 3, .message = "tokenizer.ggml.merges: not such an array"},
    {KEY("merges"), TEXTS, .n = 2, .text = "ab", .message = "tokenizer.ggml.merges[0]: 'ab'"},
    {KEY("merges"), TEXTS, .n = 1, .text = "", .message = "tokenizer.ggml.merges[0]: ''"},
    {KEY("merges"), TEXTS, .n = 1, .text = " a", .message = "tokenizer.ggml.merges[0]: ' a'"},
    {KEY("merges"), TEXTS, .n = 1, .text = "a ", .message = "tokenizer.ggml.merges[0]: 'a '"},
    {KEY("merges"), TEXTS, .n = 1, .text = "a c", .message = "tokenizer.ggml.merges[0]: 'a c'"},
    {KEY("merges"), TEXTS, .n = 1, .text = "a b c", .message = "tokenizer.ggml.merges[0]: 'a b c'"},
    {KEY("merges"), TEXTS, .n = 1, .text = "\xff a", .message = "tokenizer.ggml.merges[0]"},
    {KEY("merges"), TEXTS, .n = 1, .text = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa b", .message = "tokenizer.ggml.merges[0]"},
};

static const struct fault spm_faults[] = {
    {KEY("scores"), ABSENT, .message = "tokenizer.ggml.scores: missing"},
    {KEY("scores"), TEXT, .text = "1", .message = "tokenizer.ggml.scores: not an array of numbers"},
    {KEY("scores"), FLOATS, .n = SPM_TOKENS, .last = (double)NAN, .message = "]: not a number"},
    {KEY("token_type"), ABSENT, .message = "tokenizer.ggml.token_type: missing"},
    {KEY("token_type"), INTS, .n = SPM_TOKENS, .last = 6, .message = "is marked as a byte but is not written <0xNN>"},
    {KEY("unknown_token_id"), U32, .n = SPM_TOKENS, .message = "tokenizer.ggml.unknown_token_id: 273 is outside"},
    {KEY("add_space_prefix"), U32, .n = 0, .message = "tokenizer.ggml.add_space_prefix: not true or false"},
};

static void check_refused(struct file *f, const char *message)
{
    char err[GGUF_ERR_LEN] = "";
    struct tokenizer *t;
    const int rc = open_vocabulary(f, &t, err);
    if (rc != -EINVAL || !strstr(err, message) || strncmp(err, "made.gguf: ", 11) != 0 || strpbrk(err, "\n\x1b"))
        fail_msg("returned %d, '%s' instead of '%s'", rc, err, message);
    assert_null(t);
}

static void contradictions_are_refused(void **state)
{
    (void)state;
    static struct file f;
    for (size_t i = 0; i < COUNT(bpe_faults); i++) {
        bpe_file(&f, &bpe_faults[i]);
        check_refused(&f, bpe_faults[i].message);
    }
    for (size_t i = 0; i < COUNT(spm_faults); i++) {
        spm_file(&f, &spm_faults[i], "<0x%02X>");
        check_refused(&f, spm_faults[i].message);
    }
    spm_file(&f, NULL, "<0x%02x>"); /* lower case: SentencePiece writes upper case */
    check_refused(&f, "'<0x0a>' is marked as a byte");
    const struct fault no_unknown = {KEY("unknown_token_id"), ABSENT, .message = ""};
    spm_file(&f, &no_unknown, "none%u");
    check_refused(&f, "no token <0x00> and no tokenizer.ggml.unknown_token_id");
}

/* Odd, but no contradiction: the first of equal tokens counts, and so does the first of equal rules. */
static void oddities_are_accepted(void **state)
{
    (void)state;
    static struct file f;
    char err[GGUF_ERR_LEN];
    struct tokenizer *t;
    const struct fault control = {KEY("token_type"), INTS, .n = BPE_TOKENS, .last = 3};
    bpe_file(&f, &control);
    assert_int_equal(open_vocabulary(&f, &t, err), 0);
    CHECK("<|x|>", true, TX);
    CHECK("<|x|>", false, '<', '|', 'x', '|', '>');
    tokenizer_free(t);
    const struct fault user = {KEY("token_type"), INTS, .n = BPE_TOKENS, .last = 4};
    bpe_file(&f, &user);
    assert_int_equal(open_vocabulary(&f, &t, err), 0);
    CHECK("a<|x|>", false, 'a', TX);
    tokenizer_free(t);
    const struct fault none = {KEY("merges"), TEXTS, .n = 0, .text = ""};
    bpe_file(&f, &none);
    assert_int_equal(open_vocabulary(&f, &t, err), 0);
    CHECK("xab", false, 'x', 'a', 'b');
    tokenizer_free(t);
    const struct fault same = {KEY("merges"), TEXTS, .n = 9, .text = "a b"};
    bpe_file(&f, &same);
    assert_int_equal(open_vocabulary(&f, &t, err), 0);
    CHECK("xab", false, 'x', TAB);
    tokenizer_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spm_merges_by_score),
        cmocka_unit_test(spm_special_tokens),
        cmocka_unit_test(spm_without_prefix_or_bytes),
        cmocka_unit_test(bpe_llama3_rules),
        cmocka_unit_test(bpe_gpt2_rules),
        cmocka_unit_test(contradictions_are_refused),
        cmocka_unit_test(oddities_are_accepted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
