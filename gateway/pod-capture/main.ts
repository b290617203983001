/**
 * The init container `aegis-capture`: redirects the traffic of its pod to the gateway, and guards what goes around it.
 * Ends with 0 once the rules are in place and were read back, else with 1, so that the pod does not start unguarded.
 * Usage: capture.mjs [XTABLES-NFT-MULTI]
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { AegisError } from '../../policy/errors.ts';
import { CAPTURE_CONFIG_VARIABLE } from '../../policy/wire/capture-config.ts';
import { applyCapture, type PodNetwork } from './apply-capture.ts';
import { readCaptureConfig } from './read-config.ts';

const [, , multi = '/usr/sbin/xtables-nft-multi'] = process.argv;
const TIMEOUT = 20_000;
const MAX_SAID = 500;

const network: PodNetwork = {
  run(program, args, input) {
    const { status, signal, stdout, stderr, error } = spawnSync(multi, [program, ...args], {
      input,
      encoding: 'utf8',
      timeout: TIMEOUT,
    });
    if (error !== undefined) throw error;
    if (status === 0) return stdout;
    throw new Error(stderr.trim().slice(0, MAX_SAID) || `ended with ${status ?? signal}`);
  },
  readFile(path) {
    try {
      return readFileSync(path, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  },
};

/** As the kubelet tells every container. */
function apiServerOf(environment: NodeJS.ProcessEnv): { address: string; port: number } | undefined {
  const { KUBERNETES_SERVICE_HOST: address = '', KUBERNETES_SERVICE_PORT: port = '' } = environment;
  return address !== '' && /^[1-9][0-9]{0,4}$/.test(port) ? { address, port: Number(port) } : undefined;
}

/** Told by the kubelet as the reason why the pod does not start. */
function refuse(code: string, message: string, fix?: string): void {
  process.stderr.write(`${JSON.stringify({ event: 'capture.failed', code, message, fix })}\n`);
  process.exitCode = 1;
}

try {
  const config = readCaptureConfig(process.env[CAPTURE_CONFIG_VARIABLE]);
  const result = applyCapture(config, network, apiServerOf(process.env));
  process.stdout.write(`${JSON.stringify({ event: 'capture.applied', ...result })}\n`);
} catch (error) {
  if (error instanceof AegisError) refuse(error.code, error.message, error.fix);
  else refuse('AEGIS_CAPTURE_RULES', error instanceof Error ? error.message : 'it failed');
}
