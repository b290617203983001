import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import { join } from 'node:path';
import { parse } from 'yaml';
import { CaBundle, VALIDATING_WEBHOOKS, VALIDATION_WEBHOOK } from '../../../operator/certificates/ca-bundle.ts';
import { type HttpsServer, openHttps } from '../../../operator/certificates/https-server.ts';
import {
  ServingCertificate,
  type ServingCertificateOptions,
} from '../../../operator/certificates/serving-certificate.ts';
import { createKubeClient } from '../../../operator/kube/client.ts';
import type { KubeClient } from '../../../operator/kube/types.ts';
import type { ResourcesAround } from '../../../operator/webhook/resources-around.ts';
import { validatingWebhook, type WebhookOptions } from '../../../operator/webhook/validating-webhook.ts';
import type { LoadedResource } from '../../../policy/resources/resource.ts';
import type { Fields, Logger } from '../../../runtime/telemetry/logger.ts';
import { systemClock } from '../../../runtime/time/clock.ts';
import type { ApiServer } from '../../apiserver/api-server.ts';

export const digest = (text: string): string => createHash('sha256').update(text).digest('hex');

/** What the webhook compares with; a test puts in what it likes. */
export class FixedAround implements ResourcesAround {
  synced = true;
  resources: LoadedResource[] = [];

  around(): readonly LoadedResource[] {
    return this.resources;
  }
}

export class MemoryLog implements Logger {
  readonly lines: { level: string; event: string; fields: Fields }[] = [];
  error = (event: string, fields: Fields = {}): void => void this.lines.push({ level: 'error', event, fields });
  warn = (event: string, fields: Fields = {}): void => void this.lines.push({ level: 'warn', event, fields });
  info = (event: string, fields: Fields = {}): void => void this.lines.push({ level: 'info', event, fields });
  debug = (event: string, fields: Fields = {}): void => void this.lines.push({ level: 'debug', event, fields });
}

type Lives = Pick<ServingCertificateOptions, 'authorityLife' | 'leafLife' | 'overlap'>;

/** One replica as far as the webhook needs it: certificate, HTTPS, handler, caBundle; it leads. */
export class WebhookReplica {
  readonly log = new MemoryLog();
  readonly around = new FixedAround();
  readonly client: KubeClient;
  readonly certificate: ServingCertificate;
  readonly caBundle: CaBundle;
  server: HttpsServer | undefined;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>[] = [];

  constructor(apiServer: ApiServer, namespace: string, lives: Lives = {}) {
    const basics = { clock: systemClock, random: Math.random, log: this.log };
    this.client = createKubeClient({ kubeconfig: apiServer.kubeconfig, userAgent: 'aegis-test' });
    const names = ['127.0.0.1'];
    const { client } = this;
    this.certificate = new ServingCertificate({ ...basics, ...lives, client, namespace, names, randomBytes });
    const configuration = { type: VALIDATING_WEBHOOKS, name: VALIDATION_WEBHOOK };
    this.caBundle = new CaBundle({ ...basics, ...configuration, client, certificate: this.certificate });
    this.certificate.addConsumer(this.caBundle);
  }

  async start(
    options: Partial<WebhookOptions> & { port?: number; leads?: boolean; reconnect?: boolean } = {},
  ): Promise<void> {
    const { signal } = this.#stop;
    this.#running.push(this.certificate.run(signal));
    await this.certificate.whenReady(signal);
    if (options.leads !== false) this.#running.push(this.certificate.rotate(signal), this.caBundle.run(signal));
    const app = validatingWebhook({
      resources: this.around,
      check: { digest },
      monotonic: () => performance.now(),
      ...options,
    });
    // Every call of the API server makes a connection of its own, and judges the certificate anew.
    const handler: RequestListener = (request, response) => {
      if (options.reconnect) response.setHeader('connection', 'close');
      app(request, response);
    };
    const address = { host: '127.0.0.1', port: options.port ?? 0 };
    this.server = await openHttps({ name: 'listen.webhook', address, certificate: this.certificate, handler });
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error('stopped'));
    await Promise.all(this.#running);
    await this.server?.close();
    await this.client.close();
  }
}

/** The manifest, with the URL in place of the service, as a test has no cluster network. */
export function webhookManifest(port: number): { metadata: object; webhooks: Record<string, unknown>[] } {
  const manifest = parse(readFileSync(join(__dirname, '../../../config/webhook/validating-webhook.yaml'), 'utf8'));
  for (const webhook of manifest.webhooks) webhook.clientConfig = { url: `https://127.0.0.1:${port}/validate` };
  return manifest;
}
