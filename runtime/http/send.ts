import type { ServerResponse } from 'node:http';

export function send(res: ServerResponse, status: number, headers: string[], body: string): void {
  const bytes = Buffer.byteLength(body);
  res.writeHead(status, [...headers, 'Content-Length', String(bytes)]);
  res.end(body);
}
