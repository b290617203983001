import fc from 'fast-check';
import { PointerTree } from '../../../../gateway/sanitize/json/pointer-tree.ts';
import { EventReader } from '../../../../gateway/sanitize/sse/event-reader.ts';
import { EventRewriter } from '../../../../gateway/sanitize/sse/event-rewriter.ts';
import { TextRules } from '../../../../gateway/sanitize/text-rules.ts';
import type { RedactObligation } from '../../../../policy/decision/types.ts';
import { detect, hash } from '../run-sanitizer.ts';
import { CARD, cut, pieceLengths, text } from '../samples.ts';

const cards = detect('payment-card');

function rewriter(redactions: readonly RedactObligation[], maxEvent = 1 << 20): EventRewriter {
  return new EventRewriter({
    rules: new TextRules(redactions, hash),
    tree: PointerTree.of(redactions),
    maxHeld: 65_536,
    maxEvent,
  });
}

function rewrite(
  redactions: readonly RedactObligation[],
  stream: string,
  lengths: readonly number[] = [stream.length || 1],
): string {
  const events = rewriter(redactions);
  return (
    cut(stream, lengths)
      .map((piece) => events.write(piece))
      .join('') + events.end()
  );
}

/** As a client reads it: the data of each event. */
function dataOf(stream: string): string[] {
  return new EventReader(1 << 24)
    .push(stream)
    .map((lines) =>
      lines
        .filter(({ field }) => field === 'data')
        .map(({ value }) => value)
        .join('\n'),
    )
    .filter((data) => data !== '');
}

const delta = (content: string, index = 0): string =>
  `data: ${JSON.stringify({ id: 'c-1', object: 'chunk', model: 'm', choices: [{ index, delta: { content }, finish_reason: null }] })}\n\n`;

function contents(stream: string, index = 0): string {
  return dataOf(stream)
    .filter((data) => data.startsWith('{'))
    .map((data) => JSON.parse(data).choices[0])
    .filter((choice) => choice.index === index)
    .map((choice) => choice.delta.content)
    .join('');
}

test.each<[string, RedactObligation[], string, string]>([
  ['JSON data', cards, `data: {"a":"${CARD}"}\n\n`, 'data: {"a":"[REDACTED]"}\n\n'],
  ['text data', cards, `data: card ${CARD}\n\n`, 'data: card [REDACTED]\n\n'],
  ['a bare number', cards, `data:${CARD}\n\n`, 'data:[REDACTED]\n\n'],
  ['JSON over several lines', cards, `data: {"a":\ndata: "${CARD}"}\n\n`, 'data: {"a":\ndata: "[REDACTED]"}\n\n'],
  ['text over several lines', cards, 'data: 4242 4242\ndata: 4242 4242\n\n', 'data: [REDACTED]\n\n'],
  [
    'other fields stay',
    cards,
    `event: a\nid: 7\nretry: 10\ndata: "${CARD}"\n\n`,
    'event: a\nid: 7\nretry: 10\ndata: "[REDACTED]"\n\n',
  ],
  [
    'other fields are searched',
    cards,
    `event: ${CARD}\nid: ${CARD}\n: ${CARD}\n${CARD}: x\ndata: 1\n\n`,
    'event: [REDACTED]\nid: [REDACTED]\n: [REDACTED]\n[REDACTED]: x\ndata: 1\n\n',
  ],
  ['CRLF', cards, `data: "${CARD}"\r\n\r\n`, 'data: "[REDACTED]"\r\n\r\n'],
  ['CR', cards, `data: "${CARD}"\r\rdata: x\r\r`, 'data: "[REDACTED]"\r\rdata: x\r\r'],
  ['a byte order mark', cards, `\ufeffdata: ${CARD}\n\n`, '\ufeffdata: [REDACTED]\n\n'],
  ['comments and empty events', cards, ': ping\n\n\n:\n\ndata\n\ndata:\n\n', ': ping\n\n\n:\n\ndata\n\ndata:\n\n'],
  ['an event that was cut off', cards, `data: {"a":"${CARD}"`, 'data: {"a":"[REDACTED]"'],
  ['broken JSON is text', cards, `data: {"a":"${CARD}\n\n`, 'data: {"a":"[REDACTED]\n\n'],
  [
    'a pointer',
    [{ pointer: '/a/b', op: 'redact' }],
    'data: {"a":{"b":1}}\n\ndata: [DONE]\n\n',
    'data: {"a":{"b":"[REDACTED]"}}\n\ndata: [DONE]\n\n',
  ],
])('%s', (_, redactions, stream, expected) => {
  for (const lengths of [[1 << 20], [1], [2], [5, 1]]) expect(rewrite(redactions, stream, lengths)).toBe(expected);
});

test('a pointer cannot be followed in data that are not JSON', () => {
  expect(() => rewrite([{ pointer: '/a', op: 'redact' }], 'data: a=1\n\n')).toThrow(
    expect.objectContaining({ code: 'AEGIS_RESPONSE_MALFORMED' }),
  );
});

test('a card number that a language model spells token by token', () => {
  for (const tokens of [
    ['4242', '4242', '4242', '4242'],
    [...CARD],
    ['424', '242', '424', '242', '424', '2'],
    ['4242 ', '4242', ' 4242 4', '242'],
  ]) {
    const stream = `${['The', ' card', ' is ', ...tokens, ', thanks', '.'].map((token) => delta(token)).join('')}data: [DONE]\n\n`;
    const out = rewrite(cards, stream);
    expect(contents(out)).toBe('The card is [REDACTED], thanks.');
    expect(dataOf(out).length).toBe(dataOf(stream).length);
    expect(out.endsWith('data: [DONE]\n\n')).toBe(true);
    expect(rewrite(cards, stream, [1])).toBe(out);
  }
});

