// The world outside the pod: whatever comes is answered with the protocol, the port, and where it came from.
// Usage: outside.mjs ADDRESSES TCP_PORTS UDP_PORTS, each with commas between them.
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';

const [addresses, tcp, udp] = process.argv.slice(2).map((list) => list.split(','));
const waiting = [];
for (const host of addresses) {
  for (const port of tcp) {
    const server = createServer((socket) => {
      socket.on('error', () => socket.destroy());
      socket.end(`tcp ${port} ${socket.remoteAddress}`);
    });
    waiting.push(new Promise((done) => server.listen(Number(port), host, done)));
  }
  for (const port of udp) {
    // Answers come from the address that was asked.
    const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
    socket.on('message', (_, from) => socket.send(`udp ${port} ${from.address}`, from.port, from.address));
    waiting.push(new Promise((done) => socket.bind(Number(port), host, done)));
  }
}
await Promise.all(waiting);
console.log('ready');
