// Reference data for llama3_tokenizer_test.sh: the Llama-3 vocabulary as a GGUF file without tensors, some thousand strings, and
// the ids that npm's llama3-tokenizer-js gives for them.
//
// usage: node llama3_tokenizer_ref.mjs PACKAGE_DIR OUT_DIR SEED
// writes OUT_DIR/vocab.gguf, strings.jsonl (one JSON string per line), expected.txt (one array per line)
//
// The strings come from a seeded generator. Left out is where that package differs from Llama 3's own definition: JavaScript's \s
// takes U+FEFF and not U+0085; the package does not fold U+017F (long s) to s after an apostrophe; letters added to Unicode
// after version 14 depend on whose tables are newer.
import { writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const [packageDir, outDir, seedText] = process.argv.slice(2);
const { default: reference } = await import(pathToFileURL(packageDir + '/bundle/llama3-tokenizer-with-baked-data.js'));

// ---- GGUF: metadata only ----
const parts = [];
const u32 = (v) => { const b = Buffer.alloc(4); b.writeUInt32LE(v); parts.push(b); };
const u64 = (v) => { const b = Buffer.alloc(8); b.writeBigUInt64LE(BigInt(v)); parts.push(b); };
const str = (s) => { const b = Buffer.from(s, 'utf8'); u64(b.length); parts.push(b); };
const STRING = 8, ARRAY = 9, U32 = 4, I32 = 5;

function writeVocabulary(path) {
  const tokens = reference.vocabById;
  const merges = [...reference.merges].sort((a, b) => a[1] - b[1]).map(([pair]) => pair);
  if (tokens.length !== 128256 || merges.length !== 280147) throw new Error(`${tokens.length} tokens, ${merges.length} merges`);
  parts.push(Buffer.from('GGUF'));
  u32(3); u64(0); u64(7);
  str('general.architecture'); u32(STRING); str('llama');
  str('tokenizer.ggml.model'); u32(STRING); str('gpt2');
  str('tokenizer.ggml.tokens'); u32(ARRAY); u32(STRING); u64(tokens.length); tokens.forEach(str);
  str('tokenizer.ggml.token_type'); u32(ARRAY); u32(I32); u64(tokens.length); tokens.forEach((_, id) => u32(id < 128000 ? 1 : 3));
  str('tokenizer.ggml.merges'); u32(ARRAY); u32(STRING); u64(merges.length); merges.forEach(str);
  str('tokenizer.ggml.bos_token_id'); u32(U32); u32(128000);
  str('tokenizer.ggml.eos_token_id'); u32(U32); u32(128001);
  writeFileSync(path, Buffer.concat(parts));
}

// ---- strings ----
let state = Number(seedText) >>> 0 || 1;
function random() { // 32-bit, by Marsaglia's xorshift
  state ^= state << 13; state >>>= 0;
  state ^= state >>> 17;
  state ^= state << 5; state >>>= 0;
  return state;
}
const below = (n) => random() % n;
const pick = (list) => list[below(list.length)];
const repeat = (max, make) => Array.from({ length: 1 + below(max) }, make).join('');

const isNewer = (c) => (c >= 0x10efd && c <= 0x10eff) || (c >= 0x11240 && c <= 0x11241) || (c >= 0x11b00 && c <= 0x11b09) ||
  (c >= 0x11f00 && c <= 0x11f59) || (c >= 0x13430 && c <= 0x13455) || (c >= 0x1d2c0 && c <= 0x1d2d3) ||
  (c >= 0x1df25 && c <= 0x1df2a) || (c >= 0x1e030 && c <= 0x1e08f) || (c >= 0x1e4d0 && c <= 0x1e4f9) ||
  (c >= 0x2ebf0 && c <= 0x2ee5d) || (c >= 0x31350 && c <= 0x323af) || c === 0xcf3 || c === 0xece;
const allowed = (c) => !(c >= 0xd800 && c <= 0xdfff) && c !== 0xfeff && c !== 0x85 && c !== 0x17f && !isNewer(c);
function anyChar(from, to) {
  for (;;) {
    const c = from + below(to - from + 1);
    if (allowed(c)) return String.fromCodePoint(c);
  }
}

const scripts = [[0x20, 0x7e], [0xa0, 0x24f], [0x300, 0x36f], [0x370, 0x3ff], [0x400, 0x52f], [0x531, 0x58f], [0x5d0, 0x5f4],
  [0x600, 0x6ff], [0x900, 0x97f], [0xe01, 0xe5b], [0x10a0, 0x10ff], [0x1100, 0x11ff], [0x1e00, 0x1fff], [0x2000, 0x206f],
  [0x2070, 0x20bf], [0x2100, 0x23ff], [0x2460, 0x27bf], [0x3000, 0x30ff], [0x4e00, 0x9fff], [0xac00, 0xd7a3], [0xf900, 0xfaff],
  [0xff00, 0xffef], [0x10330, 0x1034a], [0x1d400, 0x1d7ff], [0x1f300, 0x1f64f], [0x1f900, 0x1f9ff], [0x20000, 0x2a6df],
  [0xe0020, 0xe007f]];
const words = ['the', 'The', 'tokenizer', 'antidisestablishmentarianism', 'naïve', 'Straße', 'привет', 'мир', 'Ελλάδα', '東京',
  '日本語', '안녕하세요', 'مرحبا', 'שלום', 'नमस्ते', 'สวัสดี', 'x', 'HTTPServer', 'snake_case_name', 'camelCase', 'e\u0301', 'I', 'we',
  'they', 'DON', 'it', 'ﬁ', 'İstanbul'];
const ends = ["'s", "'S", "'t", "'re", "'RE", "'Ve", "'m", "'ll", "'LL", "'d", "'D", "'x", "’s", "''s", "'"];
const spaces = [' ', ' ', '  ', '   ', '\t', '\n', '\r\n', '\n\n', '\r', '\u00a0', '\u3000', '\u2009', '\u2028', '\u180e',
  '\u200b', '\v', '\f', ' \n ', '    '];
const code = ['{', '}', '();', ' = ', ' != ', '->', '::', '//', '/*', '*/', '#include <', '>', '"', "'", '[0]', ' += 1;\n',
  '\n\t\t', '\n        ', 'if (', 'for (int i = 0; i < n; i++) {', 'return', 'def ', 'lambda x: x', '<div class="a">',
  '</div>', '&amp;', '$', '@', '\\n', '0x1F', '1e-9', '...', '```'];
const specials = ['<|eot_id|>', '<|begin_of_text|>', '<|start_header_id|>', '<|reserved_special_token_1|>',
  '<|reserved_special_token_12|>', '<|eot_id', '<|', '|>', '<|python_tag|>', '<<|eot_id|>>'];
const emoji = ['🙂', '👍🏽', '👨‍👩‍👧', '🇫🇷', '❤️', '1️⃣', '🏴󠁧󠁢󠁥󠁮󠁧󠁿'];

const kinds = {
  words: () => repeat(12, () => pick(words) + pick(spaces)),
  contractions: () => repeat(8, () => pick(words) + pick(ends) + pick(['', ' '])),
  whitespace: () => repeat(12, () => pick(spaces)) + pick(['', 'a', '1', '.']),
  digits: () => repeat(6, () => String(below(10 ** (1 + below(9)))) + pick(['', ' ', ',', '.', '٣', '५', '½', 'Ⅷ', '²'])),
  code: () => repeat(16, () => pick(code) + pick(['', '', ' ', 'x', 'foo'])),
  mixed: () => repeat(10, () => pick([() => pick(words), () => pick(emoji), () => pick(spaces), () => pick(code),
    () => String(below(10000))])()),
  script: () => { const [from, to] = pick(scripts); return repeat(20, () => anyChar(from, to)); },
  scripts: () => repeat(12, () => { const [from, to] = pick(scripts); return anyChar(from, to); }),
  planes: () => repeat(10, () => anyChar(0, pick([0x7f, 0x7ff, 0xffff, 0x10ffff]))),
  controls: () => repeat(8, () => anyChar(0, 0x20)) + pick(words),
  specials: () => repeat(5, () => pick(specials) + pick(['', ' ', 'a', '\n'])),
  pieces: () => repeat(8, () => reference.decode([below(128000)]).replace(/[\ufffd\ufeff\u0085\u017f]/g, '')),
  runs: () => pick([...'a =-_*0\n\t', '  ', 'ab', '中', '🙂', '¿']).repeat(1 + below(300)),
};

const strings = [''];
for (const make of Object.values(kinds)) for (let i = 0; i < 300; i++) strings.push(make());
strings.push(' '.repeat(5000), 'a'.repeat(5000), ' \n'.repeat(2000) + 'x');
strings.push(Array.from({ length: 3000 }, () => pick(words)).join(' '));
const usable = strings.filter((s) => [...s].every((c) => allowed(c.codePointAt(0))));

writeVocabulary(outDir + '/vocab.gguf');
writeFileSync(outDir + '/strings.jsonl', usable.map((s) => JSON.stringify(s) + '\n').join(''));
const encode = (s) => '[' + reference.encode(s, { bos: false, eos: false }).join(', ') + ']\n';
writeFileSync(outDir + '/expected.txt', usable.map(encode).join(''));
console.log(usable.length);
