/** Actions that one path holds: told apart by query fields and headers; bodies that are forms or JSON; refused headers. */
import { buildToolRouter } from '../../../gateway/mapping/action-router.ts';
import { mapHead, mapRequest } from '../../../gateway/mapping/map-request.ts';
import { rewriteRequest } from '../../../gateway/mapping/rewrite-request.ts';
import { actionContracts } from '../../../policy/compiler/action-contract.ts';
import { compileToolContract } from '../../../policy/mapping/contract.ts';
import type { AgentToolSpec, ToolAction } from '../../../policy/resources/types.generated.ts';

const spec: AgentToolSpec = {
  protocol: 'HTTP',
  upstream: { url: 'http://t' },
  refuseHeaders: ['Impersonate-*', 'X-Account'],
  actions: [
    { name: 'put', effect: 'write', match: { method: 'PUT', path: '/{key...}' }, body: 'Stream' },
    { name: 'put_acl', effect: 'write', match: { method: 'PUT', path: '/{key...}', query: ['acl'] }, body: 'Stream' },
    { name: 'copy', effect: 'write', match: { method: 'PUT', path: '/{key...}', headers: ['X-Copy-Source'] } },
    {
      name: 'copy_acl',
      effect: 'write',
      match: { method: 'PUT', path: '/{key...}', query: ['acl'], headers: ['X-Copy-Source'] },
      parameters: { source: { in: 'header', name: 'x-copy-source', type: 'string' } },
    },
    { name: 'get', effect: 'read', match: { method: 'GET', path: '/{key...}' } },
    {
      name: 'say',
      effect: 'write',
      match: { method: 'POST', path: '/say' },
      parameters: {
        channel: { in: 'body', type: 'string', required: true },
        count: { in: 'body', type: 'integer' },
        'a/b': { in: 'body', type: 'string' },
      },
    },
  ],
};
const router = buildToolRouter(compileToolContract('t', spec));
const JSON_TYPE = ['Content-Type', 'application/json'];
const FORM = ['Content-Type', 'application/x-www-form-urlencoded'];

function map(method: string, target: string, rawHeaders: string[] = [], body = '') {
  const bytes = body === '' ? undefined : Buffer.from(body);
  const result = mapRequest(router, { method, target, rawHeaders, body: bytes });
  return result.ok
    ? { action: result.call.action.name, params: { ...result.call.params } }
    : result.refusal.code.replace('AEGIS_MAPPING_', '');
}

describe('selectors', () => {
  test.each([
    ['/a', [], 'put', { key: 'a' }],
    ['/a?acl', [], 'put_acl', { key: 'a', acl: '' }],
    ['/a?acl=', [], 'put_acl', { key: 'a', acl: '' }],
    ['/a?%61cl=x', [], 'put_acl', { key: 'a', acl: 'x' }],
    ['/a', ['x-COPY-source', 'b'], 'copy', { key: 'a', 'x-copy-source': 'b' }],
    ['/a?acl', ['X-Copy-Source', 'b'], 'copy_acl', { key: 'a', acl: '', source: 'b' }],
  ])('PUT %s %j is %s', (target, headers, action, params) => {
    expect(map('PUT', target, headers)).toEqual({ action, params });
  });

  test.each([
    ['a field in other letters', '/a?ACL', [], 'UNDECLARED'],
    ['a field that nothing declares', '/a?tagging', [], 'UNDECLARED'],
    ['a field besides the selector', '/a?acl&tagging', [], 'UNDECLARED'],
    ['the selector twice', '/a?acl&acl', [], 'DUPLICATE'],
    ['a header that imitates the selector', '/a', ['x_copy_source', 'b'], 'HEADER'],
    ['the header twice', '/a', ['X-Copy-Source', 'b', 'X-Copy-Source', 'c'], 'DUPLICATE'],
  ])('%s is refused', (_, target, headers, code) => expect(map('PUT', target, headers)).toBe(code));

  test('what a request is recognised by is a parameter for policies, too', () => {
    const tool = { apiVersion: 'aegis.dev/v1alpha1', kind: 'AgentTool', metadata: { name: 't' }, spec } as const;
    const contracts = actionContracts(tool as never);
    expect([...(contracts.get('put_acl')?.parameters.keys() ?? [])].sort()).toEqual(['acl', 'key']);
    expect([...(contracts.get('copy_acl')?.parameters.keys() ?? [])].sort()).toEqual(['acl', 'key', 'source']);
    expect([...(contracts.get('copy')?.parameters.keys() ?? [])].sort()).toEqual(['key', 'x-copy-source']);
  });

  test('two actions that ask for the same are refused, and a selector must not clash with a parameter', () => {
    const match = { method: 'GET', path: '/a', query: ['x'] } as const;
    const compile = (actions: ToolAction[]) => compileToolContract('t', { ...spec, actions });
    const one: ToolAction = { name: 'one', effect: 'read', match: { ...match, query: ['x'] } };
    expect(() => compile([one, { ...one, name: 'two' }])).toThrow(/match the same requests/);
    expect(() => compile([{ ...one, parameters: { x: { in: 'header', type: 'string' } } }])).toThrow(/x of match/);
  });
});

