import fc from 'fast-check';
import { type PastTheGatewayOptions, pastTheGateway } from '../../../gateway/egress/past-the-gateway.ts';
import { parseSockets } from '../../../gateway/egress/proc-sockets.ts';

const HEAD = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode';

/** As the kernel prints it on a little-endian machine. */
const TCP = `${HEAD}
   0: 0100007F:3AE8 00000000:0000 0A 00000000:00000000 00:00000000 00000000 16001        0 1001 1 0000000000000000 100 0 0 10 0
   1: 0900F40A:C350 08080808:1538 01 00000000:00000000 02:00000B6E 00000000  1000        0 1002 2 0000000000000000 20 4 30 10 -1
   2: 0900F40A:C351 08080808:01BB 01 00000000:00000000 02:00000B6E 00000000  1000        0 1003 2 0000000000000000 20 4 30 10 -1
   3: 0900F40A:C352 08080808:20FB 02 00000001:00000000 01:00000064 00000000  1000        0 1004 2 0000000000000000 20 4 30 10 -1
   4: 0900F40A:1F90 0500F40A:D000 01 00000000:00000000 00:00000000 00000000  1000        0 1005 1 0000000000000000 20 4 30 10 -1
   5: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 1006 1 0000000000000000 100 0 0 10 0
   6: 0900F40A:C353 08080808:1538 06 00000000:00000000 03:00000B6E 00000000     0        0 0 3 0000000000000000
   7: 0900F40A:C354 0A00600A:0035 01 00000000:00000000 00:00000000 00000000  1000        0 1007 1 0000000000000000 20 4 30 10 -1
   8: 0900F40A:C355 08080808:1538 01 00000000:00000000 00:00000000 00000000 16001        0 1008 1 0000000000000000 20 4 30 10 -1
   9: 0100007F:C356 0100007F:1FF5 01 00000000:00000000 00:00000000 00000000  1000        0 1009 1 0000000000000000 20 4 30 10 -1
  10: 0900F40A:C357 0900F40A:1B58 01 00000000:00000000 00:00000000 00000000  1000        0 1010 1 0000000000000000 20 4 30 10 -1
`;
const TCP6 = `${HEAD}
   0: 0000000000000000FFFF00000900F40A:C360 0000000000000000FFFF000004040808:0016 01 00000000:00000000 00:00000000 00000000  1001        0 2001 1 0000000000000000 20 4 30 10 -1
   1: B80D01200000000000000000010000FF:C361 B80D01200000000000000000020000FF:1538 01 00000000:00000000 00:00000000 00000000  1001        0 2002 1 0000000000000000 20 4 30 10 -1
   2: 00000000000000000000000001000000:C362 00000000000000000000000001000000:1538 01 00000000:00000000 00:00000000 00000000  1001        0 2003 1 0000000000000000 20 4 30 10 -1
`;
const UDP = `${HEAD}
  10: 0900F40A:8000 08080808:01BB 01 00000000:00000000 00:00000000 00000000  1000        0 3001 2 0000000000000000 0
  11: 00000000:8001 00000000:0000 07 00000000:00000000 00:00000000 00000000  1000        0 3002 2 0000000000000000 0
  12: 0900F40A:8002 0A00600A:0035 01 00000000:00000000 00:00000000 00000000  1000        0 3003 2 0000000000000000 0
  13: 0900F40A:8003 08080808:0035 01 00000000:00000000 00:00000000 00000000  1000        0 3004 2 0000000000000000 0
`;

const OPTIONS: PastTheGatewayOptions = {
  ownUid: 16_001,
  resolvers: new Set(['10.96.0.10']),
  redirected: new Set([80, 443]),
  own: new Set(['10.244.0.9']),
};

test('the lines of the kernel are read', () => {
  const sockets = parseSockets(TCP6, true);
  expect(sockets.map(({ local, remote }) => [local.address, remote.address, remote.port])).toEqual([
    ['10.244.0.9', '8.8.4.4', 22],
    ['2001:db8:0:0:0:0:ff00:1', '2001:db8:0:0:0:0:ff00:2', 5432],
    ['0:0:0:0:0:0:0:1', '0:0:0:0:0:0:0:1', 5432],
  ]);
  expect(parseSockets(TCP, true)[1]).toEqual({
    local: { address: '10.244.0.9', port: 50_000 },
    remote: { address: '8.8.8.8', port: 5432 },
    state: 1,
    uid: 1000,
    inode: 1002,
  });
  const bigEndian = TCP.replace('0900F40A:C350 08080808', '0AF40009:C350 08080404');
  expect(parseSockets(bigEndian, false)[1]).toMatchObject({
    local: { address: '10.244.0.9' },
    remote: { address: '8.8.4.4' },
  });
});

test('past the gateway is what others connect to outside, but not DNS, nor what is redirected or came from outside', () => {
  const tables = { tcp: parseSockets(TCP + TCP6, true), udp: parseSockets(UDP, true) };
  const found = pastTheGateway(tables, OPTIONS).map(({ protocol, address, port }) => `${protocol} ${address} ${port}`);
  expect(found).toEqual([
    'tcp 8.8.8.8 5432',
    'tcp 8.8.8.8 8443',
    'tcp 8.8.4.4 22',
    'tcp 2001:db8:0:0:0:0:ff00:2 5432',
    'udp 8.8.8.8 443',
    'udp 8.8.8.8 53',
  ]);
  const all = pastTheGateway(tables, { ...OPTIONS, redirected: new Set() });
  expect(all.map(({ port }) => port)).toContain(443);
});

test('never: an error, or a socket that is not written down, whatever the text', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...' \n:0123456789ABCDEFx') }), fc.boolean(), (text, little) => {
      for (const { remote, local } of parseSockets(text, little)) {
        expect(remote.port).toBeLessThan(65_536);
        expect(local.address).toMatch(/[.:]/);
      }
    }),
  );
});

test('what is printed is read back', () => {
  const word = fc.integer({ min: 0, max: 0xff_ff_ff_ff });
  const hex = (value: number, size: number): string => value.toString(16).toUpperCase().padStart(size, '0');
  fc.assert(
    fc.property(word, fc.integer({ min: 0, max: 65_535 }), fc.integer({ min: 0, max: 2 ** 31 }), (ip, port, uid) => {
      const line = `  5: 0100007F:0001 ${hex(ip, 8)}:${hex(port, 4)} 01 00000000:00000000 00:00000000 00000000 ${uid} 0 77 1 0`;
      const [socket] = parseSockets(line, false);
      const address = [24, 16, 8, 0].map((shift) => (ip >>> shift) & 0xff).join('.');
      expect(socket).toMatchObject({ remote: { address, port }, uid, inode: 77 });
    }),
  );
});
