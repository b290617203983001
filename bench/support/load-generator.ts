/**
 * A closed-loop HTTP/1.1 load generator in a process of its own: `node load-generator.ts '<LoadPlan as JSON>'` prints
 * one JSON line of LoadResult. It sends one fixed request over keep-alive connections and times each answer.
 */
import { connect, type Socket } from 'node:net';

export interface LoadPlan {
  port: number;
  path: string;
  /** JSON text. */
  body: string;
  connections: number;
  seconds: number;
  /** Text that every answer must contain. */
  expect: string;
}

export interface LoadResult {
  requests: number;
  errors: number;
  seconds: number;
  /** Microseconds. */
  p50: number;
  p99: number;
}

const HEAD_END = Buffer.from('\r\n\r\n');

function requestOf({ port, path, body }: LoadPlan): Buffer {
  return Buffer.from(
    `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

/** Length of the first whole answer in the buffer, or 0. Answers must have a Content-Length or be chunked. */
function answerLength(buffer: Buffer): number {
  const headEnd = buffer.indexOf(HEAD_END);
  if (headEnd < 0) return 0;
  const head = buffer.toString('latin1', 0, headEnd).toLowerCase();
  const start = headEnd + HEAD_END.length;
  const length = /\r\ncontent-length: (\d+)/.exec(head);
  if (length !== null) {
    const end = start + Number(length[1]);
    return buffer.length >= end ? end : 0;
  }
  const last = buffer.indexOf('0\r\n\r\n', start);
  return last < 0 ? 0 : last + 5;
}

function drive(plan: LoadPlan, until: number, times: number[], counts: { errors: number }): Promise<void> {
  const request = requestOf(plan);
  return new Promise((resolve) => {
    let sent = 0n;
    let pending: Buffer = Buffer.alloc(0);
    const socket: Socket = connect(plan.port, '127.0.0.1');
    const send = (): void => {
      if (Date.now() >= until) {
        socket.destroy();
        return;
      }
      sent = process.hrtime.bigint();
      socket.write(request);
    };
    socket.setNoDelay(true);
    socket.on('connect', send);
    socket.on('data', (chunk) => {
      pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
      const length = answerLength(pending);
      if (length === 0) return;
      times.push(Number(process.hrtime.bigint() - sent) / 1000);
      if (!pending.subarray(0, length).includes(plan.expect)) counts.errors++;
      pending = pending.subarray(length);
      send();
    });
    socket.on('error', () => counts.errors++);
    socket.on('close', () => resolve());
  });
}

const plan = JSON.parse(process.argv[2] ?? '{}') as LoadPlan;
const times: number[] = [];
const counts = { errors: 0 };
const start = performance.now();
const until = Date.now() + plan.seconds * 1000;
await Promise.all(Array.from({ length: plan.connections }, () => drive(plan, until, times, counts)));
times.sort((a, b) => a - b);
const at = (share: number): number => times[Math.min(times.length - 1, Math.floor(share * times.length))] ?? Number.NaN;
const result: LoadResult = {
  requests: times.length,
  errors: counts.errors,
  seconds: (performance.now() - start) / 1000,
  p50: at(0.5),
  p99: at(0.99),
};
console.log(JSON.stringify(result));
