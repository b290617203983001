import type { Redis, RedisOptions } from 'ioredis';
import { AegisError } from '../../policy/errors.ts';
import type { LimitStoreStatus } from './limit-store.ts';
import { LIMIT_SCRIPT } from './redis-limit-script.ts';

/** One connection to Redis or Valkey that fails fast: no queue, no second sending, every answer bounded in time. */
export interface RedisLinkOptions {
  /** `redis://host:6379/0`, `rediss://…` (TLS), or `unix:///path/to/socket?db=0`. No password in it. */
  url: string;
  /** Asked before every connection, so that a rotated password is taken up. */
  credentials?: () => { username?: string; password?: string };
  /** PEM texts; `ca` instead of the public authorities, `cert` and `key` where the server wants one of the client. */
  tls?: { ca?: string; cert?: string; key?: string; serverName?: string };
  /** Longest wait for an answer, ms; default 250. */
  timeout?: number;
  /** An answer that is later than this ends the connection, ms; default 5,000. */
  hangUpAfter?: number;
  /** Longest pause between two attempts to connect, ms; default 5,000. */
  maxBackoff?: number;
}

export interface RedisLinkDeps {
  /** ms since the epoch. */
  now(): number;
  /** From 0 to 1, for jitter. */
  random(): number;
  /** Each change, for metrics and the log. */
  onStatus?(status: LimitStoreStatus): void;
}

/** The script's answer was not had in time, or at all. */
export class LinkFailure extends AegisError {
  /** What the command did, once that is known: its answer, or nothing where nobody will. Absent: it never left. */
  readonly later: Promise<unknown[] | undefined> | undefined;

  constructor(reason: string, later?: Promise<unknown[] | undefined>) {
    super('AEGIS_LIMITS_UNAVAILABLE', `The store of the limits could not be asked (${reason}).`);
    this.later = later;
  }
}

export interface RedisLink {
  /** Runs the script. Rejects with a LinkFailure. */
  run(keys: readonly string[], args: readonly string[]): Promise<unknown[]>;
  status(): LimitStoreStatus;
  /** Called whenever it becomes ready, the first time included. */
  onReady(listener: () => void): void;
  close(): Promise<void>;
}

const FIRST_BACKOFF = 50;
const TIMEOUT = 250;
const HANG_UP_AFTER = 5_000;
const MAX_BACKOFF = 5_000;
const DISCONNECT_TIMEOUT = 200;

type ScriptRunner = { aegisLimits(count: number, ...rest: string[]): Promise<unknown> };

function badUrl(message: string): never {
  throw new AegisError('AEGIS_LIMITS_CONFIG', message);
}

/** A short code of what went wrong. Errors of the server begin with one; their texts may repeat what was sent. */
function reasonOf(error: unknown): string {
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown };
  if (typeof code === 'string' && /^[A-Z0-9_]{1,40}$/.test(code)) return code;
  return typeof message === 'string' ? (/^[A-Z]{2,20}(?= )/.exec(message)?.[0] ?? 'FAILED') : 'FAILED';
}

function endpointOf(
  url: string,
): Pick<RedisOptions, 'host' | 'port' | 'path' | 'db' | 'username'> & { secure: boolean } {
  if (!URL.canParse(url)) badUrl('The address of the limit store is no URL.');
  const { protocol, hostname, port, pathname, username, password, searchParams } = new URL(url);
  if (password !== '') badUrl('The address of the limit store holds a password; give it in a file.');
  const user = username === '' ? {} : { username: decodeURIComponent(username) };
  const dbText = protocol === 'unix:' ? (searchParams.get('db') ?? '') : pathname.slice(1);
  if (!/^[0-9]{0,4}$/.test(dbText)) badUrl('The address of the limit store ends in no number of a database.');
  const db = Number(dbText);
  if (protocol === 'unix:') return { path: decodeURIComponent(pathname), db, secure: false, ...user };
  if (protocol !== 'redis:' && protocol !== 'rediss:') badUrl('The limit store is reached by redis, rediss or unix.');
  if (hostname === '') badUrl('The address of the limit store names no host.');
  const host = hostname.replace(/^\[|\]$/g, '');
  return { host, port: port === '' ? 6379 : Number(port), db, secure: protocol === 'rediss:', ...user };
}

function tlsOf(options: RedisLinkOptions): RedisOptions['tls'] {
  const { serverName, ...pem } = options.tls ?? {};
  return { ...pem, ...(serverName !== undefined && { servername: serverName }), minVersion: 'TLSv1.2' };
}