describe('body: Stream', () => {
  test.each([
    'text/csv',
    'application/json',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=b',
  ])('%s passes unread, whatever its size and coding; the query stays governed', (type) => {
    const rawHeaders = ['Content-Type', type, 'Content-Encoding', 'aws-chunked'];
    const head = { method: 'PUT', target: '/a', rawHeaders, hasBody: true };
    expect(mapHead(router, head)).toMatchObject({ ok: true, head: { bodyMode: 'stream', action: { name: 'put' } } });
    expect(mapHead(router, { ...head, target: '/a?x=1' })).toMatchObject({
      refusal: { code: 'AEGIS_MAPPING_UNDECLARED' },
    });
  });

  test('takes no parameters from the body', () => {
    const [put] = spec.actions ?? [];
    const action = { ...(put as ToolAction), parameters: { x: { in: 'form', type: 'string' } } } as ToolAction;
    expect(() => compileToolContract('t', { ...spec, actions: [action] })).toThrow(/forwarded unread/);
  });
});

describe('in: body', () => {
  test.each([
    ['a form', FORM, 'channel=c&count=2&a%2Fb=x', { channel: 'c', count: 2, 'a/b': 'x' }],
    ['JSON', JSON_TYPE, '{"channel":"c","count":2,"a/b":"x"}', { channel: 'c', count: 2, 'a/b': 'x' }],
  ])('%s', (_, type, body, params) => expect(map('POST', '/say', type, body)).toEqual({ action: 'say', params }));

  test.each([
    ['a number as text in JSON', JSON_TYPE, '{"channel":"c","count":"2"}', 'MISTYPED'],
    ['a missing one', JSON_TYPE, '{"count":2}', 'MISSING'],
    ['no body', [], '', 'MISSING'],
    ['an undeclared field in a form', FORM, 'channel=c&x=1', 'UNDECLARED'],
    ['an undeclared member of JSON', JSON_TYPE, '{"channel":"c","x":1}', 'UNDECLARED'],
    ['another type', ['Content-Type', 'text/plain'], 'channel=c', 'CONTENT_TYPE'],
    ['multipart', ['Content-Type', 'multipart/form-data; boundary=b'], '--b--', 'CONTENT_TYPE'],
  ])('%s is refused', (_, type, body, code) => expect(map('POST', '/say', type, body)).toBe(code));

  test.each([
    [FORM, 'channel=c&count=2', 'channel=d&count=2'],
    [JSON_TYPE, '{"channel":"c","count":2}', '{"channel":"d","count":2}'],
  ])('a changed value is written back into what it came from', (type, before, after) => {
    const request = { method: 'POST', target: '/say', rawHeaders: type, body: Buffer.from(before) };
    const mapped = mapRequest(router, request);
    if (!mapped.ok) throw new Error(mapped.refusal.code);
    const rewritten = rewriteRequest(router, request, mapped.call, { ...mapped.call.params, channel: 'd' });
    expect(Buffer.from(rewritten?.request.body ?? []).toString()).toBe(after);
  });
});

test.each([
  ['Impersonate-User'],
  ['impersonate-extra-scopes'],
  ['IMPERSONATE_GROUP'],
  ['X-Account'],
  ['x_account'],
])('calls with the header %s are refused', (name) => expect(map('GET', '/a', [name, 'x'])).toBe('HEADER'));

test('other headers pass', () => {
  expect(map('GET', '/a', ['X-Account-Hint', 'x', 'Impersonated', 'y'])).toMatchObject({ action: 'get' });
});

test('a list where the contract has named members is refused, also where undeclared fields may pass', () => {
  const open = buildToolRouter(
    compileToolContract('t', {
      ...spec,
      actions: [
        {
          name: 'patch',
          effect: 'write',
          undeclared: 'Allow',
          match: { method: 'PATCH', path: '/a' },
          parameters: { network: { in: 'json', pointer: '/spec/hostNetwork', type: 'boolean' } },
        },
      ],
    }),
  );
  const patch = (body: string) =>
    mapRequest(open, {
      method: 'PATCH',
      target: '/a',
      rawHeaders: ['Content-Type', 'application/json-patch+json'],
      body: Buffer.from(body),
    });
  expect(patch('{"spec":{"other":1}}')).toMatchObject({ ok: true });
  for (const body of ['[{"op":"add","path":"/spec/hostNetwork","value":true}]', '{"spec":[{"hostNetwork":true}]}']) {
    expect(patch(body)).toMatchObject({ refusal: { code: 'AEGIS_MAPPING_MISTYPED' } });
  }
});
