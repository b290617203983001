/** The program `aegis gateway`: the real terminal, clock, randomness, network and signals. */
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { runProgram } from '../runtime/program/run-program.ts';
import { GATEWAY_SETTINGS } from './config/gateway-settings.ts';
import { startProgram } from './program/start-program.ts';
import { VERSION } from './version.ts';

await runProgram({
  settings: GATEWAY_SETTINGS,
  version: VERSION,
  defect: 'AEGIS_GATEWAY_DEFECT',
  complete: (given) => given,
  level: (settings) => settings['telemetry.level'],
  async start(settings, logger) {
    const program = await startProgram(settings, {
      stdout: process.stdout,
      logger,
      now: Date.now,
      ticks: () => performance.now(),
      random: Math.random,
      randomBytes: (size) => randomBytes(size),
      hostName: hostname(),
      version: VERSION,
      started: performance.timeOrigin,
    });
    return { end: () => program.drain(), crash: () => program.crash() };
  },
});
