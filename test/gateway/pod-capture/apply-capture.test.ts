import { applyCapture, type PodNetwork } from '../../../gateway/pod-capture/apply-capture.ts';
import { CHAINS, type Table } from '../../../gateway/pod-capture/render-rules.ts';
import type { CaptureConfig } from '../../../policy/wire/capture-config.ts';

const CONFIG: CaptureConfig = {
  version: 1,
  gatewayUid: 16_001,
  ports: { http: 15_080, tls: 15_443 },
  guard: 'Enforce',
  allow: [],
};

/** As much of iptables as is needed: it keeps what it is given. */
class FakePod implements PodNetwork {
  readonly calls: string[] = [];
  readonly saved = new Map<string, string>();
  ipv6 = true;
  fails = (_: string): string | undefined => undefined;
  alter = (text: string): string => text;

  run(program: string, args: readonly string[], input: string): string {
    this.calls.push([program, ...args].join(' '));
    const failure = this.fails(program);
    if (failure !== undefined) throw new Error(failure);
    const [family = '', what] = program.split('-');
    if (what === 'save') return this.saved.get(family) ?? '';
    this.saved.set(family, this.alter(input.replaceAll(/^-D .*\n/gm, '').replaceAll(/^-I (\S+) 1 /gm, '-A $1 ')));
    return '';
  }

  readFile(path: string): string | undefined {
    if (path === '/proc/net/if_inet6') return this.ipv6 ? '' : undefined;
    return 'nameserver 10.96.0.10\n';
  }
}

test('each family is read, changed as one, and read back', () => {
  const pod = new FakePod();
  expect(applyCapture(CONFIG, pod)).toMatchObject({ ipv4: 'applied', ipv6: 'applied', resolvers: ['10.96.0.10'] });
  expect(pod.calls).toEqual(
    ['iptables', 'ip6tables'].flatMap((program) => [
      `${program}-save`,
      `${program}-restore --noflush`,
      `${program}-save`,
    ]),
  );
});

test('without IPv6 in the kernel there is nothing to set', () => {
  const pod = new FakePod();
  pod.ipv6 = false;
  expect(applyCapture(CONFIG, pod)).toMatchObject({ ipv4: 'applied', ipv6: 'absent' });
  expect(pod.calls.every((call) => call.startsWith('iptables'))).toBe(true);
});

test('IPv6 that cannot be guarded keeps a guarded pod from starting, and is told elsewhere', () => {
  const pod = new FakePod();
  pod.fails = (program) => (program === 'ip6tables-restore' ? 'table nat does not exist' : undefined);
  expect(() => applyCapture(CONFIG, pod)).toThrow(
    expect.objectContaining({ code: 'AEGIS_CAPTURE_RULES', message: expect.stringContaining('table nat') }),
  );
  for (const guard of ['Off', 'Observe'] as const) {
    expect(applyCapture({ ...CONFIG, guard }, pod)).toMatchObject({ ipv6: 'failed', reason: expect.any(String) });
  }
});

test.each([
  'Off',
  'Observe',
  'Enforce',
] as const)('IPv4 that cannot be redirected keeps the pod from starting: %s', (guard) => {
  const pod = new FakePod();
  pod.fails = (program) => (program.startsWith('iptables') ? 'no nf_tables' : undefined);
  expect(() => applyCapture({ ...CONFIG, guard }, pod)).toThrow(
    expect.objectContaining({ code: 'AEGIS_CAPTURE_RULES' }),
  );
});

const chain = (table: Table): string => `-A ${CHAINS[table]} `;

test.each([
  ['a rule is missing', (text: string) => text.replace(/^-A AEGIS_GUARD -p tcp -j .*\n/m, '')],
  ['a rule is added', (text: string) => text.replace('COMMIT', `${chain('filter')}-j ACCEPT\nCOMMIT`)],
  ['a rule reads differently', (text: string) => text.replace('--uid-owner 16001', '--uid-owner 1000')],
  ['nothing jumps to the chain', (text: string) => text.replace('-A OUTPUT -j AEGIS_CAPTURE\n', '')],
  [
    'something else comes first',
    (text: string) => text.replace('-A OUTPUT -j AEGIS_GUARD', '-A OUTPUT -j ACCEPT\n-A OUTPUT -j AEGIS_GUARD'),
  ],
  ['nothing was kept', () => ''],
])('read back: %s', (_, alter) => {
  const pod = new FakePod();
  pod.alter = alter;
  expect(() => applyCapture(CONFIG, pod)).toThrow(expect.objectContaining({ code: 'AEGIS_CAPTURE_DIFFERS' }));
});
