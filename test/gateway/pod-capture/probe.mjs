// Tries connections, and prints what became of each: the answer, or the error's code. Usage: probe.mjs JSON
import { createSocket } from 'node:dgram';
import { connect } from 'node:net';

const WAIT = 3000;

function tcp(host, port) {
  return new Promise((done) => {
    const socket = connect({ host, port });
    let text = '';
    socket.setTimeout(WAIT, () => socket.destroy(Object.assign(new Error(), { code: 'silence' })));
    socket.on('data', (chunk) => {
      text += chunk;
    });
    socket.on('error', ({ code }) => done(code));
    socket.on('end', () => done(text));
  });
}

function udp(host, port) {
  return new Promise((done) => {
    const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
    const finish = (result) => {
      clearTimeout(timer);
      socket.close(() => done(result));
    };
    const timer = setTimeout(() => finish('silence'), WAIT);
    socket.on('message', (message) => finish(message.toString()));
    socket.on('error', ({ code }) => finish(code));
    // Connected, so that it is told of a refusal.
    socket.connect(port, host, (error) => (error ? finish(error.code) : socket.send('hello')));
  });
}

const ways = { tcp, udp };
const asked = JSON.parse(process.argv[2]);
console.log(JSON.stringify(await Promise.all(asked.map(([way, host, port]) => ways[way](host, port)))));
