/** What Envoy asks is decided on the host that the request goes to, as it is inline. */
import { createToolDirectory } from '../../gateway/capture/tool-directory.ts';
import { createEnvoyAttribution } from '../../gateway/protocols/ext-authz/attribute.ts';
import { createAuthorize } from '../../gateway/protocols/ext-authz/authorize.ts';
import type { RefusedRequest } from '../../gateway/telemetry/call-hooks.ts';
import { createUpstreams } from '../../gateway/upstream/upstreams.ts';
import type { DecisionInput, PolicyResult } from '../../policy/decision/types.ts';
import { compileToolContract } from '../../policy/mapping/contract.ts';
import { fakeActivation, fakeDeps, result } from '../gateway/listeners/fake-activation.ts';

const BANK = compileToolContract('bank', {
  protocol: 'HTTP',
  upstream: { url: 'https://bank.example', hosts: ['*.bank.example'] },
  actions: [{ name: 'read', effect: 'read', match: { method: 'GET', path: '/read' } }],
});

const HTTP = {
  method: 'GET',
  headers: {},
  header_map: { headers: [{ key: 'accept', value: '*/*', raw_value: new Uint8Array() }] },
  path: '/read',
  host: 'eu.bank.example',
  scheme: 'https',
  protocol: 'HTTP/1.1',
  body: '',
  raw_body: new Uint8Array(),
};

function asker(evaluate: (call: DecisionInput) => PolicyResult, refused: RefusedRequest[] = []) {
  const activation = fakeActivation(evaluate, { contract: BANK });
  const source = { get: () => activation, list: () => [activation] };
  const callers = { of: () => ({ agent: 'finance-agent' }), tools: () => ['bank'] };
  const directory = createToolDirectory({ source, callers, upstreams: createUpstreams() });
  const authorize = createAuthorize({
    deps: fakeDeps(() => 0),
    limits: { maxBody: 1000 },
    attribute: createEnvoyAttribution({ source, directory, callers, namedAgents: false }),
    ticks: () => 0,
    hooks: { onRefused: (one) => refused.push(one) },
  });
  return (http: typeof HTTP) => authorize({ attributes: { request: { http }, context_extensions: {} } });
}

test('what is no call of a tool is told with its host, and nothing else of it', async () => {
  const refused: RefusedRequest[] = [];
  const asks = asker(() => result('allow'), refused);
  expect((await asks({ ...HTTP, host: 'Evil.example:443' })).status.code).not.toBe(0);
  expect((await asks({ ...HTTP, host: 'user:secret@evil.example' })).status.code).not.toBe(0);
  const told = { code: 'AEGIS_HOST_UNKNOWN', status: 403, via: 'ext-authz', decisionId: expect.any(String) };
  expect(refused).toEqual([
    { ...told, host: 'evil.example' },
    { ...told, host: undefined },
  ]);
});

test('a host of the tool that is not its first one is the destination', async () => {
  const destinations: unknown[] = [];
  const evaluate = ({ context }: DecisionInput): PolicyResult => {
    destinations.push(context?.destination);
    return result('allow');
  };
  const answer = await asker(evaluate)(HTTP);
  expect(answer.status.code).toBe(0);
  expect(destinations).toEqual([{ host: 'eu.bank.example' }]);
});
