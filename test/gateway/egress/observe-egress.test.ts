import { observeEgress } from '../../../gateway/egress/observe-egress.ts';
import { EgressCounts } from '../../../gateway/reports/egress-counts.ts';
import { until } from '../capture/harness.ts';

const line = (inode: number, remote: string, uid = 1000): string =>
  `   1: 0900F40A:C350 ${remote} 01 00000000:00000000 02:00000B6E 00000000  ${uid}        0 ${inode} 2 0 20 4 30 10 -1\n`;

function world(files: Record<string, string | undefined>) {
  const seen: string[] = [];
  const errors: unknown[] = [];
  const looks = { count: 0 };
  const observer = observeEgress({
    async readFile(path) {
      if (path === '/proc/net/tcp') looks.count++;
      const text = files[path];
      if (text === undefined) throw Object.assign(new Error('none'), { code: 'ENOENT' });
      return text;
    },
    littleEndian: true,
    ownUid: 16_001,
    redirected: new Set([80, 443]),
    ownAddresses: () => ['10.244.0.9', 'fe80::1'],
    seen: ({ protocol, address, port }) => seen.push(`${protocol} ${address} ${port}`),
    failed: (error) => errors.push(error),
    interval: 5,
  });
  const look = async (): Promise<void> => {
    const before = looks.count;
    await until('two more looks', () => looks.count >= before + 2);
  };
  return { seen, errors, observer, look };
}

test('every connection once, as long as it is open; a name server of this pod is none', async () => {
  const files: Record<string, string> = {
    '/etc/resolv.conf': 'nameserver 10.96.0.10\n',
    '/proc/net/tcp': line(1, '08080808:1538') + line(2, '0A00600A:0035') + line(3, '08080808:1538', 16_001),
    '/proc/net/udp': '',
    '/proc/net/udp6': line(9, 'B80D01200000000000000000020000FF:01BB'),
  };
  const { seen, errors, observer, look } = world(files);
  await observer;
  await look();
  expect(seen).toEqual(['tcp 8.8.8.8 5432', 'udp 2001:db8::ff00:2 443']);
  await look();
  expect(seen).toHaveLength(2);
  files['/proc/net/tcp'] = line(4, '08080808:1538');
  await look();
  expect(seen.slice(2)).toEqual(['tcp 8.8.8.8 5432']);
  expect(errors).toEqual([]);
  (await observer).stop();
});

test('where nothing can be read, that is told once', async () => {
  const { errors, observer, look } = world({});
  await observer;
  await look();
  expect(errors).toHaveLength(1);
  (await observer).stop();
});

test('so many destinations are told apart, and no more; each is told once as new', () => {
  const news: string[] = [];
  let connections = 0;
  const counts = new EgressCounts({
    ticks: () => 0,
    max: 2,
    onNew: ({ destination }) => news.push(destination),
    onConnection: () => connections++,
  });
  for (const destination of ['a', 'b', 'a', 'c', 'c']) {
    counts.seen({ destination, port: 443, protocol: 'tcp', refused: false });
  }
  counts.seen({ destination: 'a', port: 443, protocol: 'tcp', refused: true });
  expect(news).toEqual(['a', 'b']);
  expect(connections).toBe(6);
  expect(counts.table.overflow).toBe(3);
  const { counts: told } = counts.untold();
  expect(told).toEqual([
    { destination: 'a', port: 443, protocol: 'tcp', refused: false, connections: 2 },
    { destination: 'b', port: 443, protocol: 'tcp', refused: false, connections: 1 },
  ]);
});
