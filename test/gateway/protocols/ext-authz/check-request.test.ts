import { readCheckRequest } from '../../../../gateway/protocols/ext-authz/check-request.ts';
import type { CheckRequest, HttpAttributes } from '../../../../gateway/protocols/ext-authz/messages.ts';

const NONE = new Uint8Array();

function check(http: Partial<HttpAttributes>, headers: [string, string][] = []): CheckRequest {
  const map = headers.map(([key, text]) => ({ key, value: '', raw_value: Buffer.from(text, 'latin1') }));
  return {
    attributes: {
      request: {
        http: {
          method: 'POST',
          headers: {},
          header_map: { headers: [{ key: ':method', value: '', raw_value: Buffer.from('POST') }, ...map] },
          path: '/v1/x?a=1',
          host: 'tool.test',
          scheme: 'http',
          protocol: 'HTTP/1.1',
          body: '',
          raw_body: NONE,
          ...http,
        },
      },
      context_extensions: { tool: 'pay' },
    },
  };
}

const BODY = Buffer.from('amount=1');
const WHOLE: [string, string] = ['x-envoy-auth-partial-body', 'false'];
const LENGTH: [string, string] = ['content-length', '8'];

describe('readCheckRequest', () => {
  it('reads a whole body, repeated headers, and what the configuration says', () => {
    const headers: [string, string][] = [LENGTH, WHOLE, ['x-a', '1'], ['x-a', '2'], ['x-b', '\u00e9']];
    expect(readCheckRequest(check({ raw_body: BODY }, headers))).toEqual({
      ok: true,
      request: {
        method: 'POST',
        path: '/v1/x?a=1',
        host: 'tool.test',
        scheme: 'http',
        rawHeaders: ['host', 'tool.test', 'content-length', '8', 'x-a', '1', 'x-a', '2', 'x-b', '\u00e9'],
        hasBody: true,
        body: BODY,
        extensions: { tool: 'pay' },
      },
    });
  });

  it('takes a request without a body as such', () => {
    expect(readCheckRequest(check({ method: 'GET' }))).toMatchObject({ ok: true, request: { hasBody: false } });
  });

  it.each<[string, CheckRequest]>([
    ['no attributes', { attributes: null }],
    ['no HTTP request', { attributes: { request: { http: null }, context_extensions: {} } }],
    ['merged headers', check({ header_map: null, headers: { 'content-type': 'a, b' } })],
    ['a body as text', check({ body: 'amount=1' }, [LENGTH, WHOLE])],
    ['a partial body', check({ raw_body: BODY }, [LENGTH, ['x-envoy-auth-partial-body', 'true']])],
    ['two marks', check({ raw_body: BODY }, [LENGTH, WHOLE, WHOLE])],
    ['a body without a mark', check({ raw_body: BODY }, [LENGTH])],
    ['a body shorter than its length', check({ raw_body: BODY }, [['content-length', '9'], WHOLE])],
    ['a body that was not sent', check({}, [LENGTH])],
    ['a body that was not sent, with a forged mark', check({}, [LENGTH, WHOLE])],
    ['a malformed length', check({ raw_body: BODY }, [['content-length', '+8'], WHOLE])],
    ['a chunked body that was not sent', check({}, [['transfer-encoding', 'chunked'], WHOLE])],
    ['an HTTP/2 body of unknown length', check({ protocol: 'HTTP/2' }, [WHOLE])],
  ])('refuses %s', (_, message) => {
    const result = readCheckRequest(message);
    expect(result.ok).toBe(false);
  });
});
