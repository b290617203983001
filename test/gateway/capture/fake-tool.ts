import { createServer, type Server } from 'node:http';

/** What reached the tool. */
export interface Seen {
  method: string;
  url: string;
  headers: string[];
  body: string;
}

/** A tool whose behaviour hangs on a word in the path: redirect, hang, reset, break, stream. */
export function fakeTool(saw: (request: Seen) => void): Server {
  return createServer((req, res) => {
    const chunks: Buffer[] = [];
    req.on('data', (chunk: Buffer) => chunks.push(chunk));
    req.on('end', () => {
      saw({
        method: req.method ?? '',
        url: req.url ?? '',
        headers: req.rawHeaders,
        body: Buffer.concat(chunks).toString('latin1'),
      });
      if (req.url?.includes('redirect')) res.writeHead(302, { Location: '/elsewhere' }).end();
      else if (req.url?.includes('hang')) return;
      else if (req.url?.includes('reset')) req.socket.destroy();
      else if (req.url?.includes('break')) {
        res.writeHead(200, { 'Content-Length': '100' });
        res.write('part', () => req.socket.destroy());
      } else if (req.url?.includes('stream')) {
        res.writeHead(200, { 'Content-Type': 'text/event-stream' });
        res.write('data: 1\n\n');
        setTimeout(() => res.end('data: 2\n\n'), 50);
      } else {
        res.writeHead(201, [
          'Set-Cookie',
          'a=1',
          'Set-Cookie',
          'b=2',
          'Aegis-Decision-Id',
          'forged',
          'Connection',
          'x-hop',
          'X-Hop',
          '1',
          'X-Tool',
          'yes',
        ]);
        res.end('made');
      }
    });
  });
}