/** Starts to connect and goes on trying; does not wait for it. ioredis is loaded here and nowhere else. */
export async function openRedisLink(options: RedisLinkOptions, deps: RedisLinkDeps): Promise<RedisLink> {
  const { secure, ...endpoint } = endpointOf(options.url);
  const { Redis: Client } = await import('ioredis');
  const redis = new Client({
    ...endpoint,
    ...options.credentials?.(),
    ...(secure && { tls: tlsOf(options) }),
    protocol: 2,
    lazyConnect: true,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    disableClientInfo: true,
    connectTimeout: options.hangUpAfter ?? HANG_UP_AFTER,
    socketTimeout: options.hangUpAfter ?? HANG_UP_AFTER,
    disconnectTimeout: DISCONNECT_TIMEOUT,
    // A replica that was the master: look the master up again.
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
    retryStrategy: (times) => {
      try {
        Object.assign(redis.options, options.credentials?.());
      } catch {
        // Cannot be read just now: the server decides whether the last ones are still good.
      }
      const longest = Math.min(options.maxBackoff ?? MAX_BACKOFF, FIRST_BACKOFF * 2 ** Math.min(times, 20));
      return Math.ceil(longest * (0.5 + deps.random() / 2));
    },
  });
  redis.defineCommand('aegisLimits', { lua: LIMIT_SCRIPT });
  return watch(redis, options, deps);
}

function watch(redis: Redis, options: RedisLinkOptions, deps: RedisLinkDeps): RedisLink {
  const timeout = options.timeout ?? TIMEOUT;
  const listeners: (() => void)[] = [];
  let status: LimitStoreStatus = { state: 'connecting', since: deps.now() };
  /** Commands whose answer is overdue. */
  let overdue = 0;

  function become(state: LimitStoreStatus['state'], reason?: string): void {
    if (status.state === 'closed') return;
    const { evicts } = status;
    const changed = status.state !== state || status.reason !== reason;
    const since = status.state === state ? status.since : deps.now();
    status = { state, since, ...(reason !== undefined && { reason }), ...(evicts !== undefined && { evicts }) };
    if (changed) deps.onStatus?.(status);
    if (changed && state === 'ready') for (const listener of listeners) listener();
  }

  async function checkEviction(): Promise<void> {
    const info = await redis.info('memory');
    const bounded = !/^maxmemory:0\r?$/m.test(info);
    status = { ...status, evicts: bounded && !/^maxmemory_policy:noeviction\r?$/m.test(info) };
    deps.onStatus?.(status);
  }

  function isOverdue(answer: Promise<unknown>): void {
    overdue += 1;
    become('slow', 'TIMEOUT');
    const arrived = (): void => {
      overdue -= 1;
      if (overdue === 0 && redis.status === 'ready') become('ready');
    };
    answer.then(arrived, arrived);
  }

  redis.on('ready', () => {
    become('ready');
    checkEviction().catch(() => undefined);
  });
  redis.on('close', () => become('connecting', status.reason ?? 'CLOSED'));
  redis.on('error', (error) => become(redis.status === 'ready' ? status.state : 'connecting', reasonOf(error)));
  redis.connect().catch(() => undefined);

  function run(keys: readonly string[], args: readonly string[]): Promise<unknown[]> {
    if (status.state !== 'ready' || redis.status !== 'ready') {
      return Promise.reject(new LinkFailure(status.reason ?? status.state));
    }
    const sent = (redis as unknown as ScriptRunner).aegisLimits(keys.length, ...keys, ...args);
    const later = sent.then(
      (answer) => (Array.isArray(answer) ? answer : undefined),
      () => undefined,
    );
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        isOverdue(later);
        reject(new LinkFailure('TIMEOUT', later));
      }, timeout);
      const failed = (reason: string): void => {
        clearTimeout(timer);
        reject(new LinkFailure(reason, later));
      };
      sent.then(
        (answer) => {
          clearTimeout(timer);
          if (Array.isArray(answer)) resolve(answer);
          else failed('ANSWER');
        },
        (error: unknown) => failed(reasonOf(error)),
      );
    });
  }

  return {
    run,
    status: () => status,
    onReady: (listener) => listeners.push(listener),
    close: async () => {
      if (status.state === 'closed') return;
      const polite = redis.status === 'ready';
      become('closed');
      if (polite) await Promise.race([redis.quit().catch(() => undefined), pause(timeout)]);
      redis.disconnect();
    },
  };
}

function pause(time: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, time).unref());
}
