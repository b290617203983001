/** A program that logs 20,000 lines to its standard output through the queue, and reports on standard error. */
import { streamSink } from '../../../gateway/telemetry/line-sink.ts';
import { LogQueue } from '../../../gateway/telemetry/log-queue.ts';

const LINES = 20_000;
const [directory = ''] = process.argv.slice(2);
const queue = new LogQueue({
  sink: streamSink(process.stdout, 'stdout'),
  spill: { directory, maxSize: 50_000_000 },
  stalledAfter: 50,
  ticks: () => performance.now(),
  random: Math.random,
});
let next = 0;
let longest = 0;
let last = performance.now();
setInterval(() => {
  longest = Math.max(longest, performance.now() - last);
  last = performance.now();
}, 5);
const timer = setInterval(() => {
  for (let i = 0; i < 200 && next < LINES; i++) {
    queue.append(`${JSON.stringify({ n: next++, filler: 'x'.repeat(100) })}\n`);
  }
  if (next < LINES) return;
  clearInterval(timer);
  setInterval(() => process.stderr.write(`${JSON.stringify({ longest, ...queue.state })}\n`), 50);
}, 5);
process.on('SIGTERM', () => queue.close(2000).then(() => process.exit(0)));
