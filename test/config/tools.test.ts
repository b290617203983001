/** Every entry of the catalogue: nothing to lint, its vectors pass, and each of its actions is reached by one of them. */
import { readEntries } from '../../cli/catalogue/catalogue.ts';
import { mapVector } from '../../cli/testing/raw-request.ts';
import { routerOf } from '../../gateway/mapping/action-router.ts';
import { mapRequest } from '../../gateway/mapping/map-request.ts';
import { compileToolContract, type ToolContract } from '../../policy/mapping/contract.ts';
import type { PolicyTest, TestHttpRequest } from '../../policy/resources/types.generated.ts';
import { loadSources } from '../../policy/source/load-sources.ts';
import { aegis, catalogue, type Files } from '../cli/support/memory-context.ts';

const entries = readEntries(catalogue());
const NAMES = ['fhir', 'github', 'google-drive', 'kubernetes', 's3', 'slack', 'stripe'];

function filesOf(name: string): Files {
  return Object.fromEntries(Object.entries(catalogue()).filter(([path]) => path.startsWith(`${name}/`)));
}

function casesOf(name: string): PolicyTest[] {
  const file = `${name}/tests.suite.yaml`;
  const { resources } = loadSources([{ file, text: filesOf(name)[file] as string }]);
  return (resources[0]?.object.spec as { cases: PolicyTest[] }).cases;
}

function httpCases(name: string): TestHttpRequest[] {
  return casesOf(name).flatMap(({ http }) => http ?? []);
}

test('the catalogue holds what it promises', () => expect(entries.map(({ name }) => name)).toEqual(NAMES));

describe.each(entries)('$name', ({ name, summary, tool }) => {
  const contract: ToolContract = compileToolContract(tool.metadata.name, tool.spec);

  test('is named like its folder and says in one line what it is', () => {
    expect(tool.metadata.name).toBe(name);
    expect(summary).toMatch(/^.{20,118}\.$/);
  });

  test('lint finds nothing', async () => {
    const { code, stdout } = await aegis(['lint', name], filesOf(name));
    expect(stdout).toMatch(/^0 errors, 0 warnings in 4 files, 4 resources\n$/);
    expect(code).toBe(0);
  });

  test('its vectors pass, most branches of its starter policy are exercised', async () => {
    const { code, stdout } = await aegis(['test', name, '--min-coverage', '80', '--output', 'json'], filesOf(name));
    const report = JSON.parse(stdout) as {
      failed: number;
      passed: number;
      vectors: { name: string; status: string }[];
    };
    expect(report.vectors.filter(({ status }) => status !== 'passed')).toEqual([]);
    expect(report.passed).toBeGreaterThanOrEqual(12);
    expect(code).toBe(0);
  });

  test('every vector is a raw request, and most refusals say why', () => {
    const cases = casesOf(name);
    expect(cases.every(({ http }) => http !== undefined)).toBe(true);
    const refused = cases.filter(({ expect }) => expect === 'deny');
    expect(refused.filter(({ reason }) => reason === undefined).length).toBeLessThan(3);
  });

  test('every action is reached', () => {
    const reached = new Set(
      httpCases(name).flatMap((http) => {
        const mapped = mapVector(contract, http);
        return 'input' in mapped ? [mapped.input.action] : [];
      }),
    );
    expect(contract.actions.map((action) => action.name).filter((action) => !reached.has(action))).toEqual([]);
  });

  test('every write refuses what it does not declare, in the query and in the body', () => {
    let tried = 0;
    for (const http of httpCases(name)) {
      const mapped = mapVector(contract, http);
      if (!('input' in mapped)) continue;
      const action = contract.actions.find((each) => each.name === mapped.input.action);
      if (action?.undeclared !== 'Refuse') continue;
      for (const changed of withUnknownField(http, action.body === 'Stream')) {
        tried += 1;
        expect(refusalOf(contract, changed)).toBe('AEGIS_MAPPING_UNDECLARED');
      }
    }
    expect(tried).toBeGreaterThan(10);
  });

  test('writes, and what cannot be undone, are told apart from reads', () => {
    for (const { match, effect, name: action } of contract.actions) {
      if (match === null || !('path' in match)) throw new Error(`${action} is not matched by a path`);
      const reads = ['GET', 'HEAD'].includes(match.method);
      // GET with a WebSocket runs commands; POST may carry a search
      if (reads && effect !== 'read')
        expect(contract.actions.find((each) => each.name === action)?.webSocket).toBe(true);
      if (match.method === 'DELETE') expect(effect).not.toBe('read');
    }
  });
});

function refusalOf(contract: ToolContract, http: TestHttpRequest): string | undefined {
  const { method, path, headers = {}, body } = http;
  const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : undefined;
  const rawHeaders = Object.entries(headers).flat();
  const result = mapRequest(routerOf(contract), { method, target: path, rawHeaders, body: bytes });
  return result.ok ? undefined : result.refusal.code;
}

function withUnknownField(http: TestHttpRequest, unread: boolean): TestHttpRequest[] {
  const { path, body, headers = {} } = http;
  const changed = [{ ...http, path: `${path}${path.includes('?') ? '&' : '?'}zz_unknown=1` }];
  const type = headers['content-type'] ?? '';
  if (typeof body !== 'string' || body === '' || unread) return changed;
  if (type.includes('urlencoded')) return [...changed, { ...http, body: `${body}&zz_unknown=1` }];
  return type.includes('json') && body.startsWith('{') && body !== '{}'
    ? [...changed, { ...http, body: `{"zz_unknown":1,${body.slice(1)}` }]
    : changed;
}
