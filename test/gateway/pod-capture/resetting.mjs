// A server that resets whoever says something, and then counts nothing. Usage: resetting.mjs HOST:PORT…
import { createServer } from 'node:net';

for (const address of process.argv.slice(2)) {
  const [, host, port] = /^(.*):(\d+)$/.exec(address);
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.write('hello');
    socket.on('data', (chunk) => (String(chunk) === 'reset' ? socket.resetAndDestroy() : socket.end(`${chunk}!`)));
  });
  await new Promise((done) => server.listen({ host, port: Number(port) }, done));
}
console.log('ready');
