import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { parseNetwork } from '../../../gateway/pod-capture/network.ts';
import { CHAINS, type Rules, renderRules } from '../../../gateway/pod-capture/render-rules.ts';
import { cidrContains } from '../../../policy/network/address.ts';
import type { CaptureConfig } from '../../../policy/wire/capture-config.ts';

const CONFIG: CaptureConfig = {
  version: 1,
  gatewayUid: 16_001,
  ports: { http: 15_080, tls: 15_443 },
  guard: 'Enforce',
  allow: [
    { cidr: '10.1.2.3/8' },
    { cidr: '192.0.2.7/32', ports: [443, 5432, 443] },
    { cidr: 'fd00:0:0:1::5/64', ports: [80, 9000] },
    { cidr: '2001:db8::/32' },
  ],
};
const AROUND = { resolvers: ['10.96.0.10', 'fd00::a', '10.96.0.10'] };

function text(rules: Rules): string {
  return (['nat', 'filter', 'mangle'] as const)
    .flatMap((table) => [`*${table}`, ...rules[table].map((rule) => `-A ${CHAINS[table]} ${rule}`)])
    .join('\n');
}

test.each(['Off', 'Observe', 'Enforce'] as const)('the rules under %s', (guard) => {
  const all = (['ipv4', 'ipv6'] as const).map(
    (family) => `# ${family}\n${text(renderRules({ ...CONFIG, guard }, AROUND, family))}\n`,
  );
  expect(all.join('')).toBe(readFileSync(join(__dirname, `testdata/${guard.toLowerCase()}.rules`), 'utf8'));
});

test('a network for every address has no destination', () => {
  const { filter, nat } = renderRules(
    { ...CONFIG, allow: [{ cidr: '0.0.0.0/0' }, { cidr: '::/0', ports: [80] }] },
    { resolvers: [] },
    'ipv4',
  );
  expect(filter).toContain('-p tcp -j ACCEPT');
  expect(nat.filter((rule) => rule.endsWith('RETURN'))).toHaveLength(2);
});

test('the API server is left alone, whose clients go by address; not under Enforce', () => {
  const around = { ...AROUND, apiServer: { address: '10.96.0.1', port: 443 } };
  const rule = '-d 10.96.0.1/32 -p tcp -m tcp --dport 443 -j RETURN';
  expect(renderRules({ ...CONFIG, guard: 'Off' }, around, 'ipv4').nat).toContain(rule);
  expect(renderRules({ ...CONFIG, guard: 'Observe' }, around, 'ipv4').nat).toContain(rule);
  for (const guard of ['Off', 'Observe', 'Enforce'] as const) {
    const without = renderRules({ ...CONFIG, guard }, AROUND, 'ipv6');
    expect(renderRules({ ...CONFIG, guard }, around, 'ipv6')).toEqual(without);
  }
  const enforced = { ...CONFIG, guard: 'Enforce' } as const;
  expect(renderRules(enforced, around, 'ipv4')).toEqual(renderRules(enforced, AROUND, 'ipv4'));
});

test('a spelling of IPv4 in IPv6 allows nothing, because no packet carries it', () => {
  const without = renderRules({ ...CONFIG, allow: [] }, { resolvers: [] }, 'ipv6');
  expect(renderRules({ ...CONFIG, allow: [{ cidr: '::ffff:a00:0/104' }] }, { resolvers: [] }, 'ipv6')).toEqual(without);
});

test.each([
  ['10.1.2.3/8', '10.0.0.0/8'],
  ['255.255.255.255/1', '128.0.0.0/1'],
  ['192.0.2.1/32', '192.0.2.1/32'],
  ['2001:DB8:0:0:1:0:0:0/80', '2001:db8:0:0:1::/80'],
  ['2001:0:0:1:0:0:0:1/128', '2001:0:0:1::1/128'],
  ['2001:db8:0:1:1:1:1:1/128', '2001:db8:0:1:1:1:1:1/128'],
  ['fe80::1/10', 'fe80::/10'],
  ['::1/8', '::/8'],
])('%s reads %s', (cidr, expected) => expect(parseNetwork(cidr)?.text).toBe(expected));

test.each([
  '',
  '10.0.0.0',
  '10.0.0.0/33',
  '10.0.0.0/08',
  '10.0.0/8',
  '1.2.3.4/8/8',
  '::ffff:a00:1/128',
  '::1/128',
  'a/8',
  '::/129',
])('%j is no network', (cidr) => expect(parseNetwork(cidr)).toBeUndefined());

