import {
  AGENT_UID,
  GATEWAY_UID,
  here,
  OUTSIDE,
  openPodNetwork,
  POD,
  type PodNetwork,
  whyNot,
  XTABLES,
} from './pod-network.ts';

/**
 * The kernel keeps entries of connections for a while after their sockets are gone. Whoever then takes the same source
 * port must not be taken for the gateway.
 */
const reason = whyNot();
const describeHere = reason === undefined ? describe : describe.skip;
const RESETTING = 7443;

describeHere(`what is left to whoever knows the kernel${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let net: PodNetwork;
  beforeAll(async () => {
    net = await openPodNetwork();
    const { ipv4, ipv6 } = OUTSIDE;
    await net.startOutside([here('resetting.mjs'), `${ipv4}:${RESETTING}`, `${ipv6}:${RESETTING}`]);
    await net.start(AGENT_UID, [here('local.mjs'), `${POD.ipv4}:7000`]);
    expect(net.capture({ guard: 'Enforce' }).code).toBe(0);
  }, 60_000);
  afterAll(() => net?.close());

  const from = (uid: number, ...words: (string | number)[]): string =>
    net
      .inside([
        ...['setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups', '--bounding-set=-all', '--no-new-privs'],
        ...[process.execPath, here('from-port.mjs'), ...words.map(String)],
      ])
      .trim();

  test.each([
    'ipv4',
    'ipv6',
  ] as const)('a connection that the server has reset opens no way for its port: %s', (family) => {
    const to = OUTSIDE[family];
    for (const port of [40_001, 40_002, 40_003]) {
      expect(from(GATEWAY_UID, 'tcp', port, to, RESETTING, 'reset')).toBe('ECONNRESET');
      expect(from(AGENT_UID, 'tcp', port, to, RESETTING, 'undecided')).toBe('ECONNREFUSED');
    }
    // the gateway itself may go on
    expect(from(GATEWAY_UID, 'tcp', 40_003, to, RESETTING, 'decided')).toBe('hellodecided!');
  });

  test.each(['ipv4', 'ipv6'] as const)('nor do datagrams that were answered: %s', (family) => {
    const to = OUTSIDE[family];
    expect(from(GATEWAY_UID, 'udp', 40_011, to, 9999, 'decided')).toMatch(/^udp 9999 /);
    expect(from(AGENT_UID, 'udp', 40_011, to, 9999, 'undecided')).toBe('ECONNREFUSED');
  });

  test.each([
    ['iptables', OUTSIDE.ipv4, '127.0.0.0/8'],
    ['ip6tables', OUTSIDE.ipv6, '::1/128'],
  ])('what is redirected to loopback stays there, also from a socket that is bound to the device: %s', (...names) => {
    const [program, to, loopback] = names;
    const bound = [
      'import os, socket, sys',
      `os.setgid(${AGENT_UID}); os.setuid(${AGENT_UID})`,
      's = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET)',
      's.settimeout(1.5); s.setsockopt(socket.SOL_SOCKET, 25, b"eth0\\0")',
      'try: s.connect((sys.argv[1], 443)); print("connected")',
      'except OSError as e: print("not connected")',
    ].join('\n');
    const attempt = (): string => net.inside(['python3', '-c', bound, to]).trim();
    const stopped = (): number =>
      Number(/^ *([0-9]+) .* DROP /m.exec(net.inside([XTABLES, program, '-t', 'mangle', '-nvxL', 'AEGIS_DOOR']))?.[1]);
    net.outside([XTABLES, program, '-t', 'raw', '-A', 'PREROUTING', '-i', 'eth0', '-d', loopback]);
    const arrived = (): number =>
      Number(/^ *([0-9]+) .* eth0 /m.exec(net.outside([XTABLES, program, '-t', 'raw', '-nvxL', 'PREROUTING']))?.[1]);
    expect(stopped()).toBe(0);
    expect(attempt()).toBe('not connected');
    // without the rule they would be on the wire
    expect(stopped()).toBeGreaterThan(0);
    expect(arrived()).toBe(0);
  });
});
