import { rewriteRequest } from '../../../gateway/mapping/rewrite-request.ts';
import { code, MULTIPART, map, params, post } from './support.ts';

const router = post({
  purpose: { in: 'multipart', type: 'string', required: true },
  size: { in: 'multipart', type: 'integer' },
  tag: { in: 'multipart', type: 'array', items: 'string', name: 'tag[]' },
  file: { in: 'multipart', type: 'string', format: 'binary' },
});
const open = post({ purpose: { in: 'multipart', type: 'string' } }, { undeclared: 'Allow' });

const TEXT = '--b\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nevidence\r\n';
const FILE =
  '--b\r\nContent-Disposition: form-data; name="file"; filename="a b.png"\r\nContent-Type: image/png\r\n\r\n\x89PNG\r\n\x1a\n--\r\n';
const END = '--b--\r\n';

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');
const send = (text: string, to = router) => map(to, 'POST', '/a', MULTIPART, bytes(text));

test('text parts by name, files by their name', () => {
  const tags =
    '--b\r\ncontent-disposition: form-data;name="tag[]"\r\n\r\nx\r\n--b\r\nContent-Disposition: form-data; name="tag[]"\r\nContent-Type: text/plain; charset=UTF-8\r\nContent-Length: 1\r\n\r\ny\r\n';
  const size = '--b\r\nContent-Disposition: form-data; name="size"\r\n\r\n12\r\n';
  expect(params(send(TEXT + FILE + tags + size + END))).toEqual({
    purpose: 'evidence',
    file: 'a b.png',
    tag: ['x', 'y'],
    size: 12,
  });
  expect(params(send(`${TEXT}--b--`))).toEqual({ purpose: 'evidence' });
  const quoted = ['Content-Type', 'Multipart/Form-Data; boundary="a\'b(c)+_,-./:=?"'];
  const body = (TEXT + END).replaceAll('--b', "--a'b(c)+_,-./:=?");
  expect(params(map(router, 'POST', '/a', quoted, body))).toEqual({ purpose: 'evidence' });
});

test('a text part is UTF-8, with line breaks', () => {
  const body = Buffer.from(`${TEXT.replace('evidence', 'ä\r\n€\n')}${END}`);
  expect(params(map(router, 'POST', '/a', MULTIPART, body))).toEqual({ purpose: 'ä\r\n€\n' });
});

test('what browsers, fetch, curl and SDKs send is read', async () => {
  const form = new FormData();
  form.set('purpose', 'ä');
  form.append('tag[]', 'x');
  form.set('file', new File(['\r\n--\r\n'], 'näme.txt', { type: 'text/plain' }));
  const response = new Response(form);
  const type = response.headers.get('content-type') ?? '';
  const body = new Uint8Array(await response.arrayBuffer());
  const mapped = map(router, 'POST', '/a', ['Content-Type', type], body);
  expect(params(mapped)).toEqual({ purpose: 'ä', tag: ['x'], file: 'näme.txt' });
});

test('no parts at all is an empty body', () => {
  expect(code(send(END))).toBe('MISSING');
  expect(code(send(END, open))).toBe('mapped to a');
});

test('undeclared parts pass where the action lets them, whatever they hold', () => {
  expect(code(send(TEXT + FILE + END, open))).toBe('mapped to a');
  const json = '--b\r\nContent-Disposition: form-data; name="more"\r\nContent-Type: application/json\r\n\r\n{"\xff\r\n';
  expect(code(send(TEXT + json + END, open))).toBe('mapped to a');
  expect(code(send(`${TEXT + json + json}${END}`, open))).toBe('DUPLICATE');
  expect(code(send(TEXT.replace('purpose', 'Purpose') + END, open))).toBe('DUPLICATE');
  expect(code(send(TEXT.replace('purpose', '_method') + END, open))).toBe('HEADER');
});

describe('changed parts', () => {
  function rewrite(text: string, change: Record<string, unknown>): string | undefined {
    const body = bytes(text);
    const mapped = send(text);
    if (!mapped.ok) throw new Error(mapped.refusal.message);
    const request = { method: 'POST', target: '/a', rawHeaders: MULTIPART, body };
    const rewritten = rewriteRequest(router, request, mapped.call, { ...mapped.call.params, ...change });
    return rewritten && Buffer.from(rewritten.request.body ?? []).toString('latin1');
  }

  test('are written in place; every other byte stays', () => {
    expect(rewrite(FILE + TEXT + END, { purpose: 'x' })).toBe(FILE + TEXT.replace('evidence', 'x') + END);
    expect(rewrite(TEXT + FILE + END, { file: undefined })).toBe(TEXT + END);
    const added = '--b\r\nContent-Disposition: form-data; name="size"\r\n\r\n7\r\n';
    expect(rewrite(`${TEXT + FILE}--b--`, { size: 7 })).toBe(`${TEXT + FILE + added}--b--`);
  });

  test.each<[string, Record<string, unknown>]>([
    ['a file', { file: 'other.png' }],
    ['a text that holds the boundary', { purpose: 'x\r\n--b\r\n' }],
    ['a text that ends the body', { purpose: 'x\r\n--b--' }],
    ['a value of another type', { size: 'x' }],
    ['a required part that is left out', { purpose: undefined }],
  ])('%s cannot be written', (_, change) => {
    expect(rewrite(TEXT + FILE + END, change)).toBeUndefined();
  });

  test('a part that says how long it is keeps its length', () => {
    const long = TEXT.replace('\r\n\r\n', '\r\nContent-Length: 8\r\n\r\n') + END;
    expect(rewrite(long, { purpose: 'EVIDENCE' })).toBe(long.replace('evidence', 'EVIDENCE'));
    expect(rewrite(long, { purpose: 'x' })).toBeUndefined();
  });
});
