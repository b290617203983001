import fc from 'fast-check';
import {
  type AddressKind,
  addressKind,
  canonicalAddress,
  createAddressGuard,
  createNeighbourGuard,
} from '../../../gateway/upstream/address-guard.ts';

test.each<[AddressKind, string[]]>([
  [
    'public',
    ['8.8.8.8', '1.1.1.1', '172.15.0.1', '172.32.0.1', '100.63.0.1', '100.128.0.1', '192.0.1.1', '223.255.255.255'],
  ],
  ['public', ['2606:4700::1111', '2a00:1450::1', '::ffff:8.8.8.8', '64:ff9b::8.8.8.8', '64:ff9b::808:808']],
  [
    'private',
    ['10.0.0.1', '127.0.0.1', '127.255.255.254', '172.16.0.1', '172.31.255.255', '192.168.0.1', '100.64.0.1'],
  ],
  ['private', ['192.0.0.1', '192.0.2.1', '198.18.0.1', '198.51.100.7', '203.0.113.7', '192.88.99.1']],
  ['private', ['::1', 'fc00::1', 'fd12:3456::1', 'fe80::1', 'fec0::1', '100::1', '2001:db8::1', '3fff::1', '5f00::1']],
  [
    'private',
    [
      '::ffff:10.0.0.1',
      '::ffff:7f00:1',
      '64:ff9b::10.0.0.1',
      '64:ff9b:1::808:808',
      '2002:808:808::1',
      '2001:2::1',
      '::8.8.8.8',
    ],
  ],
  [
    'never',
    ['0.0.0.0', '0.1.2.3', '169.254.169.254', '169.254.170.2', '100.100.100.200', '168.63.129.16', '192.0.0.192'],
  ],
  [
    'never',
    ['224.0.0.1', '239.255.255.255', '240.0.0.1', '255.255.255.255', '::', 'ff02::1', 'fd00:ec2::254', 'fd20:ce::254'],
  ],
  [
    'never',
    [
      'fd00:c1::a9fe:a9fe',
      'fd00:42::42',
      'fe80::a9fe:a9fe',
      '::ffff:169.254.169.254',
      '::ffff:0:0',
      '::ffff:a9fe:a9fe',
    ],
  ],
  [
    'never',
    [
      '64:ff9b::169.254.169.254',
      '64:ff9b:1::a9fe:a9fe',
      '2002:a9fe:a9fe::',
      '::169.254.169.254',
      '::ffff:0:169.254.169.254',
    ],
  ],
  ['never', ['2001:0:a9fe:a9fe::1', '2001::5601:5601', 'fe80::5efe:a9fe:a9fe', '2a00::200:5efe:a9fe:a9fe']],
  [
    'never',
    [
      '',
      'localhost',
      '127.1',
      '0x7f.0.0.1',
      '2130706433',
      '010.0.0.1',
      '127.0.0.1%lo',
      'fe80::1%eth0',
      '::ffff:1.2.3',
      '1::2::3',
    ],
  ],
])('%s: %j', (kind, addresses) => {
  for (const address of addresses) expect([address, addressKind(address)]).toEqual([address, kind]);
});

const octet = fc.integer({ min: 0, max: 255 });
const groups = fc.array(fc.integer({ min: 0, max: 0xffff }), { minLength: 8, maxLength: 8 });

/** Every way RFC 4291 has to write the same eight groups. */
function spellings(all: readonly number[]): string[] {
  const hex = all.map((group) => group.toString(16));
  const out = [hex.join(':'), hex.map((group) => group.padStart(4, '0')).join(':'), hex.join(':').toUpperCase()];
  for (let from = 0; from < 8; from += 1) {
    for (let to = from + 1; to <= 8 && all.slice(from, to).every((group) => group === 0); to += 1) {
      out.push(`${hex.slice(0, from).join(':')}::${hex.slice(to).join(':')}`);
    }
  }
  const [a = 0, b = 0] = all.slice(6);
  const dotted = [a >> 8, a & 0xff, b >> 8, b & 0xff].join('.');
  return [...out, `${hex.slice(0, 6).join(':')}:${dotted}`];
}

test('all spellings of an address are the same address', () => {
  const sparse = groups.map((all) => all.map((group) => (group % 3 === 0 ? group : 0)));
  fc.assert(
    fc.property(fc.oneof(groups, sparse), (all) => {
      const [first = '', ...others] = spellings(all);
      for (const other of others) {
        expect(canonicalAddress(other)).toBe(canonicalAddress(first));
        expect(addressKind(other)).toBe(addressKind(first));
      }
    }),
  );
});

const privateV4 = fc.oneof(
  fc.tuple(fc.constant(10), octet, octet, octet),
  fc.tuple(fc.constant(127), octet, octet, octet),
  fc.tuple(fc.constant(172), fc.integer({ min: 16, max: 31 }), octet, octet),
  fc.tuple(fc.constant(192), fc.constant(168), octet, octet),
  fc.tuple(fc.constant(100), fc.integer({ min: 64, max: 127 }), octet, octet),
);
const metadataV4 = fc.tuple(fc.constant(169), fc.constant(254), octet, octet);

