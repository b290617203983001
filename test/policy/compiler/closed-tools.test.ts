import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { closedContracts, closedSpec } from '../../../policy/compiler/closed-tools.ts';
import type { AgentSlice } from '../../../policy/compiler/slice.ts';
import type { AgentTool, AgentToolSpec } from '../../../policy/resources/types.generated.ts';
import { compileYaml } from './golden-case.ts';

const tool = (toolId: string, upstream: AgentToolSpec['upstream'], more: Partial<AgentToolSpec> = {}) => ({
  toolId,
  tool: { metadata: { name: toolId }, spec: { protocol: 'HTTP', upstream, ...more } } as AgentTool,
});

/** Where the closed tools are: `url` and hosts by id. */
function places(closed: ReturnType<typeof tool>[], ...inUse: { url?: string; hosts?: string[] }[]) {
  const contracts = closedContracts(
    closed,
    inUse.map(({ url, hosts = [] }) => ({ hosts, ...(url !== undefined && { url }) })),
  );
  return Object.fromEntries(
    contracts.map(([toolId, text]) => {
      const { upstream } = JSON.parse(text) as { upstream: { url?: string; hosts: string[] } };
      return [toolId, [...(upstream.url === undefined ? [] : [upstream.url]), ...upstream.hosts]];
    }),
  );
}

const URL = 'https://api.example.com/v2';

test('nothing is left but where it is, and how it answers', () => {
  const upstream = {
    url: URL,
    hosts: ['*.example.com'],
    credentialRef: { name: 's' },
    tls: { caRef: { name: 'c' } },
  };
  const action = { name: 'get', effect: 'read' as const, match: { mcpTool: 'get' } };
  const one = tool('one', upstream, { protocol: 'MCP', denial: { shape: 'Stripe' }, actions: [action] });
  const [[toolId, text]] = closedContracts([one], []) as [[string, string]];
  expect(toolId).toBe('one');
  expect(JSON.parse(text)).toEqual({
    tool: 'one',
    protocol: 'HTTP',
    riskTier: 'medium',
    upstream: { url: URL, hosts: ['*.example.com'] },
    denial: { shape: 'Stripe' },
    actions: [],
  });
  expect(closedSpec(closedSpec(one.tool.spec))).toEqual(closedSpec(one.tool.spec));
});

test.each([
  ['the same host', { url: 'https://api.example.com/other' }],
  ['the same host, spelt otherwise', { url: 'https://API.example.com.:8443' }],
  ['the same host by name', { hosts: ['api.example.com'] }],
  ['a wildcard above it', { hosts: ['*.com'] }],
])('a tool in use at %s has it for itself', (_, inUse) => {
  expect(places([tool('one', { url: URL, hosts: ['b.test'] })], inUse)).toEqual({ one: ['b.test'] });
  expect(places([tool('one', { url: URL })], inUse)).toEqual({});
});

test('wildcards only stand back for those that are as wide', () => {
  const one = [tool('one', { hosts: ['*.a.test'] })];
  for (const wider of ['*.a.test', '*.test']) expect(places(one, { hosts: [wider] })).toEqual({});
  for (const other of ['x.a.test', 'a.test', '*.b.a.test', '*.ba.test']) {
    expect(places(one, { hosts: [other] })).toEqual({ one: ['*.a.test'] });
  }
  expect(places([tool('one', { hosts: ['a.test', 'xa.test'] })], { hosts: ['*.a.test'] })).toEqual({
    one: ['a.test', 'xa.test'],
  });
});

test('addresses, and what is no host', () => {
  expect(places([tool('one', { hosts: ['::1', 'a b'] })], { url: 'http://[::1]:80' })).toEqual({ one: ['a b'] });
  expect(places([tool('one', { url: 'nonsense' })], { hosts: ['a b'] })).toEqual({ one: ['nonsense'] });
});

describe('in the slice of an agent', () => {
  const YAML = readFileSync(join(__dirname, 'golden/openapi/in.yaml'), 'utf8');

  test('a tool without its document has its host, and no action, also where the agent is only observed', () => {
    for (const text of [YAML, YAML.replace('  owner:', '  unmatched: Observe\n  owner:')]) {
      const [tenant] = compileYaml(text).compilation.tenants;
      const slice = JSON.parse(Buffer.from(tenant?.agents.get('one')?.bytes ?? []).toString()) as AgentSlice;
      expect(Object.keys(slice.tools)).toEqual(['pay']);
      expect(Object.keys(slice.contracts)).toEqual(['gone', 'pay']);
      expect(slice.contracts.gone).toEqual({
        tool: 'gone',
        protocol: 'HTTP',
        riskTier: 'medium',
        upstream: { url: 'https://gone.example.com', hosts: [] },
        denial: { shape: 'Problem' },
        actions: [],
      });
    }
  });
});
