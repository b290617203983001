import { execFile } from 'node:child_process';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

/** What the attempts are made of. Each tells in a few words how it ended, and takes its time from a bound. */
const WAIT = 4_000;

export interface Way {
  host: string;
  port: number;
  /** TLS with this server name; `''`: without one. */
  serverName?: string;
  alpn?: string[];
  /** A tunnel that is opened first. */
  connect?: string;
  localAddress?: string;
  localPort?: number;
}

/** Sends bytes and gives back what came, until the other side ends or nothing has come for a while. */
export function send(way: Way, bytes: string, patience = 1_500): Promise<string> {
  return new Promise((resolve) => {
    const parts: Buffer[] = [];
    const { host, port, localAddress, localPort } = way;
    const socket = connectTcp({
      host,
      port,
      ...(localAddress !== undefined && { localAddress }),
      ...(localPort !== undefined && { localPort }),
    });
    let quiet: NodeJS.Timeout | undefined;
    const done = (word: string): void => {
      clearTimeout(deadline);
      clearTimeout(quiet);
      socket.destroy();
      const text = Buffer.concat(parts).toString('latin1');
      resolve(text === '' ? word : text);
    };
    const deadline = setTimeout(() => done('silence'), WAIT);
    const listen = (stream: Socket): void => {
      stream.on('data', (chunk) => {
        parts.push(chunk);
        clearTimeout(quiet);
        quiet = setTimeout(() => done('silence'), patience);
      });
      stream.on('error', (error: NodeJS.ErrnoException) => done(error.code ?? error.message));
      stream.on('close', () => done('closed'));
    };
    socket.on('error', (error: NodeJS.ErrnoException) => done(error.code ?? error.message));
    socket.once('connect', () => {
      if (way.connect === undefined) begin(socket);
      else {
        socket.write(`CONNECT ${way.connect} HTTP/1.1\r\nHost: ${way.connect}\r\n\r\n`);
        socket.once('data', (chunk) => {
          if (/^HTTP\/1\.1 200 /.test(chunk.toString('latin1'))) begin(socket);
          else {
            parts.push(chunk);
            listen(socket);
          }
        });
        socket.once('close', () => done('closed'));
      }
    });
    const begin = (plain: Socket): void => {
      const { serverName, alpn } = way;
      if (serverName === undefined) {
        listen(plain);
        plain.write(bytes, 'latin1');
        return;
      }
      const options = { rejectUnauthorized: false, ...(alpn !== undefined && { ALPNProtocols: alpn }) };
      const secure = connectTls({ socket: plain, ...(serverName !== '' && { servername: serverName }), ...options });
      listen(secure);
      secure.once('secureConnect', () => secure.write(bytes, 'latin1'));
    };
  });
}

/** Statuses, codes and decisions of all answers in what came, or the words themselves. */
export function told(text: string): string {
  const answers = text.split(/(?=HTTP\/1\.[01] \d{3} )/).filter((part) => part.startsWith('HTTP/'));
  if (answers.length === 0) return text.replace(/[^\x20-\x7e]+/g, '.').slice(0, 80);
  return answers
    .map((answer) => {
      const [, status = ''] = /^HTTP\/1\.\d (\d{3})/.exec(answer) ?? [];
      const [, code] = /"code": ?"([A-Za-z_]+)"/.exec(answer) ?? [];
      const [, id] = /^aegis-decision-id: *(\S+)/im.exec(answer) ?? [];
      return [status, code, id && `[${id}]`].filter((word) => word !== undefined).join(' ');
    })
    .join(', ');
}

export async function ask(way: Way, bytes: string): Promise<string> {
  return told(await send(way, bytes));
}

/** All answers, one after the other. */
export async function askAll(way: Way, requests: readonly string[]): Promise<string> {
  const answers = await Promise.all(requests.map((bytes) => ask(way, bytes)));
  return [...new Set(answers)].join('; ');
}

/** A request without a body. */
export function get(target: string, host: string, ...headers: string[]): string {
  return `${['GET ', target, ' HTTP/1.1\r\nHost: ', host].join('')}\r\n${headers.map((line) => `${line}\r\n`).join('')}Connection: close\r\n\r\n`;
}

/** Whether a connection comes about: `connected`, `ECONNREFUSED`… */
export function tcp(host: string, port: number, local: Partial<Way> = {}): Promise<string> {
  return new Promise((resolve) => {
    const { localAddress, localPort } = local;
    const socket = connectTcp({
      host,
      port,
      ...(localAddress !== undefined && { localAddress }),
      ...(localPort !== undefined && { localPort }),
    });
    const done = (word: string): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(word);
    };
    const timer = setTimeout(() => done('silence'), WAIT);
    socket.on('error', (error: NodeJS.ErrnoException) => done(error.code ?? error.message));
    socket.once('connect', () => done('connected'));
  });
}

/** One word for the outcomes of many: `ECONNREFUSED ×12`. */
export async function together(outcomes: readonly Promise<string>[]): Promise<string> {
  const counts = new Map<string, number>();
  for (const word of await Promise.all(outcomes)) counts.set(word, (counts.get(word) ?? 0) + 1);
  return [...counts].map(([word, count]) => (count === 1 ? word : `${word} ×${count}`)).join(', ');
}

/** Last line of what a command says, on either output. */
export function run(command: string, ...args: string[]): Promise<string> {
  return new Promise((resolve) => {
    execFile(command, args, { encoding: 'utf8', timeout: 40_000 }, (error, stdout, stderr) => {
      const said = `${stdout}\n${stderr}`.trim().split('\n').at(-1) ?? '';
      const [code] = error === null ? [''] : [typeof error.code === 'string' ? error.code : `exit ${error.code}`];
      resolve([said.trim().slice(0, 120), code].filter((word) => word !== '').join(' | ') || 'nothing said');
    });
  });
}

export function shell(script: string): Promise<string> {
  return run('sh', '-c', script);
}

const PYTHON = `
import errno, os, socket, struct, sys
def name(e): return errno.errorcode.get(e.errno, str(e)) if isinstance(e, OSError) and e.errno else type(e).__name__
def attempt(work):
    try:
        return work() or "done"
    except BaseException as e:
        return name(e)
`;

/** Steps in Python, for sockets that Node does not know: each prints a word by \`say(attempt(lambda: …))\`. */
export async function python(script: string, ...args: string[]): Promise<string> {
  const words = `${PYTHON}words = []\n${script}\nprint(", ".join(dict.fromkeys(words)))\n`;
  return run('python3', '-c', words, ...args);
}
