// The agent's side of one HTTP exchange, to an address and not to a name. Usage: agent.mjs JSON
import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { request as requestSecurely } from 'node:https';
import { connect } from 'node:net';

const { address, host, path, body, caFile, hold } = JSON.parse(process.argv[2]);

if (hold !== undefined) {
  const socket = connect({ host: address, port: hold }, () => console.log('held'));
  socket.on('error', ({ code }) => console.log(code));
} else {
  const options = {
    host: address,
    servername: host,
    path,
    method: body === undefined ? 'GET' : 'POST',
    headers: { Host: host, ...(body !== undefined && { 'Content-Type': 'application/x-www-form-urlencoded' }) },
    ...(caFile !== undefined && { ca: readFileSync(caFile) }),
  };
  const call = (caFile === undefined ? request : requestSecurely)(options, (res) => {
    let text = '';
    res.on('data', (chunk) => {
      text += chunk;
    });
    res.on('end', () => console.log(`${res.statusCode} ${text}`));
  });
  call.on('error', ({ code }) => console.log(code));
  call.end(body);
}
