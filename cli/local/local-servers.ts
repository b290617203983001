import type { Callers } from '../../gateway/capture/attribution.ts';
import type { LeafContexts } from '../../gateway/capture/ca/leaf-contexts.ts';
import type { ActivationSource } from '../../gateway/enforcement/activation.ts';
import type { DecideDeps } from '../../gateway/enforcement/decide-call.ts';
import type { Decision } from '../../gateway/enforcement/decision.ts';
import { createGateway } from '../../gateway/gateway.ts';
import type { Upstreams } from '../../gateway/upstream/types.ts';
import { createUpstreams } from '../../gateway/upstream/upstreams.ts';
import { AegisError } from '../../policy/errors.ts';

const DRAIN_MS = 2000;

export interface LocalServersOptions {
  source: ActivationSource;
  deps: DecideDeps;
  callers: Callers;
  upstreams: Readonly<Record<string, string>>;
  /** Folder of the CA for CONNECT; absent: CONNECT to tools is refused. */
  caFolder?: string;
  /** Folder of `<tool>/credential/<key>`; absent: tools that need one are closed. */
  secretsFolder?: string;
  allowPrivate: readonly string[];
  /** Milliseconds since the epoch. */
  clock(): number;
  randomBytes(size: number): Uint8Array;
  decisionsPort: number;
  proxyPort: number;
  ticks(): number;
  onDecision?(decision: Decision, micros: number): void;
}

export interface LocalServers {
  decisionsPort: number;
  proxyPort: number;
  close(): Promise<void>;
}

function openUpstreams({ upstreams, secretsFolder, allowPrivate }: LocalServersOptions): Upstreams {
  try {
    return createUpstreams({ overrides: upstreams, secretsDir: secretsFolder, allowPrivate });
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new AegisError('AEGIS_USAGE', '--allow-private takes blocks such as 10.0.0.0/8 or fd00::/8.');
  }
}

async function openCa({ caFolder, clock, randomBytes }: LocalServersOptions): Promise<LeafContexts | undefined> {
  if (caFolder === undefined) return undefined;
  const { openLeafContexts } = await import('../../gateway/capture/ca/open-leaf-contexts.ts');
  return openLeafContexts({ folder: caFolder }, { now: clock, randomBytes });
}

/**
 * Opens the decision endpoint and the proxy (path prefix and forward proxy), on loopback only: whoever can reach them
 * acts as this user. @throws AegisError `AEGIS_PORT_IN_USE`.
 */
export async function openLocalServers(options: LocalServersOptions): Promise<LocalServers> {
  const { source, deps, callers, ticks, onDecision } = options;
  const upstreams = openUpstreams(options);
  const ca = await openCa(options);
  const gateway = createGateway({
    listeners: { decisions: { port: options.decisionsPort }, proxy: { port: options.proxyPort } },
    source,
    deps,
    upstreams,
    callers,
    ticks,
    ...(ca !== undefined && { ca }),
    hooks: { onDecision: (decision, { micros }) => onDecision?.(decision, micros) },
  });
  try {
    const { decisions, proxy } = await gateway.start();
    return {
      decisionsPort: decisions?.port ?? 0,
      proxyPort: proxy?.port ?? 0,
      async close() {
        await gateway.drain(DRAIN_MS);
        await upstreams.close();
      },
    };
  } catch (error) {
    await upstreams.close();
    if (error instanceof AegisError && error.code === 'AEGIS_LISTEN') {
      throw new AegisError('AEGIS_PORT_IN_USE', error.message, { cause: error });
    }
    throw error;
  }
}
