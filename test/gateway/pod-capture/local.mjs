// Stands in for the gateway, or for any server of the pod. Usage: local.mjs HOST:PORT…
import { createServer } from 'node:net';

for (const address of process.argv.slice(2)) {
  const [, host, port] = /^(.*):(\d+)$/.exec(address);
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.end(`here ${host} ${port}`);
  });
  await new Promise((done) => server.listen({ host, port: Number(port), ipv6Only: host.includes(':') }, done));
}
console.log('ready');
