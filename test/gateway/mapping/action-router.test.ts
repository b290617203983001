import fc from 'fast-check';
import { buildToolRouter, routerOf } from '../../../gateway/mapping/action-router.ts';
import { compileToolContract } from '../../../policy/mapping/contract.ts';
import type { ToolAction } from '../../../policy/resources/types.generated.ts';

function contract(paths: string[]) {
  const actions: ToolAction[] = paths.map((path, index) => ({
    name: `a${index}`,
    effect: 'read',
    match: { method: 'GET', path },
  }));
  return compileToolContract('t', { protocol: 'HTTP', upstream: { url: 'http://t' }, actions });
}

function route(paths: string[], path: string): string | undefined {
  try {
    const { plan, pathValues } = buildToolRouter(contract(paths)).route('GET', path.slice(1).split('/'));
    return [paths[Number(plan.action.name.slice(1))], ...pathValues.values()].join(' ');
  } catch {
    return undefined;
  }
}

test.each([
  ['/x/y', '/x/y'],
  ['/x/z', '/x/{id} z'],
  ['/w/y', '/{k}/y w'],
  ['/x/y/b', '/{k}/y/b x'],
  ['/x/y/a', '/x/{id}/a y'],
  ['/f/a/b/c', '/f/{rest...} a/b/c'],
  ['/f', undefined],
  ['/x/', undefined],
  ['/X/z', undefined],
])('%s → %s', (path, expected) => {
  expect(route(['/x/y', '/x/{id}', '/{k}/y', '/x/{id}/a', '/{k}/y/b', '/f/{rest...}'], path)).toBe(expected);
});

test('a match always fits its template, and a template that fits is found', () => {
  const segment = fc.constantFrom('a', 'b', 'A', '{x}', '{y}', '{z...}');
  const template = fc.array(segment, { minLength: 1, maxLength: 4 }).map((parts) => `/${parts.join('/')}`);
  const path = fc.array(fc.constantFrom('a', 'b', 'A', 'B', 'c', ''), { minLength: 1, maxLength: 5 });
  const fits = (shape: string, parts: string[]): boolean => {
    const wanted = shape.slice(1).split('/');
    const rest = wanted.at(-1)?.endsWith('...}');
    if (rest ? parts.length < wanted.length : parts.length !== wanted.length) return false;
    return parts.every((part, index) => {
      const slot = wanted[Math.min(index, wanted.length - 1)] as string;
      return slot.startsWith('{') ? part !== '' : part === slot;
    });
  };
  fc.assert(
    fc.property(fc.uniqueArray(template, { minLength: 1, maxLength: 5 }), path, (paths, parts) => {
      try {
        contract(paths);
      } catch {
        return;
      }
      const found = route(paths, `/${parts.join('/')}`)?.split(' ')[0];
      if (found !== undefined) expect(fits(found, parts)).toBe(true);
      const literals = new Set(paths.flatMap((text) => text.split('/')).map((text) => text.toLowerCase()));
      const unlike = parts.every((part) => !literals.has(part.toLowerCase()));
      if (found === undefined && unlike) expect(paths.some((shape) => fits(shape, parts))).toBe(false);
    }),
    { numRuns: 3000 },
  );
});

test('a contract has one router', () => {
  const one = contract(['/a']);
  expect(routerOf(one)).toBe(routerOf(one));
});
