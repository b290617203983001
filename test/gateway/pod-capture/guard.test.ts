import {
  AGENT_UID,
  GATEWAY_UID,
  here,
  OUTSIDE,
  openPodNetwork,
  POD,
  type PodNetwork,
  type Probe,
  whyNot,
  XTABLES,
} from './pod-network.ts';

/** Real sockets of real users, in a network namespace of their own, to servers in another one. */
const reason = whyNot();
const describeHere = reason === undefined ? describe : describe.skip;

describeHere(`the guard of a pod${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let net: PodNetwork;
  beforeAll(async () => {
    net = await openPodNetwork();
    const ports = ['127.0.0.1:15080', '127.0.0.1:15443', '::1:15080', '::1:15443'];
    await net.start(GATEWAY_UID, [here('local.mjs'), ...ports]);
    await net.start(AGENT_UID, [
      here('local.mjs'),
      `${POD.ipv4}:7000`,
      `${POD.ipv6}:7000`,
      '127.0.0.1:7000',
      `${POD.ipv4}:80`,
    ]);
  }, 60_000);
  afterAll(() => net?.close());

  const results = (uid: number, probes: readonly Probe[]): Record<string, string> =>
    Object.fromEntries(net.probe(uid, probes).map((result, at) => [(probes[at] as Probe).join(' '), result]));

  /** Each once, so that what follows proves something. */
  const EVERYWHERE: Probe[] = [
    ...(['ipv4', 'ipv6'] as const).flatMap((family): Probe[] => [
      ['tcp', OUTSIDE[family], 5432],
      ['tcp', OUTSIDE[family], 8080],
      ['udp', OUTSIDE[family], 443],
      ['udp', OUTSIDE[family], 9999],
      ['udp', OUTSIDE[family], 53],
      ['tcp', OUTSIDE[family], 53],
    ]),
    ['tcp', OUTSIDE.other, 8080],
  ];
  const WEB: Probe[] = (['ipv4', 'ipv6'] as const).flatMap((family): Probe[] => [
    ['tcp', OUTSIDE[family], 80],
    ['tcp', OUTSIDE[family], 443],
  ]);
  const DNS: Probe[] = [OUTSIDE.resolver, OUTSIDE.resolver6].flatMap((host): Probe[] => [
    ['udp', host, 53],
    ['tcp', host, 53],
  ]);
  const direct = ([way, host, port]: Probe): string => `${way} ${port} ${host.includes(':') ? POD.ipv6 : POD.ipv4}`;
  const reached = (probes: readonly Probe[]) =>
    Object.fromEntries(probes.map((probe) => [probe.join(' '), direct(probe)]));
  const refused = (probes: readonly Probe[]) =>
    Object.fromEntries(probes.map((probe) => [probe.join(' '), 'ECONNREFUSED']));
  const REDIRECTED = {
    [`tcp ${OUTSIDE.ipv4} 80`]: 'here 127.0.0.1 15080',
    [`tcp ${OUTSIDE.ipv4} 443`]: 'here 127.0.0.1 15443',
    [`tcp ${OUTSIDE.ipv6} 80`]: 'here ::1 15080',
    [`tcp ${OUTSIDE.ipv6} 443`]: 'here ::1 15443',
  };

  test('without rules everything is reached', () => {
    expect(results(AGENT_UID, [...EVERYWHERE, ...WEB, ...DNS])).toEqual(reached([...EVERYWHERE, ...WEB, ...DNS]));
  });

  test.each(['Off', 'Observe'] as const)('%s: 80 and 443 go to the gateway, everything else passes', (guard) => {
    expect(net.capture({ guard })).toMatchObject({ code: 0, stderr: '' });
    expect(results(AGENT_UID, WEB)).toEqual(REDIRECTED);
    expect(results(0, WEB)).toEqual(REDIRECTED);
    expect(results(AGENT_UID, [...EVERYWHERE, ...DNS])).toEqual(reached([...EVERYWHERE, ...DNS]));
    expect(results(GATEWAY_UID, WEB)).toEqual(reached(WEB));
  });

  test('Enforce: nothing leaves the pod but DNS to its name servers, and what the gateway sends', () => {
    const { code, stdout } = net.capture({ guard: 'Enforce' });
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      event: 'capture.applied',
      guard: 'Enforce',
      ipv4: 'applied',
      ipv6: 'applied',
      resolvers: [OUTSIDE.resolver, OUTSIDE.resolver6],
      rules: expect.any(Number),
    });
    for (const uid of [AGENT_UID, 0]) {
      expect(results(uid, EVERYWHERE)).toEqual(refused(EVERYWHERE));
      expect(results(uid, WEB)).toEqual(REDIRECTED);
      expect(results(uid, DNS)).toEqual(reached(DNS));
    }
    expect(results(GATEWAY_UID, [...EVERYWHERE, ...WEB, ...DNS])).toEqual(reached([...EVERYWHERE, ...WEB, ...DNS]));
  });

  test('containers of the pod reach each other, by loopback and by its own addresses', () => {
    const own: Probe[] = [
      ['tcp', '127.0.0.1', 7000],
      ['tcp', POD.ipv4, 7000],
      ['tcp', POD.ipv6, 7000],
      ['tcp', POD.ipv4, 80],
    ];
    expect(Object.values(results(AGENT_UID, own))).toEqual(own.map(([, host, port]) => `here ${host} ${port}`));
  });

  test('whoever connects to the pod is answered', () => {
    const ask = `import('node:net').then(({connect})=>connect(7000,'${POD.ipv4}').on('data',(d)=>console.log(String(d))))`;
    expect(net.outside([process.execPath, '-e', ask])).toBe(`here ${POD.ipv4} 7000\n`);
  });

  test('other protocols of other users stay inside: ping, SCTP, raw IP', () => {
    net.inside(['sh', '-c', 'echo 0 2147483647 >/proc/sys/net/ipv4/ping_group_range']);
    const script = [
      'import os, socket, sys',
      'os.setgid(int(sys.argv[1])); os.setuid(int(sys.argv[1]))',
      'def attempt(make, send):',
      '    try:',
      '        s = make(); s.settimeout(1); send(s); s.recv(100); return "reached"',
      '    except Exception as e: return type(e).__name__ if not isinstance(e, OSError) or not e.errno else "errno %d" % e.errno',
      `v4, v6 = '${OUTSIDE.ipv4}', '${OUTSIDE.ipv6}'`,
      'echo4 = b"\\x08\\x00\\x00\\x00\\x00\\x01\\x00\\x01hello"',
      'echo6 = b"\\x80\\x00\\x00\\x00\\x00\\x01\\x00\\x01hello"',
      'def ping4(): return socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP)',
      'def ping6(): return socket.socket(socket.AF_INET6, socket.SOCK_DGRAM, socket.IPPROTO_ICMPV6)',
      'def raw(): return socket.socket(socket.AF_INET, socket.SOCK_RAW, 132)',
      'def lo(): s = socket.socket(socket.AF_INET, socket.SOCK_STREAM); s.setsockopt(socket.SOL_SOCKET, 25, b"lo\\0"); return s',
      'print(attempt(ping4, lambda s: s.sendto(echo4, (v4, 0))))',
      'print(attempt(ping6, lambda s: s.sendto(echo6, (v6, 0))))',
      'print(attempt(raw, lambda s: s.sendto(b"x" * 16, (v4, 0))))',
      'print(attempt(lo, lambda s: s.connect((v4, 8080))))',
    ].join('\n');
    const ask = (uid: number): string[] =>
      net
        .inside(['python3', '-c', script, String(uid)])
        .trim()
        .split('\n');
    net.outside([XTABLES, 'iptables', '-A', 'INPUT', '-p', '132']);
    const arrived = (): number =>
      Number(/^ *([0-9]+) .* 132 /m.exec(net.outside([XTABLES, 'iptables', '-nvxL', 'INPUT']))?.[1]);
    for (const uid of [AGENT_UID, 0]) for (const outcome of ask(uid)) expect(outcome).not.toBe('reached');
    expect(arrived()).toBe(0);
    // The same by the gateway's user, or without the guard, arrives: so it is the guard that refuses.
    expect(ask(GATEWAY_UID).slice(0, 2)).toEqual(['reached', 'reached']);
    expect(net.capture({ guard: 'Off' }).code).toBe(0);
    expect(ask(0).slice(0, 2)).toEqual(['reached', 'reached']);
    expect(arrived()).toBe(1);
  });

  test('networks that are allowed: without ports all but 80 and 443, with ports these, not redirected', () => {
    expect(net.capture({ allow: [{ cidr: '10.77.0.0/24' }] }).code).toBe(0);
    const open: Probe[] = [
      ['tcp', OUTSIDE.ipv4, 5432],
      ['udp', OUTSIDE.ipv4, 9999],
    ];
    const closed: Probe[] = [
      ['udp', OUTSIDE.ipv4, 443],
      ['udp', OUTSIDE.ipv4, 80],
      ['tcp', OUTSIDE.ipv6, 5432],
      ['tcp', OUTSIDE.other, 8080],
    ];
    expect(results(AGENT_UID, open)).toEqual(reached(open));
    expect(results(AGENT_UID, closed)).toEqual(refused(closed));
    expect(results(AGENT_UID, WEB)).toEqual(REDIRECTED);

    const allow = [
      { cidr: `${OUTSIDE.ipv4}/32`, ports: [443, 5432] },
      { cidr: 'fd77::/64', ports: [80] },
    ];
    expect(net.capture({ allow }).code).toBe(0);
    const left: Probe[] = [
      ['tcp', OUTSIDE.ipv4, 443],
      ['udp', OUTSIDE.ipv4, 443],
      ['tcp', OUTSIDE.ipv4, 5432],
      ['tcp', OUTSIDE.ipv6, 80],
    ];
    const stopped: Probe[] = [
      ['tcp', OUTSIDE.ipv4, 8080],
      ['udp', OUTSIDE.ipv4, 9999],
      ['tcp', OUTSIDE.ipv6, 8080],
    ];
    expect(results(AGENT_UID, left)).toEqual(reached(left));
    expect(results(AGENT_UID, stopped)).toEqual(refused(stopped));
    expect(results(AGENT_UID, [WEB[0] as Probe, WEB[3] as Probe])).toEqual({
      [`tcp ${OUTSIDE.ipv4} 80`]: 'here 127.0.0.1 15080',
      [`tcp ${OUTSIDE.ipv6} 443`]: 'here ::1 15443',
    });
  });

  test('run again, and beside rules of others, it leaves the same, and ours come first', () => {
    const saved = (): string[] =>
      ['iptables-save', 'ip6tables-save'].flatMap((program) =>
        net
          .inside([XTABLES, program])
          .split('\n')
          .filter((line) => line.startsWith('-A')),
      );
    expect(net.capture({}).code).toBe(0);
    const once = saved();
    expect(net.capture({}).code).toBe(0);
    expect(saved()).toEqual(once);
    const foreign =
      '*nat\n:OTHER - [0:0]\n-I OUTPUT 1 -p tcp -j OTHER\n-A OTHER -p tcp -j RETURN\n-A OUTPUT -j AEGIS_CAPTURE\nCOMMIT\n';
    net.inside([XTABLES, 'iptables-restore', '--noflush'], foreign);
    expect(net.capture({}).code).toBe(0);
    const beside = saved();
    expect(beside.filter((line) => !line.includes('OTHER'))).toEqual(once);
    expect(beside.filter((line) => line.startsWith('-A OUTPUT'))).toEqual([
      '-A OUTPUT -j AEGIS_GUARD',
      '-A OUTPUT -j AEGIS_CAPTURE',
      '-A OUTPUT -p tcp -j OTHER',
      '-A OUTPUT -j AEGIS_GUARD',
      '-A OUTPUT -j AEGIS_CAPTURE',
    ]);
    expect(net.capture({ guard: 'Off' }).code).toBe(0);
    expect(saved().some((line) => line.includes('AEGIS_GUARD'))).toBe(false);
  });

  test('without the right to change the network, or without knowing what to do, it fails', () => {
    expect(net.capture('{"version":2}')).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining('AEGIS_CAPTURE_CONFIG'),
    });
    const command = [
      'env',
      'AEGIS_CAPTURE_CONFIG={"version":1,"gatewayUid":16001,"ports":{"http":1,"tls":2},"guard":"Off","allow":[]}',
    ];
    const unprivileged = [
      ...command,
      'setpriv',
      '--bounding-set=-all',
      process.execPath,
      here('../../../gateway/pod-capture/main.ts'),
      XTABLES,
    ];
    expect(() => net.inside(unprivileged)).toThrow(/AEGIS_CAPTURE_RULES/);
  });
});
