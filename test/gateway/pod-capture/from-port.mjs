// One connection from a source port, and what became of it. Usage: from-port.mjs tcp|udp LOCAL_PORT HOST PORT WORD
import { createSocket } from 'node:dgram';
import { connect } from 'node:net';

const [way, local, host, port, word] = process.argv.slice(2);
const localPort = Number(local);
const timer = setTimeout(() => done('silence'), 3000);

function done(result) {
  clearTimeout(timer);
  console.log(result);
  process.exit();
}

if (way === 'tcp') {
  const socket = connect({ host, port: Number(port), localPort });
  let text = '';
  socket.on('data', (chunk) => {
    if (text === '') socket.write(word);
    text += chunk;
  });
  socket.on('error', ({ code }) => done(code));
  socket.on('end', () => done(text));
} else {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  socket.on('message', (message) => done(String(message)));
  socket.on('error', ({ code }) => done(code));
  socket.bind(localPort, () =>
    socket.connect(Number(port), host, (error) => (error ? done(error.code) : socket.send(word))),
  );
}
