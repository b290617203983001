/**
 * An HTTP/1.1 load generator in a process of its own: `node load-generator.ts '<LoadPlan as JSON>'` prints one JSON
 * line of LoadResult. It sends one fixed request over keep-alive connections and times each answer: in a closed loop,
 * or at a fixed rate, where a call is timed from when it was due, so that a stall is not hidden by waiting for it.
 */
import { connect, type Socket } from 'node:net';

export interface LoadPlan {
  port: number;
  path: string;
  body: string;
  connections: number;
  seconds: number;
  /** Text that every answer must contain. */
  expect: string;
  /** Default application/json. */
  contentType?: string;
  /** Calls per second over all connections; absent for a closed loop. */
  rate?: number;
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

function requestOf({ port, path, body, contentType = 'application/json' }: LoadPlan): Buffer {
  return Buffer.from(
    `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Type: ${contentType}\r\n` +
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

interface Run {
  plan: LoadPlan;
  request: Buffer;
  until: number;
  times: number[];
  errors: number;
}

/** One connection: `next` gives the moment (ms, performance.now) at which its next call is due, or none. */
function drive(run: Run, next: () => number | undefined): Promise<void> {
  return new Promise((resolve) => {
    let due = 0;
    let pending: Buffer = Buffer.alloc(0);
    let ended = false;
    const socket: Socket = connect(run.plan.port, '127.0.0.1');
    const send = (): void => {
      const at = next();
      if (at === undefined) {
        ended = true;
        socket.destroy();
        return;
      }
      const write = (): void => {
        // timers may fire a little early
        due = Math.min(at, performance.now());
        socket.write(run.request);
      };
      const wait = at - performance.now();
      if (wait > 0) setTimeout(write, wait);
      else write();
    };
    socket.setNoDelay(true);
    socket.on('connect', send);
    socket.on('data', (chunk) => {
      pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
      const length = answerLength(pending);
      if (length === 0) return;
      run.times.push((performance.now() - due) * 1000);
      if (!pending.subarray(0, length).includes(run.plan.expect)) run.errors++;
      pending = pending.subarray(length);
      send();
    });
    socket.on('error', () => run.errors++);
    socket.on('close', () => {
      if (!ended) run.errors++;
      resolve();
    });
  });
}

/** Calls are due one after another, whichever connection is free first takes the next. */
function schedule({ rate, seconds }: LoadPlan, start: number): () => number | undefined {
  const until = start + seconds * 1000;
  let calls = 0;
  return () => {
    const now = performance.now();
    const at = rate === undefined ? now : start + (calls++ * 1000) / rate;
    return at < until && now < until ? at : undefined;
  };
}

const plan = JSON.parse(process.argv[2] ?? '{}') as LoadPlan;
const start = performance.now();
const run: Run = { plan, request: requestOf(plan), until: start + plan.seconds * 1000, times: [], errors: 0 };
const next = schedule(plan, start);
await Promise.all(Array.from({ length: plan.connections }, () => drive(run, next)));
const times = run.times.sort((a, b) => a - b);
const at = (share: number): number => times[Math.min(times.length - 1, Math.floor(share * times.length))] ?? Number.NaN;
const result: LoadResult = {
  requests: times.length,
  errors: run.errors,
  seconds: (performance.now() - start) / 1000,
  p50: at(0.5),
  p99: at(0.99),
};
console.log(JSON.stringify(result));
