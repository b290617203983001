/** An encoded slash is a slash in the rest of a path (`{name...}`), as SDKs send it, and refused everywhere else. */
import { buildToolRouter } from '../../../gateway/mapping/action-router.ts';
import { mapRequest } from '../../../gateway/mapping/map-request.ts';
import { compileToolContract } from '../../../policy/mapping/contract.ts';

const action = (name: string, path: string, method: 'GET' | 'DELETE' = 'GET') =>
  ({ name, effect: method === 'GET' ? 'read' : 'irreversible', match: { method, path } }) as const;
const router = buildToolRouter(
  compileToolContract('t', {
    protocol: 'HTTP',
    upstream: { url: 'http://t' },
    actions: [
      action('contents', '/repos/{repo}/contents/{path...}'),
      action('branch', '/repos/{repo}/branches/{branch...}'),
      action('protection', '/repos/{repo}/branches/{branch}/protection'),
      action('drop', '/repos/{repo}', 'DELETE'),
    ],
  }),
);

function map(target: string, method = 'GET') {
  const result = mapRequest(router, { method, target, rawHeaders: [], body: undefined });
  return result.ok
    ? [result.call.action.name, { ...result.call.params }, result.call.target]
    : result.refusal.code.replace('AEGIS_MAPPING_', '');
}

test.each([
  ['/repos/r/contents/src/a.ts', 'contents', { repo: 'r', path: 'src/a.ts' }],
  ['/repos/r/contents/src%2Fa.ts', 'contents', { repo: 'r', path: 'src/a.ts' }],
  ['/repos/r/contents/src%2Fb%20c/d', 'contents', { repo: 'r', path: 'src/b c/d' }],
  ['/repos/r/branches/agent%2Fx', 'branch', { repo: 'r', branch: 'agent/x' }],
  ['/repos/r/branches/a/protection', 'protection', { repo: 'r', branch: 'a' }],
])('%s is %s, and is forwarded as it came', (target, name, params) => {
  expect(map(target)).toEqual([name, params, target]);
});

test.each([
  ['in a placeholder', '/repos/r%2Fcontents/contents/a'],
  ['instead of the slash before the rest', '/repos/r/contents%2Fa'],
  ['in a literal', '/repos%2Fr/contents/a'],
  ['where a tool that decodes first would see another action', '/repos/r/branches/a%2Fprotection'],
  ['with a dot segment', '/repos/r/contents/src%2F..%2Fsecret'],
  ['with a dot segment at the end', '/repos/r/contents/src%2F..'],
  ['with a dot segment before', '/repos/r/contents/..%2Fsecret'],
  ['with nothing between two', '/repos/r/contents/a%2F%2Fb'],
  ['at the end', '/repos/r/contents/a%2F'],
  ['at the beginning', '/repos/r/contents/%2Fa'],
  ['encoded twice', '/repos/r/contents/a%252Fb'],
  ['as a backslash', '/repos/r/contents/a%5Cb'],
  ['where nothing is mapped', '/other/a%2Fb'],
])('%s it is refused', (_, target) => expect(map(target)).toBe('PATH'));

test('a placeholder of a write never holds one', () => expect(map('/repos/r%2Fs', 'DELETE')).toBe('PATH'));
