/* Inside the engine: the GGUF metadata of a written model. */
#ifndef BITJOULE_MODEL_META_H
#define BITJOULE_MODEL_META_H

#include "engine/gguf.h"
#include "engine/model.h"

/* general.file_type of a format of the linear layers, in the numbering of llama.cpp and bitnet.cpp. */
uint32_t meta_file_type(const struct format *fmt);

/* Architecture, hyper-parameters and a stand-in vocabulary for a synthetic model. */
int meta_put_synth(struct gguf_writer *w, const struct model *m);

/* All keys of `from`, with general.file_type set anew. */
int meta_put_copy(struct gguf_writer *w, const struct gguf *from, const struct format *fmt);

#endif