test('nothing of a number leaves before the rest is known', () => {
  const events = rewriter(cards);
  let out = events.write(delta('it is ') + delta('4242') + delta(' 4242') + delta(' 4242 424'));
  expect(contents(out)).toBe('it is ');
  expect(events.waits).toBe(true);
  out += events.write(delta('2') + delta(' ok'));
  expect(contents(out)).toBe('it is [REDACTED] ok');
  out += events.write(delta(' 12') + delta(' eggs'));
  expect(contents(out)).toBe('it is [REDACTED] ok 12 eggs');
  expect(events.waits).toBe(false);
});

test('texts that alternate are told apart by their index', () => {
  const stream = ['4242', '4242', '4242', '4242'].map((part) => delta(part, 0) + delta(` x${part}`, 1)).join('');
  const out = rewrite(cards, stream + delta('.', 0) + delta('.', 1));
  expect(contents(out, 0)).toBe('[REDACTED].');
  expect(contents(out, 1)).toBe(' x4242 x4242 x4242 x4242.');
});

test('plain text tokens, one an event', () => {
  const stream = ['4242', ' 4242', ' 4242', ' 4242', ' end'].map((token) => `data: ${token}\n\n`).join('');
  expect(dataOf(rewrite(cards, stream)).join('')).toBe('[REDACTED] end');
});

test('an e-mail address and a key over several events', () => {
  const out = rewrite(
    detect('email', 'secret'),
    ['to bob', '@exam', 'ple.com', ' with sk_', 'live_abcdef', 'gh1234', ' end'].map((part) => delta(part)).join(''),
  );
  expect(contents(out)).toBe('to [REDACTED] with [REDACTED] end');
});

test('a value that is complete in its event is found whatever stood in the one before', () => {
  const stream = `data: {"a":"1"}\n\ndata: {"a":"${CARD}"}\n\ndata: {"a":"7"}\n\n`;
  expect(dataOf(rewrite(cards, stream))).toEqual(['{"a":"1"}', '{"a":"[REDACTED]"}', '{"a":"7"}']);
});

test('a text that does not go on delays the stream for some events only', () => {
  const events = rewriter(cards);
  let out = events.write('data: {"note":"call 4242"}\n\n');
  expect(out).toBe('');
  for (let index = 0; index < 20; index += 1) out += events.write(delta('a '));
  expect(dataOf(out)[0]).toBe('{"note":"call 4242"}');
});

test('after a pause what is harmless leaves, and what may be a number does not', () => {
  const events = rewriter(cards);
  expect(events.write(delta('room 42'))).toBe('');
  expect(contents(events.release())).toBe('room 42');
  expect(events.write(delta(' and 4242 4242 4242'))).toBe('');
  const out = events.release();
  expect(contents(out)).toBe(' and [REDACTED]');
  expect(contents(events.write(delta(' 4242')) + events.end())).not.toContain('4242');
});

test('an event that is too long is an error', () => {
  const events = rewriter(cards, 1000);
  expect(() => {
    for (let index = 0; index < 100; index += 1) events.write(`data: ${'x'.repeat(50)}\n`);
  }).toThrow(expect.objectContaining({ code: 'AEGIS_RESPONSE_TOO_LARGE' }));
});

const eol = fc.constantFrom('\n', '\r\n', '\r');
const line = fc.oneof(
  text.map((value) => `data: ${value.replaceAll(/[\r\n\0]/g, ' ')}`),
  text.map((value) => `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: value } }] })}`),
  fc.constantFrom('', '', ': ping', 'id: 1', 'event: delta', 'data', 'data:x', '{}', 'data: {"a":1,'),
);
const stream = fc
  .array(fc.tuple(line, eol), { maxLength: 12 })
  .map((lines) => lines.map((pair) => pair.join('')).join(''));

test('the pieces in which a stream comes do not matter', () => {
  const redactions = detect('payment-card', 'email', 'secret', 'mrn');
  fc.assert(
    fc.property(stream, pieceLengths, (whole, lengths) => {
      expect(rewrite(redactions, whole, lengths)).toBe(rewrite(redactions, whole));
    }),
    { numRuns: 500 },
  );
});

test('a planted number never leaves, however it is cut into tokens', () => {
  const separators = fc.constantFrom('', ' ', '-', '\u200b');
  fc.assert(
    fc.property(
      separators,
      fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }),
      fc.string(),
      fc.string(),
      pieceLengths,
      (separator, tokens, before, after, lengths) => {
        const written = `${before}, ${CARD.match(/.{4}/g)?.join(separator)}. ${after}`;
        const whole = cut(written, tokens)
          .map((token) => delta(token))
          .join('');
        const out = contents(rewrite(cards, whole, lengths));
        expect(out).toContain('[REDACTED]');
        expect(out.replaceAll(/[^0-9]/g, '')).not.toContain(CARD);
        expect(out.startsWith(before)).toBe(true);
      },
    ),
    { numRuns: 300 },
  );
});

test('where nothing is found, not a byte changes', () => {
  fc.assert(
    fc.property(stream, pieceLengths, (whole, lengths) => {
      expect(rewrite(detect('ip-address'), whole.replaceAll(/[.:](?! )/g, '_'), lengths)).toBe(
        whole.replaceAll(/[.:](?! )/g, '_'),
      );
    }),
    { numRuns: 200 },
  );
});
