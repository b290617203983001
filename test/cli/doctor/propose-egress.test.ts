import fc from 'fast-check';
import { parse } from 'yaml';
import { egressYaml, proposeEgress } from '../../../cli/doctor/propose-egress.ts';
import type { ObservedEgress } from '../../../operator/status/observed-egress.ts';
import type { AgentRegistration } from '../../../policy/resources/types.generated.ts';
import { validateResource } from '../../../policy/validation/validate-resource.ts';
import { asLoaded } from '../../policy/validation/load-fixture.ts';

const seen = (destination: string, port: number, change: Partial<ObservedEgress> = {}): ObservedEgress => ({
  ...{ destination, port, protocol: 'tcp', connections: 1, refused: false },
  ...change,
});

test('names on 80 and 443, addresses with ports elsewhere, sorted', () => {
  const observed = [
    seen('10.2.0.7', 5432),
    seen('pypi.org', 443),
    seen('PyPI.org', 80),
    seen('10.2.0.7', 5433),
    seen('fd00::7', 8125, { protocol: 'udp' }),
    seen('queue.example.com', 5672),
    seen('10.9.9.9', 0),
  ];
  expect(proposeEgress(observed, [])).toEqual({
    add: [
      { host: 'pypi.org', ports: [80, 443] },
      { cidr: '10.2.0.7/32', ports: [5432, 5433] },
      { cidr: 'fd00::7/128', ports: [8125] },
    ],
    unresolved: ['queue.example.com:5672/tcp'],
  });
});

test('what is allowed already is not proposed again', () => {
  const allowed = [
    { host: '*.example.com' },
    { host: 'pypi.org', ports: [443] },
    { cidr: '10.0.0.0/8' },
    { cidr: '192.168.0.0/16', ports: [443] },
  ];
  const passes = [seen('a.example.com', 443), seen('pypi.org', 443), seen('10.2.0.7', 5432), seen('192.168.1.1', 443)];
  expect(proposeEgress(passes, allowed).add).toEqual([]);
  // the suffix alone, another port, and a redirected port of a network without ports are something else
  const others = [seen('example.com', 443), seen('pypi.org', 80), seen('10.2.0.7', 443)];
  expect(proposeEgress(others, allowed).add).toHaveLength(3);
});

test('whoever has given a network for a name on another port has nothing more to do', () => {
  const observed = [seen('queue.example.com', 5672), seen('10.2.0.7', 5672)];
  expect(proposeEgress(observed, [{ cidr: '10.2.0.0/16', ports: [5672] }])).toEqual({ add: [], unresolved: [] });
  const others = [{ cidr: '10.2.0.0/16' }, { cidr: '10.3.0.0/16', ports: [5432] }];
  expect(proposeEgress(observed, others)).toEqual({ add: [], unresolved: ['queue.example.com:5672/tcp'] });
});

test('a host without ports is allowed on 80 and 443, of TCP', () => {
  const observed = [
    seen('db.example.com', 80),
    seen('db.example.com', 5432),
    seen('db.example.com', 443, { protocol: 'udp' }),
  ];
  const unresolved = ['db.example.com:443/udp', 'db.example.com:5432/tcp'];
  expect(proposeEgress(observed, [{ host: '*.Example.com' }])).toEqual({ add: [], unresolved });
});

test('never more than the registration may hold', () => {
  const allowed = Array.from({ length: 63 }, (_, index) => ({ host: `h${index}.example.com` }));
  const observed = Array.from({ length: 10 }, (_, index) => seen(`n${index}.example.org`, 443));
  expect(proposeEgress(observed, allowed).add).toHaveLength(1);
});

const observation: fc.Arbitrary<ObservedEgress> = fc.record({
  destination: fc.oneof(
    fc.domain(),
    fc.ipV4(),
    fc.ipV6(),
    fc.string({ maxLength: 40, unit: 'binary' }),
    fc.constantFrom('*.evil.com', 'a b', 'x: y', '- x', '0.0.0.0', '1e3.5', 'true', '::ffff:1.2.3.4'),
  ),
  port: fc.oneof(fc.constantFrom(80, 443), fc.integer({ min: -1, max: 70_000 })),
  protocol: fc.constantFrom('tcp' as const, 'udp' as const),
  connections: fc.nat(),
  refused: fc.boolean(),
});

test('a proposal is always a valid registration, reads back as it was meant, and leaves nothing to propose', () => {
  fc.assert(
    fc.property(fc.array(observation, { maxLength: 32 }), (observed) => {
      const { add } = proposeEgress(observed, []);
      if (add.length === 0) return;
      const { spec } = parse(egressYaml([], add).join('\n')) as Pick<AgentRegistration, 'spec'>;
      expect(spec.egress?.allow).toEqual(add);
      const workload = { selector: { matchLabels: { app: 'x' } }, serviceAccountName: 'x' };
      const object = {
        ...{ apiVersion: 'aegis.dev/v1alpha1', kind: 'AgentRegistration', metadata: { name: 'x', namespace: 'n' } },
        spec: { ...spec, owner: 'x', workload },
      };
      expect(validateResource(asLoaded(object)).filter(({ severity }) => severity === 'error')).toEqual([]);
      expect(proposeEgress(observed, add).add).toEqual([]);
    }),
  );
});
