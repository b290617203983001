// A tool outside the pod: answers HTTP with what was asked. Also keeps connections open on the second port.
// Usage: outside-tool.mjs ADDRESS HTTP_PORT OPEN_PORT
import { createServer } from 'node:http';
import { createServer as createNetServer } from 'node:net';

const [address, httpPort, openPort] = process.argv.slice(2);
const http = createServer((req, res) => {
  req.resume();
  res.setHeader('Content-Type', 'application/json');
  res.end(JSON.stringify({ tool: req.headers.host, url: req.url }));
});
await new Promise((done) => http.listen(Number(httpPort), address, done));
const open = createNetServer((socket) => socket.on('error', () => socket.destroy()).resume());
await new Promise((done) => open.listen(Number(openPort), address, done));
console.log('ready');
