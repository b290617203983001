import { type IncomingHttpHeaders, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into whatever came back.
  json: any;
}

export async function listen(server: Server): Promise<number> {
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return (server.address() as AddressInfo).port;
}

/** One request on a connection of its own. `headers` alternate names and values, as they go on the wire. */
export function call(port: number, method: string, path: string, headers: string[] = [], body = ''): Promise<Answer> {
  return new Promise((done, failed) => {
    const names = headers.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase());
    const all = names.includes('host') ? headers : ['Host', `127.0.0.1:${port}`, ...headers];
    if (body !== '' && !names.includes('transfer-encoding'))
      all.push('Content-Length', String(Buffer.byteLength(body)));
    const req = request(
      { port, host: '127.0.0.1', method, path, headers: all, agent: false, setHost: false },
      (res) => {
        const chunks: Buffer[] = [];
        res.on('data', (chunk: Buffer) => chunks.push(chunk));
        res.on('error', failed);
        res.on('end', () => {
          const text = Buffer.concat(chunks).toString();
          const isJson = /json/.test(res.headers['content-type'] ?? '');
          done({
            status: res.statusCode ?? 0,
            headers: res.headers,
            body: text,
            json: isJson ? JSON.parse(text) : undefined,
          });
        });
      },
    );
    req.on('error', failed);
    req.end(body);
  });
}