/** The IPv6 addresses that lead to an IPv4 address. */
function carriers([a, b, c, d]: readonly number[]): number[][] {
  const high = (((a ?? 0) << 8) | (b ?? 0)) & 0xffff;
  const low = (((c ?? 0) << 8) | (d ?? 0)) & 0xffff;
  return [
    [0, 0, 0, 0, 0, 0xffff, high, low],
    [0, 0, 0, 0, 0xffff, 0, high, low],
    [0, 0, 0, 0, 0, 0, high, low],
    [0x64, 0xff9b, 0, 0, 0, 0, high, low],
    [0x64, 0xff9b, 1, 0, 0, 0, high, low],
    [0x2002, high, low, 0, 0, 0, 0, 1],
    [0x2001, 0, high, low, 0, 0, 0, 1],
    [0x2001, 0, 0x0808, 0x0808, 0, 0, high ^ 0xffff, low ^ 0xffff],
    [0xfe80, 0, 0, 0, 0, 0x5efe, high, low],
    [0xfe80, 0, 0, 0, 0x200, 0x5efe, high, low],
  ];
}

test('no spelling and no carrier of a private address is public', () => {
  const guard = createAddressGuard();
  fc.assert(
    fc.property(privateV4, (bytes) => {
      expect(guard.permits(bytes.join('.'), false)).toBe(false);
      for (const carrier of carriers(bytes).flatMap(spellings)) expect(guard.permits(carrier, false)).toBe(false);
    }),
  );
});

test('nothing ever allows a metadata address, in any spelling or carrier', () => {
  const guard = createAddressGuard(['0.0.0.0/0', '::/0']);
  fc.assert(
    fc.property(metadataV4, (bytes) => {
      expect(guard.permits(bytes.join('.'), true)).toBe(false);
      for (const carrier of carriers(bytes).flatMap(spellings)) expect(guard.permits(carrier, true)).toBe(false);
    }),
  );
});

test('URL spellings of an address are that address before the guard sees it', () => {
  fc.assert(
    fc.property(privateV4, fc.nat(2), ([a, b, c, d], style) => {
      const whole = ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
      const spelled = [
        String(whole),
        `0x${whole.toString(16)}`,
        `0${a.toString(8)}.0x${b.toString(16)}.${(c << 8) | d}`,
      ][style];
      expect(addressKind(new URL(`http://${spelled}/`).hostname)).toBe('private');
    }),
  );
});

test('only the blocks that are allowed', () => {
  const guard = createAddressGuard(['10.1.0.0/16', 'fd00:1::/32']);
  for (const address of ['10.1.2.3', '::ffff:10.1.2.3', 'fd00:1::5', '8.8.8.8'])
    expect(guard.permits(address, false)).toBe(true);
  for (const address of ['10.2.0.1', '127.0.0.1', 'fd00:2::5', '64:ff9b::10.1.2.3', '2002:a01:203::1']) {
    expect(guard.permits(address, false)).toBe(false);
  }
  expect(guard.permits('127.0.0.1', true)).toBe(true);
  for (const block of ['10.1.0.0', '10.1.0.0/33', 'private', '', '10.0.0.0/08']) {
    expect(() => createAddressGuard([block])).toThrow(TypeError);
  }
});

test('never: loopback, link-local or metadata as a neighbour, in any spelling', () => {
  const guard = createNeighbourGuard();
  const byte = fc.integer({ min: 0, max: 255 });
  const address = fc.oneof(
    fc.tuple(byte, byte, byte, byte),
    fc.tuple(fc.constant(127), byte, byte, byte),
    fc.tuple(fc.constant(169), fc.constant(254), byte, byte),
  );
  fc.assert(
    fc.property(address, (bytes) => {
      const plain = bytes.join('.');
      const hex = [0, 2].map((at) => (((bytes[at] as number) << 8) | (bytes[at + 1] as number)).toString(16)).join(':');
      const bad = bytes[0] === 127 || addressKind(plain) === 'never';
      for (const text of [plain, `::ffff:${plain}`, `::ffff:${hex}`, `64:ff9b:1::${hex}`]) {
        if (bad) expect([text, guard.permits(text, false)]).toEqual([text, false]);
      }
      if (!bad) expect(guard.permits(plain, false)).toBe(true);
    }),
  );
  for (const text of ['::1', 'fe80::1', 'fe80::a9fe:a9fe', '::', 'ff02::1', 'nonsense', '']) {
    expect([text, guard.permits(text, false)]).toEqual([text, false]);
  }
  for (const text of ['10.0.0.1', 'fd00::1', '8.8.8.8', '2606:4700::1']) expect(guard.permits(text, false)).toBe(true);
  expect(createNeighbourGuard(['127.0.0.0/8']).permits('127.0.0.1', false)).toBe(true);
});
