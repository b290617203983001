import { existsSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { type Attempt, undecided } from './attempt.ts';
import { ask, get, python, tcp } from './tries.ts';

/** While somebody outside of the pod kills the gateway: both sides tell each other by files. */
export const READY = '/tmp/escapes/ready';
export const KILLED = '/tmp/escapes/killed';
/** For which the attempts go on afterwards, and at most. */
const AFTER = 3_000;
const AT_MOST = 30_000;
const GATEWAY_PORTS = [15_080, 15_443, 15_001];

function isOver(): () => boolean {
  let end = Date.now() + AT_MOST;
  let killed = false;
  return () => {
    if (!killed && existsSync(KILLED)) {
      killed = true;
      end = Math.min(end, Date.now() + AFTER);
    }
    return Date.now() > end;
  };
}

export const CRASH: readonly Attempt[] = [
  {
    name: 'connections in the gap, while the gateway is away',
    why: 'the rules are the kernel’s, not the gateway’s: what is redirected meets nobody, the rest is refused',
    ends: /^gap seen; (?:(?:ECONNREFUSED|ECONNRESET|EADDRNOTAVAIL|closed|403|503|silence)(?:, |$))+$/,
    async run({ tool }) {
      const words = new Set<string>();
      let gap = false;
      for (const over = isOver(); !over(); ) {
        const [direct, plain, secure] = await Promise.all([
          tcp(tool.address, 8080),
          ask({ host: tool.address, port: 80 }, get(undecided('gap'), tool.host)),
          ask({ host: tool.address, port: 443, serverName: tool.host }, get(undecided('gap'), tool.host)),
        ]);
        gap ||= /^(?:ECONNREFUSED|ECONNRESET|closed)$/.test(plain);
        for (const word of [direct, plain, secure]) words.add(word.replace(/^(\d{3}) .*/, '$1'));
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      return `${gap ? 'gap seen' : 'no gap'}; ${[...words].join(', ')}`;
    },
  },
  {
    name: 'a connection that was open before the gateway died',
    why: 'it ended in the gateway; there is no other end that could go on',
    ends: /^(?:closed|ECONNRESET)$/,
    run: ({ tool }) =>
      new Promise((resolve) => {
        const socket = connect({ host: tool.address, port: 80 });
        socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''));
        socket.on('close', () => resolve('closed'));
        // a head that never ends
        const head = `GET ${undecided('before')} HTTP/1.1\r\nHost: ${tool.host}\r\n`;
        socket.write(head, () => writeFileSync(READY, ''));
        const over = isOver();
        const timer = setInterval(() => {
          socket.write('X-A: b\r\n');
          if (!over()) return;
          clearInterval(timer);
          resolve('still open');
        }, 100);
        socket.once('close', () => clearInterval(timer));
      }),
  },
  {
    name: 'the source ports that the dead gateway had',
    why: 'the kernel keeps its entries for a while; what opens a connection is never taken for a part of them',
    ends: /^(?:tried \d+; )?(?:(?:EADDRINUSE|ECONNREFUSED|EADDRNOTAVAIL|nothing)(?:, |$))+$/,
    run: ({ tool, gatewayUid }) =>
      python(
        `
import time
tool, uid = sys.argv[1], sys.argv[2]
target = socket.inet_aton(tool)[::-1].hex().upper() + ":01BB"
ports, end, killed = set(), time.time() + ${AT_MOST / 1000}, False
while time.time() < end:
    if not killed and os.path.exists("${KILLED}"):
        killed, end = True, time.time() + ${AFTER / 1000}
    for line in open("/proc/net/tcp"):
        part = line.split()
        if part[2] == target and part[7] == uid: ports.add(int(part[1].split(":")[1], 16))
    for port in sorted(ports):
        s = socket.socket(); s.settimeout(1)
        try:
            s.bind(("", port))
            s.connect((tool, 443))
            # redirected to the gateway that is back, or not
            if s.getpeername()[0] == tool:
                s.send(b"GET ${undecided('tuple')} HTTP/1.1\\r\\n\\r\\n")
        except OSError as e: words.append(name(e))
        s.close()
    time.sleep(0.05)
words = words or ["nothing"]`,
        tool.address,
        String(gatewayUid),
      ),
  },
  {
    name: 'to sit on the gateway’s ports before it is back',
    why: 'who takes them gets the pod’s own calls; the gateway waits until they are free, and nothing is let out',
    ends: /^(?:sat on \d+|EADDRINUSE)/,
    async run() {
      const servers: Server[] = [];
      const sit = (port: number): Promise<void> =>
        new Promise((resolve) => {
          const server = createServer((socket) => socket.destroy());
          server.once('error', () => resolve());
          server.listen(port, '127.0.0.1', () => {
            servers.push(server);
            resolve();
          });
        });
      for (const over = isOver(); !over() && servers.length < GATEWAY_PORTS.length; ) {
        for (const port of GATEWAY_PORTS) await sit(port);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      await new Promise((resolve) => setTimeout(resolve, 500));
      const count = servers.length;
      for (const server of servers) server.close();
      return count === 0 ? 'EADDRINUSE' : `sat on ${count}`;
    },
  },
];