/** A packet that opens a connection, as the rules see it. */
interface Packet {
  uid: number;
  to: string;
  protocol: 'tcp' | 'udp' | 'sctp';
  port: number;
}

const OWN = ['127.0.0.1', '10.244.0.9', '::1', 'fd00:244::9'];

/** What the rules do with it, read as the kernel reads them; conntrack and ICMP never fit a new connection. */
function verdict(rules: readonly string[], packet: Packet): string {
  for (const rule of rules) {
    const [head = '', target = ''] = rule.startsWith('-j ') ? ['', rule.slice(3)] : rule.split(' -j ');
    if (fits(head, packet))
      return target
        .split(' ')
        .slice(0, 1)
        .concat(/to-ports (\d+)/.exec(target)?.[1] ?? [])
        .join(' ');
  }
  return 'none';
}

function fits(head: string, { uid, to, protocol, port }: Packet): boolean {
  const value = (option: string): string | undefined => new RegExp(`(?:^| )${option} (\\S+)`).exec(head)?.[1];
  const tests: boolean[] = [
    value('--uid-owner') === undefined || Number(value('--uid-owner')) === uid,
    value('--dst-type') === undefined || OWN.includes(to),
    value('--ctstate') === undefined,
    value('--icmpv6-type') === undefined,
    value('-p') === undefined || value('-p') === protocol,
    value('--dport') === undefined || Number(value('--dport')) === port,
    value('-d') === undefined || cidrContains(value('-d') as string, to),
  ];
  return tests.every(Boolean);
}

const ADDRESSES = [
  '10.0.0.1',
  '10.9.9.9',
  '10.96.0.10',
  '192.0.2.7',
  '8.8.8.8',
  ...OWN,
  'fd00::a',
  'fd00:0:0:1::9',
  '2001:db8::1',
  '2606::1',
];
const CIDRS = ['10.0.0.0/8', '10.9.0.0/16', '192.0.2.7/32', '0.0.0.0/0', 'fd00::/16', '2001:db8::/32', '::/0'];
const port = fc.constantFrom(53, 80, 443, 5432, 15_080);
const packets = fc.record({
  uid: fc.constantFrom(0, 1000, 16_001),
  to: fc.constantFrom(...ADDRESSES),
  protocol: fc.constantFrom('tcp' as const, 'udp' as const, 'sctp' as const),
  port,
});
const configs = fc.record({
  guard: fc.constantFrom('Off' as const, 'Observe' as const, 'Enforce' as const),
  allow: fc.array(
    fc.record(
      { cidr: fc.constantFrom(...CIDRS), ports: fc.array(port, { minLength: 1, maxLength: 3 }) },
      { requiredKeys: ['cidr'] },
    ),
    {
      maxLength: 3,
    },
  ),
});

type Some = Pick<CaptureConfig, 'guard' | 'allow'>;

/** What the rules are to do with a packet, in words of the configuration. */
function wanted({ allow }: Some, { uid, to, protocol, port: at }: Packet) {
  const web = at === 80 || at === 443;
  const named = allow.some(({ cidr, ports }) => ports?.includes(at) === true && cidrContains(cidr, to));
  const wide = !web && allow.some(({ cidr, ports }) => ports === undefined && cidrContains(cidr, to));
  const dns = at === 53 && AROUND.resolvers.includes(to);
  const free = uid === 16_001 || OWN.includes(to);
  return {
    captured: protocol === 'tcp' && web && !free && !named,
    passes: free || (protocol !== 'sctp' && (dns || named || wide)),
  };
}

test('never: a new connection of another user that leaves the pod and is neither DNS nor allowed', () => {
  fc.assert(
    fc.property(configs, packets, (some, packet) => {
      const family = packet.to.includes(':') ? 'ipv6' : 'ipv4';
      const { nat, filter } = renderRules({ ...CONFIG, ...some }, AROUND, family);
      const { captured, passes } = wanted(some, packet);
      const redirect = `REDIRECT ${packet.port === 80 ? 15_080 : 15_443}`;
      expect(verdict(nat, packet) === redirect).toBe(captured);
      if (some.guard !== 'Enforce') {
        expect(filter).toEqual([]);
        return;
      }
      // What was redirected has an address of the pod by now.
      const after = captured ? { ...packet, to: family === 'ipv4' ? '127.0.0.1' : '::1' } : packet;
      expect(verdict(filter, after)).toBe(captured || passes ? 'ACCEPT' : 'REJECT');
    }),
    { numRuns: 2000 },
  );
});
