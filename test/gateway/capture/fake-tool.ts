import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';

/** What reached the tool. */
export interface Seen {
  method: string;
  url: string;
  headers: string[];
  body: string;
}

type Answer = (req: IncomingMessage, res: ServerResponse) => void;

const ANSWERS: Record<string, Answer> = {
  redirect: (_, res) => res.writeHead(302, { Location: '/elsewhere' }).end(),
  hang: () => undefined,
  reset: (req) => req.socket.destroy(),
  break(req, res) {
    res.writeHead(200, { 'Content-Length': '100' });
    res.write('part', () => req.socket.destroy());
  },
  stream(_, res) {
    res.writeHead(200, { 'Content-Type': 'text/event-stream' });
    res.write('data: 1\n\n');
    setTimeout(() => res.end('data: 2\n\n'), 50);
  },
  flood: (_, res) => res.end(Buffer.alloc(30_000_000, 'x')),
};

const MADE = [
  ['Set-Cookie', 'a=1'],
  ['Set-Cookie', 'b=2'],
  ['Aegis-Decision-Id', 'forged'],
  ['Connection', 'x-hop'],
  ['X-Hop', '1'],
  ['X-Tool', 'yes'],
].flat();

/** A tool whose behaviour hangs on a word in the path: redirect, hang, reset, break, stream, flood. */
export function fakeTool(saw: (request: Seen) => void): Server {
  return createServer((req, res) => {
    const chunks: Buffer[] = [];
    req.on('data', (chunk: Buffer) => chunks.push(chunk));
    req.on('end', () => {
      const { method = '', url = '', rawHeaders } = req;
      saw({ method, url, headers: rawHeaders, body: Buffer.concat(chunks).toString('latin1') });
      const word = Object.keys(ANSWERS).find((name) => url.includes(name));
      if (word === undefined) res.writeHead(201, MADE).end('made');
      else ANSWERS[word]?.(req, res);
    });
  });
}
