import { mkdtempSync, rmSync } from 'node:fs';
import type { Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openLeafContexts } from '../../../gateway/capture/ca/open-leaf-contexts.ts';
import type { ActivationSource } from '../../../gateway/enforcement/activation.ts';
import type { Decision } from '../../../gateway/enforcement/decision.ts';
import {
  type BoundAddresses,
  createGateway,
  type Gateway,
  type GatewayListeners,
  type GatewayOptions,
} from '../../../gateway/gateway.ts';
import type { LimitStore } from '../../../gateway/limits/limit-store.ts';
import type { CallInfo, CallOutcome, RefusedRequest } from '../../../gateway/telemetry/call-hooks.ts';
import { createUpstreams } from '../../../gateway/upstream/upstreams.ts';
import type { DecisionInput, PolicyResult } from '../../../policy/decision/types.ts';
import { compileToolContract, type ToolContract } from '../../../policy/mapping/contract.ts';
import type { AgentToolSpec } from '../../../policy/resources/types.generated.ts';
import { fakeActivation, fakeDeps, result, STRIPE } from '../listeners/fake-activation.ts';
import { listen } from '../listeners/http-client.ts';
import { fakeTool, type Seen } from './fake-tool.ts';

/** A tool with uploads, a WebSocket, a base path, and hosts of its own. */
const FILES: AgentToolSpec = {
  protocol: 'HTTP',
  upstream: { url: 'https://files.example.test/v2', hosts: ['*.files.example.test'] },
  actions: [
    { name: 'upload', effect: 'write', undeclared: 'Allow', match: { method: 'PUT', path: '/objects/{key}' } },
    { name: 'get_object', effect: 'read', match: { method: 'GET', path: '/objects/{key}' } },
    {
      name: 'follow',
      effect: 'read',
      webSocket: 'Allow',
      match: { method: 'GET', path: '/changes' },
    },
  ],
};

export interface World {
  gateway: Gateway;
  bound: BoundAddresses;
  /** What reached the tools. */
  seen: Seen[];
  decisions: Decision[];
  infos: CallInfo[];
  outcomes: { decision: Decision; outcome: CallOutcome }[];
  /** Codes of what was refused before it was a call. */
  refused: string[];
  refusals: RefusedRequest[];
  asked: DecisionInput[];
  errors: unknown[];
  tool: Server;
  toolPort: number;
  /** PEM file of the gateway's CA. */
  caFile: string;
  overrides: Record<string, string>;
  evaluate(call: DecisionInput): PolicyResult;
  active: boolean;
  reset(): void;
  close(): Promise<void>;
}

export interface WorldOptions {
  listeners?: GatewayListeners;
  tools?: Record<string, AgentToolSpec>;
  limits?: GatewayOptions['limits'];
  maxBody?: number;
  unknownHosts?: GatewayOptions['unknownHosts'];
  ca?: false;
  tool?: Server;
  limitStore?: LimitStore;
}

const LISTENERS: GatewayListeners = {
  decisions: { port: 0 },
  proxy: { port: 0 },
  tools: { 'stripe-payments': { port: 0 } },
  tls: { port: 0 },
};

/** A whole gateway on free ports of loopback, in front of one server that plays every tool. */
export async function openWorld(options: WorldOptions = {}): Promise<World> {
  const folder = mkdtempSync(join(tmpdir(), 'aegis-capture-'));
  const seen: Seen[] = [];
  const tool = options.tool ?? fakeTool((request) => seen.push(request));
  const toolPort = await listen(tool);
  const specs = options.tools ?? { 'stripe-payments': STRIPE, files: FILES };
  const contracts = new Map<string, ToolContract>(
    Object.entries(specs).map(([name, spec]) => [name, compileToolContract(name, spec)]),
  );
  const names = [...contracts.keys()];
  const activation = {
    ...fakeActivation((call) => {
      world.asked.push(call);
      return world.evaluate(call);
    }),
    contract: (agent: string, name: string) => (agent === 'finance-agent' ? contracts.get(name) : undefined),
  };
  const source: ActivationSource = {
    get: () => (world.active ? activation : undefined),
    list: () => (world.active ? [activation] : []),
  };
  const overrides: Record<string, string> = {};
  const upstreams = createUpstreams({ overrides, timeouts: { connect: 500, headers: 300 } });
  const deps = fakeDeps(() => Date.now(), options.limitStore);
  const caFile = join(folder, 'trust.pem');
  const ca =
    options.ca === false
      ? undefined
      : openLeafContexts(
          { folder: join(folder, 'ca'), exportTo: caFile },
          { now: () => Date.now(), randomBytes: (size) => crypto.getRandomValues(new Uint8Array(size)) },
        );
  const gateway = createGateway({
    listeners: options.listeners ?? LISTENERS,
    source,
    deps,
    upstreams,
    callers: { of: (name) => (contracts.has(name) ? { agent: 'finance-agent' } : undefined), tools: () => names },
    ticks: () => performance.now(),
    hooks: {
      onDecision(decision, info) {
        world.decisions.push(decision);
        world.infos.push(info);
      },
      onRefused(refused) {
        world.refused.push(refused.code);
        world.refusals.push(refused);
      },
      onOutcome: (decision, outcome) => world.outcomes.push({ decision, outcome }),
    },
    ...(ca !== undefined && { ca }),
    ...(options.maxBody !== undefined && { maxBody: options.maxBody }),
    ...(options.limits !== undefined && { limits: options.limits }),
    ...(options.unknownHosts !== undefined && { unknownHosts: options.unknownHosts }),
  });
  const world: World = {
    gateway,
    bound: { tools: {} },
    seen,
    decisions: [],
    infos: [],
    outcomes: [],
    refused: [],
    refusals: [],
    asked: [],
    errors: deps.errors,
    tool,
    toolPort,
    caFile,
    overrides,
    evaluate: () => result('allow'),
    active: true,
    reset() {
      for (const list of [
        seen,
        world.decisions,
        world.infos,
        world.outcomes,
        world.refused,
        world.refusals,
        world.asked,
        deps.errors,
      ])
        list.length = 0;
      world.evaluate = () => result('allow');
      world.active = true;
      for (const name of names) overrides[name] = `http://127.0.0.1:${toolPort}`;
    },
    async close() {
      await gateway.drain(0);
      await upstreams.close();
      tool.closeAllConnections();
      await new Promise((done) => tool.close(done));
      rmSync(folder, { recursive: true, force: true });
    },
  };
  world.reset();
  try {
    world.bound = await gateway.start();
  } catch (error) {
    await world.close();
    throw error;
  }
  return world;
}

export async function until(what: string, ask: () => boolean, ms = 5000): Promise<void> {
  const end = Date.now() + ms;
  while (!ask()) {
    if (Date.now() > end) throw new Error(`${what} did not happen`);
    await new Promise((done) => setTimeout(done, 5));
  }
}
