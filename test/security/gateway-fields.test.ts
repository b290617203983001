/** Fields that nobody declared: none of them takes the place of what was decided on, and none is dear to refuse. */
import { routerOf } from '../../gateway/mapping/action-router.ts';
import { mapRequest } from '../../gateway/mapping/map-request.ts';
import { requestHeaders } from '../../gateway/upstream/forward-headers.ts';
import { compileToolContract } from '../../policy/mapping/contract.ts';

const ROUTER = routerOf(
  compileToolContract('t', {
    protocol: 'HTTP',
    upstream: { url: 'https://t.example' },
    actions: [
      { name: 'item', effect: 'read', match: { method: 'GET', path: '/items/{id}' } },
      {
        name: 'put',
        effect: 'write',
        undeclared: 'Allow',
        match: { method: 'PUT', path: '/items/{id}' },
        parameters: { label: { in: 'json', type: 'string' } },
      },
      {
        name: 'search',
        effect: 'read',
        match: { method: 'POST', path: '/search' },
        parameters: { owner: { in: 'form', type: 'string' } },
      },
    ],
  }),
);
const FORM = ['Content-Type', 'application/x-www-form-urlencoded'];

function map(method: string, target: string, rawHeaders: string[] = [], body?: string) {
  return mapRequest(ROUTER, { method, target, rawHeaders, body: body === undefined ? undefined : Buffer.from(body) });
}

test.each(['id=2', 'ID=2', 'id[]=2', 'i%64=2'])('?%s does not stand beside the id of the path', (query) => {
  expect(map('GET', `/items/1?${query}`)).toMatchObject({ refusal: { code: 'AEGIS_MAPPING_DUPLICATE' } });
});

test('a document may repeat its own id', () => {
  expect(map('PUT', '/items/1', ['Content-Type', 'application/json'], '{"id":"1","label":"x"}').ok).toBe(true);
});

test('the method override of Salesforce is one', () => {
  expect(map('POST', '/search?_HttpMethod=DELETE', FORM, 'owner=a')).toMatchObject({
    refusal: { code: 'AEGIS_MAPPING_HEADER' },
  });
});

test.each([
  ['slashes', '/'],
  ['brackets', 'a['],
  ['dots', 'a.'],
])('a megabyte of names with many %s is judged at once', (_, piece) => {
  const names = Array.from({ length: 50 }, (__, index) => `${encodeURIComponent(`${index}${piece.repeat(3000)}`)}=`);
  const started = performance.now();
  map('POST', '/search', FORM, names.join('&'));
  expect(performance.now() - started).toBeLessThan(1500);
});

test.each([
  'X-Remote-User',
  'X-Remote-Group',
  'X_Remote_User',
  'X-WEBAUTH-USER',
  'X-MS-CLIENT-PRINCIPAL-NAME',
  'X-Amzn-Oidc-Identity',
  'Cf-Access-Jwt-Assertion',
  'X-authentik-username',
  'Tailscale-User-Login',
])('%s, by which a proxy speaks of a signed-in user, does not come from an agent', (name) => {
  expect(requestHeaders([name, 'root'], { kept: new Set() }).list).toEqual([]);
});
