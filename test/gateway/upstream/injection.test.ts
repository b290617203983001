import fc from 'fast-check';
import { createUpstreams } from '../../../gateway/upstream/upstreams.ts';
import { exchangeBytes, startFront, startRawTool, targetOf } from './support/front.ts';

test('no bytes in a response header become another header or another response', async () => {
  let text = '';
  const tool = await startRawTool((socket, seen) => {
    if (seen.endsWith('\r\n\r\n')) socket.end(text, 'latin1');
  });
  const upstreams = createUpstreams({ timeouts: { headers: 1000 } });
  const target = targetOf(upstreams, { url: `http://127.0.0.1:${tool.port}` });
  const front = await startFront({ upstreams, target: () => target });
  const byte = fc.oneof(
    fc.constantFrom('\r', '\n', '\r\n', '\0', ':', ' ', '\t', '\x7f'),
    fc.integer({ min: 1, max: 255 }).map((code) => String.fromCharCode(code)),
  );
  try {
    await fc.assert(
      fc.asyncProperty(fc.array(byte, { maxLength: 8 }), async (bytes) => {
        text = `HTTP/1.1 200 OK\r\nX-A: a${bytes.join('')}X-Evil: 1\r\nContent-Length: 2\r\n\r\nok`;
        const seen = await exchangeBytes(front.port, 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
        expect(seen.match(/HTTP\/1\.1 /g)).toHaveLength(1);
        const [head = ''] = seen.split('\r\n\r\n');
        // A line of its own only where the tool itself sent it as one (CR LF), never out of a lone CR or LF.
        if (!bytes.join('').endsWith('\r\n') && !/\r\n/.test(bytes.join(''))) expect(head).not.toMatch(/[\r\n]x-evil/i);
        expect(head.replaceAll('\r\n', '')).not.toMatch(/[\r\n\0]/);
      }),
      { numRuns: 150 },
    );
  } finally {
    await upstreams.close();
    await front.close();
    await tool.close();
  }
});
