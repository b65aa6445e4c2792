/* Text <-> token ids, from the vocabulary of a GGUF file.
 *
 * Two models: byte-level BPE with a pre-tokenizer (`tokenizer.ggml.model` = "gpt2"; Llama 3, BitNet 2B4T, Falcon3) and
 * SentencePiece-style merging by score with byte fall-back (`llama`; the 1bitLLM models). A file without `tokenizer.ggml.pre`
 * gets the Llama-3 pre-tokenizer (the official 2B4T file has none). */
#ifndef BITJOULE_TOKENIZER_H
#define BITJOULE_TOKENIZER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/gguf.h"

struct tokenizer;

/* A growable list of ids; free(ids.v). */
struct token_list {
    int32_t *v;
    size_t n, cap;
};
int token_list_push(struct token_list *l, int32_t id); /* 0 or -ENOMEM */

/* Builds from metadata; keeps no pointer into g. 0, or a negative errno and one line in err. */
int tokenizer_new(const struct gguf *g, struct tokenizer **out, char err[GGUF_ERR_LEN]);
void tokenizer_free(struct tokenizer *t);

size_t tokenizer_vocab_size(const struct tokenizer *t);
int32_t tokenizer_bos(const struct tokenizer *t); /* -1: none */
int32_t tokenizer_eos(const struct tokenizer *t);
int32_t tokenizer_end_of_turn(const struct tokenizer *t); /* what closes a turn of a conversation: <|eot_id|>, else eos; -1: none */
bool tokenizer_add_bos(const struct tokenizer *t);             /* the file's tokenizer.ggml.add_bos_token, default true */
bool tokenizer_is_stop(const struct tokenizer *t, int32_t id); /* eos, end of turn (<|eot_id|>) */

/* Appends the ids of text (any bytes; invalid UTF-8 becomes byte tokens) to out; no BOS is added. With parse_special, the text
 * of control tokens such as <|eot_id|> becomes their id; that of user-defined tokens always does. The longest one wins.
 * 0; -ENOMEM; -E2BIG: a word (SentencePiece: text between special tokens) of more than 16 MiB, or one that costs the pre-tokenizer
 * too many steps. On failure out is as it was. Several threads may encode with one tokenizer. */
int tokenizer_encode(const struct tokenizer *t, const char *text, size_t len, bool parse_special, struct token_list *out);

/* Bytes of one token (may be part of a UTF-8 character). Control tokens give their text when `special`, else nothing.
 * Valid until the tokenizer is freed. Ids outside the vocabulary give nothing. */
struct gguf_str tokenizer_piece(const struct tokenizer *t, int32_t id, bool special);
/* The text of n ids, without the spaces that SentencePiece puts before a text and after special tokens: what was encoded comes
 * back. *text is NUL-terminated behind *len bytes; free() it. 0 or -ENOMEM. */
int tokenizer_decode(const struct tokenizer *t, const int32_t *ids, size_t n, bool special, char **text, size_t *len);

/* Streams decoded text: collects the bytes of pieces and hands out only whole UTF-8 characters. */
struct utf8_stream {
    char held[8];
    size_t n_held;
};
/* Appends piece; writes what is complete to out and returns its length. Bytes that can never become a valid character come out as
 * U+FFFD, three bytes: out needs a capacity of 3 * piece.len + 4. */
size_t utf8_stream_push(struct utf8_stream *s, struct gguf_str piece, char *out, size_t out_cap);
/* What is still held, as U+FFFD, at the end: 0 or 3 bytes. */
size_t utf8_stream_end(struct utf8_stream *s, char *out, size_t out_cap);

/* One turn of a conversation, as ids: role "system", "user" or "assistant"; 2B4T's template
 * ("User: ...<|eot_id|>Assistant: ") or Llama 3's header form when the vocabulary has <|start_header_id|> and the file's chat
 * template uses it. `first`: BOS goes before it. `open_reply`: the text that asks the assistant to speak goes after it. White space around
 * text is dropped, and <|...|> in it is ordinary text: it cannot end the turn. 0, or an error as of tokenizer_encode, or
 * -EINVAL: unknown role; -ENOTSUP: the vocabulary has neither <|eot_id|> nor EOS to end a turn with. */
int tokenizer_chat_turn(const struct tokenizer *t, const char *role, const char *text, bool first, bool open_reply,
                        struct token_list *out);

#endif
