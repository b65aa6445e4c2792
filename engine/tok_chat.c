/* A conversation as token ids.
 *
 * Two templates. BitNet b1.58 2B4T (`chat_template` of its tokenizer_config.json), no line breaks between turns:
 *     <|begin_of_text|>System: TEXT<|eot_id|>User: TEXT<|eot_id|>Assistant: REPLY<|eot_id|>
 * Llama 3 (model card, "Prompt format"):
 *     <|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\nTEXT<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n
 * Control tokens are put in by id; TEXT never yields one. A vocabulary without <|eot_id|> ends turns with EOS. The template in a
 * file is not interpreted, only searched for Llama 3's header; models with another one (Falcon3's <|user|>) get the first form. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine/tok_internal.h"

static const struct role {
    const char *name, *label; /* label: 2B4T */
} roles[] = {{"system", "System: "}, {"user", "User: "}, {"assistant", "Assistant: "}};

static bool is_space(uint32_t c)
{
    return (c >= 9 && c <= 13) || (c >= 0x1c && c <= 0x20) || c == 0x85 || c == 0xa0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

static uint32_t code_point(const char *p, int len)
{
    static const uint8_t lead_bits[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    uint32_t c = (uint8_t)p[0] & lead_bits[len];
    for (int i = 1; i < len; i++)
        c = c << 6 | ((uint8_t)p[i] & 0x3fu);
    return c;
}

/* Without white space at both ends, as the templates' `trim` (Python's str.strip) does it. */
static struct gguf_str trim(const char *text)
{
    const size_t len = strlen(text);
    size_t start = len, end = len;
    for (size_t i = 0; i < len;) {
        const int step = utf8_step(text + i, len - i);
        const size_t n = step > 0 ? (size_t)step : 1;
        if (step <= 0 || !is_space(code_point(text + i, step))) {
            start = start == len ? i : start;
            end = i + n;
        }
        i += n;
    }
    return (struct gguf_str){text + start, end - start};
}

/* head and text as one fragment: the pre-tokenizer joins a space of the head with the first word. */
static int push_text(const struct tokenizer *t, const char *head, struct gguf_str text, struct token_list *out)
{
    const size_t n = strlen(head);
    char *buf = malloc(n + text.len + 1);
    if (!buf)
        return -ENOMEM;
    memcpy(buf, head, n);
    memcpy(buf + n, text.ptr, text.len);
    const int rc = tokenizer_encode(t, buf, n + text.len, false, out);
    free(buf);
    return rc;
}

/* The turn without its end: "User: TEXT", or the header and TEXT. */
static int push_turn(const struct tokenizer *t, const struct role *role, struct gguf_str text, struct token_list *out)
{
    if (!t->header_chat)
        return push_text(t, role->label, text, out);
    int rc = token_list_push(out, t->start_header);
    if (rc == 0)
        rc = tokenizer_encode(t, role->name, strlen(role->name), false, out);
    if (rc == 0)
        rc = token_list_push(out, t->end_header);
    return rc ? rc : push_text(t, "\n\n", text, out);
}

int32_t tokenizer_end_of_turn(const struct tokenizer *t)
{
    return t->end_of_turn >= 0 ? t->end_of_turn : t->eos;
}

int tokenizer_chat_turn(const struct tokenizer *t, const char *role, const char *text, bool first, bool open_reply,
                        struct token_list *out)
{
    const struct role *who = NULL;
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++)
        if (strcmp(roles[i].name, role) == 0)
            who = &roles[i];
    const int32_t end = tokenizer_end_of_turn(t);
    if (!who)
        return -EINVAL;
    if (end < 0)
        return -ENOTSUP;
    const size_t n = out->n;
    int rc = 0;
    if (first && t->bos >= 0)
        rc = token_list_push(out, t->bos);
    if (rc == 0)
        rc = push_turn(t, who, trim(text), out);
    if (rc == 0)
        rc = token_list_push(out, end);
    if (rc == 0 && open_reply)
        rc = push_turn(t, &roles[2], (struct gguf_str){"", 0}, out);
    if (rc)
        out->n = n;
    return rc;
}
